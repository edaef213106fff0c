"""The task file, labelkit.toml: the task, and default values for options of commands."""

import json
import re
import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

from labelkit.config.label_text import ClassReader, spelled, split_classes
from labelkit.errors import UsageError, listing, nearest

DEFAULT_NAME = "labelkit.toml"
_TASK_KEYS = (
    "name", "text", "classes", "guidelines", "descriptions", "example", "edge_cases",
    "ordinal", "id", "label", "gold", "group",
)  # fmt: skip
_COST_KEYS = (
    "human_label", "human_seconds", "hourly_rate", "setup_minutes", "budget", "labels",
)  # fmt: skip
# Keys of [task] that are options of many commands.
_SHARED = ("text", "classes", "id", "label", "gold", "group")


class Task(NamedTuple):
    """The checked content of a task file; empty if there is no file."""

    path: Path | None
    content: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the task."""
        return str(self._task.get("name", ""))

    @property
    def guidelines(self) -> str:
        """Instructions for annotators."""
        return str(self._task.get("guidelines", ""))

    @property
    def descriptions(self) -> dict[str, str]:
        """A sentence for each class."""
        named = self._task.get("descriptions", {})
        return {self._reader.read(name): str(text) for name, text in named.items()}

    @property
    def examples(self) -> list[dict[str, str]]:
        """Labelled examples: `text`, `label`."""
        return [
            {"text": str(example["text"]), "label": self._reader.read(example["label"])}
            for example in self._task.get("example", [])
        ]

    @property
    def edge_cases(self) -> list[str]:
        """How to label hard cases, one sentence each."""
        cases = self._task.get("edge_cases", [])
        return [cases] if isinstance(cases, str) else [str(case) for case in cases]

    @property
    def ordinal(self) -> bool:
        """Whether the classes are ordered."""
        return bool(self._task.get("ordinal", False))

    @property
    def cost(self) -> dict[str, Any]:
        """The table [cost]."""
        return dict(self.content.get("cost", {}))

    @property
    def _reader(self) -> ClassReader:
        return ClassReader(_classes(self._task))

    @property
    def _task(self) -> dict[str, Any]:
        return dict(self.content.get("task", {}))

    def table(self, command: str) -> dict[str, Any]:
        """Return a command's own table."""
        return dict(self.content.get(command, {}))

    def beside(self, name: str | Path) -> Path:
        """Return a path from the task file, which is relative to the file's folder."""
        return Path(name) if self.path is None else self.path.parent / name


NO_TASK = Task(None, {})


def path_in(args: Sequence[str]) -> Path | None:
    """Return the task file of a command line: --task, else labelkit.toml if it exists."""
    for i, arg in enumerate(args):
        if arg == "--":
            break
        if arg == "--no-task":
            return None
        if arg.startswith("--task="):
            return Path(arg.removeprefix("--task="))
        if arg == "--task" and i + 1 < len(args):
            return Path(args[i + 1])
    default = Path(DEFAULT_NAME)
    return default if default.is_file() else None


def load(path: Path) -> Task:
    """Read and check a task file.

    Raises UsageError for a missing file, invalid TOML, and unknown tables or keys.
    """
    from labelkit.config.commands import COMMANDS

    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    _check(path, text, content, ("task", "cost", *COMMANDS), "")
    _check(path, text, content.get("task", {}), _TASK_KEYS, "task")
    _check(path, text, content.get("cost", {}), _COST_KEYS, "cost")
    setup = content.get("cost", {}).get("setup_minutes", {})
    if isinstance(setup, dict):
        _check(path, text, setup, tuple(COMMANDS), "cost.setup_minutes")
    for name in COMMANDS:
        _check_table(path, content, name, name)
    _check_tables(path, content.get("weak-label", {}), "rule", "weak-label.rule")
    _check_task(path, text, content.get("task", {}))
    return Task(path, content)


def _text(path: Path) -> str:
    """Return the text of a task file, without a byte order mark."""
    try:
        if not path.is_file() and path.exists():
            raise UsageError(f"--task {path} is not a regular file, and it is read more than once")
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"there is no task file {path}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            reason, encoding = "is UTF-16, but a task file must be UTF-8", "UTF-16"
        else:
            line = data[: error.start].count(b"\n") + 1
            reason, encoding = f"is not UTF-8 (line {line})", "cp1252"
        new_name = shlex.quote(f"{path.stem}.utf-8.toml")
        remedy = f"iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > {new_name}"
        raise UsageError(f"{path} {reason}; save it as UTF-8, for example: {remedy}") from None


def _check(path: Path, text: str, table: Any, known_keys: Sequence[str], where: str) -> None:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [{where}] must be a table")
    for key in table:
        if key not in known_keys:
            table_name = f"[{where}] " if where else ""
            raise UsageError(
                f"{path}, line {_line_of(text, key, where)}: {table_name}{key!r} is not a known key"
                f"{nearest(key, known_keys)} (known: {listing(known_keys, 30)})"
            )


def _check_table(path: Path, table: dict[str, Any], key: str, name: str) -> None:
    if not isinstance(table.get(key, {}), dict):
        raise UsageError(f"{path}: [{name}] must be a table")


def _check_tables(path: Path, table: dict[str, Any], key: str, name: str) -> None:
    tables = table.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
        raise UsageError(f"{path}: {key} must be tables with the heading [[{name}]]")


def _check_task(path: Path, text: str, table: dict[str, Any]) -> None:
    _check_table(path, table, "descriptions", "task.descriptions")
    _check_tables(path, table, "example", "task.example")
    for key in ("classes", "edge_cases"):
        if not isinstance(table.get(key, []), list | str):
            raise UsageError(f'{path}: [task] {key} must be a list, as in {key} = ["a", "b"]')
    classes = _classes(table)
    reader = ClassReader(classes)
    for key in table.get("descriptions", {}):
        if classes and reader.class_of(key) is None:
            raise UsageError(
                f"{path}, line {_line_of(text, key, 'task.descriptions')}: {key!r} is not one of "
                f"the classes{nearest(key, classes)}"
            )
    for example in table.get("example", []):
        if set(example) != {"text", "label"}:
            raise UsageError(f"{path}: each [[task.example]] needs exactly the keys text and label")
        if classes and reader.class_of(example["label"]) is None:
            raise UsageError(
                f"{path}: the label {example['label']!r} of an example is not one of the classes"
                f"{nearest(str(example['label']), classes)}"
            )


def _classes(table: dict[str, Any]) -> list[str]:
    """Return the classes of [task]; numbers and booleans are read as names."""
    names = table.get("classes", [])
    if isinstance(names, str):
        return split_classes(names) or []
    return [spelled(name) for name in names]


def _line_of(text: str, key: str, table: str) -> int:
    inside = not table
    quoted = re.escape(key)
    heading = re.compile(rf"\s*\[+\s*[\"']?{re.escape(table)}[\"']?[\].]") if table else None
    for number, line in enumerate(text.splitlines(), 1):
        if heading is not None and line.lstrip().startswith("["):
            inside = heading.match(line) is not None
        is_key = re.match(rf"\s*[\"']?{quoted}[\"']?\s*[=.]", line)
        is_heading = re.match(rf"\s*\[+[^\]]*\b{quoted}[\"']?\s*[\].]", line)
        if (inside and is_key) or (is_heading and not table) or (inside and is_heading):
            return number
    inline = (n for n, line in enumerate(text.splitlines(), 1) if re.search(rf"\b{quoted}\b", line))
    return next(inline, 1)


def defaults(task: Task, declared: Any, params: Sequence[Any]) -> dict[str, Any]:
    """Return the values in the task file for a command's parameters.

    Raises UsageError for a key that is not an option of the command.
    """
    by_key = {_key(p): p for p in params if p.name not in ("task", "no_task", "help")}
    table = task.table(declared.name)
    text = _text(task.path) if task.path else ""
    _check(task.path or Path(), text, table, (*by_key, *declared.tables), declared.name)
    values: dict[str, Any] = {}
    shared = {k: v for k, v in task.content.get("task", {}).items() if k in _SHARED}
    for key, value in (shared | table).items():
        if key not in by_key:
            continue
        kinds = _kinds(by_key[key])
        if not all(_may_be(item, kinds) for item in _items(value)):
            raise wrong_value(task, declared.name, by_key[key], "")
        values[by_key[key].name] = _value(task, by_key[key], value)
    return values


def wrong_value(task: Task, command: str, param: Any, why: str) -> UsageError:
    """Return the error of a value in the task file that is none for its option.

    `why` is said where the value is of the right kind.
    """
    key, kinds = _key(param), _kinds(param)
    where = command if key in task.table(command) else "task"
    value = task.content[where][key]
    is_one_of_many = isinstance(value, list) and not _takes_many(param)
    if is_one_of_many or not all(_is_of(item, kinds) for item in _items(value)):
        why = next((words for kind, words in _KIND_REMEDIES.items() if kind in kinds), why)
    line = _line_of(_text(task.path), key, where) if task.path else 1
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return UsageError(f"{task.path}, line {line}: [{where}] {key} = {shown}: {why}")


_KIND_REMEDIES = {
    bool: "give true or false",
    int: "give a whole number",
    float: "give a number",
    Path: "give the name of a file, in quotes",
}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _kinds(param: Any) -> set[Any]:
    """Return which of these kinds an option takes; none where any text will do."""
    kinds: set[Any] = {param.type_descriptor.annotation}
    for _ in range(2):  # a list, or nothing
        kinds |= {inner for each in kinds for inner in get_args(each)}
    return set() if str in kinds else kinds & {*_KIND_REMEDIES}


def _may_be(value: Any, kinds: set[Any]) -> bool:
    """Tell whether what TOML read may stand for such a value; text may say anything."""
    if isinstance(value, bool):
        return not kinds or bool in kinds
    return Path not in kinds or isinstance(value, str)


def _is_of(value: Any, kinds: set[Any]) -> bool:
    if not kinds or not _may_be(value, kinds) or bool in kinds:
        return not kinds or (bool in kinds and isinstance(value, bool))
    try:
        (float if float in kinds else int if int in kinds else str)(str(value))
    except ValueError:
        return False
    return True


def _key(param: Any) -> str:
    longest = max(param.opts, key=len)
    return str(longest).lstrip("-")


def _value(task: Task, param: Any, value: Any) -> Any:
    many = _takes_many(param)
    if param.name == "classes":
        return value if isinstance(value, str) else _joined([spelled(name) for name in value])
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list) and not many:
        return _joined([_single_value(task, param, item) for item in value])
    if many:
        items = value if isinstance(value, list) else [value]
        return [_single_value(task, param, item) for item in items]
    return _single_value(task, param, value)


def _takes_many(param: Any) -> bool:
    return bool(getattr(param, "multiple", False)) or param.nargs == -1


def _joined(items: list[Any]) -> str:
    import csv
    import io

    line = io.StringIO()
    # With \r\n line ends the writer also quotes cells with a lone carriage return.
    csv.writer(line, lineterminator="\r\n").writerow(items)
    return line.getvalue().removesuffix("\r\n")


def _single_value(task: Task, param: Any, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if _is_path(param):
        return str(task.beside(str(value)))
    return str(value)


def _is_path(param: Any) -> bool:
    annotation = param.type_descriptor.annotation
    return annotation is Path or Path in get_args(annotation) or param.name in ("output", "input")
