"""What labels cost: by hand, by a language model, and what is saved."""

import json
from pathlib import Path

import pytest

from tests.lecture.conftest import Slide, cells

TWO = "--classes NEGATIVE,POSITIVE"


def bill(text: str) -> dict[str, list[float]]:
    """Return dollars and hours of each line of a bill."""
    found = {}
    for line in text.splitlines():
        *words, dollars, hours = ["", "", *line.split()]
        if words and all(part.replace(".", "").replace(",", "").isdigit()
                         for part in (dollars, hours)):  # fmt: skip
            found[" ".join(words).strip()] = [
                float(part.replace(",", "")) for part in (dollars, hours)
            ]
    return found


def test_all_by_hand(slide: Slide) -> None:
    slide.topic(
        "All rows by hand, or some of them",
        "The table `[cost]` of the task file holds what a label costs in money and time; `init` "
        "writes it with these values, and you put in your own.",
    )
    slide.file("prices.toml")
    done = slide.run(
        "labelkit pipeline plain.csv -o labelled.csv --work-dir work --task prices.toml \\\n"
        "  --stages query,people,decide -n 40 --audit 20 --oracle gold --features tfidf",
        ["what    ", "people: 60", "by hand", "truth by the gold column"],
    )
    costs = bill(done.err)
    assert costs["people: 60 labels"] == pytest.approx([60 * 0.30, 60 * 300 / 3600], abs=1e-3)
    assert costs["all 240 by hand"] == pytest.approx([240 * 0.30, 240 * 300 / 3600], abs=1e-3)
    slide.say(
        "A label by hand costs the same at any number of rows: 99,000 rows are "
        f"${99_000 * 72 / 240:,.0f} and {99_000 * 20 / 240:,.0f} hours."
    )
    assert (99_000 * 72 / 240, 99_000 * 20 / 240) == (29_700, 8_250)


def test_starter_costs(slide: Slide) -> None:
    slide.topic("Where the prices stand", "`init` writes a task file with the costs to fill in.")
    slide.run(f"labelkit init plain.csv --dir start {TWO} --label gold", ["init: "])
    task = Path("start/labelkit.toml").read_text("utf-8")
    lines = [line for line in task.splitlines() if line.startswith("human_")]
    slide.say("In it: " + "; ".join(f"`{line.partition('#')[0].strip()}`" for line in lines) + ".")
    assert any("human_label = 0.30" in line for line in lines)
    assert any("human_seconds = 300" in line for line in lines)


MODELS = {"a large model": "2.50,10.00", "a small model": "0.15,0.60"}


def test_people_and_language_models(slide: Slide, monkeypatch: pytest.MonkeyPatch) -> None:
    slide.topic(
        "A label by a language model",
        "`--dry-run` counts the tokens of all rows and sends nothing. `--price` is what your "
        "provider asks for a million tokens in and out.",
    )
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    dollars = {"people": 240 * 0.30}
    for number, (name, price) in enumerate(MODELS.items()):
        slide.run(
            "labelkit llm-label plain.csv -o llm.csv --task prices.toml \\\n"
            f"  --model model-{number} --price {price} --dry-run --summary {number}.json",
            ["$"],
        )
        dollars[name] = json.loads(Path(f"{number}.json").read_text())["dollars"]
    per_thousand = {name: 1000 * each / 240 for name, each in dollars.items()}
    slide.say("Dollars for 1,000 labels: "
              + ", ".join(f"{name} {each:,.2f}" for name, each in per_thousand.items())
              + ".")  # fmt: skip
    assert per_thousand["people"] == 300
    assert per_thousand["a large model"] < 300 / 10
    assert per_thousand["a small model"] < per_thousand["a large model"] / 10
    assert not Path("llm.csv").exists(), "nothing was asked"


def test_people_cost_what_they_took(slide: Slide) -> None:
    slide.topic(
        "Your own seconds",
        "Answers with the seconds that each took (`annotate` measures them) replace the guess of "
        "the task file.",
    )
    slide.run("labelkit query plain.csv -o q.csv --task prices.toml -n 10 --audit 0 --gold gold "
              "\\\n  --features tfidf --batch todo.csv --quiet")  # fmt: skip
    truth = {row["id"]: row["gold"] for row in cells("plain.csv")}
    answers = [f"{row['id']},{truth[row['id']]},12" for row in cells("todo.csv")]
    Path("answers.csv").write_text("\n".join(["id,label,label_seconds", *answers]) + "\n")
    slide.say("`answers.csv` holds the key, the label and twelve `label_seconds` for each row.")
    slide.run("labelkit merge q.csv answers.csv -o merged.csv --task prices.toml "
              "--summary merge.json", ["merge: "])  # fmt: skip
    assert json.loads(Path("merge.json").read_text())["people_seconds"] == 120
