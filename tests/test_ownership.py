"""No command changes a column of the user's, whatever it is called; what is ours is replaced."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.data.columns import ENDINGS

ROWS = 24
FORMATS = ("csv", "tsv", "jsonl", "parquet")
PREFIX = {
    "weak-label": "weak", "llm-label": "llm", "query": "query", "find-noise": "noise",
    "decide": "final", "merge": "label", "predict": "model",
}  # fmt: skip
OPTIONS: dict[str, tuple[str, ...]] = {
    "weak-label": ("--keyword", "good=lovely", "--keyword", "bad=dull", "--proba", "--votes"),
    "llm-label": ("--model", "replay:llm.jsonl", "--classes", "bad,good", "--rationale"),
    "query": ("-n", "2", "--features", "tfidf", "--classes", "bad,good"),
    "find-noise": ("--label", "old", "--features", "tfidf", "--fix", "exclude"),
    "decide": ("--label", "old", "--no-own-model"),
    "merge": ("answers.csv",),
    "predict": (),
}
NAMES = [
    f"{prefix}_{ending.replace('*', 'good')}"
    for prefix, endings in ENDINGS.items()
    for ending in [*endings.always, *endings.optional]
]
commands = pytest.mark.parametrize("command", PREFIX)


def truth(i: int) -> str:
    return "good" if i % 3 else "bad"


def table(more: dict[str, list[str]] | None = None) -> list[dict[str, str]]:
    words = {"bad": ("dull", "grim"), "good": ("lovely", "warm")}
    return [
        {"id": f"{i}", "text": f"a {words[truth(i)][i % 2]} film {i}", "old": truth(i)}
        | {name: values[i % len(values)] for name, values in (more or {}).items()}
        for i in range(ROWS)
    ]


def save(path: Path, rows: list[dict[str, str]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter(path), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(out.getvalue(), "utf-8")


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter(path)))


def delimiter(path: Path) -> str:
    return "\t" if path.suffix == ".tsv" else ","


Run = Callable[..., Any]


@pytest.fixture
def run(labelkit: Run, write: Any, begin: Any) -> Run:
    """Run a command on a file of the folder, with what it needs beside it."""

    def make() -> None:
        said = [json.dumps({"text": row["text"], "label": row["old"]}) for row in table()]
        write("llm.jsonl", "\n".join(said) + "\n")
        answers = [f"{i},{truth(i)},ann,mine\n" for i in range(4)]
        write("answers.csv", "id,label,label_annotator,label_note\n" + "".join(answers))
        save(Path("train.csv"), table())
        made = ("train", "train.csv", "-o", "m.model", "--label", "old", "--features", "tfidf")
        done = labelkit(*made)
        assert done.code == 0, done.err

    begin("what owns columns", make)

    def call(command: str, source: str, *more: str) -> Any:
        named = ["m.model", source] if command == "predict" else [source]
        where = [] if "--in-place" in more or "-o" in more else ["-o", f"out{Path(source).suffix}"]
        return labelkit(command, *named, *OPTIONS[command], *where, *more)

    return call


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    command=st.sampled_from(sorted(PREFIX)),
    suffix=st.sampled_from(FORMATS),
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
    value=st.sampled_from(["mine", "0.90", "1e3", "true", "00123"]),
    in_place=st.booleans(),
)
def test_a_user_s_cell_is_never_changed(
    run: Run, command: str, suffix: str, names: list[str], value: str, in_place: bool
) -> None:
    """The file has no history, so a column is the user's unless all of a command's are there."""
    source = Path(f"in.{suffix}")
    Path(f"{source}.history.json").unlink(missing_ok=True)
    Path(f"out.{suffix}").unlink(missing_ok=True)
    rows = table({name: [value, "mine"] for name in names})
    save(source, rows)
    before = source.read_bytes()
    done = run(command, str(source), *(["--in-place"] if in_place else []), "--quiet")
    if done.code != 0:
        # A column of a machine's name may also hold no label, confidence or seconds.
        assert done.code in (1, 2), done.err
        assert source.read_bytes() == before and not Path(f"out.{suffix}").exists()
        return
    found = read(source if in_place else Path(f"out.{suffix}"))
    always = {f"{PREFIX[command]}_{ending}" for ending in ENDINGS[PREFIX[command]].always}
    for name in [] if always <= set(names) else ["id", "text", "old", *names]:
        assert [row[name] for row in found] == [row[name] for row in rows], name


@commands
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_column_of_the_user_s_is_refused_and_replaced_on_request(
    run: Run, command: str, suffix: str
) -> None:
    prefix = PREFIX[command]
    name = f"{prefix}_{ENDINGS[prefix].always[-1]}"
    source = Path(f"in.{suffix}")
    save(source, table({name: ["MYDATA"]}))
    before = source.read_bytes()
    refused = run(command, str(source), "--in-place")
    assert refused.code == 2
    assert repr(name) in refused.err and "--as NAME" in refused.err and "--overwrite" in refused.err
    assert source.read_bytes() == before
    named = run(command, str(source), "-o", f"named.{suffix}", "--as", "second")
    assert named.code == 0, named.err
    assert {row[name] for row in read(Path(f"named.{suffix}"))} == {"MYDATA"}
    done = run(command, str(source), "--in-place", "--overwrite")
    assert done.code == 0, done.err
    assert not all(row[name] == "MYDATA" for row in read(source))


@commands
def test_a_file_that_was_moved_or_copied_keeps_its_history(run: Run, command: str) -> None:
    save(Path("in.csv"), table())
    assert run(command, "in.csv", "-o", "one.csv").code == 0
    Path("one.csv").rename("renamed.csv")
    again = run(command, "renamed.csv", "-o", "two.csv")
    assert again.code == 0 and "has no history" not in again.err
    assert Path("two.csv").read_bytes() == Path("renamed.csv").read_bytes()


@commands
def test_without_a_history_all_of_a_command_s_columns_are_taken_for_its_own_with_a_note(
    run: Run, command: str
) -> None:
    save(Path("in.csv"), table())
    assert run(command, "in.csv", "-o", "one.csv").code == 0
    Path("elsewhere").mkdir()
    shutil.move("one.csv", "elsewhere/one.csv")
    again = run(command, "elsewhere/one.csv", "-o", "two.csv")
    assert again.code == 0, again.err
    assert again.err.count("has no history") == 1
    assert Path("two.csv").read_bytes() == Path("elsewhere/one.csv").read_bytes()


def test_columns_of_all_names_with_values_that_no_command_writes_are_the_user_s(run: Run) -> None:
    mine = {"query_score": ["MYDATA"], "query_rank": ["1"], "query_reason": ["typed by hand"]}
    save(Path("in.csv"), table(mine))
    assert run("query", "in.csv", "--in-place", "--quiet").code == 2


def test_a_history_of_other_content_says_nothing(run: Run) -> None:
    save(Path("in.csv"), table())
    assert run("query", "in.csv", "-o", "one.csv").code == 0
    save(Path("one.csv"), table({"query_score": ["7"]}))
    assert run("query", "one.csv", "-o", "two.csv").code == 2


def test_the_history_names_columns_of_earlier_steps_but_not_those_of_the_user(run: Run) -> None:
    save(Path("in.csv"), table({"model_label": ["mine"]}))
    assert run("weak-label", "in.csv", "-o", "one.csv").code == 0
    assert run("query", "one.csv", "-o", "two.csv").code == 0
    assert run("weak-label", "two.csv", "-o", "three.csv").code == 0
    assert run("predict", "three.csv", "-o", "four.csv").code == 2


@commands
@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_outside_where_keep_what_they_had(run: Run, command: str, suffix: str) -> None:
    save(Path(f"in.{suffix}"), table())
    assert run(command, f"in.{suffix}", "-o", f"one.{suffix}").code == 0
    one = Path(f"one.{suffix}")
    before = read(one)
    done = run(
        command, one.name, "--in-place", "--where", "text contains 'film 3'", "--summary", "s.json"
    )
    assert done.code == 0, done.err
    after = read(one)
    assert [list(row) for row in after] == [list(row) for row in before]
    assert [row for row in after if row["id"] != "3"] == [row for row in before if row["id"] != "3"]
    if command != "merge":
        kept = json.loads(Path("s.json").read_text())["kept_rows"]
        ours = [name for name in before[0] if name.startswith(f"{PREFIX[command]}_")]
        filled = [any(row[name] not in ("", None) for name in ours) for row in before]
        assert kept == sum(filled) - filled[3]
        assert f"{kept} other rows unchanged" in done.err
    sampled = run(command, one.name, "-o", f"two.{suffix}", "--sample", "3")
    assert sampled.code == 0, sampled.err
    unchanged = [a == b for a, b in zip(read(Path(f"two.{suffix}")), after, strict=True)]
    assert sum(unchanged) >= ROWS - 3


def test_columns_that_are_not_written_this_time_go_with_a_history_and_else_stay(
    run: Run, labelkit: Any
) -> None:
    rows = table({"weak_lf_mine": ["mine"]})
    save(Path("in.csv"), rows)
    assert run("weak-label", "in.csv", "-o", "one.csv").code == 0
    less = ("--keyword", "good=lovely", "--keyword", "bad=dull")
    assert labelkit("weak-label", "one.csv", "-o", "two.csv", *less).code == 0
    assert {"weak_label", "weak_lf_mine"} <= set(read(Path("two.csv"))[0])
    assert "weak_proba_good" not in read(Path("two.csv"))[0]
    piped = labelkit("weak-label", "-", "-o", "-", *less, stdin=Path("one.csv").read_bytes())
    assert piped.code == 0 and "has no history" in piped.err
    assert "weak_lf_mine" in piped.out and "weak_proba_good" in piped.out
    acted = ("--where", "text contains 'film 3'")
    assert labelkit("weak-label", "one.csv", "-o", "two.csv", *less, *acted).code == 0
    filled = [row["id"] for row in read(Path("two.csv")) if row["weak_proba_good"]]
    assert len(filled) > 5 and "3" not in filled


@commands
def test_an_empty_where_is_an_error(run: Run, command: str) -> None:
    save(Path("in.csv"), table())
    for empty in ("", "  "):
        done = run(command, "in.csv", "--where", empty)
        assert done.code == 2 and "--where is empty" in done.err
