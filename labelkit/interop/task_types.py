"""Types shared by the files of this folder: a task for people, and an answer to one.

The field names below are not used by any of the tools for its own data. `id` is: doccano, Label
Studio and Argilla write their own number into it.
"""

from typing import NamedTuple

from labelkit.io.spreadsheet_cells import escape_formula, unescape_formula

__all__ = ["escape_formula", "unescape_formula"]

ROW_ID, ROW_KEY, ROW_CHECK, ORIGIN = "row_id", "row_key", "row_check", "label_origin"
ANNOTATOR = "label_annotator"
GUESS, GUESS_CONFIDENCE = "guess", "guess_confidence"
ROW_REFERENCE = (ROW_ID, ROW_KEY, ROW_CHECK, ORIGIN, ANNOTATOR)
_TOOLS_OWN = ("id", "meta", "options", "accept", "answer", "labelkit_label", "labelkit_note")
_ANSWERS = ("label", "label_note", "label_flag", "label_seconds")
RESERVED_NAMES = frozenset((*ROW_REFERENCE, GUESS, GUESS_CONFIDENCE, *_TOOLS_OWN, *_ANSWERS))


class Field(NamedTuple):
    """A column shown to people: its name in the tool, and the column's name as its title."""

    name: str
    title: str


class Guess(NamedTuple):
    """A suggested machine label, its probability (None: unknown), and the column it is from."""

    label: str
    confidence: float | None
    column: str


class Task(NamedTuple):
    """A row for people. `cells` are the texts of the fields; `label` is '' if unlabelled."""

    key: str
    check: str
    origin: str
    cells: tuple[str, ...]
    guess: Guess | None
    label: str
    annotator: str

    def row_reference(self, key_name: str) -> dict[str, str]:
        """Return the fields that identify the row; the tool must export them with the answer."""
        reference = {ROW_ID: self.key, ROW_KEY: key_name, ROW_CHECK: self.check}
        annotator = self.annotator if self.label else ""
        return reference | {k: v for k, v in ((ORIGIN, self.origin), (ANNOTATOR, annotator)) if v}


class ImportedAnswer(NamedTuple):
    """One person's answer about one row; unanswered if it has neither labels nor `skipped`.

    `location` is where the answer is in the tool's file, `labels` are several where the person
    gave several, `guess` is the label that the person was shown ('' for none).
    """

    location: str
    key: str
    key_name: str
    check: str = ""
    origin: str = ""
    labels: tuple[str, ...] = ()
    skipped: bool = False
    who: str = ""
    seconds: float | None = None
    note: str = ""
    flag: bool | None = None
    guess: str = ""
    when: float = 0.0


def by_name(fields: list[Field], cells: tuple[str, ...]) -> dict[str, str]:
    """Return a row's cells by their field names in the tool."""
    return {field.name: cell for field, cell in zip(fields, cells, strict=True)}


def one_text(cells: tuple[str, ...], fields: list[Field]) -> str:
    """Return a row as one text: its only cell, or a line `title: cell` for each field."""
    if len(cells) == 1:
        return cells[0]
    return "\n".join(f"{field.title}: {cell}" for field, cell in zip(fields, cells, strict=True))
