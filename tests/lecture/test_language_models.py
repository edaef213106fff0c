"""A language model as annotator: prompts, confidence, batches, human checks, hybrids."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lecture.conftest import Slide, answer, cells
from tests.lecture.make_data import MOODS
from tests.servers import chat_server

TWO = "--classes NEGATIVE,POSITIVE"
LARGE, SMALL = "replay:large_model.jsonl", "replay:small_model.jsonl"
COMPARED = ("try", "rows", "accuracy", "from", "to", "kappa", "dollars_per_1000")
SCRIPTED = (
    "The model of this section is a script on this machine; any OpenAI-compatible endpoint does "
    "(`--base-url`, or OPENAI_BASE_URL)."
)


class Scripted:
    """A model that reads its prompt.

    Without descriptions of the classes it never answers NEUTRAL, without examples it takes irony
    for blame.
    """

    def __init__(self) -> None:
        self.requests = 0

    def __call__(self, asked: Mapping[str, Any]) -> str:
        self.requests += 1
        prompt = "\n".join(str(message["content"]) for message in asked["messages"])
        rows = str(asked["messages"][-1]["content"])
        numbers = re.findall(r"\b([1-9]\d\d)\b", rows)
        texts = [line for line in rows.splitlines() if any(t in line for t in _TEXTS)]
        labels = [self._label(text, prompt) for text in texts]
        if len(texts) == 1 and '"labels"' not in prompt:
            return json.dumps({"label": labels[0], "confidence": 0.9})
        pairs = zip(numbers, labels, strict=True)
        return json.dumps({"labels": [{"row": int(n), "label": label} for n, label in pairs]})

    @staticmethod
    def _label(text: str, prompt: str) -> str:
        kind = _TEXTS[next(each for each in _TEXTS if each in text)]
        if kind == "NEUTRAL":
            return "NEUTRAL" if "no opinion either way" in prompt else "NEGATIVE"
        if kind == "IRONY":
            return "POSITIVE" if "Truly terrible, and I loved" in prompt else "NEGATIVE"
        return kind


_TEXTS = {text: kind for kind, texts in MOODS.items() for text in texts}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    scripted = Scripted()
    with chat_server(reply=scripted) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield scripted


def right(path: str, column: str = "llm_label") -> float:
    """Return the share of the labelled rows whose label is the gold one."""
    rows = [row for row in cells(path) if row[column]]
    return float(np.mean([row[column] == row["gold"] for row in rows]))


def test_three_classes(slide: Slide, model: Scripted) -> None:
    slide.topic("A model as annotator", "Classes, what they mean, the guidelines.", SCRIPTED)
    slide.file("guided.toml")
    slide.run("labelkit llm-label moods.csv -o llm.csv --task guided.toml --model scripted "
              "--price 0.15,0.60", ["llm-label: "])  # fmt: skip
    rows = slide.show("llm.csv", "text", "llm_label", "llm_confidence",
                      where=lambda row: row["id"] in ("w1", "w2", "w3", "w4"))  # fmt: skip
    assert {row["llm_label"] for row in rows} == {"NEGATIVE", "POSITIVE", "NEUTRAL"}
    assert all(row["llm_label"] == row["gold"] for row in rows if row["gold"] == "NEUTRAL")


def test_prompts_are_compared(slide: Slide, model: Scripted) -> None:
    slide.topic(
        "A bare prompt, guidelines, examples",
        "`--try` compares prompts on the rows of `--gold` and writes nothing. A prompt is a task "
        "file: class names alone; with guidelines and descriptions; with two examples as well.",
        SCRIPTED,
    )
    slide.file("examples.toml")
    slide.run(
        "labelkit llm-label moods.csv --gold gold --model scripted --price 0.15,0.60 \\\n"
        "  --task bare.toml --try bare.toml --try guided.toml --try examples.toml \\\n"
        "  --summary figures.json",
    )
    tried = json.loads(Path("figures.json").read_text())["tried"]
    slide.table(tried, COMPARED)
    bare, guided, examples = tried
    assert bare["accuracy"] < guided["accuracy"] < examples["accuracy"] == 1


def test_two_models_are_compared(slide: Slide) -> None:
    slide.topic(
        "Two models compared",
        "The same rows, the same prompt, two models, with the truth beside.",
    )
    for name, kind in (("small", SMALL), ("large", LARGE)):
        slide.run(f"labelkit llm-label plain.csv -o {name}.csv {TWO} --model {kind} --quiet")
    slide.run(
        f"labelkit llm-label plain.csv --gold gold {TWO} --model {SMALL} \\\n"
        f"  --try {SMALL} --try {LARGE} --summary figures.json",
    )
    tried = json.loads(Path("figures.json").read_text())["tried"]
    slide.table(tried, COMPARED)
    assert [each["accuracy"] for each in tried] == [right("small.csv"), right("large.csv")]
    assert right("small.csv") < right("large.csv")


def test_confidence(slide: Slide) -> None:
    slide.topic(
        "How sure the model is",
        "A label and a confidence for each row. Labels of which it is sure are right more often.",
    )
    slide.run(f"labelkit llm-label plain.csv -o llm.csv {TWO} --model {SMALL}", ["llm-label: "])
    slide.show("llm.csv", "text", "llm_label", "llm_confidence",
               where=lambda row: row["id"] in ("r001", "r002", "r003"))  # fmt: skip
    rows = cells("llm.csv")
    sure = [row["llm_label"] == row["gold"] for row in rows if float(row["llm_confidence"]) >= 0.8]
    not_sure = [
        row["llm_label"] == row["gold"] for row in rows if float(row["llm_confidence"]) < 0.8
    ]
    slide.say(f"Right: {np.mean(sure):.0%} of {len(sure)} labels with a confidence of 0.8 or more, "
              f"{np.mean(not_sure):.0%} of the {len(not_sure)} others.")  # fmt: skip
    assert np.mean(sure) > np.mean(not_sure) + 0.2


def test_several_rows_a_request(slide: Slide, model: Scripted) -> None:
    slide.topic(
        "Many rows in one request",
        "The guidelines are paid for once for ten rows. Answers are matched by a number that each "
        "row got, not by their order.",
        SCRIPTED,
    )
    single = "--task examples.toml --model scripted --price 0.15,0.60"
    slide.run(f"labelkit llm-label moods.csv -o one.csv {single} --cache a", ["llm-label: "])
    first, model.requests = model.requests, 0
    slide.run(f"labelkit llm-label moods.csv -o ten.csv {single} --cache b "
              "--rows-per-request 10", ["llm-label: "])  # fmt: skip
    slide.say(f"{first} requests, or {model.requests}.")
    assert first >= 48 and model.requests <= 7
    assert [r["llm_label"] for r in cells("one.csv")] == [r["llm_label"] for r in cells("ten.csv")]


def test_people_check_a_sample(slide: Slide) -> None:
    slide.topic(
        "A human check of a sample",
        "Sixty rows drawn at random go to a person who does not see what the model said. One "
        "command compares: accuracy and kappa, with intervals.",
    )
    slide.run(f"labelkit llm-label plain.csv -o llm.csv {TWO} --model {SMALL} --quiet")
    slide.run(f"labelkit query llm.csv -o q.csv -n 0 --audit 60 --batch check.csv {TWO} \\\n"
              "  --gold gold --features tfidf", ["drawn for the audit"])  # fmt: skip
    truth = {row["id"]: row["gold"] for row in cells("plain.csv")}
    assert "llm_label" not in cells("check.csv")[0], "the model's label would sway the person"
    assert answer("check.csv", "check.csv", truth) == 60
    slide.say("A person fills in `check.csv` (`labelkit annotate check.csv`).")
    slide.run(f"labelkit evaluate q.csv --answers check.csv --label llm_label {TWO} \\\n"
              "  --summary figures.json", table=4)  # fmt: skip
    figures = json.loads(Path("figures.json").read_text())["figures"][0]
    said = {row["id"]: row["llm_label"] for row in cells("q.csv")}
    agree = np.mean([said[row["id"]] == row["label"] for row in cells("check.csv")])
    assert figures["accuracy"] == pytest.approx(agree, abs=1e-6)
    assert 0 < figures["kappa"] < figures["accuracy"]


def test_more_classes_are_harder(slide: Slide, model: Scripted) -> None:
    slide.topic(
        "Where language models struggle",
        "Irony and fine distinctions. `evaluate` shows which class is taken for which.",
        SCRIPTED,
    )
    slide.run("labelkit llm-label moods.csv -o llm.csv --task guided.toml --model scripted "
              "--price 0.15,0.60 --quiet")  # fmt: skip
    slide.run("labelkit evaluate llm.csv --gold gold --label llm_label --summary figures.json",
              table=-1)  # fmt: skip
    irony = [r for r in cells("llm.csv") if any(text in r["text"] for text in MOODS["IRONY"])]
    assert {row["llm_label"] for row in irony} == {"NEGATIVE"}
    assert right("llm.csv") == pytest.approx(1 - len(irony) / 48)


def test_language_model_and_people(slide: Slide) -> None:
    slide.topic(
        "The model takes the easy rows, people the hard ones",
        "Labels with a confidence of 0.8 or more stand, the other rows go to `people.csv`.",
    )
    slide.run(f"labelkit llm-label plain.csv -o llm.csv {TWO} --model {SMALL} --threshold 0.8 \\\n"
              "  --batch people.csv", ["llm-label: "])  # fmt: skip
    rows = cells("llm.csv")
    queue = {row["id"] for row in cells("people.csv")}
    stand = {row["id"] for row in rows if float(row["llm_confidence"]) >= 0.8}
    slide.say(f"{len(stand)} labels stand, {len(queue)} rows go to people.")
    assert not stand & queue and len(stand | queue) == 240
    truth = {row["id"]: row["gold"] for row in cells("plain.csv")}
    answer("people.csv", "people.csv", truth)
    slide.say("People fill in the column `label` of `people.csv`.")
    slide.run(f"labelkit merge llm.csv people.csv -o merged.csv {TWO} --quiet")
    slide.run(f"labelkit decide merged.csv -o final.csv {TWO} --policy priority --quiet")
    assert right("final.csv", "final_label") > right("llm.csv") + 0.05
