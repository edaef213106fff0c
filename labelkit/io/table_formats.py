"""The file formats of tables, by the suffix of a path."""

from pathlib import Path

from labelkit.errors import UsageError, nearest
from labelkit.io import streams
from labelkit.io.files import COMPRESSIONS

FORMATS = ("csv", "tsv", "jsonl", "parquet")
DELIMITERS = {"csv": ",", "tsv": "\t"}
_ALIASES = {"ndjson": "jsonl", "pq": "parquet"}


def format_of(path: Path, given_format: str | None = None) -> str:
    """Return the format of a path's suffix; for pipes `given_format`.

    Raises UsageError for an unknown suffix.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    name = suffixes[-1][1:] if suffixes else ""
    name = _ALIASES.get(name, name)
    if name in FORMATS:
        if name == "parquet" and path.suffix.lower() in COMPRESSIONS:
            raise UsageError(
                f"{path}: Parquet has its own compression; remove the suffix {path.suffix}"
            )
        return name
    if (given_format and not name) or streams.is_stream(path):
        return given_format or "csv"
    if name in ("xlsx", "xls", "ods"):
        raise UsageError(
            f"{path}: spreadsheet files are not supported; save it as CSV (UTF-8) and pass that "
            f"file"
        )
    raise UsageError(
        f"{path}: the suffix {path.suffix or '(none)'} is not known{nearest(name, FORMATS)} "
        f"(.csv .tsv .jsonl .parquet, text ones also with .gz or .zst)"
    )
