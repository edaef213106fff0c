"""Records the files that the user's Python code opens and imports, for the history."""

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

_read: dict[str, None] = {}  # absolute paths, in the order of their first use
_watching = 0
_hooked = False


@contextmanager
def watched(file: Path) -> Iterator[None]:
    """Record the files read inside the block, in which code of the user's `file` runs."""
    global _watching, _hooked
    if not _hooked:  # an audit hook cannot be removed
        sys.addaudithook(_on_event)
        _hooked = True
    _watching += 1
    _read[os.path.abspath(file)] = None
    try:
        yield
    finally:
        _watching -= 1
        _add_modules_beside(file)


def forget() -> None:
    """Clear the recorded files before another command."""
    _read.clear()


def files_read() -> list[Path]:
    """Return the recorded files, relative to the current folder if they are below it.

    Without files of Python and of installed packages, and without deleted files.
    """
    current_folder = os.getcwd() + os.sep
    paths = [path for path in _read if not _is_of_python(path) and os.path.isfile(path)]
    return [Path(path.removeprefix(current_folder)) for path in paths]


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _watching:
        return
    path, mode, flags = arguments
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    writes = any(letter in mode for letter in "wax") if mode else flags & (os.O_WRONLY | os.O_RDWR)
    if not isinstance(path, str) or writes:
        return
    if path.endswith(".pyc"):
        try:
            path = importlib.util.source_from_cache(path)
        except ValueError:
            return
    _read[os.path.abspath(path)] = None


def _add_modules_beside(file: Path) -> None:
    # A module that was already imported is not opened again.
    folder = os.path.join(os.path.abspath(file.parent), "")
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.startswith(folder) and path.endswith(".py"):
            _read[path] = None


def _is_of_python(path: str) -> bool:
    return path.startswith(_installed()) or f"{os.sep}.labelkit{os.sep}" in path


@cache
def _installed() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [str(Path(__file__).parents[1]), "/proc", "/sys", "/dev"]
    return tuple(os.path.join(folder, "") for folder in folders)
