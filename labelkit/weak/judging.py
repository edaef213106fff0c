"""The verdict on weak labels, with an alarm for a labeling function that is worse than a guess."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from labelkit.data.labels import Mask
from labelkit.verdict import alarms, of_column
from labelkit.verdict.alarms import Alarm
from labelkit.verdict.evidence import Source
from labelkit.verdict.messages import Conclusion
from labelkit.verdict.of_column import Truth
from labelkit.weak.analysis import report
from labelkit.weak.analysis.lf_statistics import summarise
from labelkit.weak.scoring import Scores
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job


def conclude(
    job: "Job",
    names: Sequence[str],
    classes: Sequence[str],
    votes: Counted,
    labels: tuple[Counted, Scores],
) -> Conclusion:
    """Return the verdict: `votes` are those of the functions, `labels` what became of them."""
    counted, scores = labels
    among: Mask = np.asarray(counted.rows >= 0)
    codes = counted.each_row(scores.codes, -1)
    confidence = counted.each_row(scores.confidence, np.nan)
    truth = of_column.truth_of(job, classes, np.asarray(codes >= 0))
    more = _alarms(names, votes, truth)
    target = job.options.get("target_accuracy")
    return of_column.conclude(job, (codes, confidence), truth, among, target, more)


def _alarms(names: Sequence[str], votes: Counted, truth: Truth) -> list[Alarm]:
    known = votes.by_class(truth.codes, len(truth.names))
    if not known.nnz:
        return []
    chances = report.chances(votes.votes, votes.counts, known)
    sources = [
        Source(
            each.name,
            rows=each.votes,
            classes=len(each.polarity),
            judged=(each.correct or 0) + (each.incorrect or 0),
            right=each.correct or 0,
            chance=chance,
        )
        for each, chance in zip(
            summarise(names, votes.votes, votes.counts, known), chances, strict=True
        )
    ]
    tests = sum(source.judged > 0 for source in sources)
    found = [alarms.worse_than_chance(source, tests, truth.basis) for source in sources]
    return [alarm for alarm in found if alarm is not None]
