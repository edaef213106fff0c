"""How new rows differ from old ones: in what they hold, in their classes, in how sources agree."""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from labelkit import console
from labelkit.data.labels import Mask, Texts, read_labels
from labelkit.io.table import Table
from labelkit.stats.metrics import Figure, change
from labelkit.update.content import Content, line_of

_NO_LABEL = "(no label)"
_SOURCES = ("weak_label", "llm_label", "model_label")


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
        return [line_of(self.content), self._shares_line()]

    def _shares_line(self) -> str:
        parts = [_share_part("classes", self.largest_class)]
        if self.agreement is not None:
            parts.append(_share_part("agreement of sources", self.agreement))
        return f"drift of {'; '.join(parts)}"

    def plain(self) -> dict[str, Any]:
        """Return it for the summary."""
        shares = {"classes": self.largest_class, "agreement": self.agreement}
        found = {name: None if share is None else share.plain() for name, share in shares.items()}
        return {"content": None if self.content is None else self.content.plain(), **found}


def _share_part(what: str, share: Share | None) -> str:
    if share is None:
        return f"{what}: no labels to compare"
    return f"{what}: {'' if share.differs else 'none found, largest change '}{share}"


def measure(content: Content | None, labelled: Table, is_new: Mask) -> Drift:
    """Return how the new rows of a labelled file differ from the others."""
    return Drift(content, _largest_class(labelled, is_new), _agreement(labelled, is_new))


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
