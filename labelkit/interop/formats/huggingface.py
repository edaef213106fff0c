"""Hugging Face: a dataset folder for `datasets.load_dataset`, with the names of the classes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import LabelkitError, UsageError
from labelkit.interop.task_types import ANNOTATOR, ROW_CHECK, ROW_ID, ROW_KEY, ImportedAnswer

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.interop.destination import Destination
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import ToolFile

PART = "data/train-00000-of-00001.parquet"
_LABEL, _ASIDE, _KEY = "label", "label_given", b"huggingface"
_CARD = """\
---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
task_categories:
- text-classification
---

{rows} rows, {labelled} of them labelled. The column `label` is the index of the class:

{classes}

`row_id` is the row's key in the exported file (its column `{key}`).
"""


def write(tasks: "Tasks", destination: "Destination") -> str:
    """Write the rows with all their columns; `label` is a class index (a ClassLabel)."""
    import pyarrow.parquet as pq

    with destination.folder(PART) as folder:
        (folder / "data").mkdir()
        writer: Any = None
        for rows, row_indices in tasks.whole_rows():
            table = _with_label(rows, row_indices.tolist(), tasks)
            if writer is None:
                metadata = _metadata(tasks.metadata, tasks.classes)
                schema = table.schema.with_metadata(metadata)
                writer = pq.ParquetWriter(folder / PART, schema, compression="snappy")
            if table.num_rows:  # datasets reads batches of the size of the first row group
                writer.write_table(table.cast(writer.schema))
        writer.close()
        if not tasks.rows:
            raise LabelkitError("no rows to export; datasets cannot load an empty dataset")
        (folder / "README.md").write_bytes(_card(tasks).encode())
    return f"datasets.load_dataset({destination.name!r}) opens it"


def _with_label(rows: "pa.Table", row_indices: list[int], tasks: "Tasks") -> "pa.Table":
    import pyarrow as pa

    if _LABEL in rows.column_names and _LABEL not in tasks.label_columns:
        if _ASIDE in rows.column_names:
            raise UsageError(
                f"the columns {_LABEL!r} and {_ASIDE!r} would both be overwritten; name the labels "
                f"with --label {_LABEL}, or rename one"
            )
        rows = rows.rename_columns([_ASIDE if n == _LABEL else n for n in rows.column_names])
    codes = tasks.known.codes[row_indices]
    new_columns = {
        ROW_ID: pa.array([tasks.keys[i] for i in row_indices], pa.string()),
        ROW_KEY: pa.array([tasks.key_name] * len(row_indices), pa.string()),
        _LABEL: pa.array([None if code < 0 else int(code) for code in codes], pa.int64()),
    }
    if ROW_CHECK not in rows.column_names:
        new_columns[ROW_CHECK] = pa.array([tasks.checks[i] for i in row_indices], pa.string())
    table = rows.drop_columns([name for name in new_columns if name in rows.column_names])
    for name, column in new_columns.items():
        table = table.append_column(name, column)
    return table


def _metadata(before: Mapping[bytes, bytes], classes: list[str]) -> dict[bytes, bytes]:
    """Return the file's own metadata with the classes added in the form that datasets reads."""
    try:
        features = dict(json.loads(before[_KEY])["info"]["features"])
    except (KeyError, TypeError, ValueError):
        features = {}
    features[_LABEL] = {"names": classes, "_type": "ClassLabel"}
    return {**before, _KEY: json.dumps({"info": {"features": features}}).encode()}


def _card(tasks: "Tasks") -> str:
    names = "\n".join(f"{i}. {_plain(name)}" for i, name in enumerate(tasks.classes))
    return _CARD.format(
        rows=f"{tasks.rows:,}", labelled=f"{tasks.labelled:,}", classes=names, key=tasks.key_name
    )


def _plain(text: str) -> str:
    # A code span: Markdown and HTML in a class name are shown as text.
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


def read(tool_file: "ToolFile") -> Iterator[ImportedAnswer]:
    """Yield the labels of a dataset: a folder of Parquet files, or one such file."""
    import pyarrow.parquet as pq

    field = tool_file.label_field or _LABEL
    number = 0
    for path in _parts(tool_file):
        try:
            file = pq.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise tool_file.error(f"{path.name} is not a Parquet file ({error})") from None
        if field not in file.schema_arrow.names:
            raise tool_file.error(
                f"it has no column {field!r}; name the labels by --label-field NAME"
            )
        names = _class_names(file.schema_arrow, field)
        tool_file.classes = names or tool_file.classes
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                number += 1
                blank = tool_file.blank_answer(row, f"row {number}")
                label = _label(row[field], names, tool_file, number)
                yield blank._replace(
                    labels=(label,) if label else (), who=str(row.get(ANNOTATOR) or "")
                )


def _parts(tool_file: "ToolFile") -> list[Path]:
    paths = (
        sorted(tool_file.path.rglob("*.parquet")) if tool_file.path.is_dir() else [tool_file.path]
    )
    if not paths:
        raise tool_file.error(
            "the folder contains no .parquet files (Dataset.to_parquet writes one)"
        )
    return paths


def _class_names(schema: "pa.Schema", field: str) -> list[str] | None:
    try:
        feature = json.loads((schema.metadata or {})[_KEY])["info"]["features"][field]
        return [str(name) for name in feature["names"]]
    except (KeyError, TypeError, ValueError):
        return None


def _label(value: Any, names: list[str] | None, tool_file: "ToolFile", number: int) -> str:
    if value is None or (names is not None and value == -1):
        return ""  # -1 means no label in datasets
    if names is None or isinstance(value, str):
        return str(value)
    if not 0 <= int(value) < len(names):
        raise tool_file.error(
            f"row {number}: label {value} is not an index of {len(names)} classes"
        )
    return names[int(value)]
