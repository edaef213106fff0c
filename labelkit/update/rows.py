"""Which rows of a new file the old run knows, and the two files that follow from it.

The stages read all old rows, with all that is known of them, and below them the new ones. The
output is the new file, each row with what the old run or the new stages say of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console
from labelkit.data import row_keys
from labelkit.data.columns import PEOPLE, kind_of, machine_columns
from labelkit.data.labels import Mask, read_labels
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.io import history
from labelkit.io.column_types import apply_kinds
from labelkit.io.table import Table
from labelkit.io.table_formats import format_of
from labelkit.io.table_writer import write_pieces
from labelkit.update.earlier_run import EarlierRun

Rows = npt.NDArray[np.int64]

STATUS, DRIFT = "update_row", "update_drift"
MARKS = (STATUS, DRIFT)
KNOWN, CHANGED, NEW = "known", "changed", "new"
IS_NEW = f'{STATUS} != "{KNOWN}"'  # as --where says it
_FEWEST_SHARED = 10  # keys that both files have: of fewer, all may have changed


class Matched(NamedTuple):
    """The rows of the new file against those of the old run.

    `old` is the row of the old run with the same key and content, -1 where there is none; `status`
    is what STATUS says of each row, `drift` what DRIFT does: the share of old rows that look less
    like new ones, NaN for known rows and where new rows are like the old ones. `dropped` are old
    rows whose key has other content now.
    """

    old: Rows
    status: npt.NDArray[np.object_]
    drift: npt.NDArray[np.float64]
    dropped: Mask

    @property
    def new(self) -> Rows:
        """The rows that are to be labelled."""
        return np.flatnonzero(self.old < 0)

    def with_drift(self, unlike: npt.NDArray[np.float64]) -> "Matched":
        """Return the rows with the drift of each new one."""
        drift = self.drift.copy()
        drift[self.new] = unlike.round(6)
        return self._replace(drift=drift)

    def count(self, status: str) -> int:
        """Return how many rows have a status."""
        return int((self.status == status).sum())


class Columns(NamedTuple):
    """The columns of the old run: the user's and labelkit's, and those of people's or gold labels.

    A new file must have the first, and none of labelkit's but human labels.
    """

    content: list[str]
    ours: list[str]
    optional: list[str]

    @property
    def every(self) -> list[str]:
        """All of them, labelkit's last."""
        return [*self.content, *self.optional, *self.ours]


def columns_of(run: EarlierRun, old: Table, source: Table) -> Columns:
    """Return the columns of the labelled file, without those of an earlier update.

    And human labels, where the new file brings the first.
    """
    recorded = history.written_columns(run.labelled) or []
    every = old.every_column()
    ours = {*machine_columns(every, recorded), PEOPLE}
    first_labels = [PEOPLE] if source.has(PEOPLE) and PEOPLE not in every else []
    gold = {run.options.get("gold"), run.own.get("oracle")} & set(every)
    return Columns(
        [name for name in every if name not in ours | gold],
        [*(n for n in every if n in ours - gold and n not in MARKS), *first_labels],
        [name for name in every if name in gold],
    )


def check_columns(source: Table, columns: Columns, oracle: str | None) -> None:
    """Refuse a new file that lacks a column of the old one, or holds one that update writes."""
    source.require(columns.content, "the file of the old run has it")
    source.require([oracle] if oracle else [], "--oracle of the old run")
    written = {*columns.ours, *MARKS} - {PEOPLE}
    own = [name for name in source.every_column() if name in written]
    if own:
        raise UsageError(
            f"{source.name} has {listing(map(repr, own), 5)}, which update writes; leave "
            f"{'them' if len(own) > 1 else 'it'} out of the file"
        )


def compared(columns: Columns, old: Table, run: EarlierRun, key: str) -> list[str]:
    """Return the columns in which two rows of one content are equal.

    Where rows are matched without a key, the old run's key is none of them.
    """
    other = key_of(old, run.options.get("id"))
    return [name for name in columns.content if name != other or key == other]


def key_of(old: Table, named: str | None) -> str:
    """Return the column that rows are matched by; `row`: by their content alone."""
    return named or ("id" if old.has("id") else "row")


def matched(source: Table, old: Table, content: Sequence[str], key: str) -> Matched:
    """Find the rows of the new file among those of the old run.

    Raises LabelkitError where a key stands twice, UsageError where most keys that both files have
    belong to other rows now.
    """
    now, before = _hashes(source, content), _hashes(old, content)
    if key == "row":
        found, changed = _by_content(now, before), np.zeros(len(now), dtype=bool)
        found[_labelled_since(source, old, found)] = -1
        dropped = np.zeros(len(before), dtype=bool)
    else:
        keys = source.texts(key).tolist()
        row_keys.check_unique(keys, key, source.name)
        place = {name: row for row, name in enumerate(old.texts(key).tolist())}
        at = np.array([place.get(name, -1) for name in keys], dtype=np.int64)
        pairs = zip(at, now, strict=True)
        same = np.array([row >= 0 and before[row] == own for row, own in pairs], dtype=bool)
        changed = (at >= 0) & ~same
        _refuse_new_count(source, old, content, at, changed, key)
        same &= ~_labelled_since(source, old, at)
        changed = (at >= 0) & ~same
        found = np.where(same, at, -1)
        dropped = np.zeros(len(before), dtype=bool)
        dropped[at[changed]] = True
    status = np.where(found >= 0, KNOWN, np.where(changed, CHANGED, NEW)).astype(object)
    return Matched(found, status, np.full(len(now), np.nan), dropped)


def _hashes(source: Table, content: Sequence[str]) -> list[str]:
    return row_keys.row_checks(source.check_texts(content), source.count(), size=16)


def _by_content(now: Sequence[str], before: Sequence[str]) -> Rows:
    """Return the old row of each: of rows of one content the first is the first, and so on."""
    rows_of: dict[str, list[int]] = {}
    for row, own in enumerate(before):
        rows_of.setdefault(own, []).append(row)
    left = {own: iter(rows) for own, rows in rows_of.items()}
    return np.array([next(left.get(own, iter(())), -1) for own in now], dtype=np.int64)


def _labelled_since(source: Table, old: Table, at: Rows) -> Mask:
    """Return which rows have a human label in the new file that the old run did not know."""
    none = np.full(len(at), "", dtype=object)
    now = read_labels(source.texts(PEOPLE), None) if source.has(PEOPLE) else none
    before = none.copy()
    if old.has(PEOPLE):
        before[at >= 0] = read_labels(old.texts(PEOPLE), None)[at[at >= 0]]
    return np.asarray((at >= 0) & (now != "") & (now != before), dtype=bool)


def _refuse_new_count(
    source: Table, old: Table, content: Sequence[str], at: Rows, changed: Mask, key: str
) -> None:
    """Refuse keys that count other rows in each file: people's labels would be lost with them."""
    shared, n = int((at >= 0).sum()), int(changed.sum())
    if shared < _FEWEST_SHARED or 2 * n <= shared:
        return
    rows, others = np.flatnonzero(changed), at[changed]
    differing = [
        (int((source.texts(name)[rows] != old.texts(name)[others]).sum()), name)
        for name in content
        if name != key
    ]
    most, name = max(differing, default=(0, key))
    raise UsageError(
        f"{n:,} of the {shared:,} keys ({key}) that {source.name} shares with the old run have "
        f"other content now (column {name!r} differs in {most:,}). Where keys begin anew in each "
        f"file, give --id row: rows are then matched by their content. A column that changes by "
        f"itself is better left out of the file"
    )


# -- the file that the stages read ----------------------------------------------------------------


def format_for(source: Table, old: Table) -> str:
    """Return the ending of the stages' files: Parquet where both files are, else CSV."""
    return ".parquet" if source.format == old.format == "parquet" else ".csv"


def write_all(
    path: Path, run: EarlierRun, source: Table, old: Table, columns: Columns, match: Matched
) -> None:
    """Write the old rows with what is known of them, and the new rows below, for the stages."""
    is_text = format_of(path) != "parquet"
    pieces = _pieces(source, old, columns, match, is_text)
    write_pieces(pieces, path, name=source.name, ours=[*columns.ours, *MARKS])
    history.write(path, run.steps(), [*columns.ours, *MARKS])


def _pieces(
    source: Table, old: Table, columns: Columns, match: Matched, is_text: bool
) -> Iterator[pa.Table]:
    start, schema = 0, None
    names = [name for name in columns.every if old.has(name)]
    for piece in old.text_pieces(names) if is_text else old.native_pieces(names):
        if len(names) < len(columns.every):  # human labels came with the new file
            piece = piece.append_column(PEOPLE, pa.nulls(piece.num_rows, pa.string()))
        schema = piece.schema
        kept = ~match.dropped[start : start + piece.num_rows]
        start += piece.num_rows
        some = piece.filter(pa.array(kept))
        n = some.num_rows
        yield _marked(some, np.full(n, KNOWN, dtype=object), np.full(n, np.nan))
    here = [name for name in columns.every if source.has(name)]
    gather = source.gather_texts if is_text else source.gather
    for part in np.array_split(match.new, len(match.new) // 50_000 + 1):
        new = _as(gather(part, here), schema, source.name)
        yield _marked(new, match.status[part], match.drift[part])


def _marked(
    table: pa.Table, status: npt.NDArray[np.object_], drift: npt.NDArray[np.float64]
) -> pa.Table:
    marks = {STATUS: pa.array(status, pa.string()), DRIFT: pa.array(drift, from_pandas=True)}
    for name, values in marks.items():
        table = table.append_column(name, values)
    return table


def _as(table: pa.Table, schema: pa.Schema | None, name: str) -> pa.Table:
    """Return the columns in the order and types of a schema, empty where they are missing."""
    if schema is None:
        return table
    found = []
    for field in schema:
        if field.name not in table.column_names:
            found.append(pa.nulls(table.num_rows, field.type))
            continue
        try:
            found.append(table.column(field.name).cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise LabelkitError(
                f"{name}: column {field.name!r} is {table.schema.field(field.name).type}, and in "
                f"the file of the old run {field.type}; write it as that type"
            ) from None
    return pa.Table.from_arrays(found, schema=schema)


def places_of_new(match: Matched) -> Rows:
    """Return where the new rows stand in the file that the stages read."""
    return np.arange(len(match.new)) + int((~match.dropped).sum())


# -- the output -----------------------------------------------------------------------------------


def write_output(
    output: Path,
    source: Table,
    old: Table,
    labelled: Table | None,
    columns: Columns,
    match: Matched,
) -> list[str]:
    """Write the new file with labels; return the columns that were added.

    `labelled` is what the stages have made of all rows, None where no row is new.
    """
    names = columns.ours if labelled is None else _ours(labelled, columns)
    is_text = format_of(output) in ("csv", "tsv")
    known = match.old >= 0
    parts = [_some(old, match.old[known], names, is_text)]
    if labelled is not None:
        parts.append(_some(labelled, places_of_new(match), names, is_text))
    both = pa.concat_tables(parts, promote_options="permissive").combine_chunks()
    order = np.argsort(np.concatenate([np.flatnonzero(known), match.new]), kind="stable")
    found = _marked(both.take(pa.array(order)), match.status, match.drift)
    source.write_annotated(output, found, drop=[PEOPLE] if PEOPLE in found.column_names else [])
    return list(found.column_names)


def _ours(labelled: Table, columns: Columns) -> list[str]:
    users = {*columns.content, *columns.optional, *MARKS}
    return [name for name in labelled.every_column() if name not in users]


def _some(source: Table, rows: Rows, names: Sequence[str], is_text: bool) -> pa.Table:
    """Return rows of our columns, null where the file has no such column."""
    here = [name for name in names if source.has(name)]
    if source.format == "parquet" and not is_text:
        found = source.gather(rows, here)
    else:
        texts = source.gather_texts(rows, here)
        empty = {name: pc.equal(texts.column(name), "") for name in here}
        found = texts if is_text else apply_kinds(texts, {name: kind_of(name) for name in here})
        for place, name in enumerate(here):
            cells = pc.if_else(empty[name], None, found.column(name))
            cells = cells if is_text else _whole(name, cells)
            found = found.set_column(place, name, cells)
    for name in names:
        if name not in here:
            found = found.append_column(name, pa.nulls(len(rows)))
    return found.select(list(names))


def _whole(name: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ranks and numbers of votes as integers."""
    return cells.cast(pa.int64()) if name.endswith(("_votes", "_rank")) else cells


def note_of(match: Matched) -> str:
    """Return how many rows are known, changed and new, for people."""
    kept = console.count(match.count(KNOWN), "known rows", "keep")
    parts = [f"{kept} {'its label' if match.count(KNOWN) == 1 else 'their labels'}"]
    parts += [f"{n:,} changed" for n in [match.count(CHANGED)] if n]
    return " · ".join([*parts, f"{match.count(NEW):,} new"])


def say(match: Matched, source: Table) -> None:
    """Say what is to be labelled, before anything is spent on it."""
    console.note(f"{source.name}: {console.count(source.count(), 'rows')}: {note_of(match)}")


def figures(match: Matched) -> dict[str, Any]:
    """Return the counts for the summary."""
    counts = {status: match.count(status) for status in (KNOWN, CHANGED, NEW)}
    return {"rows": len(match.old), **counts}
