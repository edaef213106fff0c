"""What each stage of a pipeline labelled, cost and is worth; a stage that harmed is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests import servers
from tests.pipeline.conftest import CLASSES_OF_FILMS, RULES_OF_FILMS, as_csv, cells, film_rows

OTHER = {"GOOD": "BAD", "BAD": "GOOD"}
ROWS = 120
TASK = CLASSES_OF_FILMS + "human_seconds = 36\nsetup_minutes = { weak-label = 6 }\n"
STAGES = "weak-label,llm-label,query,people,decide"
REPLAY = '[llm-label]\nmodel = "replay:llm.jsonl"\n'
DECIDE = "[decide]\nown-model = false\n"
BY = ("films.csv", "-o", "out.csv", "--work-dir", "work", "--features", "tfidf")
REHEARSED = (*BY, "--oracle", "gold", "-n", "8", "--audit", "40", "--summary", "told.json")


def _begin(right: Callable[[int], bool], more: str = REPLAY) -> None:
    """Write films, and what a language model says of them: the truth where it is `right`."""
    films = film_rows(ROWS)
    Path("films.csv").write_text(as_csv(films))
    said = [
        {"text": text, "label": gold if right(i) else OTHER[gold], "confidence": 0.9}
        for i, (text, gold) in enumerate(films)
    ]
    Path("llm.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
    Path("labelkit.toml").write_text(TASK + more + RULES_OF_FILMS)


def _waterfall() -> dict[str, Any]:
    return dict(json.loads(Path("told.json").read_text())["waterfall"])


def _labelled() -> int:
    return sum(label != "" for (label,) in cells("out.csv", "final_label"))


def _stage(name: str) -> dict[str, Any]:
    return next(row for row in _waterfall()["stages"] if row["stage"] == name)


@pytest.fixture
def useful(labelkit: Any, words_alone: None, begin: Any) -> None:
    """A pipeline whose language model errs on each seventh row, decided by voters alone."""

    def run() -> None:
        _begin(lambda i: bool(i % 7), REPLAY + DECIDE)
        done = labelkit("pipeline", *REHEARSED, "--stages", STAGES)
        assert done.code == 0, done.err
        Path("said.txt").write_text(done.err)

    begin("a waterfall", run)


def test_a_useful_stage_gains_and_the_table_says_so(useful: None) -> None:
    llm = _stage("llm-label")
    for basis in ("audit", "gold"):
        gain = llm[f"without_{basis}"]
        assert gain["effect"] == "helped" and 0 < gain["low"] <= gain["gain"] <= gain["high"]
        assert gain["value"] == pytest.approx(_stage("decide")[basis]["value"] - gain["gain"])
    assert _waterfall()["harmed"] == []
    said = Path("said.txt").read_text()
    assert (
        "what each stage gave (40 audit rows, gold of 120 rows)\n" in said
        and " harmed: " not in said
    )
    assert [row["stage"] for row in _waterfall()["stages"]] == [
        "weak-label", "llm-label", "query", "people", "decide",
    ]  # fmt: skip


def test_rows_and_cost_add_up(useful: None) -> None:
    stages = _waterfall()["stages"]
    assert sum(row["first"] for row in stages) == _labelled() == ROWS
    assert [row["dollars"] for row in stages] == pytest.approx([5.0, 0, 0, 24.0, 0])
    assert [row["hours"] for row in stages] == pytest.approx([0.1, 0, 0, 0.48, 0])
    bill = next(s for s in Path("said.txt").read_text().splitlines() if s.startswith("in all"))
    assert bill.split()[2:] == ["29.000", "0.580"]


def test_without_a_stage_is_what_decide_gives_without_its_column(
    labelkit: Any, useful: None
) -> None:
    done = labelkit("decide", "work/4-people.csv", "-o", "without.csv", "--label", "weak_label",
                    "--gold", "gold", "--summary", "without.json")  # fmt: skip
    assert done.code == 0, done.err
    pairs = zip(cells("out.csv", "final_label"), cells("without.csv", "final_label", "gold"),
                strict=True)  # fmt: skip
    both = [(one, other, gold) for (one,), (other, gold) in pairs]
    llm = _stage("llm-label")
    assert llm["changed"] == sum(one != other for one, other, _ in both)
    right = sum(other == gold for _, other, gold in both) / ROWS
    assert llm["without_gold"]["value"] == pytest.approx(right, abs=1e-6)


def test_the_last_accuracy_is_the_one_that_is_claimed(useful: None) -> None:
    decided = json.loads(Path("work/5-decide.summary.json").read_text())
    told = [_stage("decide")["audit"][part] for part in ("value", "low", "high")]
    claim = [decided["claim"][part] for part in ("value", "low", "high")]
    if decided["claim"]["labels"] == ROWS:
        assert told == pytest.approx(claim, abs=1e-6)


def test_the_report_shows_the_same_as_a_table_and_a_picture(useful: None) -> None:
    page = Path("work/report.html").read_text()
    section = page[page.index('id="stages"') :]
    section = section[: section.index("</section>")]
    picture = ElementTree.fromstring(section[section.index("<svg") : section.index("</svg>") + 6])
    assert {"weak-label", "llm-label", "query", "people", "decide"} <= {
        text.text for text in picture.iter("text")
    }
    for row in _waterfall()["stages"]:
        assert "{value:.3f} ({low:.3f} to {high:.3f})".format(**row["gold"]) in section
    assert _stage("llm-label")["without_audit"]["effect"] == "helped"
    assert 'class="figure wrong"' not in section


def test_a_stage_that_harmed_is_named_with_the_remedy(labelkit: Any, words_alone: None) -> None:
    _begin(lambda i: False)
    done = labelkit("pipeline", *REHEARSED, "--stages", STAGES)
    assert done.code == 0, done.err
    assert _waterfall()["harmed"] == ["llm-label"]
    assert _stage("llm-label")["without_gold"]["effect"] == "harmed"
    said = next(line for line in done.err.splitlines() if line.startswith("llm-label harmed: "))
    assert "--stages weak-label,query,people,decide" in said
    assert "or use another model or clearer guidelines" in said
    assert 'class="figure wrong"' in Path("work/report.html").read_text()
    after = [row["gold"]["value"] for row in _waterfall()["stages"][:2]]
    assert after[1] < after[0]
    assert _stage("people")["without_gold"]["value"] == pytest.approx(after[1], abs=2e-6)


def test_a_file_that_people_alone_label(labelkit: Any, words_alone: None) -> None:
    _begin(lambda i: True, "")
    done = labelkit("pipeline", *REHEARSED, "--stages", "query,people,decide")
    assert done.code == 0, done.err
    query, people, _ = _waterfall()["stages"]
    assert query["gold"] is query["audit"] is None, "nothing is labelled yet"
    assert people["without_gold"]["value"] == 0
    assert people["first"] == 48 and query["first"] == 0


def test_without_audit_and_gold_there_are_rows_and_cost_alone(
    labelkit: Any, words_alone: None
) -> None:
    _begin(lambda i: True)
    args = (*BY, "--summary", "told.json", "--stages", "weak-label,llm-label,decide")
    done = labelkit("pipeline", *args)
    assert done.code == 0, done.err
    assert "no accuracy of stages: no audit row has a human label" in done.err
    llm = _stage("llm-label")
    assert llm["changed"] > 0 and "audit" not in llm and "gold" not in llm
    assert " harmed" not in done.err


def test_what_has_no_price_is_unknown_and_the_rest_is_not(labelkit: Any, words_alone: None) -> None:
    _begin(lambda i: True, "")
    Path("labelkit.toml").write_text("[task]\ntext = ['text']\n" + RULES_OF_FILMS)
    done = labelkit("pipeline", *REHEARSED, "--stages", "weak-label,query,people,decide")
    assert done.code == 0, done.err
    assert [row["dollars"] for row in _waterfall()["stages"]] == [0, 0, None, 0]
    people = [line for line in done.err.splitlines() if line.startswith("people  ")]
    assert people[-1].split()[3:5] == ["unknown", "unknown"]


def test_where_nothing_decides_it_is_said(labelkit: Any, words_alone: None) -> None:
    _begin(lambda i: True, "")
    done = labelkit("pipeline", *BY, "--stages", "weak-label", "--summary", "told.json")
    assert (done.code, "what each stage gave is not known: no stage decides" in done.err) == (
        0, True,
    )  # fmt: skip
    assert "waterfall" not in json.loads(Path("told.json").read_text())


def test_nobody_is_asked_or_paid_for_it(labelkit: Any, words_alone: None, monkeypatch: Any) -> None:
    asked: list[str] = []
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    _begin(lambda i: True, '[llm-label]\nmodel = "tiny"\nprice = [1000, 2000]\n')
    with servers.chat_server(asked=asked) as url:
        done = labelkit("pipeline", *REHEARSED, "--stages", STAGES, "--base-url", url)
        assert done.code == 0, done.err
        answers = len(asked)
        again = labelkit("decide", "work/4-people.csv", "-o", "again.csv", "--worth", "--gold",
                         "gold")  # fmt: skip
        assert again.code == 0, again.err
    assert "what each step gave (40 audit rows, gold of 120 rows)\n" in again.err
    assert len(asked) == answers
    in_all = next(line for line in done.err.splitlines() if line.startswith("language model"))
    assert _stage("llm-label")["dollars"] == pytest.approx(float(in_all.split()[-2]), abs=1e-3)


def test_rounds_of_people_are_told_apart(labelkit: Any, words_alone: None) -> None:
    _begin(lambda i: True, "")
    stages = "weak-label,query,people,query,people,decide"
    done = labelkit("pipeline", *REHEARSED, "--stages", stages)
    assert done.code == 0, done.err
    names = [row["stage"] for row in _waterfall()["stages"]]
    assert names == ["weak-label", "query", "people", "query 2", "people 2", "decide"]
    last = {row["stage"]: row for row in _waterfall()["stages"]}
    assert [last[name]["dollars"] for name in ("people", "people 2")] == [24.0, 24.0]
    assert all(0 < last[name]["first"] <= 48 for name in ("people", "people 2"))
    assert sum(row["first"] for row in last.values()) == _labelled()
    by_chosen, by_all = (last[name]["without_gold"]["gain"] for name in ("query 2", "people 2"))
    assert 0 < by_chosen < by_all, "people's own labels of audit rows are right too"


def test_passes_of_one_language_model_are_told_apart(labelkit: Any, words_alone: None) -> None:
    _begin(lambda i: True)
    done = labelkit("pipeline", *REHEARSED, "-n", "16", "--target-accuracy", "0.95")
    assert done.code in (0, 3), done.err
    stages = {row["stage"]: row for row in _waterfall()["stages"]}
    assert [name for name in stages if name.startswith("llm-label")] == ["llm-label", "llm-label 2"]
    assert stages["llm-label"]["without_gold"] != stages["llm-label 2"]["without_gold"]
    assert stages["llm-label 2"]["changed"] > 0
    assert sum(row["first"] or 0 for row in stages.values()) == _labelled()
