"""The command annotate with answers typed on stdin, as a script meets it."""

import csv
import json
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from labelkit.io.table_writer import write_table

BATCH = """id,text,query_reason,query_guess,query_guess_confidence,row_check,label_origin,label
r1,The parcel never came,margin 0.02,refund,0.83,c1,query,
r2,Where is my account?,audit: drawn at random,,,c2,audit,
r3,the same,,other,0.5,c3,query,
r4,the same,,other,0.5,c4,query,
r5,last,,,,c5,query,
"""
CLASSES = ("--classes", "refund,account,other")


@pytest.fixture
def batch(write: Any) -> Path:
    path: Path = write("todo.csv", BATCH)
    return path


def answers(path: str = "todo.answers.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def labels(path: str = "todo.answers.csv") -> dict[str, str]:
    return {row["id"]: row["label"] for row in answers(path) if row["label"]}


def annotate(typed: Any, lines: str, *more: object, code: int = 0) -> str:
    done = typed(lines, "todo.csv", *CLASSES, *more)
    assert (done.code, done.out) == (code, ""), done.err
    return str(done.err)


# -- answering -------------------------------------------------------------------------------------


def test_each_line_answers_a_row(typed: Any, batch: Path) -> None:
    said = annotate(typed, "\n2\nother\nn not sure\nf\nrefund\n", "--annotator", "ann")
    assert answers() == [
        {"id": key, "row_check": check, "label": label, "label_origin": origin, "label_note": note,
         "label_flag": flag, "label_annotator": "ann", "label_seconds": row["label_seconds"]}
        for (key, check, label, origin, note, flag), row in zip([
            ("r1", "c1", "refund", "query", "", ""),
            ("r2", "c2", "account", "audit", "", ""),
            ("r3", "c3", "other", "query", "", ""),
            ("r4", "c4", "other", "query", "", ""),
            ("r5", "c5", "refund", "query", "not sure", "true"),
        ], answers(), strict=True)
    ]  # fmt: skip
    assert "guess: refund 0.83 (Enter accepts)" in said
    assert "why: margin 0.02" in said
    assert "1 identical row gets the same answer" in said
    assert "[1] refund [2] account [3] other" in said
    assert "annotate: 5 labels · 1 flagged · 100% of suggestions accepted" in said
    assert "rows: labelkit merge DATA todo.answers.csv --batch todo.csv -o LABELLED" in said
    history = json.loads(Path("todo.answers.csv.history.json").read_text())["steps"][-1]
    assert history["counts"]["labels"] == 5
    assert "people_seconds" in history["cost"]


def test_the_same_command_goes_on(typed: Any, batch: Path) -> None:
    first = annotate(typed, "1\ns\n")
    assert "1 label · 3 rows left · 1 skipped" in first
    assert "next: labelkit annotate todo.csv" in first
    again = annotate(typed, "=\n1\n")
    assert "annotate: continues after 1 answer" in again
    assert labels() == {"r1": "refund", "r3": "refund"}
    annotate(typed, "u\nu\nu\n3\nq\n")
    assert labels() == {"r1": "other"}
    annotate(typed, "2\n", "--redo", "skipped")
    assert "no row is flagged; nothing to redo" in annotate(typed, "", "--redo", "flagged")
    assert labels() == {"r1": "other"}


def test_skipped_rows_are_asked_again(typed: Any, batch: Path) -> None:
    annotate(typed, "s\n2\ns\ns\n")
    assert labels() == {"r2": "account"}
    annotate(typed, "1\n3\n1\n", "--redo", "skipped")
    assert list(labels().values()) == ["refund", "account", "other", "other", "refund"]


def test_a_script_that_mistypes_is_stopped_before_it_labels_the_wrong_row(
    typed: Any, batch: Path
) -> None:
    said = annotate(typed, "1\nacount\n3\n", code=1)
    assert "stdin, line 2 (row r2): 'acount' is neither a class" in said
    assert "did you mean 'account'?" in said
    assert labels() == {"r1": "refund"}
    assert "no suggestion to accept" in annotate(typed, "\n", code=1)
    assert "'7' is neither a class" in annotate(typed, "7\n", code=1)


def test_classes_called_like_commands_or_digits(typed: Any, batch: Path) -> None:
    done = typed("2\ns\n:s\n1\n", "todo.csv", "--classes", "2,s,1")
    assert done.code == 0, done.err
    assert "[2] 2 [3] s [1] 1" in done.err
    assert labels() == {"r1": "2", "r2": "s", "r5": "1"}


def test_blind_shows_no_guess(typed: Any, batch: Path) -> None:
    said = annotate(typed, "1\n", "--blind")
    assert "guess" not in said
    assert "no suggestion to accept" in annotate(typed, "\n", "--blind", code=1)


def test_cells_are_shown_and_not_obeyed(typed: Any, write: Any) -> None:
    row = {
        "id": "\x1b[31m",
        "text": "one\x1b[2J\x07\ntwo [bold]",
        "row_check": "",
        "more": "\x1b]0;",
    }
    write("todo.jsonl", json.dumps(row) + "\n")
    done = typed("1\n", "todo.jsonl", *CLASSES, "--show", "more")
    assert done.code == 0, done.err
    assert "\x1b" not in done.err
    assert "\x07" not in done.err
    assert "one·[2J·\ntwo [bold]" in done.err
    found = [json.loads(line) for line in Path("todo.answers.jsonl").read_text().splitlines()]
    assert [(r["id"], r["label"]) for r in found] == [("\x1b[31m", "refund")]


def test_words_of_rules_are_marked(typed: Any, batch: Path, write: Any) -> None:
    write(
        "labelkit.toml",
        '[[weak-label.rule]]\nlabel = "refund"\nany_of = ["parcel", "came back"]\n',
    )
    assert "The *parcel* *never* came" in annotate(typed, "1\n", "--highlight", "never")


def test_what_the_task_file_tells_people_is_told(typed: Any, batch: Path, write: Any) -> None:
    write(
        "labelkit.toml",
        "[task]\nclasses = ['refund', 'account', 'other']\nguidelines = 'Judge the wish.'\n"
        "edge_cases = ['Irony counts']\n[task.descriptions]\nrefund = 'Money back'\n"
        "[[task.example]]\ntext = 'My phone'\nlabel = 'other'\n",
    )
    told = "Judge the wish.\n\n[1] refund: Money back\n\nHard cases\n- Irony counts\n\nExamples\n"
    assert annotate(typed, "q\n").count(f"{told}- My phone → other\n") == 1
    assert annotate(typed, "?\nq\n").count(told) == 2


def test_classes_come_from_the_file_where_nobody_names_them(typed: Any, batch: Path) -> None:
    done = typed("1\n", "todo.csv")
    assert "classes taken from the file's labels: other, refund" in done.err
    assert labels() == {"r1": "other"}


# -- files and formats -----------------------------------------------------------------------------


def test_bytes_beside_the_text_are_not_shown_but_watched(labelkit: Any, typed: Any) -> None:
    def written(picture: bytes) -> None:
        columns = {"id": ["r1", "r2"], "text": ["one", "two"], "picture": [picture, None]}
        write_table(pa.table(columns), "data.parquet")

    written(b"\xff\x00")
    done = typed("1\n", "data.parquet", "--in-order", *CLASSES)
    assert done.code == 0, done.err
    merged = labelkit("merge", "data.parquet", "data.answers.parquet", "-o", "merged.parquet")
    assert merged.code == 0, merged.err
    written(b"\xff\x01")
    changed = labelkit("merge", "data.parquet", "data.answers.parquet", "-o", "merged.parquet")
    assert "id 'r1' has changed in data.parquet" in changed.err


def test_a_table_with_bytes_is_taught_from(typed: Any) -> None:
    numbers = [float(i % 10) for i in range(60)]
    pictures = [bytes([i]) for i in range(60)]
    write_table(pa.table({"x": numbers, "picture": pa.array(pictures)}), "data.parquet")
    done = typed("1\n2\n" * 6, "data.parquet", "--classes", "a,b", "--labels", "12")
    assert done.code == 0, done.err
    assert "picture" not in done.err
    assert Path("data.labelled.parquet").exists()


def test_query_annotate_merge(labelkit: Any, typed: Any, write: Any) -> None:
    texts = [f"{'good' if i % 2 else 'bad'} film number {i}" for i in range(40)]
    data = write("data.csv", "name,text\n" + "".join(f"n{i},{t}\n" for i, t in enumerate(texts)))
    batch = ("--batch", "todo.csv", "-n", "6", "--audit", "4")
    assert labelkit("query", data, "-o", "queried.csv", *batch, "--classes", "bad,good").code == 0
    done = typed("2\n" * 10, "todo.csv", "--classes", "bad,good")
    assert done.code == 0, done.err
    assert all(row["row"] and row["row_check"] for row in answers())
    merged = labelkit("merge", data, "todo.answers.csv", "--batch", "todo.csv", "-o", "m.csv")
    assert merged.code == 0, merged.err
    rows = answers("m.csv")
    assert sum(row["label"] == "good" for row in rows) == 10
    assert sum(row["label_origin"] == "audit" for row in rows) == 4


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "csv.gz"])
def test_every_format(labelkit: Any, typed: Any, ending: str) -> None:
    table = pa.table({"id": ["1", "2"], "text": ["a, b", None], "more": ["x", "y"]})
    path = f"data.{ending}"
    write_table(table, path)
    done = typed("1\n2\n", path, *CLASSES, "--in-order")
    assert done.code == 0, done.err
    merged = labelkit("merge", path, f"data.answers.{ending}", "-o", "out.csv")
    assert merged.code == 0, merged.err
    assert labels("out.csv") == {"1": "refund", "2": "account"}


def test_a_data_file_in_its_order(labelkit: Any, typed: Any, write: Any) -> None:
    data = write("data.csv", "text,label\none,a\ntwo,\nthree,\n")
    done = typed("2\n1\n", data, "--classes", "a,b", "--in-order")
    assert "1 row already labelled in the file" in done.err
    assert labelkit("merge", data, "data.answers.csv", "-o", "out.csv").code == 0
    assert [row["label"] for row in answers("out.csv")] == ["a", "b", "a"]


def test_table_rows_stand_beside_what_is_labelled(typed: Any, write: Any) -> None:
    lines = [f"k{i},{i * 10},{'red' if i < 5 else 'blue'},c" for i in range(12)]
    write("todo.csv", "id,temperature,colour,row_check\n" + "\n".join(lines) + "\n")
    done = typed("1\n" * 5 + "2\n" * 5, "todo.csv", "--classes", "ok,worn")
    assert done.code == 0, done.err
    last = done.err[done.err.index("id k10") :]
    assert "temperature: 100   [ok 100% · worn 100%]" in last
    assert "colour: blue   [ok 0% · worn 100%]" in last
    assert "nearest labelled: worn (id k9), worn (id k8), worn (id k7)" in last
    blind = ("--blind", "-o", "blind.csv")
    done = typed("1\n" * 9, "todo.csv", "--classes", "ok,worn", *blind)
    assert "nearest" not in done.err
    assert "%" not in done.err


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("-",), 2, "annotate reads answers from stdin"),
        (("todo.csv", "-o", "-"), 2, "annotate needs a file for the answers"),
        (("todo.csv", "-o", "todo.csv"), 2, "is the input; choose another name"),
        (("todo.csv", "-o", "."), 2, "-o . is a folder; pass a file name"),
        (("todo.csv", "--summary", "todo.answers.csv"), 2, "is also -o; choose another name"),
        (("todo.csv", "--summary", "of.journal.jsonl"), 2, "would overwrite a file with answers"),
        (("todo.csv", "-o", "of.journal.jsonl"), 2, "would overwrite a file with answers"),
        (("todo.csv", "-o", "no/a.csv"), 1, "there is no folder no"),
        (("todo.csv", "-o", "a.xlsx"), 2, "spreadsheet files are not supported"),
        (("todo.csv", "--show", "txt"), 1, "no column 'txt'; did you mean 'text'?"),
        (("todo.csv", "--highlight", ""), 2, "--highlight needs a word"),
        (("gone.csv",), 1, "there is no file"),
        (("twice.csv",), 1, "duplicate key '1' in column 'id'"),
    ],
)
def test_what_cannot_be(
    typed: Any, batch: Path, write: Any, args: tuple[str, ...], code: int, message: str
) -> None:
    write("twice.csv", "id,text,row_check\n1,a,x\n1,b,y\n")
    journal = write("of.journal.jsonl", "answers\n")
    done = typed("1\n", *args, *CLASSES)
    assert journal.read_text() == "answers\n"
    assert (done.code, done.out) == (code, ""), done.err
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_file_of_another_delimiter_is_noticed(typed: Any, write: Any) -> None:
    for other, option in ((";", "';'"), ("\t", r"$'\t'")):
        write("todo.csv", BATCH.replace(",", other))
        done = typed("q\n", "todo.csv", *CLASSES)
        assert done.code == 2
        assert "only one column (" in done.err
        assert f"set the delimiter: --delimiter {option} (" in done.err
        assert "(--delimiter , if it is one column)\n" in done.err
    write("todo.csv", "text\nwell; well\n")
    assert "one column" not in annotate(typed, "q\n", "--start-over", "--in-order")


def test_no_row_is_asked_once_the_minutes_are_over(typed: Any, batch: Path) -> None:
    said = annotate(typed, "1\n1\n", "--minutes", "0")
    assert "limit of --minutes 0 reached" in said
    assert labels() == {}
    said = annotate(typed, "1\n1\n", "--minutes", "5", "--labels", "2")
    assert labels() == {"r1": "refund", "r2": "refund"}
    assert " · limit of --labels 2 reached -> todo.answers.csv\n" in said
    assert "run the same command with more --labels" in said


def test_without_classes(typed: Any, write: Any) -> None:
    write("todo.csv", "id,text,row_check\n1,a,x\n")
    done = typed("1\n", "todo.csv")
    assert done.code == 2
    assert "no classes given; pass --classes A,B" in done.err


def test_a_batch_that_changed_is_refused_and_the_work_kept(typed: Any, batch: Path) -> None:
    annotate(typed, "1\n2\n")
    batch.write_text(BATCH.replace("last", "changed"))
    said = annotate(typed, "1\n", code=1)
    assert "todo.csv has changed since its answers were started" in said
    assert labels() == {"r1": "refund", "r2": "account"}
    said = annotate(typed, "3\n", "--start-over")
    assert "set aside: todo.answers.csv.journal.1.jsonl, todo.answers.1.csv" in said
    assert labels() == {"r1": "other"}
    assert labels("todo.answers.1.csv") == {"r1": "refund", "r2": "account"}


def test_answers_that_another_hand_changed_are_not_written_over(
    typed: Any, batch: Path, write: Any
) -> None:
    annotate(typed, "1\n")
    path = Path("todo.answers.csv")
    path.write_text(path.read_text().replace("refund", "other"))
    assert "was changed since annotate wrote it" in annotate(typed, "1\n", code=1)
    assert labels() == {"r1": "other"}
    write("mine.csv", "id,label\nr1,other\n")
    said = annotate(typed, "1\n", "-o", "mine.csv", code=1)
    assert "mine.csv already exists without its journal" in said


# -- what can happen to a process ------------------------------------------------------------------


def start(*args: str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "labelkit", "annotate", "todo.csv", *args]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, **more
    )


def test_two_at_once_are_refused(typed: Any, batch: Path) -> None:
    first = start(*CLASSES)
    assert first.stderr is not None
    assert "0 of 5" in first.stderr.readline()
    assert "another labelkit annotate is using" in annotate(typed, "1\n", code=1)
    other = annotate(typed, "1\n", "-o", "other.csv")
    assert "1 label" in other
    first.communicate("2\n")
    assert labels() == {"r1": "account"}


def test_starting_over_waits_for_the_session_that_is_at_work(typed: Any, batch: Path) -> None:
    first = start(*CLASSES)
    assert first.stderr is not None
    assert "0 of 5" in first.stderr.readline()
    told = annotate(typed, "1\n", "--start-over", code=1)
    assert "another labelkit annotate is using the same answers" in told
    assert len(list(Path().glob("*.journal*"))) == 1
    first.communicate("2\n")
    assert labels() == {"r1": "account"}
    assert "set aside:" in annotate(typed, "1\n", "--start-over")
    assert labels() == {"r1": "refund"}


def test_killed_at_any_moment_nothing_is_lost_or_doubled(typed: Any, write: Any) -> None:
    rows = "".join(f"r{i},text {i},c{i}\n" for i in range(400))
    write("todo.csv", "id,text,row_check\n" + rows)
    rng = random.Random(0)
    sure = 0
    for _ in range(4):
        running = start(*CLASSES)
        assert running.stdin is not None
        assert running.stderr is not None
        lines = rng.randint(1, 40)
        seen = 0
        running.stdin.write("".join(f"{rng.randint(1, 3)}\n" for _ in range(lines)))
        running.stdin.flush()
        wanted = rng.randint(1, lines)
        for line in running.stderr:
            seen += line.startswith("── ")
            if seen > wanted:  # the row after an answer is shown: the answer is on the disk
                break
        time.sleep(rng.random() * 0.01)
        running.send_signal(signal.SIGKILL)
        running.wait()
        journal = Path("todo.answers.csv.journal.jsonl").read_text().splitlines()
        given = [json.loads(line)["keys"][0] for line in journal[1:] if '"label"' in line]
        assert len(given) >= sure + wanted
        assert given == [f"r{i}" for i in range(len(given))]
        sure = len(given)
    annotate(typed, "q\n")
    assert list(labels()) == [f"r{i}" for i in range(sure)]


def test_interrupted_the_answers_are_written(labelkit: Any, batch: Path) -> None:
    running = start(*CLASSES)
    assert running.stdin is not None
    assert running.stderr is not None
    running.stdin.write("1\n")
    running.stdin.flush()
    while "1 of 5" not in running.stderr.readline():
        pass
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert labels() == {"r1": "refund"}


def test_where_the_disk_is_full_nothing_is_claimed_saved(typed: Any, write: Any) -> None:
    rows = "".join(f"r{i},text {i},c{i}\n" for i in range(50))
    write("todo.csv", "id,text,row_check\n" + rows)

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))

    running = start(*CLASSES, preexec_fn=limited)
    _, said = running.communicate("1\n" * 50)
    assert running.returncode == 1
    assert "error: NOT SAVED: File too large; make room" in said
    shown = [line for line in said.splitlines() if line.startswith("── ")]
    claimed = int(shown[-1].split()[1])
    annotate(typed, "q\n")
    assert len(labels()) == claimed


def test_where_the_answers_cannot_be_written_the_journal_is_named(typed: Any, batch: Path) -> None:
    running = start(*CLASSES)
    assert running.stderr is not None
    assert "0 of 5" in running.stderr.readline()
    Path("todo.answers.csv").mkdir()
    _, said = running.communicate("1\n")
    assert running.returncode == 1
    assert "all answers are saved in todo.answers.csv.journal.jsonl" in said
    Path("todo.answers.csv").rmdir()
    annotate(typed, "")
    assert labels() == {"r1": "refund"}


def test_a_batch_with_a_key_of_its_own_name_wants_it_named(write: Any, typed: Any) -> None:
    write("todo.csv", "code,text,row_check,label\nx1,one,aa,\nx2,two,bb,\n")
    done = typed("1\n", "todo.csv", "--classes", "a,b")
    assert done.code == 1
    assert "name the key column with --id COLUMN" in done.err
    done = typed("1\n2\n", "todo.csv", "--classes", "a,b", "--id", "code")
    assert done.code == 0, done.err
    assert "--id code -o LABELLED" in done.err
