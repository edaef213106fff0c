"""What a pipeline says at its end: labels by source, cost against all by hand, accuracy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit import console
from labelkit.config import costs
from labelkit.config.label_text import split_classes
from labelkit.config.task_file import Task
from labelkit.data.labels import read_labels
from labelkit.pipeline.stages import AFTER, Stage

_VOTERS = ("weak_label", "llm_label", "final_label")
BY_PEOPLE = ("label", "label_seconds")


def show(
    stages: Sequence[Stage],
    figures: Mapping[str, Mapping[str, Any]],
    task: Task,
    options: Mapping[str, Any],
) -> None:
    """Print the closing table from the stages' figures and the output file."""
    output = [stage.makes[0] for stage in stages if stage.name not in AFTER][-1]
    found = _Labels(output, options)
    console.table("labels by source", ["source", "rows", "share", "truth"], _sources(found))
    console.table("cost", ["what", "dollars", "hours"], _costs(stages, found, figures, task))
    for line in _accuracy(figures, found):
        console.note(line)


class _Labels:
    """The label columns of the output beside the known truth, where it is named."""

    def __init__(self, output: Path, options: Mapping[str, Any]) -> None:
        from labelkit.io.table import Table

        gold = options["gold"]
        table = Table([output], delimiter=options["delimiter"], encoding=options["encoding"])
        names = [n for n in (*_VOTERS, "final_source", *BY_PEOPLE) if table.has(n)]
        truth = [gold] if gold and table.has(gold) else []
        read = table.texts_of([*names, *truth])
        self.rows = table.count()
        classes = split_classes(options["classes"])
        for name in (*_VOTERS, *truth):
            if name in read:
                read[name] = read_labels(read[name], classes)
        self.columns = {name: read[name] for name in names}
        self.gold = read[truth[0]] if truth else None

    def by_people(self) -> tuple[int, float | None]:
        """Return how many rows people labelled, and the seconds that one took, where measured."""
        return people_in(self.columns)

    def share_right(self, name: str, where: Any = None) -> float | None:
        """Return the share of a column's labels that are the truth."""
        if self.gold is None or name not in self.columns:
            return None
        labelled = self.columns[name] != ""
        labelled &= self.gold != ""
        if where is not None:
            labelled &= where
        if not labelled.any():
            return None
        return float((self.columns[name] == self.gold)[labelled].mean())


def people_in(columns: Mapping[str, Any]) -> tuple[int, float | None]:
    """Return how many rows people labelled, and the seconds that one took, where measured."""
    if "label" not in columns:
        return 0, None
    given = columns["label"] != ""
    said = columns.get("label_seconds")
    timed = [] if said is None else [float(text) for text in said[given] if text]
    return int(given.sum()), sum(timed) / len(timed) if timed else None


def _sources(found: _Labels) -> list[list[Any]]:
    rows: list[list[Any]] = []
    if "final_source" in found.columns:
        source = found.columns["final_source"]
        for name in sorted(set(source) - {""}, key=lambda s: -int((source == s).sum())):
            here = source == name
            n = int(here.sum())
            rows.append([name, n, n / found.rows, found.share_right("final_label", here)])
        n = int((found.columns["final_label"] != "").sum())
        rows.append(["all", n, n / found.rows, found.share_right("final_label")])
        return rows
    for name in (*_VOTERS, "label"):
        if name in found.columns:
            n = int((found.columns[name] != "").sum())
            rows.append([name, n, n / found.rows, found.share_right(name)])
    return rows


def _costs(
    stages: Sequence[Stage], found: _Labels, figures: Mapping[str, Mapping[str, Any]], task: Task
) -> list[list[Any]]:
    price = costs.prices(task.cost)
    labels, each = found.by_people()
    work = costs.work(_merged(stages, figures), labels, each)
    llm = [figures[stage.id] for stage in stages if stage.id in figures]
    lines = [
        costs.people(price, work.answers, work.words, work.seconds),
        costs.Line("language model", costs.language_model(llm), 0.0),
        costs.setting_up(price, [name.partition("-")[2] for name in figures], each),
    ]
    by_hand = each and each * found.rows
    lines += [
        costs.total(lines),
        costs.people(price, found.rows, f"all {found.rows:,} by hand", by_hand),
    ]
    return [[line.what, *costs.shown(line.dollars, line.hours)] for line in lines]


def _merged(
    stages: Sequence[Stage], figures: Mapping[str, Mapping[str, Any]]
) -> list[costs.Merged]:
    found = []
    for stage in stages:
        said = figures.get(stage.id)
        if stage.args[0] == "merge" and said is not None:
            seconds = said.get("people_seconds")
            files = frozenset([str(stage.answers)])
            found.append(costs.Merged(files, int(said["answers"]), int(said["new"]), seconds))
    return found


def _accuracy(figures: Mapping[str, Mapping[str, Any]], found: _Labels) -> list[str]:
    if found.gold is None:
        return []
    lines = []
    claims = [each["claim"] for each in figures.values() if each.get("claim")]
    for claim in claims[-1:]:  # an earlier stage knows less
        lines.append(
            f"accuracy of all {console.count(claim['labels'], 'labels')} by the audit: "
            f"{claim['value']:.3f} (95% CI {claim['low']:.3f}–{claim['high']:.3f}, "
            f"n={claim['audit']:,})"
        )
    truth = found.share_right("final_label")
    if truth is not None:
        lines.append(f"the truth by the gold column, for all labels: {truth:.3f}")
    stages = [(name, found.share_right(name)) for name in _VOTERS]
    shown = [f"{name} {value:.3f}" for name, value in stages if value is not None]
    lines.append("right by gold, of the rows that each labelled: " + " · ".join(shown))
    return lines
