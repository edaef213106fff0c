"""What passes between the files of this folder: a task for people, and what a person said of one.

Each tool knows other things by other names; these are ours, and no tool has a field of such a name
for itself: a field called `id` is overwritten by half of them.
"""

from typing import NamedTuple

from labelkit.io.spreadsheet_cells import held_back, let_go

__all__ = ["held_back", "let_go"]

ROW_ID, ROW_KEY, ROW_CHECK, ORIGIN = "row_id", "row_key", "row_check", "label_origin"
ANNOTATOR = "label_annotator"
GUESS, GUESS_CONFIDENCE = "guess", "guess_confidence"
PASSPORT = (ROW_ID, ROW_KEY, ROW_CHECK, ORIGIN, ANNOTATOR)
_TOOLS_OWN = ("id", "meta", "options", "accept", "answer", "labelkit_label", "labelkit_note")
_ANSWERS = ("label", "label_note", "label_flag", "label_seconds")
TAKEN = frozenset((*PASSPORT, GUESS, GUESS_CONFIDENCE, *_TOOLS_OWN, *_ANSWERS))


class Field(NamedTuple):
    """A column that people see: its name in the tool, and its title, the column's own name."""

    name: str
    title: str


class Guess(NamedTuple):
    """A label that a machine supposes, its probability (None: not known), and its column."""

    label: str
    confidence: float | None
    column: str


class Task(NamedTuple):
    """A row for people. `cells` are the texts of the fields; `label` is '' where none is known."""

    key: str
    check: str
    origin: str
    cells: tuple[str, ...]
    guess: Guess | None
    label: str
    annotator: str

    def passport(self, key_name: str) -> dict[str, str]:
        """Return what a tool must hand back with the answer, so that it finds its row again."""
        known = {ROW_ID: self.key, ROW_KEY: key_name, ROW_CHECK: self.check}
        by = self.annotator if self.label else ""
        return known | {k: v for k, v in ((ORIGIN, self.origin), (ANNOTATOR, by)) if v}


class Said(NamedTuple):
    """What one person said of one row; neither labels nor `skipped`: nothing yet.

    `place` tells people where it stands in the tool's file, `labels` are several where the person
    gave several, `guess` is the label that the person was shown ('' for none).
    """

    place: str
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
    """Return a row's cells by the names that the tool knows."""
    return {field.name: cell for field, cell in zip(fields, cells, strict=True)}


def one_text(cells: tuple[str, ...], fields: list[Field]) -> str:
    """Return a row as the one text that a tool shows: the cells, named where there are several."""
    if len(cells) == 1:
        return cells[0]
    return "\n".join(f"{field.title}: {cell}" for field, cell in zip(fields, cells, strict=True))
