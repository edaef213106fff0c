"""The LF report as one HTML file: nothing is loaded, nothing runs, every cell is escaped."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from labelkit import console
from labelkit.html import charts
from labelkit.html import page as pages
from labelkit.weak.analysis.pairs import Pairs
from labelkit.weak.analysis.report import header

MEANINGS = {
    "polarity": "the classes that the function votes for",
    "coverage": "share of the rows on which it votes",
    "overlaps": "share of the rows on which it and another vote",
    "conflicts": "share of the rows on which it votes and another votes differently",
    "estimated": "share of its votes that are right, estimated from the other functions and the "
    "texts, with a 95 % interval (from, to); no truth is needed for it, and functions that err "
    "alike flatter each other",
    "weight": "what the label model learned: the share of its votes that are right",
    "accuracy": "share of its votes that are right where the truth is known; low and high are the "
    "95 % interval; biased: the known rows are not all rows",
    "gain": "share of the known rows that get the right label, less the same without the function",
    "errors": "calls that failed and were taken for abstentions",
}


class Facts(NamedTuple):
    """What the page says beside the functions' figures."""

    file: str
    model: str
    rows: int
    labelled: int
    shares: Mapping[str, int]  # rows of each class


def page(
    facts: Facts, found: Sequence[Mapping[str, Any]], gold: str | None, together: Pairs
) -> bytes:
    """Return the whole page."""
    told = (
        f"{console.count(facts.rows, 'rows')}, {facts.labelled:,} labelled, "
        f"{facts.rows - facts.labelled:,} without a label; label model {facts.model}."
    )
    labelled = max(facts.labelled, 1)
    classes = [[name, rows, charts.bar(rows / labelled)] for name, rows in facts.shares.items()]
    body = [
        pages.paragraph(told),
        "<h2>Functions</h2>",
        _functions(header(found, gold), found),
        _legend(header(found, gold)),
        "<h2>Labels</h2>",
        pages.table("Rows of each class", ["class", "rows", "share"], classes, sorted_=False),
        "<h2>Conflicts</h2>",
        _conflicts([str(record["name"]) for record in found], together),
    ]
    return pages.page(f"Labeling functions on {facts.file}", body)


def _functions(names: Sequence[str], found: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [", ".join(value) if isinstance(value, list) else value for value in record.values()]
        for record in found
    ]
    figures = range(2, len(names))  # after name and polarity
    return pages.table("Functions and their votes", names, rows, numbers=figures, sorted_=False)


def _legend(names: Sequence[str]) -> str:
    shown = [name.removesuffix(" (biased)") for name in names]
    terms = [f"<dt>{name}</dt><dd>{MEANINGS[name]}</dd>" for name in shown if name in MEANINGS]
    return f"<dl>{''.join(terms)}</dl>"


def _conflicts(names: Sequence[str], together: Pairs) -> str:
    if not together.differ.any():
        return "<p>No two functions vote differently on any row.</p>"
    return charts.heat_map("Conflicts between functions", names, together.both, together.differ)
