"""The report in a browser: no error on its console, and nothing that axe-core calls serious.

Skipped without a Chromium on the PATH; `make test-peers` installs axe-core.
"""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.peer.conftest import program

SERIOUS = ("serious", "critical")
# The axe run is told apart from the page by an element of its own.
AFTER = """
axe.run().then((found) => {
  const told = document.createElement("pre");
  told.id = "axe";
  told.textContent = JSON.stringify(found.violations.map((v) => [v.impact, v.id, v.help]));
  document.body.append(told);
});
"""
SORT_AND_SEARCH = """
const table = document.querySelector("section table.sorted");
const field = document.querySelector("input[type=search]");
field.value = "no such words";
field.dispatchEvent(new Event("input"));
table.querySelectorAll("th button")[1].click();
document.title = [...table.tBodies[0].rows].map((row) => row.cells[1].textContent).join(" ")
  + " | " + document.querySelector("[role=status]").textContent;
"""


def browse(page: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a headless Chromium; its document comes to stdout, its console to stderr."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium on the PATH")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
               "--virtual-time-budget=10000", "--dump-dom", *more, page.as_uri()]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def with_script(page: Path, *scripts: str) -> Path:
    """Return a copy of the page that runs these scripts after its own."""
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text("utf-8"))
    added = "".join(f"<script>{script}</script>" for script in scripts)
    copy = page.with_name("with_script.html")
    copy.write_text(text.replace("</body>", f"{added}</body>"), "utf-8")
    return copy


@pytest.fixture
def page(labelkit: Any, write: Any, tmp_path: Path) -> Path:
    program("LABELKIT_AXE")
    lines = [
        f"row-{i},{'some words of a text ' * 10},{'AB'[i % 2] if i < 300 else ''},"
        f"{'audit' if i % 3 else 'query'},{'AAB'[i % 3]},0.{i % 90 + 10},{'AB'[i % 2]},"
        f"0.{i % 80 + 10},people,{'true' if i % 20 == 0 else 'false'},0.{i % 70 + 10},said so"
        for i in range(100_000)
    ]
    header = "id,text,label,label_origin,weak_label,weak_confidence,final_label,final_confidence,"
    header += "final_source,noise_flag,noise_quality,noise_reason"
    write("rows.csv", "\n".join([header, *lines]) + "\n")
    done = labelkit("report", "rows.csv", "-o", "page.html")
    assert done.code == 0, done.err
    found = tmp_path / "page.html"
    assert found.stat().st_size < 1_000_000
    return found


def test_the_console_stays_silent_and_tables_sort_and_search(page: Path) -> None:
    assert "CONSOLE" not in browse(page).stderr
    shown = browse(with_script(page, SORT_AND_SEARCH)).stdout
    title = re.search(r"<title>(.*?)</title>", shown)
    assert title is not None
    sorted_, told = title[1].split(" | ")
    numbers = [int(word.replace(",", "")) for word in sorted_.split()]
    assert numbers == sorted(numbers)
    assert re.fullmatch(r"0 of \d+ rows", told)


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_axe_finds_nothing_serious(page: Path, look: str) -> None:
    if look == "dark":  # the page as it is for people who like it dark
        text = page.read_text("utf-8").replace("(prefers-color-scheme: dark)", "all")
        page.write_text(text, "utf-8")
    size = "--window-size=380,900" if look == "narrow" else "--window-size=1200,900"
    shown = browse(
        with_script(page, Path(program("LABELKIT_AXE")).read_text("utf-8"), AFTER), size
    ).stdout
    said = re.search(r'<pre id="axe">(.*?)</pre>', shown, re.DOTALL)
    assert said is not None, "axe did not end"
    found = json.loads(unescape(said[1]))
    assert not [each for each in found if each[0] in SERIOUS], found
