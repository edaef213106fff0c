"""The app: one line a command, and the one place where errors become messages and exit codes."""

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer.core import TyperGroup

from labelkit import __version__, console, files
from labelkit.errors import LabelkitError, PeopleNeeded, StoppingRuleReached, nearest
from labelkit.plain_values import plain_first

# name: (module:function, what it does in one line); nothing is imported before it is asked for.
COMMANDS: dict[str, tuple[str, str]] = {
    "weak-label": (
        "labelkit.weak.command:weak_label",
        "Label rows by labeling functions and rules.",
    ),
    "llm-label": ("labelkit.llm.command:llm_label", "Label rows by a large language model."),
    "query": ("labelkit.active.command:query", "Pick the rows that are worth a person's time."),
    "find-noise": ("labelkit.noise.command:find_noise", "Find the labels that are probably wrong."),
    "pipeline": ("labelkit.pipeline.command:pipeline", "Run all stages of a task, resuming."),
    "plan": ("labelkit.pipeline.command:plan", "Tell what fits a data file, at what cost."),
    "annotate": ("labelkit.people.command:annotate", "Label rows by hand; every answer is kept."),
    "merge": ("labelkit.people.command:merge", "Bring people's answers into the file."),
    "export": (
        "labelkit.interop.command:export",
        "Write rows for Label Studio, Prodigy and others.",
    ),
    "import": (
        "labelkit.interop.command:import_answers",
        "Read what people said in such a tool.",
    ),
    "decide": ("labelkit.decide.command:decide", "Choose one label a row from all sources."),
    "train": ("labelkit.models.command:train", "Train a model on the labels."),
    "predict": ("labelkit.models.command:predict", "Label a file by a trained model."),
    "evaluate": ("labelkit.models.command:evaluate", "Compare label columns with gold."),
    "simulate": ("labelkit.active.command:simulate", "Show what a strategy saves over random."),
    "report": ("labelkit.report.command:report", "Show all of it on one HTML page."),
    "init": ("labelkit.pipeline.starter:init", "Write a starter task file for a data file."),
    "doctor": ("labelkit.doctor:doctor", "Show what works on this machine."),
    "history": ("labelkit.history:history", "Show how a file was made."),
}


def function_of(name: str) -> Any:
    """Return the function of a command; its module is imported only now."""
    module, function = COMMANDS[name][0].split(":")
    return getattr(importlib.import_module(module), function)


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
        from labelkit.options import as_typer_command

        return as_typer_command(function_of(cmd_name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"there is no command {args[0]!r}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        sys.exit(_exit_code(lambda: self._run(given), "--debug" in given))

    def _run(self, args: list[str]) -> Any:
        return super().main(args=args, prog_name="labelkit", standalone_mode=False)


def _exit_code(run: Any, debug: bool) -> int:
    try:
        code = run()
        sys.stdout.flush()
        if code == 130:  # Typer's word for Ctrl-C
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except LabelkitError as error:
        if debug:
            raise
        is_no_failure = isinstance(error, PeopleNeeded | StoppingRuleReached)
        say = console.say if is_no_failure else console.error
        say(files.told(str(error)))
        return error.exit_code
    except ClickException as error:
        return _usage(error)
    except SystemExit as ended:
        # Typer ends the process so where nobody reads its output any more.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        _forget_stdout()
        return 0
    except (KeyboardInterrupt, typer.Abort):
        console.error("interrupted; no output was written, what was paid for is kept")
        return 128 + _signals[-1] if _signals else 130
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except Exception as error:
        if debug:
            raise
        console.error(
            f"labelkit failed in a way that was not foreseen: {type(error).__name__}: {error} "
            f"(run it again with --debug for the details)"
        )
        return 1


def message_of(error: ClickException) -> str:
    """Return what Typer has to say of a command line, in our words."""
    message = error.format_message().replace("No such option: ", "there is no option ")
    message = message.replace("Value error, ", "")  # pydantic's word for a choice that is not there
    return message.replace(" (Possible options: ", "; did you mean one of (")


def _usage(error: ClickException) -> int:
    ctx = getattr(error, "ctx", None)
    message = message_of(error)
    if isinstance(error, NoArgsIsHelpError):
        print(message, file=sys.stderr)
        return error.exit_code
    if ctx is not None and not message.strip():
        print(ctx.get_help())
        return 0
    console.error(message + _given_value(error, message))
    if ctx is not None:
        print(f"try: {ctx.command_path} --help", file=sys.stderr)
    return error.exit_code


def _given_value(error: ClickException, message: str) -> str:
    # Where a number was wanted, Typer's message leaves out what was given instead.
    cause: Any = error.__cause__
    given = cause.errors()[0]["input"] if hasattr(cause, "errors") else ""
    return f" ({given!r} was given)" if isinstance(given, str) and given not in message else ""


def _forget_stdout() -> None:
    # Python flushes stdout once more at exit and would complain about the closed pipe.
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
    signal.signal(signal.SIGTERM, _interrupt)
    app()


def _replace_closed_streams() -> None:
    # Where a parent closed one, Python has None, and the next file opened would take its number.
    import os

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


_signals: list[int] = []


def _interrupt(number: int, frame: Any) -> None:
    # As Ctrl-C: no user's code that catches SystemExit keeps the program alive.
    _signals.append(number)
    raise KeyboardInterrupt


def run(args: list[str]) -> int:
    """Run one command in this process, as the pipeline does; return its exit code.

    Raises LabelkitError as the command does, so that the caller can say which stage failed.
    """
    before, sys.argv = sys.argv, ["labelkit", *args]
    try:
        code = typer.main.get_command(app)._run(args)  # type: ignore[attr-defined]
    finally:
        sys.argv = before
    return code if isinstance(code, int) else 0
