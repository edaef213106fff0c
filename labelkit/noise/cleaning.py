"""Cleaning of labels that machines gave: what judges them, and whether that can help at all."""

from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.data.labels import Mask, Texts
from labelkit.errors import listing
from labelkit.noise import by_sources
from labelkit.noise.findings import Findings
from labelkit.noise.label_quality import LabelEvidence, LabelQuality
from labelkit.noise.model.transition_matrix import NoiseModel
from labelkit.stats.blocks import row_blocks

if TYPE_CHECKING:
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job

EVEN = 0.5  # decide takes the suggestion where the label is right with less than that probability
_MOST = 0.5
_SURELY = 2.0  # standard errors by which views must foretell labels better than the commonest one


class Cleaning:
    """The labels of a run that machines gave, and how they are judged.

    `judged` are their rows, `machine` what the sources together say where people's rows weigh
    them: the sources judge then. Without enough of these the views do, as they judge any label;
    where these know nothing of the labels, no label is flagged. Other methods, and single
    models, judge all labels alike: then nothing is judged here (`is_wanted` false).
    """

    def __init__(self, job: "Job", labels: "Labels", is_wanted: bool) -> None:
        self._job, self._words = job, ""
        self.judged: Mask = np.zeros(job.rows, dtype=bool)
        self._sources: by_sources.Sources | None = None
        self._together: by_sources.Together | None = None
        self._is_wanted = is_wanted and not job.options.get("from_proba")
        if self._is_wanted:
            self.judged = by_sources.by_machine(job, labels)
            self._sources = by_sources.read(job, self.judged)

    @property
    def machine(self) -> Texts | None:
        """What the sources together say of each row, people aside; None where that is open."""
        return None if self._sources is None else self._sources.machine

    def judge(
        self, evidence: LabelEvidence, quality: LabelQuality, labels: "Labels"
    ) -> tuple[LabelEvidence, LabelQuality]:
        """Return the evidence and the quality with machines' labels judged for what they are."""
        if not self._is_wanted:
            return evidence, quality
        self.judged = by_sources.by_machine(self._job, labels)  # those of audit rows too
        if self._sources is not None:
            self._together = by_sources.together(self._job, self._sources, labels)
        if self._sources is not None and self._together is not None:
            quality = self._without_people(evidence, quality)
            self._words = _who(self._sources)
            classes, shares = self._sources.said.classes, self._together.shares
            sure = by_sources.stated(self._job, self._sources, labels)
            evidence, quality = by_sources.judge(
                evidence, quality, shares, classes, self.judged, sure
            )
            if not self._together.is_ahead:
                quality = self._unflagged(evidence, quality)
            return evidence, quality
        self._words = "the models of the rows"
        if not _know(evidence):
            self._words += ", which foretell the labels hardly better than the commonest label does"
            quality = self._unflagged(evidence, quality)
        return evidence, quality

    def _unflagged(self, evidence: LabelEvidence, quality: LabelQuality) -> LabelQuality:
        return quality._replace(flag=quality.flag & ~self.judged[evidence.rows])

    def _without_people(self, evidence: LabelEvidence, quality: LabelQuality) -> LabelQuality:
        """Return the quality without flags on human labels, where most labels are machines'.

        The views learned from these, so a human label that they doubt is one that corrects them,
        and the sources are weighed by it.
        """
        of_machine = self.judged[evidence.rows]
        dropped = int((quality.flag & ~of_machine).sum())
        if of_machine.mean() <= _MOST or not dropped:
            return quality
        console.note(
            f"{console.count(dropped, 'human labels', 'are')} doubted only by models that learned "
            f"mostly from machines' labels, and not flagged (--label label judges human labels "
            f"alone)"
        )
        return quality._replace(flag=quality.flag & of_machine)

    def mistakes(self, evidence: LabelEvidence, model: NoiseModel) -> NoiseModel:
        """Return how many labels are mistaken for which, by what judged them."""
        if self._together is None:
            return model
        joint = np.zeros_like(model.joint)
        for part in row_blocks(*evidence.probabilities.shape):
            np.add.at(joint, evidence.given[part], evidence.belief(part))
        return NoiseModel(model.classes, joint)

    def tell(self, found: Findings, among: Mask) -> None:
        """Say what cleaning can change, or that it cannot help here, and fill the summary."""
        rows = self.judged & found.judged & among
        if not rows.any():
            return
        wrong = rows & found.flag & (found.quality < EVEN)
        n = int(wrong.sum())
        expected = float((1 - found.quality[wrong]).mean()) if n else None
        told: dict[str, Any] = {
            "helps": n > 0,
            "judged": int(rows.sum()),
            "likely_wrong": n,
            "expected_precision": expected,
            "by": "sources" if self._together is not None else "models",
        }
        if self._together is not None:
            told |= {"corrected": self._together.corrected, "spoiled": self._together.spoiled}
        self._job.figures({"cleaning": told})
        if not n:
            console.note(f"cleaning cannot help here: {self._why_not()}")
            return
        console.note(
            f"{console.count(n, 'labels', 'are')} more likely wrong than right, as judged by "
            f"{self._words}: {expected:.0%} of these flags are expected to be right, and decide "
            f"takes the suggestion"
        )

    def _why_not(self) -> str:
        if self._together is None or self._together.is_ahead:
            return (
                f"no label of a machine is more likely wrong than right, as judged by {self._words}"
            )
        return (
            f"as judged by {self._words}, that model sets the others right on "
            f"{self._together.corrected:,} of these and misleads them on "
            f"{self._together.spoiled:,}, which is no clear lead"
        )


def _who(sources: by_sources.Sources) -> str:
    names = listing([console.clean(source.column) for source in sources.voting])
    weighed = console.count(int(sources.learning.sum()), "human labels")
    return f"{names} and a model of the rows, weighed by {weighed}"


def _know(evidence: LabelEvidence) -> bool:
    """Tell whether the views foretell labels better than the commonest label does."""
    given = evidence.given
    commonest = np.bincount(given).argmax()
    gain = (evidence.probabilities.argmax(axis=1) == given).astype(float) - (given == commonest)
    return bool(gain.mean() > _SURELY * gain.std() / len(gain) ** 0.5)
