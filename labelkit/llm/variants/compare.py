"""--try: prompts and models on the same known rows, side by side."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit import console
from labelkit.config.costs import add_up
from labelkit.errors import LabelkitError, UsageError
from labelkit.llm import cost_estimate, inputs
from labelkit.llm.options import Wanted
from labelkit.llm.session import Asking, Given, prepare
from labelkit.llm.variants.variant import Variant
from labelkit.stats import metrics

HEADER = (
    "try", "model", "rows", "accuracy", "from", "to", "kappa", "calibration_error", "no_label",
    "dollars_per_1000", "tokens_per_row", "rows_per_second", "p_beside_best",
)  # fmt: skip
Mask = NDArray[np.bool_]


def compare(given: Given, variants: Sequence[Variant], wanted: Wanted, as_json: bool) -> None:
    """Ask each about the rows of --gold and print their figures; nothing is written.

    A row without a usable answer counts as wrong. Rows that were drawn to judge the result by
    are left out: who chooses a prompt has learned from its rows.
    """
    job = given.job
    for option, named in (("--threshold", wanted.threshold), ("--batch", wanted.batch)):
        if named is not None:
            raise UsageError(f"--try only compares: leave out {option}")
    truth = _truth(given)
    askings = [prepare(given, variant, truth >= 0) for variant in variants]
    expected = [asking.expected() for asking in askings]
    if wanted.dry_run:
        return cost_estimate.tell(job, askings, expected)
    if console.can_ask() and not wanted.yes:
        cost_estimate.consent(askings, expected)
    found, right = [], []
    for asking in askings:
        figures, hits = _figures(given, asking, truth)
        found.append(figures)
        right.append(hits)
    given.all_asked()
    best = max(range(len(found)), key=lambda place: int(right[place].sum()))
    for place, figures in enumerate(found):
        same = place == best
        figures["p_beside_best"] = None if same else metrics.mcnemar(right[best], right[place])
    _show(given, found, right, best, as_json)
    return None


def _truth(given: Given) -> NDArray[np.int32]:
    """Return the class of each row to judge by, -1 for all others."""
    job = given.job
    truth = inputs.gold_codes(job, given.classes)
    if truth is None:
        raise UsageError("--try judges by known labels: name their column with --gold")
    if job.chosen is not None:
        truth = np.where(job.chosen, truth, np.int32(-1))
    truth[job.excluded_from_training] = -1
    if not (truth >= 0).any():
        raise LabelkitError(
            f"{job.source.name}: column {job.options['gold']!r} (--gold) is empty in all rows that "
            "may be looked at"
        )
    return truth


def _figures(given: Given, asking: Asking, truth: NDArray[np.int32]) -> tuple[dict[str, Any], Mask]:
    started = time.monotonic()
    found = asking.label(given)
    seconds = time.monotonic() - started
    judged = np.flatnonzero(truth >= 0)
    outcomes = asking.rows.each(found)
    said = [outcomes[row] for row in judged.tolist()]
    # One class more than there are, for rows without a label.
    place = {name: code for code, name in enumerate(given.classes)}
    labels = np.array([place.get(item.label, len(place)) if item else len(place) for item in said])
    right = labels == truth[judged]
    sure = np.array(
        [item.confidence if item and item.label and item.confidence is not None else np.nan
         for item in said], np.float64,
    )  # fmt: skip
    stated = np.isfinite(sure)
    accuracy = metrics.accuracy(truth[judged], labels)
    kappa = metrics.kappa(metrics.confusion(truth[judged], labels, len(place) + 1))
    meter = asking.run.meter
    return {
        "try": asking.variant.name,
        "model": asking.run.model_name(),
        "rows": len(judged),
        "accuracy": accuracy.value,
        "from": accuracy.low,
        "to": accuracy.high,
        "kappa": float(kappa),
        "calibration_error": metrics.calibration_error(sure[stated], right[stated])
        if stated.any() else None,
        "no_label": int((labels == len(place)).sum()),
        **_paid(asking, len(judged)),
        "rows_per_second": meter.answers / seconds if meter.answers and seconds else None,
    }, right  # fmt: skip


def _paid(asking: Asking, rows: int) -> dict[str, float | None]:
    """Return what all answers took, those of earlier runs included at what they cost then."""
    meter = asking.run.meter
    tokens_in, tokens_out = meter.tokens_in + meter.known_in, meter.tokens_out + meter.known_out
    dollars = add_up([meter.spent, meter.known_dollars])
    each = None if dollars is None else dollars * 1000 / rows
    return {"dollars_per_1000": each, "tokens_per_row": (tokens_in + tokens_out) / rows}


def _show(
    given: Given, found: list[dict[str, Any]], right: list[Mask], best: int, as_json: bool
) -> None:
    job = given.job
    job.figures({"tried": found, "best": found[best]["try"]})
    if as_json:
        console.data_json({"schema": 1, "tried": found})
    else:
        console.data_table(HEADER, [[figures[name] for name in HEADER] for figures in found])
    for asking in given.askings:
        for note in asking.run.notes:
            console.note(f"llm-label: {asking.variant.name}: {note}")
    biased = "" if _stand_for_all(given) else " (biased: the known rows may not stand for all)"
    console.note(
        f"llm-label --try: {console.count(len(right[0]), 'rows')} with a known label{biased}; "
        f"{_verdict(found, best)}; of the chosen one, audit rows tell the accuracy"
    )
    written = job.source.name if job.options.get("in_place") else job.options.get("output")
    if written:
        console.note(f"llm-label --try only compares: {written} is not written")


def _stand_for_all(given: Given) -> bool:
    """Tell whether every row that the command chose has a known label, or is kept for the audit."""
    job = given.job
    known = (given.askings[0].rows.places >= 0) | given.askings[0].rows.empty | job.audit_mask
    return bool(known.all() if job.chosen is None else known[job.chosen].all())


def _verdict(found: list[dict[str, Any]], best: int) -> str:
    name = console.clean(found[best]["try"])
    behind = [console.clean(each["try"]) for each in found if (each["p_beside_best"] or 0) >= 0.05]
    if len(found) == 1:
        return "nothing to compare with"
    if not behind:
        return f"{name} is better than the others (McNemar, p < 0.05)"
    ahead = "" if found[best]["accuracy"] == max(_others(found, best)) else "ahead, but "
    return f"{name} is {ahead}not shown to be better than {', '.join(behind)}"


def _others(found: list[dict[str, Any]], best: int) -> list[float]:
    return [each["accuracy"] for place, each in enumerate(found) if place != best]
