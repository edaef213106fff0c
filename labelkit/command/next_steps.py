"""The command to type next, with the options that it needs to read the rows as this run did."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit.command.introspect import accepted
from labelkit.config.label_text import split_classes
from labelkit.config.task_file import Task
from labelkit.io.csv_parser import option_for
from labelkit.io.files import next_to

_OF_ROWS = ("text", "id", "classes")
_OF_FILES = ("delimiter", "encoding")
_TASK = ("task", "no_task")


def command(
    options: Mapping[str, Any],
    task: Task,
    name: str,
    *words: str,
    reads_batch: bool = False,
    more: Sequence[str] = (),
) -> str:
    """Return `labelkit NAME WORDS` and those of a run's options that the other command takes too.

    `reads_batch`: what it reads is comma-separated UTF-8, whatever the data is. `more` words are
    said as they are. What the task file tells is not said again; a task file that was named is
    named.
    """
    taken = accepted(name)
    typed = [shlex.join(["labelkit", name, *map(_no_option, words)])]
    of_files = () if reads_batch else _OF_FILES
    for option in (*_OF_ROWS, *of_files, *_TASK):
        is_said = f"--{option}" in words or option not in taken
        if not is_said and not _is_known(option, options.get(option), task):
            typed.append(_typed(option, options[option]))
    return " ".join([*typed, shlex.join(more)]).rstrip()


def same(*more: str) -> str:
    """Return the command line that runs now, with more words."""
    return shlex.join(["labelkit", *sys.argv[1:], *more])


def _no_option(word: str) -> str:
    """Return a word; a file whose name looks like an option is named with its folder."""
    looks_like_one = word.startswith("-") and word != "-"
    return f"./{word}" if looks_like_one and Path(word).exists() else word


def _is_known(option: str, value: Any, task: Task) -> bool:
    """Tell whether the next command has the value without a word."""
    if not value or (option == "encoding" and value == "utf-8"):
        return True
    told = task.content.get("task", {}).get(option)
    if told is None:
        return False
    if option == "classes":
        return split_classes(value) == (split_classes(told) if isinstance(told, str) else told)
    return value in (told, [told])


def _typed(option: str, value: Any) -> str:
    return option_for(value) if option == "delimiter" else shlex.join(words_of(option, value))


def column_in_where(name: str) -> str:
    """Return a column's name as --where takes it."""
    return name if name.isidentifier() else f"`{name}`"


def words_of(option: str, value: Any) -> list[str]:
    """Return an option as the words of a command line, once for each value."""
    flag = f"--{option.replace('_', '-')}"
    if value is True:
        return [flag]
    several = value if isinstance(value, list) else [value]
    return [word for one in several for word in (flag, str(one))]


def bringing(
    options: Mapping[str, Any], task: Task, data: str, answers: str, corrects: bool
) -> str:
    """Return the command that labels the data by people's answers, those of earlier rounds too.

    `corrects`: the answers take the place of labels in the file.
    """
    every = [*(str(path) for path in options.get("answers") or []), answers]
    if corrects:
        merged = ("-o", str(next_to(data, "merged")))
        return command(options, task, "merge", data, *every, *merged)
    decided = ("-o", str(next_to(data, "labelled")))
    return command(options, task, "decide", data, *decided, *words_of("answers", every))
