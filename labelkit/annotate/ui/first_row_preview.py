"""The row that will be asked first, seen before the file is read: a first screen at once.

Only a CSV file whose rows are asked in order can be seen so. It is a look and no more: what a key
does is decided by the journal and the whole file, which are opened meanwhile.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from labelkit.annotate.options import Wanted, answers_path
from labelkit.annotate.row import About, Field, about
from labelkit.annotate.session import answered
from labelkit.annotate.ui import highlight
from labelkit.config import paths, task_file
from labelkit.config.label_text import split_classes
from labelkit.data.answers_journal import journal_path, read_entries
from labelkit.data.columns import ROW_CHECK
from labelkit.data.suggestions import BLIND_ORIGINS
from labelkit.errors import LabelkitError
from labelkit.io.csv_parser import FIRST_BYTES, Parser
from labelkit.io.encodings import checked_encoding
from labelkit.io.spreadsheet_cells import are_for_people, unescape_formula

DELIMITERS = {".csv": ",", ".tsv": "\t"}
MOST_BLOCKS = 32  # of the file, some 2 MB: what is read in a few hundredths of a second
MOST_BYTES = 1 << 20  # of the journal


class First(NamedTuple):
    """A row as it will be shown."""

    key_name: str
    key: str
    texts: list[tuple[str, str]]
    fields: list[Field]
    about: About


class Glimpse(NamedTuple):
    """What is known of the file at once; `first` is None where it is not clear what is asked."""

    name: str
    classes: list[str]
    first: First | None
    marks: highlight.Highlighter


def glimpse(options: Mapping[str, Any], wanted: Wanted) -> Glimpse:
    """Return what can be shown before the file is read; raises UsageError for wrong options."""
    classes = split_classes(options.get("classes")) or []
    path = paths.task_path(options)
    rules = {} if path is None else task_file.load(path).table("weak-label")
    try:
        first = _first(options, wanted, classes)
    except (LabelkitError, OSError, KeyError, TypeError):  # whoever opens it says what is wrong
        first = None
    return Glimpse(
        str(options["input"]), classes, first, highlight.of_rules(rules, wanted.highlight)
    )


def _first(options: Mapping[str, Any], wanted: Wanted, classes: list[str]) -> First | None:
    source = Path(str(options["input"]))
    kept = journal_path(answers_path(options))
    if source.suffix.lower() not in DELIMITERS or wanted.redo:
        return None
    if kept.exists() and kept.stat().st_size > MOST_BYTES:
        return None
    done = set() if wanted.start_over else answered(read_entries(kept)[1:])
    delimiter = options.get("delimiter") or DELIMITERS[source.suffix.lower()]
    encoding = checked_encoding(options["encoding"], source)
    parser = Parser(source, delimiter, encoding, FIRST_BYTES)
    records = (record for block in islice(parser.blocks(), MOST_BLOCKS) for record in block.records)
    names = next(records, [])
    if are_for_people(names):
        names = [unescape_formula(name) for name in names]
        records = ([unescape_formula(cell) for cell in record] for record in records)
    text = list(options.get("text") or ["text"])
    if not (ROW_CHECK in names or wanted.in_order) or not set(text) <= set(names):
        return None
    key_name = options.get("id") or ("id" if "id" in names else "row")
    for number, record in enumerate(records, 1):
        if not record and len(names) > 1:  # blank lines are no rows
            return None
        cells = dict(zip(names, record, strict=False))
        key = cells.get(key_name, str(number))
        if key not in done and not cells.get("label"):
            first = _shown(cells, key_name, key, text, wanted, classes)
            # Which of the columns of --show labelkit wrote is known once the file is open.
            return None if first.fields and first.about.origin in BLIND_ORIGINS else first
    return None


def _shown(
    cells: dict[str, str],
    key_name: str,
    key: str,
    text: list[str],
    wanted: Wanted,
    classes: list[str],
) -> First:
    def cell(name: str) -> str:
        return cells.get(name, "")

    known = about(cell, classes)
    return First(
        key_name,
        key,
        [(name, cell(name)) for name in text],
        [Field(name, cell(name), "") for name in dict.fromkeys(wanted.show)],
        known._replace(suggestion=None) if wanted.blind else known,
    )
