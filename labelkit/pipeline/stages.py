"""The stages of a task as the commands that they stand for."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from labelkit.command.introspect import accepted
from labelkit.config.label_text import split_classes
from labelkit.config.paths import WRITTEN
from labelkit.config.task_file import Task
from labelkit.errors import UsageError, listing, nearest
from labelkit.io.files import ending_of
from labelkit.pipeline.label_budget import Limit

STAGES = ("weak-label", "llm-label", "query", "people", "find-noise", "decide", "train")
_PASSED = ("text", "classes", "id", "group", "gold", "cache", "delimiter", "encoding", "features")
# What is decided is judged, and decided again: a label that is likely wrong gives way.
CLEANING = ("find-noise", "decide")
_MODEL = "final.model"
_REPORT = "report.html"
AFTER = ("train", "report")  # they read the labelled file and make something beside it
_AUDIT = 40  # rows for people in the first round; without any, no accuracy can be claimed
_OF_FILES = ("delimiter", "encoding")  # a batch is comma-separated UTF-8, whatever the data is
# It would be calibrated on gold, which in a pipeline only measures.
_TAUGHT_BY_GOLD = "llm-label"
FINAL = "final_label"
_WRITTEN = ("weak_label", "llm_label", FINAL)
# The rows that a language model reads after weak-label, unless the task file says which.
DOUBTFUL = 0.8
DOUBTFUL_ROWS = f"weak_confidence < {DOUBTFUL} or weak_label is empty"


class Stage(NamedTuple):
    """One command of the plan: its arguments, the files that it reads and those that it makes."""

    number: int
    name: str
    args: list[str]
    reads: list[Path]
    makes: list[Path]
    batch: Path | None = None  # what people are asked, where the stage waits for answers
    answers: Path | None = None
    asks: str = ""  # the command in which people give them
    key: str | None = None  # the column of --id that answers are matched by

    @property
    def id(self) -> str:
        """The stage's name in the work directory."""
        return f"{self.number}-{self.name}"

    def line(self) -> str:
        """Return the command as a shell line."""
        return shlex.join(["labelkit", *self.args])


def chosen_stages(options: Mapping[str, Any], own: Mapping[str, Any], task: Task) -> list[str]:
    """Return the stages to run: those named, else those that the task file and options admit.

    Raises UsageError for unknown stages and an order that cannot be.
    """
    named = own.get("stages")
    stages = [name.strip() for name in named.split(",")] if named else _admitted(own, task)
    for name in stages:
        if name not in STAGES:
            raise UsageError(
                f"--stages: {name!r} is not a stage{nearest(name, STAGES)} ({listing(STAGES)})"
            )
    for i, name in enumerate(stages):
        if name == "train" and not {"people", "decide", "llm-label", "weak-label"} & set(
            stages[:i]
        ):
            raise UsageError("--stages: train needs labels; put a stage that labels before it")
    if not [name for name in stages if name != "train"]:
        raise UsageError("--stages: no stage writes the output; add one besides train")
    if own.get("rounds") is not None:
        stages = _with_rounds(stages, int(own["rounds"]))
    _check_rounds(stages, own.get("target_accuracy") is not None)
    return stages


def _with_rounds(stages: Sequence[str], rounds: int) -> list[str]:
    """Return the stages with so many rounds of query and people.

    Raises UsageError where there is no such round to repeat, or another number of them.
    """
    if rounds < 1:
        raise UsageError(f"--rounds {rounds}: give 1 or more")
    place = [i for i, name in enumerate(stages) if name == "query"]
    if len(place) == rounds:
        return [*stages]
    if len(place) != 1 or [*stages[place[0] + 1 : place[0] + 2]] != ["people"]:
        raise UsageError(
            f"--rounds {rounds} repeats the stages query,people, and --stages {','.join(stages)} "
            + (f"has {len(place)} of them" if len(place) > 1 else "does not have them")
        )
    first = place[0]
    return [*stages[:first], *["query", "people"] * rounds, *stages[first + 2 :]]


def _check_rounds(stages: Sequence[str], routed: bool) -> None:
    """Refuse people who are asked nothing new, and rows picked for people who never see them."""
    waiting = False
    for i, name in enumerate(stages):
        if name == "people":
            if not waiting:
                again = " each" if "query" in stages[:i] else ""
                raise UsageError(
                    f"--stages: people answer what query asks; put query before{again} people"
                )
            waiting = False
        elif _picks(stages, i, routed):
            if waiting:
                raise UsageError(
                    f"--stages: the rows that query picks are asked before others are picked; put "
                    f"people between query and {name}"
                )
            waiting = True


def _picks(stages: Sequence[str], place: int, routed: bool) -> bool:
    """Tell whether a stage picks rows for people: with a target accuracy decide does it too."""
    return stages[place] == "query" or (
        routed and stages[place] == "decide" and [*stages[place + 1 : place + 2]] == ["people"]
    )


def _admitted(own: Mapping[str, Any], task: Task) -> list[str]:
    weak = task.table("weak-label")
    llm = task.table("llm-label")
    stages = ["weak-label"] if own.get("functions") or "functions" in weak or "rule" in weak else []
    stages += ["llm-label"] if own.get("model") or "model" in llm else []
    if own.get("target_accuracy") is None:
        return [*stages, "query", "people", "decide", *CLEANING, "train"]
    # A few labels of people first: they tell how sure labels are and what the model is worth.
    asked = ["llm-label", "decide", "llm-label"] if "llm-label" in stages else []
    rules = [name for name in stages if name != "llm-label"]
    return [
        *(*rules, "query", "people", *asked, "decide", "people"),
        *(*CLEANING, "train"),
    ]


class _Plan:
    """Builds the stages one after the other; each reads what the one before it wrote."""

    def __init__(
        self,
        inputs: Sequence[str],
        output: Path,
        folder: Path,
        task: Task,
        options: Mapping[str, Any],
        own: Mapping[str, Any],
    ) -> None:
        self.current = [Path(name) for name in inputs]
        self.output, self.folder, self.task = output, folder, task
        self.options, self.own = options, own
        self.stages: list[Stage] = []
        self.label_columns: list[str] = []
        self.round = 0
        self.limit = Limit(task, own)

    def add(self, name: str, last: bool, later: Sequence[str]) -> None:
        number = len(self.stages) + 1
        ending = ending_of(self.output) or ".csv"
        target = self.output if last else self.folder / f"{number}-{name}{ending}"
        if name == "people":
            self.stages.append(self._people(number, target))
        elif name in AFTER:
            made = self._train(number, later) if name == "train" else self._report(number)
            self.stages.append(made)
            return
        else:
            self.stages.append(self._command(number, name, target, later))
        self.current = [target]

    def _command(self, number: int, name: str, target: Path, later: Sequence[str]) -> Stage:
        args = [name, *map(str, self.current), "-o", str(target), *self._shared(name)]
        reads, makes = [*self.current], [target]
        if name == "query":
            self.round += 1
            batch = self.folder / f"batch-{self.round}.csv"
            args += [*self._labels(name), *self._given("n", "audit"), "--batch", str(batch)]
            told = self.own.get("audit") is not None or "audit" in self.task.table(name)
            if self.round == 1 and not told:
                args += ["--audit", str(_AUDIT)]
            self.limit.ask(_AUDIT if self.round == 1 else 0)
            makes.append(batch)
        if name == "weak-label":
            args += self._given("functions")
            self.label_columns = [*self.label_columns, "weak_label"]
        if name == "llm-label":
            args += self._given("model", "base_url", "price", "max_cost")
            args += ["--yes"] if self.own.get("yes") else []
            args += self._rows_of_llm()
            # An LLM's label stands before a rule's.
            self.label_columns = [*dict.fromkeys(["llm_label", *self.label_columns])]
        if name == "decide":
            args += self._given("target_accuracy")
            args += ["--worth"] if name not in later else []
            routes = self.own.get("target_accuracy") is not None
            asks = routes and [*later[:1]] == ["people"]
            if asks:
                self.round += 1
                makes.append(self.folder / f"batch-{self.round}.csv")
                args += ["--batch", str(makes[-1])]
            args += self.limit.left(asks, [*later].count("query")) if routes else []
        if name == "find-noise":
            args += self._labels(name, self._decided())
            # decide weighs what is flagged, and its confidence tells train how much to trust it.
            left_in = "decide" in later or "fix" in self.task.table(name)
            args += [] if left_in else ["--fix", "exclude"]
        return Stage(number, name, args, reads + self._files(name), makes)

    def _rows_of_llm(self) -> list[str]:
        """Return which rows a language model looks at: those that the rules leave doubtful.

        On the way to a target accuracy first those that people labelled, to learn what it is worth,
        then those sent to it too. Audit rows are sent to it as if no person had spoken.
        """
        before = {stage.name for stage in self.stages}
        if self.own.get("target_accuracy") is None or "people" not in before:
            renamed = "as" in self.task.table("weak-label")
            told = "where" in self.task.table(_TAUGHT_BY_GOLD)
            by_rules = "weak-label" in before and not renamed and not told
            return ["--where", DOUBTFUL_ROWS] if by_rules else []
        sent = "final_route == 'llm' or " if "decide" in before else ""
        return ["--where", f"{sent}(label is not empty and label_origin != 'audit')"]

    def _people(self, number: int, target: Path) -> Stage:
        batch = self.folder / f"batch-{self.round}.csv"
        given = list(self.options.get("answers") or [])
        who = "oracle" if self.own.get("oracle") else "answers"
        answers = given or [self.folder / f"{who}-{self.round}.csv"]
        args = ["merge", *map(str, [*self.current, *answers]), "-o", str(target)]
        args += ["--batch", str(batch), *self._shared("merge")]
        reads = [*self.current, *answers, batch]
        asking = ["labelkit", "annotate", str(batch), "-o", str(answers[0])]
        asks = shlex.join([*asking, *self._shared("annotate")])
        key = self.options.get("id")
        return Stage(number, "people", args, reads, [target], batch, answers[0], asks, key)

    def _train(self, number: int, later: Sequence[str]) -> Stage:
        decided = self._decided()
        target = self.folder / (f"{number}-{_MODEL}" if "train" in later else _MODEL)
        args = ["train", *map(str, self.current), "-o", str(target), *self._shared("train")]
        args += ["--label", FINAL] if decided else self._labels("train")
        if decided:
            own = self.task.table("train")
            args += [] if "weight" in own else ["--weight", "final_confidence"]
            args += [] if {"robust", "robust-by"} & set(own) else ["--robust"]
        return Stage(number, "train", args, [*self.current], [target])

    def _report(self, number: int) -> Stage:
        made = [stage.makes[0] for stage in self.stages if stage.name == "train"]
        reads, target = [*self.current, *made], self.folder / _REPORT
        args = ["report", *map(str, reads), "-o", str(target), *self._shared("report")]
        return Stage(number, "report", args, reads, [target])

    def _decided(self) -> bool:
        return any(stage.name == "decide" for stage in self.stages)

    def _labels(self, name: str, decided: bool = False) -> list[str]:
        named = self.task.table(name).get("label")
        # A column of a stage that is left out this time is no label to miss.
        written = [*self.label_columns, *([FINAL] if self._decided() else [])]
        columns = [c for c in named or [] if c not in _WRITTEN or c in written]
        if named and columns == named:
            return []
        columns = columns or ["label", *([FINAL] if decided else self.label_columns)]
        return [part for column in columns for part in ("--label", column)]

    def _given(self, *names: str) -> list[str]:
        found = []
        for name in names:
            value = self.own.get(name)
            if value is not None:
                found += ["--" + name.replace("_", "-"), str(value)]
        return found

    def _shared(self, command: str) -> list[str]:
        takes = accepted(command)
        args = ["--task", str(self.task.path)] if self.task.path else ["--no-task"]
        for name in _PASSED:
            value = self.options.get(name)
            if name == "gold" and command == _TAUGHT_BY_GOLD:
                args += ["--gold", ""] if "gold" in self.task.content.get("task", {}) else []
                continue
            if name not in takes or value in (None, [], "utf-8") or self._in_task(name, value):
                continue
            if name == "features" and value == "auto":
                continue
            if name in _OF_FILES and command == "annotate":
                continue
            for item in value if isinstance(value, list) else [value]:
                args += [f"--{name}", str(item)]
        args += ["--seed", str(self.options["seed"])] if self.options["seed"] else []
        return args + (["--quiet"] if self.options.get("quiet") else [])

    def _in_task(self, name: str, value: Any) -> bool:
        known = self.task.content.get("task", {}).get(name)
        if known is None:
            return False
        if name == "classes":
            return bool(split_classes(value) == known)
        return bool(value == known or value == [known])

    def _files(self, name: str) -> list[Path]:
        """Return files that a stage's table names, so that touching one makes it run again."""
        named = (
            [self.own["functions"]] if name == "weak-label" and self.own.get("functions") else []
        )
        options = [self.options.get("features"), self.own.get("model")]
        named += [_file_of(value) for value in options if isinstance(value, str)]
        own = self.task.table(name).items()
        table = {key: value for key, value in own if key.replace("-", "_") not in WRITTEN}
        texts = _texts([table, self.task.content.get("task", {})])
        named += [self.task.beside(_file_of(value)) for value in texts]
        found = [Path(path) for path in named if _is_file(Path(path))]
        return [path for path in dict.fromkeys(found) if path != self.task.path]


def _texts(value: Any) -> list[str]:
    """Return all texts of a table of the task file, those of its lists and tables too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [text for each in value for text in _texts(each)] if isinstance(value, list) else []


def _file_of(value: str) -> str:
    """Return the file that a value may name: `embedding:mine.py:embed`, `local:model.gguf`."""
    file, own, _ = value.partition(".py:")
    name = f"{file}.py" if own else value
    kind, colon, rest = name.partition(":")
    return rest if colon and kind in ("embedding", "tfidf+embedding", "local") else name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def make_plan(
    inputs: Sequence[str],
    output: Path,
    folder: Path,
    task: Task,
    options: Mapping[str, Any],
    own: Mapping[str, Any],
) -> list[Stage]:
    """Return the stages as commands, in order; the last that annotates writes the output.

    The report comes after them all.
    """
    names = [*chosen_stages(options, own, task), "report"]
    last = max(i for i, name in enumerate(names) if name not in AFTER)
    plan = _Plan(inputs, output, folder, task, options, own)
    for i, name in enumerate(names):
        plan.add(name, last=i == last, later=names[i + 1 :])
    return plan.stages


def as_shell(stages: Sequence[Stage], folder: Path) -> str:
    """Return the plan as a POSIX shell script; where answers are missing it says who gives them."""
    lines = ["#!/bin/sh", "set -eu", shlex.join(["mkdir", "-p", str(folder)])]
    for stage in stages:
        if stage.answers is not None:
            there = shlex.join(["test", "-e", str(stage.answers)])
            lines.append(f"{there} || {{ {_asking(stage)}; }}")
        lines.append(stage.line())
    return "\n".join(lines) + "\n"


def _asking(stage: Stage) -> str:
    """Return shell commands that say what people are to do, and end with exit code 3."""
    text = f"people label {stage.batch}: {stage.asks} - then go on"
    return f"{shlex.join(['echo', text])} >&2; exit 3"


def as_make(
    stages: Sequence[Stage],
    folder: Path,
    task: Path | None,
    found: Mapping[str, Sequence[Path]],
) -> str:
    """Return the plan as a Makefile; a file is made again when one that it is made from changed.

    `found` are files that stages were seen to read, by the stage's id. Where answers are missing,
    make says who gives them.
    """
    goals = " ".join(_escaped(stage.makes[0]) for stage in stages if stage is _last(stages, stage))
    blocks = [f".DELETE_ON_ERROR:\n\nall: {goals}\n.PHONY: all\n"]
    maker = {path: stage.makes[0] for stage in stages for path in stage.makes}
    for stage in stages:
        if stage.answers is not None and stage.batch is not None:
            first = _escaped(maker.get(stage.batch, stage.batch))
            ask = _asking(stage).replace("$", "$$")
            blocks.append(f"{_escaped(stage.answers)}: | {first}\n\t@{ask}\n")
        reads = [*stage.reads, *([task] if task else []), *found.get(stage.id, [])]
        needs = " ".join(_escaped(path) for path in dict.fromkeys(reads) if path != stage.batch)
        recipe = stage.line().replace("$", "$$")
        made = _escaped(stage.makes[0])
        blocks.append(f"{made}: {needs} | {_escaped(folder)}\n\t{recipe}\n")
    blocks.append(f"{_escaped(folder)}:\n\t{shlex.join(['mkdir', '-p', str(folder)])}\n")
    return "\n".join(blocks)


def _last(stages: Sequence[Stage], stage: Stage) -> Stage | None:
    """Return the stage if nothing after it reads what it makes."""
    later = {path for other in stages if other is not stage for path in other.reads}
    return stage if stage.makes[0] not in later else None


def _escaped(path: Path) -> str:
    return str(path).replace("$", "$$").replace(" ", "\\ ").replace("#", "\\#").replace(":", "\\:")
