"""Parquet: any column type passes through equal; a few rows in memory at a time."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labelkit.errors import LabelkitError, listing
from labelkit.io import text_cells

_ROWS = 16_384
_GROUP_BYTES = 32 << 20


def _memory_pool() -> pa.MemoryPool:
    # Arrow's usual allocator keeps twice what this one does of the buffers that it gave out.
    try:
        return pa.jemalloc_memory_pool()
    except NotImplementedError:
        return pa.system_memory_pool()


if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
    pa.set_memory_pool(_memory_pool())


class ParquetFile:
    """One or more Parquet files of the same schema, read in order."""

    native = True

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        files = [_opened(path) for path in self.paths]
        self.schema: pa.Schema = files[0].schema_arrow
        self.metadata = {
            key: value
            for key, value in (files[0].metadata.metadata or {}).items()
            if key != b"ARROW:schema"
        }
        self.names = list(self.schema.names)
        doubled = [name for i, name in enumerate(self.names) if name in self.names[:i]]
        if doubled:
            raise LabelkitError(f"{self.paths[0]}: the column name {doubled[0]!r} stands twice")
        for path, file in zip(self.paths[1:], files[1:], strict=True):
            if not file.schema_arrow.equals(self.schema):
                raise LabelkitError(
                    f"{path} has another schema than {self.paths[0]}: "
                    f"{listing(file.schema_arrow.names)} instead of {listing(self.names)}"
                )
        self.rows = sum(file.metadata.num_rows for file in files)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns in their own types."""
        for path in self.paths:
            # Without a small buffer the reader holds a whole row group.
            file = _opened(path)
            for batch in file.iter_batches(batch_size=_ROWS, columns=list(columns)):
                if columns:
                    yield batch.select(list(columns))
                else:
                    yield text_cells.no_columns(batch.num_rows)

    def append(
        self,
        out: BinaryIO,
        annotations: text_cells.Slices,
        names: Sequence[str],
        drop: Sequence[str],
    ) -> None:
        """Write all columns as they were and ours after them."""
        kept = [name for name in self.names if name not in drop]
        fields = [self.schema.field(name) for name in kept]
        ours = [pa.field(name, annotations.table.schema.field(name).type) for name in names]
        schema = pa.schema(fields + ours, metadata=self.metadata or None)
        with GroupedWriter(out, schema) as writer:
            for batch in self.batches(kept):
                new = annotations.take(batch.num_rows)
                arrays = [*batch.columns, *(column.combine_chunks() for column in new.columns)]
                writer.add(pa.Table.from_arrays(arrays, schema=schema))


def _opened(path: Path) -> pq.ParquetFile:
    if not path.exists():
        raise LabelkitError(f"there is no file {path}")
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise LabelkitError(
            f"{path} is not a whole Parquet file ({reason}); was it cut off in a download?"
        ) from None


class GroupedWriter:
    """Gathers small tables into row groups of a bounded size."""

    def __init__(self, out: BinaryIO, schema: pa.Schema) -> None:
        self.schema = schema
        self._writer = pq.ParquetWriter(out, schema, compression="snappy")
        self._waiting: list[pa.Table] = []
        self._bytes = 0

    def __enter__(self) -> "GroupedWriter":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self._flush()
        self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Add rows to the file."""
        self._waiting.append(table)
        self._bytes += table.nbytes
        if self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            gathered = pa.concat_tables(self._waiting).unify_dictionaries()
            self._writer.write_table(gathered, row_group_size=max(1, gathered.num_rows))
        self._waiting, self._bytes = [], 0


def as_text_table(batch: pa.RecordBatch, refuse_binary: str) -> pa.Table:
    """Return every column as text, by Arrow's casts; nested values as JSON, nulls empty.

    Raises LabelkitError, naming `refuse_binary`, for a binary column.
    """
    binary = binary_columns(batch.schema)
    if binary:
        raise LabelkitError(
            f"column {binary[0]!r} is binary and cannot be written as text; "
            f"write {refuse_binary} as .parquet, or drop the column first"
        )
    return _as_texts(batch, _as_text)


def as_check_table(batch: pa.RecordBatch) -> pa.Table:
    """Return every column as text, a binary one as hashes: enough to see whether rows changed."""
    return _as_texts(batch, lambda column: _as_text(_hashed(column)))


def binary_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that hold bytes (pictures, sound), which cannot be read as text."""
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return [field.name for field in schema if any(check(_plain(field.type)) for check in kinds)]


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _as_texts(batch: pa.RecordBatch, as_text: Callable[[pa.Array], pa.Array]) -> pa.Table:
    columns = [as_text(column) for column in batch.columns]
    return pa.Table.from_arrays(columns, names=batch.schema.names)


def _hashed(column: pa.Array) -> pa.Array:
    from hashlib import blake2b

    if not binary_columns(pa.schema([pa.field("", column.type)])):
        return column
    decoded = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    texts = [
        None if cell is None else blake2b(cell, digest_size=16).hexdigest()
        for cell in decoded.to_pylist()
    ]
    return pa.array(texts, pa.string())


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_nested(kind):
        texts = [
            None if v is None else json.dumps(v, ensure_ascii=False, default=str)
            for v in column.to_pylist()
        ]
        column = pa.array(texts, pa.string())
    elif pa.types.is_null(kind):
        column = pa.array([""] * len(column), pa.string())
    return pc.fill_null(column.cast(pa.string()), "")
