"""The options that read alike in all commands, written once, and how a command is declared."""

import inspect
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand

from labelkit import console
from labelkit.command import help_page
from labelkit.command.plain_values import plain_first
from labelkit.io import streams
from labelkit.job.options import Declared

if TYPE_CHECKING:
    from labelkit.job.job import Job


def _input(help: str) -> Any:
    return typer.Argument(metavar="INPUT", help=help, show_default=False)


def _option(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, show_default=False)


_Many = Annotated[
    list[str],
    _input("A file, several of one schema, a folder of Parquet parts, or - for stdin."),
]
_Files = Annotated[
    list[str], _input("A file, several of one schema, or a folder of Parquet parts.")
]
_One = Annotated[str, _input("The file to read.")]
_Text = str | None
_Flag = bool


def _output(help: str) -> tuple[Any, Any]:
    return Annotated[_Text, _option("-o", "--output", metavar="FILE", help=help)], None


# name: (annotation, default); the order is the order of the help page.
_ANNOTATING: dict[str, tuple[Any, Any]] = {"output": _output("Where to write; - is stdout.")}
_ROWS: dict[str, tuple[Any, Any]] = {
    "where": (
        Annotated[
            _Text,
            _option(
                metavar="EXPR",
                help="Act on these rows only: \"rating > 7 and text contains 'fun'\". The others "
                "keep what they had.",
            ),
        ],
        None,
    ),
    "sample": (
        Annotated[int | None, _option(metavar="N", help="A trial on N random rows.")],
        None,
    ),
    "as_name": (
        Annotated[
            _Text, _option("--as", metavar="NAME", help="Another prefix for the new columns.")
        ],
        None,
    ),
    "in_place": (Annotated[_Flag, _option("--in-place", help="Write over the input.")], False),
    "overwrite": (
        Annotated[
            _Flag,
            _option("--overwrite", help="Replace columns of these names, whoever wrote them."),
        ],
        False,
    ),
}
_ON_REQUEST: dict[str, tuple[Any, Any]] = {
    "output": _output("Where to write."),
    "text": (
        Annotated[
            list[str] | None,
            _option(metavar="COLUMN", help="The text; repeats. Default: text, or the only one."),
        ],
        None,
    ),
    "classes": (
        Annotated[_Text, _option(metavar="A,B", help="The classes, in their order.")],
        None,
    ),
    "unknown_label": (
        Annotated[
            str,
            _option("--unknown-label", metavar="error|ignore", help="Labels outside the classes."),
        ],
        "error",
    ),
    "label": (
        Annotated[
            list[str] | None,
            _option(metavar="COLUMN", help="Labels; repeats, first filled wins. Default: label."),
        ],
        None,
    ),
    "answers": (
        Annotated[
            list[Path] | None, _option(metavar="FILE", help="People's labels, matched by key.")
        ],
        None,
    ),
    "gold": (Annotated[_Text, _option(metavar="COLUMN", help="The known truth.")], None),
    "target_accuracy": (
        Annotated[
            float | None,
            _option(
                "--target-accuracy",
                metavar="SHARE",
                help="The accuracy that is good enough for the verdict. Default: 0.9.",
            ),
        ],
        None,
    ),
    "group": (
        Annotated[
            _Text, _option(metavar="COLUMN", help="Rows of one group stay on one side of a split.")
        ],
        None,
    ),
    "features": (
        Annotated[
            str,
            _option(
                metavar="KIND",
                help="What a model reads: auto, tfidf, embedding (or embedding:NAME), "
                "tfidf+embedding, columns, mixed.",
            ),
        ],
        "auto",
    ),
    "column": (
        Annotated[
            list[str] | None,
            _option(
                metavar="NAME",
                help="A column to learn from (numbers, categories, lists as embeddings); repeats.",
            ),
        ],
        None,
    ),
    "from_proba": (
        Annotated[
            _Text,
            _option("--from-proba", metavar="PREFIX", help="Probability columns PREFIX<class>."),
        ],
        None,
    ),
    "id": (
        Annotated[
            _Text, _option(metavar="COLUMN", help="The key. Default: id, else the row's number.")
        ],
        None,
    ),
    "jobs": (Annotated[int, _option(metavar="N", help="Processes.")], 1),
    "cache": (
        Annotated[
            Path | None,
            _option(metavar="DIR", help="Default: .labelkit beside the task file or output."),
        ],
        None,
    ),
}
_ALWAYS: dict[str, tuple[Any, Any]] = {
    "task": (
        Annotated[
            Path | None,
            _option(metavar="FILE", help="Task file. Default: labelkit.toml, if there."),
        ],
        None,
    ),
    "no_task": (Annotated[_Flag, _option("--no-task", help="Ignore labelkit.toml.")], False),
    "format": (
        Annotated[_Text, _option(metavar="csv|tsv|jsonl|parquet", help="Format of pipes.")],
        None,
    ),
    "delimiter": (Annotated[_Text, _option(metavar="CHAR", help="Of CSV files.")], None),
    "encoding": (Annotated[str, _option(metavar="NAME", help="Of CSV files.")], "utf-8"),
    "seed": (Annotated[int, _option(metavar="N", help="Of all that is random. Default: 0.")], 0),
    "summary": (
        Annotated[Path | None, _option(metavar="FILE", help="Write the figures as JSON.")],
        None,
    ),
}
_SAYING: dict[str, tuple[Any, Any]] = {
    "quiet": (Annotated[_Flag, _option("-q", "--quiet", help="Say only what is wrong.")], False),
    "verbose": (Annotated[_Flag, _option("-v", "--verbose", help="Say more.")], False),
    "debug": (Annotated[_Flag, _option("--debug", help="Show a traceback on errors.")], False),
}


class Classifier(StrEnum):
    """What kind of model learns: the choices of --classifier."""

    auto = "auto"
    logistic = "logistic"
    forest = "forest"
    boosting = "boosting"


class Unopened(NamedTuple):
    """A job that is not opened yet, which takes longer than a first screen may take."""

    declared: Declared
    options: dict[str, Any]
    own: dict[str, Any]

    def open(self) -> "Job":
        """Return the job; this imports the data libraries."""
        from labelkit.job.job import Job

        return Job(self.declared, self.options, self.own)


def command(
    name: str,
    *,
    prefix: str = "",
    annotates: bool = False,
    uses: Sequence[str] = (),
    inputs: str = "many",
    tables: Sequence[str] = (),
    first: Sequence[str] = (),
    instead_of_output: Sequence[str] = (),
    job: bool = True,
    unopened: bool = False,
    groups: help_page.Groups | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a command: its function gets a `Job` and its own options, the rest is added here.

    `uses` names shared options that the command reads; `inputs` is `many`, `files` (many, and
    no stdin), `one` or `none`; `tables` names keys of the command's table in the task file that
    are not options; `first` names own arguments that stand before INPUT; `instead_of_output` names
    own options with which a command that annotates may do without -o; `groups` are headings of the
    help page with the own options under them, the others come first. With `job=False` the function
    gets the options alone, and no data library is imported; with `unopened=True` it opens the job
    itself.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        own = list(_signature(function).values())[1:]
        shared = _shared(annotates, uses, inputs)
        ours = [inspect.Parameter(key, _KEYWORD, default=d, annotation=a) for key, (a, d) in shared]
        split = (inputs != "none") + any(key == "output" for key, _ in shared)
        declared = Declared(name, prefix, annotates, tuple(tables), tuple(instead_of_output))

        @console.own_warnings_only()
        def run(**given: Any) -> None:
            console.set_level(given["quiet"], given["verbose"])
            _take_dashes(given)
            mine = {parameter.name: given.pop(parameter.name) for parameter in own}
            if not job:
                function(given, **mine)
                return
            later = Unopened(declared, given, mine)
            if unopened:
                function(later, **mine)
                return
            with later.open() as opened:
                function(opened, **mine)

        before = [p for p in own if p.name in first]
        after = [p for p in own if p.name not in first]
        parameters = [*before, *ours[:split], *after, *ours[split:]]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [p.replace(kind=_KEYWORD) for p in parameters]
        )
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        run.__name__, run.__doc__ = function.__name__, _unwrapped(function.__doc__ or "")
        run.declared, run.groups = declared, groups or {}  # type: ignore[attr-defined]
        run.own = frozenset(p.name for p in own)  # type: ignore[attr-defined]
        return run

    return declare


def _take_dashes(given: dict[str, Any]) -> None:
    """Read /dev/stdin as stdin and write /dev/stdout as stdout: `-` is what commands know."""
    if given.get("output"):
        given["output"] = type(given["output"])(streams.as_dash(given["output"], 1))
    if isinstance(given.get("input"), str):
        given["input"] = streams.as_dash(given["input"], 0)
    elif given.get("input"):
        given["input"] = [streams.as_dash(name, 0) for name in given["input"]]


def _unwrapped(text: str) -> str:
    # A paragraph that begins with a backspace keeps its lines on the help page.
    return re.sub(r"\n\n(Examples?:)", "\n\n\b\n\\1", inspect.cleandoc(text))


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _signature(function: Callable[..., None]) -> dict[str, inspect.Parameter]:
    # `job` may be annotated with a name that is imported for type checkers only.
    annotations = {k: v for k, v in function.__annotations__.items() if k not in ("job", "return")}
    parameters = inspect.signature(function).parameters
    return {
        k: p.replace(annotation=annotations.get(k, p.annotation)) for k, p in parameters.items()
    }


def _shared(annotates: bool, uses: Sequence[str], inputs: str) -> list[tuple[str, tuple[Any, Any]]]:
    empty = inspect.Parameter.empty
    found: dict[str, tuple[Any, Any]] = {}
    if inputs != "none":
        found["input"] = ({"many": _Many, "files": _Files}.get(inputs, _One), empty)
    if annotates:
        found |= _ANNOTATING
    on_request = _ON_REQUEST | _ROWS
    found |= {key: value for key, value in on_request.items() if key in uses}
    if annotates:
        found |= _ROWS
    return list((found | _ALWAYS | _SAYING).items())


# What the help page calls the value of an option that does not say.
_VALUES = {"str": "TEXT", "int": "N", "float": "NUMBER", "Path": "FILE"}


def _no_type(ctx: Any) -> None:
    """Stand for Python's type on the help page, where the argument's name and words say more."""


class _Command(TyperCommand):
    """Takes defaults from the task file before it parses."""

    declared: Declared
    groups: help_page.Groups

    def format_options(self, ctx: Any, formatter: Any) -> None:
        help_page.write(self.get_params(ctx), self.groups, ctx, formatter)

    def get_params(self, ctx: Any) -> Any:
        found = plain_first(super().get_params(ctx))
        for param in found:
            if param.param_type_name == "argument":
                param.display_type_rich = _no_type
            elif param.metavar is None:
                param.metavar = _VALUES.get(param.bare_type())
        return found

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        # A path on the command line wins; nothing else of it matters yet.
        from labelkit.config import task_file

        path = task_file.path_in(args) if any(p.name == "task" for p in self.params) else None
        if path is None:
            return super().make_context(info_name, args, parent, **extra)
        task = task_file.load(path)
        extra["default_map"] = task_file.defaults(task, self.declared, self.params)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except typer.BadParameter as error:
            if not _is_of_task_file(error):
                raise
            why = error.message.removeprefix("Value error, ").rstrip(".")
            raise task_file.wrong_value(task, self.declared.name, error.param, why) from None


def _is_of_task_file(error: Any) -> bool:
    """Tell whether the value that an option refused came from the task file."""
    if error.param is None or error.ctx is None:
        return False
    source = error.ctx.get_parameter_source(error.param.name)
    return source is not None and source.name == "DEFAULT_MAP"


@cache  # made anew it takes longer than to parse
def as_typer_command(function: Callable[..., None]) -> TyperCommand:
    """Return the command that Typer runs for a function made by `command`."""
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    declared: Declared = function.declared  # type: ignore[attr-defined]
    single.command(
        declared.name, cls=_Command, context_settings={"help_option_names": ["-h", "--help"]}
    )(function)
    made = typer.main.get_command(single)
    assert isinstance(made, _Command)
    made.declared, made.groups = declared, function.groups  # type: ignore[attr-defined]
    return made
