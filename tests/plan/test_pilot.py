"""labelkit plan before there are labels: a pilot first, techniques at the end, models compared."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from labelkit.plan.choice import Floor, choose, floor_of
from labelkit.plan.mixes import Limits, Line
from labelkit.plan.trials import Mix
from labelkit.stats.metrics import Figure

ROWS = 400
COST = "[cost]\nhuman_label = 0.3\nhuman_seconds = 36\n"


@pytest.fixture
def plan(labelkit: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Plan on rows without a label, with this budget, without a key."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def make(budget: float | None, *args: str, rows: int = ROWS, labels: int = 0) -> Any:
        budget_line = "" if budget is None else f"budget = {budget}\n"
        write("labelkit.toml", f'[task]\nclasses = ["BAD", "GOOD"]\n{COST}{budget_line}')
        given = [("GOOD", "BAD")[i % 2] if i < labels else "" for i in range(rows)]
        lines = [f"{i},a {('warm', 'grim')[i % 2]} film number {i},{given[i]}" for i in range(rows)]
        write("data.csv", "\n".join(["id,text,label", *lines]) + "\n")
        done = labelkit("plan", "data.csv", "--features", "tfidf", "--json", *args)
        assert done.code == 0, done.err
        return json.loads(done.out), done.err

    return make


def test_without_labels_and_key_the_pilot_comes_first_and_techniques_end_it(plan: Any) -> None:
    found, said = plan(20, "--model", "mini", "--price", "1,2")
    pilot, (mini,) = found["pilot"], found["models"]
    assert pilot["what"] == "22 audit rows by people, and the same rows by mini"
    assert pilot["dollars"] == pytest.approx(22 * 0.3 + mini["dollars"] * 22 / ROWS)
    assert f"plan: pilot first: {pilot['what']} (${pilot['dollars']:.2f}): decides whether" in said
    assert f"next: {pilot['run']}" in said
    use = found["techniques"]
    assert use["use"] == "mini for all rows + audit by people + people for the rows in doubt"
    assert use["why"].startswith(
        f"if mini is right on 90% of the audit rows or more: all rows by mini "
        f"(${mini['dollars']:.2f})"
    )
    assert found["best"] is None and all(mix["accuracy"] is None for mix in found["mixes"])
    limit = [mix for mix in found["mixes"] if mix["dollars"] <= 20]
    assert max(mix["labels_by_people"] for mix in limit) == 66, "the grid reaches the budget"


def test_the_pilot_runs_as_printed(plan: Any, labelkit: Any, write: Any) -> None:
    answers = [
        {"text": f"a {('warm', 'grim')[i % 2]} film number {i}", "label": "GOOD"}
        for i in range(ROWS)
    ]
    write("says.jsonl", "\n".join(map(json.dumps, answers)) + "\n")
    found, _ = plan(60, "--model", "replay:says.jsonl", "--model", "mini")
    assert found["pilot"]["unpriced"] == "mini"
    commands = [shlex.split(one)[1:] for one in found["pilot"]["run"].split(" && ")]
    names = [words[0] for words in commands]
    assert names == ["query", "annotate", "merge", "llm-label", "llm-label", "plan"]
    for words in commands:
        if words[0] == "annotate":
            _answer(Path(words[1]))
        elif "mini" not in words or words[0] == "plan":  # nobody is there to ask
            done = labelkit(*("data.pilot.csv" if w == "data.pilot-2.csv" else w for w in words))
            assert done.code == 0, done.err
    assert "replay:says.jsonl: $0.00 for all rows, its labels in the file are measured" in done.out
    assert commands[4][commands[4].index("--as") + 1] == "llm_mini"


def _answer(batch: Path) -> None:
    """Answer a batch by hand: labels in turn."""
    head, *rows = batch.read_text().splitlines()
    names = head.split(",")
    place = names.index("label")
    lines = [row.split(",") for row in rows]
    for number, cells in enumerate(lines):
        cells[place] = ("GOOD", "BAD")[number % 2]
    target = batch.with_name(batch.name.replace(".csv", ".answers.csv"))
    target.write_text("\n".join([head, *map(",".join, lines)]) + "\n")


def test_models_are_priced_side_by_side_in_order_or_by_name(plan: Any) -> None:
    args = ("--model", "big", "--model", "small", "--model", "other")
    found, _ = plan(None, *args, "--price", "10,10", "--price", "other=2,2")
    dollars = {one["model"]: one["dollars"] for one in found["models"]}
    assert dollars["big"] == pytest.approx(5 * dollars["other"]) and dollars["small"] is None
    names = {mix["mix"]: mix["dollars"] for mix in found["mixes"]}
    assert names["LLM big"] > names["LLM other"] and names["LLM small"] is None
    small = next(one for one in found["models"] if one["model"] == "small")
    assert small["not_known"].startswith("its price is unknown: all rows take about ")
    assert "give --price IN,OUT, dollars per million tokens" in small["not_known"]


def test_techniques_without_a_language_model(plan: Any) -> None:
    use = plan(60)[0]["techniques"]
    assert use["use"] == "up to 200 labels by people + model"
    dear = plan(2, "--model", "big", "--price", "1000,1000")[0]["techniques"]
    assert dear["use"] == "up to 6 labels by people + model"
    assert "too few labels can be had for a pilot, which takes 20" in plan(2)[1]
    assert (
        "big for all rows costs $" in dear["why"]
        and "more than the budget of $2.00" in (dear["why"])
    )
    assert plan(100, rows=40)[0]["techniques"]["use"] == "up to 40 labels by people + model"


def test_a_cheap_pilot_is_first_where_labels_are_known(plan: Any) -> None:
    found, said = plan(60, "--model", "mini", "--price", "1,2", "--gold", "label", labels=60)
    assert found["pilot"]["what"] == "60 rows with known labels by mini"
    assert f"next: {found['pilot']['run']}" in said
    use = found["techniques"]
    assert use["use"] == f"first the pilot of mini; without it {found['best']}"
    assert "if mini is right on 90% of the audit rows or more: all rows by mini ($" in use["why"]
    assert f"below: {found['best']} ($" in use["why"]
    assert f"without the pilot: {found['best']} within a point of the best" in said


def _line(name: str, people: int, dollars: float, value: float, *, far: bool = False) -> Line:
    figure = Figure(value, value - 0.1, min(1.0, value + 0.1))
    return Line(name, Mix((), people), people, 0.0, dollars, 1.0, figure, far)


HAND = Line("all by hand", None, 1000, 0.0, 300.0, 10.0, Figure(1.0, 1.0, 1.0))
LINES = [HAND, _line("few", 30, 9.0, 0.55), _line("some", 100, 30.0, 0.7),
         _line("many", 900, 270.0, 0.97, far=True)]  # fmt: skip


@pytest.mark.parametrize(
    ("budget", "floor", "best", "words"),
    [
        (20, 0.6, None, "no mix reaches the floor of 0.600 (by me) for the budget of $20.00: the "
                        "best is few, 0.550 · $9.00, 5.0 points short"),
        (100, 0.6, "some", "some within a point of the best for least: 0.700 · $30.00"),
        (280, 0.6, "many", "many within a point of the best for least: 0.970 (extrapolated) · $27"),
        (3000, 0.6, "all by hand", "all by hand within a point of the best for least: 1.000"),
        (None, 0.6, "some", "some within a point of the best for least: 0.700"),
    ],
)  # fmt: skip
def test_the_budget_is_used_where_it_pays_and_never_below_the_floor(
    budget: float | None, floor: float, best: str | None, words: str
) -> None:
    found = choose(LINES, None, Limits(budget), Floor(floor, "by me"))
    assert (found.best.mix if found.best else None) == best
    assert found.words.startswith(words)
    if budget == 20:
        assert found.short == [
            "a budget of $20.00: some reaches 0.6 for $30.00, $10.00 more"
        ]  # fmt: skip
    if budget == 280:
        assert found.cheaper == (
            "for half of that or less: some, 0.700 (27.0 points less) · $30.00"
        )


def test_the_floor_lies_above_the_largest_class() -> None:
    values: Mapping[float, float] = {0.5: 0.6, 0.9: 0.95, 0.25: 0.35}
    for share, value in values.items():
        assert floor_of(share).value == pytest.approx(value)


def test_labels_in_the_file_are_not_asked_for_again(plan: Any) -> None:
    found, said = plan(60, labels=60)
    best = next(mix for mix in found["mixes"] if mix["mix"] == found["best"])
    words = shlex.split(best["run"])
    picked = best["labels_by_people"] - 66  # a third of the 200 labels that the budget buys
    assert words[words.index("-n") + 1] == str(max(0, picked - 60))
    assert "60 of these labels are in the file already and are paid for: " in said
