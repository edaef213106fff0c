"""Partition columns of Parquet folders: `year=2024/part.parquet`."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

from labelkit.errors import LabelkitError

_NULL = "__HIVE_DEFAULT_PARTITION__"
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")


def parts_of(folder: Path) -> list[Path]:
    """Return the Parquet files in a folder and its subfolders, sorted by path.

    Names that begin with a dot or an underscore are ignored, as in other tools.
    """
    files = [
        path
        for path in folder.rglob("*.parquet")
        if path.is_file() and not any(p[0] in "._" for p in path.relative_to(folder).parts)
    ]
    if not files:
        raise LabelkitError(f"the folder {folder} contains no .parquet files")
    return sorted(files)


def columns(
    paths: Sequence[Path], folders: Sequence[Path | None], in_file: Collection[str]
) -> dict[str, pa.Array]:
    """Return the values of each partition column, one per file.

    They are integers if all values are, else text. Columns in the files themselves are not
    repeated. Raises LabelkitError if the files have different partition columns.
    """
    values_by_file = [_named(path, folder) for path, folder in zip(paths, folders, strict=False)]
    for path, values in zip(paths, values_by_file, strict=False):
        if values.keys() != values_by_file[0].keys():
            raise LabelkitError(
                f"{path} has other partition folders than {paths[0]}: "
                f"{_listed(values)} instead of {_listed(values_by_file[0])}"
            )
    names = [name for name in (values_by_file[0] if values_by_file else ()) if name not in in_file]
    return {name: _typed([values[name] for values in values_by_file]) for name in names}


def _named(path: Path, folder: Path | None) -> dict[str, str | None]:
    if folder is None:
        return {}
    pairs = [part.partition("=") for part in path.parent.relative_to(folder).parts]
    texts = {unquote(name): unquote(value) for name, equals, value in pairs if equals and name}
    return {name: None if text == _NULL else text for name, text in texts.items()}


def _typed(texts: list[str | None]) -> pa.Array:
    if all(text is None or _INTEGER.fullmatch(text) for text in texts):
        return pa.array([None if text is None else int(text) for text in texts], pa.int64())
    return pa.array(texts, pa.string())


def _listed(values: dict[str, str | None]) -> str:
    return ", ".join(f"{name}=…" for name in values) or "none"
