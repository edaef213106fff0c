"""Which columns a function reads, by its source."""

import ast

import pytest

from labelkit.weak.lf.column_reads import reads


def found(body: str):
    return reads(ast.parse(f"def lf(row):\n    {body}\n").body[0], "row")


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("return row.text.lower() + row.title", ("text", "title")),
        ("return row['box office'] + row.a.b", ("box office", "a")),
        ("return getattr(row, 'a') or getattr(row, 'b', None)", ("a", "b")),
        ("return [w for w in WORDS if w in row.text]", ("text",)),
        ("return hasattr(row, 'rating') and row.rating > 3", ("rating",)),
        ("return row.get('a', 1) if 'b' in row else None", ("a", "b")),
        ("return row[['a', 'b']]", ("a", "b")),
    ],
)
def test_named_columns(body, columns):
    assert found(body).columns == columns
    assert not found(body).everything


@pytest.mark.parametrize(
    "body",
    [
        "return helper(row)",
        "return row[name]",
        "row = clean(1); return row.text",
        "return getattr(row, name)",
        "return row.to_dict()",
        "row.extra = 1",
        "return str(row)",
    ],
)
def test_a_row_that_goes_elsewhere_may_be_read_whole(body):
    assert found(body).everything


def test_guarded_columns_may_be_missing():
    assert found("return hasattr(row, 'rating') and row.rating > row.mean").guarded == {"rating"}
    tried = "try:\n        return row.rating\n    except AttributeError:\n        return None"
    assert found(tried).guarded == {"rating"}
