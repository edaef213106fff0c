"""A file that grows every week: only new rows are asked and paid, and the audit goes on."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labelkit.data.audit import audit_order

from .conftest import ChatServer, rows_of

AUDIT = 6


def texts(first: int, last: int) -> list[tuple[str, str]]:
    return [
        (f"r{i}", f"a {'good' if i % 3 else 'bad'} film number {i}") for i in range(first, last)
    ]


def save(rows: list[tuple[str, str]]) -> None:
    with open("in.csv", "w", newline="") as stream:
        csv.writer(stream).writerows([("id", "text"), *rows])


def prefix(rows: list[tuple[str, str]]) -> set[str]:
    """Return the keys of the first rows of the audit's order."""
    keys = [key for key, _ in rows]
    return {keys[row] for row in audit_order(keys, 0)[:AUDIT]}


def ask_people(labelkit: Callable[..., Any], week: int, earlier: list[str]) -> list[dict[str, str]]:
    """Ask for a batch of the labelled file and answer it; return the batch."""
    answers = [word for name in earlier for word in ("--answers", name)]
    done = labelkit(
        "query", "llm.csv", "-o", "query.csv", "-n", "3", "--audit", str(AUDIT), "--batch",
        f"todo-{week}.csv", "--classes", "POSITIVE,NEGATIVE", "--strategy", "random",
        "--label", "label", "--label", "llm_label", *answers,
    )  # fmt: skip
    assert done.code == 0, done.err
    batch = rows_of(f"todo-{week}.csv")
    said = ["1" if "good" in row["text"] else "2" for row in batch]
    done = labelkit(
        "annotate", f"todo-{week}.csv", "--classes", "POSITIVE,NEGATIVE",
        stdin="".join(f"{key}\n" for key in said),
    )  # fmt: skip
    assert done.code == 0, done.err
    return batch


def test_week_after_week(labelkit: Callable[..., Any], chat_server: ChatServer) -> None:
    endpoint = ["--base-url", chat_server.url, "--model", "tiny-1", "--price", "1,1"]
    ask = ["llm-label", "in.csv", "-o", "llm.csv", "--classes", "POSITIVE,NEGATIVE", *endpoint]
    old, new = texts(0, 24), texts(24, 36)
    save(old)
    assert labelkit(*ask).code == 0
    assert chat_server.seen["requests"] == len(old)
    first = ask_people(labelkit, 1, [])
    save([*new[:4], *old[::-1], *new[4:]])  # the rows may come in any order
    assert labelkit(*ask).code == 0
    assert chat_server.seen["requests"] == len(old) + len(new)
    assert all(row["llm_label"] for row in rows_of("llm.csv"))
    second = ask_people(labelkit, 2, ["todo-1.answers.csv"])
    assert not {row["id"] for row in first} & {row["id"] for row in second}
    audit = [row["id"] for row in [*first, *second] if row["label_origin"] == "audit"]
    assert {row["id"] for row in first if row["label_origin"] == "audit"} == prefix(old)
    assert prefix([*old, *new]) <= set(audit)
    merged = labelkit(
        "merge", "query.csv", "todo-1.answers.csv", "todo-2.answers.csv", "-o", "labelled.csv"
    )
    assert merged.code == 0, merged.err
    labelled = {row["id"]: row for row in rows_of("labelled.csv") if row["label"]}
    assert labelled.keys() == {row["id"] for row in [*first, *second]}
    assert sorted(k for k, row in labelled.items() if row["label_origin"] == "audit") == sorted(
        audit
    )
    assert Path("labelled.csv").read_text().count("\n") == len(old) + len(new) + 1
