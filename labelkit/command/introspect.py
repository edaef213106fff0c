"""What a command takes, asked of the command itself: its options, and what it would refuse."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.config import field_words
from labelkit.config.commands import function_of
from labelkit.errors import UsageError

if TYPE_CHECKING:
    from typer._click.exceptions import ClickException


def accepted(name: str) -> set[str]:
    """Return the parameters of a command, by the name of the command."""
    return set(inspect.signature(function_of(name)).parameters)


def parsed(name: str, args: Sequence[str]) -> dict[str, Any]:
    """Return the options of a command line as its command parses it, with the task file's keys.

    Raises UsageError for what the command would refuse.
    """
    from typer._click.exceptions import ClickException

    from labelkit.command.declare import as_typer_command

    try:
        return dict(as_typer_command(function_of(name)).make_context(name, [*args]).params)
    except ClickException as error:
        raise UsageError(message_of(error)) from None


def from_task_file(name: str, path: Path) -> dict[str, Any]:
    """Return the options that a task file gives to a command, as the command line would."""
    from labelkit.command.declare import as_typer_command

    command = as_typer_command(function_of(name))
    context = command.make_context(name, ["-", "--task", str(path)])
    sources = {option: context.get_parameter_source(option) for option in context.params}
    return {
        option: context.params[option]
        for option, source in sources.items()
        if source is not None and source.name == "DEFAULT_MAP"
    }


def message_of(error: "ClickException") -> str:
    """Return what Typer has to say of a command line, in our words."""
    if hasattr(error, "possibilities"):  # an option that the command does not have
        return f"there is no option {error.option_name}{_meant(error)}"  # type: ignore[attr-defined]
    message = error.format_message()
    return message.replace("Value error, ", "")  # pydantic's word for a choice that is not there


def _meant(error: Any) -> str:
    """Return the options that may be meant instead: by another tool's word, else by spelling."""
    ctx = error.ctx
    has = {name for param in ctx.command.get_params(ctx) for name in param.opts} if ctx else set()
    word = str(error.option_name).casefold().replace("_", "-")
    by_word = [name for name in field_words.OPTIONS.get(word, ()) if name in has]
    likely = by_word[:1] or sorted(error.possibilities or ())
    if len(likely) < 2:
        return f"; did you mean {likely[0]}?" if likely else ""
    return f"; did you mean one of {', '.join(likely)}?"
