"""The page of annotate --web as axe-core judges it, by day, by night and on a phone.

Skipped without a Chromium and its driver on the PATH; `make test-peers` installs axe-core.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.annotate.browser import BINARY, DRIVER, Browser
from tests.annotate.serving import BATCH, serving
from tests.peer.conftest import program

MANY = [f"class {n}" for n in range(30)]
JUDGE = "return axe.run().then(f => f.violations.map(v => [v.impact, v.id, v.nodes[0].html]))"


@pytest.mark.parametrize(("scheme", "phone"), [("light", False), ("dark", False), ("light", True)])
def test_axe_finds_nothing(write: Any, tmp_path: Path, scheme: str, phone: bool) -> None:
    axe = Path(program("LABELKIT_AXE")).read_text("utf-8")
    if not (BINARY and DRIVER):
        pytest.skip("chromium and chromedriver are not installed")
    browser = Browser(tmp_path)
    try:
        browser.size(*((390, 844) if phone else (1100, 800)), phone=phone)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.tool("Emulation.setEmulatedMedia", features=[feature])
        with serving(write("todo.csv", BATCH), classes=MANY, show=["shop"]) as served:
            browser.open(served.server.address)
            browser.wait(lambda: browser.text("#progress"), "the first row")
            browser.run(axe)
            assert browser.run(JUDGE) == []
            with served.full_disk():
                browser.press("2")
                browser.wait(lambda: browser.shown("#error"), "the error")
            assert browser.run(JUDGE) == []
            for key, opened in (("n", "#note-dialog"), ("?", "#keys-dialog")):
                browser.press(key)
                browser.wait(lambda at=opened: browser.shown(at), opened)
                assert browser.run(JUDGE) == []
                browser.press("Escape")
                browser.wait(lambda at=opened: not browser.shown(at), opened)
    finally:
        browser.close()
