"""Keys that a spreadsheet changed are recognise_keys where one key alone can have become them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.data.spreadsheet_keys import recognise_keys

ids = st.integers(0, 10**9).map(str)


@given(st.lists(ids, min_size=1, unique=True), st.integers(1, 12), st.data())
def test_numbers_that_lost_their_zeros(numbers: list[str], width: int, data: st.DataObject) -> None:
    keys = {str(int(n)): n.zfill(width) for n in numbers}
    shown = {data.draw(st.sampled_from([n, f"{n}.0", f"{n},00", f" {n} "])): n for n in keys}
    changed = [text for text, n in shown.items() if text not in keys.values()]
    assert recognise_keys(changed, list(keys.values())) == {t: keys[shown[t]] for t in changed}


@given(st.lists(st.integers(1, 10**17), min_size=1, max_size=30, unique=True), st.integers(0, 6))
def test_no_number_with_an_exponent_is_given_to_another(numbers: list[int], places: int) -> None:
    shown = {str(n): f"{n:.{places}E}" for n in numbers}
    found = recognise_keys(list(shown.values()), list(shown))
    alone = [key for key, text in shown.items() if list(shown.values()).count(text) == 1]
    assert all(shown[key] == text for text, key in found.items() if key in alone)
    assert set(found.values()) <= set(alone)


@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        ({"100000": "1E+05", "200000": "2E+05"}, True),
        ({"1e5": "1.00E+05", "2e5": "2.00E+05", "123456": ""}, True),
        ({"100000": "1E+05", "100001": "1E+05"}, False),
        ({"123456789012": "1.23457E+11", "523456789012": "5.23457E+11"}, True),
        ({"12345678901234567890": "12345678901234500000"}, True),
        ({"1-2": "2-Jan", "3-4": "4-Mar", "10-12": "12-Oct"}, True),
        ({"1-2": "1-Feb", "3-4": "3-Apr"}, True),
        ({"1-2": "2-Jan", "2-1": "1-Feb"}, False),
        ({"1-2": "2-Jan", "2-1": "1-Feb", "1-13": "13-Jan"}, True),
        ({"1/2": "2026-01-02", "3/14": "2026-03-14 00:00:00"}, True),
        ({"1.2": "01.02.2026", "25.3": "25.03.2026"}, True),
        ({"MAR1": "1-Mar", "SEPT2": "2-Sep", "DEC1": "Dec-01"}, True),
        ({"2024-01-05": "1/5/2024", "2023-01-05": "1/5/2023", "2024-05-31": "5/31/24"}, True),
        ({"2024-01": "Jan-24", "2024-02": "2/1/2024"}, True),
        ({"true": "TRUE", "false": "FALSE"}, True),
        ({"a1": "A1", "x-y": "y-x", "12-345": "1", "2024-13": "13-2024"}, False),
        ({"1": "1.0", "01": "1.0"}, False),
    ],
)
def test_what_became_of_keys(keys: dict[str, str], changed: bool) -> None:
    wanted = {text: key for key, text in keys.items() if text} if changed else {}
    assert recognise_keys([text for text in keys.values() if text], list(keys)) == wanted
