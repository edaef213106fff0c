"""Why a row was picked, in words, and what it probably is."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats import pick_reasons
from labelkit.stats.ties import likeliest as likeliest_class

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool
    from labelkit.job.job import Job


class Guesses(NamedTuple):
    """A label for each row, '' where there is none, and its confidence, NaN where unknown."""

    labels: npt.NDArray[np.object_]
    confidence: npt.NDArray[np.float64]


def reason(pool: "Pool", place: int, strategy: str, score: float) -> str:
    """Return why the row was picked: the strategy's own words, else the probabilities."""
    if place in pool.reasons:
        return pool.reasons[place]
    if pool.probabilities is None:
        return f"{strategy} {score:.3g}"
    # Without a model there is no ensemble to compare: its strategies score by entropy then.
    alone = pool.estimator is None and strategy in pick_reasons.SCORES
    measured_by = "entropy" if alone else strategy
    return pick_reasons.reason(measured_by, score, pool.probabilities[place], pool.classes)


def likeliest(probabilities: "Floats | None", classes: list[str], rows: int) -> Guesses:
    """Return the likeliest class of each row, none at a tie and without probabilities."""
    if probabilities is None:
        return Guesses(np.full(rows, "", dtype=object), np.full(rows, np.nan))
    known = ~np.isnan(probabilities).any(axis=1)
    codes, confidence = likeliest_class(probabilities)
    names = np.array([*classes, ""], dtype=object)[np.where(known, codes, -1)]
    return Guesses(names, np.where(known & (codes >= 0), confidence, np.nan))


def first_known(first: Guesses, second: Guesses) -> Guesses:
    """Return the first guess of each row, the second where there is none."""
    known = first.labels != ""
    return Guesses(
        np.where(known, first.labels, second.labels).astype(object),
        np.where(known, first.confidence, second.confidence),
    )


def machine_guesses(job: "Job", people: list[str], relabelled: bool) -> Guesses:
    """Return the first label of a machine that each row of the file has, with its confidence.

    Where rows are asked again, what find-noise suggests stands first.
    """
    names = ["noise_suggested"] if relabelled else []
    names += [name for name in job.label_columns() if name not in people]
    names += ["llm_label", "weak_label"]
    labels = np.full(job.rows, "", dtype=object)
    confidence = np.full(job.rows, np.nan)
    read = job.source.texts_of([name for name in names if job.source.has(name)])
    for name, texts in read.items():
        fresh = (labels == "") & (texts != "")
        if fresh.any():
            labels[fresh] = texts[fresh]
            confidence[fresh] = confidence_beside(job, name)[fresh]
    return Guesses(labels, confidence)


def confidence_beside(job: "Job", column: str) -> npt.NDArray[np.float64]:
    """Return how sure a label column is, by the confidence column beside it; NaN where unknown."""
    beside = column.removesuffix("label") + "confidence"
    is_there = beside != column and job.source.has(beside)
    if not is_there or job.source.kinds([beside])[beside] != "number":
        return np.full(job.rows, np.nan)
    numbers = job.source.read([beside], typed=True).column(0).to_numpy()
    return np.asarray(numbers, dtype=np.float64)
