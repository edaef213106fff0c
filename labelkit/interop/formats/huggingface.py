"""Hugging Face: a folder that `datasets.load_dataset` opens, the classes by name in it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import LabelkitError, UsageError
from labelkit.interop.task_types import ANNOTATOR, ROW_CHECK, ROW_ID, ROW_KEY, Said

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.interop.destination import Place
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import Given

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

{rows} rows, {labelled} of them labelled. The column `label` holds the place of the class:

{classes}

`row_id` is the row's key in the file that this was made of (its column `{key}`).
"""


def write(tasks: "Tasks", place: "Place") -> str:
    """Write the rows with all their columns, the label as a number with its class's name."""
    import pyarrow.parquet as pq

    with place.folder(PART) as folder:
        (folder / "data").mkdir()
        writer: Any = None
        for rows, places in tasks.whole_rows():
            table = _with_label(rows, places.tolist(), tasks)
            if writer is None:
                told = _metadata(tasks.metadata, tasks.classes)
                schema = table.schema.with_metadata(told)
                writer = pq.ParquetWriter(folder / PART, schema, compression="snappy")
            if table.num_rows:  # datasets reads in pieces as long as the first group of rows
                writer.write_table(table.cast(writer.schema))
        writer.close()
        if not tasks.rows:
            raise LabelkitError("there is no row to export; datasets opens no empty dataset")
        (folder / "README.md").write_bytes(_card(tasks).encode())
    return f"datasets.load_dataset({place.name!r}) opens it"


def _with_label(rows: "pa.Table", places: list[int], tasks: "Tasks") -> "pa.Table":
    import pyarrow as pa

    if _LABEL in rows.column_names and _LABEL not in tasks.label_columns:
        if _ASIDE in rows.column_names:
            raise UsageError(
                f"the columns {_LABEL!r} and {_ASIDE!r} would both be overwritten; name the labels "
                f"with --label {_LABEL}, or rename one"
            )
        rows = rows.rename_columns([_ASIDE if n == _LABEL else n for n in rows.column_names])
    codes = tasks.known.codes[places]
    ours = {
        ROW_ID: pa.array([tasks.keys[i] for i in places], pa.string()),
        ROW_KEY: pa.array([tasks.key_name] * len(places), pa.string()),
        _LABEL: pa.array([None if code < 0 else int(code) for code in codes], pa.int64()),
    }
    if ROW_CHECK not in rows.column_names:
        ours[ROW_CHECK] = pa.array([tasks.checks[i] for i in places], pa.string())
    kept = rows.drop_columns([name for name in ours if name in rows.column_names])
    for name, column in ours.items():
        kept = kept.append_column(name, column)
    return kept


def _metadata(before: Mapping[bytes, bytes], classes: list[str]) -> dict[bytes, bytes]:
    """Return the file's own metadata, with the classes where datasets looks for them."""
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
    # A class is data: it makes no heading, link or HTML of the page.
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


def read(given: "Given") -> Iterator[Said]:
    """Yield the labels of a dataset: a folder with Parquet files, or one such file."""
    import pyarrow.parquet as pq

    field = given.label_field or _LABEL
    number = 0
    for path in _parts(given):
        try:
            file = pq.ParquetFile(path)
        except (OSError, ValueError) as error:
            raise given.wrong(f"{path.name} is no Parquet file ({error})") from None
        if field not in file.schema_arrow.names:
            raise given.wrong(f"it has no column {field!r}; name the labels by --label-field NAME")
        names = _class_names(file.schema_arrow, field)
        given.classes = names or given.classes
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                number += 1
                blank = given.said(row, f"row {number}")
                label = _label(row[field], names, given, number)
                yield blank._replace(
                    labels=(label,) if label else (), who=str(row.get(ANNOTATOR) or "")
                )


def _parts(given: "Given") -> list[Path]:
    found = sorted(given.path.rglob("*.parquet")) if given.path.is_dir() else [given.path]
    if not found:
        raise given.wrong("it is a folder without .parquet files (Dataset.to_parquet writes one)")
    return found


def _class_names(schema: "pa.Schema", field: str) -> list[str] | None:
    try:
        told = json.loads((schema.metadata or {})[_KEY])["info"]["features"][field]
        return [str(name) for name in told["names"]]
    except (KeyError, TypeError, ValueError):
        return None


def _label(value: Any, names: list[str] | None, given: "Given", number: int) -> str:
    if value is None or (names is not None and value == -1):
        return ""  # -1 is how datasets says that there is none
    if names is None or isinstance(value, str):
        return str(value)
    if not 0 <= int(value) < len(names):
        raise given.wrong(f"row {number}: label {value} is no place in {len(names)} classes")
    return names[int(value)]
