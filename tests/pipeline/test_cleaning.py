"""Where cleaning stands among the stages, and which labels it judges."""

import itertools
import shlex
from typing import Any

from labelkit.pipeline import waterfall
from labelkit.pipeline.stages import Stage

from .conftest import BASE, CLASSES_OF_FILMS, RULES_OF_FILMS


def planned(labelkit: Any, *words: str) -> list[list[str]]:
    done = labelkit("pipeline", *BASE, *words, "--print", "sh")
    assert done.code == 0, done.err
    lines = [shlex.split(line) for line in done.out.splitlines()]
    return [line[1:] for line in lines if line[0] == "labelkit"]


def labels_of(command: list[str]) -> list[str]:
    return [word for before, word in itertools.pairwise(command) if before == "--label"]


def test_what_is_decided_is_judged_and_decided_again_before_the_model(
    labelkit: Any, reviews: None
) -> None:
    found = planned(labelkit, "--functions", "lfs.py")
    names = ["weak-label", "query", "merge", "decide", "find-noise", "decide", "train", "report"]
    assert [command[0] for command in found] == names
    assert labels_of(found[4]) == ["label", "final_label"]
    assert "--fix" not in found[4], "decide takes what is suggested; no row is left out"


def test_an_order_of_before_judges_what_there_is(labelkit: Any, reviews: None) -> None:
    stages = ("--functions", "lfs.py", "--stages", "weak-label,query,people,find-noise,decide")
    assert labels_of(planned(labelkit, *stages)[3]) == ["label", "weak_label"]


def test_a_final_label_that_no_stage_writes_before_is_not_missed(
    labelkit: Any, write: Any, reviews: None
) -> None:
    named = '[find-noise]\nlabel = ["label", "final_label"]\n'
    write("task.toml", CLASSES_OF_FILMS + named + RULES_OF_FILMS)
    task = ("--task", "task.toml", "--stages")
    before = planned(labelkit, *task, "weak-label,query,people,find-noise,decide")[3]
    assert labels_of(before) == ["label"]
    after = planned(labelkit, *task, "weak-label,query,people,decide,find-noise,decide")[4]
    assert labels_of(after) == [], "the task file names them"


def test_without_cleaning_it_is_decided_once() -> None:
    names = ["weak-label", "decide", "find-noise", "decide", "train"]
    stages = [Stage(i, name, [name], [], []) for i, name in enumerate(names)]
    assert waterfall._without(stages)["find-noise"] == "--stages weak-label,decide,train"
