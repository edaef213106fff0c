"""--explain KEY: all that speaks for and against one label, as small tables."""

from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.noise.findings import Findings
from labelkit.noise.reasons import Speaker

if TYPE_CHECKING:
    from labelkit.job.job import Job

WORDS = 8


def tell(job: "Job", row: int, found: Findings, speaker: Speaker | None) -> None:
    """Show why the label of a row is doubted, or not; on stdout where no file is written."""
    key = f"{job.key_name} {job.keys()[row]}"
    place = _place(row, speaker)
    if speaker is None or place is None:
        why = found.reason[row] or "its label was not judged"
        _line(job, f"\n{key}: {why}")
        return
    evidence, classes = speaker.evidence, speaker.evidence.classes
    given, best = int(evidence.given[place]), classes.index(_rival(found, speaker, row, place))
    flag = "flagged" if found.flag[row] else "not flagged"
    _line(
        job,
        f"\n{key}: given {classes[given]}, quality {found.quality[row]:.3f}, {flag}"
        f"{': ' + found.reason[row] if found.reason[row] else ''}",
    )
    said = [
        [each.name, classes[int(each.probabilities[place].argmax())],
         float(each.probabilities[place, given]), float(each.probabilities[place, best])]
        for each in evidence.opinions
    ]  # fmt: skip
    mean = evidence.probabilities[place]
    said.append(["all", classes[int(mean.argmax())], float(mean[given]), float(mean[best])])
    _table(
        job,
        "what each view says, not having seen this row",
        ["view", "says", f"P({classes[given]})", f"P({classes[best]})"],
        said,
    )
    near = [
        [speaker.key(each.row), classes[each.label], each.distance, speaker.text(each.row)]
        for each in speaker.neighbours(place)
    ]
    if near:
        _table(job, "nearest labelled rows", ["row", "label", "distance", "text"], near)
    words = speaker.words(place, best, WORDS)
    if words:
        _table(
            job,
            f"words that speak for {classes[best]}",
            ["word", "weight"],
            [list(w) for w in words],
        )


def _line(job: "Job", text: str) -> None:
    (console.note if job.output else console.data_line)(text)


def _table(job: "Job", title: str, header: list[str], rows: list[list[Any]]) -> None:
    if job.output:
        console.table(title, header, rows)
    else:
        console.data_line(title)
        console.data_table(header, rows)


def _place(row: int, speaker: Speaker | None) -> int | None:
    if speaker is None:
        return None
    found = np.flatnonzero(speaker.evidence.rows == row)
    return int(found[0]) if len(found) else None


def _rival(found: Findings, speaker: Speaker, row: int, place: int) -> str:
    """Return the suggestion, or the likeliest other class where the given one is suggested."""
    classes, given = speaker.evidence.classes, speaker.evidence.given[place]
    suggested = str(found.suggested[row])
    if suggested in classes and suggested != classes[given]:
        return suggested
    others = speaker.evidence.probabilities[place].copy()
    others[given] = -1
    return classes[int(others.argmax())]
