"""Whether a label model or the plain vote is to be trusted: by people's labels and by halves."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.stats.blocks import row_blocks

Array = npt.NDArray[Any]
Model = Callable[[Array, Array | None], Array]  # weights and gold to rows × classes

FEWEST_GOLD = 20
FEWEST_MOVED = 20
STEADY = 0.5  # the share of the labels moved from the vote's that both halves must move alike


def worse(model: Model, plain: Any, weight: Array, gold: Array) -> str:
    """Return that people's labels speak for the plain vote, or an empty string.

    The model learns from one half of them and is judged on the other, and the other way round.
    The vote must be ahead by more than one standard error.
    """
    known = np.flatnonzero((gold >= 0) & _has_votes(plain))
    if len(known) < FEWEST_GOLD:
        return ""
    ahead = []
    for half in (known[::2], known[1::2]):
        hidden = gold.copy()
        hidden[half] = -1
        found = model(weight, hidden)
        ahead.append(_right(plain[half], gold[half]) - _right(found[half], gold[half]))
    lead = np.concatenate(ahead)
    if lead.mean() <= lead.std() / len(lead) ** 0.5:
        return ""
    return (
        f"the plain vote is right more often on {console.count(len(known), 'rows')} that "
        "people labelled"
    )


def unstable(
    model: Model, found: Array, plain: Any, weight: Array, gold: Array | None, seed: int
) -> str:
    """Return that the model changes with the rows it sees, or an empty string.

    Judged by the rows that the model moves to another class than the vote: two models, each of
    one half of the rows, must move most of them alike.
    """
    best = found.argmax(axis=1)
    moved = (_right(plain, best) == 0) & _has_votes(plain)
    rows = float(weight[moved].sum())
    if rows < FEWEST_MOVED:
        return ""
    rng = np.random.default_rng([seed, 11])
    first = rng.binomial(np.maximum(weight, 0).astype(np.int64), 0.5).astype(float)
    alike = moved.copy()
    for half in (first, weight - first):
        alike &= model(half, gold).argmax(axis=1) == best
    share = float(weight[alike].sum()) / rows
    if share >= STEADY:
        return ""
    return f"only {share:.0%} of the labels that the model moves are moved by both halves of rows"


def dense_blocks(table: Any) -> Iterator[tuple[slice, Array]]:
    """Yield blocks of rows of a table, sparse or not, and which rows they are."""
    for rows in row_blocks(*table.shape):
        yield rows, table[rows].toarray() if hasattr(table, "toarray") else table[rows]


def _has_votes(plain: Any) -> Array:
    return np.asarray(plain.sum(axis=1)).ravel() > 0


def _right(found: Any, codes: Array) -> Array:
    """Return for each row the expected hits where ties are broken at random.

    `found` rows × classes, sparse or not.
    """
    right = np.empty(len(codes))
    for block, part in dense_blocks(found):
        top = part >= part.max(axis=1, keepdims=True) - 1e-9
        right[block] = top[np.arange(len(part)), codes[block]] / top.sum(axis=1)
    return right
