"""What each command says to type next: it runs as it stands, and reads the file as before."""

import csv
import io
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from labelkit.command.next_steps import command
from labelkit.config.task_file import NO_TASK, Task
from labelkit.io import history

TASK = Task(Path("labelkit.toml"), {"task": {"text": ["body"], "classes": ["a", "b"]}})
TEXT = {"text": ["body"], "classes": "a,b"}


@pytest.mark.parametrize(
    ("options", "task", "name", "reads_batch", "typed"),
    [
        (TEXT, NO_TASK, "annotate", True, "--text body --classes a,b"),
        (TEXT, TASK, "annotate", True, ""),
        (TEXT | {"classes": "b,a"}, TASK, "annotate", True, "--classes b,a"),
        (TEXT | {"task": "t.toml"}, TASK, "decide", False, "--task t.toml"),
        (TEXT | {"no_task": True}, NO_TASK, "merge", False, "--classes a,b --no-task"),
        ({"delimiter": ";", "encoding": "cp1252"}, NO_TASK, "train", False,
         "--delimiter ';' --encoding cp1252"),
        ({"delimiter": "\t", "encoding": "utf-8"}, NO_TASK, "train", False, r"--delimiter $'\t'"),
        ({"delimiter": ";", "id": "the key"}, NO_TASK, "annotate", True, "--id 'the key'"),
        ({"text": ["a", "b"]}, NO_TASK, "query", False, "--text a --text b"),
    ],
)  # fmt: skip
def test_what_the_next_command_needs_is_said(
    options: dict[str, Any], task: Task, name: str, reads_batch: bool, typed: str
) -> None:
    said = command(options, task, name, "x.csv", reads_batch=reads_batch)
    assert said == f"labelkit {name} x.csv {typed}".strip()


def test_each_step_runs_as_the_one_before_says(
    labelkit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spreadsheet's file: semicolons, its own encoding, no column called text or id."""
    words = {"good": ["café", "lovely", "warm", "kind"], "bad": ["dull", "café", "cold", "rude"]}
    texts = [f"{words[label][i % 4]} and {words[label][i % 3]} evening {i}"
             for i in range(60) for label in words]  # fmt: skip
    rows = "".join(f"{9000 + i};{text};3,5\r\n" for i, text in enumerate(texts))
    Path("films.csv").write_bytes(f"Nr;Body;Preis\r\n{rows}".encode("cp1252"))

    def step(typed: str, lines: str = "") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        done = labelkit(*shlex.split(typed)[1:])
        assert done.code == 0, done.err
        return str(done.err.rpartition("\nnext: ")[2].splitlines()[0])

    query = "labelkit query films.csv -o f1.csv -n 50 --audit 20 --batch todo.csv"
    asks = step(f"{query} --features tfidf --classes good,bad --delimiter ';' --encoding cp1252")
    assert asks.startswith("labelkit annotate todo.csv --classes good,bad")
    with open("todo.csv", newline="") as file:
        told = ["bad" if "dull" in row["Body"] or "cold" in row["Body"] or "rude" in row["Body"]
                else "good" for row in csv.DictReader(file)]  # fmt: skip
    decides = step(asks, "".join(f"{label}\n" for label in told))
    assert decides.startswith(
        "labelkit decide f1.csv -o f1.labelled.csv --answers todo.answers.csv"
    )
    trains = step(f"{decides} --target-accuracy 0.8")
    with open("f1.labelled.csv", newline="", encoding="cp1252") as file:
        labelled = list(csv.DictReader(file, delimiter=";"))
    assert len(labelled) == 120
    assert all(row["final_label"] in ("good", "bad") for row in labelled)
    trained = labelkit(*shlex.split(trains)[1:])
    assert trained.code == 0, trained.err
    assert "n=20 audit rows" in trained.err, "they judge, and teach nothing"
    predicts = step("labelkit train films.csv -o films.model --answers todo.answers.csv "
                    "--target-accuracy 0.5 --features tfidf --delimiter ';' "
                    "--encoding cp1252")  # fmt: skip
    reports = step(predicts)
    assert reports.startswith("labelkit report films.predicted.csv -o films.predicted.html ")
    step(reports)


def run_next(labelkit: Any, said: str) -> Any:
    found = labelkit(*shlex.split(said.partition("next: labelkit ")[2].splitlines()[0]))
    assert found.code == 0, found.err
    return found


def test_a_folder_of_parquet_parts_is_labelled_into_a_file(labelkit: Any, write: Any) -> None:
    rows = [f"{i},{'warm' if i % 2 else 'dull'} film no {i},{'ab'[i % 2]}" for i in range(40)]
    write("a.csv", "\n".join(["id,text,label", *rows]) + "\n")
    Path("parts").mkdir()
    assert labelkit("merge", "a.csv", "a.csv", "-o", "parts/1.parquet", "--id", "id").code == 0
    trained = labelkit("train", "parts", "-o", "m.model", "--features", "tfidf")
    run_next(labelkit, trained.err)
    assert Path("parts.predicted.parquet").is_file()


def test_a_prefix_of_two_words_stands_in_where(labelkit: Any, write: Any) -> None:
    write("a.csv", "text\nwarm film\ndull film\n")
    done = labelkit("weak-label", "a.csv", "-o", "w.csv", "--text", "text", "--keyword", "a=warm",
                    "--keyword", "b=dull", "--classes", "a,b", "--as", "my own")  # fmt: skip
    assert "--where '`my own_confidence` < 0.8'" in done.err


def test_files_whose_names_look_like_options(labelkit: Any, write: Any) -> None:
    write("-a.csv", "text\nwarm film\ndull film\n")
    done = labelkit("query", "./-a.csv", "-o", "-q.csv", "-n", "2", "--batch", "-b.csv",
                    "--classes", "a,b", "--text", "text", "--features", "tfidf")  # fmt: skip
    asks = done.err.partition("next: ")[2].splitlines()[0]
    assert shlex.split(asks)[:3] == ["labelkit", "annotate", "./-b.csv"]
    answered = labelkit(*shlex.split(asks)[1:], stdin="a\nb\n")
    assert answered.code == 0, answered.err
    run_next(labelkit, answered.err)
    assert Path("-q.labelled.csv").is_file()


def test_init_says_how_its_file_is_read(labelkit: Any, write: Any) -> None:
    write("a.csv", "id;text\n1;warm film\n2;dull film\n")
    done = labelkit("init", "a.csv", "--delimiter", ";", "--classes", "a,b")
    run_next(labelkit, done.err)
    assert Path("weak.csv").is_file()


@pytest.mark.parametrize("given", [("--label", "said"), ("--answers", "known.csv")])
def test_where_all_rows_are_labelled_the_labels_are_judged(
    labelkit: Any, write: Any, given: tuple[str, str]
) -> None:
    words = ("warm lovely", "dull stale")
    rows = "".join(f"{i};{words[i % 2]} film {i};{'ab'[i % 2]}\n" for i in range(40))
    write("my films.csv", "id;body;said\n" + rows)
    write("known.csv", "id,label\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40)))
    how = ("--delimiter", ";", "--text", "body", "--features", "tfidf")
    done = labelkit("query", "my films.csv", "-o", "q.csv", *how, *given)
    assert done.code == 0 and "there is nothing to ask" in done.err
    run_next(labelkit, done.err)
    assert Path("my films.noise.csv").is_file()


def test_classes_that_nobody_named_are_asked_for(labelkit: Any, write: Any) -> None:
    write("a.csv", "text\n" + "".join(f"one film of {i} reels\n" for i in range(12)))
    done = labelkit("query", "a.csv", "-o", "b.csv", "-n", "3", "--batch", "c.csv")
    known = "no class is known yet; label the batch with: labelkit annotate c.csv --classes "
    assert known in done.err and "next: " not in done.err


def test_an_audit_of_all_rows_leaves_nothing_to_learn_from(labelkit: Any, write: Any) -> None:
    rows = "".join(f"one film of {i} reels\n" for i in range(12))
    write("a.csv", "text\n" + rows)
    done = labelkit("query", "a.csv", "-o", "b.csv", "--audit", "20", "--batch", "c.csv")
    assert "warning: the audit takes every row that may be asked" in done.err
    assert "--audit 4 leaves most of them" in done.err
    Path("c.csv").write_bytes(b"row,label_origin,label\n1,audit,x\n2,audit,y\n")
    done = labelkit("train", "a.csv", "-o", "m.model", "--answers", "c.csv")
    assert done.code == 1
    assert "left out: 2 audit rows (they judge, and teach nothing" in done.err


@pytest.mark.parametrize(
    ("step", "then"),
    [
        ({"command": "find-noise", "options": {}}, "merge n.csv todo.answers.csv -o n.merged.csv"),
        ({"command": "query", "options": {"strategy": "relabel", "delimiter": ";"}},
         "merge n.csv todo.answers.csv -o n.merged.csv --delimiter ';'"),
        ({"command": "llm-label", "options": {"text": ["body"]}},
         "decide n.csv -o n.labelled.csv --answers todo.answers.csv --text body"),
        ({"command": "query", "options": {"answers": ["first.csv"]}},
         "decide n.csv -o n.labelled.csv --answers first.csv --answers todo.answers.csv"),
    ],
)  # fmt: skip
def test_answers_go_to_the_file_that_the_batch_came_from(
    step: dict[str, Any], then: str, labelkit: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("todo.csv", "id,body,row_check,label_origin,label\n1,a,x,query,\n")
    write("n.csv", "id,body\n1,a\n")
    write("other.csv", "id,body\n1,a\n")
    history.write(Path("other.csv"), [{"command": "query", "options": {"batch": "other.csv"}}])
    named = step["options"] | {"batch": "todo.csv"}
    history.write(Path("n.csv"), [{"command": "init", "options": {}}, step | {"options": named}])
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    done = labelkit("annotate", "todo.csv", "--classes", "a,b", "--text", "body")
    assert done.code == 0, done.err
    assert done.err.endswith(f"next: labelkit {then}\n")


@pytest.mark.parametrize(
    "text", ["{torn", '{"steps": [{"options": null}]}', '{"steps": [1]}', "[]"]
)
def test_a_damaged_history_of_another_file_says_nothing(
    text: str, labelkit: Any, write: Any, monkeypatch: Any
) -> None:
    write("todo.csv", "id,text,row_check,label\n1,a,,\n")
    write("other.csv.history.json", text)
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    done = labelkit("annotate", "todo.csv", "--classes", "a,b", "--text", "text")
    assert done.code == 0, done.err
    assert "other.csv" not in done.err and "labelkit merge DATA" in done.err
