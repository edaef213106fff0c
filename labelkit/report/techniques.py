"""The page's sections on the techniques: functions, language model, learning, noise."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc

from labelkit.config import costs as bill
from labelkit.html import charts
from labelkit.html import page as pages
from labelkit.html.page import HeatCell, LongText
from labelkit.report.data import ReportData, error_of, figures
from labelkit.report.overview import answers_cost
from labelkit.stats import metrics

MOST_FUNCTIONS = 1_000
_MOST_ERRORS = 50
_WIDEST_MATRIX = 20
_MOST_MISTAKES = 30
_NAMES = {"name": "function", "polarity": "votes for", "votes": "rows"}


def functions(found: ReportData) -> str:
    """Return the section on the labeling functions; nothing where none voted."""
    said = figures(found.latest("weak-label"))
    records: list[Mapping[str, Any]] = list(said.get("functions") or [])
    if not records:
        return ""
    fields = [name for name in records[0] if all(name in record for record in records)]
    rows = [[_joined(record[name]) for name in fields] for record in records[:MOST_FUNCTIONS]]
    header = [_NAMES.get(name, name) for name in fields]
    model = said.get("label_model") or {}
    told = f"Label model: {model.get('used', 'not told')}."
    parts = [pages.paragraph(told), pages.table("Labeling functions", header, rows)]
    if len(records) > MOST_FUNCTIONS:
        parts.append(pages.paragraph(f"The first {MOST_FUNCTIONS:,} of {len(records):,} functions"))
    together = said.get("together") or {}
    if together:
        both, differ = np.array(together["both"]), np.array(together["differ"])
        parts.append("<h3>Conflicts</h3>")
        parts.append(
            charts.heat_map("Conflicts between functions", together["names"], both, differ)
            if differ.any()
            else "<p>No two functions vote differently on any row.</p>"
        )
    return "".join(parts)


def _joined(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def language_model(found: ReportData) -> str:
    """Return the section on the language models: cost and errors of each pass."""
    steps = found.passes("llm-label")
    if not steps:
        return ""
    rows: list[list[Any]] = []
    for step in steps:
        counts, cost = step.get("counts") or {}, step.get("cost") or {}
        name = f"{(step.get('options') or {}).get('as_name') or 'llm'}_label"
        rows.append(
            [name, counts.get("model"), counts.get("rows"), counts.get("labelled"),
             counts.get("errors"), cost.get("requests"), cost.get("from_cache"),
             cost.get("tokens_in"), cost.get("tokens_out"), bill.shown(answers_cost(step))[0]]
        )  # fmt: skip
    header = ["labels", "model", "rows", "labelled", "errors", "requests", "from cache"]
    header += ["tokens in", "tokens out", "dollars"]
    shown = pages.table("Runs of language models", header, rows)
    return shown + _errors(found, [str(row[0]) for row in rows])


def _errors(found: ReportData, labels: Sequence[str]) -> str:
    rows: list[list[Any]] = []
    for label in labels:
        if found.has(error_of(label)):
            for each in pc.value_counts(found.arrow(error_of(label))).to_pylist():
                if each["values"]:
                    rows.append([label, each["counts"], LongText(each["values"])])
    rows.sort(key=lambda row: (-row[1], row[0], str(row[2].text)))
    if not rows:
        return "<p>Every row that was asked about got a label.</p>"
    header = ["labels", "rows", "error"]
    return pages.table("Rows without an answer that can be used", header, rows[:_MOST_ERRORS])


def learning(found: ReportData) -> str:
    """Return the section on learning: rounds of questions, models, simulated curves."""
    parts = [_rounds(found), _models(found), _simulated(found)]
    return "".join(parts)


def _rounds(found: ReportData) -> str:
    rows, spots = [], []
    steps = [step for step in found.steps if step.get("command") == "query"]
    for place, step in enumerate(steps, 1):
        counts, said = step.get("counts") or {}, figures(step)
        share, n = said.get("biased_accuracy"), int(counts.get("learned_from") or 0)
        figure = [place, n, said.get("picked_by"), counts.get("picked"), counts.get("audit"), share]
        rows.append(figure)
        if share is not None and n:
            spot = charts.DataPoint(n, share, *metrics.wilson(share * n, n), n, unbiased=False)
            spots.append(spot)
    if not rows:
        return ""
    header = ["round", "labels before", "picked by", "rows asked", "for the audit"]
    header.append("agreement in cross-validation (biased)")
    shown = pages.table("Rounds of questions to people", header, rows)
    if len(spots) > 1:
        title = "Agreement of the model with the labels so far (biased)"
        shown += charts.curves(title, [("agreement", spots)], "labels so far")
    return shown


def _models(found: ReportData) -> str:
    rows: list[list[Any]] = []
    for step in found.steps:
        said = figures(step).get("accuracy")
        if step.get("command") != "train" or not isinstance(said, dict):
            continue
        for basis, words in (("audit", "audit rows"), ("out_of_fold", "out of fold (biased)")):
            one = said.get(basis)
            if one:
                ends = [one.get("value"), one.get("low"), one.get("high")]
                rows.append([str(figures(step).get("classifier")), words, one.get("rows"), *ends])
    header = ["model", "measured on", "rows", "share right", "low", "high"]
    return pages.table("Trained models", header, rows) if rows else ""


def _simulated(found: ReportData) -> str:
    if not found.curves:
        return ""
    curves = [
        (name, [charts.DataPoint(p.labels, p.mean, p.low, p.high, p.seeds) for p in points])
        for name, points in found.curves.items()
    ]
    rows = [
        [name, p.labels, p.mean, p.low, p.high, p.seeds]
        for name, points in found.curves.items()
        for p in points
    ]
    header = ["strategy", "labels", "mean accuracy", "low", "high", "seeds"]
    best = [curves[0], *[c for c in curves[1:] if c[0] == "random"]]
    drawn = charts.curves("Accuracy by labels, simulated", best, "labels")
    return drawn + pages.table("Simulated learning curves", header, rows)


def noise(found: ReportData) -> str:
    """Return the section on wrong labels: which class is taken for which, and the worst rows."""
    if not found.has("noise_flag"):
        return ""
    said = figures(found.latest("find-noise"))
    parts = []
    reasons = said.get("reasons") or {}
    if reasons:
        rows = [[kind, n] for kind, n in reasons.items()]
        parts.append(pages.table("Flagged labels by reason", ["reason", "rows"], rows))
    parts.append(_by_audit(said.get("audit")))
    model = said.get("noise")
    if model:
        parts += [_matrix(model), _commonest(model)]
    else:
        parts.append(_by_flags(found))
    return "".join(parts)


def _by_audit(audit: Mapping[str, Any] | None) -> str:
    """Return what people say of the labels on rows drawn at random, the only figure to claim."""
    if not audit or not audit.get("rows"):
        return ""
    low, high = audit["interval"]
    share = audit["wrong"] / audit["rows"]
    return pages.paragraph(
        f"On {audit['rows']:,} audit rows people call {audit['wrong']:,} of these labels wrong: "
        f"{share:.3f} ({low:.3f} to {high:.3f}). What follows is estimated from the labels alone, "
        f"which cannot tell where their sources err alike."
    )


def _by_flags(found: ReportData) -> str:
    """Return the commonest mistakes as the flags tell them, where no model of noise is known."""
    flagged = found.texts("noise_flag") == "true"
    pairs = list(zip(found.texts("noise_given")[flagged], found.texts("noise_suggested")[flagged],
                     strict=True))  # fmt: skip
    commonest = Counter((given, true) for given, true in pairs if true and given != true)
    ranked = sorted(commonest.items(), key=lambda each: (-each[1], each[0]))[:_MOST_MISTAKES]
    rows = [[given, true, n] for (given, true), n in ranked]
    header = ["given", "suggested", "rows"]
    return pages.table("Flagged labels and what is suggested", header, rows) if rows else ""


def _matrix(model: Mapping[str, Any]) -> str:
    classes, shares = model["classes"], model["p_given_when_true"]
    if len(classes) > _WIDEST_MATRIX:
        return ""
    rows = [[true, *(_shade(true, g, shares[true].get(g)) for g in classes)] for true in classes]
    title = "Of the rows truly of a class (down), the share labelled as each (across), estimated"
    return pages.table(title, ["truly", *classes], rows, sorted_=False)


def _shade(true: str, given: str, share: float | None) -> HeatCell:
    return HeatCell(share, 0.0 if share is None or true == given else share)


def _commonest(model: Mapping[str, Any]) -> str:
    counts = [
        [given, true, rows]
        for given, each in model["rows_given_true"].items()
        for true, rows in each.items()
        if given != true and rows and rows >= 0.5
    ]
    counts.sort(key=lambda row: -row[2])
    rows = [[given, true, round(n)] for given, true, n in counts[:_MOST_MISTAKES]]
    ends = model.get("estimated_errors_90")
    within = f" ({ends[0]:,} to {ends[1]:,} with 90 % probability)" if ends else ""
    told = pages.paragraph(
        f"About {model.get('estimated_errors', 0):,} labels are estimated to be wrong{within}, "
        f"among them:"
    )
    header = ["given", "truly", "rows"]
    return told + pages.table("Commonest mistakes, estimated", header, rows) if rows else ""
