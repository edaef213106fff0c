"""The app: loads commands by name, and turns errors into messages and exit codes."""

import shlex
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer.core import TyperGroup

from labelkit import __version__, console
from labelkit.command.introspect import message_of
from labelkit.command.plain_values import plain_first
from labelkit.config import field_words
from labelkit.config.commands import COMMANDS, function_of
from labelkit.errors import LabelkitError, PeopleNeeded, StoppingRuleReached, Terminated, nearest
from labelkit.io import files, streams
from labelkit.io.streams import StdoutFailed


class _Commands(TyperGroup):
    """Loads a command's module only when that command is called."""

    def get_params(self, ctx: Any) -> Any:
        return plain_first(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        from labelkit.command.declare import as_typer_command

        return as_typer_command(function_of(cmd_name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"unknown command {args[0]!r}{_suggested_command(args[0])}")
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        arguments = list(sys.argv[1:] if args is None else args)
        sys.exit(_exit_code(lambda: self._run(arguments), arguments))

    def _run(self, args: list[str]) -> Any:
        return super().main(args=args, prog_name="labelkit", standalone_mode=False)


def _suggested_command(name: str) -> str:
    """Return a hint with a similar command: by another word for what it does, else by spelling."""
    by_word = field_words.COMMANDS.get(name.casefold().replace("_", "-"))
    return f"; did you mean {by_word!r}?" if by_word else nearest(name, COMMANDS)


def _exit_code(run: Any, args: list[str]) -> int:
    debug = "--debug" in args
    try:
        code = run()
        sys.stdout.flush()
        if code == 130:  # Typer returns this after Ctrl-C
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except LabelkitError as error:
        if debug:
            raise
        is_no_failure = isinstance(error, PeopleNeeded | StoppingRuleReached)
        say = console.say if is_no_failure else console.error
        say(streams.named(str(error)))
        if error.remedy is not None:
            console.say(f"try: {_remedied_command(args, *error.remedy)}")
        if isinstance(error, StdoutFailed):
            _discard_stdout()
        return error.exit_code
    except ClickException as error:
        return _usage(error)
    except SystemExit as ended:
        # Typer exits this way after a broken pipe.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        _discard_stdout()
        return 0
    except (KeyboardInterrupt, typer.Abort):
        console.error("interrupted; no output was written, answers received so far are cached")
        return 128 + _signals[-1] if _signals else 130
    except BrokenPipeError:
        _discard_stdout()
        return 0
    except Exception as error:
        if debug:
            raise
        console.error(
            f"internal error (please report): {type(error).__name__}: {error} "
            f"(run the command again with --debug for details)"
        )
        return 1


def _remedied_command(args: list[str], option: str, value: str) -> str:
    """Return the command line with an option added, or its value replaced."""
    words, rest = list[str](), iter(args)
    for word in rest:
        if word == "--":
            words += [f"{option} {value}", "--", *map(shlex.quote, rest)]
            return " ".join(["labelkit", *words])
        if word == option:
            next(rest, None)
        elif not word.startswith(f"{option}="):
            words.append(shlex.quote(word))
    return " ".join(["labelkit", *words, option, value])


def _usage(error: ClickException) -> int:
    ctx = getattr(error, "ctx", None)
    message = message_of(error)
    if isinstance(error, NoArgsIsHelpError):
        console.say(message)
        return error.exit_code
    if ctx is not None and not message.strip():
        print(ctx.get_help())
        return 0
    console.error(message + _invalid_value(error, message))
    if ctx is not None:
        console.say(f"try: {ctx.command_path} --help")
    return error.exit_code


def _invalid_value(error: ClickException, message: str) -> str:
    # For a number Typer's message does not contain the invalid value.
    cause: Any = error.__cause__
    value = cause.errors()[0]["input"] if hasattr(cause, "errors") else ""
    return f" (got {value!r})" if isinstance(value, str) and value not in message else ""


def _discard_stdout() -> None:
    # Python flushes stdout again at exit and would print an error if that fails.
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_version(value: bool) -> None:
    if value:
        print(f"labelkit {__version__}")
        raise typer.Exit()


app = typer.Typer(
    cls=_Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)


@app.callback()
def labelkit(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Turn a file of unlabelled rows into a labelled one.

    Each command reads a CSV, TSV, JSONL or Parquet file and writes it with columns added.
    """


def main() -> None:
    """Run the command line."""
    _replace_closed_streams()
    # Windows has no SIGHUP.
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)):
        # A process started by nohup continues without its terminal.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    app()


def _replace_closed_streams() -> None:
    # If the parent closed one, Python has None, and the next opened file would get its number.
    # Writing to a closed stdout is an error, as it is in other programs.
    import os

    modes = {"stdin": ("r", os.O_RDWR), "stdout": ("w", os.O_RDONLY), "stderr": ("w", os.O_RDWR)}
    for name, (mode, flag) in modes.items():
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flag), mode))
    streams.explain_stdout()


_signals: list[int] = []


def _interrupt(number: int, frame: Any) -> None:
    # Not SystemExit, which user code may catch. A bare `except:` catches everything, so the second
    # signal ends the process at once.
    _signals.append(number)
    if len(_signals) > 1:
        files.end_at_once("interrupted twice; the process was ended at once", 128 + number)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if number != signal.SIGTERM:  # closing a terminal often sends the signal twice
        signal.signal(number, signal.SIG_IGN)
    raise Terminated(number)
