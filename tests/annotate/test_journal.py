"""The journal: what is in it stays, whatever happens to the process."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.annotate.journal import Journal, set_aside
from labelkit.annotate.options import AnnotateOptions
from labelkit.annotate.ui.first_row_preview import load_preview
from labelkit.errors import LabelkitError

ABOUT = {"file": "todo.csv", "content": "sha256:1", "key": "id", "classes": ["a", "b"]}


def entries(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_entries_are_there_for_the_next_session(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    first = Journal(path, ABOUT)
    first.append({"do": "skip", "keys": ["é\n\ud800"]})
    first.close()
    again = Journal(path, ABOUT)
    assert again.entries == [{"do": "skip", "keys": ["é\n\ud800"]}]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j.jsonl", ABOUT)
    with pytest.raises(LabelkitError, match="another labelkit annotate is using"):
        Journal(tmp_path / "j.jsonl", ABOUT)
    first.close()
    Journal(tmp_path / "j.jsonl", ABOUT).close()


def test_the_journal_of_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, ABOUT).close()
    with pytest.raises(LabelkitError, match=r"todo\.csv has changed since .* --start-over"):
        Journal(path, {**ABOUT, "content": "sha256:2"})
    with pytest.raises(LabelkitError, match=r"were started with the key 'id' \(--id\) \("):
        Journal(path, {**ABOUT, "key": "code"})
    with pytest.raises(LabelkitError, match=r"belongs to todo\.csv, not to other\.csv"):
        Journal(path, {**ABOUT, "file": "other.csv", "content": "sha256:2"})
    Journal(path, ABOUT).close()


@settings(deadline=None, max_examples=60)
@given(cut=st.integers(0, 200))
def test_a_torn_last_line_is_left_out_and_nothing_else(tmp_path_factory: Any, cut: int) -> None:
    path = tmp_path_factory.mktemp("torn") / "j.jsonl"
    first = Journal(path, ABOUT)
    for number in range(3):
        first.append({"do": "skip", "keys": [str(number)]})
    first.close()
    whole = path.read_bytes()
    keep = max(whole.index(b"\n") + 1, len(whole) - cut)
    path.write_bytes(whole[:keep])
    complete = whole[:keep].count(b"\n") - 1
    again = Journal(path, ABOUT)
    # A line that lacks nothing but its end is whole.
    assert len(again.entries) in (complete, complete + 1)
    assert again.entries == [{"do": "skip", "keys": [str(n)]} for n in range(len(again.entries))]
    again.append({"do": "skip", "keys": ["next"]})
    again.close()
    assert entries(path)[-1]["keys"] == ["next"]
    assert len(entries(path)) == len(again.entries) + 2


def test_zeros_after_a_power_cut_and_damage_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, ABOUT).close()
    with path.open("ab") as stream:
        stream.write(b"\0" * 50)
    Journal(path, ABOUT).close()
    assert len(entries(path)) == 1
    with path.open("ab") as stream:
        stream.write(b'garbage\n{"do": "undo"}\n')
    with pytest.raises(LabelkitError, match=r"j\.jsonl, line 2: not a journal entry"):
        Journal(path, ABOUT)


BATCH = "id,text,row_check,label\nr1,one,c1,\nr2,two,c2,\nr3,three,c3,\n"


@pytest.mark.parametrize(
    "line", ["{}", '{"do":"label"}', '{"do":"skip","keys":["nobody"]}', '{"do":"note","keys":3}']
)
def test_an_entry_that_says_nothing_is_named(typed: Any, write: Any, line: str) -> None:
    write("todo.csv", BATCH)
    assert typed("1\n", "todo.csv", "--classes", "a,b").code == 0
    journal = Path("todo.answers.csv.journal.jsonl")
    number = len(entries(journal)) + 1
    with journal.open("a") as stream:
        stream.write(f"{line}\n")
    done = typed("2\n", "todo.csv", "--classes", "a,b")
    assert done.code == 1
    assert f"journal.jsonl, line {number}: not an entry" in done.err
    options = {
        "input": "todo.csv", "output": None, "classes": "a,b", "encoding": "utf-8", "cache": None,
        "no_task": True,
    }  # fmt: skip
    load_preview(options, AnnotateOptions())  # a look at such a journal breaks nothing


def test_what_utf_8_does_not_have_is_written_as_a_question_mark(typed: Any, write: Any) -> None:
    write("todo.csv", BATCH)
    typed("n so \udcff\n1\n", "todo.csv", "--classes", "a,b", "--annotator", "\udcffx")
    with Path("todo.answers.csv").open(newline="") as stream:
        (first,) = csv.DictReader(stream)
    assert (first["label_note"], first["label_annotator"]) == ("so ?", "?x")
    done = typed("1\n", "todo.csv", "--classes", "a,\udcff")
    assert done.code == 2
    assert "not valid UTF-8" in done.err


FILL = """
import sys
from pathlib import Path
from labelkit.errors import LabelkitError
from labelkit.annotate.journal import Journal
journal = Journal(Path("j.jsonl"), {"file": "f", "content": "c", "key": "id"})
try:
    while True:
        journal.append({"do": "skip", "keys": ["x" * 40]})
        print("saved", flush=True)
except LabelkitError as error:
    print(error, file=sys.stderr)
"""


def test_where_the_disk_takes_no_more_nothing_is_claimed_saved(tmp_path: Path) -> None:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))

    done = subprocess.run(
        [sys.executable, "-c", FILL], preexec_fn=limited, capture_output=True, text=True
    )
    assert "NOT SAVED: " in done.stderr
    claimed = done.stdout.count("saved")
    assert claimed > 3
    # What was written of the entry that did not fit is gone: the journal is whole.
    assert len(entries(tmp_path / "j.jsonl")) == claimed + 1


def test_earlier_work_is_set_aside_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "todo.answers.csv"
    for number in (1, 2):
        path.write_text(str(number))
        moved = set_aside([path, tmp_path / "absent"])
        assert moved == [tmp_path / f"todo.answers.{number}.csv"]
        assert moved[0].read_text() == str(number)
    assert not path.exists()
    assert os.listdir(tmp_path) != []
