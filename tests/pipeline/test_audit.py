"""The rows drawn at random judge the labels and teach nothing, whatever the stages and rounds."""

import csv
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, CLASSES_OF_FILMS, ROWS, answer, cells, truth

OTHER = {"GOOD": "BAD", "BAD": "GOOD"}
BY_PEOPLE = ("label", "final_label")  # of an audit row both are what the person said
TASK = CLASSES_OF_FILMS + '[llm-label]\nmodel = "replay:llm.jsonl"\n'


@pytest.fixture
def replayed(reviews: None) -> None:
    """A language model that is wrong on each seventh row."""
    lines = []
    for key, text in cells("reviews.csv", "id", "text"):
        label = truth(int(key)) if int(key) % 7 else OTHER[truth(int(key))]
        lines.append(json.dumps({"text": text, "label": label, "confidence": 0.9}))
    Path("llm.jsonl").write_text("\n".join(lines) + "\n")
    Path("labelkit.toml").write_text(TASK)


def _answer_what_is_open(nonsense: bool) -> bool:
    """Answer the batches without answers; tell whether there was one."""
    answered = False
    for batch in Path("work").glob("batch-*.csv"):
        answers = batch.with_name(batch.name.replace("batch", "answers"))
        if answers.exists():
            continue
        with batch.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        with answers.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            for row in rows:
                label = truth(int(row["id"]))
                wrong = nonsense and row["label_origin"] == "audit"
                writer.writerow({**row, "label": OTHER[label] if wrong else label})
        answered = True
    return answered


def _told_by_machines() -> Iterator[tuple[str, Any]]:
    """Yield all that the stages wrote, without what people said of audit rows."""
    for path in [Path("labelled.csv"), *sorted(Path("work").glob("[0-9b]*.csv"))]:
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            if row.get("label_origin") == "audit":
                row.update(dict.fromkeys(set(BY_PEOPLE) & set(row), "audit"))
        yield path.name, rows
    for path in sorted(Path("work").glob("*.model")):
        with zipfile.ZipFile(path) as parts:
            learned = {n: parts.read(n) for n in parts.namelist() if n != "card.json"}
        yield path.name, learned


@pytest.mark.parametrize(
    ("stages", "more"),
    [
        ("weak-label,query,people,find-noise,decide,train", ()),
        ("query,people,train,weak-label,decide,query,people,find-noise,decide,train", ()),
        ("weak-label,query,people,llm-label,decide,llm-label,decide,people,find-noise,decide,train",
         ("--target-accuracy", "0.97")),
    ],
)  # fmt: skip
def test_nonsense_on_audit_rows_changes_no_label_no_pick_and_no_model(
    stages: str,
    more: tuple[str, ...],
    labelkit: Any,
    replayed: None,
    tmp_path: Path,
    monkeypatch: Any,
) -> None:
    given = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    told, claims = [], []
    for nonsense in (False, True):
        folder = tmp_path / f"nonsense-{nonsense}"
        folder.mkdir()
        for name, content in given.items():
            (folder / name).write_bytes(content)
        monkeypatch.chdir(folder)
        args = ("pipeline", *BASE, "--functions", "lfs.py", "--features", "tfidf", "-n", "8",
                "--audit", "10", "--stages", stages, *more)  # fmt: skip
        while (done := labelkit(*args)).code == 3 and _answer_what_is_open(nonsense):
            pass
        # By nonsense the audit contradicts a target accuracy: more labels are asked for.
        assert done.code == (3 if nonsense and more else 0), done.err
        told.append(dict(_told_by_machines()))
        claims.append([line for line in done.err.splitlines() if line.startswith("verdict: ")])
    assert told[0] == told[1]
    assert claims[0] != claims[1], "what is claimed is all that changes"


def test_the_audit_is_drawn_before_anything_learns(labelkit: Any, reviews: None) -> None:
    args = ("pipeline", *BASE, "--functions", "lfs.py", "-n", "8", "--audit", "10", "--features",
            "tfidf", "--stages")  # fmt: skip
    drawn = []
    for stages in ("query", "weak-label,query", "weak-label,find-noise,query"):
        done = labelkit(*args, stages, "--work-dir", f"work-{len(stages)}")
        assert done.code == 0, done.err
        batch = cells(f"work-{len(stages)}/batch-1.csv", "id", "label_origin")
        drawn.append({key for key, origin in batch if origin == "audit"})
    assert len(drawn[0]) == 10
    assert drawn[0] == drawn[1] == drawn[2], "it hangs on the rows and the seed alone"


def test_rows_that_were_picked_never_turn_into_audit_rows(labelkit: Any, reviews: None) -> None:
    args = ("pipeline", *BASE, "--functions", "lfs.py", "-n", "30", "--audit", "10",
            "--features", "tfidf", "--stages", "weak-label,query,people,decide")  # fmt: skip
    assert labelkit(*args).code == 3
    asked = {key for key, origin in cells("work/batch-1.csv", "id", "label_origin")
             if origin == "audit"}  # fmt: skip
    answer()
    more = "".join(f"{i:03d},a warm film number {i}\n" for i in range(ROWS, ROWS + 20))
    with Path("reviews.csv").open("a") as stream:
        stream.write(more)
    done = labelkit(*args)  # other rows are drawn of a file that has grown
    assert done.code == 0, done.err
    by_audit = {key for key, origin in cells("labelled.csv", "id", "label_origin")
                if origin == "audit"}  # fmt: skip
    assert by_audit == asked
