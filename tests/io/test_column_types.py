import decimal
import sys
from datetime import date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.errors import LabelkitError
from labelkit.io.column_types import (
    LONG_INTEGER,
    MISSING_WORDS,
    KindScan,
    apply_exact,
    apply_kinds,
    read_date,
)


def kinds_of(*cells, **options):
    batch = pa.record_batch({"x": pa.array(list(cells))})
    scan = KindScan(["x"], **options)
    scan.update(batch)
    return scan.kinds()["x"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2.5", " 3e4 ", ".5", "5.", "+7", "0", "0.7"], "number"),
        (["007", "1"], "text"),
        (["-01"], "text"),
        (["00"], "text"),
        (["1.5", "01.5"], "text"),
        (["1", "", "  ", "NA", "nan", "None"], "number"),
        (["0x10"], "text"),
        (["inf"], "text"),
        (["1_000"], "text"),
        (["1,5"], "text"),
        (["1", "two"], "text"),
        (["٣"], "text"),
        (["1\n2"], "text"),
        (["true", "FALSE", ""], "boolean"),
        (["true", "1"], "text"),
        (["2024-02-29", "2024-01-02T10:20", "2024-01-02 10:20:30.1234567Z", "null"], "date"),
        (["2023-02-29"], "text"),
        (["0000-01-01"], "text"),
        (["2024-1-2"], "text"),
        (["", " "], "text"),
        (["NA", "null"], "text"),
        ([], "text"),
    ],
)
def test_kind_of_a_string_column(cells, kind):
    assert kinds_of(*[str(cell) for cell in cells] or [""]) == kind


def test_the_whole_column_decides_not_a_chunk():
    scan = KindScan(["a", "b"])
    scan.update(pa.record_batch({"a": ["1", "2"], "b": ["", ""]}))
    assert scan.kinds() == {"a": "number", "b": "text"}
    scan.update(pa.record_batch({"a": ["3", "x"], "b": ["", "2024-01-01"]}))
    assert scan.kinds() == {"a": "text", "b": "date"}


def test_the_kind_does_not_depend_on_where_the_odd_cell_is():
    for place in (0, 255, 256, 999):
        cells = ["1"] * 1000
        cells[place] = "x"
        assert kinds_of(*cells) == "text"


def test_native_types_keep_their_kind():
    columns = {
        "i": pa.array([1]),
        "d": pa.array([decimal.Decimal("1.5")]),
        "b": pa.array([True]),
        "t": pa.array([date(2024, 1, 2)]),
        "ts": pa.array([datetime(2024, 1, 2)], pa.timestamp("ns", "Europe/Berlin")),
        "s": pa.array(["5"]),
        "cat": pa.array(["5"]).dictionary_encode(),
        "list": pa.array([[1, 2]]),
        "bytes": pa.array([b"a"]),
    }
    batch = pa.record_batch(columns)
    scan = KindScan(list(columns), texts_are_typed=False)
    scan.update(batch)
    kinds = scan.kinds()
    assert list(kinds.values()) == ["number"] * 2 + ["boolean", "date", "date"] + ["text"] * 4
    typed = apply_kinds(batch, kinds)
    assert typed.to_pylist() == [
        {
            "i": 1.0,
            "d": 1.5,
            "b": True,
            "t": datetime(2024, 1, 2),
            "ts": datetime(2024, 1, 2),
            "s": "5",
            "cat": "5",
            "list": "[1, 2]",
            "bytes": "a",
        }
    ]


def test_typed_cells_and_their_empties():
    table = pa.table(
        {
            "n": [" 1.5", "NA", "", "+2"],
            "d": ["2024-01-02T03:04Z", "None", "2024-01-02", ""],
            "b": ["True", "", "false", "NA"],
            "s": ["a", None, "", "NA"],
            "other": ["1", "2", "3", "4"],
        }
    )
    kinds = {"n": "number", "d": "date", "b": "boolean", "s": "text"}
    typed = apply_kinds(table, kinds)
    assert typed["n"].to_pylist() == [1.5, None, None, 2.0]
    assert typed["d"].to_pylist() == [datetime(2024, 1, 2, 3, 4), None, datetime(2024, 1, 2), None]
    assert typed["b"].to_pylist() == [True, None, False, None]
    assert typed["s"].to_pylist() == ["a", "", "", "NA"]
    assert typed["other"].to_pylist() == ["1", "2", "3", "4"]
    assert apply_kinds(table.to_batches()[0], kinds).to_pylist() == typed.to_pylist()


@given(st.data())
def test_whole_numbers_of_any_size_stay_exact(data):
    size = data.draw(st.sampled_from([60, 2**31, 2**53 + 9, 2**64, 10**40]))
    numbers = data.draw(
        st.lists(st.none() | st.integers(-size, size), min_size=1, max_size=9).filter(any)
    )
    cells = ["" if n is None else f"{n:+}" if n % 3 == 0 else f" {n} " for n in numbers]
    typed = exactly(pa.record_batch({"x": cells}))
    assert ints(typed) == numbers
    assert typed.schema.field("x").nullable == (None in numbers)
    if all(n is None or abs(n) < 2**63 for n in numbers):
        native = exactly(pa.record_batch({"x": pa.array(numbers, pa.int64())}), native=True)
        assert ints(native) == numbers
        assert typed.schema.field("x").type in (pa.int64(), pa.large_string())


def exactly(*batches, native=False):
    scan = KindScan(["x"], texts_are_typed=not native)
    for batch in batches:
        scan.update(batch)
    assert scan.kinds()["x"] == "number"
    return pa.Table.from_batches([apply_exact(batch, scan.exact()) for batch in batches])


def ints(table):
    return [None if cell is None else int(cell) for cell in table["x"].to_pylist()]


def test_the_whole_column_decides_how_its_integers_are_held():
    small, large = pa.record_batch({"x": ["1"]}), pa.record_batch({"x": [str(2**70)]})
    for batches in ((small, large), (large, small)):
        typed = exactly(*batches)
        assert typed["x"].type == LONG_INTEGER
        assert sorted(ints(typed)) == [1, 2**70]
    typed = exactly(small, pa.record_batch({"x": ["1.5"]}))
    assert typed["x"].to_pylist() == [1.0, 1.5]
    assert exactly(small, pa.record_batch({"x": ["NA"]})).schema.field("x").nullable


def test_native_integers_keep_every_digit():
    for numbers, kind in (
        ([2**63 + 1, None], pa.uint64()),
        ([2**53 + 1, -1], pa.int64()),
        ([1, None], pa.int8()),
        ([decimal.Decimal(10**30 + 1), None], pa.decimal128(38, 0)),
    ):
        batch = pa.record_batch({"x": pa.array(numbers, kind)})
        assert ints(exactly(batch, native=True)) == numbers
    coded = pa.record_batch({"x": pa.array([7, 9, None]).dictionary_encode()})
    assert ints(exactly(coded, native=True)) == [7, 9, None]


def test_floats_that_are_not_numbers_are_empty():
    typed = apply_kinds(pa.table({"x": [1.0, float("nan"), None]}), {"x": "number"})
    assert typed["x"].to_pylist() == [1.0, None, None]


def test_a_cell_of_another_kind_is_named():
    with pytest.raises(LabelkitError) as error:
        apply_kinds(pa.table({"year": ["1999", "un\x1bknown"]}), {"year": "number"})
    assert str(error.value) == (
        "column 'year' is a number column, but 'un\\x1bknown' is not a number"
    )


def test_read_date():
    assert read_date("2024-05-06 07:08") == datetime(2024, 5, 6, 7, 8)
    assert read_date("6 May") is None


@given(st.lists(st.text("0123456789+-.eE NA", max_size=8), min_size=1, max_size=4))
def test_what_the_scan_calls_a_number_reads_as_one(cells):
    batch = pa.record_batch({"x": cells})
    scan = KindScan(["x"])
    scan.update(batch)
    kind = scan.kinds()["x"]
    typed = apply_kinds(batch, {"x": kind}).column("x").to_pylist()
    if kind == "text":
        assert typed == cells
    else:
        expected = [
            None if cell.strip() in ("", *MISSING_WORDS) else float(cell.replace("_", "x"))
            for cell in cells
        ]
        assert typed == expected


@given(st.lists(st.text(max_size=6), max_size=5))
def test_any_strings_have_a_kind_that_applies(cells):
    batch = pa.record_batch({"x": pa.array(cells, pa.string())})
    scan = KindScan(["x"])
    scan.update(batch)
    assert len(apply_kinds(batch, scan.kinds())) == len(cells)


def test_a_large_text_column_is_refused_by_its_first_cells(monkeypatch):
    batch = pa.record_batch({"x": pa.array(["some words of a review"] * 1_000_000)})
    module, looked_at = sys.modules[KindScan.__module__], []
    read = module._filled_cells

    def counted(column):
        looked_at.append(len(column))
        return read(column)

    monkeypatch.setattr(module, "_filled_cells", counted)
    scan = KindScan(["x"])
    scan.update(batch)
    assert scan.kinds() == {"x": "text"}
    assert sum(looked_at) < 1_000
