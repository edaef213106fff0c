"""Text files as they come: other encodings, open quotes, other formats, half characters."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.errors import LabelkitError
from labelkit.io import encodings
from labelkit.io.csv_parser import RawCells
from labelkit.io.table import Table

OURS = pa.table({"weak_label": ["A"]})


def annotated(source: Path, rows: int, **reading: Any) -> bytes:
    """Return what comes out, with our column replaced in a second run."""
    first, second = (
        source.with_suffix(f".1{source.suffix}"),
        source.with_suffix(f".2{source.suffix}"),
    )
    ours = pa.table({"weak_label": ["A"] * rows})
    Table([source], **reading).write_annotated(first, ours)
    again = Table([first], **reading)
    assert again.count() == rows
    again.write_annotated(second, ours, drop=["weak_label"])
    assert second.read_bytes() == first.read_bytes()
    return first.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from(["cp932", "shift_jis", "gb18030", "big5hkscs", "euc_kr", "cp1252", "utf-8"]),
    st.binary(max_size=24),
)
def test_every_byte_of_every_encoding_comes_back(encoding: str, data: bytes) -> None:
    try:
        plain = data.decode(encoding)
    except UnicodeDecodeError:
        return
    text = encodings.decode(data, encoding)
    assert encodings.encode(text, encoding) == data
    assert encodings.shown(text, encoding) == plain


@pytest.mark.parametrize("cell", [b"\xfa\x54", b"\x81\xe6", b'"\xfa\x54\n\x81\xca"'])
def test_bytes_that_stand_for_one_character_stay(tmp_path: Path, cell: bytes) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b"a,b\n" + cell + b",1\n\xfa\x54,2\n")
    found = annotated(source, 2, encoding="cp932")
    assert found == b"a,b,weak_label\n" + cell + b",1,A\n\xfa\x54,2,A\n"
    assert Table([source], encoding="cp932").texts("a")[1] == "￢"


@given(st.text(st.sampled_from('ab",\n')), st.sampled_from(",;|"))
def test_raw_cells_join_to_the_record(body: str, delimiter: str) -> None:
    assert delimiter.join(RawCells(delimiter).split(body)) == body


SPECTRUM = {
    "comma_in_quotes": 'first,last,address\nJohn,Doe,"120 any st., Anytown, WW"\n',
    "empty": 'a,b,c\n1,"",""\n2,3,4\n',
    "empty_crlf": 'a,b,c\r\n1,"",""\r\n2,3,4\r\n',
    "escaped_quotes": 'a,b\n1,"ha ""ha"" ha"\n3,4\n',
    "json": 'key,val\n1,"{""type"": ""Point"", ""coordinates"": [102.0, 0.5]}"\n',
    "location_coordinates": "lat,long\n-35.2,149.1000\n-35.20,149.1\n",
    "newlines": 'a,b,c\n1,2,3\n"Once upon \na time",5,6\n7,8,9\n',
    "newlines_crlf": 'a,b,c\r\n1,2,3\r\n"Once upon \r\na time",5,6\r\n7,8,9\r\n',
    "quotes_and_newlines": 'a,b\n1,"ha \n""ha"" \nha"\n3,4\n',
    "simple": "a,b,c\n1,2,3\n",
    "utf8": "a,b,c\n1,2,3\n4,5,ʤ\n",
    "no_last_line_end": 'a,b\n1,"x\ny"',
}


@pytest.mark.parametrize("text", SPECTRUM.values(), ids=SPECTRUM)
def test_cells_of_the_csv_spectrum_stay_exact(tmp_path: Path, text: str) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(text.encode())
    names = Table([source]).columns
    before = Table([source]).read(names).to_pylist()
    found = annotated(source, len(before))
    back = tmp_path / "back.csv"
    (tmp_path / "out.csv").write_bytes(found)
    Table([tmp_path / "out.csv"]).write_annotated(
        back, pa.table({"x": [""] * len(before)}).select([]), drop=["weak_label"]
    )
    assert back.read_bytes() == text.encode()
    jsonl = tmp_path / "out.jsonl"
    Table([source]).write_annotated(jsonl, pa.table({"weak_label": ["A"] * len(before)}))
    rows = [json.loads(line) for line in jsonl.read_text().splitlines()]
    assert [{name: row[name] for name in names} for row in rows] == before


@pytest.mark.parametrize("text", ["id,t\r1,a\r2,b\r", 'id,t\r1,"a\nb"\r2,c\r', '"id","t"\r1,a\n'])
def test_old_mac_line_ends_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "in.csv").write_bytes(text.encode())
    with pytest.raises(LabelkitError, match="has carriage returns as line ends"):
        Table([tmp_path / "in.csv"])


def test_a_file_twice_without_a_last_line_end(tmp_path: Path) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_bytes(b"x,y\n1,2")
    Table([source, source]).write_annotated(out, pa.table({"weak_label": ["A", "B"]}))
    assert out.read_bytes() == b"x,y,weak_label\n1,2,A\n1,2,B"


TABLE = "id,text\n1,hello\n"
OTHERS = [
    (TABLE.encode("utf-16"), r"is UTF-16, not csv; convert it: iconv -f UTF-16 -t UTF-8 < "),
    (TABLE.encode("utf-16-le"), r"iconv -f UTF-16LE -t UTF-8 < \S*in.csv > \S*in.new.csv"),
    (TABLE.encode("utf-16-be"), r"iconv -f UTF-16BE -t UTF-8 < \S*in.csv > \S*in.new.csv"),
    (TABLE.encode("utf-32"), r"is UTF-32"),
    (gzip.compress(TABLE.encode()), r"is gzip, not csv; convert it: gunzip < \S*in.csv > \S*new"),
    (b"PK\x03\x04\x14\x00[Content_Types].xml", r"is a spreadsheet .xlsx., not csv; convert it: s"),
    (b"PAR1\x15\x04\x15", r"is Parquet, not csv; convert it: mv \S*in.csv \S*in.parquet"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1", r"is an old spreadsheet"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), OTHERS, ids=[m[:12] for _, m in OTHERS])
def test_other_formats_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(LabelkitError, match=message):
        Table([tmp_path / "in.csv"])


def test_a_table_may_begin_with_letters_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"PAR1,BZh\n1,2\n")
    assert Table([tmp_path / "in.csv"]).columns == ["PAR1", "BZh"]
    (tmp_path / "in.parquet").write_bytes(TABLE.encode())
    with pytest.raises(LabelkitError, match="is not a Parquet file, despite"):
        Table([tmp_path / "in.parquet"])


def test_compression_that_the_name_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "in.csv.gz").write_bytes(TABLE.encode())
    with pytest.raises(
        LabelkitError, match=r"is not compressed, despite its suffix .gz; rename it: mv \S*gz"
    ):
        Table([tmp_path / "in.csv.gz"])
    (tmp_path / "in.csv.zst").write_bytes(gzip.compress(TABLE.encode()))
    with pytest.raises(
        LabelkitError, match=r"is gzip, despite its suffix .zst; rename it: mv \S+ \S+gz$"
    ):
        Table([tmp_path / "in.csv.zst"])
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(TABLE.encode("utf-16")))
    with pytest.raises(LabelkitError, match=r"gunzip < \S*in.csv.gz \| iconv -f UTF-16 -t UTF-8 >"):
        Table([tmp_path / "in.csv.gz"])
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(gzip.compress(TABLE.encode())))
    with pytest.raises(LabelkitError, match=r"gunzip < \S*in.csv.gz \| gunzip > \S*new.csv"):
        Table([tmp_path / "in.csv.gz"])


def test_half_characters_in_json_are_shown_as_one_sign_and_kept(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    line = '{"text": "a\\ud83d", "o": {"k\\udc00": ["\\ud83d"]}, "\\ud800": 1, "n": NaN, '
    line += '"i": -Infinity}'
    source.write_text(line + "\n")
    table = Table([source])
    assert table.texts("text").tolist() == ["a\ufffd"]
    assert table.texts("o").tolist() == ['{"k\ufffd": ["\ufffd"]}']
    assert table.texts("\ufffd").tolist() == ["1"]
    assert (table.texts("n")[0], table.texts("i")[0]) == ("", "-Infinity")
    table.write_annotated(out, OURS)
    assert out.read_text() == line[:-1] + ', "weak_label": "A"}\n'
    Table([source]).write_annotated(tmp_path / "out.csv", OURS)


@pytest.mark.parametrize("rows", [16_382, 16_383, 16_384])
def test_a_blank_last_line_of_json_at_the_end_of_a_batch(tmp_path: Path, rows: int) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"x": 1}\n' * rows + "\n\n")
    assert Table([source]).count() == rows
    source.write_text('{"x": 1}\n' * rows + "\n" + '{"x": 1}\n')
    with pytest.raises(LabelkitError, match=f"line {rows + 1}: blank line between rows"):
        Table([source]).count()


def test_deep_json_is_refused_or_read(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    for depth in (10, 300, 600, 900, 5_000):
        source.write_text('{"x": ' + "[" * depth + "]" * depth + "}\n")
        try:
            assert Table([source]).texts("x")[0] == "[" * depth + "]" * depth
        except LabelkitError as error:
            assert "nested too deeply" in str(error)


def test_numbers_that_json_lacks(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    numbers = pa.array([float("nan"), float("inf"), 0.1], pa.float32())
    pq.write_table(pa.table({"x": numbers, "label": numbers}), tmp_path / "in.parquet")
    table = Table([tmp_path / "in.parquet"])
    table.write_annotated(tmp_path / "o.jsonl", pa.table({"weak_label": ["A"] * 3}))
    assert [json.loads(t)["x"] for t in (tmp_path / "o.jsonl").open()] == [None, "inf", 0.1]
    assert table.texts("label").tolist() == ["", "inf", "0.1"]


_PEAKS = """
import resource, sys
from labelkit.errors import LabelkitError
from labelkit.io.table import Table
for path in sys.argv[1:]:
    try:
        table = Table([path])
        table.kinds(table.every_column()[:2])
        table.texts(table.columns[0])
    except LabelkitError:
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_stays_within_a_multiple_of_the_file(
    write: Callable[[str, str | bytes], Path],
) -> None:
    size = 2 << 20
    files = {
        "tiny.csv": "a,b\n1,2\n",
        "quote.csv": 'a,b\n1,"open\n' + "2,some words\n" * (size // 13),
        "quotes.csv": 'a,b\n1,"open\n' + '2,some ""words""\n' * (size // 17),
        "line.csv": "a,b\n1," + "x" * size + "\n",
        "cell.csv": 'a,b\n1,"' + 'x""' * (size // 3) + '"\n',
        "columns.csv": ",".join(f"c{i}" for i in range(100_000)) + "\n" + "," * 99_999 + "\n",
        "blank.csv": "a,b\n1,2\n" + "\n" * (size // 4),
        "deep.jsonl": '{"a": ' + "[" * size + "\n",
        "line.jsonl": '{"a": "' + "x" * size + '"}\n',
        "blank.jsonl": '{"a": 1}\n' + "\n" * (size // 4),
        "columns.jsonl": "{" + ",".join(f'"c{i}": 1' for i in range(100_000)) + "}\n",
    }
    paths = [write(name, text) for name, text in files.items()]
    done = subprocess.run(
        [sys.executable, "-c", _PEAKS, *map(str, paths)], capture_output=True, text=True, check=True
    )
    base, *peaks = map(int, done.stdout.split())
    most = base + 20 * size // (1 << 20)
    assert max(peaks) < most, dict(zip(list(files)[1:], peaks, strict=True))
