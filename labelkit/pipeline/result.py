"""What a pipeline says at its end: labels by source, cost against all by hand, accuracy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit import console
from labelkit.pipeline.plan import AFTER, Stage
from labelkit.task import Task

_HUMAN_LABEL = 0.30
_HUMAN_SECONDS = 300.0
_VOTERS = ("weak_label", "llm_label", "final_label")


def show(
    stages: Sequence[Stage], figures: Mapping[str, Mapping[str, Any]], task: Task, gold: str | None
) -> None:
    """Print the closing table from the stages' figures and the output file."""
    output = [stage.makes[0] for stage in stages if stage.name not in AFTER][-1]
    found = _Labels(output, gold)
    console.table("labels by source", ["source", "rows", "share", "truth"], _sources(found))
    console.table("cost", ["what", "dollars", "hours"], _costs(found.rows, figures, task))
    for line in _accuracy(figures, found):
        console.note(line)


class _Labels:
    """The label columns of the output beside the known truth, where it is named."""

    def __init__(self, output: Path, gold: str | None) -> None:
        from labelkit.table import Table

        table = Table([output])
        self.rows = table.count()
        names = [n for n in (*_VOTERS, "final_source", "label", "label_origin") if table.has(n)]
        self.columns = {name: table.texts(name) for name in names}
        self.gold = table.texts(gold) if gold and table.has(gold) else None

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


def _costs(rows: int, figures: Mapping[str, Mapping[str, Any]], task: Task) -> list[list[Any]]:
    price = float(task.cost.get("human_label", _HUMAN_LABEL))
    seconds = float(task.cost.get("human_seconds", _HUMAN_SECONDS))
    asked = sum(int(f.get("labels", 0)) for name, f in figures.items() if name.endswith("-people"))
    llm = sum(float(f.get("dollars", 0.0)) for f in figures.values())
    setup = task.cost.get("setup_minutes", {})
    run = {name.partition("-")[2] for name in figures}
    minutes = (
        float(sum(v for k, v in setup.items() if k in run)) if isinstance(setup, dict) else 0.0
    )
    hours = asked * seconds / 3600
    table: list[list[Any]] = [
        [f"people: {asked:,} labels", asked * price, hours],
        ["language model", llm, None],
        ["setting up", minutes / 60 * price * 3600 / seconds, minutes / 60],
    ]
    table.append(["in all", sum(r[1] for r in table), sum(r[2] or 0.0 for r in table)])
    table.append([f"all {rows:,} by hand", rows * price, rows * seconds / 3600])
    return table


def _accuracy(figures: Mapping[str, Mapping[str, Any]], found: _Labels) -> list[str]:
    lines = []
    for stage, f in figures.items():
        if f.get("audit_accuracy") is not None and not stage.endswith("-train"):
            lines.append(
                f"accuracy of the labels that no person made: {f['audit_accuracy']:.3f} "
                f"({f['audit_low']:.3f} to {f['audit_high']:.3f}), from {f['audit_rows']} audit "
                "rows"
            )
    if found.gold is None:
        return lines
    if "label_origin" in found.columns:
        no_person = found.columns.get("label", found.columns["label_origin"]) == ""
        truth = found.share_right("final_label", no_person)
        if truth is not None:
            lines.append(f"the truth by the gold column, for those labels: {truth:.3f}")
    stages = [(name, found.share_right(name)) for name in _VOTERS]
    shown = [f"{name} {value:.3f}" for name, value in stages if value is not None]
    lines.append("right by gold, of the rows that each labelled: " + " · ".join(shown))
    return lines
