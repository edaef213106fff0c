"""The verdict on a model, by audit rows, else by rows with gold that it did not learn from."""

from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.models import fit
from labelkit.models.training_labels import Codes, Mask, Told
from labelkit.verdict import evidence, messages, of_column
from labelkit.verdict.evidence import AUDIT, UNSEEN_GOLD, Figure
from labelkit.verdict.judge import target_of
from labelkit.verdict.messages import Conclusion, File

if TYPE_CHECKING:
    from labelkit.job.job import Job


def conclude(
    job: "Job",
    told: Told,
    learned: fit.Learned,
    accuracy: dict[str, Any],
    judged: tuple[Mask, Codes],
    matrix: Any,
) -> Conclusion:
    """Return the verdict; `judged` are the rows of the matrix that measure, and their classes.

    `accuracy` is that of the model's card. A class that the model does not know is one further.
    """
    rows, truth = judged
    k, n = len(told.classes), len(rows)
    shares = fit.predict(learned.model, matrix[rows], k, learned.temperature)
    codes, sure = np.full(n, -1), np.full(n, np.nan)
    if rows.any():
        codes[rows], sure[rows] = shares.argmax(axis=1), shares.max(axis=1)
    learning = int(learned.facts["rows"])
    known = evidence.gather(
        told.classes,
        evidence.Labels(codes, sure),
        np.where(truth == -2, k, truth),
        rows,
        np.zeros(n, dtype=bool),
        {},
        _figure(accuracy, learning),
        rows=learning,
        labelled=learning,
    )
    everyone = np.ones(job.rows, dtype=bool)
    known = known._replace(askable=int(of_column.askable(job, everyone).sum()), machine=learning)
    paths = [str(path) for path in job.options["input"]]
    path = paths[0] if len(paths) == 1 else ""
    file = File(job.options, job.task, path, job.label_columns(), "")
    return messages.conclude(known, target_of(job.options.get("target_accuracy")), file)


def _figure(accuracy: dict[str, Any], learning: int) -> Figure | None:
    for name, basis in (("audit", AUDIT), ("gold", UNSEEN_GOLD)):
        one = accuracy[name]
        if one:
            ends = (one["value"], one["low"], one["high"])
            return Figure(*ends, one["rows"], basis, learning, of="the model")
    return None
