"""Which label counts: people first, then the other voters, by a policy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.combine import opinion_pool
from labelkit.combine.opinion_pool import Codes, Pool
from labelkit.combine.sources import Doubts, Said, Source
from labelkit.data.labels import Mask, Texts
from labelkit.stats.ties import DECIMALS, likeliest

Floats = npt.NDArray[np.float64]

PEOPLE = "people"
COMBINED = "combined"


class Decision(NamedTuple):
    """A class code a row (-1 none), how sure it is (NaN: nobody looked), and who said it."""

    codes: Codes
    confidence: Floats
    source: Texts


class Machine(NamedTuple):
    """What would be decided without people; `pool` is how voters were weighed, if they were."""

    decision: Decision
    pool: Pool | None
    pooled: list[Source]


def with_people(people: Codes, machine: Decision) -> Decision:
    """Return the decision: people's label where there is one, else the machine's."""
    spoke = people >= 0
    return Decision(
        np.where(spoke, people, machine.codes),
        np.where(spoke, 1.0, machine.confidence),
        np.where(spoke, PEOPLE, machine.source).astype(object),
    )


def cleaned(verdict: Decision, doubts: Doubts | None) -> Decision:
    """Return the verdict with what find-noise suggests where it holds the label for wrong.

    A voter that says another label than the one decided changes nothing: find-noise has judged the
    decided label by all of them.
    """
    if doubts is None:
        return verdict
    wrong = (doubts.given >= 0) & (verdict.codes == doubts.given)
    sure = 1 - np.nan_to_num(doubts.quality, nan=1 - opinion_pool.UNSTATED)
    return Decision(
        np.where(wrong, doubts.suggested, verdict.codes),
        np.where(wrong, sure, verdict.confidence),
        np.where(wrong, COMBINED, verdict.source).astype(object),
    )


def combined(
    said: Said,
    learning: Mask,
    groups: Codes | None,
    voting: Sequence[Source],
    filling: Sequence[Source],
) -> Machine:
    """Return the voters pooled by weights learned from the rows `learning`.

    `filling` label, as sure as they say, the rows on which no voter speaks.
    """
    k, rows = len(said.classes), len(said.people)
    truth = np.where(learning, said.people, -1)
    pool = opinion_pool.learn([source.voter for source in voting], truth, k, groups)
    pooled = _pooled(voting, pool, k, rows)
    filled = _pooled(filling, opinion_pool.own_word(len(filling), k), k, rows)
    verdict = _either(_heard(voting, rows) > 0, pooled, filled)
    return Machine(_looked(verdict, [*voting, *filling]), pool, list(voting))


def in_order(said: Said, order: Sequence[Source], threshold: float) -> Machine:
    """Return the label of the first voter that is as sure as the threshold."""
    if not order:
        return Machine(_nothing(len(said.people)), None, [])
    codes, confidence, place = opinion_pool.first_sure([s.voter for s in order], threshold)
    names = np.array([*(source.name for source in order), ""], dtype=object)
    verdict = Decision(codes, np.where(codes >= 0, confidence, np.nan), names[place])
    return Machine(cleaned(_looked(verdict, said.sources), said.doubts), None, list(order))


def _nothing(rows: int) -> Decision:
    return Decision(np.full(rows, -1), np.full(rows, np.nan), np.full(rows, "", dtype=object))


def _pooled(sources: Sequence[Source], pool: Pool, n_classes: int, rows: int) -> Decision:
    nothing = _nothing(rows)
    if not sources:
        return nothing
    voters = [source.voter for source in sources]
    codes, confidence = _best(voters, pool, n_classes)
    heard = _heard(sources, rows)
    first = np.argmax([voter.codes >= 0 for voter in voters], axis=0)
    names = np.array([source.name for source in sources], dtype=object)[first]
    names[heard > 1] = COMBINED
    spoken = (heard > 0) & (codes >= 0)
    return _either(spoken, Decision(codes, confidence, names), nothing)


def _best(voters: Sequence[opinion_pool.Voter], pool: Pool, n_classes: int) -> tuple[Codes, Floats]:
    """Return the likeliest class and its probability.

    Among equally likely classes the one that most voters name counts; -1 where no one is ahead.
    """
    if n_classes < 2:  # one class leaves nothing to weigh: the first voter's own word
        codes, confidence, _ = opinion_pool.first_sure(voters, 0.0)
        return codes, confidence
    shares = opinion_pool.pooled(voters, pool, n_classes)
    codes, highest = likeliest(shares)
    tied = np.flatnonzero(codes < 0)
    if len(tied):
        highest[tied] = shares[tied].max(axis=1)
        top = shares[tied] >= highest[tied, None] - 10.0**-DECIMALS
        named = sum((voter.codes[tied, None] == np.arange(n_classes)) * 1.0 for voter in voters)
        codes[tied] = likeliest(np.where(top, named, 0.0))[0]
    return codes, highest


def _heard(sources: Sequence[Source], rows: int) -> Codes:
    heard = np.zeros(rows, dtype=np.int32)
    for source in sources:
        heard += source.voter.codes >= 0
    return heard


def _looked(verdict: Decision, sources: Sequence[Source]) -> Decision:
    """Return the verdict with confidence 0 where a voter looked and there is no label."""
    looked = np.zeros(len(verdict.codes), dtype=bool)
    for source in sources:
        looked |= source.looked
    unsaid = looked & (verdict.codes < 0)
    return verdict._replace(confidence=np.where(unsaid, 0.0, verdict.confidence))


def _either(first: Mask, one: Decision, other: Decision) -> Decision:
    """Return `one` where `first` holds, else `other`."""
    return Decision(
        np.where(first, one.codes, other.codes),
        np.where(first, one.confidence, other.confidence),
        np.where(first, one.source, other.source).astype(object),
    )
