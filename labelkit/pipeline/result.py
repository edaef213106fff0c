"""What a pipeline says at its end: labels by source, cost against all by hand, accuracy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit import bill, console
from labelkit.pipeline.plan import AFTER, Stage
from labelkit.task import Task

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
    price = bill.prices(task.cost)
    people = [f for name, f in figures.items() if name.endswith("-people")]
    asked = sum(int(f.get("labels", 0)) for f in people)
    timed = [f["people_seconds"] for f in people if f.get("people_seconds") is not None]
    seconds = sum(map(float, timed)) if timed and asked else None
    llm = sum(float(f.get("dollars", 0.0)) for f in figures.values())
    lines = [
        bill.people(price, asked, f"people: {asked:,} labels", seconds),
        bill.Line("language model", llm, 0.0),
        bill.setting_up(price, [name.partition("-")[2] for name in figures]),
    ]
    total = bill.total(lines)
    by_hand = None if seconds is None else seconds / asked * rows
    lines += [total, bill.people(price, rows, f"all {rows:,} by hand", by_hand)]
    return [list(line) for line in lines]


def _accuracy(figures: Mapping[str, Mapping[str, Any]], found: _Labels) -> list[str]:
    lines = []
    for f in figures.values():
        if f.get("claim"):
            claim = f["claim"]
            lines.append(
                f"accuracy of all {claim['labels']:,} labels: {claim['value']:.3f} "
                f"({claim['low']:.3f} to {claim['high']:.3f}): people's {claim['people']:,} count "
                f"as right, {claim['audit']:,} audit rows tell of the others"
            )
    if found.gold is None:
        return lines
    truth = found.share_right("final_label")
    if truth is not None:
        lines.append(f"the truth by the gold column, for all labels: {truth:.3f}")
    stages = [(name, found.share_right(name)) for name in _VOTERS]
    shown = [f"{name} {value:.3f}" for name, value in stages if value is not None]
    lines.append("right by gold, of the rows that each labelled: " + " · ".join(shown))
    return lines
