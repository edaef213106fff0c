"""labelkit report: what the page says of a file, and that no cell of it can do anything."""

import csv
import json
import re
import shutil
import xml.etree.ElementTree as ET
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from labelkit.command.invoke import run
from tests.pipeline.conftest import LFS, truth

ROWS = 60
BY_NUMBER = """
def lf_film(text):
    return "GOOD" if text.endswith("2") else None
"""
COST = "Cost, set-up included, and all by hand"
HOSTILE = '<img src=x onerror="alert(1)">&</style></svg></script><script>alert(2)</script>'


TASK = """
[task]
classes = ["BAD", "GOOD"]
[cost]
human_label = 0.5
human_seconds = 36
setup_minutes = { weak-label = 30 }
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that rules, people and decide have labelled, in a folder of its own."""
    folder = tmp_path_factory.mktemp("made")
    words = {"GOOD": ["warm", "lovely"], "BAD": ["stale", "grim"]}
    lines = ["id,text,gold,label,label_origin,label_seconds"]
    for i in range(ROWS):
        origin = "audit" if i % 5 == 0 else "query" if i % 4 == 2 else ""
        said = f"{truth(i)},{origin},18" if origin else ",,"
        text = f"a {words[truth(i)][i % 2]} film number {i}"
        lines.append(f"{i:03d},{text},{truth(i)},{said}")
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    (folder / "lfs.py").write_text(LFS + BY_NUMBER)
    (folder / "labelkit.toml").write_text(TASK)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in (
            "weak-label data.csv -o weak.csv --functions lfs.py",
            "find-noise weak.csv -o noise.csv --label weak_label",
            "decide noise.csv -o final.csv",
        ):
            assert run([*line.split(), "--quiet"]) == 0
    return folder


@pytest.fixture
def labelled(made: Path, tmp_path: Path) -> Path:
    """The labelled file with its history and task, in the test's folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Path("final.csv")


def test_the_page_tells_sources_cost_accuracy_and_how_it_was_made(
    report: Any, labelled: Path
) -> None:
    page = report(labelled)
    with labelled.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    people = sum(row["label"] != "" for row in rows)
    sources = {row[0]: row[1] for row in page.tables["Labels by source"][1:]}
    assert sources["people"] == str(people)
    assert sum(map(int, sources.values())) == ROWS
    cost = {row[0]: row[1:] for row in page.tables["Cost, set-up included, and all by hand"]}
    assert cost[f"people: {people} labels"] == [f"{people / 2:.3f}", f"{people * 18 / 3600:.3f}"]
    assert cost["setting up"] == ["50.000", "0.500"]  # at what labels cost an hour, as measured
    assert cost["all 60 by hand"] == ["30.000", "0.300"]
    accuracy = {tuple(row[:2]): row for row in page.tables["Accuracy with 95 % intervals"]}
    audit = [r for r in rows if r["label_origin"] == "audit" and r["weak_label"]]
    right = sum(r["weak_label"] == r["label"] for r in audit) / len(audit)
    line = accuracy["weak_label", "audit rows"]
    assert line[2:4] == [str(len(audit)), f"{right:.3f}"] and line[-1] == "no"
    assert accuracy["weak_label", "rows that people were asked (biased)"][-1] == "biased"
    assert accuracy["final_label", "audit rows"][-1] == "no"
    assert accuracy["final_label without people", "audit rows"][-1] == "no"
    assert "final_label without people, audit rows" in page.words  # its calibration
    assert "accuracy, all labels" in page.words
    assert [row[1] for row in page.tables["Steps"][1:]] == ["weak-label", "find-noise", "decide"]


def test_the_audit_claims_first_whatever_gold_says(report: Any, labelled: Path) -> None:
    with_gold = report(labelled, "--gold", "gold").words
    figure = r"[01]\.\d{3}95% CI \d\.\d{3}–\d\.\d{3}"
    assert re.search(rf"accuracy, all labels{figure}, 6 audit rows", with_gold)
    assert re.search(rf"accuracy by gold, all labels{figure}, \d+ rows with gold", with_gold)
    assert with_gold.index("accuracy, all labels") < with_gold.index("36 labelled")
    without = report(labelled).words
    assert "accuracy by gold" not in without
    text = Path("final.csv").read_text().replace(",audit,", ",query,")
    Path("no_audit.csv").write_text(text)
    none = report("no_audit.csv", "--gold", "gold").words
    assert "accuracynot known" not in none and "accuracy by gold, all labels" in none
    assert "Gold is known of all rows; no audit row has a person's label." in none
    assert "let people label rows drawn at random" not in none, "gold tells of all rows"


def test_the_verdict_stands_on_top_and_its_step_is_the_first(
    report: Any, labelled: Path, labelkit: Any
) -> None:
    page = report(labelled)
    assert re.search(r"cannot tell: accuracy of \d+ labels .*n=6 audit rows", page.words)
    assert page.words.index("cannot tell: ") < page.words.index("accuracy, all labels")
    assert "Nothing is left" not in page.words
    typed = re.search(r"labelkit (query final.csv .*?--batch \S+.csv(?: --label \w+)*)", page.words)
    assert typed is not None
    assert labelkit(*typed[1].split()).code == 0
    sure = report(labelled, "--gold", "gold", "--target-accuracy", "0.5").words
    assert "good enough: accuracy of" in sure and "the target is 0.5" in sure


def test_what_a_tile_shows_is_not_called_unknown(report: Any, labelled: Path) -> None:
    task = "[task]\nclasses = ['BAD', 'GOOD']\n"
    Path("labelkit.toml").write_text(f"{task}[cost]\nhuman_label = 0.5\n")
    page = report(labelled)
    assert "cost$" in page.words and "people are not known" not in page.words
    Path("labelkit.toml").write_text(task)
    page = report(labelled)
    assert "cost$" not in page.words
    assert "Dollars of people are not known: name human_label or hourly_rate (dol" in page.words
    text = Path("final.csv").read_text().replace("label_seconds", "other")
    Path("untimed.csv").write_text(text)
    Path("labelkit.toml").write_text(f"{task}[cost]\nhuman_label = 1\n")
    page = report("untimed.csv")
    assert "cost$" in page.words
    assert "Hours of people are not known: name human_seconds, in [cost]" in page.words


def test_names_of_tables_are_shown_once(report: Any, labelled: Path) -> None:
    page = report(labelled)
    assert '<caption class="unseen">Labels by source</caption>' in page.text
    day = json.loads(Path("final.csv.history.json").read_text())["steps"][-1]["when"][:10]
    assert f"final.csv · last step {day} · labelkit " in page.words


def test_seconds_of_skipped_rows_and_answers_of_rows_that_were_asked_again_cost_time(
    report: Any, labelkit: Any, write: Any
) -> None:
    write("labelkit.toml", "[cost]\nhourly_rate = 36\n")
    write("d.csv", "id,text,label,label_seconds\na,x,,\nb,y,,\nc,z,,\nd,z,NO,100\n")
    head = "id,label,label_annotator,label_seconds\n"
    write("1.csv", f"{head}a,NO,ann,50\nb,,ann,150\n")
    labelkit("merge", "d.csv", "1.csv", "-o", "m.csv")
    write("1.csv", f"{head}a,NO,ann,50\nb,,ann,150\nc,YES,ann,100\n")
    write("2.csv", f"{head}a,YES,ann,100\n")
    labelkit("merge", "m.csv", "1.csv", "--in-place")
    labelkit("merge", "m.csv", "2.csv", "--in-place")
    bill = {row[0]: row[1:] for row in report("m.csv").tables[COST]}
    assert bill["people: 4 answers, 3 labels"] == ["5.000", "0.139"]  # 500 seconds


def test_time_of_answers_that_are_not_merged_counts(report: Any, write: Any) -> None:
    write("labelkit.toml", "[cost]\nhourly_rate = 36\n")
    write("d.csv", "id,text,weak_label,label\na,x,NO,\nb,y,YES,\nc,z,NO,\nd,z,NO,NO\n")
    head = "id,label,label_annotator,label_seconds\n"
    write("1.csv", f"{head}a,NO,ann,50\nb,YES,ann,150\nc,,ann,200\n")
    page = report("d.csv", "--answers", "1.csv")
    bill = {row[0]: row[1:] for row in page.tables[COST]}
    assert bill["people: 3 labels"] == ["5.000", "0.139"]  # 400 seconds, and 100 of d
    assert "people is not known" not in page.words
    write("1.csv", f"{head}a,NO,ann,\n")
    page = report("d.csv", "--answers", "1.csv")
    assert "Dollars of people are not known: name human_seconds, in [cost]." in page.words
    assert "The cost of people is not known: name human_seconds, in [cost]" in page.words


def test_functions_and_their_conflicts_come_from_the_history(report: Any, labelled: Path) -> None:
    page = report(labelled)
    rows = page.tables["Labeling functions"]
    assert rows[0][:2] == ["function", "votes for"]
    assert [row[0] for row in rows[1:]] == ["lf_warm", "lf_stale", "lf_film"]
    assert re.search(r"lf_stale and lf_film: [1-9]\d* of [1-9]\d* rows", page.words)
    for drawing in re.findall(r"<svg.*?</svg>", page.text, re.DOTALL):
        ET.fromstring(drawing)


def test_wrong_labels_are_told_by_the_audit_rows_first(report: Any, labelled: Path) -> None:
    assert "call" not in report(labelled).words  # of fewer than 20 audit rows
    history = Path("final.csv.history.json")
    steps = json.loads(history.read_text())
    for step in steps["steps"]:
        if step["command"] == "find-noise":
            step["figures"]["audit"] = {"rows": 40, "wrong": 8, "interval": [0.105, 0.348]}
    history.write_text(json.dumps(steps))
    told = "On 40 audit rows people call 8 of these labels wrong: 0.200 (0.105 to 0.348)."
    assert told in report(labelled).words


def test_the_command_for_wrong_labels_asks_as_many_rows_as_it_says(
    report: Any, labelled: Path, labelkit: Any
) -> None:
    with labelled.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with labelled.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            row | {"noise_flag": str(bool(row["noise_given"])).lower()} for row in rows
        )
    Path("labelkit.toml").write_text(f"{TASK}[query]\naudit = 10\n")
    words = report(labelled).words
    open_rows = sum(row["label_origin"] != "audit" for row in rows if row["noise_given"])
    assert f"{open_rows} labels are probably wrong" in words
    typed = re.search(r"labelkit (query \S+ -o \S+ --strategy relabel .*?relabel.csv)", words)
    assert typed is not None
    done = labelkit(*typed[1].split())
    assert done.code == 0, done.err
    with Path("relabel.csv").open(newline="") as stream:
        origins = [row["label_origin"] for row in csv.DictReader(stream)]
    assert set(origins) == {"relabel"}
    assert open_rows - 5 < len(origins) <= open_rows  # of rows that are alike one is asked


def test_gold_counts_where_it_is_named(report: Any, labelled: Path) -> None:
    named = report(labelled, "--gold", "gold").tables["Accuracy with 95 % intervals"]
    by_gold = [row for row in named if row[1] == "all rows, by gold"]
    assert {row[0] for row in by_gold} == {"weak_label", "final_label"}
    assert {row[-1] for row in by_gold} == {"no"}


def test_models_and_curves_stand_beside_the_rows(
    report: Any, labelled: Path, labelkit: Any
) -> None:
    done = labelkit("train", labelled, "-o", "final.model", "--label", "final_label")
    assert done.code == 0, done.err
    done = labelkit("simulate", "data.csv", "--gold", "gold", "--labels", "10", "--per-round", "5",
                    "--seeds", "2", "--csv", "curves.csv", "--features", "tfidf")  # fmt: skip
    assert done.code == 0, done.err
    page = report(labelled, "final.model", "curves.csv")
    assert page.tables["Trained models"][1][1] == "audit rows"
    curves = page.tables["Simulated learning curves"]
    assert {row[0] for row in curves[1:]} >= {"default", "random"}
    assert "Accuracy by labels, simulated" in page.text


def test_the_same_files_give_the_same_bytes(report: Any, labelled: Path) -> None:
    once = report(labelled).text
    assert report(labelled).text == once


@pytest.mark.parametrize("output", ["-", "/dev/stdout"])
def test_the_page_goes_to_stdout(output: str, labelkit: Any, labelled: Path) -> None:
    done = labelkit("report", labelled, "-o", output)
    assert done.code == 0 and done.out.startswith("<!doctype html>")
    assert not Path("-").exists()


def test_nothing_is_loaded_and_only_the_own_script_runs(report: Any, labelled: Path) -> None:
    page = report(labelled)
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "base", "form"}
    outside = re.sub(r"<(style|script)>.*?</\1>", "", page.text, flags=re.DOTALL)
    assert not re.search(r"https?:|url\(|@import| style=| on\w+=|src=|javascript:", outside)
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert len(scripts) == 1 and style is not None
    policy = next(given["content"] for _, given in page.tags if "http-equiv" in given)
    digests = [b64encode(sha256(t.encode()).digest()).decode() for t in (style[1], scripts[0])]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        f"base-uri 'none'; form-action 'none'"
    )


def test_hostile_cells_are_shown_not_obeyed(report: Any, write: Any) -> None:
    header = ["id", "text", "label", "label_origin", "weak_label", "weak_confidence", "llm_label",
              "llm_confidence", "llm_error", "final_label", "final_confidence", "final_source",
              "noise_given", "noise_suggested", "noise_quality", "noise_flag",
              "noise_reason"]  # fmt: skip
    with write("hostile.csv", "").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, header)
        writer.writeheader()
        for i in range(12):
            row = dict.fromkeys(header, HOSTILE + "\x1b[31m\u202e") | {
                "id": f"{HOSTILE}{i}", "weak_confidence": 0.5, "llm_confidence": 0.5,
                "final_confidence": 0.5, "noise_quality": 0.1, "noise_flag": "true",
            }  # fmt: skip
            row["label_origin"] = "audit" if i < 4 else ""
            row["label"] = row["label"] if i < 4 else ""
            writer.writerow(row)
    page = report("hostile.csv", "--gold", "llm_label")
    assert "<img" not in page.text and "\x1b" not in page.text and "\u202e" not in page.text
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert "<img src=x onerror=" in page.words
    worst = page.tables["Labels that are probably wrong, the worst first: 12"]
    assert worst[1][0].startswith("<img src=x")


def test_without_labels_it_says_what_to_do(report: Any, write: Any) -> None:
    write("plain.csv", "text\nsome words of a longer text\nother words of a longer text\n")
    page = report("plain.csv")
    assert "not known" in page.words and "2 rows have no label" in page.words
    assert "not yet: no row has a label" in page.words
    assert "labelkit query plain.csv -o plain.query.csv -n 60 " in page.words
    assert "human_label or hourly_rate (dollars), in [cost]" in page.words
    write("none.csv", "text\n")
    assert "0 labelled" in report("none.csv").words


def test_the_page_stays_small_on_many_rows(report: Any, write: Any) -> None:
    lines = [
        f"{i},{'word ' * 60},{'AB'[i % 2]},0.{i % 90 + 10},true,0.{i % 90 + 10},error" + " x" * 90
        for i in range(5_000)
    ]
    write("many.csv", "id,text,final_label,final_confidence,noise_flag,noise_quality,noise_reason\n"
          + "\n".join(lines) + "\n")  # fmt: skip
    page = report("many.csv")
    assert len(page.text) < 150_000
    assert "Labels that are probably wrong, the worst first: 100 of 5,000" in page.tables
    qualities = [
        row[4]
        for row in page.tables["Labels that are probably wrong, the worst first: 100 of 5,000"][1:]
    ]
    assert qualities == sorted(qualities)


def test_mistakes_are_told_by_the_flags_where_no_model_of_noise_is_known(
    report: Any, write: Any
) -> None:
    lines = [f"{i},text,A,B,0.{i},true" for i in range(1, 4)] + ["4,text,B,A,0.5,true"]
    header = "id,text,noise_given,noise_suggested,noise_quality,noise_flag"
    write("flags.csv", "\n".join([header, *lines, "5,text,B,A,0.9,false"]) + "\n")
    found = report("flags.csv").tables["Flagged labels and what is suggested"]
    assert found == [["given", "suggested", "rows"], ["A", "B", "3"], ["B", "A", "1"]]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("data.csv",), 2, "report needs -o FILE.html, the page to write"),
        (("data.csv", "-o", "page.txt"), 2, "report needs -o FILE.html, the page to write"),
        (("data.csv", "-o", "no/page.html"), 1, "there is no folder no (mkdir -p no)"),
        (("none.csv", "-o", "page.html"), 1, "there is no file none.csv"),
        (("curves.csv", "-o", "page.html"), 2, "needs a labelled file beside models and curves"),
        (("bad.csv", "-o", "page.html"), 1, "column 'weak_confidence' holds a cell that is no"),
    ],
)
def test_refusals(
    args: tuple[str, ...], code: int, message: str, labelkit: Any, write: Any
) -> None:
    write("data.csv", "id,text\n1,some words of a longer text\n")
    write("bad.csv", "id,text,weak_label,weak_confidence\n1,some words,A,sure\n")
    write("curves.csv", "strategy,features,per_round,seed,labels,accuracy,macro_f1\n")
    found = labelkit("report", *args)
    assert (found.code, found.out) == (code, "")
    assert message in found.err
    assert not list(Path().glob("*.html"))


def test_without_a_history_a_column_is_judged_by_the_audit(report: Any, labelled: Path) -> None:
    Path("final.csv.history.json").unlink()
    page = report(labelled)
    assert re.search(
        r"cannot tell: accuracy of weak_label 1\.000 \(95% CI .*n=\d audit", page.words
    )


def test_a_decision_about_some_rows_claims_nothing_of_the_others(
    labelkit: Any, report: Any, labelled: Path
) -> None:
    some = "label_origin == 'audit' or label_origin is empty"
    done = labelkit("decide", labelled, "-o", "some.csv", "--where", some)
    assert done.code == 0, done.err
    page = report("some.csv")
    assert re.search(r"accuracy, 24 of 36 labels", page.words), page.words[:400]
