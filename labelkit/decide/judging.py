"""What decide knows about its labels, and the verdict on them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.combine.policy import Decision, Machine
from labelkit.combine.sources import MODEL, PEOPLE, Said
from labelkit.command import next_steps
from labelkit.data.labels import Codes, Mask, read_labels
from labelkit.decide.claim import Claim
from labelkit.verdict import evidence, messages
from labelkit.verdict.evidence import AUDIT, GOLD, Evidence, Figure
from labelkit.verdict.judge import Target
from labelkit.verdict.messages import Conclusion, File

if TYPE_CHECKING:
    from labelkit.job.job import Job


def conclude(
    job: "Job", said: Said, machine: Machine, final: Decision, among: Mask, claim: Claim | None,
    target: Target,
) -> Conclusion:  # fmt: skip
    """Return the verdict on the labels of the rows `among`."""
    known = _evidence(job, said, machine, final, among, claim)
    rest = [source.column for source in said.sources]
    people = [PEOPLE] if job.source.has(PEOPLE) else []
    labels = [*people, *([job.column("label")] if job.output else [])]

    def leave_out(names: Sequence[str]) -> str | None:
        return _without(job, [column for column in rest if column not in names])

    confidence = job.column("confidence")
    seconds = _seconds(job, said)
    file = File(job.options, job.task, job.output, labels, confidence, leave_out, seconds)
    return messages.conclude(known, target, file)


def _evidence(
    job: "Job", said: Said, machine: Machine, final: Decision, among: Mask, claim: Claim | None
) -> Evidence:
    labelled = among & (final.codes >= 0)
    figure = None
    if claim is not None:
        value, low, high, labels, people, audit = claim
        figure = Figure(value, low, high, audit, AUDIT, labels, people)
    truth, judged = said.people, among & said.audit & (said.people >= 0)
    gold = _gold(job, said)
    if gold is not None and evidence.is_complete(gold >= 0, labelled):
        by_gold = evidence.measured(np.where(labelled, final.codes, -1), gold, among, GOLD)
        figure, truth, judged = by_gold, gold, among
    machine_codes = np.where(among, machine.decision.codes, -1)
    sources = {s.column: np.where(among, s.undoubted.codes, -1) for s in said.sources}
    own = [each for each in machine.pooled if each.name == MODEL and each.column not in sources]
    return evidence.gather(
        said.names,
        evidence.Labels(machine_codes, machine.decision.confidence),
        truth,
        judged,
        among & (said.people < 0),
        sources,
        figure,
        rows=int(among.sum()),
        labelled=int(labelled.sum()),
        reader=own[0].voter.codes if own else None,
    )


def _gold(job: "Job", said: Said) -> Codes | None:
    """Return the gold codes, one class further for labels that nobody else gives; -1 for none."""
    gold = job.gold()
    if gold is None:
        return None
    place = {name: code for code, name in enumerate(said.names)}
    texts = read_labels(gold, said.names)
    return np.array([place.get(text, len(place)) if text else -1 for text in texts], dtype=np.int32)


def _seconds(job: "Job", said: Said) -> float | None:
    """Return the mean seconds that a label took people; None where the file does not say it."""
    if not job.source.has("label_seconds"):
        return None
    cells = pa.array(job.source.texts("label_seconds")[said.people >= 0], pa.string())
    try:
        timed = pc.cast(cells.filter(pc.not_equal(cells, "")), pa.float64())
    except pa.ArrowInvalid:  # a column of this name that somebody else wrote
        return None
    return float(pc.mean(timed).as_py()) if len(timed) else None


def _without(job: "Job", rest: Sequence[str]) -> str | None:
    """Return this command with the labels of the other sources alone."""
    inputs = [str(path) for path in job.options["input"]]
    if inputs == ["-"] or not rest:
        return None
    words = [*inputs, "-o", job.output, *(w for name in rest for w in ("--label", name))]
    words += next_steps.words_of("answers", job.options.get("answers") or [])
    return next_steps.command(job.options, job.task, "decide", *words)
