"""What may import what, counted inside functions and for type checkers too."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import labelkit
from labelkit.config import plugins
from labelkit.config.commands import COMMANDS

PACKAGE = Path(labelkit.__file__).parent
# Each floor may import those before it; files of one floor may import each other.
FLOORS = (
    {"errors"},
    {"console", "engine"},
    {"io", "config"},
    {"data", "stats"},
    {"ml"},
    {"job", "html"},
    {"command"},
    {"combine"},
    {"verdict"},
    {"weak", "llm", "active", "noise", "decide", "annotate", "merge", "models", "interop", "init",
     "report"},
    {"pipeline", "plan"},
    {"update"},
    {"cli"},
)  # fmt: skip
WINGS = FLOORS[9] | FLOORS[10]
PARTS = {target.split(":")[0] for parts in plugins.PARTS.values() for target in parts.values()}
# They import no data library at their top, so that a command's first words are read at once.
LIGHT = {"errors", "console", "config", "command"}
DATA_LIBRARIES = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "torch", "openai"}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    names = set()
    tree = tree_of(path)
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


@cache
def graph() -> dict[str, set[str]]:
    """Return which modules each module imports."""
    return {name: imports(path) & MODULES.keys() - {name} for name, path in MODULES.items()}


def place_of(module: str) -> str:
    """Return the folder or file right below the package that a module belongs to."""
    return module.split(".")[1] if "." in module else ""


def floor_of(module: str) -> int:
    return next(i for i, floor in enumerate(FLOORS) if place_of(module) in floor)


def test_each_folder_has_a_floor() -> None:
    places = {place_of(module) for module in MODULES} - {"", "__main__"}
    assert places == set().union(*FLOORS)


def test_a_floor_imports_none_above_it_and_no_wing_another() -> None:
    for module, imported in graph().items():
        if place_of(module) in ("", "__main__"):
            continue
        for other in imported - {"labelkit"}:
            assert floor_of(other) <= floor_of(module), f"{module} imports {other}"
            if place_of(module) in WINGS:
                is_own = place_of(other) == place_of(module)
                assert is_own or place_of(other) not in WINGS, f"{module} imports {other}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in done:
            for other in sorted(graph()[module] - {"labelkit"}):
                visit(other, (*way, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_parts_import_nothing_of_the_ground_floor_but_errors_and_figures() -> None:
    for module in sorted(PARTS):
        wing = ".".join(module.split(".")[:2])
        allowed = ("labelkit.errors", "labelkit.stats", wing)
        own = {name for name in imports(MODULES[module]) if name.startswith("labelkit.")}
        assert all(name.startswith(allowed) for name in own), f"{module}: {own}"


def is_light(module: str) -> bool:
    is_command = module in {target.split(":")[0] for target, _ in COMMANDS.values()}
    return is_command or place_of(module) in LIGHT


def test_what_starts_first_imports_no_data_library() -> None:
    for module, path in MODULES.items():
        heavy = {name.split(".")[0] for name in imports(path, top_level_only=True)}
        if is_light(module):
            assert not heavy & DATA_LIBRARIES, f"{module} imports {heavy & DATA_LIBRARIES}"


def test_only_commands_and_their_declaration_know_typer() -> None:
    for module, path in MODULES.items():
        if "typer" in {name.split(".")[0] for name in imports(path)}:
            assert is_light(module) or place_of(module) == "cli", f"{module} imports typer"


def strings_of(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_names_of_modules_stand_as_strings_in_two_files_only() -> None:
    packages = {name.rpartition(".")[0] for name in MODULES if name.count(".") > 1}
    named = {name for name in MODULES if name.count(".") > 1} - packages
    for module, path in MODULES.items():
        if module in ("labelkit.config.commands", "labelkit.config.plugins"):
            continue
        for text in strings_of(path):
            assert text.partition(":")[0] not in named, f"{module} names {text}"


def test_the_top_holds_three_files_at_most() -> None:
    flat = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert flat <= {"errors", "console", "api"}


def test_every_file_is_short() -> None:
    for path in MODULES.values():
        assert len(path.read_text().splitlines()) <= 500, path
