"""What a data file seems to be: its texts, key, classes, and rules that its labels speak for."""

import contextlib
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from labelkit.data import text_columns
from labelkit.errors import LabelkitError
from labelkit.io.content import doubled

if TYPE_CHECKING:
    from labelkit.job.job import Job

_MOST_CLASSES = 30
_ROWS_A_CLASS = 3  # on the mean; a column of fewer is none of classes
_RULES = 8
_NAMES_OF_KEYS = {"id", "key", "uuid", "guid"}
_NAMES_OF_LABELS = {"label", "labels", "class", "category", "gold", "truth", "target", "topic",
                    "sentiment", "intent"}  # fmt: skip


class Guess(NamedTuple):
    """What is written down for the user to mend; nothing is empty but what nothing speaks for.

    `labels` is the column that the classes are from, `rules` are TOML tables.
    """

    text: list[str]
    key: str
    labels: str
    classes: list[str]
    rules: str


def of(job: "Job") -> Guess:
    """Look at the data; what the options name is no guess."""
    text = (
        job.text
        if job.has_text()
        else text_columns.texts_by_look(job.source, job.visible_columns())
    )
    key = _key(job)
    labels, classes = _labels(job, {*text, key})
    rules = _rules(job, text, labels) if labels and text else ""
    return Guess(text, key, labels, classes, rules)


def _key(job: "Job") -> str:
    """Return the column whose cells name the rows; `row` where `id` does not, '' without any."""
    if job.options.get("id"):
        return job.key_name
    named = [n for n in job.visible_columns() if _words(n) & _NAMES_OF_KEYS or n == "id"]
    for name in sorted(named, key=lambda name: name != "id"):
        if job.rows and doubled(list(job.source.texts(name))) is None:
            return name
    return "row" if job.rows and job.source.has("id") else ""


def _labels(job: "Job", others: set[str]) -> tuple[str, list[str]]:
    """Return the column that holds labels, if one does, and the classes."""
    if job.options.get("label") or job.source.has("label"):
        values = sorted(set(job.labels().values) - {""})
        return (job.label_columns()[0] if len(values) > 1 else ""), job.classes or values
    for name in job.source.columns:
        if name not in {*others, *job.machine_columns} and _words(name) & _NAMES_OF_LABELS:
            cells = [text for text in job.source.texts(name) if text]
            values = sorted(set(cells))
            fits = set(values) <= set(job.classes or values)
            if fits and 2 <= len(values) <= min(_MOST_CLASSES, len(cells) // _ROWS_A_CLASS):
                return name, job.classes or values
    return "", job.classes or []


def _words(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return set(re.split(r"[\W_]+", apart.casefold()))


def _rules(job: "Job", text: list[str], labels: str) -> str:
    """Return the rules that weak-label suggests for the labels; '' where it finds none."""
    from labelkit.command.invoke import run as run_command

    args = ["weak-label", str(job.options["input"]), "--no-task", "--label", labels]
    args += [part for name in text for part in ("--text", name)]
    for option in ("delimiter", "encoding"):
        args += [f"--{option}", job.options[option]] if job.options.get(option) else []
    found = io.StringIO()
    try:
        with contextlib.redirect_stdout(found), contextlib.redirect_stderr(io.StringIO()):
            run_command([*args, "--suggest", str(_RULES)])
    except LabelkitError:  # of one class, say
        return ""
    return found.getvalue() if found.getvalue().strip() else ""
