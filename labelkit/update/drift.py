"""How new rows differ from old ones: in what they hold, in their classes, in how sources agree."""

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.data.labels import Mask, Texts, read_labels
from labelkit.io.column_types import apply_kinds
from labelkit.io.table import Table
from labelkit.ml import classifier
from labelkit.ml.features import Features
from labelkit.stats.metrics import Figure, change
from labelkit.stats.sampling import some_rows

if TYPE_CHECKING:
    from labelkit.job.job import Job

_MOST_ROWS = 2_000  # of the old rows, and of the new ones, that a model tells apart
_FEWEST_ROWS = 20
_FOLDS = 5
_ERRORS = 3.0  # standard errors that chance may reach
_NO_LABEL = "(no label)"
_SOURCES = ("weak_label", "llm_label", "model_label")


class Content(NamedTuple):
    """How well a model tells new rows from old ones: 0.5 is not at all, `chance` is by luck."""

    auc: float
    chance: float
    old: int
    new: int

    @property
    def differs(self) -> bool:
        """Whether it is more than luck."""
        return self.auc > self.chance


class Share(NamedTuple):
    """A share of the old rows against that of the new ones: of a class, or where sources agree."""

    name: str
    old: float
    new: float
    change: Figure

    @property
    def differs(self) -> bool:
        """Whether it is more than chance."""
        return not self.change.low <= 0 <= self.change.high

    def __str__(self) -> str:
        value, low, high = (f"{100 * x:+.0f}" for x in self.change)
        return (
            f"{console.clean(self.name)} {self.old:.0%} -> {self.new:.0%} "
            f"({value} points, 95% CI {low} to {high})"
        )

    def plain(self) -> dict[str, Any]:
        """Return it for the summary."""
        return {
            "name": self.name, "old": self.old, "new": self.new,
            "change": self.change._asdict(), "differs": self.differs,
        }  # fmt: skip


class Drift(NamedTuple):
    """What has changed; None where too few rows can tell."""

    content: Content | None
    largest_class: Share | None
    agreement: Share | None

    def lines(self) -> list[str]:
        """Return it as two lines for people."""
        return [_content_line(self.content), self._shares_line()]

    def _shares_line(self) -> str:
        parts = [_share_part("classes", self.largest_class)]
        if self.agreement is not None:
            parts.append(_share_part("agreement of sources", self.agreement))
        return f"drift of {'; '.join(parts)}"

    def plain(self) -> dict[str, Any]:
        """Return it for the summary."""
        content = self.content
        shares = {"classes": self.largest_class, "agreement": self.agreement}
        found = {name: None if share is None else share.plain() for name, share in shares.items()}
        about = None if content is None else {**content._asdict(), "differs": content.differs}
        return {"content": about, **found}


def _content_line(content: Content | None) -> str:
    if content is None:
        return f"drift of content: fewer than {_FEWEST_ROWS} old or new rows cannot tell"
    shown = f"a model tells them apart with AUC {content.auc:.2f}, chance reaches "
    shown += f"{content.chance:.2f}"
    differs = "new rows differ from the old ones" if content.differs else "none found"
    return f"drift of content: {differs} ({shown})"


def _share_part(what: str, share: Share | None) -> str:
    if share is None:
        return f"{what}: no labels to compare"
    return f"{what}: {'' if share.differs else 'none found, largest change '}{share}"


def measure(job: "Job", labelled: Table, is_new: Mask) -> Drift:
    """Return how the new rows of a labelled file differ from the others.

    `job` has read the same rows.
    """
    return Drift(
        content(job, is_new), _largest_class(labelled, is_new), _agreement(labelled, is_new)
    )


def content(job: "Job", is_new: Mask) -> Content | None:
    """Return how well a cross-validated model tells new rows from old ones, by what they hold.

    Chance is three standard errors of the AUC of equal rows (Mann and Whitney 1947) above 0.5.
    """
    rng = np.random.default_rng([job.seed, 9])
    rows = [some_rows(np.flatnonzero(side), _MOST_ROWS, rng) for side in (~is_new, is_new)]
    n_old, n_new = map(len, rows)
    if min(n_old, n_new) < _FEWEST_ROWS:
        return None
    features = _features(job)
    some = job.source.gather_texts(np.concatenate(rows), features.needed)
    table = apply_kinds(some, features.kinds)
    codes = np.repeat([0, 1], [n_old, n_new])
    matrix = features.fit(table).matrix(table)
    kind = classifier.default_recipe(matrix)
    shares = classifier.out_of_fold(matrix, codes, None, 2, _FOLDS, kind, job.seed)
    spread = ((n_old + n_new + 1) / (12 * n_old * n_new)) ** 0.5
    return Content(_auc(shares[:, 1], codes == 1), 0.5 + _ERRORS * spread, n_old, n_new)


def _features(job: "Job") -> Features:
    if job.has_text():
        return Features(job.text, dict.fromkeys(job.text, "text"), "tfidf", job.seed)
    return job.features()


def _auc(scores: npt.NDArray[Any], positive: Mask) -> float:
    """Return the share of pairs in which the positive row has the higher score; ties are half."""
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))


def _largest_class(source: Table, is_new: Mask) -> Share | None:
    labels = read_labels(source.texts("final_label"), None)
    every = np.ones(len(labels), dtype=bool)
    classes = sorted(set(labels.tolist()))
    return _largest([(name or _NO_LABEL, labels == name, every) for name in classes], is_new)


def _agreement(source: Table, is_new: Mask) -> Share | None:
    """Return where two sources agree, of the pair whose agreement has changed most."""
    names = [name for name in _SOURCES if source.has(name)]
    read = {name: read_labels(cells, None) for name, cells in source.texts_of(names).items()}
    pairs = [
        (f"{first} and {second}", read[first] == read[second], _both(read[first], read[second]))
        for first, second in combinations(names, 2)
    ]
    return _largest(pairs, is_new)


def _both(first: Texts, second: Texts) -> Mask:
    return np.asarray((first != "") & (second != ""), dtype=bool)


def _largest(shares: list[tuple[str, Mask, Mask]], is_new: Mask) -> Share | None:
    """Return the share that has changed most, of those that old and new rows have.

    Each is a name, the rows that count and the rows among which they do.
    """
    found = []
    for name, counts, among in shares:
        (old, n_old), (new, n_new) = (
            (int((counts & among & side).sum()), int((among & side).sum()))
            for side in (~is_new, is_new)
        )
        if n_old and n_new:
            figure = change((old, n_old), (new, n_new), len(shares))
            found.append(Share(name, old / n_old, new / n_new, figure))
    return max(found, key=lambda share: abs(share.change.value), default=None)
