"""Any Parquet file passes through every command, or is refused with one plain message."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.io.native_text import texts
from tests import parquet_files
from tests.conftest import Result
from tests.parquet_files import EVERY_COLUMN, repeated

few = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
Run = Callable[..., Result]

ENDPOINT = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--dry-run")
TWO = ("--classes", "a,b")
KEYWORDS = ("--keyword", "a=warm", "--keyword", "b=stale")


def refused_or_done(found: Result) -> int:
    """Return the exit code of a run that ended well or with one message."""
    errors = [line for line in found.err.splitlines() if line.startswith("error:")]
    assert "internal error" not in found.err, found.err
    assert "Traceback" not in found.err, found.err
    assert len(errors) == (1 if found.code in (1, 2) else 0), found.err
    return found.code


def commands(file: str, out: str, text: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return each command that reads a data file, on one."""
    return [
        ("weak-label", file, "-o", out, *KEYWORDS, *text),
        ("llm-label", file, "-o", out, *TWO, *ENDPOINT, *text),
        ("query", file, "-o", out, "-n", "2", *TWO, "--batch", "todo.csv", *text),
        ("query", file, "-o", out, "-n", "2", *TWO, "--batch", "todo.parquet", *text),
        ("query", file, "-o", out, "-n", "2", *TWO, "--batch", "todo.jsonl", *text),
        ("annotate", file, "-o", "answers.csv", "--plain", *TWO, *text),
        ("find-noise", file, "-o", out, "--features", "tfidf", *text),
        ("find-noise", file, "-o", out, "--features", "columns"),
        ("train", file, "-o", "m.model", "--features", "columns"),
        ("train", file, "-o", "t.model", "--features", "tfidf", *text),
        ("predict", "m.model", file, "-o", out),
        ("predict", "m.model", file, "-o", "o.jsonl"),
        ("decide", file, "-o", out),
        ("merge", file, "given.csv", "-o", out),
        ("evaluate", file, "--gold", "label", "--label", "label2"),
        ("simulate", file, "--gold", "label", "--labels", "4", "--per-round", "2", "--seeds", "1",
         "--features", "columns"),
        ("export", file, "-o", "e.json", "--to", "label-studio", *text),
        ("export", file, "-o", "e.jsonl", "--to", "doccano", *text),
        ("export", file, "-o", "hf", "--to", "hf", *text),
        ("report", file, "-o", "r.html"),
        ("init", file, "--force", *text),
    ]  # fmt: skip


def test_a_file_of_every_type_passes_through_every_command(labelkit: Run) -> None:
    labels = pa.array(["a", "b", None, "b"] * 3)
    keys = {"id": [str(i) for i in range(12)], "label": labels, "label2": labels}
    columns = {name: repeated(column, 12) for name, column in EVERY_COLUMN.items()}
    columns["words"] = pa.array([f"the {i} film was warm and kind" for i in range(12)])
    pq.write_table(pa.table({**keys, **columns}), "all.parquet", row_group_size=5)
    Path("given.csv").write_text("id,label\n0,a\n2,b\n")
    for command in commands("all.parquet", "o.parquet", ("--text", "words")):
        found = labelkit(*command, stdin="q\n")
        code = refused_or_done(found)
        assert code == 0 or "all.parquet: column 'binary' is binary" in found.err, found.err
        if Path("o.parquet").exists():
            kept(Path("all.parquet"), Path("o.parquet"))
            Path("o.parquet").unlink()


def kept(source: Path, output: Path) -> None:
    """Check that the columns of a file came through in their types, each cell equal."""
    before, after = pq.read_table(source), pq.read_table(output)
    names = [name for name in before.column_names if name != "label"]  # merge fills it
    assert [name for name in after.column_names if name in names] == names
    for name in names:
        old, new = before[name].combine_chunks(), after[name].combine_chunks()
        assert new.type == old.type
        assert texts(new).equals(texts(old))


CONDITIONS = ["it is empty", "it == 'a'", "it > 1", "it contains 'a'", "it in ('a', 'b')",
              "it == true", "it > '2024-01-01'", "it == label"]  # fmt: skip
ROLES: list[tuple[str, ...]] = [
    ("weak-label", "in.parquet", "-o", "o.parquet", *KEYWORDS, "--text"),
    ("weak-label", "in.parquet", "-o", "o.csv", *KEYWORDS, "--text"),
    ("weak-label", "in.parquet", "-o", "o.jsonl", *KEYWORDS, "--text"),
    ("weak-label", "in.parquet", "-o", "o.parquet", "--text", "words", *KEYWORDS, "--where"),
    ("weak-label", "in.parquet", "-o", "o.parquet", "--text", "words", "--functions", "rows.py"),
    ("weak-label", "in.parquet", "-o", "o.parquet", "--text", "words", "--functions", "frames.py"),
    ("query", "in.parquet", "-o", "o.parquet", *TWO, "--batch", "todo.csv", "--features", "tfidf",
     "--text"),
    ("query", "in.parquet", "-o", "o.parquet", *TWO, "--batch", "t.csv", "--text", "words", "--id"),
    ("find-noise", "in.parquet", "-o", "o.parquet", "--features", "columns", "--label"),
    ("find-noise", "in.parquet", "-o", "o.parquet", "--features", "columns", "--column"),
    ("train", "in.parquet", "-o", "m.model", "--features", "tfidf", "--text"),
    ("train", "in.parquet", "-o", "m.model", "--features", "columns", "--column"),
    ("train", "in.parquet", "-o", "m.model", "--features", "columns", "--group"),
    ("train", "in.parquet", "-o", "m.model", "--features", "columns", "--label"),
    ("llm-label", "in.parquet", "-o", "o.parquet", *TWO, *ENDPOINT, "--text"),
    ("decide", "in.parquet", "-o", "o.parquet", "--label"),
    ("evaluate", "in.parquet", "--gold", "label", "--label"),
    ("evaluate", "in.parquet", "--label", "label", "--gold"),
    ("annotate", "in.parquet", "-o", "a.csv", "--plain", *TWO, "--text", "words", "--show"),
    ("export", "in.parquet", "-o", "e.json", "--to", "label-studio", "--text", "words", *TWO,
     "--show"),
]  # fmt: skip


@few
@given(st.sampled_from(sorted(EVERY_COLUMN)), st.sampled_from(ROLES), st.sampled_from(CONDITIONS))
def test_a_column_of_any_type_in_any_role(
    labelkit: Run, kind: str, role: tuple[str, ...], condition: str
) -> None:
    for path in Path().iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    columns = {
        "words": pa.array([f"the {i} film" for i in range(12)]),
        "label": pa.array(["a", "b", None, "b"] * 3),
        "it": repeated(EVERY_COLUMN[kind], 12),
    }
    pq.write_table(pa.table(columns), "in.parquet", row_group_size=7)
    Path("rows.py").write_text("def lf_a(row): return 'a' if row.it else 'b'\n")
    Path("frames.py").write_text("def lf_a(df): return ['a' if it else 'b' for it in df['it']]\n")
    named = {"--where": condition, "rows.py": (), "frames.py": ()}.get(role[-1], "it")
    refused_or_done(labelkit(*role, *([named] if named else []), stdin="q\n"))


@few
@given(st.data())
def test_any_file_passes_through_or_is_refused(labelkit: Run, data: st.DataObject) -> None:
    for path in Path().iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    table = data.draw(parquet_files.tables())
    source = Path("in.parquet")
    parquet_files.write(table, source, data.draw)
    out = data.draw(st.sampled_from(["o.parquet", "o.csv", "o.jsonl"]))
    text = ("--text", data.draw(st.sampled_from(table.column_names)))
    Path("given.csv").write_text("row,label\n1,a\n")
    command = data.draw(st.sampled_from(commands("in.parquet", out, text)))
    code = refused_or_done(labelkit(*command, stdin="q\n"))
    if code == 0 and Path("o.parquet").exists() and "weak_label" not in table.column_names:
        kept(source, Path("o.parquet"))


# What the files of Apache's parquet-testing hold, as pyarrow writes it.
_NUMBERS = pa.table({"i": list(range(40)), "f": [i / 7 for i in range(40)]})
_STRINGS = pa.table({"s": [f"value {i % 3}" for i in range(40)], "b": [True, False] * 20})
CORPUS: dict[str, tuple[pa.Table, dict[str, Any]]] = {
    "byte_stream_split": (
        _NUMBERS, {"use_dictionary": False, "use_byte_stream_split": ["f"]}),
    "delta_binary_packed": (
        _NUMBERS, {"use_dictionary": False, "column_encoding": {"i": "DELTA_BINARY_PACKED"}}),
    "delta_byte_array": (
        _STRINGS, {"use_dictionary": False, "column_encoding": {"s": "DELTA_BYTE_ARRAY"}}),
    "delta_length_byte_array": (
        _STRINGS, {"use_dictionary": False, "column_encoding": {"s": "DELTA_LENGTH_BYTE_ARRAY"}}),
    "rle_boolean": (
        _STRINGS, {"use_dictionary": False, "column_encoding": {"b": "RLE"},
                   "data_page_version": "2.0"}),
    "int96": (
        pa.table({"t": pa.array([1, None], pa.timestamp("ns"))}),
        {"use_deprecated_int96_timestamps": True}),
    "checksums": (_STRINGS, {"write_page_checksum": True}),
    "page_index": (_STRINGS, {"write_page_index": True}),
    "old_version": (_NUMBERS, {"version": "1.0", "store_schema": False}),
    "nonnullable": (
        pa.table([[[1], []]], pa.schema(
            [pa.field("l", pa.list_(pa.field("e", pa.int64(), nullable=False)), nullable=False)])),
        {}),
    "empty": (_NUMBERS.slice(0, 0), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_files_of_other_writers(labelkit: Run, name: str) -> None:
    table, settings_of_writer = CORPUS[name]
    pq.write_table(table, "in.parquet", **settings_of_writer)
    column = table.column_names[0]
    found = labelkit(
        "weak-label", "in.parquet", "-o", "o.parquet", *KEYWORDS, "--text", column, "--no-task"
    )
    assert refused_or_done(found) == 0
    kept(Path("in.parquet"), Path("o.parquet"))
    refused_or_done(labelkit("query", "in.parquet", "-o", "q.csv", *TWO, "--features", "columns"))


@pytest.mark.parametrize("kept_share", [0.0, 0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_is_cut_off(labelkit: Run, kept_share: float) -> None:
    pq.write_table(_STRINGS, "in.parquet")
    data = Path("in.parquet").read_bytes()
    Path("in.parquet").write_bytes(data[: int(len(data) * kept_share)])
    found = labelkit("weak-label", "in.parquet", "-o", "o.parquet", *KEYWORDS, "--text", "s")
    assert refused_or_done(found) == 1


def test_a_damaged_page_is_named(labelkit: Run) -> None:
    table = pa.table({"s": ["value"] * 9})
    pq.write_table(table, "in.parquet", write_page_checksum=True, compression="gzip")
    data = bytearray(Path("in.parquet").read_bytes())
    data[40:60] = bytes(20)
    Path("in.parquet").write_bytes(data)
    found = labelkit("weak-label", "in.parquet", "-o", "o.parquet", *KEYWORDS, "--text", "s")
    assert refused_or_done(found) == 1
    assert "in.parquet is not a complete Parquet file" in found.err
    assert not Path("o.parquet").exists()


def test_text_that_is_not_utf8_passes_through_or_is_named(labelkit: Run) -> None:
    offsets = pa.array([0, 2, 3], pa.int32()).buffers()[1]
    bad = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"\xff\xfea"))
    pq.write_table(pa.table({"s": ["warm", "stale"], "bad": bad}), "in.parquet")
    given = ("weak-label", "in.parquet", *KEYWORDS, "--text")
    assert refused_or_done(labelkit(*given, "s", "-o", "o.parquet")) == 0
    assert pq.read_table("o.parquet")["bad"].cast(pa.binary()).to_pylist() == [b"\xff\xfe", b"a"]
    for text, out in (("bad", "p.parquet"), ("s", "o.csv"), ("s", "o.jsonl")):
        found = labelkit(*given, text, "-o", out)
        assert refused_or_done(found) == 1
        assert "in.parquet: column 'bad' cannot be read: Invalid UTF8" in found.err
        assert not Path(out).exists()


def test_files_without_columns_and_with_one_name_twice(labelkit: Run) -> None:
    pq.write_table(pa.table({}), "none.parquet")
    found = labelkit("weak-label", "none.parquet", "-o", "o.parquet", *KEYWORDS)
    assert (refused_or_done(found), found.err) == (1, "error: none.parquet has no columns\n")
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    pq.write_table(twice, "twice.parquet")
    found = labelkit("weak-label", "twice.parquet", "-o", "o.parquet", *KEYWORDS)
    assert refused_or_done(found) == 1
    assert "duplicate column name 'x'; rename one" in found.err
