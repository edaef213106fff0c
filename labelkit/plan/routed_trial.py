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
from labelkit.plan.trials import FEWEST, LLM, TRIALS, WEAK, Mix, Pilot, Rows, opened

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


def steered(pilot: Pilot, voters: Sequence[str], aim: Aim) -> dict[Mix, Sent]:
    """Return what each set of voters does on the way to the target; nothing with too few rows."""
    sizes = [n for n in pilot.sizes if 0 < n <= _FIRST and n + aim.audit < aim.rows]
    if not sizes or sum(len(_judged(pilot, number)) for number in range(TRIALS)) < FEWEST:
        return {}
    kinds: list[tuple[str, ...]] = [(), (WEAK,)] if WEAK in voters else [()]
    if LLM in voters and pilot.reads_all():
        kinds += [(*kind, LLM) for kind in kinds]
    found = {}
    for kind in kinds:
        mix = Mix(kind, max(sizes), target=aim.target)
        trials = [_trial(pilot, mix, aim, number) for number in range(TRIALS)]
        told = [trial for trial in trials if trial is not None]
        if told:
            found[mix] = _together(told)
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


def _judged(pilot: Pilot, number: int) -> Rows:
    """Return the known rows that a trial's people are not asked about at first."""
    base, pool = pilot.known_rows
    return np.setdiff1d(base, pilot.part(number)) if base is pool else base


def _trial(pilot: Pilot, mix: Mix, aim: Aim, number: int) -> Sent | None:
    """Return what the stages of such a pipeline do; None where they cannot decide anything."""
    silent = mix._replace(voters=tuple(v for v in mix.voters if v != LLM), target=0.0)
    first, judged = pilot.picks(silent, number)[: mix.people], _judged(pilot, number)
    people, read = _marked(pilot, first), _marked(pilot, first)
    to_llm = _marked(pilot, first[:0])
    sending = _sending(mix.people, aim)
    try:
        if LLM in mix.voters:
            to_llm = _decided(pilot, mix, people, read, judged, sending).texts(_ROUTE) == "llm"
            read |= to_llm
        to_people = _decided(pilot, mix, people, read, judged, sending).texts(_ROUTE) == "people"
        people |= to_people
        labels = _decided(pilot, mix, people, read, judged, []).texts("final_label")
    except LabelkitError:  # of one class alone nothing is learned
        return None
    right = (labels == pilot.truth)[judged] | to_people[judged]
    return Sent(int(right.sum()), len(judged), int(to_people.sum()), int(to_llm.sum()))


def _marked(pilot: Pilot, rows: Rows) -> Mask:
    return np.isin(np.arange(len(pilot.rows)), rows)


def _sending(first: int, aim: Aim) -> list[str]:
    """Return the options of decide that tell where doubtful rows go."""
    prices = {"--price-per-label": aim.label_price, "--price-per-row": aim.row_price}
    words = ["--where", _JUDGED, "--target-accuracy", repr(aim.of_the_rest(first))]
    return words + [w for key, price in prices.items() if price is not None
                    for w in (key, repr(price))]  # fmt: skip


def _decided(
    pilot: Pilot, mix: Mix, people: Mask, read: Mask, judged: Rows, sending: list[str]
) -> Table:
    """Return what decide writes where these rows are labelled by people, read by the model."""
    data = pilot.with_votes(mix, read)
    columns = {
        "label": np.where(people, pilot.truth, ""),
        "label_note": np.where(_marked(pilot, judged), "judged", ""),
    }
    for name, values in columns.items():
        data = data.append_column(name, pa.array(values.astype(object), pa.string()))
    trial = pilot.write("steered", data)
    target = trial.with_stem("steered-decided")
    pilot.run("decide", trial, target, ["--no-task", *pilot.reading(), *sending])
    return opened(target)
