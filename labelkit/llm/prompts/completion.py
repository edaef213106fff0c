"""The plain completion prompt for small models: a text, then a noun, then the class's word."""

import re
from collections.abc import Sequence
from typing import Any

from labelkit.errors import UsageError
from labelkit.llm.prompts.chat import Task, defuse

# Nouns that may stand before the class's word; which one serves a task is chosen by what the
# model makes of its first rows.
WORDINGS = ("Sentiment", "Category", "Tone", "Type")
WORDING_ROWS = 24
# A small model reads some 300 tokens a second: of a long text, its start and its end.
HEAD, TAIL = 1000, 500
_BETWEEN_WORDS = re.compile(r"(?<=\w)[\s_-]+(?=[^\W_])")
_FULL_WORDS = {"pos": "positive", "neg": "negative", "neu": "neutral"}
_TEXT_NOUNS = (
    "review", "message", "comment", "headline", "ticket", "email", "question", "tweet", "post",
    "sentence", "article", "title", "news", "complaint", "request", "abstract", "answer",
)  # fmt: skip


def words(classes: Sequence[str]) -> dict[str, str]:
    """Return the natural word for each class: lower case, no underscores, no abbreviation."""
    spelled = {}
    for name in classes:
        plain = " ".join(re.sub(r"[_\s]+", " ", name).split()).lower()
        spelled[name] = _FULL_WORDS.get(plain, plain) or name
    if len(set(spelled.values())) < len(spelled):
        return {name: name for name in classes}
    return spelled


def text_noun(column: str, task_name: str) -> str:
    """Return what a text is called: from the column, else from the task's name, else `Text`."""
    for source in (column, task_name):
        for part in re.split(r"[\W_]+", source.casefold()):
            noun = part if part in _TEXT_NOUNS else part.removesuffix("s")
            if noun in _TEXT_NOUNS:
                return noun.capitalize()
    return "Text"


def header(task: Task) -> str:
    """Return the part before all texts: guidelines and what the classes mean; may be empty."""
    if task.preface is not None:
        return f"{task.preface}\n\n" if task.preface else ""
    spelled = words(task.classes)
    lines = [" ".join(task.guidelines.split())] if task.guidelines.strip() else []
    lines += [" ".join(case.split()) for case in task.edge_cases]
    lines += [
        f"{spelled[name]}: {task.descriptions[name]}"
        for name in task.classes
        if task.descriptions.get(name)
    ]
    return "\n".join(lines) + "\n\n" if lines else ""


def request(task: Task, noun: str, wording: str, text: str) -> dict[str, Any]:
    """Return what the local model is asked: the prompt, and the word that stands for each class.

    `shared` is the part before the text, which the model need not read again for the next row. The
    text is one line: it cannot look like the next example.
    """
    spelled = words(task.classes)

    def asked(row: str) -> str:
        if task.preface is None:
            row = f"{noun}: {one_line(row)}"
        return row if task.preface is not None and row.endswith(":") else f"{row}\n{wording}:"

    shown = "".join(f"{asked(row)} {spelled[label]}\n\n" for row, label in task.examples)
    shared = f"{header(task)}{shown}"
    return {"prompt": f"{shared}{asked(text)}", "shared": shared, "words": spelled}


def one_line(text: str) -> str:
    """Return the text on one line, of a long one the start and the end."""
    flat = " ".join(defuse(text).split())
    return flat if len(flat) <= HEAD + TAIL else f"{flat[:HEAD]} ... {flat[-TAIL:]}"


def check_classes(classes: Sequence[str]) -> None:
    """Refuse what cannot be labelled: fewer than two classes, or two that a model may mix up."""
    if len(classes) < 2:
        raise UsageError(
            "llm-label needs at least two classes: --classes A,B or `classes` in [task]"
        )
    seen: dict[str, str] = {}
    for name in classes:
        plain = " ".join(_BETWEEN_WORDS.sub(" ", name.casefold()).split())
        if plain in seen:
            raise UsageError(
                f"the classes {seen[plain]!r} and {name!r} differ only in case, blanks, hyphens or "
                "underscores: a model's answer may mean either. Rename one"
            )
        seen[plain] = name
