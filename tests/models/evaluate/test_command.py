import json
from pathlib import Path

import pytest

HEAD = "id,gold,label,label_origin,weak_label,weak_confidence,llm_label\n"


@pytest.fixture
def labelled(write):
    rows = []
    for i in range(40):
        truth = "ab"[i % 2]
        weak = truth if i % 4 else "ba"[i % 2]
        llm = truth if i % 10 else ""
        label, origin = (truth, "audit" if i < 10 else "query") if i < 20 else ("", "")
        rows.append(f"{i},{truth},{label},{origin},{weak},0.75,{llm}\n")
    return write("a.csv", HEAD + "".join(rows))


def test_against_a_complete_gold_column(labelkit, labelled):
    done = labelkit("evaluate", "a.csv", "--gold", "gold", "--label", "weak_label", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    (figures,) = found["figures"]
    assert found["schema"] == 1
    assert (figures["measured_on"], figures["biased"]) == ("all rows", False)
    assert (figures["rows"], figures["accuracy"]) == (40, 0.75)
    assert figures["calibration_error"] == 0
    assert figures["confusion"] == [[10, 10], [0, 20]]
    assert done.err == "evaluate: 1 label column · all 40 rows\n"


def test_people_labels_as_gold_give_audit_figures_first(labelkit, labelled):
    done = labelkit("evaluate", "a.csv", "--gold", "label", "--label", "weak_label")
    lines = done.out.splitlines()
    assert lines[2].split()[:5] == ["weak_label", "audit", "rows", "10", "10"]
    assert lines[3].split()[:6] == ["weak_label", "rows", "with", "gold", "(biased)", "20"]
    assert done.err == ("evaluate: 1 label column · 10 audit rows · 20 rows with gold (biased)\n")


def test_answers_judge_the_labels_of_machines(labelkit, labelled, write):
    """A sample of a language model's labels, checked by people: agreement and kappa at once."""
    truth = {i: "ab"[i % 2] for i in range(40)}
    rows = [f"{i},{truth[i]},audit\n" for i in range(20, 40)]
    write("checked.csv", "id,label,label_origin\n" + "".join(rows))
    write("b.csv", "id,llm_label\n" + "".join(f"{i},{truth[i - i % 4 // 3]}\n" for i in truth))
    done = labelkit("evaluate", "b.csv", "--answers", "checked.csv", "--json")
    assert done.code == 0, done.err
    (figures,) = json.loads(done.out)["figures"]
    assert (figures["column"], figures["measured_on"]) == ("llm_label", "audit rows")
    assert (figures["rows"], figures["accuracy"], figures["kappa"]) == (20, 0.75, 0.5)
    with_label = labelkit("evaluate", "a.csv", "--answers", "checked.csv", "--json")
    columns = {one["column"] for one in json.loads(with_label.out)["figures"]}
    assert columns == {"weak_label", "llm_label"}, "what people said is the truth, not judged"
    write("none.csv", "id,label\n1,\n")
    done = labelkit("evaluate", "b.csv", "--answers", "none.csv")
    assert (done.code, done.err) == (
        1, "error: b.csv: the answers hold no label of these rows\n"
    )  # fmt: skip


def test_a_partial_gold_column_is_biased(labelkit, write):
    write("a.csv", "id,gold,weak_label\n1,a,a\n2,,b\n3,b,b\n")
    done = labelkit("evaluate", "a.csv", "--gold", "gold", "--label", "weak_label")
    assert "weak_label (biased)" in done.out
    assert done.err == "evaluate: 1 label column · 2 rows with gold (biased)\n"


def test_all_label_columns_and_their_agreement_by_default(labelkit, labelled):
    found = json.loads(labelkit("evaluate", "a.csv", "--json").out)
    assert found["figures"] == []
    pairs = [(f["first"], f["second"], f["rows"]) for f in found["agreement"]]
    assert pairs == [
        ("label", "weak_label", 20),
        ("label", "llm_label", 18),
        ("weak_label", "llm_label", 36),
    ]
    done = labelkit("evaluate", "a.csv")
    assert "agreement only; name the truth with --gold" in done.err


def test_comparing_two(labelkit, labelled):
    done = labelkit("evaluate", "a.csv", "--gold", "gold", "--compare", "llm_label,weak_label")
    last = done.out.strip().splitlines()[-1].split()
    assert last[:2] == ["llm_label", "weak_label"]
    assert last[-1] == "0.0078"  # 8 rows where only llm_label is right
    found = json.loads(
        labelkit(
            "evaluate", "a.csv", "--gold", "gold", "--compare", "llm_label,weak_label", "--json"
        ).out
    )
    assert found["compare"][0]["only_first_right"] == 8


def test_where_and_summary(labelkit, labelled):
    done = labelkit(
        *("evaluate", "a.csv", "--gold", "gold", "--label", "weak_label"),
        *("--where", "weak_label == 'a'", "--summary", "s.json", "--json"),
    )
    assert json.loads(done.out)["rows"] == 10
    assert json.loads(Path("s.json").read_text())["figures"][0]["accuracy"] == 1.0


def test_ordered_classes_add_their_figures(labelkit, labelled, write):
    write("t.toml", '[task]\nclasses = ["a", "b"]\nordinal = true\n')
    done = labelkit("evaluate", "a.csv", "--task", "t.toml", "--gold", "gold")
    assert "weighted kappa" in done.out.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["a.csv", "--gold", "glod"],
            "a.csv has no column 'glod' (--gold); did you mean 'gold'? (columns: id, gold, "
            "label, label_origin, weak_label, weak_confidence, llm_label)",
        ),
        (
            ["a.csv", "--label", "weak_label"],
            "one label column (weak_label) and nothing to compare it with: "
            "give --gold COLUMN (there is a column 'gold'), --answers FILE or a second --label",
        ),
        (
            ["a.csv", "--gold", "gold", "--compare", "weak_label"],
            "--compare 'weak_label': give two label columns, as in --compare a,b",
        ),
        (
            ["a.csv", "--compare", "weak_label,llm_label"],
            "--compare needs the truth: --gold COLUMN",
        ),
        (["none.csv", "--gold", "gold"], "none.csv: column 'gold' (--gold) is empty"),
        (
            ["plain.csv", "--gold", "gold"],
            "plain.csv has no label column beside the gold; name one with --label COLUMN "
            "(columns: id, gold)",
        ),
    ],
)
def test_what_cannot_be_done(labelkit, labelled, write, arguments, message):
    write("none.csv", "id,gold,weak_label\n1,,a\n")
    write("plain.csv", "id,gold\n1,a\n")
    done = labelkit("evaluate", *arguments)
    assert done.code in (1, 2)
    assert done.out == ""
    assert done.err == f"error: {message}\n"


def test_a_label_outside_the_declared_classes(labelkit, labelled):
    done = labelkit("evaluate", "a.csv", "--gold", "gold", "--classes", "a,c")
    assert done.code == 1
    assert "column 'gold' (--gold): the label 'b' of 20 rows" in done.err
    done = labelkit(
        "evaluate", "a.csv", "--gold", "gold", "--classes", "a,c", "--unknown-label", "ignore"
    )
    assert done.code == 0


def test_the_most_confused_pairs_with_rows_to_read(labelkit, labelled):
    told = ["evaluate", "a.csv", "--gold", "gold", "--label", "weak_label"]
    (figures,) = json.loads(labelkit(*told, "--json").out)["figures"]
    assert figures["confused"] == [
        {"true": "a", "said": "b", "rows": 10, "keys": ["12", "16", "20", "24", "28"]}
    ]  # rows 0, 4, 8 are wrong too, and drawn for the audit
    lines = labelkit(*told).out.splitlines()
    at = next(i for i, line in enumerate(lines) if "most confused" in line)
    assert lines[at].split()[:5] == ["weak_label,", "most", "confused:", "true", "said"]
    assert lines[at + 2].split() == ["a", "b", "10", "12", "16", "20", "24", "28"]


def test_hostile_keys_are_shown_not_obeyed(labelkit, write):
    write("a.csv", "id,gold,weak_label\n\x1b[31m1,a,b\n2,b,b\n3,a,a\n")
    done = labelkit("evaluate", "a.csv", "--gold", "gold")
    assert "\x1b" not in done.out and "·[31m1" in done.out


def test_the_class_order_is_a_scale_when_the_task_says_so(labelkit, write):
    write("labelkit.toml", '[task]\nclasses = ["low", "mid", "high"]\nordinal = true\n')
    write("a.csv", "id,gold,llm_label\n1,low,low\n2,mid,high\n3,high,mid\n4,mid,mid\n")
    (figures,) = json.loads(labelkit("evaluate", "a.csv", "--gold", "gold", "--json").out)[
        "figures"
    ]
    assert figures["mean_absolute_error"] == 0.5
    assert figures["weighted_kappa"] == pytest.approx(1 - (2 / 4) / 1)
    out = labelkit("evaluate", "a.csv", "--gold", "gold").out
    assert "weighted kappa" in out and "mean abs. error" in out


def test_of_many_classes_only_those_with_errors_are_shown(labelkit, write):
    names = [f"c{i:03d}" for i in range(150)]
    rows = [(name, names[i + 1] if i in (3, 77) else name) for i, name in enumerate(names)]
    cells = "".join(f"{i},{a},{b}\n" for i, (a, b) in enumerate(rows))
    write("a.csv", "id,gold,weak_label\n" + cells)
    told = ["evaluate", "a.csv", "--gold", "gold"]
    out = labelkit(*told).out
    assert len(out) < 10_000
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if "recall" in line)
    shown = [line.split()[0] for line in lines[start + 2 : start + 6]]
    assert shown == ["c003", "c004", "c077", "c078"]
    assert "and 130 classes with fewer errors (--json)" in out
    (figures,) = json.loads(labelkit(*told, "--json").out)["figures"]
    assert len(figures["confusion"]) == len(figures["per_class"]) == 150
