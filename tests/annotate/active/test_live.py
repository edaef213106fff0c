"""The live loop: a data file is taught from while a model learns along."""

import csv
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelkit.annotate.active import live
from labelkit.annotate.active.stopping_monitor import StoppingMonitor
from labelkit.annotate.annotation_job import classes_of, open_journal
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.row_order import Limits
from labelkit.annotate.rows import RowTable
from labelkit.annotate.session import Session
from labelkit.data.columns import AUDIT
from labelkit.job.job import Job
from labelkit.job.options import Declared
from labelkit.ml import stopping

ROWS = 300


def truth(i: int) -> str:
    return "worn" if (i * 37) % 100 < 30 else "ok"


def table(rows: int = ROWS) -> str:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 4, rows)
    lines = [f"k{i},{(i * 37) % 100 + noise[i]:.5f},{i % 7}" for i in range(rows)]
    return "id,temperature,shift\n" + "\n".join(lines) + "\n"


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def opened(
    path: Path, audit: int, labels: int = 0, strategy: str = "default", **options: Any
) -> Any:
    """Return the order of a live session on a file, and its learner, not started."""
    given = {"input": str(path), "seed": 0, "format": None, "delimiter": None, "label": None,
             "encoding": "utf-8", "output": "data.answers.csv", **options}  # fmt: skip
    job = Job(Declared("annotate", "", False, ()), given)
    table = RowTable(job, (), ["ok", "worn"])
    return live.make_order(job, table, strategy, audit, Limits(labels=labels or None))


def taught(
    path: Path,
    labels: int,
    audit: int,
    until: int | None = None,
    stop_when: str = "labels=9999",
    strategy: str = "default",
) -> tuple[Session, list[float]]:
    """Let an oracle teach until the limit; return the session and the seconds of each key."""
    order, learner = opened(path, audit, labels, strategy)
    learner.monitor = StoppingMonitor(stopping.rules([stop_when]), 0)
    job, table = learner._job, learner._table
    journal = open_journal(job, table, table.classes, Path("data.answers.csv"), False)
    session = Session(table, order, table.classes, journal, total=labels, counts_labels=True)
    order.attach(session)
    seconds = []
    while session.current is not None and session.labels_given() != until:
        began = time.perf_counter()
        session.decide(truth(session.current))
        seconds.append(time.perf_counter() - began)
        learner.wait()
    learner.stop()
    if until is None:
        journal.close()
    assert learner.failure is None
    return session, seconds


def test_audit_rows_come_first_and_are_never_learned_from(write: Any) -> None:
    session, _ = taught(write("data.csv", table()), labels=40, audit=10)
    origins = [said.origin for said in session.answers.values()]
    assert origins == [AUDIT] * 10 + ["query"] * 30
    order: Any = session.order
    assert order._learner.ranking.labels <= 30

    picked = [row for row, said in session.answers.items() if said.origin == "query"]
    assert len(set(picked)) == 30
    assert session.stop_reason == "limit of --labels 40 reached"


def test_rows_chosen_together_are_asked_together_while_newer_rankings_come(write: Any) -> None:
    session, _ = taught(write("data.csv", table()), labels=50, audit=5)
    order: Any = session.order
    assert order._learner.ranking.labels == 45, "it learns along, every five labels"
    assert order._batch.labels == 40, "asked since, and not those of 45"
    asked = [row for row, said in session.answers.items() if said.origin == "query"]
    picks = order._batch.rows[: live.BATCH_PICKS].tolist()
    place = asked.index(picks[0])
    assert asked[place : place + live.BATCH_PICKS] == picks[: len(asked) - place]


def test_texts_are_read_by_their_embedding_where_it_is_affordable(
    write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("data.csv", "id,text\n" + "".join(f"k{i},some words {i}\n" for i in range(20)))
    for affordable, kind in ((True, "embedding"), (False, "tfidf")):
        monkeypatch.setattr(
            "labelkit.ml.feature_selection.embeds", lambda job, text, a=affordable: a
        )
        assert opened(path, audit=2)[1]._unfitted().kind == kind
    assert opened(path, audit=2, features="tfidf")[1]._unfitted().kind == "tfidf"
    assert opened(path, audit=2, column=["text"])[1]._unfitted().kind == "mixed"


SLOW = """
import time
import numpy as np
def embed(texts):
    time.sleep(0.5)
    with open("chunks", "a") as out:
        out.write("x")
    return np.ones((len(texts), 4), dtype="float32")
"""


def test_who_leaves_need_not_wait_until_all_is_read(write: Any) -> None:
    write("slow.py", SLOW)
    rows = "".join(f"k{i},some words {i}\n" for i in range(30_000))
    path = write("data.csv", "id,text\n" + rows)
    _, learner = opened(path, audit=2, features="embedding:slow.py:embed")
    learner.start({})
    until = time.monotonic() + 120
    while not Path("chunks").exists() and time.monotonic() < until:
        time.sleep(0.05)
    learner.stop()
    assert 1 <= len(Path("chunks").read_text()) < 15, "all of it would be thirty or more"
    assert (learner.ranking, learner.failure) == (None, None)


def test_a_guess_stays_as_it_was_shown_while_the_model_learns_on(write: Any) -> None:
    session, _ = taught(write("data.csv", table()), labels=60, audit=5, until=30)
    order: Any = session.order
    before, ranking = session.row_info(), order._learner.ranking
    assert before.suggestion is not None
    other = ranking.codes.copy()
    other[:] = 1 - session.classes.index(before.suggestion.label)
    order._learner.ranking = ranking._replace(codes=other)
    assert session.row_info() == before
    assert session.accept()
    assert list(session.answers.values())[-1].label == before.suggestion.label


def test_it_asks_where_it_is_unsure(write: Any) -> None:
    session, _ = taught(write("data.csv", table()), labels=90, audit=5, strategy="margin")
    late = [row for row, said in session.answers.items() if said.origin != AUDIT][-30:]
    values = np.array([(row * 37) % 100 for row in late])
    # Three in ten values are nearer than 15 to the border between the classes.
    assert (np.abs(values - 30) < 15).mean() > 0.5


def test_the_command_leaves_answers_a_labelled_file_and_a_model(write: Any, typed: Any) -> None:
    write("data.csv", table())
    keys = "".join(f"{1 + i % 2}\n" for i in range(60))
    done = typed(keys, "data.csv", "--classes", "ok,worn", "--labels", "50")
    assert (done.code, done.out) == (0, ""), done.err
    answers = rows_of("data.answers.csv")
    assert [row["label_origin"] for row in answers].count(AUDIT) == 10
    labelled = rows_of("data.labelled.csv")
    assert len(labelled) == ROWS
    assert sum(bool(row["label"]) for row in labelled) == 50
    assert all(row["model_label"] in ("ok", "worn") for row in labelled)
    assert "10 audit rows" in done.err
    assert done.err.splitlines()[-2:] == [
        "to label other files with the model: labelkit predict data.model FILE -o LABELLED",
        "to continue, run the same command with more --labels",
    ]
    again = typed("u\n2\n", "data.csv", "--classes", "ok,worn", "--labels", "50")
    assert "annotate: continues after 50 answers" in again.err
    more = typed("1\n" * 9, "data.csv", "--classes", "ok,worn", "--labels", "55")
    assert more.code == 0, more.err
    assert len(rows_of("data.answers.csv")) == 55
    history = json.loads(Path("data.labelled.csv.history.json").read_text())["steps"]
    assert [step["command"] for step in history] == ["merge", "predict"]


@pytest.mark.parametrize("name", ["data.labelled.csv", "data.model"])
def test_a_file_that_annotate_did_not_make_is_not_replaced(
    write: Any, typed: Any, labelkit: Any, name: str
) -> None:
    write("data.csv", table())
    own = write(name, "id,final_label\nmy,work\n").read_bytes()
    given = ("data.csv", "--classes", "ok,worn", "--labels", "4", "--audit", "0")
    refused = typed("1\n2\n" * 4, *given)
    assert refused.code == 1 and not Path("data.answers.csv").exists()
    assert Path(name).read_bytes() == own
    Path(name).unlink()
    assert typed("1\n2\n" * 2, *given).code == 0
    assert typed("u\n1\n", *given).code == 0, "what annotate made it makes anew"
    with Path(name).open("ab") as stream:
        stream.write(b"\n")
    edited = Path(name).read_bytes()
    assert typed("u\n1\n", *given).code == 1
    assert Path(name).read_bytes() == edited


def test_what_another_command_made_under_the_name_is_not_replaced(
    write: Any, typed: Any, labelkit: Any
) -> None:
    write("data.csv", table())
    write("rules.py", "def lf_worn(row): return 'worn'\n")
    made = ("weak-label", "data.csv", "-o", "data.labelled.csv", "--functions", "rules.py")
    done = labelkit(*made, "--classes", "ok,worn")
    assert done.code == 0, done.err
    before = Path("data.labelled.csv").read_bytes()
    assert typed("1\n2\n", "data.csv", "--classes", "ok,worn").code == 1
    assert Path("data.labelled.csv").read_bytes() == before


def test_it_starts_from_what_machines_say(write: Any) -> None:
    lines = table().splitlines()
    said = ["weak_label", *(truth(i) for i in range(ROWS))]
    with_votes = "\n".join(f"{line},{s}" for line, s in zip(lines, said, strict=True)) + "\n"
    session, _ = taught(write("data.csv", with_votes), labels=8, audit=3)
    assert session.answers
    ranking = session.order._learner.ranking  # type: ignore[attr-defined]
    known = np.flatnonzero(ranking.codes >= 0)
    right = [session.classes[ranking.codes[row]] == truth(row) for row in known]
    assert len(known) > ROWS / 2
    assert np.mean(right) > 0.85


def test_skipped_audit_rows_asked_again_stay_audit_rows(write: Any, typed: Any) -> None:
    write("data.csv", table())
    given = ("data.csv", "--classes", "ok,worn", "--labels", "20")
    assert typed("s\n1\nq\n", *given).code == 0
    done = typed("2\n", *given, "--redo", "skipped")
    assert done.code == 0, done.err
    answers = rows_of("data.answers.csv")
    assert sorted(row["label"] for row in answers) == ["ok", "worn"]
    assert {row["label_origin"] for row in answers} == {AUDIT}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--strategy", "margn"), "'margn' is not known; did you mean 'margin'?"),
        (("--labels", "0"), "greater than or equal to 1"),
        (("--features", "nope"), "--features 'nope' is not known"),
        (("--features", "tfidf"), "--features tfidf needs a text column"),
        (("-o", "data.labelled.csv"), "is also the name of a file"),
        (("--summary", "data.model"), "is also the name of a file"),
    ],
)
def test_what_cannot_be(write: Any, typed: Any, args: tuple[str, ...], message: str) -> None:
    write("data.csv", table())
    done = typed("1\n", "data.csv", "--classes", "ok,worn", *args)
    assert done.code == 2
    assert message in done.err


def test_columns_and_labels_that_cannot_be_are_named_before_the_work(
    write: Any, typed: Any
) -> None:
    write("data.csv", table())
    for option in ("--column", "--gold"):
        done = typed("1\n", "data.csv", "--classes", "ok,worn", option, "nope")
        assert (done.code, "no column 'nope' (" + option + ")" in done.err) == (1, True)
    write("data.csv", "id,x,label\n1,2,ok\n2,3,worm\n3,4,\n")
    done = typed("1\n", "data.csv", "--classes", "ok,worn")
    assert done.code == 1
    assert "the label 'worm' of 1 row (2) is not one of the classes ok, worn" in done.err
    done = typed("1\n", "data.csv", "--classes", "ok,worn", "--unknown-label", "ignore")
    assert done.code == 0, done.err


def test_labels_of_the_file_stay_where_a_copy_is_answered(write: Any, typed: Any) -> None:
    write("data.csv", "id,x,label\n1,2,ok\n2,2,\n3,2,\n4,5,\n")
    done = typed("2\n2\n", "data.csv", "--classes", "ok,worn", "--audit", "0")
    assert done.code == 0, done.err
    assert "rows left" not in done.err
    assert [row["label"] for row in rows_of("data.labelled.csv")] == ["ok", "worn", "worn", "worn"]


def test_labels_that_are_all_like_audit_rows_make_no_model(write: Any, typed: Any) -> None:
    write("data.csv", "id,text\n" + "".join(f"{i},{'+' if i % 2 else '-'}\n" for i in range(20)))
    done = typed("1\n2\n", "data.csv", "--classes", "ok,worn", "--audit", "20")
    assert done.code == 0, done.err
    assert "no model was trained" in done.err
    assert "next:" not in done.err


def test_a_file_without_open_rows(write: Any, typed: Any) -> None:
    write("data.csv", "id,x,label\n1,2,ok\n2,3,worn\n")
    done = typed("1\n", "data.csv", "--classes", "ok,worn")
    assert done.code == 1
    assert "every row has a label; nothing to label" in done.err


def test_a_rule_stops_the_asking_once_the_model_has_settled(write: Any) -> None:
    session, _ = taught(write("data.csv", table()), 150, 10, stop_when="kappa=.8")
    assert session.stop_reason.startswith("kappa is ")
    signs = session.order._learner.monitor.signs  # type: ignore[attr-defined]
    assert len(signs.kappas) == 3 and 60 < signs.labels < 140
    assert signs.audits == 10 and signs.accuracy.value > 0.6


def test_the_command_ends_with_6_and_leaves_all(write: Any, typed: Any) -> None:
    write("data.csv", table())
    # The model learns while more answers are given: the rule is heard of some of them later.
    keys = "".join(f"{1 + i % 2}\n" for i in range(250))
    done = typed(keys, "data.csv", "--classes", "ok,worn", "--stop-when", "labels=10")
    assert done.code == 6, done.err
    assert "stop: labels is " in done.err and "on 30 audit rows -> data.model" in done.err
    assert Path("data.model").is_file() and Path("data.answers.csv").is_file()


def test_no_model_watches_rows_asked_in_order(write: Any, typed: Any) -> None:
    write("data.csv", table())
    args = ("data.csv", "--classes", "ok,worn", "--stop-when", "kappa=.9")
    done = typed("1\n", *args, "--in-order")
    assert done.code == 2 and "with --in-order and --redo no model is trained" in done.err
    done = typed("1\n", *args[:-1], "kapa=.9")
    assert done.code == 2 and "did you mean 'kappa'?" in done.err


@pytest.mark.parametrize(
    ("strategy", "measure"),
    [("bald", "BALD"), ("committee", "vote entropy"), ("entropy", "entropy"), ("margin", "margin"),
     ("least-confidence", "confidence")],
)  # fmt: skip
def test_the_reason_is_what_the_strategy_measures(
    write: Any, labelkit: Any, strategy: str, measure: str
) -> None:
    session, _ = taught(write("data.csv", table(60)), labels=16, audit=0, strategy=strategy)
    order: Any = session.order
    reasons = list(order._learner.ranking.reasons.values())
    assert all(re.fullmatch(rf"{measure} \d\.\d\d: \w+ \d\.\d\d, \w+ \d\.\d\d", r) for r in reasons)
    assert len(set(reasons)) > 3
    with Path("data.csv").open() as stream:
        lines = stream.read().splitlines()
    said = [f"{line},{truth(i) if i < 16 else ''}" for i, line in enumerate(lines[1:])]
    write("known.csv", "\n".join([f"{lines[0]},label", *said]) + "\n")
    query = ("query", "known.csv", "-o", "q.csv", "-n", "3", "--strategy", strategy)
    assert labelkit(*query).code == 0
    picked = [row["query_reason"] for row in rows_of("q.csv") if row["query_rank"]]
    assert all(one.startswith(f"{measure} ") for one in picked) and len(picked) == 3


# -- what audit answers must not change ----------------------------------------------------------


def number_of(key: str) -> int:
    return int(key.casefold().rpartition("k")[2])


def films_with_twins(write: Any, labelkit: Any) -> set[str]:
    """Have query draw rows of a file with duplicates; return the keys of the audit."""
    words = {"worn": "grim stale", "ok": "warm lovely"}
    lines = [f"k{i},{words[truth(i)]} film {i % 25}" for i in range(40)]
    lines += [f"twin {line.upper()}" for line in lines]
    write("films.csv", "id,text\n" + "\n".join(lines) + "\n")
    drawing = ("-n", "10", "--audit", "8", "--batch", "todo.csv", "--classes", "ok,worn")
    done = labelkit("query", "films.csv", "-o", "asked.csv", "--features", "tfidf", *drawing)
    assert done.code == 0, done.err
    return {row["id"] for row in rows_of("todo.csv") if row["label_origin"] == "audit"}


def with_labels(audit: set[str], said: dict[str, str], with_origin: bool) -> Path:
    """Write the file with people's labels; of audit rows what `said` makes of the true one."""
    origins = {row["id"]: row["label_origin"] for row in rows_of("todo.csv")}
    rows = []
    for row in rows_of("asked.csv"):
        label = truth(number_of(row["id"])) if row["id"] in origins else ""
        label = said.get(label, "") if row["id"] in audit else label
        origin = {"label_origin": origins.get(row["id"], "")} if with_origin else {}
        rows.append({**row, "label": label, **origin})
    with Path("people.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return Path("people.csv")


def shown_to_a_person(path: Path, audit: int, typed: dict[str, str]) -> list[Any]:
    """Return the classes and all that is shown of the rows that are not answered blind."""
    for left in Path().glob("data.answers*"):
        left.unlink()
    given = {"input": str(path), "seed": 0, "format": None, "delimiter": None, "label": None,
             "encoding": "utf-8", "output": "data.answers.csv", "features": "tfidf"}  # fmt: skip
    job = Job(Declared("annotate", "", False, ()), given)
    table = RowTable(job, (), classes_of(job))
    order, learner = live.make_order(job, table, "margin", audit, Limits(), StoppingMonitor((), 0))
    journal = open_journal(job, table, table.classes, Path("data.answers.csv"), False)
    session = Session(table, order, table.classes, journal, counts_labels=True)
    comparison = RowComparison(table)
    comparison.attach(session)
    order.attach(session)
    learner.wait()
    session.show_next()
    found: list[Any] = [table.classes]
    while session.current is not None and len(found) < 14:
        row = session.current
        label = truth(number_of(table.keys[row]))
        if session.asks_blind(row):
            label = typed[label]
        else:
            found.append((table.keys[row], session.row_info(), session.current_answer(),
                          session.copies(), comparison.fields(row),
                          comparison.nearest(row)))  # fmt: skip
        session.decide(label)
        learner.wait()
    learner.stop()
    journal.close()
    assert learner.failure is None
    return found


def test_answers_to_audit_rows_change_nothing_that_a_person_is_shown(
    write: Any, labelkit: Any
) -> None:
    audit = films_with_twins(write, labelkit)
    same, other = {"ok": "ok", "worn": "worn"}, {"ok": "worn", "worn": "ok"}
    first = shown_to_a_person(with_labels(audit, same, True), 0, same)
    assert len(first) == 14 and first[0] == ["ok", "worn"]
    for said, with_origin in ((other, True), (other, False), ({"ok": "Worn out"}, True)):
        assert shown_to_a_person(with_labels(audit, said, with_origin), 0, same) == first
    for typed in (same, other):  # without their answers they are asked again, first
        assert shown_to_a_person(with_labels(audit, {}, typed == same), 8, typed) == first


@pytest.mark.parametrize("column", ["model_label", "label_note", "label_annotator"])
def test_columns_that_are_replaced_at_the_end_are_refused_at_the_start(
    column: str, write: Any, labelkit: Any
) -> None:
    lines = table(12).splitlines()
    cells = [column, *["mine"] * 12]
    write("data.csv", "\n".join(f"{a},{b}" for a, b in zip(lines, cells, strict=True)) + "\n")
    done = labelkit("annotate", "data.csv", "--classes", "ok,worn", stdin="1\n" * 12)
    assert done.code == 2, done.err
    assert f"would replace the column '{column}', and no history" in done.err
    assert not Path("data.answers.csv").exists()
