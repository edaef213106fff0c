"""A report made in a test's folder, read by an HTML parser."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest


class Page(HTMLParser):
    """The tags with their attributes, the words, the tables as rows of cells by caption."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._caption = self._said = ""
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "polyline"):
            self.open.append(tag)
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th", "caption"):
            self._said = ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self._rows[-1].append(self._said.strip())
        if tag == "caption":
            self._caption = self._said
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self._said += data
            self.words += re.sub(r"\s+", " ", data)


@pytest.fixture
def report(labelkit: Any) -> Callable[..., Page]:
    def make(*args: object) -> Page:
        done = labelkit("report", *args, "-o", "report.html")
        assert (done.code, done.out) == (0, ""), done.err
        found = Page(Path("report.html").read_text("utf-8"))
        assert not found.open, "every tag is closed"
        return found

    return make
