"""People in a pipeline: asked at once, left in between, and never asked for nothing."""

import os
import pty
import select
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, LFS, ROUND, answer, cells, truth

ASKED = 20


def typed(first: int, last: int) -> str:
    """Return what a person types for some rows of the batch."""
    keys = [key for (key,) in cells("work/batch-1.csv", "id")]
    return "".join(f"{truth(int(key))}\n" for key in keys[first:last])


def test_it_asks_at_once_and_goes_on_when_all_is_answered(
    pipeline: Any, labelkit: Any, asked: None
) -> None:
    args = ("pipeline", *BASE, *ROUND, "--annotate")
    some = labelkit(*args, stdin=typed(0, 5) + "s\nq\n")
    assert (some.code, some.out) == (3, ""), some.err
    assert "[3-people] labelkit annotate work/batch-1.csv -o work/answers-1.csv" in some.err
    assert f"{ASKED - 6} rows of work/batch-1.csv not labelled yet\nlabel them: " in some.err
    assert "\nor go on with what is there: " in some.err
    assert not Path("labelled.csv").exists()

    done = labelkit(*args, stdin=typed(6, ASKED))
    assert done.code == 0, done.err
    labels = {key: label for key, label in cells("labelled.csv", "id", "label") if label}
    assert len(labels) == ASKED - 1, "one was skipped"
    assert all(label == truth(int(key)) for key, label in labels.items())
    origins = [origin for (origin,) in cells("labelled.csv", "label_origin") if origin]
    assert origins.count("audit") >= 11
    again = labelkit(*args)
    assert "nothing to do" in again.err, "who has skipped a row is not asked again"


def test_without_asking_it_goes_on_with_what_is_there(
    pipeline: Any, labelkit: Any, asked: None
) -> None:
    args = ("pipeline", *BASE, *ROUND)
    assert labelkit(*args, "--annotate", stdin=typed(0, 15)).code == 3
    done = labelkit(*args)
    assert done.code == 0, done.err
    assert sum(label != "" for (label,) in cells("labelled.csv", "label")) == 15


def kill(decisions: int) -> None:
    """Leave the answers as a session that is killed does: this many decisions in the journal."""
    journal = Path("work/answers-1.csv.journal.jsonl")
    lines = journal.read_text().splitlines(keepends=True)
    labels = [place for place, line in enumerate(lines) if '"do": "label"' in line]
    since = [line for line in lines[labels[-decisions] :] if '"do": "w' not in line]
    journal.write_text("".join([*lines[: labels[-decisions]], *since]))


def test_answers_that_are_older_than_their_journal_are_not_gone_on_with(
    pipeline: Any, labelkit: Any, asked: None
) -> None:
    ask = ("annotate", "work/batch-1.csv", "-o", "work/answers-1.csv", "--classes", "BAD,GOOD")
    # Killed before a file was written: people are still needed, and their work is not forgotten.
    assert labelkit(*ask, stdin=typed(0, 3)).code == 0
    kill(3)
    Path("work/answers-1.csv").unlink()
    waits = pipeline()
    assert waits.code == 3
    assert "(3 decisions are in work/answers-1.csv.journal.jsonl)" in waits.err

    assert labelkit(*ask, stdin=typed(3, 12)).code == 0
    assert pipeline().code == 0
    before = Path("work/answers-1.csv").read_bytes()
    assert labelkit(*ask, stdin=typed(12, ASKED)).code == 0
    kill(ASKED - 12)
    Path("work/answers-1.csv").write_bytes(before)
    for _ in range(2):  # not "nothing to do", though every file is as it was
        stale = pipeline()
        assert stale.code == 1
        assert "work/answers-1.csv is older than its journal: 8 decisions of work" in stale.err
        assert (
            "write them with this command (and leave with q): labelkit annotate work/batch-1.csv"
            in stale.err
        )
    done = pipeline("--annotate")
    assert done.code == 0, done.err
    labels = [label for (label,) in cells("labelled.csv", "label") if label]
    assert len(labels) == ASKED


def test_answers_from_elsewhere_are_not_asked_again(pipeline: Any, asked: None) -> None:
    answer()
    done = pipeline("--annotate")
    assert done.code == 0, done.err


def test_a_file_of_another_delimiter_and_encoding(labelkit: Any, reviews: None) -> None:
    lines = Path("reviews.csv").read_text().replace(",", ";").replace("film", "filmé")
    Path("other.csv").write_text(lines, encoding="latin-1")
    args = ("pipeline", "other.csv", "-o", "out.csv", "--work-dir", "work", "--delimiter", ";",
            "--encoding", "latin-1", "--classes", "BAD,GOOD", "--features", "tfidf", "--stages",
            "query,people,decide", "-n", "4", "--audit", "2")  # fmt: skip
    waits = labelkit(*args)
    assert waits.code == 3
    asks = shlex.split(waits.err.partition("label them: ")[2].splitlines()[0])
    sitting = labelkit(*asks[1:], stdin="GOOD\n" * 6)
    assert sitting.code == 0, sitting.err
    done = labelkit(*args)
    assert done.code == 0, done.err
    assert "people: 6 labels" in done.out + done.err


def test_a_batch_that_nobody_filled_in_is_no_answer(pipeline: Any, asked: None) -> None:
    Path("work/answers-1.csv").write_bytes(Path("work/batch-1.csv").read_bytes())
    found = pipeline()
    assert found.code == 3
    assert "best first (work/answers-1.csv has no label yet)\nlabel them: labelkit" in found.err
    assert not Path("labelled.csv").exists()
    answer()
    assert pipeline().code == 0


def as_a_spreadsheet_saves(text: str) -> bytes:
    return ("\ufeff" + text.replace(",", ";").replace("\n", "\r\n")).encode()


def test_a_blank_batch_saved_with_semicolons_is_no_answer(pipeline: Any, asked: None) -> None:
    text = Path("work/batch-1.csv").read_text()
    Path("work/answers-1.csv").write_bytes(as_a_spreadsheet_saves(text))
    assert pipeline().code == 3
    assert not Path("labelled.csv").exists()
    Path("work/answers-1.csv").unlink()
    Path("work/batch-1.csv").write_bytes(as_a_spreadsheet_saves(text))
    assert pipeline().code == 3


@pytest.mark.parametrize("semicolons", [False, True])
def test_a_batch_that_was_filled_in_is_taken_as_the_answers(
    pipeline: Any, semicolons: bool, asked: None
) -> None:
    answer()
    text = Path("work/answers-1.csv").read_text()
    Path("work/answers-1.csv").unlink()
    filled = as_a_spreadsheet_saves(text) if semicolons else text.encode()
    Path("work/batch-1.csv").write_bytes(filled)
    done = pipeline()
    assert done.code == 0, done.err
    assert Path("work/batch-1.csv").read_bytes() == filled
    assert sum(label != "" for (label,) in cells("labelled.csv", "label")) == ASKED
    assert "nothing to do" in pipeline().err


def test_labels_added_to_a_batch_later_are_taken_too(pipeline: Any, asked: None) -> None:
    answer()
    lines = Path("work/answers-1.csv").read_text().splitlines(keepends=True)
    blank = Path("work/batch-1.csv").read_text().splitlines(keepends=True)
    Path("work/answers-1.csv").unlink()
    Path("work/batch-1.csv").write_text("".join([*lines[:6], *blank[6:]]))
    assert pipeline().code == 0
    assert sum(label != "" for (label,) in cells("labelled.csv", "label")) == 5
    Path("work/batch-1.csv").write_text("".join(lines))
    assert pipeline().code == 0
    assert sum(label != "" for (label,) in cells("labelled.csv", "label")) == ASKED
    other = [lines[0], lines[1].replace("GOOD", "BAD") if "GOOD" in lines[1] else lines[2]]
    Path("work/answers-1.csv").write_text("".join([*other, *lines[8:]]))
    Path("work/batch-1.csv").write_text("".join([*lines[:6], *blank[6:]]))
    assert pipeline().code == 1


@pytest.mark.parametrize("touched", [False, True])
def test_annotate_asks_for_the_rest_of_answers_that_were_given_outside(
    pipeline: Any, labelkit: Any, touched: bool, asked: None
) -> None:
    outside = ("annotate", "work/batch-1.csv", "-o", "work/answers-1.csv", "--classes", "BAD,GOOD")
    assert labelkit(*outside, stdin=typed(0, 2) + "q\n").code == 0
    if touched:
        args = ("pipeline", *BASE, *ROUND, "--annotate")
        assert labelkit(*args, stdin=typed(2, 4) + "q\n").code == 3
        Path("work/batch-1.csv").touch()
    some = labelkit("pipeline", *BASE, *ROUND, "--annotate", stdin="q\n")
    assert some.code == 3, some.err
    assert not Path("labelled.csv").exists()


def test_one_of_two_people_has_filled_in_the_batch(pipeline: Any, asked: None) -> None:
    Path("first.csv").write_bytes(Path("work/batch-1.csv").read_bytes())
    answer()
    Path("work/answers-1.csv").rename("second.csv")
    done = pipeline("--answers", "first.csv", "--answers", "second.csv")
    assert done.code == 0, done.err
    assert "first.csv holds no label yet" in done.err


def test_who_skips_every_row_is_not_asked_again(pipeline: Any, labelkit: Any, asked: None) -> None:
    args = ("pipeline", *BASE, *ROUND)
    skipped = labelkit(*args, "--annotate", stdin="s\n" * ASKED)
    assert skipped.code == 0, skipped.err
    assert "nothing to do" in labelkit(*args).err


def test_two_rounds_in_one_sitting(labelkit: Any, reviews: None) -> None:
    stages = ("--stages", "query,people,query,people,decide", "-n", "5", "--audit", "5")
    args = ("pipeline", *BASE, *stages, "--annotate")
    done = labelkit(*args, stdin="GOOD\n" * 12 + "BAD\n" * 8)
    assert done.code == 0, done.err
    assert "[2-people]" in done.err and "[4-people]" in done.err
    given = [label for (label,) in cells("labelled.csv", "label") if label]
    batches = [cells(f"work/batch-{number}.csv", "id") for number in (1, 2)]
    assert list(map(len, batches)) == [10, 10]
    # The second audit may ask a row again that the first round chose.
    assert len(given) == len({*batches[0], *batches[1]}) and given.count("BAD") == 8


def test_a_person_at_a_terminal(pipeline: Any, asked: None) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "labelkit", "pipeline", *BASE, *ROUND, "--annotate",
               "--stages", "weak-label,query,people"]  # fmt: skip
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs,
                               env={**os.environ, "TERM": "dumb"})  # fmt: skip
    os.close(theirs)
    lines, shown, until = iter(typed(0, ASKED).splitlines()), b"", time.monotonic() + 300
    prompts = 0
    while time.monotonic() < until:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if shown.count(b"\n> ") > prompts:
            prompts += 1
            os.write(ours, next(lines).encode() + b"\n")
    os.close(ours)
    assert process.wait(300) == 0, shown.decode()
    assert b"pipeline: " in shown
    assert sum(label != "" for (label,) in cells("labelled.csv", "label")) == ASKED


def test_what_people_were_asked_stays_when_the_rules_change(pipeline: Any, finished: None) -> None:
    asked = Path("work/batch-1.csv").read_bytes()
    Path("lfs.py").write_text(LFS + "\ndef lf_no(text):\n    return 'BAD' if 'grim' in text "
                              "or 'awful' in text else None\n")  # fmt: skip
    changed = pipeline("--seed", "5")
    assert changed.code == 0, changed.err
    assert "[2-query]" in changed.err
    assert "batch-1.csv stays as people have answered it; for more rows add a round" in changed.err
    assert Path("work/batch-1.csv").read_bytes() == asked
    assert sum(label != "" for (label,) in cells("labelled.csv", "label")) == ASKED
    assert "nothing to do" in pipeline("--seed", "5").err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--oracle", "text"), "--annotate asks a person while it runs; leave --oracle out"),
        (("--answers", "a.csv"), "leave --answers out"),
        (("--print", "sh"), "leave --print out"),
    ],
)
def test_asking_that_cannot_be(args: tuple[str, ...], message: str, pipeline: Any) -> None:
    found = pipeline("--annotate", *args)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
