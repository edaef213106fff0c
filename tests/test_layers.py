"""What may import what: wings know the ground floor and themselves, parts know only errors."""

import ast
from pathlib import Path

import labelkit
from labelkit.config import plugins

PACKAGE = Path(labelkit.__file__).parent
WINGS = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
PARTS = {target.split(":")[0] for parts in plugins.PARTS.values() for target in parts.values()}
LIGHT = {"errors", "registry", "console", "options", "task", "cli"}
DATA_LIBRARIES = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "torch", "openai"}


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    found = set()
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names | {str(node.module)}
    return found


def test_no_wing_imports_another() -> None:
    for wing in WINGS:
        for path in (PACKAGE / wing).rglob("*.py"):
            for name in imports(path):
                parts = name.split(".")
                if parts[0] == "labelkit" and len(parts) > 1 and parts[1] in WINGS:
                    assert parts[1] == wing, f"{path} imports {name}"


def test_parts_import_nothing_of_the_ground_floor_but_errors() -> None:
    for module in sorted(PARTS):
        path = PACKAGE.parent / (module.replace(".", "/") + ".py")
        own = {n for n in imports(path) if n.startswith("labelkit.")}
        wing = ".".join(module.split(".")[:2])
        assert all(n.startswith(("labelkit.errors", wing)) for n in own), f"{path}: {own}"


def test_only_command_files_know_typer_and_they_import_no_data_library() -> None:
    for path in PACKAGE.rglob("*.py"):
        heavy = {n.split(".")[0] for n in imports(path, top_level_only=True)} & DATA_LIBRARIES
        is_command = path.name in ("command.py", "starter.py", "doctor.py", "history.py")
        if is_command or (path.parent == PACKAGE and path.stem in LIGHT):
            assert not heavy, f"{path} imports {heavy}"
        elif "typer" in {n.split(".")[0] for n in imports(path)}:
            assert path.stem in LIGHT, f"{path} imports typer"


def test_the_ground_floor_imports_no_wing() -> None:
    for path in PACKAGE.glob("*.py"):
        if path.stem in ("cli", "doctor"):
            continue
        for name in imports(path):
            parts = name.split(".")
            assert not (parts[0] == "labelkit" and len(parts) > 1 and parts[1] in WINGS), path


def test_every_file_and_function_is_short() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 500, path
