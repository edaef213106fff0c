"""A person at the keyboard."""

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def typed(labelkit: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run annotate in this process with these lines on stdin."""

    def run(lines: str, *args: object) -> Any:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        return labelkit("annotate", *args)

    return run
