"""What decide tells: labels by source, the voters' weights, and how good the labels are."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labelkit import console
from labelkit.combine.policy import Decision, Machine
from labelkit.combine.sources import Said
from labelkit.data.labels import Mask, read_labels
from labelkit.decide.claim import Claim
from labelkit.stats import metrics
from labelkit.verdict.evidence import is_complete

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Told(NamedTuple):
    """Counts and figures, for people and for the summary."""

    counts: dict[str, Any]
    figures: dict[str, Any]


def measured(
    job: "Job", said: Said, machine: Machine, final: Decision, among: Mask, claim: Claim | None
) -> Told:
    """Return what is known of the decision on the rows `among`."""
    rows = int(among.sum())
    labelled = among & (final.codes >= 0)
    counts = {
        "rows": rows,
        "labelled": int(labelled.sum()),
        "undecided": int((among & (final.codes < 0) & (final.confidence == 0)).sum()),
        "people": int((labelled & (said.people >= 0)).sum()),
        "flagged": int((among & said.demoted).sum()),
    }
    figures: dict[str, Any] = {"classes": said.classes, "voters": _voters(said, machine)}
    figures |= _audited(said, machine.decision, among)
    figures["claim"] = None if claim is None else _plain(claim)
    gold = job.gold()
    right, known = None, None
    if gold is not None:
        names = np.array([*said.names, ""], dtype=object)
        gold = read_labels(gold, said.names)
        right, known = names[final.codes] == gold, gold != ""
        figures["truth_biased"] = not is_complete(known, labelled)
    figures["sources"] = _sources(final, labelled, rows, right, known)
    return Told(counts, figures)


def _voters(said: Said, machine: Machine) -> list[dict[str, Any]]:
    """Return each voter's rows and the weight that it got from people's rows, if it got one.

    `learned` are the rows that people labelled, audit rows aside, on which it speaks.
    """
    pool = machine.pool
    weights = pool.weights if pool is not None and pool.rows else [None] * len(machine.pooled)
    weight_of = {s.column: w for s, w in zip(machine.pooled, weights, strict=True)}
    every = {source.column: source for source in [*said.sources, *machine.pooled]}
    found = []
    known = (said.people >= 0) & ~said.excluded
    for source in every.values():
        weight = weight_of.get(source.column)
        judged = known & (source.undoubted.codes >= 0)
        found.append(
            {
                "column": source.column,
                "source": source.name,
                "rows": int((source.voter.codes >= 0).sum()),
                "weight": None if weight is None else round(float(weight), 4),
                "learned": int(judged.sum()),
                "learned_right": int((source.undoubted.codes == said.people)[judged].sum()),
            }
        )
    return found


def _audited(said: Said, machine: Decision, among: Mask) -> dict[str, Any]:
    """Return how often the machine is right where people judged rows drawn at random.

    The other rows that people labelled were picked for a reason, and voters were weighed by them:
    that figure is biased.
    """
    judged = among & (said.people >= 0) & (machine.codes >= 0)
    found: dict[str, Any] = {}
    for name, rows in (("audit", judged & said.audit), ("biased", judged & ~said.audit)):
        figure = metrics.accuracy(said.people[rows], machine.codes[rows])
        n = int(rows.sum())
        found[f"{name}_rows"] = n
        for part, value in zip(("accuracy", "low", "high"), figure, strict=True):
            found[f"{name}_{part}"] = round(float(value), 6) if n else None
    drawn = judged & said.audit & np.isfinite(machine.confidence)
    right = said.people[drawn] == machine.codes[drawn]
    found["audit_reliability"] = metrics.reliability(machine.confidence[drawn], right)
    silent = among & said.audit & (said.people >= 0) & (machine.codes < 0)
    return found | {"audit_undecided": int(silent.sum())}


def _plain(claim: Claim) -> dict[str, Any]:
    return {name: round(value, 6) for name, value in claim._asdict().items()}


def _sources(
    final: Decision, labelled: Mask, rows: int, right: Mask | None, known: Mask | None
) -> list[dict[str, Any]]:
    names, counts = np.unique(final.source[labelled].astype(str), return_counts=True)
    found = [
        _source(str(name), int(n), rows, labelled & (final.source == name), right, known)
        for n, name in sorted(zip(-counts, names, strict=True))
    ]
    return [*found, _source("all", int(labelled.sum()), rows, labelled, right, known)]


def _source(
    name: str, n: int, rows: int, here: Mask, right: Mask | None, known: Mask | None
) -> dict[str, Any]:
    found: dict[str, Any] = {"source": name, "rows": abs(n), "share": abs(n) / max(rows, 1)}
    if right is not None and known is not None:
        here = here & known
        found["truth"] = float(right[here].mean()) if here.any() else None
    return found


def tell(machine: Machine, told: Told) -> None:
    """Say it to people."""
    figures = told.figures
    header = ["source", "rows", "share"]
    if "truth_biased" in figures:
        header.append("truth (biased)" if figures["truth_biased"] else "truth")
    keys = ["source", "rows", "share", "truth"][: len(header)]
    console.table(
        "labels by source", header, [[s[key] for key in keys] for s in figures["sources"]]
    )
    _tell_weights(machine, figures["voters"])
    if told.counts["flagged"]:
        console.note(
            f"find-noise holds a label of {console.count(told.counts['flagged'], 'rows')} for "
            f"wrong: it gives way to what find-noise suggests"
        )
    for line in _accuracy(figures):
        console.note(line)


def _tell_weights(machine: Machine, found: list[dict[str, Any]]) -> None:
    if machine.pool is None or not found:
        return
    if machine.pool.rows:
        shown = ", ".join(
            f"{console.clean(v['column'])} {v['weight']:.2f}"
            for v in found
            if v["weight"] is not None
        )
        console.note(f"weights learned from {machine.pool.rows:,} rows of people: {shown}")
        _tell_most_trusted([voter for voter in found if voter["weight"] is not None])
    elif len(machine.pooled) > 1:
        console.note(
            "voters count as sure as they say: too few rows of people (audit rows aside) to "
            "weigh them by"
        )


def _tell_most_trusted(voters: list[dict[str, Any]]) -> None:
    """Say why one voter counts most, and another least."""
    voters = sorted((v for v in voters if v["learned"]), key=lambda voter: -voter["weight"])
    if len(voters) < 2 or voters[0]["weight"] == voters[-1]["weight"]:
        return
    most, least = (
        f"{console.clean(v['column'])} {name}: right on {v['learned_right']:,} of "
        f"{console.count(v['learned'], 'such rows')}"
        for v, name in ((voters[0], "counts most"), (voters[-1], "least"))
    )
    console.note(f"{most}; {least}")


def _accuracy(figures: dict[str, Any]) -> list[str]:
    lines = []
    if figures["claim"] is not None:
        if "truth_biased" in figures:  # the verdict is by gold then
            of_all = figures["claim"]
            lines.append(
                f"accuracy of all {of_all['labels']:,} labels by the audit: {of_all['value']:.3f} "
                f"(95% CI {of_all['low']:.3f}–{of_all['high']:.3f}, n={of_all['audit']:,})"
            )
        silent = figures["audit_undecided"]
        lines.append(
            f"machine labels alone: {_interval(figures, 'audit')} right, from "
            f"{console.count(figures['audit_rows'], 'audit rows')}"
            + (f" ({console.count(silent, 'more audit rows')} got no label)" if silent else "")
        )
    if figures["biased_rows"]:
        lines.append(
            f"on the {figures['biased_rows']:,} other rows that people labelled: "
            f"{_interval(figures, 'biased')} (biased: they were picked, and voters are weighed "
            f"by them)"
        )
    return lines


def _interval(figures: dict[str, Any], name: str) -> str:
    value, low, high = (figures[f"{name}_{part}"] for part in ("accuracy", "low", "high"))
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def closing(told: Told) -> str:
    """Return the closing line's text."""
    counts = told.counts
    silent = counts["rows"] - counts["labelled"]
    parts = [
        f"{counts['rows']:,} rows",
        f"{counts['labelled']:,} labelled ({counts['people']:,} by people)",
        *([f"{silent:,} without a label"] if silent else []),
    ]
    return " · ".join(parts)
