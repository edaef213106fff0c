"""Texts that say nearly the same as another row, those with different labels first."""

from typing import TYPE_CHECKING

from labelkit import console
from labelkit.noise.checks import neighbours
from labelkit.noise.reasons import Speaker

if TYPE_CHECKING:
    from labelkit.job.job import Job

SHOWN = 3


def tell(job: "Job", speaker: Speaker) -> None:
    """Say how many there are and name some, and fill the summary."""
    pairs = speaker.near_duplicates()
    if not pairs:
        return
    label = dict(zip(speaker.evidence.rows.tolist(), speaker.evidence.given.tolist(), strict=True))
    differ = [(row, other) for row, other in pairs if label[row] != label[other]]
    rows = len({row for pair in pairs for row in pair})
    job.figures({"near_duplicates": {"rows": rows, "pairs_with_different_labels": len(differ)}})
    text = f"near duplicates: {rows:,} rows have nearly the words of another"
    if differ:
        named = [f"{speaker.key(row)} and {speaker.key(other)}" for row, other in differ[:SHOWN]]
        text += f", {len(differ):,} pairs have different labels ({'; '.join(named)})"
    if len(label) > neighbours.SAMPLE:
        text += f"; looked for among {neighbours.SAMPLE:,} rows"
    console.note(text)
