"""Whether labeling functions keep something from row to row: several processes would differ."""

import ast
from collections.abc import Iterator
from pathlib import Path

MUTATING = frozenset(
    (
        *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem"),
        *("popleft", "remove", "reverse", "setdefault", "sort", "subtract", "update"),
    )
)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def place_of_kept_state(path: Path) -> str:
    """Return `line 7: seen.add(row.text)`, where a function changes what outlives its call.

    By the source alone: what is written so that it does not show is not found. An empty string
    where nothing is.
    """
    source = path.read_bytes().decode("utf-8-sig")
    tree = ast.parse(source)
    for function in ast.walk(tree):
        if not isinstance(function, Function) or getattr(function, "name", "") == "__init__":
            continue
        own = _own_names(function)
        for node in _inside(function):
            if _changes(node, own):
                line = source.splitlines()[node.lineno - 1].strip()
                return f"line {node.lineno}: {line}"
    return ""


def _inside(function: Function) -> Iterator[ast.expr | ast.stmt]:
    body = function.body if isinstance(function.body, list) else [function.body]
    for part in body:
        for node in ast.walk(part):
            if isinstance(node, ast.expr | ast.stmt):
                yield node


def _own_names(function: Function) -> set[str]:
    """Return the names that a call makes anew: parameters without a default, and assigned ones.

    A default value is made once; `self` outlives the call.
    """
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    names = [item.arg for item in positional[: len(positional) - len(given.defaults)]]
    names += [
        item.arg
        for item, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        if default is None
    ]
    shared: set[str] = {"self", "cls"}
    for node in _inside(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            shared.update(node.names)
    return set(names) - shared


def _changes(node: ast.expr | ast.stmt, own: set[str]) -> bool:
    if isinstance(node, ast.Global | ast.Nonlocal):
        return True
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return _root(node) not in own
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "next" and bool(node.args) and _root(node.args[0]) not in own | {""}
    if not isinstance(node.func, ast.Attribute) or _root(node.func) in own | {""}:
        return False
    return node.func.attr in MUTATING or "random" in ast.unparse(node.func)


def _root(node: ast.expr) -> str:
    """Return the name that an attribute or item belongs to; empty where it is no name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
