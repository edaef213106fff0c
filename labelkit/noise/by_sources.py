"""Labels of machines, judged by all sources of the file and a model that learned from the labels.

A model that learns from labels which a model has made foretells these well, wrong ones too, so the
labels alone tell hardly any error. People's rows do (audit rows aside): they tell how much each
source counts, and how much what a model of the rows says that learned from the combined labels,
each row judged without its own. A label is flagged where they all together say another class, and
none is where, on people's rows, the model corrects the sources no more often than it misleads them.

Measured by benchmarks/cleaning.py; without people's rows the views judge, as they do any label.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labelkit import console
from labelkit.combine import opinion_pool, own_model, policy
from labelkit.combine import sources as label_sources
from labelkit.combine.opinion_pool import Codes, Floats, Pool
from labelkit.combine.policy import Decision
from labelkit.combine.sources import MODEL, PEOPLE, Said, Source
from labelkit.data.labels import Mask, Texts
from labelkit.errors import LabelkitError
from labelkit.noise.label_quality import LabelEvidence, LabelQuality

if TYPE_CHECKING:
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job


# How much likelier another class must be, for a flag. Chosen on 21 pipelines of CHOSEN_ON: with .1
# and the confidence of the label 46 labels are flagged, .73 of them wrong; with neither 73, .68.
LEAD = 0.1
_EVEN = 0.5


class Sources(NamedTuple):
    """The sources of a file: who says what, those that vote, people's rows to learn from, groups.

    `machine` are the labels that the sources together give, people aside, '' for none, `sure` how
    sure they are.
    """

    said: Said
    voting: list[Source]
    learning: Mask
    groups: Codes
    machine: Texts
    sure: Floats


class Together(NamedTuple):
    """What sources and a model of the rows say together: P(class), rows x classes of `Sources`.

    `corrected` are people's rows on which they are right and the sources alone wrong, `spoiled`
    the other way round, both by weights that did not see the row.
    """

    shares: Floats
    corrected: int
    spoiled: int

    @property
    def is_ahead(self) -> bool:
        """Tell whether the model corrects more than it spoils, by more than the standard error.

        Chosen on 33 pipelines of CHOSEN_ON, seeds 0 and 1: two standard errors cost half of what
        cleaning gains, none at all lets a single row decide.
        """
        return self.corrected - self.spoiled > math.sqrt(self.corrected + self.spoiled)


def by_machine(job: "Job", labels: "Labels") -> Mask:
    """Return the rows whose label a machine gave: no person's, and in one of our columns."""
    ours = [name for name in job.machine_columns if name != PEOPLE]
    people = job.labels([PEOPLE] if job.source.has(PEOPLE) else [])
    spoke = (people.codes >= 0) & ~people.audit
    return np.asarray(np.isin(labels.column.astype(str), ours) & (labels.codes >= 0) & ~spoke)


def read(job: "Job", judged: Mask) -> Sources | None:
    """Return the sources, None where people labelled too few rows to weigh them by."""
    columns = label_sources.usual_columns(job)
    if not (judged.any() and columns and job.content_columns()):
        return None
    try:
        said = label_sources.read(job, columns=columns)
    except LabelkitError as error:
        console.warn(f"the sources of the labels are not read: {error}")
        return None
    # An earlier run of find-noise is no evidence for this one.
    voting = [s._replace(voter=s.undoubted) for s in said.sources if s.name != MODEL]
    learning = ~said.excluded & (said.people >= 0)
    if not voting or learning.sum() < opinion_pool.FEWEST_TO_LEARN:
        return None
    groups = job.groups(job.content_columns())
    combined = policy.combined(said, learning, groups, voting, []).decision
    machine = np.array([*said.classes, ""], dtype=object)[combined.codes]
    return Sources(said, voting, learning, groups, machine, combined.confidence)


def together(job: "Job", sources: Sources, labels: "Labels") -> Together | None:
    """Return what is said of each row without its own label; None where labels are too few."""
    said, k = sources.said, len(sources.said.classes)
    place = {name: code for code, name in enumerate(said.classes)}
    codes = np.array([place.get(text, -1) for text in labels.values])
    codes = np.where(sources.learning, said.people, np.where(labels.codes >= 0, codes, -1))
    sure = np.where(sources.learning, 1.0, _confidence(job, labels))
    decided = Decision(codes, sure, np.full(job.rows, "", dtype=object))
    inputs = _Inputs(job)
    own = own_model.reader(inputs, decided, ~said.excluded, sources.groups, k)
    if own is None or own.voter.shares is None:
        return None
    voters = [s.voter for s in [*sources.voting, own_model.beside(own, sources.voting)]]
    truth = np.where(sources.learning, said.people, -1)
    pool = opinion_pool.learn(voters, truth, k, sources.groups, is_checked=True)
    alone = opinion_pool.learn(voters[:-1], truth, k, sources.groups, is_checked=True)
    heard = np.any([voter.codes >= 0 for voter in voters[:-1]], axis=0)
    found = opinion_pool.pooled(voters, pool, k)
    found[~heard] = own.voter.shares[~heard]
    corrected, spoiled = _compared(pool, alone, truth[heard & (truth >= 0)])
    return Together(found, corrected, spoiled)


def _compared(pool: Pool, other: Pool, truth: Codes) -> tuple[int, int]:
    """Return on how many rows that people labelled the pool alone is right, and the other alone."""
    if pool.unseen is None or other.unseen is None:
        return 0, 0
    right, others = (each.argmax(axis=1) == truth for each in (pool.unseen, other.unseen))
    return int((right & ~others).sum()), int((others & ~right).sum())


class _Inputs(own_model.Inputs):
    """The file's features; columns that repeat the labels were warned of before."""

    def warn_of_leakage(self, rows: Codes, codes: Codes) -> None:
        """Warn of nothing."""


def _confidence(job: "Job", labels: "Labels") -> Floats:
    """Return how sure each label is by the column beside it, NaN where none says so."""
    found = np.full(job.rows, np.nan)
    column = labels.column.astype(str)
    for name in np.unique(column):
        beside = f"{name.removesuffix('_label')}_confidence"
        if name.endswith("_label") and job.source.has(beside):
            found = np.where(column == name, label_sources.numbers(job, beside), found)
    return found


def stated(job: "Job", sources: Sources, labels: "Labels") -> Floats:
    """Return how sure each label is by its own source; on audit rows by all sources, unasked."""
    sure = np.where(sources.said.audit, sources.sure, _confidence(job, labels))
    return np.nan_to_num(sure, nan=opinion_pool.UNSTATED)


def judge(
    evidence: LabelEvidence,
    views: LabelQuality,
    shares: Floats,
    classes: list[str],
    judged: Mask,
    sure: Floats,
) -> tuple[LabelEvidence, LabelQuality]:
    """Return the evidence and the quality with machine labels judged by these probabilities.

    `views` is the quality by the views alone, `shares` are rows x `classes`, `judged` the rows
    whose label a machine gave, `sure` how sure that label was: what was decided by other models is
    doubted by both together.
    """
    of_class = [classes.index(name) if name in classes else -1 for name in evidence.classes]
    here = np.flatnonzero(judged[evidence.rows])
    padded = np.column_stack([shares[evidence.rows[here]], np.zeros(len(here))])
    own = padded[:, of_class]
    own /= np.maximum(own.sum(axis=1, keepdims=True), 1e-300)
    said = np.full((len(evidence.rows), len(evidence.classes)), np.nan)
    said[here] = own
    quality, flag = views.quality.copy(), views.flag.copy()
    quality[here] = np.clip(own[np.arange(len(here)), evidence.given[here]], 0.0, 1.0)
    together = (quality[here] + sure[evidence.rows[here]]) / 2
    flag[here] = (own.max(axis=1) > quality[here] + LEAD) & (together < _EVEN)
    return evidence._replace(by_sources=said), LabelQuality(quality, flag)
