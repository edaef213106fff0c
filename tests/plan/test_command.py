"""labelkit plan: questions answered from the data, mixes priced and tried out, nothing made up."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from labelkit.config.costs import Prices
from labelkit.plan.choice import choose
from labelkit.plan.forecast import levelled
from labelkit.plan.mixes import Facts, Limits, Line, commands_of, lines, that_gain
from labelkit.plan.trials import Count, Measured, Mix
from labelkit.stats.metrics import Figure
from tests.pipeline.conftest import LFS, truth

ROWS = 160
TASK = """
[task]
classes = ["BAD", "GOOD"]
[cost]
human_label = 0.5
human_seconds = 36
setup_minutes = { weak-label = 30 }
"""


@pytest.fixture
def data(write: Any) -> None:
    """Reviews whose first word tells the class; rules know one word in two."""
    words = {"GOOD": ["warm", "lovely"], "BAD": ["stale", "grim"]}
    rest = random.Random(0)
    lines = [
        f"{i:03d},a {words[truth(i)][i % 2]} film of {rest.choice('AB')} no {i},{truth(i)}"
        for i in range(ROWS)
    ]
    write("data.csv", "\n".join(["id,text,gold", *lines]) + "\n")
    write("lfs.py", LFS)


@pytest.fixture
def plan(labelkit: Any, data: None) -> Any:
    def make(*args: object) -> Any:
        done = labelkit("plan", "data.csv", "--features", "tfidf", "--json", *args)
        assert done.code == 0, done.err
        return json.loads(done.out), done.err

    return make


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """Plans that several tests look at."""
    return {}


@pytest.fixture
def priced(plan: Any, write: Any, made: dict[str, Any]) -> Any:
    """The plan of a task with prices and rules, tried out on rows whose labels are known."""
    write("labelkit.toml", TASK)
    if not made:
        made["priced"] = plan("--gold", "gold", "--functions", "lfs.py", "--audit", "20")
    return made["priced"]


def by_question(found: Any) -> dict[str, Any]:
    return {one["question"]: one for one in found["questions"]}


def test_without_labels_it_says_what_to_run_and_makes_nothing_up(plan: Any) -> None:
    found, said = plan()
    asked = by_question(found)
    assert asked["are there labels already?"]["answer"] == "no"
    assert asked["are there labels already?"]["why"].endswith("the task needs its classes first")
    assert "next: labelkit init data.csv" in said
    assert asked["can rules cover it?"]["answer"] == "not known"
    assert asked["is a language model good enough?"]["answer"] == "not known"
    assert asked["how many hours have people?"]["answer"] == "not known"
    for mix in found["mixes"]:
        assert mix["accuracy"] is None and mix["dollars"] is None and mix["hours"] is None
    assert found["best"] is None and found["measured_rows"] == 0
    assert "no accuracy can be estimated" in said
    named, said = plan("--classes", "BAD,GOOD", "--audit", "20")
    run = by_question(named)["are there labels already?"]["run"]
    assert run == (
        "labelkit query data.csv -o data.query.csv -n 50 --audit 20 --batch data.todo.csv "
        "--classes BAD,GOOD --features tfidf && labelkit annotate data.todo.csv --classes BAD,GOOD "
        "&& labelkit merge data.query.csv data.todo.answers.csv -o data.known.csv --classes "
        "BAD,GOOD && labelkit plan data.known.csv --audit 20 --classes BAD,GOOD --features tfidf"
    )
    assert f"next: {run}" in said and by_question(named)["is a language model good enough?"][
        "run"] == "", "without labels nothing judges it"  # fmt: skip


def test_what_init_wrote_as_an_example_is_no_task_yet(plan: Any, write: Any, labelkit: Any) -> None:
    write("data.csv", "text\n" + "".join(f"some words about number {i}\n" for i in range(40)))
    assert labelkit("init", "data.csv", "--no-task", "--force").code == 0
    asked = by_question(plan()[0])
    assert asked["is the task well defined?"]["answer"] == "not yet"
    assert asked["is the task well defined?"]["why"].startswith("the task file lacks classes, ")


def test_mixes_are_priced_and_tried_out_on_known_rows(priced: Any) -> None:
    found, said = priced
    mixes = {mix["mix"]: mix for mix in found["mixes"]}
    assert mixes["all by hand"]["dollars"] == ROWS * 0.5
    assert mixes["all by hand"]["hours"] == pytest.approx(ROWS * 36 / 3600)
    # Half an hour of rules at 50 dollars an hour, and the audit rows.
    assert mixes["rules"]["dollars"] == pytest.approx(25 + 10)
    assert mixes["rules"]["set_up"] == pytest.approx(25)
    assert mixes["rules"]["per_1000_rows"] == pytest.approx(35 * 1000 / ROWS, abs=1e-5)
    assert mixes["30 by people + model"]["dollars"] == pytest.approx(50 * 0.5)
    assert mixes["30 by people + model"]["labels_by_people"] == 50
    assert (found["measured_on"], found["measured_rows"]) == ("labels of all rows", ROWS)
    assert not found["biased"]
    both = mixes["rules + 30 by people + model"]
    assert both["low"] < both["accuracy"] <= both["high"] <= 1
    assert both["accuracy"] > mixes["rules"]["accuracy"], "people teach words that rules lack"
    assert by_question(found)["can rules cover it?"]["why"].startswith("they vote on 5")
    assert f"plan: {found['best']} within a point of the best for least" in said


def test_gold_is_never_learned_from(plan: Any, write: Any) -> None:
    said = random.Random(1)
    lines = [f"{i},words of no meaning {said.random()},{said.choice('AB')}" for i in range(ROWS)]
    write("data.csv", "\n".join(["id,text,truth", *lines]) + "\n")
    found, _ = plan("--gold", "truth", "--audit", "0")
    tried = [mix for mix in found["mixes"] if mix["basis"] == "trial"]
    assert tried
    for mix in tried:
        theirs = mix["labels_by_people"] / ROWS
        assert (mix["accuracy"] - theirs) / (1 - theirs) < 0.7


def test_a_language_model_is_priced_without_asking_it(
    plan: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    write("labelkit.toml", TASK + "[llm-label]\nwhere = 'weak_confidence < 0.8'\n")
    found, _ = plan("--model", "gpt-4o-mini", "--price", "10,10", "--audit", "0")
    alone = next(mix for mix in found["mixes"] if mix["mix"] == "LLM")
    assert alone["dollars"] > 0 and alone["accuracy"] is None
    asked = by_question(found)["is a language model good enough?"]
    assert asked["answer"] == "not known"
    assert asked["run"] == "", "without labels nothing judges it"
    found, _ = plan("--model", "gpt-4o-mini", "--audit", "0")
    assert "give --price" in by_question(found)["is a language model good enough?"]["why"]


@pytest.mark.slow
def test_labels_of_a_language_model_in_the_file_are_measured(plan: Any, write: Any) -> None:
    lines = [
        f"{i},words about number {i},{truth(i)},{truth(i) if i % 5 else 'BAD'},0.9"
        for i in range(ROWS)
    ]
    write("data.csv", "\n".join(["id,text,gold,llm_label,llm_confidence", *lines]) + "\n")
    found, _ = plan("--gold", "gold", "--audit", "0")
    alone = next(mix for mix in found["mixes"] if mix["mix"] == "LLM")
    right = sum(bool(i % 5) or truth(i) == "BAD" for i in range(ROWS)) / ROWS
    assert alone["low"] <= right <= alone["high"]


def test_picked_labels_are_called_biased(plan: Any, write: Any) -> None:
    lines = [
        f"{i},words about number {i} {truth(i)}s,{truth(i) if i < 100 else ''}" for i in range(ROWS)
    ]
    write("data.csv", "\n".join(["id,text,label", *lines]) + "\n")
    found, _ = plan()
    assert found["biased"] and found["measured_on"] == "labelled rows (biased)"
    asked = by_question(found)["are there labels already?"]
    assert asked["answer"] == "yes, most" and asked["run"].startswith("labelkit find-noise")
    flags = [f"{line},{'true' if i < 7 else 'false' if i < 100 else ''}"
             for i, line in enumerate(lines)]  # fmt: skip
    write("data.csv", "\n".join(["id,text,label,noise_flag", *flags]) + "\n")
    asked = by_question(plan()[0])["are there labels already?"]
    assert asked["answer"] == "yes, most" and "find-noise doubts 7 of 100 labels" in asked["why"]
    assert asked["run"].startswith(
        "labelkit query data.csv -o data.query.csv --strategy relabel -n 7"
    )


def test_the_mix_that_is_named_is_printed_as_a_pipeline_that_runs(
    priced: Any, labelkit: Any
) -> None:
    found, said = priced
    mixes = {mix["mix"]: mix for mix in found["mixes"]}
    assert mixes["all by hand"]["run"] is None
    line = mixes["rules + 30 by people + model"]["run"]
    assert line == (
        "labelkit pipeline data.csv -o data.labelled.csv --work-dir data.labelled.csv.work "
        "--stages weak-label,query,people,decide,train -n 30 --audit 20 --functions lfs.py "
        "--gold gold --features tfidf"
    )
    asked = by_question(found)["is a language model good enough?"]
    assert asked["run"] == (
        "labelkit llm-label data.csv -o data.pilot.csv --model local && labelkit plan "
        "data.pilot.csv --model local --functions lfs.py --audit 20 --gold gold --features tfidf"
    )
    assert f"next: {mixes[found['best']]['run']}" in said
    done = labelkit(*line.split()[1:], "--oracle", "gold")
    assert done.code == 0, done.err
    paid = next(row for row in done.err.splitlines() if row.startswith("in all")).split()[2]
    assert float(paid) == pytest.approx(mixes["rules + 30 by people + model"]["dollars"])


@pytest.mark.parametrize("tells", [True, False])
def test_find_noise_is_a_mix_where_the_texts_tell_what_is_wrong(
    plan: Any, write: Any, tells: bool
) -> None:
    lines = []
    for i in range(ROWS):
        said = truth(i) if i % 4 else {"GOOD": "BAD", "BAD": "GOOD"}[truth(i)]
        words = {"GOOD": "a warm lovely film", "BAD": "a stale grim mess"}[truth(i)]
        text = words if tells else "a film"
        lines.append(f"{i},{text} {i},{truth(i) if i < 50 else ''},{said},0.8")
    write("data.csv", "\n".join(["id,text,gold,llm_label,llm_confidence", *lines]) + "\n")
    found, _ = plan("--gold", "gold", "--audit", "0")
    mixes = {mix["mix"]: mix for mix in found["mixes"] if mix["basis"] == "trial"}
    assert set(mixes) == ({"LLM", "LLM + find-noise"} if tells else {"LLM"})
    assert "--stages llm-label,decide,train" in mixes["LLM"]["run"]
    if tells:
        stages = "--stages llm-label,decide,find-noise,decide,train"
        assert stages in mixes["LLM + find-noise"]["run"]


def test_find_noise_is_kept_where_it_gains() -> None:
    plain, clean = Mix(("llm",), 100), Mix(("llm",), 100, noise=True)
    counts = {plain: Count(80, 100), clean: Count(82, 100)}
    assert that_gain(counts) == counts
    assert that_gain(counts | {clean: Count(80, 100)}) == {plain: Count(80, 100)}
    assert commands_of(clean) == ["llm-label", "query", "people", "decide", "find-noise", "decide"]


def test_a_model_for_doubtful_rows_needs_a_line_in_the_task_file(plan: Any, write: Any) -> None:
    write("labelkit.toml", TASK)
    lines = [
        f"{i},a {'warm' if i % 3 else 'stale'} film {i},{truth(i)},"
        + (f"{truth(i)},0.9" if i % 2 else ",")
        for i in range(ROWS)
    ]
    write("data.csv", "\n".join(["id,text,gold,llm_label,llm_confidence", *lines]) + "\n")
    found, said = plan("--gold", "gold", "--functions", "lfs.py")
    names = [mix["mix"] for mix in found["mixes"]]
    assert "rules + LLM on doubtful rows" in names
    assert "put where = 'weak_confidence < 0.8'" not in said, "the rules alone are named"


def test_a_target_out_of_reach_tells_what_is_lacking(plan: Any, write: Any) -> None:
    write("labelkit.toml", TASK)
    lines = [f"{i},words of no meaning {i},{truth(i)}" for i in range(ROWS)]
    write("data.csv", "\n".join(["id,text,gold", *lines]) + "\n")
    found, said = plan("--gold", "gold", "--audit", "0", "--target-accuracy", "0.99",
                       "--labels", "60")  # fmt: skip
    mixes = [mix for mix in found["mixes"] if mix["accuracy"] is not None]
    top = max(mix["accuracy"] for mix in mixes if mix["labels_by_people"] <= 60)
    assert found["best"] is None
    assert found["short_of_target"] == pytest.approx(0.99 - top, abs=1e-5)
    assert "plan: no mix reaches 0.99 with 60 labels by people: the best is" in said
    assert f"{100 * (0.99 - top):.1f} points short" in said
    goes_on = next(mix for mix in mixes if "doubtful rows to people" in mix["mix"])
    assert found["short_of_labels"] == goes_on["labels_by_people"] - 60 > 0


@pytest.mark.slow
def test_a_budget_that_cannot_reach_the_target_tells_by_how_much(plan: Any, write: Any) -> None:
    write("labelkit.toml", TASK.replace("[cost]", "[cost]\nbudget = 12"))
    found, said = plan("--gold", "gold", "--functions", "lfs.py", "--audit", "0",
                       "--target-accuracy", "0.95")  # fmt: skip
    assert found["best"] is None
    # Thirty labels at half a dollar reach it, rules (half an hour at 50 dollars) do not.
    assert found["short_of_budget"] == pytest.approx(3.0)
    assert "plan: no mix can be had for the budget of $12.00: the least is" in said
    write("labelkit.toml", TASK.replace("[cost]", "[cost]\nbudget = 26"))
    found, said = plan("--gold", "gold", "--functions", "lfs.py", "--audit", "0")
    costs = {mix["mix"]: mix["dollars"] for mix in found["mixes"]}
    assert costs[found["best"]] <= 26


@pytest.mark.parametrize(
    ("target", "limits", "best", "words", "short"),
    [
        (None, (), "people", "people within a point of the best for least: 0.900 · $30.00", ""),
        (None, (20.0,), "rules", "rules within a point of the best for least: 0.800 · $10.00",
         "a budget of $20.00: people would be +10.0 points, for $30.00, $10.00 more"),
        (0.85, (20.0,), None, "no mix reaches 0.85 for the budget of $20.00: the best is rules, "
         "0.800 · $10.00, 5.0 points short", "people reaches 0.85 for $30.00, $10.00 more"),
        (0.85, (None, 20), None, "no mix reaches 0.85 with 20 labels by people: the best is rules",
         "people reaches 0.85 with 30 labels by people, 10 more"),
        (0.95, (20.0,), None, "no mix reaches 0.95: the best is rules, 0.800 · $10.00, 15.0 points "
         "short; all by hand costs $100.00", ""),
        (0.75, (20.0, 0), "rules", "rules reaches 0.75 for least: 0.800 · $10.00", ""),
        (None, (5.0,), None, "no mix can be had for the budget of $5.00: the least is rules, 0.800"
         ", for $10.00, $5.00 more", ""),
    ],
)  # fmt: skip
def test_the_choice_and_what_is_out_of_reach(
    target: float | None, limits: tuple[Any, ...], best: str | None, words: str, short: str
) -> None:
    lines = [
        Line("all by hand", None, 100, 0.0, 100.0, 1.0, None),
        Line("rules", Mix(("weak",), 0), 0, 10.0, 10.0, 0.1, Figure(0.8, 0.7, 0.9)),
        Line("people", Mix((), 30), 30, 0.0, 30.0, 0.3, Figure(0.9, 0.8, 0.95)),
    ]
    found = choose(lines, target, Limits(*limits))
    assert (found.best.mix if found.best else None) == best
    assert found.words.startswith(words)
    assert short in " ".join(found.short) if short else not found.short


def test_all_by_hand_is_named_where_it_costs_no_more() -> None:
    lines = [
        Line("all by hand", None, 40, 0.0, 20.0, 1.0, None),
        Line("rules", Mix(("weak",), 0), 0, 25.0, 25.0, 0.1, Figure(0.8, 0.7, 0.9)),
    ]
    found = choose(lines, None)
    assert found.best == lines[0]
    assert found.words == "all by hand costs no more than rules · $20.00"


def test_more_labels_by_people_never_count_as_worse() -> None:
    counts = {
        Mix((), 30): Count(80, 100),
        Mix((), 100): Count(70, 100),
        Mix((), 200): Count(90, 100),
        Mix(("weak",), 30): Count(60, 100),
    }
    figures = levelled(counts)
    shares = {mix: round(figure.value, 6) for mix, figure in figures.items()}
    assert shares == {
        Mix((), 30): 0.75, Mix((), 100): 0.75, Mix((), 200): 0.9, Mix(("weak",), 30): 0.6
    }  # fmt: skip
    assert all(figure.low < figure.value < figure.high for figure in figures.values())


def test_chance_in_who_is_asked_widens_the_interval() -> None:
    mix = Mix((), 100)
    sure, unsure = (levelled({mix: Count(80, 100, variance=v)})[mix] for v in (0.0, 0.004))
    assert sure.value == unsure.value == pytest.approx(0.8)
    assert unsure.low < sure.low < sure.high < unsure.high
    assert unsure.high - unsure.low == pytest.approx(
        2 * 1.96 * (0.0016 + 0.004 * 4 / 3) ** 0.5, rel=0.1
    )
    small = levelled({Mix((), 30): Count(70, 100), mix: Count(80, 100, variance=0.004)})
    assert small[Mix((), 30)].low < small[mix].low - 0.05, "fewer labels, more chance"


def test_people_find_more_errors_where_trials_say_so() -> None:
    def after(right_picked: int) -> list[float]:
        """Of the rows picked for people so many were right without them, of all 80 %."""
        counts = {
            Mix((), n): Count(8000, 10000, right_picked=right_picked * n // 100,
                                    picked=n, share=n / 1000)
            for n in (300, 400)
        }  # fmt: skip
        found = Measured(counts, 10000, None, None)
        facts = Facts(1000, 0, Prices(0.5, 36.0, {}), {}, ())
        every = lines(facts, found)
        return [one.accuracy.value for one in every if one.accuracy and one.labels in (300, 400)]

    # Where picks are no better than chance, a share of the rows takes away that share of errors.
    plain, better = after(80), after(50)
    assert plain == pytest.approx([1 - 0.2 * 0.7, 1 - 0.2 * 0.6], abs=0.01)
    assert all(more > few + 0.03 for more, few in zip(better, plain, strict=True))


def test_what_more_labels_give_is_extrapolated_and_marked() -> None:
    counts = {
        Mix((), 100): Count(7000, 10000, picked=100, right_picked=70, share=0.2),
        Mix((), 400): Count(7500, 10000, picked=400, right_picked=300, share=0.4),
    }
    facts = Facts(10_000, 0, Prices(0.5, 36.0, {}), {}, ())
    every = lines(facts, Measured(counts, 10_000, None, None), Limits(1234.0))
    by_labels = {line.labels: line for line in every if line.made_of}
    assert 2468 in by_labels, "what the budget buys"
    assert not by_labels[400].extrapolated and by_labels[500].extrapolated
    values = [line.accuracy.value for line in every if line.made_of and line.accuracy]
    assert values == sorted(values) and values[-1] > 0.9, "errors fall, people's rows are right"
    wide = {n: line.accuracy.high - line.accuracy.low for n, line in by_labels.items()
            if line.accuracy}  # fmt: skip
    assert wide[2500] > wide[400], "further away it is less sure"


@pytest.mark.slow
def test_the_same_plan_twice_and_a_table_for_people(labelkit: Any, data: None) -> None:
    args = ("plan", "data.csv", "--features", "tfidf", "--gold", "gold", "--functions", "lfs.py")
    once, again = labelkit(*args), labelkit(*args)
    assert once.code == 0, once.err
    assert once.out == again.out
    assert "can rules cover it?" in once.out and "rules + 30 by people + model" in once.out
    assert not [p for p in Path().iterdir() if p.suffix == ".json"], "nothing is left behind"


def test_of_a_pipe_no_file_is_named_that_is_not_there(labelkit: Any, data: None) -> None:
    text = Path("data.csv").read_text()
    done = labelkit("plan", "-", "--classes", "BAD,GOOD", stdin=text)
    assert done.code == 0, done.err
    assert "next: labelkit query INPUT.csv -o INPUT.query.csv " in done.err


def test_what_is_typed_next_reads_a_file_of_another_delimiter(labelkit: Any, data: None) -> None:
    Path("tabs.csv").write_text(Path("data.csv").read_text().replace(",", "\t"))
    args = ("--delimiter", "\t", "--classes", "BAD,GOOD", "--audit", "0", "--model", "any",
            "--price", "1,2")  # fmt: skip
    done = labelkit("plan", "tabs.csv", *args, "--json")
    assert done.code == 0, done.err
    asked = by_question(json.loads(done.out))["are there labels already?"]["run"]
    reads, annotates, merges, asks, again = asked.split(" && ")
    assert all(" --delimiter $'\\t'" in line for line in (reads, merges, asks, again))
    assert "--delimiter" not in annotates
    assert " --audit 0 " in again
    assert "one column" not in done.out, "the language model is priced with them too"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("none.csv",), 1, "there is no file none.csv"),
        (("empty.csv",), 1, "empty.csv has no rows, so there is nothing to plan"),
        (("data.csv", "--target-accuracy", "2"), 2, "--target-accuracy 2.0: give a share"),
        (("data.csv", "--audit", "-1"), 2, "--audit -1: give a number of rows"),
        (("data.csv", "--labels", "-1"), 2, "--labels -1: give a number of 0 or more"),
        (("data.csv", "--floor", "1"), 2, "--floor 1.0: give a share between 0 and 1"),
        (("data.csv", "--model", "m", "--price", "1"), 2, "--price '1': give dollars per million"),
        (("data.csv", "--price", "1,2"), 2, "--price 1,2: there is no --model for it; name the"),
        (
            ("data.csv", "--model", "mini", "--price", "mine=1,2"),
            2,
            "--price mine=1,2: no --model is 'mine'; did you mean 'mini'?",
        ),
        (("data.csv", "--gold", "golt"), 1, "has no column 'golt' (--gold); did you mean 'gold'?"),
    ],
)
def test_refusals(
    args: tuple[str, ...], code: int, message: str, labelkit: Any, data: None, write: Any
) -> None:
    write("empty.csv", "id,text\n")
    found = labelkit("plan", *args)
    assert (found.code, found.out) == (code, "")
    assert message in found.err
