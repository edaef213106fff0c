"""Which columns a labeling function reads, found in its source without running it."""

import ast
from dataclasses import dataclass

ROW_METHODS = frozenset({"get", "keys", "values", "items", "to_dict"})


@dataclass(frozen=True)
class Reads:
    """The uses of one parameter inside a function."""

    columns: tuple[str, ...] = ()  # attributes and items, in order of first use
    guarded: frozenset[str] = frozenset()  # tested before use: may be missing from the file
    called: frozenset[str] = frozenset()  # attributes that are called at once: row.lower()
    everything: bool = False  # the parameter goes elsewhere: any column may be read

    def looks_like_row(self, columns: frozenset[str]) -> bool:
        """Return whether the parameter is used as a row and not as a piece of text."""
        for name in self.columns:
            if name in columns and name not in self.called:
                return True
            if not hasattr(str, name):
                return True
        return False


UNKNOWN = Reads(everything=True)


def functions_by_line(tree: ast.Module) -> dict[tuple[str, int], ast.AST]:
    """Return every function of a file by its name and the line that its code object carries."""
    found: dict[tuple[str, int], ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            found[node.name, first] = node
        elif isinstance(node, ast.Lambda):
            found["<lambda>", node.lineno] = node
    return found


def reads(function: ast.AST, parameter: str) -> Reads:
    """Return what `function` reads from `parameter`."""
    parents: dict[ast.AST, ast.AST] = {}
    uses: list[ast.Name] = []
    tries = False
    for node in ast.walk(function):
        for child in ast.iter_child_nodes(node):
            parents[child] = node
        if isinstance(node, ast.Name) and node.id == parameter:
            uses.append(node)
        tries = tries or isinstance(node, ast.Try)
    uses.sort(key=lambda name: (name.lineno, name.col_offset))
    seen = [_one_use(name, parents) for name in uses]
    columns = tuple(dict.fromkeys(column for use in seen for column in use.columns))
    guarded = frozenset(columns) if tries else frozenset().union(*(use.guarded for use in seen))
    return Reads(
        columns,
        guarded,
        frozenset().union(*(use.called for use in seen)),
        any(use.everything for use in seen),
    )


def _one_use(name: ast.Name, parents: dict[ast.AST, ast.AST]) -> Reads:
    parent = parents[name]
    if not isinstance(name.ctx, ast.Load):
        return UNKNOWN
    if isinstance(parent, ast.Attribute):
        return _attribute(parent, parents[parent])
    if isinstance(parent, ast.Subscript) and parent.value is name:
        return _item(parent)
    if isinstance(parent, ast.Call):
        return _argument(parent, name)
    if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.In | ast.NotIn):
        column = _text(parent.left)
        if column is not None and parent.comparators == [name]:
            return Reads((column,), frozenset({column}))
    return UNKNOWN


def _attribute(node: ast.Attribute, parent: ast.AST) -> Reads:
    if not isinstance(node.ctx, ast.Load):
        return Reads((node.attr,), frozenset({node.attr}), everything=True)
    if not (isinstance(parent, ast.Call) and parent.func is node):
        return Reads((node.attr,))
    if node.attr == "get" and parent.args and (column := _text(parent.args[0])) is not None:
        return Reads((column,), frozenset({column}))
    if node.attr in ROW_METHODS:
        return UNKNOWN
    return Reads((node.attr,), called=frozenset({node.attr}))


def _item(node: ast.Subscript) -> Reads:
    column = _text(node.slice)
    if column is not None and isinstance(node.ctx, ast.Load):
        return Reads((column,))
    if isinstance(node.slice, ast.List):
        columns = [_text(item) for item in node.slice.elts]
        if all(column is not None for column in columns):
            return Reads(tuple(column for column in columns if column is not None))
    return UNKNOWN


def _argument(call: ast.Call, name: ast.Name) -> Reads:
    """Read getattr(row, "c"), getattr(row, "c", None) and hasattr(row, "c")."""
    if not isinstance(call.func, ast.Name) or call.func.id not in ("getattr", "hasattr"):
        return UNKNOWN
    if len(call.args) < 2 or call.args[0] is not name:
        return UNKNOWN
    column = _text(call.args[1])
    if column is None:
        return UNKNOWN
    optional = call.func.id == "hasattr" or len(call.args) == 3
    return Reads((column,), frozenset({column}) if optional else frozenset())


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
