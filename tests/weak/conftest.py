"""What the tests of weak supervision share: a file of functions, and its votes on a table."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labelkit.weak.lf.binding import FileColumns, bind
from labelkit.weak.lf.loader import load
from labelkit.weak.lf.rows import View
from labelkit.weak.lf.runner import Voters
from labelkit.weak.vote_codes import Codebook


@pytest.fixture
def lf_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a file of labeling functions and return its name, relative to the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(source: str) -> Path:
        path = Path("lfs.py")
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    return write


@pytest.fixture
def vote(lf_file: Callable[[str], Path]) -> Callable[..., Any]:
    """Return the votes of a source text on a table as lists of class names, None abstains."""

    def run(
        source: str,
        table: dict[str, Any],
        classes: list[str] | None = None,
        text: tuple[str, ...] = (),
        hidden: tuple[str, ...] = (),
        on_error: Any = "stop",
    ) -> dict[str, list[str | None]]:
        batch = pa.record_batch(table)
        columns = FileColumns(tuple(batch.schema.names), frozenset(hidden), text)
        codebook = Codebook(classes)
        voters = Voters(bind(load(lf_file(source), classes), columns), columns, codebook, on_error)
        votes = voters.vote(View(batch, text), np.arange(batch.num_rows))
        names, remap = codebook.final()
        run.voters = voters  # type: ignore[attr-defined]
        return {
            bound.function.name: [names[code] if code >= 0 else None for code in column]
            for bound, column in zip(voters.bound, remap[votes].T, strict=True)
        }

    return run
