"""The labeling functions of a Python file, in the order in which they are defined."""

import ast
import builtins
import contextlib
import functools
import inspect
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from labelkit import vectorized
from labelkit.config import user_code
from labelkit.config.label_text import ClassReader
from labelkit.errors import LabelkitError, UsageError
from labelkit.weak.lf.column_reads import UNKNOWN, Reads, functions_by_line, reads

ROW_NAMES = ("row", "x")
PREFIX = "lf_"
ABSTAIN = -1
SLIDE_CLASSES = ("POSITIVE", "NEGATIVE")

Style = Literal["row", "frame", "plain"]  # a plain function says by its parameters what it wants


@dataclass(frozen=True)
class LabelingFunction:
    """One labeling function: how to call it and what its parameters and source say."""

    name: str
    call: Callable[..., Any]
    style: Style
    file: Path
    line: int
    required: tuple[str, ...]
    optional: tuple[str, ...]
    preprocessed: bool = False
    source: ast.AST | None = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> str:
        """Return `lf_refund (lfs.py, line 3)`."""
        return f"{self.name} ({self.file.name}, line {self.line})"

    def reads(self, parameter: str) -> Reads:
        """Return the columns that the source reads from `parameter`; all where it is unclear."""
        if self.source is None or self.preprocessed:
            return UNKNOWN
        return reads(self.source, parameter)


class OwnLabelingFunction:
    """What `@labeling_function()` makes in a file that uses the name without importing it."""

    def __init__(self, name: str, f: Callable[..., Any], resources: dict[str, Any], pre: list[Any]):
        self.name = name
        self._f = f
        self._resources = resources
        self._pre = pre

    def __call__(self, row: Any) -> Any:
        for prepare in self._pre:
            row = prepare(row)
        return self._f(row, **self._resources)


def labeling_function(
    name: str | None = None,
    resources: dict[str, Any] | None = None,
    pre: list[Any] | None = None,
) -> Callable[[Callable[..., Any]], OwnLabelingFunction]:
    """Return a decorator like snorkel's, for files that do not import snorkel's."""
    if callable(name):
        raise TypeError("@labeling_function needs parentheses: @labeling_function()")

    def wrap(function: Callable[..., Any]) -> OwnLabelingFunction:
        return OwnLabelingFunction(name or function.__name__, function, resources or {}, pre or [])

    return wrap


def load(path: Path, classes: Sequence[str] | None = None) -> list[LabelingFunction]:
    """Return the labeling functions of the file at `path`; the file is executed.

    They are the functions named `lf_*` that the file defines, those marked `@vectorized` and
    snorkel's LabelingFunction objects of any name, also inside a module-level list. Names that
    the file uses and nowhere defines are provided where the meaning is clear: `ABSTAIN`, `re`,
    `labeling_function`, `vectorized`, and the declared classes as constants.

    Raises UsageError for a missing file, LabelkitError for one that does not run or defines no
    labeling function.
    """
    source = _source(path)
    tree = _parse(path, source)
    module = types.ModuleType(f"labelkit_functions_{path.stem}")
    module.__file__ = str(path)
    _provide(module, tree, classes)
    sys.modules[module.__name__] = module
    _execute(path, source, module)
    found = list(_labeling_functions(path, tree, module))
    if not found:
        raise LabelkitError(
            f"{path} defines no labeling function: name it lf_… "
            "(def lf_refund(row): …) or put a decorator above it"
        )
    _check_names(path, tree, found)
    return found


@contextlib.contextmanager
def running(path: Path) -> Iterator[None]:
    """Run the user's code: modules beside the file are found, and prints go to stderr."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        with (
            user_code.watched(path),
            contextlib.redirect_stdout(sys.stderr),
            _stdout_to_stderr(),
        ):
            yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


@contextlib.contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    # What a child process or a C library writes does not pass through sys.stdout.
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _source(path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"--functions {path}: there is no such file")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelkitError(f"{path} is not UTF-8 (byte {error.start})") from error


def _parse(path: Path, source: str) -> ast.Module:
    try:
        return ast.parse(source, filename=str(path))
    except SyntaxError as error:
        place = f"{path}, line {error.lineno}" if error.lineno else str(path)
        shown = ""
        if error.text:
            # An offset counts from 1 and may lie past the end of the line.
            code = error.text.rstrip()
            lead = len(code) - len(code.lstrip())
            caret = " " * max(0, min((error.offset or 1) - 1, len(code)) - lead) + "^"
            shown = f"\n    {code.strip()}\n    {caret}"
        raise LabelkitError(f"{place}: {error.msg}{shown}") from error
    except ValueError as error:  # a null byte in the source
        raise LabelkitError(f"{path}: {error}") from error


def _provide(module: types.ModuleType, tree: ast.Module, classes: Sequence[str] | None) -> None:
    """Give the module the names that it uses without defining them, as lecture slides do."""
    loaded: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
    by_fold = {name.casefold(): name for name in classes or SLIDE_CLASSES}
    import re

    known = {
        "ABSTAIN": None if ClassReader(classes or ()).class_of(ABSTAIN) else ABSTAIN,
        "re": re,
        "labeling_function": labeling_function,
        "vectorized": vectorized,
    }
    for name in loaded - bound - set(dir(builtins)):
        if name in known:
            setattr(module, name, known[name])
        elif name in by_fold.values():
            setattr(module, name, name)
        elif name.isupper() and name.casefold() in by_fold:
            setattr(module, name, by_fold[name.casefold()])


def _execute(path: Path, source: str, module: types.ModuleType) -> None:
    code = compile(source, str(path), "exec")
    try:
        with running(path):
            exec(code, module.__dict__)
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        line = line_of(error, path)
        hint = ""
        if isinstance(error, ModuleNotFoundError):
            hint = (
                f"\nInstall {error.name} where labelkit is installed, or remove what needs it"
                f"{_torch_hint(error.name)}."
            )
        raise LabelkitError(f"{path}, {shown_line(line)}{_described(error)}{hint}") from error


def _torch_hint(name: str | None) -> str:
    if name != "torch":
        return ""
    return (
        "; snorkel's LabelModel needs torch, its labeling functions do not: "
        "labelkit applies and combines them without that import"
    )


def _described(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def line_of(error: BaseException, path: Path) -> tuple[int, str] | None:
    """Return the last line of the file at `path` that the error passed through, and its code."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == str(path):
            return frame.lineno or 0, frame.line or ""
    return None


def shown_line(line: tuple[int, str] | None) -> str:
    """Return `line 4: code` ready to stand before an error's description."""
    return f"line {line[0]}: {line[1]}\n    " if line else ""


def _labeling_functions(
    path: Path, tree: ast.Module, module: types.ModuleType
) -> Iterator[LabelingFunction]:
    nodes = functions_by_line(tree)
    seen: set[int] = set()
    for name, value in _candidates(module):
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield _describe(name, value, path, nodes)


def _candidates(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what votes, under its own name (decorated) or the variable's (plain)."""
    for name, value in list(vars(module).items()):
        if _decorated(value):
            yield value.name, value
        elif getattr(value, "__labelkit_vectorized__", False) is True:
            yield getattr(value, "__name__", name), value
        elif isinstance(value, list | tuple):
            yield from ((item.name, item) for item in value if _decorated(item))
        elif name.startswith(PREFIX) and _defined_here(value, module):
            yield name, value


def _decorated(value: object) -> bool:
    """Recognise snorkel's objects by name: importing snorkel to ask would cost seconds."""
    if isinstance(value, OwnLabelingFunction):
        return True
    return any(
        kind.__name__ == "LabelingFunction" and kind.__module__.startswith("snorkel.")
        for kind in type(value).__mro__
    )


def _defined_here(value: object, module: types.ModuleType) -> bool:
    if not callable(value) or isinstance(value, type):
        return False
    return isinstance(value, functools.partial) or (
        getattr(value, "__module__", None) == module.__name__
    )


def _describe(
    name: str, value: Any, path: Path, nodes: dict[tuple[str, int], ast.AST]
) -> LabelingFunction:
    decorated = _decorated(value)
    inner = inspect.unwrap(value._f if decorated else value)
    if isinstance(inner, functools.partial):
        inner = inspect.unwrap(inner.func)
    code = getattr(inner, "__code__", None)
    line = code.co_firstlineno if code is not None else 0
    node = None
    if code is not None and code.co_filename == str(path):
        node = nodes.get((code.co_name, line))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        line = node.lineno
    required, optional = _parameters(name, value._f if decorated else value, path, line)
    style: Style = "plain"
    if decorated:
        style, required, optional = "row", required[:1], ()
    elif getattr(value, "__labelkit_vectorized__", False) is True:
        style = "frame"
    prepared = decorated and bool(value._pre)
    return LabelingFunction(name, value, style, path, line, required, optional, prepared, node)


def _parameters(
    name: str, value: Any, path: Path, line: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    place = f"{path}, line {line}: {name}"
    if inspect.iscoroutinefunction(value):
        raise LabelkitError(f"{place} is `async def`; a labeling function is a plain `def`")
    try:
        listed = inspect.signature(value).parameters.values()
    except (TypeError, ValueError) as error:
        raise LabelkitError(f"{place}: its parameters cannot be read ({error})") from error
    named = [
        item for item in listed if item.kind in (item.POSITIONAL_OR_KEYWORD, item.POSITIONAL_ONLY)
    ]
    required = tuple(item.name for item in named if item.default is item.empty)
    if not required:
        raise LabelkitError(
            f"{place} needs a parameter: `row` for the whole row, or the names of columns"
        )
    return required, tuple(item.name for item in named if item.default is not item.empty)


def _check_names(path: Path, tree: ast.Module, found: list[LabelingFunction]) -> None:
    lines: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith(PREFIX):
            if node.name in lines:
                raise LabelkitError(
                    f"{path}: {node.name} is defined twice, in lines {lines[node.name]} and "
                    f"{node.lineno}, and only the second would vote; rename one"
                )
            lines[node.name] = node.lineno
    by_name: dict[str, LabelingFunction] = {}
    for function in found:
        other = by_name.setdefault(function.name, function)
        if other is not function:
            raise LabelkitError(
                f"{path}: two labeling functions are called {function.name!r} "
                f"(lines {other.line} and {function.line}); rename one"
            )
