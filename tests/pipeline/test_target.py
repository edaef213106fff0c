"""A target accuracy that the audit contradicts: exit code 3, and a command that goes on."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from labelkit.errors import PeopleNeeded
from labelkit.pipeline import target
from labelkit.pipeline.stages import Stage
from tests.pipeline.conftest import CLASSES_OF_FILMS, RULES_OF_FILMS, as_csv, cells

NEXT = target.NextRound(["labelkit", "pipeline", "a.csv"], ["query", "people", "decide"], 50, None)


def figures(high: float | None) -> dict[str, Any]:
    claim = None if high is None else {"value": 0.7, "low": 0.5, "high": high, "audit": 20}
    return {"3-decide": {"claim": claim, "route": {"target": 0.9}}}


@pytest.mark.parametrize("high", [0.9, 0.95, None])
def test_an_interval_that_holds_the_target_does_not_contradict_it(high: float | None) -> None:
    stage = Stage(3, "decide", ["decide"], [], [])
    target.check([stage], figures(high), NEXT)
    target.check([stage], {}, NEXT)


def test_an_interval_below_the_target_asks_for_more_labels() -> None:
    stage = Stage(3, "decide", ["decide"], [], [])
    with pytest.raises(PeopleNeeded):
        target.check([stage], figures(0.89), NEXT)


@pytest.mark.parametrize(
    "words", [["--stages", "x", "--labels", "9", "--yes"], ["--stages=x", "--labels=9", "--yes"]]
)
def test_the_next_command_has_one_more_round_before_the_last_decision(words: list[str]) -> None:
    names = ["weak-label", "query", "people", "decide", "people", "find-noise", "decide", "train"]
    line = target.NextRound(["labelkit", "pipeline", "a b.csv", *words], names, 50, 9).line(50)
    stages = "weak-label,query,people,decide,people,query,people,find-noise,decide,train"
    assert shlex.split(line) == [
        "labelkit", "pipeline", "a b.csv", "--yes", "--stages", stages, "--labels", "59",
    ]  # fmt: skip


def test_a_further_round_comes_before_all_that_decides_and_cleans() -> None:
    names = ["query", "people", "decide", "find-noise", "decide", "train"]
    line = target.NextRound(["labelkit", "pipeline", "a.csv"], names, 50, None).line(50)
    assert "--stages query,people,query,people,decide,find-noise,decide,train" in line


@pytest.mark.parametrize(
    ("step", "typed"),
    [
        ({"kind": "people", "rows": 20},
         "--stages weak-label,llm-label,query,people,decide -n 20 --audit 0"),
        ({"kind": "audit", "rows": 90},
         "--stages weak-label,llm-label,query,people,decide -n 0 --audit 90"),
        ({"kind": "leave_out", "sources": ["llm_label"]}, "--stages weak-label,decide"),
        ({"kind": "leave_out", "sources": ["old_label"], "command": "labelkit decide a.csv"}, ""),
    ],
)  # fmt: skip
def test_the_best_step_is_a_command_line_of_the_pipeline(step: dict[str, Any], typed: str) -> None:
    names = ["weak-label", "llm-label", "decide"]
    line = target.NextRound(["labelkit", "pipeline", "a.csv"], names, 50, None).step(step)
    assert line == (f"labelkit pipeline a.csv {typed}" if typed else "labelkit decide a.csv")


def test_a_pipeline_below_its_target_ends_with_3_and_its_next_command_goes_on(
    labelkit: Any, write: Any
) -> None:
    words = {True: "warm", False: "dull"}
    rows = [(f"a {words[i % 2 == 0]} film number {i}", "GOOD" if i % 5 < 3 else "BAD")
            for i in range(160)]  # fmt: skip
    write("films.csv", as_csv(rows))
    write("labelkit.toml", f"{CLASSES_OF_FILMS}labels = 60\n{RULES_OF_FILMS}")
    args = ("pipeline", "films.csv", "-o", "out.csv", "--work-dir", "work", "--oracle", "gold",
            "-n", "10", "--audit", "40", "--features", "tfidf", "--target-accuracy", "0.97",
            "--stages", "weak-label,query,people,decide,people,decide",
            "--summary", "told.json")  # fmt: skip
    done = labelkit(*args)
    assert done.code == 3, done.err
    told = json.loads(Path("told.json").read_text())["stages"]["6-decide"]
    assert told["claim"]["high"] < 0.97
    assert done.err.count("verdict: ") == 1, "one for all of the pipeline"
    verdict = json.loads(Path("told.json").read_text())["verdict"]
    assert (verdict["verdict"], verdict["target"]) == ("not yet", 0.97)
    assert told["route"]["people"]["rows"] == 0
    assert Path("out.csv").exists()
    assert labelkit(*args).code == 3, "also where nothing is left to do"
    line = shlex.split(done.err.rpartition("more rows with: ")[2].strip())
    assert labelkit(*line[1:]).code in (0, 3)
    labels = [label for (label,) in cells("out.csv", "label") if label]
    assert len(labels) > 60
