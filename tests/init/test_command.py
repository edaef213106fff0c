"""labelkit init: what it guesses of a data file, and that what it writes runs as it is."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def started(labelkit: Any) -> Callable[..., dict[str, Any]]:
    """Run init and return the task; what it wrote labels the data as it is."""

    def run(data: str, *args: str) -> dict[str, Any]:
        done = labelkit("init", data, *args)
        assert (done.code, done.out) == (0, ""), done.err
        then = next(x for x in done.err.splitlines() if x.startswith("next: "))
        tried = labelkit(*then.removeprefix("next: labelkit ").split())
        assert tried.code == 0, tried.err
        return tomllib.loads(Path("labelkit.toml").read_text("utf-8"))

    return run


def test_texts_key_and_classes_come_from_the_data(started: Any, write: Any) -> None:
    lines = [f"r{i},A long title of number {i},Some words that tell of {i},{'ab'[i % 2]}"
             for i in range(12)]  # fmt: skip
    write("data.csv", "\n".join(["review_id,title,body,category", *lines]) + "\n")
    task = started("data.csv")["task"]
    assert task["text"] == ["title", "body"]
    assert (task["id"], task["classes"]) == ("review_id", ["a", "b"])
    assert '# gold = "category"   # if its labels are correct' in Path("labelkit.toml").read_text()


def test_a_key_that_stands_twice_is_none(started: Any, write: Any) -> None:
    write("data.csv", "id,text\n1,some words of a text\n1,other words of a text\n")
    assert started("data.csv")["task"]["id"] == "row"


def test_rules_are_proposed_from_labels_and_run_when_uncommented(
    started: Any, labelkit: Any, write: Any
) -> None:
    words = {"GOOD": "a lovely film", "BAD": "a grim film"}
    lines = [f"{i},{words[c]} number {i},{c}" for i in range(30) for c in [["BAD", "GOOD"][i % 2]]]
    write("data.csv", "\n".join(["id,text,sentiment", *lines]) + "\n")
    started("data.csv")
    said = labelkit("init", "data.csv", "--force").err
    assert "text: text · key: id · labels: sentiment · " in said and " rules proposed -> " in said
    text = Path("labelkit.toml").read_text()
    assert "learned from column sentiment" in text
    first = text.index("# [[weak-label.rule]]")
    rules = text[first : text.index("# [llm-label]")]
    uncommented = rules.replace("\n# ", "\n").removeprefix("# ").replace("\n#\n", "\n\n")
    Path("labelkit.toml").write_text(text[:first] + uncommented)
    labelled = labelkit("weak-label", "data.csv", "-o", "weak.csv")
    assert labelled.code == 0, labelled.err
    assert "30 labelled" in labelled.err


def test_the_whole_pipeline_runs_on_what_it_writes(started: Any, labelkit: Any, write: Any) -> None:
    lines = [f"{i},{['a lovely', 'a grim'][i % 2]} film number {i},{['GOOD', 'BAD'][i % 2]}"
             for i in range(40)]  # fmt: skip
    write("data.csv", "\n".join(["id,text,truth", *lines]) + "\n")
    started("data.csv")
    done = labelkit("pipeline", "data.csv", "-o", "out.csv", "--work-dir", "work", "--oracle",
                    "truth", "-n", "10", "--audit", "10", "--features", "tfidf")  # fmt: skip
    assert done.code == 0, done.err


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "tsv"])
def test_other_formats(suffix: str, started: Any) -> None:
    rows = [{"id": i, "text": f"some words of number {i}", "label": "xy"[i % 2]} for i in range(8)]
    name = f"data.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), name)
    elif suffix == "jsonl":
        Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = ["\t".join(map(str, row.values())) for row in rows]
        Path(name).write_text("\n".join(["\t".join(rows[0]), *lines]) + "\n")
    task = started(name)["task"]
    assert (task["text"], task["id"], task["classes"]) == (["text"], "id", ["x", "y"])
    assert Path(f"weak.{suffix}").exists()


@pytest.mark.parametrize(
    "content",
    [
        "id,text\n",
        "price,year\n3,1990\n5,1991\n",
        'id,"te]xt ""= [x]","a\nb"\n1,some words of a text,x\n2,other words of a text,y\n',
        'id,text\x1b[31m,"x""""""y"\n1,some words of a text,x\n',
        'id,text,label\n1,some words,"it\'s ""x"""\n2,other words,back\\slash\n3,more,line\n',
        "id,text,label\n1,some words,one\n2,other words,one\n",
    ],
    ids=["no rows", "no text", "odd names", "hostile names", "odd classes", "one class"],
)
def test_odd_files(content: str, started: Any, write: Any) -> None:
    write("data.csv", content)
    assert started("data.csv")["task"]["name"] == "data"
    for name in ("labelkit.toml", "lfs.py"):
        assert "\x1b" not in Path(name).read_text("utf-8")


def test_nothing_is_written_over_and_nothing_left_of_what_cannot_be_read(
    labelkit: Any, write: Any
) -> None:
    write("data.csv", "id,text\n1,some words of a text\n")
    write("lfs.py", "mine")
    found = labelkit("init", "data.csv")
    assert (found.code, found.out) == (2, "")
    assert "lfs.py already exists; pass --force" in found.err
    assert Path("lfs.py").read_text() == "mine" and not Path("labelkit.toml").exists()
    found = labelkit("init", "none.csv", "--dir", "start")
    assert found.code in (1, 2)
    assert not Path("start").exists()
