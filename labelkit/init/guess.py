"""Guesses the text columns, key, classes and rules of a data file."""

import contextlib
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from labelkit.data import text_columns
from labelkit.errors import LabelkitError
from labelkit.io.content import first_duplicate

if TYPE_CHECKING:
    from labelkit.job.job import Job

_MAX_CLASSES = 30
_MIN_ROWS_PER_CLASS = 3  # on average; a column with fewer rows per value is not a label column
_MAX_RULES = 8
_KEY_NAMES = {"id", "key", "uuid", "guid"}
_LABEL_NAMES = {"label", "labels", "class", "category", "gold", "truth", "target", "topic",
                    "sentiment", "intent"}  # fmt: skip


class Guess(NamedTuple):
    """The guesses, for the user to check; '' or empty if there is no evidence for a guess.

    `labels` is the column with the classes, `rules` are TOML tables.
    """

    text: list[str]
    key: str
    labels: str
    classes: list[str]
    rules: str


def of(job: "Job") -> Guess:
    """Return the guesses from the data; options of the job are used as they are."""
    text = (
        job.text
        if job.has_text()
        else text_columns.detect_text_columns(job.source, job.visible_columns())
    )
    key = _key(job)
    labels, classes = _labels(job, {*text, key})
    rules = _rules(job, text, labels) if labels and text else ""
    return Guess(text, key, labels, classes, rules)


def _key(job: "Job") -> str:
    """Return a key column without duplicates; `row` if `id` has duplicates, '' if there is none."""
    if job.options.get("id"):
        return job.key_name
    named = [n for n in job.visible_columns() if _words(n) & _KEY_NAMES or n == "id"]
    for name in sorted(named, key=lambda name: name != "id"):
        if job.rows and first_duplicate(list(job.source.texts(name))) is None:
            return name
    return "row" if job.rows and job.source.has("id") else ""


def _labels(job: "Job", others: set[str]) -> tuple[str, list[str]]:
    """Return the label column ('' if there is none) and the classes."""
    if job.options.get("label") or job.source.has("label"):
        values = sorted(set(job.labels().values) - {""})
        return (job.label_columns()[0] if len(values) > 1 else ""), job.classes or values
    for name in job.source.columns:
        if name not in {*others, *job.machine_columns} and _words(name) & _LABEL_NAMES:
            cells = [text for text in job.source.texts(name) if text]
            values = sorted(set(cells))
            fits = set(values) <= set(job.classes or values)
            if fits and 2 <= len(values) <= min(_MAX_CLASSES, len(cells) // _MIN_ROWS_PER_CLASS):
                return name, job.classes or values
    return "", job.classes or []


def _words(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return set(re.split(r"[\W_]+", spaced.casefold()))


def _rules(job: "Job", text: list[str], labels: str) -> str:
    """Return the rules that weak-label suggests from the labels; '' if there are none."""
    from labelkit.command.invoke import run as run_command

    args = ["weak-label", str(job.options["input"]), "--no-task", "--label", labels]
    args += [part for name in text for part in ("--text", name)]
    for option in ("delimiter", "encoding"):
        args += [f"--{option}", job.options[option]] if job.options.get(option) else []
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            run_command([*args, "--suggest", str(_MAX_RULES)])
    except LabelkitError:  # for example, labels of one class only
        return ""
    return output.getvalue() if output.getvalue().strip() else ""
