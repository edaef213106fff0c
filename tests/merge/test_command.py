"""The command merge, as a user meets it."""

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATA = "id,text\n1,one\n2,two\n3,three\n"


def labels(path: str | Path, *names: str) -> list[Any]:
    """The label column, or tuples of several columns."""
    with Path(path).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    wanted = names or ("label",)
    return [row[wanted[0]] if not names else tuple(row[n] for n in wanted) for row in rows]


@pytest.fixture
def merged(labelkit: Any) -> Callable[..., str]:
    """Merge into out.csv; return what was said."""

    def run(*args: object) -> str:
        done = labelkit("merge", *args, "-o", "out.csv")
        assert done.code == 0, done.err
        assert done.out == ""
        return str(done.err)

    return run


@pytest.fixture
def refused(labelkit: Any) -> Callable[..., str]:
    """Merge, and return why it is refused; nothing is written."""

    def run(*args: object, code: int = 1) -> str:
        done = labelkit("merge", *args, "-o", "out.csv")
        assert (done.code, done.out) == (code, ""), done.err
        assert not Path("out.csv").exists()
        return str(done.err)

    return run


# -- each answer to its row ------------------------------------------------------------------------


def test_answers_find_their_rows_in_any_order(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    said = merged(source, write("a.csv", "id,label,label_annotator\n3,x,ann\n1,y,ann\n"))
    assert Path("out.csv").read_text() == (
        "id,text,label,label_origin,label_annotator\n"
        "1,one,y,people,ann\n2,two,,,\n3,three,x,people,ann\n"
    )
    assert "merge: 3 rows · 2 answers · 2 labels by people (people 2) -> out.csv" in said
    assert "next: labelkit train out.csv" in said


def test_details_come_along(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    answers = write(
        "a.csv",
        "id,label,label_note,label_flag,label_seconds\n1,x,unclear,yes,2.50\n2,y,,0,4\n",
    )
    merged(source, answers)
    names = ("label", "label_note", "label_flag", "label_seconds")
    assert labels("out.csv", *names) == [
        ("x", "unclear", "true", "2.5"),
        ("y", "", "", "4"),
        ("", "", "", ""),
    ]


def test_a_filled_in_batch_is_an_answers_file(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    batch = "id,text,query_guess,label_origin,label\n2,two,x,audit,y\n1,one,x,query,\n"
    merged(source, write("todo.csv", batch))
    assert labels("out.csv", "label", "label_origin") == [("", ""), ("y", "audit"), ("", "")]


def test_spaces_of_spreadsheets_are_cut_off(write: Any, merged: Any) -> None:
    merged(write("in.csv", DATA), write("a.csv", "id,label\n1, x \n2,  \n"))
    assert labels("out.csv") == ["x", "", ""]


def test_unknown_keys_are_refused_with_the_nearest(write: Any, refused: Any, merged: Any) -> None:
    source = write("in.csv", "id,text\nfilm-1,one\nfilm-2,two\n")
    one = write("a.csv", "id,label\nfilm-1,x\nfilm-22,x\n")
    said = refused(source, one)
    assert f"{one}, row 2: the id 'film-22' is not in {source}; did you mean 'film-2'?" in said
    assert "Are these answers for another file?" in said
    many = write("b.csv", "id,label\nx,x\ny,x\nz,x\n")
    assert "3 keys (id) 'x', 'y', 'z' are not in" in refused(source, many)
    assert "row 2: the id 'film-22'" in merged(source, one, "--ignore-unknown")
    assert labels("out.csv") == ["x", ""]


def test_a_key_of_the_data_must_stand_once(write: Any, refused: Any) -> None:
    answers = write("a.csv", "id,label\n1,x\n")
    twice = refused(write("in.csv", "id,text\n1,a\n1,b\n"), answers)
    assert "duplicate key '1' in column 'id'; pass --id COLUMN" in twice
    empty = refused(write("in.csv", "id,text\n1,a\n,b\n,c\n"), answers)
    assert "the key is empty in some rows" in empty


def test_another_key(write: Any, merged: Any, refused: Any) -> None:
    source = write("in.csv", "id,sku,text\n1,A7,one\n1,B2,two\n")
    answers = write("a.csv", "sku,label\nB2,x\n")
    merged(source, answers, "--id", "sku")
    assert labels("out.csv") == ["", "x"]
    Path("out.csv").unlink()
    said = refused(source, write("b.csv", "id,label\n1,x\n"), "--id", "sku")
    assert "b.csv has no column 'sku' (the key of the answers)" in said


def test_a_later_answer_of_the_same_person_wins_and_is_counted(
    write: Any, merged: Any, labelkit: Any
) -> None:
    def counted(*answers: Path) -> int:
        merged(source, *answers, "--summary", "s.json")
        return int(json.loads(Path("s.json").read_text())["superseded"])

    source = write("in.csv", DATA)
    assert counted(write("a.csv", "id,label\n1,x\n2,x\n1,y\n")) == 1
    assert labels("out.csv") == ["y", "x", ""]
    named = write("b.csv", "id,label,label_annotator\n1,x,ann\n1,y,ann\n1,x,bob\n")
    assert counted(named, write("c.csv", "id,label,label_annotator\n1,z,ann\n")) == 2
    done = labelkit("decide", source, "-o", "d.csv", "--answers", "a.csv")
    assert done.code == 0, done.err
    assert labels("d.csv", "final_label") == [("y",), ("x",), ("",)]


def test_an_audit_row_that_is_answered_again_stays_one(write: Any, merged: Any) -> None:
    answers = write("a.csv", "id,label,label_origin\n1,x,audit\n1,y,\n")
    merged(write("in.csv", DATA), answers)
    assert labels("out.csv", "label", "label_origin")[0] == ("y", "audit")


def test_the_time_of_skipped_rows_and_of_corrected_answers_is_counted(
    write: Any, merged: Any
) -> None:
    lines = ["1,x,2", "2,,3", "1,y,4"]
    answers = write("a.csv", "\n".join(["id,label,label_seconds", *lines, ""]))
    merged(write("in.csv", DATA), answers, "--summary", "s.json")
    assert json.loads(Path("s.json").read_text())["people_seconds"] == 9


def test_rows_by_place_are_refused_when_the_file_was_re_sorted(
    write: Any, labelkit: Any, merged: Any, refused: Any
) -> None:
    from labelkit.data.row_keys import row_checks

    texts = ["one", "two", "three"]
    source = write("in.csv", "text\n" + "".join(f"{text}\n" for text in texts))
    checks = row_checks(pa.table({"text": texts}), len(texts))
    lines = [f"{i},{check},x{i}\n" for i, check in enumerate(checks, 1)]
    answers = write("a.csv", "row,row_check,label\n" + "".join(lines))
    merged(source, answers)
    assert labels("out.csv") == ["x1", "x2", "x3"]
    Path("out.csv").unlink()
    moved = write("moved.csv", "text\ntwo\none\nthree\n")
    said = refused(moved, answers)
    assert f"{answers}, row 1: row '1' has changed in {moved}" in said
    assert "(2 of 3 rows); use the file that query read" in said


def test_columns_of_ours_that_came_since_do_not_break_the_row_check(
    write: Any, labelkit: Any
) -> None:
    from labelkit.data.row_keys import row_checks

    (check,) = row_checks(pa.table({"text": ["one"]}), 1)
    source = write("in.csv", "text,weak_label,label\none,a,b\n")
    answers = write("a.csv", f"row,row_check,label\n1,{check},x\n")
    assert labelkit("merge", source, answers, "-o", "out.csv").code == 0
    assert labels("out.csv") == ["x"]


# -- which answer counts ---------------------------------------------------------------------------


def test_the_latest_wins_and_disagreement_is_told(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    first = write("a.csv", "id,label,label_annotator\n1,x,ann\n2,x,ann\n")
    second = write("b.csv", "id,label,label_annotator\n1,y,bob\n2,x,bob\n")
    said = merged(source, first, second)
    assert labels("out.csv", "label", "label_annotator")[:2] == [("y", "bob"), ("x", "bob")]
    assert "people disagree on 1 row, the latest counts: 1 (ann x, bob y)" in said


def test_the_majority_may_count(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    answers = write(
        "a.csv", "id,label,label_annotator\n1,x,ann\n1,x,bob\n1,y,cy\n2,x,ann\n2,y,bob\n"
    )
    said = merged(source, answers, "--prefer", "majority")
    assert labels("out.csv", "label", "label_confidence") == [("x", ""), ("", "0"), ("", "")]
    assert "people disagree on 2 rows, the majority counts" in said
    assert "1 tie without a label" in said


def test_a_tie_stays_an_audit_row(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    answers = write(
        "a.csv", "id,label,label_annotator,label_origin\n2,x,ann,audit\n2,y,bob,audit\n"
    )
    merged(source, answers, "--prefer", "majority")
    assert labels("out.csv", "label", "label_origin")[1] == ("", "audit")


def test_labels_there_stay_and_newer_answers_replace_them(write: Any, merged: Any) -> None:
    source = write(
        "in.csv", "id,text,label,label_annotator\n1,one,x,ann\n2,two,x,\n3,three,x,ann\n"
    )
    said = merged(source, write("a.csv", "id,label,label_annotator\n1,y,ann\n2,y,bob\n"))
    assert labels("out.csv", "label", "label_annotator") == [
        ("y", "ann"),
        ("y", "bob"),
        ("x", "ann"),
    ]
    assert "2 earlier labels replaced" in said
    assert "disagree" not in said, "ann changed her mind, and nobody stands behind the other"
    assert "3 labels by people (before 1, people 2)" in said


def test_the_majority_hears_the_label_that_was_there(write: Any, merged: Any) -> None:
    source = write("in.csv", "id,label,label_annotator,label_note\n1,x,ann,sure\n")
    answers = write("a.csv", "id,label,label_annotator\n1,x,bob\n1,y,cy\n")
    merged(source, answers, "--prefer", "majority")
    assert labels("out.csv") == ["x"]


def test_another_name_leaves_the_labels_alone(write: Any, merged: Any) -> None:
    source = write("in.csv", "id,label,label_annotator\n1,x,ann\n")
    merged(source, write("a.csv", "id,label\n1,y\n"), "--as", "second")
    assert labels("out.csv", "label", "label_annotator", "second_label", "second_origin") == [
        ("x", "ann", "y", "people")
    ]


def test_where_says_whose_answers_count(write: Any, merged: Any) -> None:
    source = write("in.csv", "id,n,label\n1,1,old\n2,5,old\n")
    said = merged(source, write("a.csv", "id,label\n1,new\n2,new\n"), "--where", "n > 3")
    assert labels("out.csv") == ["old", "new"]
    assert "1 outside --where left out" in said


# -- where a label comes from ------------------------------------------------------------------


def test_an_audit_row_stays_one(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    audit = write("batch-1.csv", "id,label_origin,label\n1,audit,\n2,query,\n")
    later = write("batch-2.csv", "id,label_origin,label\n1,query,\n")
    answers = write("a.csv", "id,label\n1,x\n2,y\n")
    merged(source, answers, "--batch", audit, "--batch", later)
    assert labels("out.csv", "label_origin") == [("audit",), ("query",), ("",)]
    again = write("b.csv", "id,label,label_origin\n1,y,relabel\n")
    Path("out.csv").rename("one.csv")
    merged("one.csv", again)
    assert labels("out.csv", "label", "label_origin")[0] == ("y", "audit")


def test_a_file_that_query_wrote_tells_why_rows_were_picked(write: Any, merged: Any) -> None:
    source = write(
        "in.csv",
        "id,text,query_rank,query_reason\n1,one,1,audit: drawn at random\n2,two,2,unsure\n3,x,,\n",
    )
    merged(source, write("a.csv", "id,label\n1,x\n2,x\n3,x\n"))
    assert labels("out.csv", "label_origin") == [("audit",), ("query",), ("people",)]


def test_only_rows_of_the_batch_are_used_and_the_rest_is_counted(write: Any, merged: Any) -> None:
    source = write("in.csv", DATA)
    batch = write("todo.csv", "id,label\n2,\n")
    said = merged(source, write("a.csv", "id,label\n1,x\n2,y\n3,z\n"), "--batch", batch)
    assert labels("out.csv") == ["", "y", ""]
    assert "1 answer · 2 outside the batch left out" in said


def test_the_batch_must_have_the_key(write: Any, refused: Any) -> None:
    batch = write("todo.csv", "key,label\n2,\n")
    said = refused(write("in.csv", DATA), write("a.csv", "id,label\n1,x\n"), "--batch", batch)
    assert "todo.csv has no column 'id' (the key of the batch)" in said


# -- what the answers say --------------------------------------------------------------------------


def test_labels_outside_the_classes(write: Any, merged: Any, refused: Any) -> None:
    source = write("in.csv", DATA)
    answers = write("a.csv", "id,label\n1,good\n2,godo\n")
    said = refused(source, answers, "--classes", "good,bad")
    assert "a.csv: the label 'godo' of 1 row (2) is not one of the classes good, bad" in said
    assert "did you mean 'good'?" in said
    said = merged(source, answers, "--classes", "good,bad", "--unknown-label", "ignore")
    assert labels("out.csv") == ["good", "", ""]
    assert "1 of no class left out" in said


def test_labels_of_the_input_must_be_classes_too(write: Any, refused: Any) -> None:
    source = write("in.csv", "id,label\n1,old\n")
    said = refused(source, write("a.csv", "id,label\n1,a\n"), "--classes", "a,b")
    assert f"{source}: the label 'old' of 1 row (1)" in said


def test_seconds_must_be_numbers(write: Any, refused: Any) -> None:
    source = write("in.csv", DATA)
    said = refused(source, write("a.csv", "id,label,label_seconds\n1,x,3\n2,x,long\n"))
    assert "a.csv, row 2: label_seconds 'long' is not a number of seconds" in said
    mine = write(
        "mine.csv",
        "id,label,label_origin,label_annotator,label_seconds\n1,x,,,long\n2,,,,\n",
    )
    said = refused(mine, write("b.csv", "id,label\n2,x\n"))
    assert "mine.csv, row 1: label_seconds 'long'" in said


def test_answers_without_labels_are_a_warning_and_without_the_column_an_error(
    write: Any, merged: Any, refused: Any
) -> None:
    source = write("in.csv", DATA)
    said = refused(source, write("a.csv", "id,lable\n1,x\n"))
    assert "a.csv has no column 'label' (the answers); did you mean 'lable'?" in said
    assert "a.csv holds no label yet" in merged(source, write("a.csv", "id,label\n1,\n"))
    assert labels("out.csv") == ["", "", ""]


def test_a_missing_file_is_named(write: Any, refused: Any) -> None:
    assert "there is no file no.csv" in refused(write("in.csv", DATA), "no.csv")


def test_time_and_money_are_counted(write: Any, merged: Any) -> None:
    task = write("t.toml", "[cost]\nhuman_label = 0.30\nhuman_seconds = 60\n")
    source = write("in.csv", DATA)
    plain = write("a.csv", "id,label\n1,x\n2,x\n")
    assert "0.0 hours · $0.60" in merged(source, plain, "--task", task, "--summary", "s.json")
    assert json.loads(Path("s.json").read_text())["people_seconds"] == 120
    timed = write("b.csv", "id,label,label_seconds\n1,x,3600\n2,x,\n")
    assert "2.0 hours" in merged(source, timed), "who was not timed counts like the others"


@pytest.mark.parametrize("cost", ['human_seconds = "x"', "human_label = [1]", "human_label = nan"])
def test_prices_that_are_no_numbers_are_named(write: Any, refused: Any, cost: str) -> None:
    task = write("t.toml", f"[cost]\n{cost}\n")
    plain = write("a.csv", "id,label\n1,x\n")
    told = refused(write("in.csv", DATA), plain, "--task", task, code=2)
    assert f"[cost] {cost}: give a number of 0 or more" in told.replace("'", '"')


# -- formats, pipes, laws --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id;label\n1;x\n2;y, z\n"),  # as many spreadsheets save it
        ("a.csv", "id\tlabel\n1\tx\n2\ty, z\n"),
        ("a.tsv", "id\tlabel\n1\tx\n2\ty, z\n"),
        ("a.csv", '\ufeffid,label\r\n1,x\r\n2,"y, z"\r\n'),
        ("a.jsonl", '{"id": "1", "label": "x"}\n{"id": "2", "label": "y, z"}\n'),
        ("a.jsonl", '{"id": 1, "label": "x"}\n{"id": 2, "label": "y, z"}\n'),
    ],
)
def test_answers_of_any_make(write: Any, merged: Any, name: str, content: str) -> None:
    merged(write("in.csv", DATA), write(name, content))
    assert labels("out.csv") == ["x", "y, z", ""]


def test_answers_need_not_share_the_data_s_delimiter_or_encoding(write: Any, labelkit: Any) -> None:
    source = write("in.csv", "id;text\n1;schön\n2;b\n".encode("latin-1"))
    answers = write("a.csv", "id,label\n1,größe\n")
    options = ("--delimiter", ";", "--encoding", "latin-1")
    done = labelkit("merge", source, answers, "-o", "out.csv", *options)
    assert done.code == 0, done.err
    assert (
        Path("out.csv").read_bytes().decode("latin-1").splitlines()[1].startswith("1;schön;größe")
    )


def test_a_torn_answers_file_is_told_as_such(write: Any, refused: Any) -> None:
    torn = write("a.csv", "id;label;label_note\n1;x;ok\n2;y\n")
    said = refused(write("in.csv", DATA), torn)
    assert "a.csv, line 3" in said


def test_stdin_may_be_one_of_them(write: Any, labelkit: Any) -> None:
    source, answers = write("in.csv", DATA), write("a.csv", "id,label\n1,x\n")
    file = labelkit("merge", source, answers, "-o", "-")
    piped = labelkit("merge", "-", answers, "-o", "-", stdin=DATA)
    typed = labelkit("merge", source, "-", "-o", "-", stdin=answers.read_bytes())
    assert file.code == piped.code == typed.code == 0, piped.err + typed.err
    assert file.out == piped.out == typed.out
    assert next(csv.DictReader(io.StringIO(file.out)))["label"] == "x"
    both = labelkit("merge", "-", "-", "-o", "-", stdin=DATA)
    assert (both.code, both.out) == (2, "")
    assert "stdin (-) can be only one of INPUT and ANSWERS" in both.err


def test_a_second_run_changes_nothing(write: Any, labelkit: Any) -> None:
    source = write("in.csv", "id,text,label\n1,one,\n2,two,y\n3,three,\n")
    answers = write(
        "a.csv",
        "id,label,label_annotator,label_origin,label_note,label_seconds\n"
        "1,x,ann,audit,n,1.25\n2,x,bob,,,\n3,x,ann,,,\n3,z,bob,,,\n",
    )
    for prefer in ("latest", "majority"):
        assert labelkit("merge", source, answers, "-o", "1.csv", "--prefer", prefer).code == 0
        assert labelkit("merge", "1.csv", answers, "-o", "2.csv", "--prefer", prefer).code == 0
        assert Path("1.csv").read_bytes() == Path("2.csv").read_bytes()


def test_parquet_keeps_types(write: Any, labelkit: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "n": [[1], None]}), tmp_path / "in.parquet")
    answers = write("a.csv", "id,label,label_seconds,label_flag\n2,x,2.5,true\n")
    done = labelkit("merge", "in.parquet", answers, "-o", "out.parquet")
    assert done.code == 0, done.err
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("label_seconds").type == pa.float64()
    assert found.schema.field("label_flag").type == pa.bool_()
    assert found["label"].to_pylist() == [None, "x"]
    assert found["n"].to_pylist() == [[1], None]


def test_hostile_cells_are_shown_not_obeyed(write: Any, refused: Any) -> None:
    answers = write("a.csv", "id,label\n\x1b[31mred,x\n")
    said = refused(write("in.csv", DATA), answers)
    assert "\x1b" not in said and "·[31mred" in said


# -- the crowd model -------------------------------------------------------------------------------


def voices(rows: int = 40) -> str:
    """One person who knows, one who errs at times, one more often, a row where these two differ."""
    lines = ["id,label,label_annotator"]
    for i in range(rows):
        truth = "xy"[i % 2]
        ann, cy = "xy"[(i + (i % 9 == 4)) % 2], "xy"[(i + (i % 5 == 0)) % 2]
        lines += [f"{i},{ann},ann", f"{i},{truth},bob", f"{i},{cy},cy"]
    return "\n".join([*lines, f"{rows},x,ann", f"{rows},y,cy"]) + "\n"


def test_the_consensus_weighs_people_and_says_how_sure_it_is(write: Any, merged: Any) -> None:
    source = write("in.csv", "id,text\n" + "".join(f"{i},row {i}\n" for i in range(42)))
    said = merged(source, write("a.csv", voices()), "--prefer", "consensus", "--again", "todo.csv")
    found = labels("out.csv", "label", "label_confidence", "label_annotator")
    assert [label for label, _, _ in found[:40]] == ["xy"[i % 2] for i in range(40)]
    assert found[40][0] == "x"
    assert 0.5 < float(found[40][1]) < 0.9
    assert found[40][2] == "ann"
    assert found[41] == ("", "", "")
    assert "the consensus counts" in said
    assert "1 to ask again -> todo.csv" in said
    with Path("todo.csv").open(newline="", encoding="utf-8") as stream:
        (again,) = csv.DictReader(stream)
    assert (again["id"], again["label"], again["label_origin"]) == ("40", "", "relabel")
    assert again["label_confidence"] == found[40][1]


def test_confidence_stays_where_nobody_answered_and_goes_where_it_is_not_known(
    write: Any, merged: Any
) -> None:
    source = write(
        "in.csv",
        DATA.replace("text\n", "text,label,label_origin,label_annotator,label_confidence\n")
        .replace("one", "one,x,,,0.75")
        .replace("two", "two,y,,,0.5")
        .replace("three", "three,,,,"),
    )
    merged(source, write("a.csv", "id,label,label_annotator\n2,x,ann\n"))
    assert labels("out.csv", "label", "label_confidence") == [("x", "0.75"), ("x", ""), ("", "")]


def test_asking_again_needs_the_crowd_model(write: Any, refused: Any) -> None:
    source, answers = write("in.csv", DATA), write("a.csv", "id,label\n1,x\n")
    said = refused(source, answers, "--again", "todo.csv", code=2)
    assert "--again needs --prefer consensus" in said
    said = refused(source, answers, "--prefer", "consensus", "--again", "in.csv", code=2)
    assert "--again" in said


@pytest.mark.parametrize(
    ("keys", "saved"),
    [
        (("00001", "00002", "00003"), ("1", "2", "3")),
        (("00001", "00002", "00003"), ("1.0", "2.0", "3.0")),
        (("100000", "200000", "300000"), ("1E+05", "2E+05", "3E+05")),
        (("1-2", "3-4", "5-16"), ("2-Jan", "4-Mar", "16-May")),
    ],
)
def test_keys_that_a_spreadsheet_changed(
    keys: tuple[str, ...], saved: tuple[str, ...], write: Any, merged: Any, refused: Any
) -> None:
    source = write("in.csv", "id,text\n" + "".join(f"{key},some\n" for key in keys))
    answers = write("a.csv", f"id,label\n{saved[2]},x\n{saved[0]},y\n")
    assert refused(source, answers) == (
        f"error: {answers}: a spreadsheet has changed 2 of the keys (id): '{keys[2]}' is now "
        f"'{saved[2]}', '{keys[0]}' is now '{saved[0]}'. Pass --spreadsheet-keys to merge to match "
        f"them anyway (in a task file: [merge] spreadsheet-keys = true)\n"
    )
    refused(source, answers, "--ignore-unknown")
    said = merged(source, answers, "--spreadsheet-keys")
    assert "a spreadsheet has changed 2 of the keys" in said
    assert labels("out.csv") == ["y", "", "x"]


def test_a_key_that_is_unknown_beside_those_that_were_changed(
    write: Any, merged: Any, refused: Any
) -> None:
    source = write("in.csv", "id,text\n001,a\n002,b\n")
    answers = write("a.csv", "id,label\n1,x\n7,y\n")
    assert "row 2: the id '7' is not in" in refused(source, answers, "--spreadsheet-keys")
    merged(source, answers, "--spreadsheet-keys", "--ignore-unknown")
    assert labels("out.csv") == ["x", ""]


@pytest.mark.slow
def test_the_time_grows_with_the_answers_and_no_faster(write: Any, merged: Any) -> None:
    def seconds(rows: int) -> float:
        write("data.csv", "id,text\n" + "".join(f"{i},text {i}\n" for i in range(rows)))
        lines = [f"{i},yes,{who}\n" for i in range(rows) for who in ("ann", "ben", "eve")]
        write("answers.csv", "id,label,label_annotator\n" + "".join(lines))
        started = time.process_time()
        merged("data.csv", "answers.csv", "--overwrite")
        return time.process_time() - started

    seconds(100)
    assert seconds(40_000) < 16 * seconds(5_000)
