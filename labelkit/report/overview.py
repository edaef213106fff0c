"""The page's first sections: labels by source, cost against all by hand, accuracy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.config import costs as bill
from labelkit.html import charts
from labelkit.html import page as pages
from labelkit.html.page import HeatCell
from labelkit.report import accuracy
from labelkit.report.accuracy import Judged
from labelkit.report.data import FINAL, PEOPLE, ReportData, confidence_of
from labelkit.stats import metrics

_MOST_CLASSES = 200


def sources(found: ReportData) -> list[tuple[str, int]]:
    """Return the rows of each source, most first; what has no label last."""
    if found.decided and found.has("final_source"):
        values = found.texts("final_source")[found.texts(FINAL) != ""]
    else:
        values = np.full(found.rows, "", dtype=object)
        for name in [*found.machines[::-1]]:
            values[found.texts(name) != ""] = name
        values[found.by_people] = "people"
        values = values[values != ""]
    names, counts = np.unique(values.astype(str), return_counts=True)
    ranked = sorted(zip(-counts, names, strict=True))
    return [(str(name), -int(count)) for count, name in ranked]


def by_source(found: ReportData) -> str:
    """Return the section on where the labels come from."""
    each = sources(found)
    missing = found.rows - sum(rows for _, rows in each)
    each += [("no label", missing)] if missing else []
    rows = [[name, n, charts.bar(n / max(found.rows, 1))] for name, n in each]
    how = "" if found.decided else " (nothing is decided yet: people first, then the others)"
    table = pages.table(f"Labels by source{how}", ["source", "rows", "share"], rows)
    return table + _classes(found)


def _classes(found: ReportData) -> str:
    column = FINAL if found.decided else next(iter(found.machines), "")
    values = found.texts(column) if column else found.people.values
    counts = _counted(pa.array(values, pa.string()))
    total = max(sum(n for _, n in counts), 1)
    rows = [[name, n, charts.bar(n / total)] for name, n in counts[:_MOST_CLASSES]]
    title = f"Classes, by {column or PEOPLE}"
    return pages.table(title, ["class", "rows", "share"], rows) if rows else ""


def _counted(values: pa.Array) -> list[tuple[str, int]]:
    found = [(v["values"], v["counts"]) for v in pc.value_counts(values).to_pylist() if v["values"]]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def costs(found: ReportData) -> tuple[list[bill.Line], bill.Line]:
    """Return the lines of the bill with their sum last, and all rows by hand."""
    work, measured = found.work()
    lines = [
        bill.people(found.price, work.answers, work.words, work.seconds),
        bill.Line("language model", bill.paid_by(found.steps), 0.0),
        bill.setting_up(found.price, [str(step["command"]) for step in found.steps], measured),
    ]
    whole = None if measured is None else measured * found.rows
    by_hand = bill.people(found.price, found.rows, f"all {found.rows:,} by hand", whole)
    return [*lines, bill.total(lines)], by_hand


def answers_cost(step: dict[str, Any]) -> float | None:
    """Return what the answers of a run of llm-label cost, whoever asked; None: not known."""
    paid = step.get("cost") or {}
    return bill.add_up([paid.get("dollars", 0.0), paid.get("dollars_from_cache", 0.0)])


def cost(found: ReportData) -> str:
    """Return the section on the cost, beside all rows by hand."""
    lines, by_hand = costs(found)
    rows = [[line.what, *bill.shown(line.dollars, line.hours)] for line in [*lines, by_hand]]
    header = ["what", "dollars", "hours of people"]
    shown = pages.table(
        "Cost, set-up included, and all by hand", header, rows, sorted_=False, numbers=[1, 2]
    )
    if lines[0].dollars is None:
        named = bill.missing_of_people(found.price, lines[0])
        shown += pages.paragraph(f"Dollars of people are not known: name {named}, in [cost].")
    if lines[1].dollars is None:
        told = "What the language model cost is not known: name its price (llm-label --price)."
        shown += pages.paragraph(told)
    if found.work()[1] is not None:
        told = "Hours are from the seconds that people's answers took, rows that they skipped too."
        shown += pages.paragraph(told)
    return shown


def quality(found: ReportData, every: list[Judged]) -> str:
    """Return the section on accuracy, calibration and agreement."""
    rows = [
        [one.column, one.measured_on, one.rows, *one.figure,
         charts.interval(*one.figure, one.biased), "biased" if one.biased else "no"]
        for one in every
    ]  # fmt: skip
    header = ["labels", "measured on", "rows", "share right", "low", "high", "0 to 1", "biased"]
    parts = [_claimed(every)]
    if rows:
        parts.append(pages.table("Accuracy with 95 % intervals", header, rows))
    parts += [_calibration(every), _columns(found), _agreement(found)]
    return "".join(parts)


def _claimed(every: list[Judged]) -> str:
    if accuracy.claim(every) is None:
        if accuracy.claim(every, accuracy.BY_GOLD) is not None:
            return pages.paragraph("Gold is known of all rows; no audit row has a person's label.")
        return pages.paragraph(
            "No accuracy is claimed: no row drawn at random for an audit has a person's label."
        )
    return pages.paragraph(
        "Audit rows were drawn at random and nothing learned from them. The figure of "
        f"{FINAL} is about all labels: people's count as right, and audit rows tell how often the "
        "others are."
    )


def _calibration(every: list[Judged]) -> str:
    with_bins = [one for one in every if one.reliability and not one.biased]
    plots, rows = [], []
    for one in with_bins:
        spots = [_spot(each) for each in one.reliability]
        plots.append(charts.calibration(f"{one.column}, {one.measured_on}", spots))
        for each, spot in zip(one.reliability, spots, strict=True):
            said = f"{each['from']:.1f} to {each['to']:.1f}"
            figures = [spot.rows, spot.x, spot.y, spot.low, spot.high]
            rows.append([one.column, one.measured_on, said, *figures])
    if not plots:
        return ""
    header = ["labels", "measured on", "confidence", "rows", "mean", "share right", "low", "high"]
    return (
        "<h3>Calibration</h3>"
        + pages.paragraph("On the diagonal the confidence is the share that is right.")
        + f'<div class="beside">{"".join(plots)}</div>'
        + pages.table("Calibration in figures", header, rows)
    )


def _spot(each: dict[str, float]) -> charts.DataPoint:
    n, share = int(each["rows"]), float(each["accuracy"])
    return charts.DataPoint(float(each["confidence"]), share, *metrics.wilson(share * n, n), n)


def _columns(found: ReportData) -> str:
    rows = []
    for name in [*found.machines, *([FINAL] if found.decided else [])]:
        labelled = found.texts(name) != ""
        sure = found.numbers(confidence_of(name))[labelled]
        mean = float(np.nanmean(sure)) if np.isfinite(sure).any() else None
        rows.append([name, int(labelled.sum()), float(labelled.mean() if found.rows else 0), mean])
    header = ["labels", "rows labelled", "share", "mean confidence"]
    return pages.table("Columns of labels", header, rows) if rows else ""


def _agreement(found: ReportData) -> str:
    names = [*found.machines, *([FINAL] if found.decided else [])]
    if len(names) < 2:
        return ""
    shares = accuracy.agreement(found, names)
    rows = [[name, *_agreed(shares[place])] for place, name in enumerate(names)]
    title = "How often two columns agree where both have a label (the fuller the colour, the less)"
    return pages.table(title, ["labels", *names], rows, sorted_=False)


def _agreed(shares: Sequence[float]) -> list[HeatCell]:
    return [
        HeatCell(None, 0.0) if np.isnan(s) else HeatCell(float(s), 1 - float(s)) for s in shares
    ]
