"""Provenance: `<output>.history.json` beside each output, with one entry per step.

It also has the columns of the output that labelkit wrote, and the output's size and hash: so the
history is found again after the file was renamed or copied within its folder, and is not used for
another file with the same name.
"""

import json
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from labelkit import __version__, console
from labelkit.config.label_text import spelled, split_classes
from labelkit.errors import LabelkitError
from labelkit.io import streams

SCHEMA = 1
_ENDING = ".history.json"
# Larger figures are only in --summary, because the history of each later step repeats this one.
_MAX_FIGURE_SIZE = 60_000


def path_for(output: Path) -> Path:
    """Return the path of the history of a file."""
    return output.with_name(output.name + _ENDING)


def read(output: Path) -> list[dict[str, Any]]:
    """Return the steps that made a file, oldest first; empty if none are recorded.

    A file that was edited since keeps the steps of the history beside it.
    """
    content = _of_content(output) or _beside(output)
    return list(content["steps"]) if content else []


def written_columns(output: Path) -> list[str] | None:
    """Return the columns of a file that labelkit wrote; None without a history of its content."""
    content = _of_content(output)
    return None if content is None else [str(name) for name in content["columns"]]


def _beside(output: Path) -> dict[str, Any] | None:
    """Return the history beside a file; prints a warning if it cannot be read."""
    try:
        text = path_for(output).read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        content = None
    else:
        content = _parsed(text)
    if content is None:
        console.warn(
            f"{path_for(output)} is not a history written by labelkit; the earlier steps of "
            f"{output.name} are unknown"
        )
    return content


def refuse_foreign(output: Path) -> None:
    """Raise LabelkitError if the history of a file would replace a file of the user."""
    path = path_for(output)
    if streams.is_stream(output) or not path.exists():
        return
    try:
        content = _parsed(path.read_text("utf-8")) or {}
    except (OSError, ValueError):
        content = {}
    is_ours = content.get("schema") == SCHEMA and all("command" in s for s in content["steps"])
    if not is_ours:
        raise LabelkitError(
            f"{path} exists and is not a history written by labelkit; the history of {output} "
            f"would replace it: move it away, or choose another -o"
        )


def _of_content(output: Path) -> dict[str, Any] | None:
    """Return the history of a file's content, under its own or another name in its folder."""
    if not output.is_file():
        return None
    own_path = path_for(output)
    others = sorted(output.absolute().parent.glob("*" + _ENDING))
    size, hashed = output.stat().st_size, ""
    for path in [own_path, *(other for other in others if other.name != own_path.name)]:
        try:
            content = _parsed(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if content is None or content["output"].get("bytes") != size:
            continue
        hashed = hashed or digest(output)
        if content["output"].get("hash") == hashed:
            return content
    return None


def _parsed(text: str) -> dict[str, Any] | None:
    """Return the content of a history; None if it is invalid."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    lists = [content.get("steps"), content.setdefault("columns", [])]
    is_sound = all(isinstance(part, list) for part in lists)
    is_sound = is_sound and isinstance(content.setdefault("output", {}), dict)
    return content if is_sound and all(map(_is_step, content["steps"])) else None


_PARTS: dict[str, Any] = {
    "command": str, "when": str, "seconds": int | float, "options": dict, "inputs": dict,
    "arguments": list, "columns": list, "counts": dict, "cost": dict, "figures": dict,
}  # fmt: skip


_NUMBERS = ("answers", "new", "kappa")  # counts that later steps use


def _is_step(step: Any) -> bool:
    """Return whether a value is a valid step, in all parts that are read."""
    return (
        isinstance(step, dict)
        and all(isinstance(step[name], kind) for name, kind in _PARTS.items() if name in step)
        and not any(isinstance(step.get("counts", {}).get(name), str) for name in _NUMBERS)
    )


def find_step_for_batch(batch: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the file written together with a batch, and the step that wrote it; else None."""
    candidates = []
    for path in batch.absolute().parent.glob("*" + _ENDING):
        output = batch.with_name(path.name.removesuffix(_ENDING))
        if output.name == batch.name:
            continue
        try:
            last_step = json.loads(path.read_text("utf-8"))["steps"][-1]
            batch_name, _ = last_step["options"]["batch"], last_step["command"]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # the history of an unrelated file
        if isinstance(batch_name, str) and Path(batch_name).name == batch.name and output.is_file():
            candidates.append((path.stat().st_mtime, output, last_step))
    return max(candidates, key=lambda each: each[0])[1:] if candidates else None


def known_classes(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the classes that the steps of a file declared or wrote, latest first.

    For a command that ran several times under the same prefix the last run counts.
    """
    latest: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        key = str(step.get("command")), str((step.get("options") or {}).get("as_name") or "")
        names = _classes_of(step)
        if names:
            latest.pop(key, None)
            latest[key] = names
    return list(dict.fromkeys(name for names in reversed(latest.values()) for name in names))


def _classes_of(step: Mapping[str, Any]) -> list[str]:
    declared = (step.get("options") or {}).get("classes")
    if isinstance(declared, str):
        return split_classes(declared) or []
    names = step.get("classes") or (step.get("figures") or {}).get("classes")
    return [spelled(name) for name in names] if isinstance(names, list) else []


def write(output: Path, steps: list[dict[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write the history of a file atomically.

    `columns` are its columns written by labelkit, in these steps or before.
    """
    from labelkit.io.files import whole

    refuse_foreign(output)
    output_facts = (
        {"bytes": output.stat().st_size, "hash": digest(output)} if output.is_file() else {}
    )
    content = {"schema": SCHEMA, "output": output_facts, "columns": list(columns)}
    content["steps"] = [_without_secrets(step) for step in steps]
    text = json.dumps(content, indent=1, ensure_ascii=False)
    with whole(path_for(output), like=output) as stream:
        stream.write(text.encode() + b"\n")


def _without_secrets(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step without secrets in URLs of its options and arguments."""
    shown = {name: without_secrets(step[name]) for name in ("arguments", "options") if name in step}
    return {**step, **shown}


def without_secrets(value: Any) -> Any:
    """Return a JSON value without secrets in the URLs of its texts."""
    if isinstance(value, str):
        return console.without_secrets(value)
    if isinstance(value, dict):
        return {name: without_secrets(each) for name, each in value.items()}
    return [without_secrets(each) for each in value] if isinstance(value, list) else value


def reads_stream(step: Mapping[str, Any]) -> bool:
    """Return whether a step read a pipe, so that the origin of its rows is unknown."""
    inputs = (step.get("options") or {}).get("input")
    names = inputs if isinstance(inputs, list) else [inputs]
    return any(str(name) == "-" or str(name).startswith("/dev/") for name in names)


def was_made_by(output: Path, commands: Collection[str], reading: Path | None) -> bool:
    """Return whether one of these commands wrote the file from the file `reading` (None: stdin).

    False if it was changed since.
    """
    try:
        content = json.loads(path_for(output).read_text("utf-8"))
        steps = content["steps"]
        made_from = {Path(name).name for step in steps for name in step["inputs"]}
        is_unchanged = content["output"]["hash"] == digest(output)
        is_of_input = reading is None or reading.name in made_from
        return is_unchanged and steps[-1]["command"] in commands and is_of_input
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False


def step(
    command: str,
    options: Mapping[str, Any],
    inputs: Sequence[Path],
    *,
    columns: list[str],
    counts: Mapping[str, Any],
    cost: Mapping[str, Any],
    figures: Mapping[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Return the history entry of one run of a command."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": command,
        "arguments": [str(arg) for arg in sys.argv[1:]],
        "options": plain(options),
        "version": __version__,
        "seed": options["seed"],
        "inputs": {str(path): digest(path) for path in inputs},
        "columns": columns,
        "counts": plain(counts),
        "cost": plain(cost, unknown=True),
        "figures": plain({name: value for name, value in figures.items() if _is_short(value)}),
        "seconds": round(seconds, 3),
    }


def _is_short(value: Any) -> bool:
    few = len(list(islice(_leaves(value), _MAX_FIGURE_SIZE))) < _MAX_FIGURE_SIZE
    return few and len(json.dumps(plain(value))) <= _MAX_FIGURE_SIZE


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the single values within a figure; each needs at least one character."""
    if isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(each)
    else:
        yield value


def digest(path: Path) -> str:
    """Return the hash of a file's content."""
    import hashlib

    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def plain(value: Any, unknown: bool = False) -> Any:
    """Return a value as plain JSON types; keys with None are omitted, except with `unknown`."""
    if isinstance(value, Mapping):
        return {str(k): plain(v, unknown) for k, v in value.items() if unknown or v is not None}
    if isinstance(value, list | tuple):
        return [plain(v, unknown) for v in value]
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, float | int | str | bool) or value is None:
        return value
    return str(value)
