"""Commands as a user types them: with the options of plan that they take too."""

from typing import TYPE_CHECKING

from labelkit.command import next_steps
from labelkit.command.introspect import accepted
from labelkit.io.files import ending_of, next_to

if TYPE_CHECKING:
    from labelkit.job.job import Job

# What is said of a file once holds for all commands that read it, beside how its rows are read.
_PASSED = ("unknown_label", "label", "gold", "features")
_USUAL = ("", "auto", "error")  # what options are if nothing is said
_OF_PLAN = ("functions", "model", "price", "target_accuracy", "floor", "labels", "audit")
# A language model would be calibrated by gold; a batch has a column label of its own.
_NOT_TO = {"llm-label": {"gold"}, "annotate": {"gold", "label", "features"}}


def source(job: "Job") -> str:
    """Return the file as it was named; what came through a pipe has to be in a file first."""
    is_piped = str(job.options["input"]) == "-"
    return f"INPUT.{job.source.format}" if is_piped else str(job.source.name)


def beside(job: "Job", word: str) -> str:
    """Return the name of a file beside it."""
    return str(next_to(source(job), word))


def with_ending(job: "Job", ending: str) -> str:
    """Return its name with another ending."""
    return source(job).removesuffix(ending_of(source(job))) + ending


def command(job: "Job", name: str, *words: str) -> str:
    """Return a command line with the options that plan was given, as far as the command has them.

    Those that are named among the words stay as they are.
    """
    takes = accepted(name) - _NOT_TO.get(name, set())
    passed = [one for one in _PASSED if one in takes and _flag(one) not in words]
    return next_steps.command(
        job.options,
        job.task,
        name,
        *words,
        reads_batch=name == "annotate",
        more=_given(job, passed),
    )


def line(job: "Job", name: str, word: str, *words: str) -> str:
    """Return a command that writes the file with a word in its name."""
    return command(job, name, source(job), "-o", beside(job, word), *words)


def again(job: "Job", file: str, *words: str) -> str:
    """Return plan on another file, with all that it was given."""
    rest = [one for one in _OF_PLAN if _flag(one) not in words]
    return command(job, "plan", file, *words, *_given(job, rest))


def then(*commands: str) -> str:
    """Return commands as one line of a shell."""
    return " && ".join(commands)


def _flag(name: str) -> str:
    return next_steps.words_of(name, True)[0]


def _given(job: "Job", names: list[str]) -> list[str]:
    """Return options as they were typed; those of the task file are there anyway."""
    told = job.task.content.get("task", {}) | job.task.table("plan")
    given = {**job.options, **job.own}
    words: list[str] = []
    for name in names:
        value, known = given.get(name), told.get(name)
        is_usual = value is None or value is False or value == [] or value in _USUAL
        if not is_usual and value not in (known, [known]):
            words += next_steps.words_of(name, value)
    return words
