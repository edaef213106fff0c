"""Votes that were made elsewhere and stand in columns of the file (`--from-votes 'lf_*'`)."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.config.label_text import whole_number
from labelkit.console import clean
from labelkit.errors import LabelkitError, UsageError, listing, nearest
from labelkit.weak.lf.rows import as_text
from labelkit.weak.vote_codes import ABSTAIN, Codebook, Votes, WrongVote


def matching(patterns: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return the columns that the patterns match (`lf_*`), in the file's order.

    Raises UsageError for a pattern that matches none.
    """
    found: set[str] = set()
    for pattern in patterns:
        here = [name for name in columns if name == pattern or fnmatchcase(name, pattern)]
        if not here:
            raise UsageError(
                f"--from-votes {pattern!r} matches no column{nearest(pattern, columns)} "
                f"(columns: {listing(columns)})"
            )
        found.update(here)
    return [name for name in columns if name in found]


def read(
    batch: pa.RecordBatch,
    names: Sequence[str],
    codebook: Codebook,
    positions: npt.NDArray[np.int64],
    describe: Callable[[int], str],
) -> Votes:
    """Return the votes of the columns `names`, rows × columns.

    An empty cell and -1 abstain; a class name stands for itself, else an integer indexes the
    class order. Raises LabelkitError with column and row for anything else.
    """
    votes = np.full((batch.num_rows, len(names)), ABSTAIN, dtype=np.int16)
    for number, name in enumerate(names):
        cells = as_text(batch.column(batch.schema.get_field_index(name)))
        cells = pc.fill_null(pc.utf8_trim_whitespace(cells), "").dictionary_encode()
        values = [_vote(value, codebook) for value in cells.dictionary.to_pylist()]
        try:
            codes = codebook.encode(values)
        except WrongVote as wrong:
            index = cells.indices.to_numpy(zero_copy_only=False)
            row = int(positions[np.flatnonzero(index == wrong.position)[0]])
            reason = wrong.reason.replace("returned", "holds", 1)
            raise LabelkitError(f"column {clean(name)!r}, {describe(row)}: it {reason}") from wrong
        if len(codes):
            votes[:, number] = codes[cells.indices.to_numpy(zero_copy_only=False)]
    return votes


def _vote(text: str, codebook: Codebook) -> str | int:
    number = whole_number(text)
    return text if number is None or codebook.names_class(text) else number
