"""The HTML report: one file, nothing loaded, every cell escaped."""

import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

HOSTILE = '<img src=x onerror="alert(1)">&</style></svg>'


class Page(HTMLParser):
    """The tags with their attributes, the text, and whether each tag was closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def page(labelkit, write, tmp_path):
    def make(data, *more):
        write("data.csv", data)
        done = labelkit(
            *["weak-label", "data.csv", "--lf-report", "lf.html", "--id", "row"],
            *["--label-model", "majority", *more],
        )
        assert done.code == 0, done.err
        text = (tmp_path / "lf.html").read_text(encoding="utf-8")
        return text, Page(text)

    return make


RULES = ["--keyword", "good=fine,great", "--keyword", "bad=refund,awful", "--keyword", "bad=fine"]
DATA = "text,gold\nfine,good\nfine refund,bad\nawful,bad\nnothing,good\n"


def test_the_page_has_figures_heat_map_and_meaning(page):
    text, found = page(DATA, *RULES, "--gold", "gold")
    assert not found.open  # every tag is closed
    words = " ".join(found.words)
    assert "4 rows, 2 labelled, 2 without a label; label model majority." in words
    for heading in ("keyword_good", "coverage", "conflicts", "estimated", "accuracy", "gain"):
        assert heading in words
    assert "keyword_good and keyword_bad: 1 of 1 row" in words
    assert "keyword_good and keyword_bad_2: 2 of 2 rows" in words
    for drawing in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(drawing)
    squares = [tag for tag, given in found.tags if given.get("class") == "cell"]
    assert len(squares) == 3 * 2


def test_nothing_is_loaded_or_run(page):
    text, found = page(DATA, *RULES)
    assert not {tag for tag, _ in found.tags} & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"https?:|url\(|@import| style=| on\w+=|src=|href=", text)
    policy = next(given["content"] for _, given in found.tags if "http-equiv" in given)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "prefers-color-scheme: dark" in style


def test_hostile_names_are_shown_not_obeyed(page, write):
    write(
        "labelkit.toml",
        f"[[weak-label.rule]]\nname = '{HOSTILE}'\nlabel = '{HOSTILE}'\nany_of = ['fine']\n"
        "[[weak-label.rule]]\nname = \"b\\u001b[31m\\u202e\"\nlabel = 'b'\nany_of = ['fine']\n",
    )
    text, found = page(DATA)
    assert HOSTILE not in text and "\x1b" not in text and "\u202e" not in text
    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert HOSTILE in " ".join(found.words) and not found.open


def test_a_page_without_conflicts_or_rows(page):
    text, _ = page("text\nfine\n", *RULES[:4])
    assert "No two functions vote differently on any row." in text
    text, found = page("text\n", *RULES)
    assert "0 rows, 0 labelled, 0 without a label" in text and not found.open


def test_many_functions_are_cut_to_those_with_most_conflicts(page):
    rules = [part for i in range(50) for part in ("--keyword", f"{'ab'[i % 2]}=fine,word{i}")]
    text, found = page("text\nfine\nword3 word4\n", *rules)
    assert "The 40 with most conflicts are shown." in text
    assert len([1 for _, given in found.tags if given.get("class") == "cell"]) == 40 * 39
