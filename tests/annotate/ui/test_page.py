"""The page of annotate --web in a real browser: keys, touch, what a screen reader is told."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labelkit.annotate.ui.text import Guide
from tests.annotate.browser import BINARY, DRIVER, Browser
from tests.annotate.serving import BATCH, Served, serving

pytestmark = pytest.mark.skipif(
    not (BINARY and DRIVER), reason="chromium and chromedriver are not installed"
)
MANY = [f"class {n:03}" for n in range(150)] + ["odd <i>one</i> \"'&", "Über", "x" * 200]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()


@pytest.fixture
def page(write: Any, browser: Browser) -> Callable[..., Any]:
    """Open the page on a batch; the window is that of a api unless it is told to be a phone's."""

    def run(batch: str = BATCH, phone: bool = False, **options: Any) -> Any:
        browser.size(*((390, 844) if phone else (1100, 800)), phone=phone)
        return Opened(serving(write("todo.csv", batch), **options), browser)

    return run


class Opened:
    """A served page that the browser has open."""

    def __init__(self, serves: Any, browser: Browser) -> None:
        self._serves, self._browser = serves, browser

    def __enter__(self) -> Served:
        self.served: Served = self._serves.__enter__()
        self._browser.open(self.served.server.address)
        self._browser.wait(lambda: self._browser.text("#progress"), "the first row")
        return self.served

    def __exit__(self, *error: Any) -> None:
        self._serves.__exit__(*error)


def key_of(browser: Browser) -> str:
    return browser.text("#key").removeprefix("id ")


def press(browser: Browser, key: str, then: Callable[[], Any]) -> None:
    browser.press(key)
    browser.wait(then, f"what {key} does")


def test_keys_label_and_go_on(page: Any, browser: Browser) -> None:
    with page(show=["shop"]) as served:
        assert browser.text("#texts") == (
            "The <script>document.title='owned'</script> parcel never came"
        )
        assert browser.text("mark") == "never"
        assert browser.text("#fields tr").split("\t") == ["shop", "A & B"]
        assert browser.text("#guess-line") == "guess: refund 0.83"
        assert browser.text("#reason") == "why: margin 0.02"
        press(browser, "Enter", lambda: key_of(browser) == "r2")
        assert browser.text("#status") == "r1: refund"
        assert browser.run("return document.title").startswith("1 of 5 · ")
        assert browser.text("#fields tr").split("\t") == ["shop", "<b>C</b>"]
        press(browser, "Enter", lambda: browser.text("#status") == "no suggestion to accept")
        press(browser, "f", lambda: browser.text("#marks") == "flagged")
        press(browser, "2", lambda: key_of(browser) == "r3")
        assert "1 identical row gets the same answer" in browser.text("#copies")
        press(browser, "=", lambda: "not included" in browser.text("#copies"))
        press(browser, "3", lambda: key_of(browser) == "r4")
        press(browser, "Space", lambda: key_of(browser) == "r5")
        press(browser, "1", lambda: browser.text("#texts").startswith("Done: every row"))
        press(browser, "Backspace", lambda: key_of(browser) == "r5")
        press(browser, "u", lambda: key_of(browser) == "r4")
        assert served.labels() == {"r1": "refund", "r2": "account", "r3": "other"}
        press(browser, "q", lambda: browser.text("#texts").startswith("Finished"))
        assert not browser.shown("#answers")


def test_touch_on_a_phone(page: Any, browser: Browser) -> None:
    with page(phone=True) as served:
        wide = browser.run("return document.documentElement.scrollWidth")
        assert wide <= 390
        boxes = browser.run(
            "return [...document.querySelectorAll('button')].filter(b => b.getClientRects().length)"
            ".map(b => b.getBoundingClientRect()).map(b => [b.height, b.bottom])"
        )
        assert all(height >= 44 and bottom <= 844 for height, bottom in boxes)
        browser.tap("#classes button:nth-child(3)")
        browser.wait(lambda: key_of(browser) == "r2", "the next row")
        browser.tap("#skip")
        browser.wait(lambda: key_of(browser) == "r3", "the next row")
        browser.tap("#undo")
        browser.wait(lambda: key_of(browser) == "r2", "the row before")
        browser.tap("#flag")
        browser.wait(lambda: browser.text("#marks") == "flagged", "the flag")
        browser.tap("#note")
        browser.wait(lambda: browser.shown("#note-dialog"), "the dialog")
        browser.press(*"a <b>")
        browser.tap("#note-keep")
        browser.wait(lambda: "note: a <b>" in browser.text("#marks"), "the note")
        assert served.labels() == {"r1": "other"}


def test_a_note_by_keys_labels_nothing(page: Any, browser: Browser) -> None:
    with page() as served:
        press(browser, "n", lambda: browser.shown("#note-dialog"))
        browser.press(*"12 qf")
        press(browser, "Enter", lambda: browser.text("#marks") == "note: 12 qf")
        press(browser, "n", lambda: browser.shown("#note-dialog"))
        browser.press("x")
        press(browser, "Escape", lambda: not browser.shown("#note-dialog"))
        assert browser.text("#marks") == "note: 12 qf"
        press(browser, "?", lambda: browser.shown("#keys-dialog"))
        browser.press("1")
        press(browser, "Escape", lambda: not browser.shown("#keys-dialog"))
        assert (key_of(browser), served.labels()) == ("r1", {})


def test_one_of_many_classes_is_found_by_its_name(page: Any, browser: Browser) -> None:
    with page(classes=MANY) as served:
        assert browser.run("return document.querySelectorAll('#classes button').length") == 153
        press(browser, "/", lambda: browser.run("return document.activeElement.id") == "filter")
        browser.press(*"ODD <i")
        browser.wait(lambda: "1 match" in browser.text("#status"), "what is found")
        press(browser, "Enter", lambda: key_of(browser) == "r2")
        assert served.labels() == {"r1": "odd <i>one</i> \"'&"}
        press(browser, "/", lambda: browser.run("return document.activeElement.id") == "filter")
        browser.press(*"class 1")
        browser.wait(lambda: "50 matches" in browser.text("#status"), "what is found")
        browser.press("Down", "Down", "Down", "Enter")
        browser.wait(lambda: key_of(browser) == "r3", "the next row")
        assert served.labels()["r2"] == "class 102"
        press(browser, "/", lambda: browser.run("return document.activeElement.id") == "filter")
        browser.press(*"nothing like it", "Enter")
        browser.wait(lambda: "no matches" in browser.text("#status"), "what is found")
        press(browser, "Escape", lambda: browser.run("return document.activeElement.id") == "card")
        assert key_of(browser) == "r3"


def test_a_full_disk_is_seen_at_once(page: Any, browser: Browser) -> None:
    with page() as served:
        press(browser, "2", lambda: key_of(browser) == "r2")
        with served.full_disk():
            press(browser, "2", lambda: browser.shown("#error"))
            assert browser.text("#error").startswith("NOT SAVED: the disk is full")
            assert (key_of(browser), browser.text("#status")) == ("r2", "")
            assert browser.text("#progress").startswith("1 of 5")
        press(browser, "2", lambda: key_of(browser) == "r3")
        assert not browser.shown("#error")
        assert served.labels() == {"r1": "account", "r2": "account"}


def test_where_labelkit_has_ended_nothing_is_claimed_saved(page: Any, browser: Browser) -> None:
    with page() as served:
        served.api.close()
        press(browser, "1", lambda: browser.text("#error") == "NOT SAVED: labelkit has ended here")
        served.server.shutdown()
        served.server.server_close()
        browser.press("1")
        browser.wait(lambda: "NOT SAVED: labelkit" in browser.text("#error"), "the error")
        assert key_of(browser) == "r1"
        assert served.labels() == {}


def test_a_second_window_that_is_behind_labels_nothing(page: Any, browser: Browser) -> None:
    with page() as served:
        served.act(do="label", label="other")
        press(browser, "1", lambda: "another window" in browser.text("#error"))
        assert key_of(browser) == "r2"
        press(browser, "1", lambda: key_of(browser) == "r3")
        assert served.labels() == {"r1": "other", "r2": "refund"}


def test_a_key_held_down_answers_one_row(page: Any, browser: Browser) -> None:
    with page() as served:
        browser.run(
            "for (let i = 0; i < 5; i++) document.body.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: '1', repeat: i > 0, bubbles: true}))"
        )
        browser.wait(lambda: key_of(browser) == "r2", "the next row")
        assert served.labels() == {"r1": "refund"}


def test_what_a_screen_reader_is_told(page: Any, browser: Browser) -> None:
    with page():
        tree = browser.tool("Accessibility.getFullAXTree")["nodes"]
        named = {(of(node, "role"), of(node, "name")) for node in tree if not node["ignored"]}
        for wanted in (
            ("button", "guess: refund 0.83"), ("button", "refund"), ("button", "undo"),
            ("button", "skip"), ("button", "flag"), ("button", "note"), ("button", "keys"),
            ("button", "finish"), ("main", "row r1"), ("group", "classes"),
            ("progressbar", "rows answered"), ("status", ""),
        ):  # fmt: skip
            assert wanted in named
        (card,) = [node for node in tree if of(node, "role") == "main"]
        assert "parcel never came" in card["description"]["value"]
        nameless = [node for node in tree if of(node, "role") in ("button", "textbox", "checkbox")
                    and not of(node, "name") and not node["ignored"]]  # fmt: skip
        assert nameless == []
        # The row that comes has the focus, and is read; what was done is said.
        press(browser, "1", lambda: key_of(browser) == "r2")
        assert browser.run("return document.activeElement.getAttribute('aria-label')") == "row r2"
        live = (
            "return [document.querySelector('#status').role, document.querySelector('#error').role]"
        )
        assert browser.run(live.replace(".role", ".getAttribute('role')")) == ["status", "alert"]
        # Single keys can be turned off, for those who speak or whose reader uses them.
        press(browser, "?", lambda: browser.shown("#keys-dialog"))
        browser.run("document.querySelector('#shortcuts').click()")
        press(browser, "Escape", lambda: not browser.shown("#keys-dialog"))
        browser.press("1", "s", "f")
        assert browser.run("return document.activeElement.id") == "card"
        browser.press("Tab", "Enter")
        browser.wait(lambda: key_of(browser) == "r3", "the class that Tab leads to")


def test_guidelines_are_on_the_page_and_a_long_text_scrolls_in_its_box(
    page: Any, browser: Browser
) -> None:
    guide = Guide("Judge the <b>wish</b>.", {"refund": "Money is to come back"}, ["Irony"], [])
    batch = BATCH.replace("Where is my account?", "word " * 5_000)
    for phone in (False, True):
        with page(batch, phone=phone, guide=guide, show=["shop", "query_reason"]) as served:
            served.act(do="label", label="other")
            browser.open(served.server.address)
            browser.wait(lambda: key_of(browser) == "r2", "the long row")
            told = browser.run("return document.querySelector('#guide-text').textContent")
            assert told == "Judge the <b>wish</b>.refundMoney is to come backHard casesIrony"
            assert browser.run("return document.querySelector('#guide').open") is not phone
            height = "return [document.documentElement.scrollHeight, window.innerHeight]"
            page_height, window = browser.run(height)
            assert page_height <= window
            assert browser.run("return document.querySelector('#card').clientHeight") > 90
            assert browser.run("return document.querySelector('#classes').clientHeight") > 40
            Path("todo.answers.csv.journal.jsonl").unlink()


def test_space_in_the_help_closes_it_and_the_keys_go_on(page: Any, browser: Browser) -> None:
    with page() as served:
        press(browser, "?", lambda: browser.shown("#keys-dialog"))
        press(browser, "Space", lambda: not browser.shown("#keys-dialog"))
        press(browser, "2", lambda: key_of(browser) == "r2")
        assert served.labels() == {"r1": "account"}
        press(browser, "?", lambda: browser.shown("#keys-dialog"))
        browser.run("document.querySelector('#shortcuts').click()")
        assert "single-key shortcuts are off" in browser.text("#status")


def of(node: dict[str, Any], what: str) -> str:
    return str(node.get(what, {}).get("value", "")).strip()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_by_day_and_by_night(page: Any, browser: Browser, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.tool("Emulation.setEmulatedMedia", features=[feature])
    with page(show=["shop"]):
        for selector in ("#texts", "mark", "#progress", "#reason", "#guess", "#skip",
                         "#classes button", "#fields th"):  # fmt: skip
            ink, paper = browser.run(COLOURS, selector)
            assert contrast(ink, paper) >= 4.5, (selector, ink, paper)
        paper = browser.run(COLOURS, "#texts")[1]
        assert (luminance(paper) < 0.2) == (scheme == "dark")
    browser.tool("Emulation.setEmulatedMedia", features=[])


COLOURS = """
let at = document.querySelector(arguments[0]);
const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
const ink = numbers(getComputedStyle(at).color).slice(0, 3);
for (; at; at = at.parentElement) {
  const paper = numbers(getComputedStyle(at).backgroundColor);
  if (paper.length === 3 || paper[3] > 0) return [ink, paper.slice(0, 3)];
}
return [ink, [255, 255, 255]];
"""


def luminance(colour: list[float]) -> float:
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_a_long_text_scrolls_and_the_answers_stay_in_sight(page: Any, browser: Browser) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([("id", "text", "row_check"), ("r1", "word " * 3_000 + "n" * 500, "c1")])
    with page(batch=stream.getvalue(), phone=True):
        top, height, inner = browser.run(
            "const c = document.querySelector('#card');"
            "return [c.scrollTop, c.clientHeight, c.scrollHeight]"
        )
        assert (top, inner > 2 * height) == (0, True)
        bottom = "return document.querySelector('#status').getBoundingClientRect().bottom"
        assert browser.run(bottom) <= 844
        press(browser, "j", lambda: browser.run("return document.querySelector('#card').scrollTop"))


def test_nothing_but_its_own_files_is_asked_for(page: Any, browser: Browser) -> None:
    with page() as served:
        names = browser.run("return performance.getEntriesByType('resource').map(e => e.name)")
        assert names
        assert all(name.startswith(served.server.address) for name in names)
        inline = (
            "const s = document.createElement('script'); s.textContent = 'window.owned = 1';"
            "document.body.append(s); return window.owned ?? null"
        )
        assert browser.run(inline) is None  # the policy lets no script in but the page's own


def test_pages_of_others_cannot_ask(page: Any, browser: Browser, tmp_path: Path) -> None:
    with page() as served:
        browser.open("data:text/html,<p>another page</p>")
        script = (
            "const [address] = arguments; return fetch(address, {method: 'POST', mode: 'no-cors', "
            'body: \'{"do":"label","label":"refund","seen":0}\'}).then(a => a.type, '
            "error => 'refused')"
        )
        browser.run(script, served.server.address + "do")
        assert served.labels() == {}
