"""Files that go to people, and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROWS = """id,text,llm_label,llm_confidence,gold
r-1,"The parcel never arrived, I want my money back",refund,0.55,refund
r-2,"How do I reset my password? ""quoted""
second line ünïcødé 日本",account,0.62,account
r-3,=1+1,,,other
r-4,<b>bold</b> & more,other,0.9,other
"""
CLASSES = ("--classes", "refund,account,other")


@pytest.fixture
def rows(write: Any) -> Path:
    """Four rows, three of them with a guess."""
    return Path(write("rows.csv", ROWS))


@pytest.fixture
def exported(labelkit: Any, rows: Path) -> Callable[..., str]:
    """Export the rows for a tool; return the name of the file."""

    def run(tool: str, *more: object) -> str:
        name = {"csv": "tasks.csv", "hf": "tasks"}.get(tool, "tasks.json")
        result = labelkit("export", rows, "-o", name, "--to", tool, *CLASSES, *more)
        assert result.code == 0, result.err
        return name

    return run


@pytest.fixture
def imported(labelkit: Any) -> Callable[..., Any]:
    """Import what a tool gave back; return the result and the answers."""

    def run(tool: str, content: Any, *more: object, name: str = "back.json") -> Any:
        text = content if isinstance(content, str) else json.dumps(content)
        Path(name).write_bytes(text.encode())
        Path("answers.jsonl").unlink(missing_ok=True)
        result = labelkit("import", name, "-o", "answers.jsonl", "--from", tool, *more)
        if result.code:
            assert not Path("answers.jsonl").exists()
            return result, []
        lines = Path("answers.jsonl").read_text("utf-8").split("\n")
        return result, [json.loads(line) for line in lines if line]

    return run
