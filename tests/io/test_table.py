"""Tables: what comes out, our columns cut off, is what came in; broken files say what is wrong."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.errors import LabelkitError, UsageError
from labelkit.io.table import Table
from labelkit.io.table_formats import format_of
from labelkit.io.table_writer import write_table

ODD = ["", "00123", "NA", "1.10", 'q"uote', "a,b", "tab\there", "two\nlines", "cr\rhere",
       "crlf\r\nx", "😀é", " x ",
       "\ufeffmark", "\x00\x1f\x7f", "\u2028", '""', "'", "=1+1", "\\"]  # fmt: skip
cell = st.one_of(st.sampled_from(ODD), st.text(max_size=6))
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def csv_files(draw: st.DrawFn) -> tuple[list[str], list[list[str]], bytes]:
    """Tables as CSV in all its spellings: quoting, line ends, byte order mark, no last line end."""
    width = draw(st.integers(1, 4))
    names = [f"c{i}" for i in range(width)]
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=6))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    # Python's writer leaves a lone carriage return bare when the line end is a line feed.
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    if quoting == csv.QUOTE_MINIMAL and end == "\n":
        # ... and at the end of a record that cannot be told from a carriage return, line feed.
        rows = [[*row[:-1], row[-1].rstrip("\r")] for row in rows]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=quoting).writerows([names, *rows])
    text = draw(st.sampled_from(["", "\ufeff"])) + out.getvalue()
    if draw(st.booleans()) and rows and rows[-1] != [""]:
        text = text.removesuffix(end)
    return names, rows, text.encode("utf-8", "surrogatepass")


def encodable(rows: list[list[str]]) -> bool:
    try:
        "".join("".join(row) for row in rows).encode()
    except UnicodeEncodeError:
        return False
    return True


def annotations(n: int) -> pa.Table:
    return pa.table(
        {
            "weak_label": pa.array(['a,"b"\n'] * n, pa.string()),
            "weak_confidence": pa.array([None] + [1 / 3] * (n - 1) if n else [], pa.float64()),
            "weak_flag": pa.array([True] * n, pa.bool_()),
        }
    )


@quick
@given(csv_files())
def test_csv_comes_out_as_it_came_in(tmp_path: Path, file: Any) -> None:
    names, rows, data = file
    if not encodable(rows):
        return
    source, out, back = tmp_path / "in.csv", tmp_path / "out.csv", tmp_path / "back.csv"
    source.write_bytes(data)
    table = Table([source])
    assert table.columns == names
    assert table.read(names).to_pylist() == [dict(zip(names, row, strict=True)) for row in rows]
    added = annotations(len(rows))
    table.write_annotated(out, added)
    annotated = Table([out])
    assert annotated.columns == [*names, *added.column_names]
    assert annotated.texts("weak_label").tolist() == ['a,"b"\n'] * len(rows)
    annotated.write_annotated(back, added.select([]), drop=added.column_names)
    assert back.read_bytes() == data
    annotated.write_annotated(tmp_path / "again.csv", added, drop=added.column_names)
    assert (tmp_path / "again.csv").read_bytes() == out.read_bytes()


@quick
@given(csv_files(), st.integers(1, 40))
def test_small_blocks_read_alike(tmp_path: Path, file: Any, size: int) -> None:
    from labelkit.io.csv_parser import Parser

    names, rows, data = file
    if not encodable(rows):
        return
    source = tmp_path / "in.csv"
    source.write_bytes(data)
    parser = Parser(source, ",", "utf-8", chunk_bytes=size)
    records = [record for block in parser.blocks() for record in block.records]
    raw = [text for block in Parser(source, ",", "utf-8", size).blocks() for text in block.raw]
    assert [record or [""] for record in records] == [names, *rows]
    assert "".join(raw).encode() == data


@quick
@given(csv_files())
def test_across_formats_and_back(tmp_path: Path, file: Any) -> None:
    names, rows, data = file
    if not encodable(rows) or not rows:
        return
    source = tmp_path / "in.csv"
    source.write_bytes(data)
    added = annotations(len(rows))
    Table([source]).write_annotated(tmp_path / "a.parquet", added)
    Table([tmp_path / "a.parquet"]).write_annotated(
        tmp_path / "b.jsonl.zst", added, drop=added.column_names
    )
    Table([tmp_path / "b.jsonl.zst"]).write_annotated(
        tmp_path / "c.csv.gz", added, drop=added.column_names
    )
    found = Table([tmp_path / "c.csv.gz"])
    assert found.read(names).to_pylist() == [dict(zip(names, row, strict=True)) for row in rows]


def test_a_cell_of_megabytes(tmp_path: Path) -> None:
    big = 'x"\n,' * 600_000
    source = tmp_path / "in.csv"
    with source.open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "b"], ["1", big], ["2", "y"]])
    table = Table([source])
    assert table.texts("b").tolist() == [big, "y"]
    table.write_annotated(tmp_path / "out.csv", annotations(2))
    back = Table([tmp_path / "out.csv"])
    back.write_annotated(
        tmp_path / "back.csv", annotations(2).select([]), drop=annotations(0).column_names
    )
    assert (tmp_path / "back.csv").read_bytes() == source.read_bytes()


def test_other_encodings_stay(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("a,b\ncafé,1\n".encode("cp1252"))
    Table([source], encoding="cp1252").write_annotated(
        tmp_path / "o.csv", annotations(1).select([2])
    )
    assert (tmp_path / "o.csv").read_bytes() == "a,b,weak_flag\ncafé,1,true\n".encode("cp1252")


def test_several_files_of_one_schema(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x,y\r\n1,2")
    (tmp_path / "b.csv").write_bytes(b"x,y\n3,4\n\n")
    table = Table([tmp_path / "a.csv", tmp_path / "b.csv"])
    table.write_annotated(tmp_path / "o.csv", pa.table({"n": [1, 2]}))
    assert (tmp_path / "o.csv").read_bytes() == b"x,y,n\r\n1,2,1\n3,4,2\n\n"
    (tmp_path / "c.csv").write_bytes(b"x,z\n3,4\n")
    with pytest.raises(LabelkitError, match=r"c\.csv has other columns than .*a\.csv: x, z"):
        Table([tmp_path / "a.csv", tmp_path / "c.csv"])


def test_a_folder_of_parquet_parts(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for i in range(3):
        pq.write_table(pa.table({"x": [i, i + 10]}), tmp_path / "parts" / f"{i}.parquet")
    table = Table([tmp_path / "parts"])
    assert table.texts("x").tolist() == ["0", "10", "1", "11", "2", "12"]
    table.write_annotated(tmp_path / "o.parquet", pa.table({"n": [1] * 6}))
    assert pq.read_table(tmp_path / "o.parquet")["x"].to_pylist() == [0, 10, 1, 11, 2, 12]


def test_parquet_types_and_metadata_pass_through(tmp_path: Path) -> None:
    import datetime as dt
    import decimal

    table = pa.table(
        {
            "i": pa.array([1, None], pa.int16()),
            "d": pa.array([decimal.Decimal("1.10"), None], pa.decimal128(5, 2)),
            "t": pa.array([dt.datetime(2020, 1, 1), None], pa.timestamp("ns", "UTC")),
            "l": pa.array([[1, 2], None], pa.list_(pa.int32())),
            "s": pa.array([{"a": 1, "b": "x"}, None]),
            "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
            "c": pa.array(["x", None]).dictionary_encode(),
            "b": pa.array([b"\x00\xff", None], pa.binary()),
            "ls": pa.array(["x", None], pa.large_string()),
        }
    ).replace_schema_metadata({"owner": "me", "pandas": "{}"})
    pq.write_table(table, tmp_path / "in.parquet")
    source = Table([tmp_path / "in.parquet"])
    source.write_annotated(tmp_path / "o.parquet", pa.table({"n": [1, None]}))
    found = pq.read_table(tmp_path / "o.parquet")
    assert found.drop_columns(["n"]).equals(table, check_metadata=False)
    assert found.schema.metadata[b"owner"] == b"me"
    with pytest.raises(LabelkitError, match="column 'b' is binary"):
        source.write_annotated(tmp_path / "o.csv", pa.table({"n": [1, None]}))
    assert not (tmp_path / "o.csv").exists()
    write_table(source.read(["i", "d", "l"]), tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text() == 'i,d,l\n1,1.10,"[1, 2]"\n,,\n'


def test_json_lines_keep_their_spelling(tmp_path: Path) -> None:
    lines = ['{"b": 1.10, "a": 1e3}', '{ "a":null ,"x":{"k":[1,2.50]}, "weak_label": "old" } ']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    table = Table([tmp_path / "in.jsonl"])
    assert table.texts("b").tolist() == ["1.10", ""]
    assert table.texts("x").tolist() == ["", '{"k": [1, 2.50]}']
    table.write_annotated(
        tmp_path / "o.jsonl", pa.table({"weak_label": ["é", None]}), drop=["weak_label"]
    )
    first, second = (tmp_path / "o.jsonl").read_text().splitlines()
    assert first == '{"b": 1.10, "a": 1e3, "weak_label": "é"}'
    assert json.loads(second) == {"a": None, "x": {"k": [1, 2.5]}, "weak_label": None}
    assert "2.50" in second


BROKEN = [
    (b"", "is empty: it has no header"),
    (b"\n1,2\n", "line 1: blank line where the header should be"),
    (b"a,b\n1\n", "line 2: 1 cell where the header has 2; quote cells that contain ',', or name "
                  "another --delimiter"),
    (b'a,b\n"x\ny",1\n1,2,3\n', "line 4: 3 cells where the header has 2"),
    (b"a,b\n1,2\n\n3,4\n", "line 3: blank line between records; delete it, or quote the cell if "
                           "it is a blank line of text"),
    (b'a,b\n1,2\n"x\ny",z\n3,"4\n5,6\n', "line 5: the quote that starts here is never closed; "
                                         'close it, or write a quote inside a cell as ""'),
    (b'a,b\n1,"x"y\n', "line 2: text after a closing quote; double the quotes inside a quoted "
                        "cell"),
    (b"a,a\n1,2\n", "line 1: duplicate column name 'a'; rename one"),
    (b"a,b\n1,caf\xe9\n", "line 2: byte 0xe9 is not UTF-8; set the file's encoding, for example "
                          "--encoding cp1252"),
    (b"a,b\r1,2\r", "has carriage returns as line ends (old Mac)"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), BROKEN)
def test_broken_csv_says_where_and_what_to_do(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(LabelkitError) as caught:
        Table([tmp_path / "in.csv"]).count()
    assert str(caught.value).startswith(str(tmp_path / "in.csv"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty: it has no rows"),
        (b'{"a": 1}\n{"a": \n', "line 2: not a JSON object"),
        (b'{"a": 1}\n\n{"a": 2}\n', "line 2: blank line between rows; delete it"),
        (b'{"a": 1}\n[1]\n', "line 2: not a JSON object but list"),
        (b'{"a": 1, "a": 2}\n', "line 1: duplicate key 'a'"),
        (b'{"a": "\xe9"}\n', "line 1: byte 0xe9 is not UTF-8"),
    ],
)
def test_broken_json_lines_say_where(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(data)
    with pytest.raises(LabelkitError) as caught:
        Table([tmp_path / "in.jsonl"]).count()
    assert message in str(caught.value)


def test_broken_parquet_and_gzip(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": list(range(1000))}), tmp_path / "in.parquet")
    data = (tmp_path / "in.parquet").read_bytes()
    (tmp_path / "in.parquet").write_bytes(data[:-20])
    with pytest.raises(LabelkitError, match="is not a complete Parquet file"):
        Table([tmp_path / "in.parquet"])
    write_table(pa.table({"x": [str(i * i) for i in range(9000)]}), tmp_path / "in.csv.gz")
    data = (tmp_path / "in.csv.gz").read_bytes()
    (tmp_path / "in.csv.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(LabelkitError, match="cannot be decompressed after line"):
        Table([tmp_path / "in.csv.gz"]).count()


def test_formats_by_suffix() -> None:
    assert format_of(Path("a.b/x.CSV.gz")) == "csv"
    assert format_of(Path("-"), "tsv") == "tsv"
    with pytest.raises(UsageError, match="spreadsheet files are not supported; save it as CSV"):
        format_of(Path("x.xlsx"))
    with pytest.raises(UsageError, match=r"the suffix \.cvs is not known; did you mean 'csv'\?"):
        format_of(Path("x.cvs"))


def test_a_missing_file_or_column_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_bytes(b"id,text\n1,x\n")
    with pytest.raises(LabelkitError, match=r"there is no file .*; did you mean 'reviews.csv'\?"):
        Table([tmp_path / "review.csv"])
    with pytest.raises(
        LabelkitError, match=r"has no column 'txt'; did you mean 'text'\? \(columns: id, text\)"
    ):
        Table([tmp_path / "reviews.csv"]).read(["txt"])


def test_rows_gathered_in_any_order(tmp_path: Path) -> None:
    write_table(pa.table({"x": [str(i) for i in range(100_000)]}), tmp_path / "in.csv")
    picked = Table([tmp_path / "in.csv"]).gather([99_999, 3, 70_000, 4])  # type: ignore[arg-type]
    assert picked["x"].to_pylist() == ["99999", "3", "70000", "4"]


def test_columns_that_were_read_stay_at_hand_unless_they_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("short,long\n" + "".join(f"{i},{'x' * 50}\n" for i in range(100)))
    monkeypatch.setattr("labelkit.io.csv_file.MAX_CACHED_BYTES", 3000)
    table = Table([path])
    for _ in range(2):  # both from the file: the second does not fit
        assert table.texts_of(["long", "short"])["long"].tolist() == ["x" * 50] * 100
        assert table.texts("short").tolist() == [str(i) for i in range(100)]
    path.unlink()
    assert table.texts("short").tolist() == [str(i) for i in range(100)]
    with pytest.raises(LabelkitError, match="there is no file"):
        table.texts("long")


def test_kinds_are_decided_on_the_whole_column(tmp_path: Path) -> None:
    body = "".join(f"{i},{i}\n" for i in range(30_000)) + "x,NA\n"
    (tmp_path / "in.csv").write_text("a,b\n" + body)
    table = Table([tmp_path / "in.csv"])
    assert table.kinds(["a", "b"]) == {"a": "text", "b": "number"}
    assert table.read(["b"], typed=True)["b"].to_pylist()[-2:] == [29_999.0, None]


def test_our_numbers_are_rounded_in_64_bits_however_a_file_is_cut_into_batches(tmp_path: Path):
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({"id": range(20_000)}), source)
    shares = [1 / 3, 0.12345649, None, 0.5] * 5_000
    ours = pa.table({"p": pa.array(shares, pa.float32()), "n": [1] * 20_000})
    Table([source]).write_annotated(tmp_path / "out.parquet", ours, rounds=True)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("p").type == pa.float64()
    assert found["p"].to_pylist() == [0.333333, 0.123456, None, 0.5] * 5_000
    assert found["n"].to_pylist() == [1] * 20_000
