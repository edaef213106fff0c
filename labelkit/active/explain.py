"""Why a row was picked, in words, and what it probably is."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies.entropy import entropies

if TYPE_CHECKING:
    from labelkit.active.pool import Pool
    from labelkit.columns import Labels
    from labelkit.job import Job

AUDIT_REASON = "random audit row"


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
    row = pool.probabilities[place]
    first, second = np.argsort(-row, kind="stable")[:2]
    if strategy.endswith("entropy"):
        measure = f"entropy {entropies(row[None, :])[0]:.2f}"
    elif strategy in ("least-confidence", "modal-uncertainty"):
        measure = f"confidence {row[first]:.2f}"
    else:
        measure = f"margin {row[first] - row[second]:.2f}"
    names = pool.classes
    return f"{measure}: {names[first]} {row[first]:.2f}, {names[second]} {row[second]:.2f}"


def model_guesses(pool: "Pool") -> Guesses | None:
    """Return the likeliest class of each row of the pool, None where there is no model."""
    if pool.probabilities is None:
        return None
    codes = pool.probabilities.argmax(axis=1)
    names = np.array(pool.classes, dtype=object)
    return Guesses(names[codes], pool.probabilities.max(axis=1))


def machine_guesses(job: "Job", people: list[str]) -> Guesses:
    """Return the first label of a machine that each row of the file has, with its confidence."""
    names = [name for name in job.label_columns() if name not in people]
    names += ["llm_label", "weak_label"]
    labels = np.full(job.rows, "", dtype=object)
    confidence = np.full(job.rows, np.nan)
    for name in dict.fromkeys(names):
        if not job.source.has(name):
            continue
        texts = job.source.texts(name)
        fresh = (labels == "") & (texts != "")
        labels[fresh] = texts[fresh]
        beside = name.removesuffix("label") + "confidence"
        if beside != name and job.source.has(beside) and job.source.kinds([beside])[beside] == "number":
            numbers = job.source.read([beside], typed=True).column(0).to_numpy()
            confidence[fresh] = np.asarray(numbers, dtype=np.float64)[fresh]
    return Guesses(labels, confidence)
