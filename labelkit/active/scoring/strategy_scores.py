"""The strategy, found by its name and run; what it returns is checked."""

import traceback
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.active.scoring import column_scores, disagreement
from labelkit.active.strategies import default
from labelkit.config import plugins
from labelkit.errors import LabelkitError, UsageError, listing, nearest

if TYPE_CHECKING:
    from labelkit.active.candidates import Rows
    from labelkit.active.pool import Floats, Pool
    from labelkit.job.job import Job

NEED_NO_MODEL = ("default", "coverage", "random")


def check(job: "Job", name: str) -> None:
    """Raise UsageError for a strategy that is not known or reads what is not there."""
    if name.startswith(column_scores.PREFIX):
        column_scores.check(job, name.removeprefix(column_scores.PREFIX))
    elif name.startswith(disagreement.PREFIX):
        disagreement.check(job, name)
    elif name == column_scores.RELABEL:
        column_scores.flagged(job)
    elif ".py:" not in name and name not in plugins.names("strategy"):
        own = [column_scores.PREFIX + "COLUMN", disagreement.PREFIX + "A,B", column_scores.RELABEL]
        choices = [*plugins.names("strategy"), *own]
        raise UsageError(
            f"--strategy {name!r} is not known{nearest(name, choices)} "
            f"(choices: {listing(choices, 20)}; or your own as file.py:function)"
        )
    else:
        plugins.load("strategy", name)


def asks_a_model(name: str) -> bool:
    """Tell whether a strategy looks at what a model says of the rows."""
    return not reads_columns(name) and name not in ("coverage", "random")


def covers_when_cold(name: str) -> bool:
    """Tell whether `coverage` picks for a strategy as long as nothing could be learned."""
    return name in plugins.names("strategy") and name != "random"


def reads_columns(name: str) -> bool:
    """Tell whether a strategy reads its scores from columns of the file."""
    prefixes = (column_scores.PREFIX, disagreement.PREFIX)
    return name.startswith(prefixes) or name == column_scores.RELABEL


def read(job: "Job", name: str, rows: "Rows") -> column_scores.Read:
    """Return the scores of a strategy that reads columns, and why each row would be picked."""
    if name == column_scores.RELABEL:
        return column_scores.relabel(job, rows)
    if name.startswith(disagreement.PREFIX):
        return disagreement.disagreement(job, name, rows)
    return column_scores.by_column(job, name.removeprefix(column_scores.PREFIX), rows)


def at_work(name: str, pool: "Pool") -> str:
    """Return the strategy that picks: `coverage` instead of one that has no model to ask."""
    if name == "default":
        return default.at_work(pool)
    needs_model = name in plugins.names("strategy") and name not in NEED_NO_MODEL
    return "coverage" if needs_model and pool.probabilities is None else name


def score(job: "Job", name: str, pool: "Pool", rows: "Rows", n: int) -> "Floats":
    """Return a finite score for each row of the pool; raises LabelkitError where there is none."""
    if reads_columns(name):
        found = read(job, name, rows)
        pool.reasons.update(enumerate(found.reasons))
        return found.scores
    return by_name(name, pool, n, np.random.default_rng([job.seed, 3]))


def by_name(name: str, pool: "Pool", n: int, rng: np.random.Generator) -> "Floats":
    """Return the scores that a strategy of the registry, or one's own, gives the pool."""
    strategy = plugins.load("strategy", name)
    rows = pool.features.shape[0]
    if ".py:" not in name:
        return checked(name, strategy(pool, n, rng), rows)
    try:
        found = strategy(pool, n, rng)
    except Exception as error:  # the user's code may raise anything
        where = traceback.extract_tb(error.__traceback__)[-1]
        unlearned = "" if pool.probabilities is not None else " (probabilities are None: no model)"
        raise LabelkitError(
            f"--strategy {name}: {type(error).__name__}: {console.clean(error, 200)} "
            f"({where.filename}, line {where.lineno}){unlearned}"
        ) from error
    return checked(name, found, rows)


def checked(name: str, found: object, rows: int) -> npt.NDArray[np.float64]:
    """Return the scores as floats; raises LabelkitError unless they are one finite number a row."""
    try:
        scores = np.array(found, dtype=np.float64)
    except (TypeError, ValueError):
        scores = np.zeros(())
    if scores.ndim == 0:
        raise LabelkitError(
            f"--strategy {name} returned {type(found).__name__}, not an array of "
            f"{console.count(rows, 'numbers')}"
        )
    if scores.shape != (rows,):
        shape = "x".join(str(size) for size in scores.shape)
        raise LabelkitError(
            f"--strategy {name} returned {shape} scores; one for each of the "
            f"{console.count(rows, 'rows')} of the pool is needed"
        )
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        raise LabelkitError(
            f"--strategy {name} returned {len(bad):,} scores that are NaN or infinite "
            f"(the first at row {int(bad[0]) + 1} of the pool)"
        )
    return scores
