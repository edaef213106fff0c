"""The policy combine: voters and decide's own model brought to one label."""

from collections.abc import Callable

import numpy as np

from labelkit.combine import opinion_pool, own_model
from labelkit.combine import policy as rule
from labelkit.combine.opinion_pool import Codes
from labelkit.combine.policy import Decision, Machine
from labelkit.combine.sources import MODEL, Said, Source
from labelkit.data.labels import Mask

# Learns from what is decided on these rows; None where that is too little.
Learn = Callable[[Decision, Mask], Source | None]


def teaching(said: Said) -> Mask:
    """Return the rows that may teach: audit rows judge, a label that is doubted teaches wrongly."""
    return np.asarray(~said.excluded & ~said.flagged)


def enough_to_learn(said: Said) -> bool:
    """Tell whether people labelled enough rows to weigh voters by."""
    learning = teaching(said) & (said.people >= 0)
    return int(learning.sum()) >= opinion_pool.FEWEST_TO_LEARN


def combined(said: Said, groups: Codes | None, learn: Learn | None) -> Machine:
    """Return the voters weighed by people's rows; a model of `learn` votes and fills the gaps.

    Where find-noise holds the label for wrong that comes of it, what it suggests counts.
    """
    machine = _weighed(said, groups, learn)
    return machine._replace(decision=rule.cleaned(machine.decision, said.doubts))


def _weighed(said: Said, groups: Codes | None, learn: Learn | None) -> Machine:
    # Models in the file learned from nobody knows which rows: none of them tells their worth.
    voting = [source for source in said.sources if source.name != MODEL]
    filling = [source for source in said.sources if source.name == MODEL]
    usable = teaching(said)
    learning = usable & (said.people >= 0)
    machine = rule.combined(said, learning, groups, voting, filling)
    votes = bool(voting) and enough_to_learn(said)
    if learn is None or not (votes or (machine.decision.codes < 0).any()):
        return machine
    decided = rule.with_people(said.people, machine.decision)
    # The people of an audit are not there for a model: the row is filled as if they were silent.
    unaudited = decided._replace(codes=np.where(said.audit, machine.decision.codes, decided.codes))
    own = learn(unaudited, usable)
    if own is None:
        return machine
    if votes:
        # What find-noise doubts without a suggestion has hardly taught the model: its vote is the
        # doubt, once.
        voting = [source._replace(voter=source.undoubted) for source in voting]
        voting.append(own_model.beside(own, voting))
    return rule.combined(said, learning, groups, voting, [*filling, own])
