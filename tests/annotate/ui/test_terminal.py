"""The terminal screen, driven key by key."""

import asyncio
import csv
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from labelkit.annotate.annotation_job import AnnotationJob, open_journal
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.row_order import FileOrder
from labelkit.annotate.rows import RowTable
from labelkit.annotate.session import Session
from labelkit.annotate.ui import highlight
from labelkit.annotate.ui.background_loader import BackgroundLoader
from labelkit.annotate.ui.first_row_preview import Preview
from labelkit.annotate.ui.terminal import AnnotateApp
from labelkit.annotate.ui.terminal_render import LOWEST, NARROWEST, classes, matching
from labelkit.annotate.ui.text import NO_GUIDE, Guide
from labelkit.job.job import Job
from labelkit.job.options import Declared

BATCH = """id,text,query_reason,query_guess,query_guess_confidence,row_check,label_origin
r1,The [bold]parcel[/] never came,margin 0.02,refund,0.83,c1,query
r2,Where is my account?,audit: drawn at random,,,c2,audit
r3,the same,,other,0.5,c3,query
r4,the same,,other,0.5,c4,query
r5,"\x1b[31mred\x1b[0m
second line",,,,c5,query
"""

Talk = Callable[["Screen"], Awaitable[None]]


class Screen:
    """A running app with a person before it."""

    def __init__(self, app: AnnotateApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot, self.session = app, pilot, app.session

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def shows(self, name: str) -> str:
        return str(self.app.query_one(f"#{name}").render())

    def lines(self, name: str) -> list[str]:
        """Return the lines of a part as they are on the screen."""
        box = self.app.query_one(f"#{name}")
        top, left = box.content_region.y, box.content_region.x
        if not box.display or box.has_class("hidden"):
            return []
        strips = self.app.screen._compositor.render_strips()
        drawn = ["".join(piece.text for piece in strip) for strip in strips]
        height, width = box.content_region.height, box.content_region.width
        return [line[left : left + width].rstrip() for line in drawn[top : top + height]]

    def labels(self) -> dict[str, str]:
        said = self.session.answers
        return {self.session.table.keys[row]: said[row].label for row in said if said[row].label}


@pytest.fixture
def screen(write: Any) -> Callable[..., None]:
    """Open a batch on a screen of some size and let somebody talk to it."""

    def run(
        talk: Talk,
        batch: str = BATCH,
        classes: Sequence[str] = ("refund", "account", "other"),
        size: tuple[int, int] = (80, 24),
        show: Sequence[str] = (),
        guide: Guide = NO_GUIDE,
        **options: Any,
    ) -> None:
        path = write("todo.csv", batch)
        given = {"input": str(path), "seed": 0, "format": None, "delimiter": None,
                 "encoding": "utf-8", "output": "todo.answers.csv"}  # fmt: skip
        job = Job(Declared("annotate", "", False, ()), given)
        table = RowTable(job, show, classes)
        journal = open_journal(job, table, list(classes), Path("todo.answers.csv"), False)
        order = FileOrder(table, range(table.rows))
        session = Session(table, order, classes, journal, total=table.rows, **options)
        comparison = RowComparison(table)
        comparison.attach(session)
        marks = highlight.Highlighter(["never"])
        answers = Path("todo.answers.csv")
        annotation = AnnotationJob(job, answers, journal, session, marks, comparison, guide=guide)
        app = AnnotateApp(
            BackgroundLoader(lambda: annotation), Preview("todo.csv", [], None, marks)
        )

        async def main() -> None:
            async with app.run_test(size=size) as pilot:
                while app.is_opening:
                    await pilot.pause(0.01)
                await talk(Screen(app, pilot))

        try:
            asyncio.run(main())
        finally:
            journal.close()

    return run


def test_digits_label_and_go_on_enter_takes_the_guess(screen: Any) -> None:
    async def talk(person: Screen) -> None:
        assert "0 of 5 · id r1" in person.shows("progress")
        assert "guess: refund 0.83 (Enter accepts)" in person.shows("about")
        assert "why: margin 0.02" in person.shows("about")
        assert person.shows("classes").split() == [
            "[1]",
            "refund",
            "[2]",
            "account",
            "[3]",
            "other",
        ]
        await person.press("enter")
        assert "r1: refund" in person.shows("status")
        await person.press("enter")
        assert "no suggestion to accept" in person.shows("status")
        await person.press("2")
        assert "1 identical row" in person.shows("about")
        await person.press("=", "3", "1", "q")
        assert person.labels() == {"r1": "refund", "r2": "account", "r3": "other", "r4": "refund"}

    screen(talk)


def test_undo_skip_flag_note_and_help(screen: Any) -> None:
    async def talk(person: Screen) -> None:
        await person.press("space", "f", "n", *"to q 1", "enter")
        assert "skipped" not in person.shows("about")
        assert "flagged · note: to q 1" in person.shows("about")
        assert "1 skipped · 1 flagged" in person.shows("progress")
        await person.press("backspace", "backspace")
        assert person.session.answers[1].note == ""
        await person.press("backspace")
        assert person.session.current == 0
        await person.press("n", *"gone", "escape", "?")
        assert "Backspace  undo" in person.shows("text")
        await person.press("1")  # any key goes back, and is no decision
        assert "never came" in person.shows("text")
        assert person.labels() == {}
        await person.press("backspace")
        assert "nothing to undo" in person.shows("status")

    screen(talk)


def test_at_the_end_one_may_still_undo(screen: Any) -> None:
    async def talk(person: Screen) -> None:
        await person.press("1", "2", "3", "1")
        assert "Done: every row is answered." in person.shows("text")
        await person.press("3", "s", "f", "u")
        assert person.session.current == 4
        await person.press("2")
        assert person.labels()["r5"] == "account"

    screen(talk)


def test_cells_are_shown_and_not_obeyed(screen: Any) -> None:
    async def talk(person: Screen) -> None:
        assert "The [bold]parcel[/] never came" in person.shows("text")
        await person.press("1", "1", "1")
        assert "·[31mred·[0m\nsecond line" in person.shows("text")

    screen(talk)


def test_words_of_rules_are_marked(screen: Any) -> None:
    async def talk(person: Screen) -> None:
        content = person.app.query_one("#text").render()
        marked = [content.plain[s.start : s.end] for s in content.spans if "underline" in s.style]
        assert marked == ["never"]

    screen(talk)


def test_one_of_many_classes_is_found_by_its_name(screen: Any) -> None:
    classes = [f"class {i}" for i in range(60)] + ["second class", "[red]Zebra"]

    async def talk(person: Screen) -> None:
        assert "and 42 more: find them with /" in person.shows("classes")
        await person.press("/", *"zeb")
        assert "› [red]Zebra" in person.shows("classes")
        await person.press("enter")
        assert person.labels() == {"r1": "[red]Zebra"}
        await person.press("/", *"nothing", "enter")
        assert "No matching class." in person.shows("status")
        await person.press("/", *"class 1", "down", "down", "up", "enter")
        assert person.labels()["r2"] == "class 10"
        await person.press("0")
        assert person.labels()["r3"] == "class 9"

    screen(talk, classes=classes)
    assert matching(classes, "SECOND") == ["second class"]
    assert matching(["b a", "a b"], "a") == ["a b", "b a"]


KINDS = [f"customer complaint kind {n:02}" for n in range(1, 21)]
SMALLEST = (NARROWEST, LOWEST)


@pytest.mark.parametrize(
    ("names", "size"),
    [(KINDS, SMALLEST), (KINDS, (60, 16)), (KINDS, (120, 40)), (["x" * 200, "y" * 200], SMALLEST)],
)
def test_the_text_is_on_every_screen_and_a_digit_gives_only_a_class_that_is(
    screen: Any, names: list[str], size: tuple[int, int]
) -> None:
    said = "The parcel never came. " * 40
    batch = BATCH.replace("The [bold]parcel[/] never came", said).replace("refund", names[1])

    async def talk(person: Screen) -> None:
        await person.pilot.pause()
        assert "".join(person.lines("card")).strip().startswith("The parcel never")
        assert len([line for line in person.lines("card") if line]) >= 3
        listed = person.lines("classes")
        assert all(line.count("[") <= line.count("] ") for line in listed)
        hidden = sum(f"[{digit}] " not in "\n".join(listed) for digit in "1234567890"[: len(names)])
        if hidden:
            assert "more: find them with /" in listed[-1]
            await person.press("0")
            assert "0 is not on the screen" in person.shows("status")
            assert person.labels() == {}
        await person.press("n")
        assert "".join(person.lines("card")).strip()
        await person.press("escape", "/")
        assert "".join(person.lines("card")).strip()
        assert "".join(person.lines("classes")).strip()
        await person.press("escape", "1")
        assert person.labels() == {"r1": names[0]}

    screen(talk, batch=batch, classes=names, size=size)


def test_names_that_are_shortened_stay_apart() -> None:
    alike = [f"{'a' * 30}{n:02}{'z' * 30}" for n in range(4)]
    listed = classes(alike, 76, 9)
    assert len(listed.labels) == 4
    assert all(name in listed.content.plain for name in alike)
    assert classes(KINDS, 30, 4).labels == {*KINDS[:3]}
    wide = classes(["漢字漢字漢字漢字漢字漢字", "b"], 16, 2).content.plain
    assert wide.splitlines() == ["[1] 漢字漢…漢字", "[2] b"]


def test_the_help_tells_guidelines_and_scrolls(screen: Any) -> None:
    guide = Guide(
        "The writer's own [bold]wish[/].\nNot the shop's.",
        {"refund": "Money is to come back"},
        ["Irony counts"],
        [("My phone broke", "other")],
    )

    async def talk(person: Screen) -> None:
        await person.press("?")
        told = person.shows("text")
        for line in (
            "The writer's own [bold]wish[/].",
            "Not the shop's.",
            "[1] refund: Money is to come back",
            "[2] account",
            "- Irony counts",
            "- My phone broke → other",
            "Backspace  undo",
        ):
            assert line in told
        await person.press("down", "j")
        assert person.app.query_one("#card").scroll_y == 2
        assert "Backspace  undo" in person.shows("text")
        await person.press("q")  # goes back, as any key, and does not leave
        assert "never came" in person.shows("text")
        await person.press("7")
        assert "no class has the digit 7" in person.shows("status")
        assert person.shows("hint") == "? help"
        await person.press("1", "?")
        await person.pilot.resize_terminal(20, 8)
        await person.pilot.pause()
        await person.pilot.resize_terminal(60, 16)
        await person.pilot.pause()
        assert person.labels() == {"r1": "refund"}

    screen(talk, guide=guide, size=(40, 12))


def test_marks_of_direction_empty_texts_and_wide_names(screen: Any) -> None:
    batch = "id,text,名前,row_check\nr1,\u200fمی\u200cخواهم \u202eover,x,c1\nr2, ,y,c2\n"

    async def talk(person: Screen) -> None:
        assert "می\u200cخواهم ·over" in person.shows("text")
        assert "名前       x" in person.shows("text")
        assert "row_check  c1" in person.shows("text")
        await person.press("1")
        assert "(empty)" in person.shows("text")

    screen(talk, batch=batch, show=["名前", "row_check"])


def test_long_texts_scroll(screen: Any) -> None:
    long = "id,text,row_check\nr1," + "word " * 5_000 + ",x\n"

    async def talk(person: Screen) -> None:
        card = person.app.query_one("#card")
        assert card.scroll_y == 0
        await person.press("pagedown", "j", "j", "k", "down")
        assert card.scroll_y == 12
        await person.press("pageup", "pageup")
        assert card.scroll_y == 0
        assert "and 5,000 more characters" in person.shows("text")

    screen(talk, batch=long)


def test_a_terminal_of_twenty_columns_says_so_and_loses_nothing(screen: Any) -> None:
    async def talk(person: Screen) -> None:
        assert "Too small: 20x8." in person.shows("small")
        assert "All answers are saved." in person.shows("small")
        await person.press("1", "f", "space")
        assert person.session.answers == {}
        await person.pilot.resize_terminal(80, 24)
        await person.pilot.pause()
        await person.press("1")
        assert person.labels() == {"r1": "refund"}
        await person.press("n", *"half")
        await person.pilot.resize_terminal(20, 8)
        await person.pilot.pause()
        assert "Too small" in person.shows("small")
        await person.pilot.resize_terminal(80, 24)
        await person.pilot.pause()
        await person.press(*"way", "enter")
        assert person.session.current_answer().note == "halfway"
        await person.press("2")
        assert person.labels()["r2"] == "account"

    screen(talk, size=(20, 8))


def test_other_columns_stand_beside(screen: Any) -> None:
    table = "id,size,colour,row_check\n" + "".join(
        f"r{i},{i},{'red' if i % 2 else 'blue'},c{i}\n" for i in range(9)
    )

    async def talk(person: Screen) -> None:
        await person.press(*"111222")
        assert "size    6   refund 100% · account 100%" in person.shows("text")
        assert "colour  blue   refund 67% · account 33%" in person.shows("text")
        assert "nearest labelled: account (id r4)" in person.shows("text")

    screen(talk, batch=table, classes=["refund", "account"])

    async def blind(person: Screen) -> None:
        assert "guess" not in person.shows("about")
        assert "query_reason  margin 0.02" in person.shows("text")

    Path("todo.answers.csv").unlink(missing_ok=True)
    for path in Path().glob("*.journal.jsonl"):
        path.unlink()
    screen(blind, show=["query_reason"], blind=True)


def test_a_full_disk_is_seen_at_once_and_the_key_works_when_there_is_room(screen: Any) -> None:
    async def talk(person: Screen) -> None:
        await person.press("1")
        journal = person.session._journal._number
        kept, full = os.dup(journal), os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, journal)
        for key in ("2", "space", "f", "backspace"):
            await person.press(key)
            assert "NOT SAVED: the disk is full" in person.shows("status")
            assert (person.session.current, person.labels()) == (1, {"r1": "refund"})
        os.dup2(kept, journal)
        await person.press("2")
        assert person.labels() == {"r1": "refund", "r2": "account"}
        os.close(kept)
        os.close(full)

    screen(talk)


def test_many_decisions(screen: Any) -> None:
    rows = "".join(f"r{i},text {i},c{i}\n" for i in range(60))

    async def talk(person: Screen) -> None:
        assert "s a row" not in person.shows("progress")
        for round_ in range(5):
            await person.press("1", "2", "space", "backspace", "3", "f")
            assert person.session.progress().done == 3 * (round_ + 1)
            assert ("s a row" in person.shows("progress")) == (round_ > 0)
        assert list(person.labels().values()) == ["refund", "account", "other"] * 5

    screen(talk, batch="id,text,row_check\n" + rows)
    with Path("todo.answers.csv.journal.jsonl").open() as stream:
        assert len(list(csv.reader(stream))) == 1 + 5 * 6
