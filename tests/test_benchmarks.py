"""What the benchmarks import of the package is there, also in code that they run as processes."""

import importlib
import re
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).parent.parent / "benchmarks").glob("*.py"))
IMPORT = re.compile(r"^\s*from (labelkit[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_imports_of_the_package(path: Path) -> None:
    for module, names in IMPORT.findall(path.read_text("utf-8")):
        found = importlib.import_module(module)
        for name in re.findall(r"(\w+)(?: as \w+)?(?:,|$|\n|\))", names.strip("()")):
            assert hasattr(found, name) or importlib.import_module(f"{module}.{name}")
