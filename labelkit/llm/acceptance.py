"""What the labels are for: how sure they have to be, and who gets the others."""

from pathlib import Path
from typing import NamedTuple

from labelkit.errors import UsageError
from labelkit.job.batch_file import check_batch
from labelkit.job.job import Job
from labelkit.llm.answers import evaluation, threshold
from labelkit.llm.answers.evaluation import Known
from labelkit.llm.options import Wanted


class Aim(NamedTuple):
    """--threshold, --target-accuracy and --batch, checked.

    `good_enough` is the target that was given; without one the threshold and the verdict have
    defaults of their own.
    """

    threshold: str | None
    target: float
    batch: Path | None
    good_enough: float | None = None


def aim_of(job: Job, wanted: Wanted, known: Known) -> Aim:
    """Return what the labels are for; raises, before anything is asked, where it cannot be."""
    threshold.check_target(wanted.cut_target)
    evaluation.confidence_of(wanted.threshold, "--threshold")
    evaluation.confidence_of(wanted.unsure, "--unsure")
    if wanted.threshold == "auto":
        threshold.check_known(known.count, wanted.cut_target)
    if wanted.batch is not None:
        if wanted.threshold is None:
            raise UsageError(
                "--batch gets the rows below --threshold: give --threshold auto, or a confidence"
            )
        check_batch(job, wanted.batch)
    return Aim(wanted.threshold, wanted.cut_target, wanted.batch, wanted.target_accuracy)
