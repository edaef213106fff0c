"""Models in turn: each is asked about the rows of which those before it are unsure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit import console
from labelkit.config.costs import add_up
from labelkit.errors import LabelkitError
from labelkit.llm import inputs
from labelkit.llm.answers import evaluation
from labelkit.llm.answers.evaluation import Known
from labelkit.llm.answers.reply_labels import Labelled
from labelkit.llm.client.failure_limits import nothing_usable
from labelkit.llm.inputs import Rows
from labelkit.llm.options import Wanted
from labelkit.llm.session import Asking, Given, prepare
from labelkit.llm.variants.variant import Variant


@dataclass(frozen=True)
class Result:
    """What the models say of each distinct text, and who said it (a place in `askings`)."""

    askings: list[Asking]
    rows: Rows
    known: Known
    classes: tuple[str, ...]
    found: list[Labelled]
    whose: list[int]

    @property
    def free(self) -> bool:
        """Tell whether no provider was paid."""
        return all(asking.run.settings.free for asking in self.askings)

    @property
    def models(self) -> list[str]:
        """The name of each model, as the column of models gets it."""
        return [asking.run.model_name() for asking in self.askings]

    @property
    def dollars(self) -> float | None:
        """What was spent; None where a part of it has no known price."""
        return add_up([asking.run.meter.spent for asking in self.askings])

    @property
    def notes(self) -> list[str]:
        """What the user should know of each model's part."""
        if len(self.askings) == 1:
            return self.askings[0].run.notes
        return [
            f"{asking.variant.name}: {note}" for asking in self.askings for note in asking.run.notes
        ]

    def shares(self) -> list[dict[str, Any]]:
        """Return of each model the texts that it decides, its requests, tokens and dollars."""
        return [
            {
                "name": asking.variant.name,
                "model": asking.run.model_name(),
                "texts": self.whose.count(place),
                **asking.counts(),
            }
            for place, asking in enumerate(self.askings)
        ]

    def counts(self) -> dict[str, Any]:
        """Return requests, tokens and dollars of all models together (None: not known).

        `ledger_dollars` is what all runs of the task about this data file have cost so far, by the
        ledger of that name.
        """
        each = [asking.counts() for asking in self.askings]
        names = dict.fromkeys(name for one in each for name in one)
        together = {name: add_up([one.get(name, 0) for one in each]) for name in names}
        run = self.askings[0].run
        ledger, spent = run.cache.bill(run.entry)
        dollars = None if spent.total is None else round(spent.total, 9)
        return {
            **together,
            "ledger": ledger,
            "ledger_dollars": dollars,
            "ledger_tokens": spent.tokens,
        }


def label(given: Given, first: Asking, others: Sequence[Variant], wanted: Wanted) -> Result:
    """Return the first model's answers, or what the others say where it is unsure."""
    asked = first.label(given)
    whose = [0] * len(asked)
    result = Result([first], first.rows, first.known, given.classes, asked, whose)
    for variant in others:
        result = _next(given, result, variant, wanted)
    given.all_asked()
    return result


def refuse_nothing(result: Result) -> None:
    """Raise LabelkitError where no row has a label: every request failed, or no answer is of use.

    A single answer that cannot be used is data.
    """
    found = result.found
    if not found or any(item.label for item in found):
        return
    why, outcomes = found[0].error, Counter[str]()
    for asking in result.askings:
        outcomes.update(asking.run.asker.outcomes if asking.run.asker is not None else {})
    answers = outcomes["unusable"] + outcomes["cut"]
    if not answers:
        raise LabelkitError(f"no row was labelled: all requests failed; the first: {why}")
    if len(found) > 1:
        room, cut = result.askings[0].run.settings.room, outcomes["cut"]
        raise nothing_usable(answers, cut, result.dollars, why, room)


def _next(given: Given, before: Result, variant: Variant, wanted: Wanted) -> Result:
    unsure = _unsure(before, wanted)
    rows = before.rows
    mask = np.zeros(len(rows.places), dtype=np.bool_)
    looked = rows.places >= 0
    mask[looked] = unsure[rows.places[looked]]
    asking = prepare(given, variant, mask)
    answers = asking.label(given)
    both, first, second = _together(rows, asking.rows)
    found, whose = [], []
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        better = answers[other] if other >= 0 else None
        taken = better is not None and (better.label or not before.found[one].label)
        found.append(better if better is not None and taken else before.found[one])
        whose.append(len(before.askings) if taken else before.whose[one])
    known = inputs.known(given.job, given.people, both, given.classes)
    return Result([*before.askings, asking], both, known, before.classes, found, whose)


def _unsure(before: Result, wanted: Wanted) -> NDArray[np.bool_]:
    """Tell of each text whether the next model is asked; --unsure auto learns the cut on known."""
    least = evaluation.confidence_of(wanted.unsure, "--unsure")
    if least is None:
        name = before.askings[-1].variant.name
        try:
            cut = evaluation.cut(
                before.found, before.known, before.classes, "auto", wanted.cut_target
            )
        except LabelkitError:
            before.askings[-1].run.notes.append(
                f"nothing of {name} is known to be right in {wanted.cut_target:g}: "
                "the next model is asked about all"
            )
            return np.ones(len(before.found), dtype=np.bool_)
        before.askings[-1].run.notes.append(
            f"labels stand from a confidence of {cut.confidence:.3f} on, where {cut.right:,} of "
            f"{console.count(cut.rows, 'known rows', 'are')} right"
        )
        least = cut.confidence
    sure = np.array([(a.confidence or 0.0) if a.label else -1.0 for a in before.found])
    return np.asarray(sure < least)


def _together(rows: Rows, more: Rows) -> tuple[Rows, NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct pairs of texts that two models saw, and the place of each in either.

    What looks alike to one may be told apart by the other, whose prompt shows other columns.
    """
    pairs = np.column_stack([rows.places, more.places])
    looked = rows.places >= 0
    # In the order of their first rows, as texts are.
    distinct, first, inverse = np.unique(
        pairs[looked], axis=0, return_index=True, return_inverse=True
    )
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    places = np.full(len(rows.places), -1, dtype=np.int64)
    places[looked] = rank[inverse.ravel()]
    one, other = distinct[order, 0], distinct[order, 1]
    texts = [
        rows.texts[a] if b < 0 else f"{rows.texts[a]}\n{more.texts[b]}"
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    ]
    return Rows(texts, places, rows.empty), one, other
