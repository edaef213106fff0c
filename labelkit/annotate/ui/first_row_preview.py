"""A preview of the first row, read from the start of the file, to show a screen at once.

There is a preview only for CSV files whose rows are shown in order. Keys take effect when the
whole file and the journal are open.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from labelkit.annotate.options import AnnotateOptions, answers_path
from labelkit.annotate.row import Field, RowInfo, row_info
from labelkit.annotate.row_answer import answered_keys
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
MAX_BLOCKS = 32  # about 2 MB of the file, read in a few hundredths of a second
MAX_JOURNAL_BYTES = 1 << 20  # of the journal


class FirstRow(NamedTuple):
    """The first row, as it will be shown."""

    key_name: str
    key: str
    texts: list[tuple[str, str]]
    fields: list[Field]
    info: RowInfo


class Preview(NamedTuple):
    """What is known before the file is open; `first` is None if the first row is not certain."""

    name: str
    classes: list[str]
    first: FirstRow | None
    marks: highlight.Highlighter


def load_preview(option_values: Mapping[str, Any], options: AnnotateOptions) -> Preview:
    """Return what can be shown before the file is read; raises UsageError for invalid options."""
    classes = split_classes(option_values.get("classes")) or []
    path = paths.task_path(option_values)
    rules = {} if path is None else task_file.load(path).table("weak-label")
    try:
        first = _first_row(option_values, options, classes)
    except (LabelkitError, OSError, KeyError, TypeError):  # opening the file reports the error
        first = None
    return Preview(
        str(option_values["input"]), classes, first, highlight.of_rules(rules, options.highlight)
    )


def _first_row(
    option_values: Mapping[str, Any], options: AnnotateOptions, classes: list[str]
) -> FirstRow | None:
    source = Path(str(option_values["input"]))
    journal = journal_path(answers_path(option_values))
    if source.suffix.lower() not in DELIMITERS or options.redo:
        return None
    if journal.exists() and journal.stat().st_size > MAX_JOURNAL_BYTES:
        return None
    done = set() if options.start_over else answered_keys(read_entries(journal)[1:])
    delimiter = option_values.get("delimiter") or DELIMITERS[source.suffix.lower()]
    encoding = checked_encoding(option_values["encoding"], source)
    parser = Parser(source, delimiter, encoding, FIRST_BYTES)
    records = (record for block in islice(parser.blocks(), MAX_BLOCKS) for record in block.records)
    names = next(records, [])
    if are_for_people(names):
        names = [unescape_formula(name) for name in names]
        records = ([unescape_formula(cell) for cell in record] for record in records)
    text = list(option_values.get("text") or ["text"])
    if not (ROW_CHECK in names or options.in_order) or not set(text) <= set(names):
        return None
    key_name = option_values.get("id") or ("id" if "id" in names else "row")
    for number, record in enumerate(records, 1):
        if not record and len(names) > 1:  # blank lines are not rows
            return None
        cells = dict(zip(names, record, strict=False))
        key = cells.get(key_name, str(number))
        if key not in done and not cells.get("label"):
            first = _row_of_cells(cells, key_name, key, text, options, classes)
            # Which columns of --show are machine columns is known only when the file is open.
            return None if first.fields and first.info.origin in BLIND_ORIGINS else first
    return None


def _row_of_cells(
    cells: dict[str, str],
    key_name: str,
    key: str,
    text: list[str],
    options: AnnotateOptions,
    classes: list[str],
) -> FirstRow:
    def cell(name: str) -> str:
        return cells.get(name, "")

    info = row_info(cell, classes)
    return FirstRow(
        key_name,
        key,
        [(name, cell(name)) for name in text],
        [Field(name, cell(name), "") for name in dict.fromkeys(options.show)],
        info._replace(suggestion=None) if options.blind else info,
    )
