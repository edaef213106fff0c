"""Audit rows, drawn at random to measure accuracy, and the order in which they are drawn."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from labelkit.data.columns import AUDIT, RELABEL
from labelkit.data.labels import Mask, Texts

QUERY = "query"  # in label_origin, as AUDIT and RELABEL
CHOSEN = (QUERY, RELABEL)  # selected by a model or by find-noise
AUDIT_REASON = "audit: drawn at random"  # in the reason column that query writes

Rows = npt.NDArray[np.int64]


def picked_origins(ranked: Sequence[Mask], reasons: Sequence[Texts], rows: int) -> Texts:
    """Return how query selected each row, from the columns that it wrote; '' if it did not."""
    origins = np.full(rows, "", dtype=object)
    for mask in ranked:
        origins[mask] = QUERY
    for texts in reasons:
        origins[texts == AUDIT_REASON] = AUDIT
    return origins


def combined_origins(sources: Iterable[Texts], rows: int) -> Texts:
    """Return the origin of each row: audit if any source has it, else from the first source."""
    origins = np.full(rows, "", dtype=object)
    for source in sources:
        fresh = (origins == "") | (source == AUDIT)
        origins[fresh] = source[fresh]
    return origins


def audit_order(keys: Sequence[str], seed: int) -> Rows:
    """Return all row indices in the order in which they are drawn for the audit.

    Rows are ordered by a hash of seed and key, so their relative order stays the same when rows
    are appended. Rows with the same key are in file order.
    """
    digests = b"".join(
        blake2b(f"{seed}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for key in keys
    )
    return np.argsort(np.frombuffer(digests, dtype=">u8"), kind="stable").astype(np.int64)


def may_be_drawn(labelled: Mask, origins: Texts) -> Mask:
    """Return a mask of the rows that the audit is drawn from; later draws continue in their order.

    Unlabelled rows, and rows that were labelled after query selected them, which are labelled
    again. Not rows that were labelled before any row was drawn.
    """
    return np.asarray(~labelled | np.isin(origins.astype(str), [AUDIT, *CHOSEN]), dtype=bool)


def draw_audit(order: Rows, among: Mask, answered: Mask, n: int) -> Rows:
    """Return the next n rows of the audit order that are in `among` and not answered yet."""
    return order[(among & ~answered)[order]][: max(n, 0)]
