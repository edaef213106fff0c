"""The first row, before the file is read: the one that the session asks first."""

import asyncio
import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelkit.annotate.options import AnnotateOptions
from labelkit.annotate.ui.background_loader import BackgroundLoader
from labelkit.annotate.ui.first_row_preview import Preview, load_preview
from labelkit.annotate.ui.terminal import AnnotateApp
from labelkit.command.declare import Unopened
from labelkit.errors import LabelkitError
from labelkit.job.options import Declared

BATCH = """id,text,query_reason,query_guess,query_guess_confidence,row_check,label_origin,label
r1,"The parcel
never came",margin 0.02,refund,0.83,c1,query,
r2,Where is my account?,audit: drawn at random,,,c2,audit,
r3,the same,,other,0.5,c3,query,
r4,the same,,other,0.5,c4,query,
r5,last,,,,c5,query,
"""
CLASSES = "refund,account,other"
SHARED = {
    "seed": 0, "format": None, "delimiter": None, "encoding": "utf-8", "output": None,
    "classes": CLASSES, "cache": None, "task": None, "no_task": False, "text": None, "id": None,
}  # fmt: skip


def looked(
    path: str = "todo.csv", wanted: AnnotateOptions | None = None, **options: Any
) -> Preview:
    return load_preview({**SHARED, "input": path, **options}, wanted or AnnotateOptions())


def key(
    path: str = "todo.csv", wanted: AnnotateOptions | None = None, **options: Any
) -> str | None:
    first = looked(path, wanted, **options).first
    return first.key if first else None


@pytest.fixture
def batch(write: Any) -> None:
    write("todo.csv", BATCH)


def test_it_shows_what_the_session_will_show(batch: None) -> None:
    first = looked().first
    assert first is not None
    assert first.texts == [("text", "The parcel\nnever came")]
    assert first.info.suggestion == ("refund", 0.83, "guess")
    assert first.info.reason == "margin 0.02"
    blind = looked(wanted=AnnotateOptions(blind=True)).first
    assert blind is not None
    assert blind.info.suggestion is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [("", "r1"), ("1\n", "r2"), ("1\nu\n", "r1"), ("1\ns\n", "r3"), ("1\ns\n1\n", "r5"),
     ("f\nn so\n", "r1"), ("1\n2\nu\nu\n", "r1")],
)  # fmt: skip
def test_after_a_session_it_is_the_row_to_go_on_with(
    typed: Any, batch: None, lines: str, expected: str
) -> None:
    assert typed(lines, "todo.csv", "--classes", CLASSES).code == 0
    assert key() == expected
    done = typed("q\n", "todo.csv", "--classes", CLASSES)
    assert f"id {expected}" in done.err
    assert key(wanted=AnnotateOptions(start_over=True)) == "r1"


def test_a_confidence_that_is_no_number_is_not_shown(write: Any) -> None:
    for text in ("nan", "inf", "-"):
        write("todo.csv", BATCH.replace("0.83", text))
        first = looked().first
        assert first is not None
        assert first.info.suggestion == ("refund", None, "guess")


def test_rows_that_have_a_label_are_passed_over(write: Any) -> None:
    write("todo.csv", BATCH.replace("c1,query,", "c1,query,refund"))
    assert key() == "r2"


def test_blank_lines_at_the_end_are_no_row(write: Any) -> None:
    write("todo.csv", "id,text,row_check,label\n1,one,c1,refund\n\n\n")
    assert key() is None
    write("todo.csv", "text\n\n")
    assert key(wanted=AnnotateOptions(in_order=True)) == "1"


def test_where_it_is_not_clear_no_row_is_shown(batch: None, write: Any) -> None:
    write("data.csv", "id,text\na,b\n")
    assert key("data.csv") is None
    assert key("data.csv", AnnotateOptions(in_order=True)) == "a"
    write("bytes.csv", BATCH.encode("utf-16"))
    write("open.csv", BATCH + '"')
    write("words.csv", BATCH.replace("text", "words"))
    assert [key(name) for name in ("bytes.csv", "gone.csv", "words.csv")] == [None] * 3
    assert key("words.csv", text=["words"]) == "r1"
    assert key(encoding="no such") is None
    assert key(wanted=AnnotateOptions(redo="flagged")) is None


def test_a_row_without_a_key_is_known_by_its_number(write: Any) -> None:
    write("data.csv", "text\none\ntwo\n")
    assert key("data.csv", AnnotateOptions(in_order=True)) == "1"


# -- keys that come before the file is read ----------------------------------------------------


def pressed_early(keys: list[str], wanted: AnnotateOptions, **options: Any) -> AnnotateApp:
    """Press keys while the file is being read; return the app that has then read it."""
    return told_early(keys, wanted, **options)[0]


def told_early(keys: list[str], wanted: AnnotateOptions, **options: Any) -> tuple[AnnotateApp, str]:
    """Press keys while the file is being read; return the app and its line of status then."""
    from labelkit.annotate.annotation_job import open_job

    unopened = Unopened(
        Declared("annotate", "", False, ()), {**SHARED, "input": "todo.csv", **options}, {}
    )
    app: AnnotateApp
    hurry = asyncio.Event()

    class Slow(BackgroundLoader):
        def start(self, then: Callable[[], object]) -> None:
            async def later() -> None:
                await hurry.wait()
                super(Slow, self).start(then)

            app.run_worker(later())

    loader = Slow(lambda: open_job(unopened.open(), wanted))
    app = AnnotateApp(loader, load_preview(unopened.options, wanted))

    async def main() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(*keys)
            assert app.is_opening
            hurry.set()
            while app.is_opening and app.is_running:
                await pilot.pause(0.01)
            await pilot.pause()
            status.append(str(app.query_one("#status").render()))

    status: list[str] = []
    asyncio.run(main())
    return app, status[0]


def labels(app: AnnotateApp) -> dict[str, str]:
    said = app.session.answers
    return {app.session.table.keys[row]: said[row].label for row in said if said[row].label}


def test_they_count_for_the_row_that_was_shown(batch: None) -> None:
    app = pressed_early(["enter", "2", "f"], AnnotateOptions())
    assert labels(app) == {"r1": "refund", "r2": "account"}
    assert app.session.current_answer().flag
    app.loader.annotation().journal.close()


def test_leaving_waits_for_the_keys_before_it(batch: None) -> None:
    app = pressed_early(["1", "2", "q"], AnnotateOptions())
    assert not app.is_running
    assert labels(app) == {"r1": "refund", "r2": "account"}
    app.loader.annotation().journal.close()


def test_they_are_left_out_where_another_row_is_asked(batch: None) -> None:
    app = pressed_early(["1", "1"], AnnotateOptions(), text=["words"])
    with pytest.raises(LabelkitError, match="no column 'words'"):
        app.loader.annotation()
    Path("plain.csv").write_text("id,text\na,b\nc,d\n")
    app = pressed_early(["1", "1"], AnnotateOptions(audit=1), input="plain.csv")
    assert labels(app) == {}
    app.loader.annotation().learner.stop()
    app.loader.annotation().journal.close()


def test_they_are_left_out_where_the_classes_were_not_shown(batch: None) -> None:
    app, status = told_early(["enter", "1"], AnnotateOptions(), classes=None)
    assert labels(app) == {}
    assert status == "Ignored keys pressed while loading."
    app.loader.annotation().journal.close()


def test_what_is_wrong_with_the_journal_is_seen_at_once(batch: None, typed: Any) -> None:
    assert typed("1\n", "todo.csv", "--classes", CLASSES).code == 0
    with Path("todo.answers.csv.journal.jsonl").open("a") as journal:
        journal.write('{"do":"la')
    app, status = told_early([], AnnotateOptions())
    assert "the last entry is incomplete" in status
    assert labels(app) == {"r1": "refund"}
    app.loader.annotation().journal.close()


def test_a_journal_of_another_file_is_refused_before_a_key_counts(batch: None, typed: Any) -> None:
    assert typed("1\n", "todo.csv", "--classes", CLASSES).code == 0
    Path("todo.csv").write_text(BATCH.replace("last", "the last"))
    app = pressed_early(["1", "1", "1"], AnnotateOptions())
    with pytest.raises(
        LabelkitError, match=r"todo\.csv has changed since its answers were started"
    ):
        app.loader.annotation()
    with Path("todo.answers.csv").open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == ["r1"]


def test_the_first_screen_needs_no_data_library() -> None:
    code = (
        "import sys\n"
        "from labelkit.annotate import run\n"
        "from labelkit.annotate.ui import first_row_preview, terminal\n"
        "heavy = {'numpy', 'pyarrow', 'pandas', 'sklearn', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
