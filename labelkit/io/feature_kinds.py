"""The kinds of columns as features: as in the typed view, but a few invalid cells are allowed.

A column of texts that the typed view calls `text` is `mostly number` as a feature when at least
`ENOUGH` of its cells, and at least `SHARE` of those that are not empty, are numbers, and none has
digits after a leading zero (a code). The other cells then count as missing. A string
column of Parquet gets the kind that it would have in a CSV file. A column of lists of numbers, all
of one length, is a `vector`; one of other lists, structs or maps is `nested`, and no feature.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.console import clean
from labelkit.io.column_types import KindScan, is_number, without_missing
from labelkit.io.native_text import is_text
from labelkit.io.vectors import VectorScan

ENOUGH = 20
SHARE = 0.95
_SHOWN = 3
_CODE = r"^[+-]?0\d+$"


class NumberCount:
    """How many cells of a column of texts are numbers, and the first that are not."""

    def __init__(self) -> None:
        self.numbers = 0
        self.odd = 0
        self.first: list[tuple[int, str]] = []  # row, counted from 1, and cell
        self._rows = 0
        self._has_codes = False

    def update(self, column: pa.Array) -> None:
        """Process the cells of the next rows; only text columns have invalid cells."""
        if is_text(column.type):
            self._count(without_missing(column))
        self._rows += len(column)

    def _count(self, cells: pa.Array) -> None:
        matches = is_number(cells)
        numbers = pc.sum(matches).as_py() or 0
        n_odd = len(cells) - cells.null_count - numbers
        self.numbers += numbers
        self.odd += n_odd
        if n_odd:
            odd = pc.fill_null(pc.invert(matches), False)
            rows = pc.indices_nonzero(odd)[: _SHOWN - len(self.first)].to_pylist()
            self.first += [(self._rows + row + 1, cells[row].as_py()) for row in rows]
            codes = pc.match_substring_regex(cells, _CODE)
            self._has_codes |= bool(pc.any(codes).as_py())

    @property
    def is_mostly_numbers(self) -> bool:
        """Whether the column is a number column with a few invalid cells."""
        enough = self.numbers >= max(ENOUGH, SHARE * (self.numbers + self.odd))
        return enough and not self._has_codes


class FeatureScan:
    """Determines the feature kinds of text columns from the batches of a file, in order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._scan = KindScan(names)
        self.counts = {name: NumberCount() for name in names}
        self._vectors = {name: VectorScan() for name in names}
        self._nested: set[str] = set()

    def update(self, batch: pa.RecordBatch) -> None:
        """Process one batch, which must have all the named columns."""
        columns = [batch.column(name) for name in self._names]
        self._scan.update(pa.record_batch(columns, names=self._names))
        for name, column in zip(self._names, columns, strict=True):
            self.counts[name].update(column)
            self._vectors[name].update(column)
            if pa.types.is_nested(column.type):
                self._nested.add(name)

    def kinds(self) -> dict[str, str]:
        """Return the kind of each column, for the batches so far."""
        kinds = self._scan.kinds()
        for name, count in self.counts.items():
            if kinds[name] == "text" and count.is_mostly_numbers:
                kinds[name] = "mostly number"
            if kinds[name] == "text" and self._vectors[name].is_vector:
                kinds[name] = "vector"
            elif name in self._nested:
                kinds[name] = "nested"
        return kinds


def odd_cells(counts: Mapping[str, NumberCount]) -> str:
    """Return a text with the cells that count as missing, by column; '' if there are none."""
    parts = []
    for name, count in counts.items():
        if count.odd:
            shown = ", ".join(f"row {row} {clean(cell, 40)!r}" for row, cell in count.first)
            more = f" and {count.odd - len(count.first):,} more" if count.odd > _SHOWN else ""
            parts.append(f"column {clean(name)!r}: {shown}{more}")
    return "; ".join(parts)
