"""Options are read without the library that checks values, where there is nothing to check.

Typer builds a pydantic adapter for each option of a command, also for those that nobody gives: a
good part of the time in which a command starts. Here text, flags, whole numbers and choices that
fit are taken as they are, and only what is left goes Typer's way, with its messages.
"""

import os
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

_UNSURE = object()
_MOST_DIGITS = 100  # Python reads no number of thousands of digits


class PlainFirst:
    """Stands before what Typer makes of an option's value."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value in the option's type; raises Typer's error where it does not fit."""
        found = _plain(value, param)
        if found is not _UNSURE:
            return found
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def plain_first(params: Sequence[Any]) -> Sequence[Any]:
    """Return the parameters of a command, made to look for plain values first."""
    for param in params:
        if getattr(param, "_runtime_param", _UNSURE) is None:
            param._runtime_param = PlainFirst()
    return params


def _plain(value: Any, param: Any) -> Any:
    is_list = param.multiple or param.nargs == -1
    if value is None:
        return () if is_list else None
    kind, info = param.type_descriptor.annotation, param.type_descriptor.parameter_info
    if getattr(info, "parser", None) is not None:
        return _UNSURE
    if not is_list:
        return _one(value, kind, info)
    if get_origin(kind) is not list or not isinstance(value, list | tuple):
        return _UNSURE
    found = [_one(item, get_args(kind)[0], info) for item in value]
    return _UNSURE if _UNSURE in found else found


def _one(value: Any, kind: Any, info: Any) -> Any:
    if kind is str and isinstance(value, str):
        return value
    if kind is bool and isinstance(value, bool):
        return value
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(value, kind)
    if kind is Path and isinstance(value, str):
        return _path(value, info)
    if kind is int and isinstance(value, str) and _is_whole(value):
        value = int(value)
    is_number = kind is int and isinstance(value, int) and not isinstance(value, bool)
    low, high = getattr(info, "min", None), getattr(info, "max", None)
    if is_number and (low is None or value >= low) and (high is None or value <= high):
        return value
    return _UNSURE


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _path(text: str, info: Any) -> Any:
    is_checked = any(getattr(info, name, False) for name in ("exists", "writable", "resolve_path"))
    is_checked |= not all(getattr(info, name, True) for name in ("file_okay", "dir_okay"))
    if is_checked or "\0" in text or (os.path.exists(text) and not os.access(text, os.R_OK)):
        return _UNSURE
    return Path(text)


def _choice(value: Any, kind: type[Enum]) -> Any:
    if isinstance(value, kind):
        return value
    return next((choice for choice in kind if choice.value == value), _UNSURE)
