"""Which doubtful rows go to a language model, which to people, so that a target costs least.

A label that is sure to the share c is wrong with 1 - c. A person takes all of that away. A
language model that is right in the share a of such rows takes a - c where c is below a; above it
changes nothing, for the better of two opinions counts. Each row so has one or two steps, each with
what it gains and costs; they are taken by gain for a dollar, the least sure rows first, until the
errors expected are as few as the target allows. Nothing here looks at audit rows.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.combine.policy import Decision
from labelkit.combine.sources import Said
from labelkit.config import costs
from labelkit.data.labels import Mask
from labelkit.errors import UsageError

Floats = npt.NDArray[np.float64]

DONE, TO_LLM, TO_PEOPLE = "done", "llm", "people"
FEWEST_TO_TRUST = 10
_TINY = 1e-9
_SHORT = 0.0005  # of the target: what a figure of three digits would not show


class Terms(NamedTuple):
    """The accuracy wanted, and what may be spent: dollars, people's labels; prices of each.

    Where it is not said what may be spent, that is what is left of the task's budget.
    """

    target: float
    budget: float | None = None
    labels: int | None = None
    label_price: float | None = None
    row_price: float | None = None  # of the language model


class Spent(NamedTuple):
    """What goes to one side: rows, the confidence below which they lie, points gained, dollars."""

    rows: int
    below: float
    points: float
    dollars: float | None


class Needs(NamedTuple):
    """What the target takes: rows by the language model, labels by people, dollars if known."""

    llm: int
    people: int
    dollars: float | None


class Routed(NamedTuple):
    """Where each row goes ('' where nothing was decided about), and what is expected of it."""

    to: npt.NDArray[np.object_]
    now: float
    then: float
    llm: Spent
    people: Spent
    llm_accuracy: float | None
    enough: Needs
    has_llm: bool  # whether a language model has labelled any row


def check(terms: Terms, cost: Mapping[str, Any]) -> None:
    """Raise UsageError for terms that cannot be; `cost` is the table of the task file."""
    if not 0 < terms.target < 1:
        raise UsageError(f"--target-accuracy {terms.target:g}: give a share between 0 and 1")
    named = {
        "--budget": terms.budget,
        "--labels": terms.labels,
        "--price-per-label": terms.label_price,
        "--price-per-row": terms.row_price,
    }
    for option, value in named.items():
        if value is not None and value < 0:
            raise UsageError(f"{option} {value:g}: give a number of 0 or more")
    whole = costs.budget(cost) if terms.budget is None else terms.budget
    if whole is not None and terms.label_price is None:
        raise UsageError(
            "a budget in dollars needs the price of a person's label: --price-per-label, or [cost] "
            "human_label in the task file"
        )


def within(
    terms: Terms, cost: Mapping[str, Any], by_people: int, by_llm: float, unknown: bool
) -> Terms:
    """Return the terms with what the task's budgets of dollars and labels still allow.

    `by_people` answers were given already; `by_llm` dollars were paid for language models, and more
    where a part of their cost is `unknown`.
    """
    dollars, labels = costs.budget(cost), costs.labels(cost)
    if terms.budget is None and dollars is not None:
        spent = by_llm + by_people * (terms.label_price or 0.0)
        more = ", and what language models cost at a price that is not known" if unknown else ""
        console.note(f"[cost] budget: ${spent:,.2f} of ${dollars:,.2f} are spent{more}")
        terms = terms._replace(budget=max(0.0, dollars - spent))
    if terms.labels is None and labels is not None:
        console.note(f"[cost] labels: people have given {by_people:,} of {labels:,}")
        terms = terms._replace(labels=max(0, labels - by_people))
    return terms


def llm_accuracy(said: Said) -> float | None:
    """Return how often the language model is right where people labelled, audit rows aside.

    None where people labelled fewer than FEWEST_TO_TRUST rows that it looked at.
    """
    voter = next((source.undoubted for source in said.sources if source.name == "llm"), None)
    if voter is None:
        return None
    both = (said.people >= 0) & ~said.excluded & (voter.codes >= 0)
    if both.sum() < FEWEST_TO_TRUST:
        return None
    right = int((voter.codes == said.people)[both].sum())
    return (right + 1) / (int(both.sum()) + 2)


def routed(said: Said, machine: Decision, final: Decision, among: Mask, terms: Terms) -> Routed:
    """Return where the rows `among` go.

    Audit rows go to the language model as if no person had spoken: they judge what it says.
    """
    chance = 1 / max(len(said.classes), 1)
    sure = np.nan_to_num(final.confidence, nan=chance)
    sure = np.where(final.codes >= 0, np.clip(sure, 0, 1), chance)
    free = among & (said.people < 0)
    looked = np.zeros(len(sure), dtype=bool)
    for source in said.sources:
        looked |= source.looked & (source.name == "llm")
    accuracy = llm_accuracy(said)
    steps = _steps(sure, free, free & ~looked, accuracy, terms)
    total = max(int(among.sum()), 1)
    errors = float((1 - sure)[free].sum())
    wanted = errors - (1 - terms.target) * total
    taken = steps.taken(wanted, terms.budget, terms.labels)
    to = np.where(among, DONE, "").astype(object)
    to[steps.rows[taken & ~steps.by_people]] = TO_LLM
    to[steps.rows[taken & steps.by_people]] = TO_PEOPLE
    below = float(sure[to == TO_LLM].max(initial=0.0))
    unjudged = among & said.audit & (said.people >= 0) & ~looked
    alone = np.nan_to_num(machine.confidence, nan=chance)
    to[unjudged & (alone <= below)] = TO_LLM
    enough = steps.taken(wanted, None, None)
    return Routed(
        to=to,
        now=1 - errors / total,
        then=1 - (errors - float(steps.gain[taken].sum())) / total,
        llm=_spent((to == TO_LLM) & free, sure, accuracy or 0.0, total, terms.row_price),
        people=_spent(to == TO_PEOPLE, sure, 1.0, total, terms.label_price),
        llm_accuracy=accuracy,
        enough=_sum(steps, enough, terms),
        has_llm=any(source.name == "llm" for source in said.sources),
    )


class _Steps(NamedTuple):
    """What can be done about rows, the best for its price first; a second step of a row replaces.

    `price` is what a step costs more than the step of the same row before it.
    """

    rows: npt.NDArray[np.int64]
    gain: Floats
    price: Floats
    by_people: Mask

    def taken(self, wanted: float, budget: float | None, labels: int | None) -> Mask:
        """Return the steps that bring the gain wanted, or as much of it as may be spent."""
        use = np.ones(len(self.rows), dtype=bool)
        if labels is not None:
            use &= ~self.by_people | (np.cumsum(self.by_people) <= labels)
        gain = np.where(use, self.gain, 0.0)
        use &= np.cumsum(gain) - gain < wanted - _TINY
        if budget is not None:
            use &= np.cumsum(np.where(use, self.price, 0.0)) <= budget + _TINY
        return use


def _steps(
    sure: Floats, free: Mask, open_to_llm: Mask, accuracy: float | None, terms: Terms
) -> _Steps:
    # Without prices a person's label counts as 1, the language model as nothing beside it.
    person = 1.0 if terms.label_price is None else max(terms.label_price, _TINY)
    model = 0.0 if terms.row_price is None else terms.row_price
    all_rows = np.flatnonzero(free)
    gain = np.where(open_to_llm, (accuracy or 0.0) - sure, 0.0)[all_rows]
    errs = (1 - sure)[all_rows]
    first = (gain > _TINY) & (gain * person >= errs * model)
    asked = all_rows[first]
    rows = np.concatenate([asked, all_rows])
    gains = np.concatenate([gain[first], np.where(first, errs - gain, errs)])
    prices = np.concatenate([np.full(len(asked), model), np.where(first, person - model, person)])
    by_people = np.arange(len(rows)) >= len(asked)
    value = gains / np.maximum(prices, _TINY)
    order = np.lexsort((rows, sure[rows], -value))
    return _Steps(rows[order], gains[order], prices[order], by_people[order])


def _spent(here: Mask, sure: Floats, accuracy: float, total: int, price: float | None) -> Spent:
    n = int(here.sum())
    if not n:
        return Spent(0, 0.0, 0.0, 0.0)
    points = 100 * float((accuracy - sure[here]).sum()) / total
    return Spent(n, float(sure[here].max()), points, None if price is None else n * price)


def _sum(steps: _Steps, taken: Mask, terms: Terms) -> Needs:
    people = int(steps.by_people[taken].sum())
    llm = len(set(steps.rows[taken].tolist())) - people
    if terms.label_price is None:
        return Needs(llm, people, None)
    return Needs(llm, people, people * terms.label_price + llm * (terms.row_price or 0.0))


def plain(found: Routed, terms: Terms) -> dict[str, Any]:
    """Return the figures for the summary."""
    return {
        "target": terms.target,
        "expected_now": round(found.now, 6),
        "expected": round(found.then, 6),
        "short_by": round(max(0.0, terms.target - found.then), 6),
        "llm": found.llm._asdict(),
        "people": found.people._asdict(),
        "llm_accuracy": found.llm_accuracy,
        "for_the_target": found.enough._asdict(),
    }


def lines(found: Routed, terms: Terms, calibrated: bool) -> list[str]:
    """Return what is said to people."""
    done = int((found.to == DONE).sum())
    said = [
        f"{found.now:.3f} of the labels are expected to be right, {terms.target:g} are wanted"
        + ("" if calibrated else " (confidences are not calibrated: fewer than 50 rows of people)")
    ]
    short = terms.target - found.then
    rest = "stay as they are" if short > _SHORT else "are done"
    parts = [
        _part("the LLM", found.llm),
        _part("people", found.people),
        f"{console.count(done, 'rows')} {rest}",
    ]
    said.append(" · ".join(part for part in parts if part))
    if found.has_llm and found.llm_accuracy is None and found.people.rows:
        said.append(
            "nothing is sent to an LLM: people have labelled too few rows that it labelled too "
            f'(labelkit llm-label --where "label is not empty" tells how good it is; '
            f"{FEWEST_TO_TRUST} such rows are needed)"
        )
    if short > _SHORT:
        needs = found.enough
        price = "" if needs.dollars is None else f", ${needs.dollars:,.2f}"
        said.append(
            f"that is {100 * short:.1f} points short of the target: it takes {needs.people:,} "
            f"labels by people and {console.count(needs.llm, 'rows')} by the LLM{price}"
        )
    return said


def _part(who: str, spent: Spent) -> str:
    if not spent.rows:
        return ""
    price = "" if spent.dollars is None else f"${spent.dollars:,.2f} "
    return (
        f"to {who}: the {console.count(spent.rows, 'rows')} up to {spent.below:.2f}, {price}"
        f"{'buys' if price else 'for'} {spent.points:+.1f} points"
    )
