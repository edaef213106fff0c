"""What the command line of query asks for."""

from pathlib import Path
from typing import NamedTuple

from labelkit.data.columns import RELABEL

SHARE = 10  # one row in so many is drawn at random by default


class Wanted(NamedTuple):
    """The options of query."""

    n: int = 50
    audit: int | None = None  # None: the default's own share of n
    batch: Path | None = None
    strategy: str = "default"
    stratify: str | None = None
    classifier: str = "auto"
    balance: bool = False
    stop_when: tuple[str, ...] = ()
    price: float | None = None
    share: int = 0  # of -n that went to the audit

    @property
    def audits(self) -> int:
        """How many rows are drawn at random for the audit."""
        return self.audit or 0

    def shared(self, pool: int) -> "Wanted":
        """Return the same where the default strategy draws one row in ten at random."""
        if self.audit is not None or self.strategy != "default":
            return self
        share = min(self.n, pool) // SHARE
        return self._replace(n=self.n - share, audit=share, share=share)

    @property
    def relabels(self) -> bool:
        """Whether flagged rows are asked again, instead of rows without a label."""
        return self.strategy == RELABEL
