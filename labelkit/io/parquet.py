"""Parquet: every column type is preserved; only a few rows are in memory at a time."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labelkit import console
from labelkit.errors import LabelkitError, listing
from labelkit.io import native_text, partitions, text_cells
from labelkit.io.content import first_bytes, first_duplicate, refuse_other_content
from labelkit.io.native_text import texts

_ROWS = 16_384
_GROUP_BYTES = 32 << 20


def _memory_pool() -> pa.MemoryPool:
    # Arrow's default allocator keeps twice as much freed memory as this one.
    try:
        return pa.jemalloc_memory_pool()
    except NotImplementedError:
        return pa.system_memory_pool()


if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
    pa.set_memory_pool(_memory_pool())


class ParquetFile:
    """One or more Parquet files of the same schema, read in order.

    Partition folders such as `year=2024` between `folder` and a file are columns as well.
    """

    native = True

    def __init__(self, paths: Sequence[Path], folders: Sequence[Path | None] = ()) -> None:
        self.paths = list(paths)
        files = [_opened(path) for path in self.paths]
        schemas = [_schema(path, file) for path, file in zip(self.paths, files, strict=True)]
        self.metadata = {
            key: value
            for key, value in (files[0].metadata.metadata or {}).items()
            if key != b"ARROW:schema"
        }
        for path, schema in zip(self.paths[1:], schemas[1:], strict=True):
            _refuse_other_schema(path, schema, self.paths[0], schemas[0])
        self._in_file = set(schemas[0].names)
        self._of_folders = partitions.columns(self.paths, folders, self._in_file)
        fields = [
            field.with_nullable(any(schema.field(i).nullable for schema in schemas))
            for i, field in enumerate(schemas[0])
        ]
        self.schema = pa.schema(
            fields + [pa.field(name, values.type) for name, values in self._of_folders.items()]
        )
        self.names = list(self.schema.names)
        self.rows = sum(file.metadata.num_rows for file in files)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns in their own types."""
        names = list(columns)
        in_file = [name for name in names if name in self._in_file]
        for file_index, path in enumerate(self.paths):
            for batch in _batches(path, in_file):
                if not names:
                    yield text_cells.no_columns(batch.num_rows)
                    continue
                arrays = [
                    batch.column(name)
                    if name in self._in_file
                    else pa.repeat(self._of_folders[name][file_index], batch.num_rows)
                    for name in names
                ]
                yield pa.RecordBatch.from_arrays(arrays, names=names)

    def append(
        self,
        out: BinaryIO,
        annotations: text_cells.Slices,
        names: Sequence[str],
        drop: Sequence[str],
    ) -> None:
        """Write all columns unchanged except those in `drop`, and the new ones after them."""
        kept_columns = [name for name in self.names if name not in drop]
        fields = [self.schema.field(name) for name in kept_columns]
        new_fields = [pa.field(name, annotations.schema.field(name).type) for name in names]
        schema = pa.schema(fields + new_fields, metadata=self.metadata or None)
        with GroupedWriter(out, schema) as writer:
            for batch in self.batches(kept_columns):
                new = annotations.take(batch.num_rows)
                arrays = [*batch.columns, *(column.combine_chunks() for column in new.columns)]
                writer.add(pa.Table.from_arrays(arrays, schema=schema))


def _opened(path: Path) -> pq.ParquetFile:
    if not path.exists():
        raise LabelkitError(f"there is no file {path}")
    try:
        # Without a small buffer the reader holds a whole row group.
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from None


def _schema(path: Path, file: pq.ParquetFile) -> pa.Schema:
    try:
        schema = file.schema_arrow
        names = schema.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    if not names:
        raise LabelkitError(f"{path} has no columns")
    duplicate = first_duplicate(names)
    if duplicate is not None:
        raise LabelkitError(f"{path}: duplicate column name {duplicate!r}; rename one of them")
    return schema


def _batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    file = _opened(path)
    groups: list[range | list[int]] = [range(file.num_row_groups)]
    if any(native_text.has_inner_dictionary(field.type) for field in file.schema_arrow):
        # Arrow can read such columns only one row group at a time.
        groups = [[number] for number in groups[0]]
    rows = file.metadata.num_rows
    try:
        for group in groups:
            for batch in file.iter_batches(
                batch_size=_ROWS, row_groups=list(group), columns=list(columns)
            ):
                rows -= batch.num_rows
                if rows < 0:
                    break
                yield batch
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from None
    if rows:
        raise LabelkitError(
            f"{path} is damaged: it holds {console.count(file.metadata.num_rows - rows, 'rows')} "
            f"where it says {file.metadata.num_rows:,}"
        )


def _unreadable(path: Path, error: Exception) -> LabelkitError:
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    if "crypt" in reason.lower():
        return LabelkitError(f"{path} is encrypted; decrypt it first ({reason})")
    if isinstance(error, pa.ArrowNotImplementedError):
        return LabelkitError(f"{path} cannot be read with pyarrow {pa.__version__} ({reason})")
    refuse_other_content(path, first_bytes(path), "parquet")
    return LabelkitError(
        f"{path} is not a complete Parquet file ({reason}); check whether a download was cut off"
    )


def _refuse_other_schema(path: Path, schema: pa.Schema, first: Path, expected: pa.Schema) -> None:
    if sorted(schema.names) != sorted(expected.names):
        raise LabelkitError(
            f"{path} has another schema than {first}: "
            f"{listing(schema.names)} instead of {listing(expected.names)}"
        )
    if schema.names != expected.names:
        raise LabelkitError(f"{path} has the same columns as {first} in another order")
    for field, other in zip(expected, schema, strict=True):
        if field.type != other.type:
            raise LabelkitError(
                f"{path}: column {field.name!r} is {other.type}, but {field.type} in {first}; "
                f"write both files with one type"
            )


def _written(write: Callable[[], Any]) -> Any:
    try:
        return write()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LabelkitError(f"cannot be written as Parquet: {error}") from None


class GroupedWriter:
    """Collects small tables into row groups of a bounded size."""

    def __init__(self, out: BinaryIO, schema: pa.Schema) -> None:
        self.schema = schema
        self._writer = _written(lambda: pq.ParquetWriter(out, schema, compression="snappy"))
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
            size = max(1, gathered.num_rows)
            _written(lambda: self._writer.write_table(gathered, row_group_size=size))
        self._waiting, self._bytes = [], 0


def as_text_table(batch: pa.RecordBatch, refuse_binary: str) -> pa.Table:
    """Return every column as text, nested values as JSON, nulls and NaN empty.

    Raises LabelkitError, with the file name `refuse_binary`, for a binary column.
    """
    refuse_bytes(batch.schema, refuse_binary)
    return _as_texts(batch, texts, refuse_binary)


def refuse_bytes(schema: pa.Schema, name: str) -> None:
    """Raise LabelkitError, with the file name, for a binary column."""
    binary = binary_columns(schema)
    if binary:
        raise LabelkitError(
            f"{name}: column {binary[0]!r} is binary and cannot be read or written as text; write "
            f"a .parquet file, name other columns, or drop this one first"
        )


def plain_batch(batch: pa.RecordBatch, file_name: str) -> pa.RecordBatch:
    """Return the columns in plain types: see `native_text.plain`."""
    arrays = [
        _of_utf8(native_text.plain, column, name, file_name)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    if not arrays:
        return batch
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _of_utf8(
    change: Callable[[pa.Array], pa.Array], column: pa.Array, name: str, file_name: str
) -> pa.Array:
    try:
        return change(column)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise LabelkitError(f"{file_name}: column {name!r} cannot be read: {error}") from None


def as_check_table(batch: pa.RecordBatch) -> pa.Table:
    """Return every column as text, binary ones as hashes, to detect changed rows."""
    return _as_texts(batch, _check_text, "the input")


def binary_columns(schema: pa.Schema) -> list[str]:
    """Return the binary columns (pictures, sound), which cannot be read as text."""
    return [field.name for field in schema if native_text.holds_bytes(field.type)]


def _as_texts(
    batch: pa.RecordBatch, as_text: Callable[[pa.Array], pa.Array], file_name: str
) -> pa.Table:
    columns = [
        pc.fill_null(_of_utf8(as_text, column, name, file_name), "")
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, names=batch.schema.names)


def _check_text(column: pa.Array) -> pa.Array:
    from hashlib import blake2b

    if not native_text.holds_bytes(column.type):
        return texts(column)
    cells = [
        None if value is None else blake2b(json.dumps(value).encode(), digest_size=16).hexdigest()
        for value in native_text.values(column)
    ]
    return pa.array(cells, pa.string())
