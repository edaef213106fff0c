"""Which technique, and all of them in one pipeline."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.lecture.conftest import Slide, cells
from tests.lecture.test_cost import bill


def right(rows: list[dict[str, str]], column: str) -> float:
    """Return the share of the labelled rows whose label is the gold one."""
    return float(np.mean([row[column] == row["gold"] for row in rows if row[column]]))


@pytest.mark.slow
def test_which_technique(slide: Slide) -> None:
    slide.topic(
        "Which technique fits",
        "`plan` asks what one would ask oneself, prices what is possible, and names one of them; "
        "the last line is the pipeline that does it.",
    )
    done = slide.run("labelkit plan plain.csv --task prices.toml --gold gold --features tfidf")
    words = (done.out + done.err).lower()
    for question in ("labels already", "rules", "task", "language model"):
        assert question in words
    assert "next: labelkit pipeline plain.csv" in done.err, "it recommends a pipeline"


def test_the_hybrid_pipeline(slide: Slide) -> None:
    slide.topic(
        "Rules, a language model, people, cleaning, a model",
        "The rules label what they are sure of; the language model reads only rows that they leave "
        "doubtful; two rounds of people follow, then the labels are cleaned, one is chosen for "
        "each row, and a model is trained.",
    )
    slide.file("hybrid.toml")
    done = slide.run(
        "labelkit pipeline plain.csv -o labelled.csv --work-dir work --task hybrid.toml \\\n"
        "  --rounds 2 -n 15 --audit 20 --oracle gold --features tfidf",
        ["] labelkit ", "weak-label: ", "llm-label: ", "merge: ", "find-noise: ",
         "what    ", "people: 7", "in all", "by hand", "truth by the gold column"],
    )  # fmt: skip
    rows = cells("labelled.csv")
    for row in rows:
        doubtful = not row["weak_label"] or float(row["weak_confidence"]) < 0.8
        assert bool(row["llm_label"]) == doubtful
    assert 0.1 < np.mean([bool(row["llm_label"]) for row in rows]) < 0.9
    assert all(row["final_label"] for row in rows)
    people = [row for row in rows if row["final_source"] == "people"]
    assert len(people) > 40 and right(people, "final_label") == 1
    assert right(rows, "final_label") > right(rows, "weak_label")
    stages = [line.split("]")[0] for line in done.err.splitlines() if "] labelkit" in line]
    names = [name.partition("-")[2] for name in stages]
    assert names[:2] == ["weak-label", "llm-label"]
    assert names.count("query") == names.count("people") == 2
    assert names[-5:] == ["decide", "find-noise", "decide", "train", "report"]
    assert Path("work/final.model").is_file() and Path("work/report.html").is_file()


@pytest.mark.slow
def test_what_it_saves(slide: Slide) -> None:
    slide.topic(
        "What it saves",
        "The bill of the pipeline beside all rows by hand; the prices are those of `[cost]`. What "
        "was saved is not free: the line of the truth says what the labels are worth.",
    )
    done = slide.run(
        "labelkit pipeline plain.csv -o labelled.csv --work-dir work --task hybrid.toml \\\n"
        "  --stages weak-label,llm-label,query,people,decide -n 10 --audit 20 --oracle gold \\\n"
        "  --features tfidf --summary figures.json",
        ["what    ", "people: 3", "language model  ", "in all", "by hand", "truth by the gold"],
    )
    costs = bill(done.err)
    by_hand, spent = costs["all 240 by hand"], costs["in all"]
    slide.say(f"{by_hand[0] / spent[0]:.0f} times less money.")
    assert by_hand[0] / spent[0] >= 5
    assert json.loads(Path("figures.json").read_text())["stages"]
    assert right(cells("labelled.csv"), "final_label") > 0.85


def test_the_tools_are_there(slide: Slide) -> None:
    slide.topic(
        "Is everything installed?",
        "`doctor` shows what works on this machine, and the versions of modAL, Snorkel, cleanlab "
        "and the OpenAI package.",
    )
    done = slide.run("labelkit doctor")
    for tool in ("modAL", "snorkel", "cleanlab", "openai"):
        assert tool.lower() in done.out.lower()
