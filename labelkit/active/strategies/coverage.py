"""Cold start: rows that stand for many others, each for those that the others leave uncovered.

MaxHerding (Bae, Noh and Sutherland 2024, Generalized Coverage for More Robust Low-Budget Active
Learning): greedily the row that adds most to the mean kernel similarity between the pool and its
nearest asked row. Needs no model.
"""

import heapq
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies.space import Points, fit_space
from labelkit.stats.threads import one_thread

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool

MOST_COMPARED = 3_000  # rows of the pool: each is compared with each
MOST_LABELLED = 2_000
WIDTH = 0.5  # of the kernel, in median distances


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return scores above 1 for the n picks, falling; below 1 what a row would still add.

    Of a pool above 3,000 rows a sample is looked at; the other rows have 0. Picks beyond the
    sample are drawn at random: by then the rows picked stand for all of the pool.
    """
    with one_thread():
        return _score(pool, n, rng)


def _score(pool: "Pool", n: int, rng: np.random.Generator) -> "Floats":
    rows = pool.features.shape[0]
    project = fit_space(pool.features, rng)
    some = _some(rows, MOST_COMPARED, rng)
    points = project(pool.features[some])
    kernel, width = _kernel(points)
    covered = _covered_by(project(pool.labelled[-MOST_LABELLED:]), points, width)
    before = covered.copy()
    picks, covered = _greedy(kernel, covered, n)
    scores = np.zeros(rows)
    left = np.maximum(kernel - covered, 0.0).sum(axis=1, dtype=np.float64)
    scores[some] = 0.999 * left / max(float(left.max(initial=0.0)), 1e-12)
    more = min(n, rows) - len(picks)
    drawn = rng.choice(np.setdiff1d(np.arange(rows), some), more, replace=False)
    chosen = np.concatenate([some[picks], drawn])
    scores[chosen] = 1.0 + np.arange(len(chosen), 0, -1) / max(len(chosen), 1)
    pool.reasons.update(dict.fromkeys(drawn.tolist(), "cold start: drawn at random"))
    for place, stands_for in zip(picks, _stand_for(kernel, before, picks), strict=True):
        share = f"about {100 * stands_for / len(some):.2g} % of the rows"
        like = f"{stands_for:,} rows" if len(some) == rows else share
        pool.reasons[int(some[place])] = (
            f"cold start: covers {like} like it" if stands_for > 1 else "cold start: unlike others"
        )
    return scores


def _some(rows: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(rng.choice(rows, most, replace=False))


def _kernel(points: Points) -> tuple[Points, float]:
    """Return how alike each two rows are, 0 to 1, and the squared width of the kernel."""
    squares = (points**2).sum(axis=1)
    kernel = squares[:, None] + squares - 2.0 * points @ points.T
    np.maximum(kernel, 0.0, out=kernel)
    step = max(1, len(points) // 500)
    width = max(float(np.median(kernel[::step, ::step])), 1e-12) * WIDTH**2
    kernel /= -2.0 * width
    return np.exp(kernel, out=kernel), width


def _covered_by(labelled: Points, points: Points, width: float) -> Points:
    """Return how alike each row is to the labelled row most like it; 0 without any."""
    if not len(labelled):
        return np.zeros(len(points), dtype=np.float32)
    squares = (labelled**2).sum(axis=1)[:, None] + (points**2).sum(axis=1)
    gaps = np.maximum(squares - 2.0 * labelled @ points.T, 0.0)
    return np.asarray(np.exp(gaps.min(axis=0) / (-2.0 * width)), dtype=np.float32)


def _greedy(kernel: Points, covered: Points, n: int) -> tuple[list[int], Points]:
    """Return n rows, each adding most to what those before it cover, and what all then cover."""
    # What a row adds only falls, so a row that is still first when looked at anew is the best.
    gains = np.maximum(kernel - covered, 0.0).sum(axis=1)
    heap = [(-float(gain), row) for row, gain in enumerate(gains)]
    heapq.heapify(heap)
    picks: list[int] = []
    while heap and len(picks) < n:
        _, row = heapq.heappop(heap)
        gain = float(np.maximum(kernel[row] - covered, 0.0).sum())
        if heap and gain < -heap[0][0] - 1e-6:
            heapq.heappush(heap, (-gain, row))
            continue
        picks.append(row)
        covered = np.maximum(covered, kernel[row])
    return picks, covered


def _stand_for(kernel: Points, before: Points, picks: list[int]) -> list[int]:
    """Return for each pick how many rows are more like it than like any other asked row."""
    if not picks:
        return []
    best = kernel[picks].argmax(axis=0)
    taken = kernel[picks].max(axis=0) > before
    return [int(rows) for rows in np.bincount(best[taken], minlength=len(picks))]
