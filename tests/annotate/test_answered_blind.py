"""Nothing shown of an audit or calibration row depends on what a machine thinks of it."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.annotate.annotation_job import classes_of, open_journal
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.row_order import FileOrder
from labelkit.annotate.rows import RowTable
from labelkit.annotate.session import Session
from labelkit.annotate.ui import highlight
from labelkit.annotate.ui.row_state import row_state
from labelkit.job.job import Job
from labelkit.job.options import Declared

CLASSES = ("good", "bad")
MACHINE = (
    "weak_label", "weak_confidence", "llm_label", "llm_rationale", "model_label", "final_label",
    "final_confidence", "noise_suggested", "noise_reason", "query_guess", "query_score",
)  # fmt: skip
KINDS = ["audit", "query", "calibration", "query", "audit", "query", "query", "query"]
cells = st.sampled_from(["good", "bad", "", "0.9", "0.1"])
opinions = st.lists(
    st.fixed_dictionaries(dict.fromkeys(MACHINE, cells)),
    min_size=len(KINDS),
    max_size=len(KINDS),
)


def save(path: str, said: Sequence[dict[str, str]], by: str = "label_origin") -> None:
    """Write rows, two of which look the same; `by` is the column that names the audit rows."""
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "text", "price", *MACHINE, by])
        for i, (kind, opinion) in enumerate(zip(KINDS, said, strict=True)):
            origin = kind if by == "label_origin" else f"{kind}: drawn at random"
            text = "the same words" if i in (4, 5) else f"some good words {i}"
            writer.writerow([f"k{i}", text, i, *(opinion[name] for name in MACHINE), origin])


def shown(path: str, text: Sequence[str], labels: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return what the page shows of each row asked blind, and what Enter does there."""
    Path("a.csv.journal.jsonl").unlink(missing_ok=True)
    options = {"input": path, "seed": 0, "format": None, "delimiter": None, "encoding": "utf-8",
               "output": "a.csv", "text": list(text)}  # fmt: skip
    job = Job(Declared("annotate", "", False, ()), options)
    table = RowTable(job, MACHINE if text else (), classes_of(job))
    journal = open_journal(job, table, table.classes, Path("a.csv"), False)
    order = FileOrder(table, range(table.rows))
    session = Session(table, order, table.classes, journal, clock=lambda: 0.0)
    comparison = RowComparison(table)
    comparison.attach(session)
    marks = highlight.of_rules({"rule": [{"any_of": ["good"]}]}, ["words"])
    states = []
    while session.current is not None:
        if KINDS[session.current] != "query":
            states.append(row_state(session, marks, comparison))
            assert not session.accept(), "there is nothing to accept"
        session.decide("good" if session.current % 2 else "bad")
    journal.close()
    return states


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(opinions, opinions, st.sampled_from(["label_origin", "query_reason"]), st.booleans())
def test_the_page_shows_the_same_of_an_audit_row_whatever_a_machine_thinks(
    first: list[dict[str, str]], second: list[dict[str, str]], by: str, has_text: bool
) -> None:
    others = [a if kind == "query" else b for kind, a, b in zip(KINDS, first, second, strict=True)]
    # The classes that are offered come from the other rows.
    for row, name in ((1, "good"), (3, "bad")):
        first[row]["weak_label"] = others[row]["weak_label"] = name
    text = ["text"] if has_text else []
    save("first.csv", first, by)
    save("second.csv", others, by)
    states = [shown(path, text) for path in ("first.csv", "second.csv")]
    for state in (one for of_file in states for one in of_file):
        del state["name"]
        assert not (state["guess"] or state["reason"] or state["near"])
    assert states[0] == states[1]


@pytest.mark.parametrize("by", ["label_origin", "query_reason"])
@pytest.mark.parametrize("to", ["label-studio", "prodigy", "doccano", "argilla", "csv", "hf"])
def test_an_export_is_the_same_whatever_a_machine_thinks_of_an_audit_row(
    labelkit: Any, to: str, by: str
) -> None:
    for name, opinion in (("one", "good"), ("two", "bad")):
        said = [dict.fromkeys(MACHINE, "bad" if kind == "query" else opinion) for kind in KINDS]
        save("tasks.csv", said, by)
        done = labelkit("export", "tasks.csv", "-o", f"{name}.csv", "--to", to, "--text", "text",
                        "--show", "weak_label", "--label", "weak_label", "--classes", "good,bad",
                        "--no-task")  # fmt: skip
        assert done.code == 0, done.err
        assert ("with a guess" in done.err) == (to != "hf")
    part = "data/train-00000-of-00001.parquet" if to == "hf" else ""
    assert Path("one.csv", part).read_bytes() == Path("two.csv", part).read_bytes()


@pytest.mark.parametrize("label", ["weak_label", "label"])
def test_a_batch_is_the_same_whatever_a_machine_thinks_of_its_audit_rows(
    labelkit: Any, label: str
) -> None:
    def batch(name: str, flipped: set[str]) -> tuple[bytes, set[str]]:
        with Path("in.csv").open("w") as stream:
            print("id,text,weak_label,weak_confidence", file=stream)
            for i in range(30):
                good = (i % 3 > 0) != (f"k{i}" in flipped)
                words = "warm lovely bright" if i % 3 else "dull awful grim"
                print(f"k{i},{words} w{i},{'good' if good else 'bad'},0.9", file=stream)
        done = labelkit("query", "in.csv", "-o", "out.csv", "--label", label, "-n", "5", "--audit",
                        "6", "--batch", name, "--classes", "good,bad", "--text", "text",
                        "--no-task")  # fmt: skip
        assert done.code == 0, done.err
        with Path(name).open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        drawn = {row["id"] for row in rows if row["label_origin"] == "audit"}
        for row in rows:
            said = {row[column] for column in row if column.startswith("query_")}
            assert (said == {""}) == (row["id"] in drawn)
        return Path(name).read_bytes(), drawn

    first, drawn = batch("one.csv", set())
    assert batch("two.csv", drawn) == (first, drawn) and len(drawn) == 6


def test_enter_labels_no_audit_row(labelkit_process: Any, tmp_path: Path) -> None:
    save("todo.csv", [dict.fromkeys(MACHINE, "good") for _ in KINDS])
    done = labelkit_process("annotate", "todo.csv", "--classes", "good,bad", "--no-task",
                            "--in-order", stdin="\n")  # fmt: skip
    assert done.code == 1 and "no suggestion to accept" in done.err
    assert "guess:" not in done.err and "why:" not in done.err
