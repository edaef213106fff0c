"""A new file is labelled as the old one was; only new rows cost, and an audit judges them."""

import json
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.update.conftest import MAY, UPDATE, answer, film, films, final, rows_of, save


def test_an_unchanged_file_costs_nothing_and_keeps_its_labels(
    labelkit: Any, may: None, asked: list[str]
) -> None:
    save("june.csv", films(0, MAY)[::-1])
    done = labelkit(*UPDATE)
    assert done.code == 0, done.err
    assert "40 known rows keep their labels · 0 new -> june_out.csv" in done.err
    assert asked == []
    june, old = rows_of("june_out.csv"), rows_of("may_out.csv")[::-1]
    assert june == [{**row, "update_row": "known", "update_drift": ""} for row in old]
    assert not Path("june_out.work").exists()


def test_new_rows_alone_are_asked_and_audited(labelkit: Any, may: None, asked: list[str]) -> None:
    save("june.csv", [*films(MAY, MAY + 20), *films(0, MAY)])
    waits = labelkit(*UPDATE, "--audit", "12", "--summary", "s.json")
    assert waits.code == 3, waits.err
    assert "people are needed: june_out.work/batch-1.csv" in waits.err
    assert "then go on: labelkit update june.csv --from may.work" in waits.err
    assert not Path("june_out.csv").exists()
    unread = [
        row for row in films(MAY, MAY + 20) if not set(row["text"].split()) & {"warm", "dull"}
    ]
    assert len(set(asked)) == len(unread) == 10
    times = len(asked)
    batch = answer("june_out.work")
    assert {row["label_origin"] for row in batch} == {"audit"}
    assert {row["query_guess"] + row["query_reason"] for row in batch} == {""}
    assert {row["id"] for row in batch} < {row["id"] for row in films(MAY, MAY + 20)}
    done = labelkit(*UPDATE, "--audit", "12", "--summary", "s.json")
    assert done.code == 0, done.err
    assert len(asked) == times
    june = rows_of("june_out.csv")
    lines, own = (Path(name).read_text().splitlines() for name in ("june_out.csv", "june.csv"))
    assert all(line.startswith(f"{cells},") for line, cells in zip(lines, own, strict=True))
    assert [row["update_row"] for row in june] == ["new"] * 20 + ["known"] * MAY
    assert final(june[20:]) == final(rows_of("may_out.csv"))
    assert all(row["final_label"] for row in june)
    assert sum(row["final_source"] == "people" for row in june[:20]) == 12
    line = next(line for line in done.err.splitlines() if line.startswith("accuracy: "))
    figures = json.loads(Path("s.json").read_text())
    assert figures["known"] == MAY and figures["new"] == 20 and figures["changed"] == 0
    assert figures["audit"]["new"]["rows"] == 12
    assert "n=10)" in line and "n=12)" in line and "change " in line
    assert [line.split(":")[0] for line in done.err.splitlines() if "drift" in line] == [
        "drift of content", "drift of classes",
    ]  # fmt: skip
    again = Path("june_out.csv").read_bytes()
    assert labelkit(*UPDATE, "--audit", "12").code == 0
    assert Path("june_out.csv").read_bytes() == again and len(asked) == times


def test_a_file_of_new_rows_alone_and_the_update_after_it(
    labelkit: Any, may: None, asked: list[str]
) -> None:
    save("june.csv", films(MAY, MAY + 10))
    done = labelkit(*UPDATE, "--audit", "0")
    assert done.code == 0, done.err
    assert "none is claimed, no new row was audited" in done.err
    assert len(set(asked)) == 5
    same_text = {**film(MAY + 5), "id": "x"}  # its answer is paid for
    save("july.csv", [*films(MAY + 5, MAY + 12), film(1), same_text])
    july = labelkit("update", "july.csv", "--from", "june_out.csv", "-o", "july.csv.gz",
                    "--work-dir", "july.work", "--audit", "0")  # fmt: skip
    assert july.code == 0, july.err
    assert "6 known rows keep their labels · 3 new" in july.err
    assert len(set(asked)) == 6
    assert rows_of("july.work/labelled.csv")[-1]["llm_label"] == same_text["gold"]
    rows_before = {row["id"]: row for row in [*rows_of("june_out.csv"), *rows_of("may_out.csv")]}
    labelled = rows_of("july.work/labelled.csv")
    assert len(labelled) == MAY + 13
    for row in labelled[:-3]:
        assert final([row]) == final([rows_before[row["id"]]])


def test_a_changed_text_is_new_and_the_label_of_the_old_text_is_not_its(
    labelkit: Any, may: None, asked: list[str]
) -> None:
    by_people = next(row for row in rows_of("may_out.csv") if row["label"] == "GOOD")
    changed = {**film(1), "id": by_people["id"], "text": "a dull film number 9"}
    save("june.csv", [changed if row["id"] == by_people["id"] else row for row in films(0, MAY)])
    done = labelkit(*UPDATE, "--audit", "0")
    assert done.code == 0, done.err
    assert "39 known rows keep their labels · 1 changed · 0 new" in done.err
    row = next(row for row in rows_of("june_out.csv") if row["id"] == by_people["id"])
    assert (row["update_row"], row["label"], row["final_label"]) == ("changed", "", "BAD")
    assert row["final_source"] != "people"
    kept = [row for row in rows_of("june_out.work/labelled.csv") if row["id"] == by_people["id"]]
    assert [row["text"] for row in kept] == ["a dull film number 9"]


def test_rows_without_a_key_are_matched_by_their_content(
    labelkit: Any, may: None, asked: list[str]
) -> None:
    again = films(0, 15) + films(MAY, MAY + 4)
    save("june.csv", [{**row, "id": f"f{i}"} for i, row in enumerate(again[::-1])])
    refused = labelkit(*UPDATE, "--audit", "0")
    assert refused.code == 2
    assert "of the 19 keys (id) that june.csv shares with the old run have other" in refused.err
    assert "--id row" in refused.err and "column 'text' differs" in refused.err
    assert not Path("june_out.work").exists()
    done = labelkit(*UPDATE, "--audit", "0", "--id", "row")
    assert done.code == 0, done.err
    assert "15 known rows keep their labels · 4 new" in done.err
    assert len(rows_of("june_out.work/labelled.csv")) == MAY + 4, "old labels are not lost"


def test_human_labels_that_the_new_file_brings_count(
    labelkit: Any, may: None, asked: list[str]
) -> None:
    old = {row["id"]: row for row in rows_of("may_out.csv")}
    by_people = next(key for key, row in old.items() if row["label"])
    by_rules = next(key for key, row in old.items() if row["final_source"] == "weak")
    other = {"GOOD": "BAD", "BAD": "GOOD"}[old[by_rules]["final_label"]]
    given = {by_rules: other, by_people: old[by_people]["label"], f"f{MAY + 1}": "BAD"}
    save("june.csv", [{**row, "label": given.get(row["id"], "")} for row in films(0, MAY + 2)])
    done = labelkit(*UPDATE, "--audit", "0")
    assert done.code == 0, done.err
    assert "39 known rows keep their labels · 1 changed · 2 new" in done.err
    june = {row["id"]: row for row in rows_of("june_out.csv")}
    assert final([june[by_people]]) == final([old[by_people]])
    for key in (by_rules, f"f{MAY + 1}"):
        assert (june[key]["final_label"], june[key]["final_source"]) == (given[key], "people")
    assert Path("june_out.csv").read_text().split("\n")[0].split(",").count("label") == 1


@pytest.mark.slow
def test_a_larger_audit_goes_on(labelkit: Any, may: None, asked: list[str]) -> None:
    save("june.csv", films(MAY, MAY + 30))
    assert labelkit(*UPDATE, "--audit", "6").code == 3
    assert labelkit(*UPDATE, "--audit", "5").code == 3, "nobody has answered yet"
    first = answer("june_out.work")
    assert len(first) == 5
    done = labelkit(*UPDATE, "--audit", "5")
    assert done.code == 0, done.err
    assert "cannot be told from 5 new audit rows" in done.err
    assert "next: labelkit update june.csv --from may.work -o june_out.csv --audit 20" in done.err
    assert labelkit(*UPDATE, "--audit", "20").code == 3
    second = answer("june_out.work", 2)
    assert len(second) == 15 and not {r["id"] for r in first} & {r["id"] for r in second}
    assert {row["label_origin"] for row in [*first, *second]} == {"audit"}
    done = labelkit(*UPDATE, "--audit", "20")
    assert done.code == 0, done.err
    assert "n=20); change" in done.err
    assert labelkit(*UPDATE, "--audit", "0").code == 0, "answers are not left out"
    assert sum(row["final_source"] == "people" for row in rows_of("june_out.csv")) == 20


def test_a_file_without_keys(labelkit: Any, words_alone: None) -> None:
    def keyless(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{"text": row["text"]} for row in rows]

    save("may.csv", keyless(films(0, 30)))
    rules = ("--classes", "BAD,GOOD", "--stages", "weak-label,decide", "--functions", "lfs.py")
    Path("lfs.py").write_text(
        'def lf_warm(text):\n    return "GOOD" if "warm" in text else "BAD"\n'
    )
    assert labelkit("pipeline", "may.csv", "-o", "may_out.csv", "--work-dir", "may.work",
                    *rules).code == 0  # fmt: skip
    save("june.csv", keyless([*films(30, 34), *films(0, 30)[::-1], film(3)]))
    done = labelkit(*UPDATE, "--audit", "6")
    assert done.code == 3
    assert "30 known rows keep their labels · 5 new" in done.err, "the second of two is new"
    assert len(answer("june_out.work")) == 5
    done = labelkit(*UPDATE, "--audit", "6")
    assert done.code == 0, done.err
    assert "the old run has no audit to compare it with" in done.err
    assert final(rows_of("june_out.csv")[4:34]) == final(rows_of("may_out.csv"))[::-1]
    assert [r["label"] for r in rows_of("june_out.csv")[:4]] == [r["gold"] for r in films(30, 34)]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_other_formats(labelkit: Any, may: None, asked: list[str], ending: str) -> None:
    save("june.csv", films(MAY - 3, MAY + 3))
    june = pyarrow.csv.read_csv("june.csv")
    if ending == "parquet":
        pq.write_table(june, "june.parquet")
    else:
        lines = [json.dumps(row) + "\n" for row in june.to_pylist()]
        Path("june.jsonl").write_text("".join(lines))
    done = labelkit("update", f"june.{ending}", "--from", "may.work", "-o", f"out.{ending}",
                    "--audit", "0")  # fmt: skip
    assert done.code == 0, done.err
    if ending == "parquet":
        found = pq.read_table("out.parquet").to_pylist()
    else:
        found = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row["update_row"] for row in found] == ["known"] * 3 + ["new"] * 3
    assert [list(row.items())[:3] for row in found] == [list(r.items()) for r in june.to_pylist()]
    assert all(isinstance(row["final_confidence"], float) for row in found)
    assert [row["label"] or None for row in found[3:]] == [None] * 3
    old = rows_of("may_out.csv")[-3:]
    assert [(row["final_label"], row["final_confidence"]) for row in found[:3]] == [
        (row["final_label"], float(row["final_confidence"])) for row in old
    ]
