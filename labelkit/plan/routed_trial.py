"""A pilot of the pipeline with a target accuracy: how much of the file goes to people, to the LLM.

People label a first round; from that labels get their confidence, and the doubtful rows go to the
language model or to people until as many labels as wanted are expected to be right. What this costs
is told by rows that nobody was asked about in the first round, as nearly all of a large file are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from labelkit.data.labels import Mask
from labelkit.errors import LabelkitError
from labelkit.io.table import Table
from labelkit.plan.in_process import opened
from labelkit.plan.trials import FEWEST, LLM, TRIALS, WEAK, Mix, Rows, Trials

_FIRST = 100  # labels by people of the first round, at most
_JUDGED = "label_note == 'judged'"  # the rows that stand for the rest of the file
_ROUTE = "final_route"
_SMALLEST = 0.001  # a share that decide takes as a target


class Aim(NamedTuple):
    """What is wanted, of how many rows, and what decide weighs people and the model by."""

    target: float
    rows: int
    audit: int
    label_price: float | None
    row_price: float | None

    def of_the_rest(self, first: int) -> float:
        """Return the accuracy wanted of the rows that the first round does not ask about."""
        rest = max(self.rows - first - self.audit, 1)
        return max(1 - (1 - self.target) * self.rows / rest, _SMALLEST)


class Sent(NamedTuple):
    """What came out on the `rows` of all trials: how many right, sent to people, to the model.

    `variance` is that of the share right over other first rounds, `least` and `most` are the
    shares sent to people in single trials.
    """

    right: float
    rows: int
    to_people: float
    to_llm: float
    variance: float = 0.0
    least: float = 0.0
    most: float = 1.0


def steered(trials: Trials, voters: Sequence[str], aim: Aim) -> dict[Mix, Sent]:
    """Return what each set of voters does on the way to the target; nothing with too few rows."""
    sizes = [n for n in trials.sizes if 0 < n <= _FIRST and n + aim.audit < aim.rows]
    if not sizes or sum(len(_judged(trials, number)) for number in range(TRIALS)) < FEWEST:
        return {}
    first = Mix((), max(sizes), target=aim.target)
    silent = [first, first._replace(voters=(WEAK,))] if WEAK in voters else [first]
    read = [model for model in trials.answers if LLM in voters and trials.reads_all(model)]
    routed = [m._replace(voters=(*m.voters, LLM), model=model) for model in read for m in silent]
    found = {}
    for mix in [*silent, *routed]:
        tried = [_trial(trials, mix, aim, number) for number in range(TRIALS)]
        sent = [one for one in tried if one is not None]
        if sent:
            found[mix] = _together(sent)
    return found


def _together(trials: Sequence[Sent]) -> Sent:
    right, rows, to_people, to_llm = np.array([trial[:4] for trial in trials], dtype=float).T
    share = right.sum() / rows.sum()
    by_rows = share * (1 - share) / rows.mean()
    spread = (right / rows).var(ddof=1) if len(trials) > 1 else 0.0
    sent = to_people / rows
    return Sent(
        float(right.sum()),
        int(rows.sum()),
        float(to_people.sum()),
        float(to_llm.sum()),
        max(0.0, float(spread - by_rows)),
        float(sent.min()),
        float(sent.max()),
    )


def _judged(trials: Trials, number: int) -> Rows:
    """Return the known rows that a trial's people are not asked about at first."""
    base, pool = trials.known_rows
    return np.setdiff1d(base, trials.part(number)) if base is pool else base


def _trial(trials: Trials, mix: Mix, aim: Aim, number: int) -> Sent | None:
    """Return what the stages of such a pipeline do; None where they cannot decide anything."""
    voters = tuple(v for v in mix.voters if v != LLM)
    silent = mix._replace(voters=voters, target=0.0, model="")
    first, judged = trials.picks(silent, number)[: mix.people], _judged(trials, number)
    people, read = _marked(trials, first), _marked(trials, first)
    to_llm = _marked(trials, first[:0])
    sending = _sending(mix.people, aim)
    try:
        if LLM in mix.voters:
            to_llm = _decided(trials, mix, people, read, judged, sending).texts(_ROUTE) == "llm"
            read |= to_llm
        to_people = _decided(trials, mix, people, read, judged, sending).texts(_ROUTE) == "people"
        people |= to_people
        labels = _decided(trials, mix, people, read, judged, []).texts("final_label")
    except LabelkitError:  # of one class alone nothing is learned
        return None
    right = (labels == trials.truth)[judged] | to_people[judged]
    return Sent(int(right.sum()), len(judged), int(to_people.sum()), int(to_llm.sum()))


def _marked(trials: Trials, rows: Rows) -> Mask:
    return np.isin(np.arange(len(trials.rows)), rows)


def _sending(first: int, aim: Aim) -> list[str]:
    """Return the options of decide that tell where doubtful rows go."""
    prices = {"--price-per-label": aim.label_price, "--price-per-row": aim.row_price}
    words = ["--where", _JUDGED, "--target-accuracy", repr(aim.of_the_rest(first))]
    return words + [w for key, price in prices.items() if price is not None
                    for w in (key, repr(price))]  # fmt: skip


def _decided(
    trials: Trials, mix: Mix, people: Mask, read: Mask, judged: Rows, sending: list[str]
) -> Table:
    """Return what decide writes where these rows are labelled by people, read by the model."""
    data = trials.with_votes(mix, read)
    columns = {
        "label": np.where(people, trials.truth, ""),
        "label_note": np.where(_marked(trials, judged), "judged", ""),
    }
    for name, values in columns.items():
        data = data.append_column(name, pa.array(values.astype(object), pa.string()))
    trial = trials.write("steered", data)
    target = trial.with_stem("steered-decided")
    trials.run("decide", trial, target, ["--no-task", *trials.reading(), *sending])
    return opened(target)
