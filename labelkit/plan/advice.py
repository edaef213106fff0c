"""Which techniques to use: the end of the decision tree, with labels to judge by or without."""

from collections.abc import Mapping

from labelkit.plan import mixes
from labelkit.plan.choice import Choice
from labelkit.plan.language_models import Model
from labelkit.plan.seen import Seen
from labelkit.plan.trials import LLM, WEAK, Mix

_GOOD, _FAIR = 0.9, 0.7  # of the audit rows that a language model has right
_RULES_WORTH = 0.3  # rules that vote on fewer rows are no technique yet
_MANY_ROWS = 2000  # rules are worth writing for so many rows
_USUAL = 400  # labels by people where no budget says how many


def techniques(seen: Seen, choice: Choice) -> tuple[str, str]:
    """Return the techniques to use, and why."""
    if seen.all_labelled:
        return "find-noise", "each row has a label: what is left is to find those that are wrong"
    if not seen.found.counts:
        return _without_measure(seen)
    models = [name for name in _affordable(seen) if name in _names(seen.to_try)]
    if choice.best is None:
        if models:
            return (
                f"first the pilot of {models[0]}",
                f"{choice.words}; {_after_pilot(seen, models)}",
            )
        return "none of those that were tried", choice.words
    if not models:
        return choice.best.mix, choice.words
    otherwise = f"{choice.best.mix}{_dollars(choice.best.dollars)}"
    return (
        f"first the pilot of {models[0]}; without it {choice.best.mix}",
        f"{choice.words}; {_after_pilot(seen, models, otherwise)}",
    )


def _names(models: Mapping[str, Model]) -> list[str]:
    return [model.name for model in models.values()]


def _dollars(dollars: float | None) -> str:
    return "" if dollars is None else f" (${dollars:,.2f})"


def _after_pilot(seen: Seen, models: list[str], otherwise: str = "") -> str:
    """Return what is likely to be done when the pilot has told how good language models are."""
    name = models[0]
    dollars = next((m.dollars for m in seen.facts.models.values() if m.name == name), None)
    cost = _dollars(dollars) or " (price not known)"
    otherwise = otherwise or f"{_by_people(seen, 0.0)} without it"
    others = models[1:]
    instead = f"; {' or '.join(others)} instead only if the pilot finds it right more often"
    return (
        f"if {name} is right on {_GOOD:.0%} of the audit rows or more: all rows by {name}{cost}; "
        f"from {_FAIR:.0%} on: {name} and {_by_people(seen, dollars or 0.0)}, the rows that are in "
        f"doubt; below: {otherwise}{instead if others else ''}"
    )


def _without_measure(seen: Seen) -> tuple[str, str]:
    """Return what fits by rows, prices and rules alone, no accuracy being known."""
    price, rows, limits = seen.facts.price, seen.facts.rows, seen.limits
    hand = price.dollars_of(rows, None if price.seconds is None else price.seconds * rows)
    set_up = sum(price.setup.get(name, 0.0) for name in ("weak-label", "llm-label")) * 60
    if _allows(seen, hand, rows) and (
        rows <= 2 * max(seen.facts.audit, 1) or (price.seconds and rows * price.seconds <= set_up)
    ):
        cost = "" if hand is None else f": ${hand:,.2f}"
        return "all by hand", f"{rows:,} rows are fewer than what setting up is worth{cost}"
    rules = _rules(seen)
    models = _affordable(seen)
    by_people = _by_people(seen, 0.0)
    if not models:
        parts = [*(["rules"] if rules == "yes" else []), by_people]
        why = _why_no_model(seen)
        if rules == "write":
            why += f"; for {rows:,} rows rules are worth an hour too (weak-label)"
        return " + ".join(parts), why
    dollars = next((m.dollars for m in seen.facts.models.values() if m.name == models[0]), None)
    parts = [*(["rules"] if rules == "yes" else []), f"{models[0]} for all rows", "audit by people"]
    if not limits.dollars or hand is None or hand > (dollars or 0.0):
        parts.append("people for the rows in doubt")
    return " + ".join(parts), _after_pilot(seen, models)


def _rules(seen: Seen) -> str:
    """Return `yes` where rules cover enough, `write` where they are worth writing, else nothing."""
    covered = seen.found.covered
    if covered is not None:
        return "yes" if covered >= _RULES_WORTH else ""
    return "write" if seen.facts.rows >= _MANY_ROWS and seen.job.has_text() else ""


def _allows(seen: Seen, dollars: float | None, labels: int) -> bool:
    line = mixes.Line("", None, labels, 0.0, dollars, None, None)
    return seen.limits.allow(line)


def _affordable(seen: Seen) -> list[str]:
    """Return the language models within the budget, the cheapest first; unknown prices last."""
    budget = seen.limits.dollars
    if not seen.job.has_text():
        return []

    def price(model: Model) -> tuple[bool, float]:
        return model.dollars is None, model.dollars or 0.0

    found = [m for m in seen.facts.models.values() if m.name]
    found = [m for m in found if m.dollars is None or budget is None or m.dollars <= budget]
    return [model.name for model in sorted(found, key=price)]


def _why_no_model(seen: Seen) -> str:
    named = [m for m in seen.facts.models.values() if m.name and m.dollars is not None]
    if named and seen.limits.dollars is not None:
        model = min(named, key=lambda m: m.dollars or 0.0)
        return (
            f"{model.name} for all rows costs ${model.dollars:,.2f}, more than the budget of "
            f"${seen.limits.dollars:,.2f}"
        )
    if not seen.job.has_text():
        return "no text that a language model could read"
    return (
        "a model that learns from people's labels fits any data; name a language model (--model "
        "NAME --price IN,OUT) to compare it"
    )


def _by_people(seen: Seen, spent: float) -> str:
    """Return how many labels by people are left to give, with a model that learns from them."""
    price, limits = seen.facts.price.label, seen.limits
    most = [seen.facts.rows]
    most += [limits.labels] if limits.labels is not None else []
    if limits.dollars is not None and price:
        most.append(int(max(limits.dollars - spent, 0.0) / price))
    n = min(most) if len(most) > 1 else min(most[0], _USUAL)
    up_to = "up to " if len(most) > 1 else ""
    return f"{up_to}{n:,} labels by people + model"


def techniques_of(mix: Mix) -> list[str]:
    """Return the techniques of a mix by their commands' names."""
    named = {WEAK: "weak-label", LLM: "llm-label"}
    found = [named[voter] for voter in mix.voters]
    return [*found, *(["query"] if mix.people else []), *(["find-noise"] if mix.noise else [])]
