"""Which rows are worth a person's time: strategies, rounds, curves, when to stop."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.lecture.conftest import Slide, answer, cells

TWO = "--classes NEGATIVE,POSITIVE"
SAME = "with two classes uncertainty, margin and entropy pick the same rows"


def ranked(path: str) -> list[str]:
    """Return the keys of the picked rows, the first to ask first."""
    picked = [row for row in cells(path) if row["query_rank"]]
    return [row["id"] for row in sorted(picked, key=lambda row: int(row["query_rank"]))]


def test_the_doubtful_reviews_come_first(slide: Slide) -> None:
    slide.topic(
        "The rows that the model is least sure of",
        "Five reviews with the probabilities of a model. The two that it is sure of are not asked; "
        "the nearest to a coin toss is first.",
    )
    slide.run(
        "labelkit query five.csv -o next.csv --from-proba p_ --strategy uncertainty -n 3 --audit 0",
        [SAME, "query: 5 rows"],
    )
    slide.show("next.csv", "id", "text", "p_POSITIVE", "query_score", "query_rank")
    assert ranked("next.csv") == ["e", "c", "d"]


def test_strategies_in_numbers(slide: Slide) -> None:
    slide.topic(
        "Uncertainty, margin, entropy",
        "Uncertainty is 1 - the largest probability; margin looks at the two largest (the score is "
        "1 - their difference); entropy, in nats, at all. For `pair` the first two classes are "
        "equally likely, so margin finds it as doubtful as `spread`, and the others do not. "
        "With two classes the three always pick the same rows, and the command says so.",
    )
    scores = {}
    for name in ("uncertainty", "margin", "entropy"):
        done = slide.run(f"labelkit query three.csv -o {name}.csv --from-proba p_ "
                         f"--strategy {name} -n 3 --audit 0 --quiet")  # fmt: skip
        assert SAME not in done.err
        scores[name] = {row["id"]: float(row["query_score"]) for row in cells(f"{name}.csv")}
    slide.say(
        *(
            f"`{row}`: " + ", ".join(f"{name} {scores[name][row]:.2f}" for name in scores) + "."
            for row in ("spread", "pair", "sure")
        )
    )
    rows = {"spread": (0.34, 0.33, 0.33), "pair": (0.50, 0.49, 0.01), "sure": (0.98, 0.01, 0.01)}
    for key, p in rows.items():
        assert scores["uncertainty"][key] == pytest.approx(1 - max(p))
        assert scores["margin"][key] == pytest.approx(1 - (p[0] - p[1]))
        assert scores["entropy"][key] == pytest.approx(-np.dot(p, np.log(p)), abs=1e-6)
    assert scores["entropy"]["spread"] / np.log(2) == pytest.approx(1.58, abs=0.01), "in bits"
    assert scores["margin"]["pair"] == scores["margin"]["spread"]
    assert scores["uncertainty"]["pair"] < scores["uncertainty"]["spread"]


def test_the_boundary(slide: Slide) -> None:
    slide.topic(
        "The boundary between the classes",
        "60 labels are known, a model learns from them, and the rows nearest to its boundary are "
        "picked: those with the least confidence of all rows without a label.",
    )
    slide.run("labelkit query some.csv -o next.csv --strategy uncertainty -n 10 --audit 0 \\\n"
              f"  --batch todo.csv --features tfidf {TWO}",
              ["labels so far", "query: 240 rows"])  # fmt: skip
    slide.show("todo.csv", "id", "text", "query_guess", "query_guess_confidence")
    sure = np.array([float(row["query_guess_confidence"]) for row in cells("todo.csv")])
    scores = {
        row["id"]: float(row["query_score"]) for row in cells("next.csv") if row["query_score"]
    }
    assert len(scores) == 180
    others = [score for key, score in scores.items() if key not in ranked("next.csv")]
    assert min(scores[key] for key in ranked("next.csv")) >= np.median(others)
    assert np.median(sure) < 0.6


@pytest.mark.slow
def test_a_forest_as_the_learner(slide: Slide) -> None:
    slide.topic(
        "Another learner",
        "`--classifier forest` asks by the doubts of a random forest, here of one that learned "
        "from 60 labels.",
    )
    slide.run("labelkit query some.csv -o next.csv --classifier forest --strategy uncertainty \\\n"
              f"  -n 5 --audit 0 --batch todo.csv --features tfidf {TWO}",
              ["model forest", "query: 240 rows"])  # fmt: skip
    scores = {
        row["id"]: float(row["query_score"]) for row in cells("next.csv") if row["query_score"]
    }
    asked = [scores[key] for key in ranked("next.csv")]
    assert asked == sorted(asked, reverse=True)
    assert min(asked) >= np.quantile(list(scores.values()), 0.9)


def test_rounds_of_query_and_people(slide: Slide) -> None:
    slide.topic(
        "The loop: pick, ask, learn, again",
        "`pipeline --rounds` is the loop: rows are picked by the labels so far, people label them, "
        "the model learns from these too. `--oracle` lets a column play the people. The audit rows "
        "are drawn at random and never learned from: by them one sees the accuracy of each round.",
    )
    done = slide.run(
        "labelkit pipeline plain.csv -o labelled.csv --work-dir work --rounds 4 \\\n"
        "  -n 15 --audit 20 --stages query,people,decide --oracle gold \\\n"
        f"  --features tfidf {TWO}",
        ["labels so far", "by the labels of", "truth by the gold column"],
    )
    accuracy = [line for line in done.err.splitlines() if line.startswith("accuracy ")]
    queries = sorted(Path("work").glob("*-query.summary.json"))
    learned = [json.loads(path.read_text())["labels_by_source"].get("label", 0) for path in queries]
    slide.say("Human labels that each round learned from: " + ", ".join(map(str, learned)) + ".")
    assert len(accuracy) >= 3
    assert learned[0] == 0 and learned == sorted(set(learned))
    last = [line for line in done.err.splitlines() if "truth by the gold column" in line]
    assert float(last[0].split()[-1]) > 0.8


def test_the_same_loop_by_hand(slide: Slide) -> None:
    slide.topic(
        "The loop, step by step",
        "The same without `pipeline`: `query` picks, a person fills the batch in (a spreadsheet, "
        "or by `labelkit annotate todo.csv`), and the next `query` learns from that.",
    )
    truth = {row["id"]: row["gold"] for row in cells("plain.csv")}
    slide.run(f"labelkit query plain.csv -o q1.csv -n 20 --audit 0 --batch todo1.csv {TWO} \\\n"
              "  --gold gold --features tfidf", ["cold start", "query: 240 rows"])  # fmt: skip
    assert answer("todo1.csv", "answers1.csv", truth) == 20
    slide.say("`answers1.csv` is that batch with the column `label` filled in.")
    done = slide.run(
        f"labelkit query plain.csv -o q2.csv -n 10 --audit 0 --batch todo2.csv {TWO} \\\n"
        "  --gold gold --features tfidf --answers answers1.csv --strategy margin",
        ["labels so far", "query: 240 rows"],
    )
    assert "20 labels so far" in done.err
    assert not set(ranked("q1.csv")) & set(ranked("q2.csv")), "nobody is asked twice"


@pytest.mark.slow
def test_learning_curves(slide: Slide) -> None:
    slide.topic(
        "What it saves: learning curves against random",
        "`simulate` plays strategies on a file with known labels. The last lines say which "
        "strategy is worse than random on this file, and where more seeds are needed to tell. "
        "Equal curves are drawn as one.",
    )
    if find_spec("matplotlib") is None:
        pytest.fail("`make install` installs matplotlib, which PNG needs")
    done = slide.run(
        "labelkit simulate plain.csv --gold gold --labels 100 --per-round 10 --seeds 3 \\\n"
        "  --strategies uncertainty,margin,entropy,ranked-batch,default --features tfidf \\\n"
        "  --plot curves.png --summary figures.json",
        ["ahead of random by", SAME, "simulate: best is"],
        table=-1,
    )
    figures = json.loads(Path("figures.json").read_text())["strategies"]
    assert figures["uncertainty"] == figures["margin"] == figures["entropy"]
    best = max(figures, key=lambda name: figures[name]["auc"])
    assert figures[best]["gain"] > 0, "it is not random"
    assert figures[best]["labels_to_match_random"] <= 100
    worse = [name for name, each in figures.items() if each.get("gain", 0) < 0]
    assert all(f"{name} is worse than random on this file" in done.err for name in worse)
    assert Path("curves.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_where_it_does_not_help(slide: Slide) -> None:
    slide.topic(
        "Where a strategy loses",
        "To ask rows in the order in which they came in is a strategy too. Here complaints came "
        "first, so the labels are all of one class, and the command says what that is worth.",
    )
    slide.run(
        "labelkit simulate inbox.csv --gold gold --text text --features tfidf \\\n"
        "  --strategies by-column:place --labels 80 --per-round 20 --seeds 2 \\\n"
        "  --summary figures.json",
        ["worse than random", "no strategy is better"],
    )
    figures = json.loads(Path("figures.json").read_text())["strategies"]["by-column:place"]
    assert figures["gain"] < 0


@pytest.mark.slow  # modAL imports torch
def test_a_batch_at_once(slide: Slide) -> None:
    slide.topic(
        "Batches: the most doubtful rows may be alike",
        "Ten points lie nearly on one spot. Uncertainty picks the batch from that spot; "
        "`ranked-batch` (modAL's) and `diverse` spread it.",
    )
    picked = {}
    for name in ("uncertainty", "ranked-batch", "diverse"):
        slide.run(f"labelkit query points.csv -o {name}.csv --from-proba p_ -n 4 \\\n"
                  f"  --strategy {name} --audit 0 --column x --column y --quiet")  # fmt: skip
        picked[name] = ranked(f"{name}.csv")
    slide.say(*(f"{name}: {', '.join(keys)}." for name, keys in picked.items()))
    spot = {name: sum(key.startswith("near") for key in keys) for name, keys in picked.items()}
    assert spot["ranked-batch"] < 4 and spot["diverse"] < 4


def test_cold_start(slide: Slide) -> None:
    slide.topic(
        "The cold start",
        "Without labels no model has a doubt. The default strategy then picks rows that stand for "
        "many others, and says so.",
    )
    done = slide.run(f"labelkit query plain.csv -o q.csv -n 20 --gold gold {TWO} --features tfidf",
                     ["cold start", "query: 240 rows"])  # fmt: skip
    assert "default (coverage)" in done.err
    truth = {row["id"]: row["gold"] for row in cells("plain.csv")}
    assert len({truth[key] for key in ranked("q.csv")}) == 2, "both classes are met"


def test_when_to_stop(slide: Slide) -> None:
    slide.topic(
        "When to stop",
        "`--stop-when` ends with exit code 6 where its rule holds: a budget of labels, an accuracy "
        "by audit rows, predictions that no longer change, or too little gain.",
    )
    slide.run(f"labelkit query some.csv -o q.csv -n 10 --audit 0 {TWO} --features tfidf \\\n"
              "  --stop-when labels=50", ["labels=50"], code=6)  # fmt: skip
    slide.run(f"labelkit query some.csv -o q.csv -n 10 --audit 0 {TWO} --features tfidf \\\n"
              "  --stop-when labels=200", ["query: 240 rows"])  # fmt: skip


def test_a_rare_class(slide: Slide) -> None:
    slide.topic(
        "A rare class",
        "`--balance` asks first about rows that the model takes for the class with the fewest "
        "labels.",
    )
    truth = {row["id"]: row["gold"] for row in cells("rare.csv")}
    share = {}
    for name, more in (("plain", ""), ("balanced", " --balance")):
        slide.run(f"labelkit query rare.csv -o {name}_q.csv -n 10 --audit 0 {TWO} --gold gold \\\n"
                  f"  --strategy uncertainty --features tfidf{more} --quiet")  # fmt: skip
        share[name] = sum(truth[key] == "POSITIVE" for key in ranked(f"{name}_q.csv"))
    slide.say(f"Of the 10 rows {share['plain']} are of the rare class without, "
              f"{share['balanced']} with `--balance`.")  # fmt: skip
    assert share["balanced"] > share["plain"]


def test_tools_for_people(slide: Slide) -> None:
    slide.topic(
        "The tool where people label",
        "What was picked goes out to Label Studio or Prodigy, and comes back by key.",
    )
    slide.run(f"labelkit query plain.csv -o q.csv -n 5 --audit 0 --batch todo.csv --gold gold \\\n"
              f"  --features tfidf --quiet {TWO}")  # fmt: skip
    slide.run(f"labelkit export todo.csv -o tasks.json --to label-studio {TWO}", ["export: "])
    slide.run(f"labelkit export todo.csv -o tasks.jsonl --to prodigy {TWO}", ["export: "])
    tasks = json.loads(Path("tasks.json").read_text())
    assert [task["data"]["row_id"] for task in tasks] == [row["id"] for row in cells("todo.csv")]
    assert len(Path("tasks.jsonl").read_text().splitlines()) == 5
