"""Whether the old accuracy still holds for new rows: two audits, and the change between them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from labelkit import console
from labelkit.stats.metrics import Figure, change, wilson

# A fall of so much must be ruled out before the old figure is said to hold.
LARGEST_FALL = 0.2
HOLDS, FELL, ROSE, UNKNOWN = "holds", "lower", "higher", "unknown"


class Audit(NamedTuple):
    """How many of the audit rows the machine labels right."""

    right: int
    n: int

    def __str__(self) -> str:
        low, high = wilson(self.right, self.n)
        return f"{self.right / self.n:.2f} (95% CI {low:.2f}–{high:.2f}, n={self.n:,})"

    def plain(self) -> dict[str, Any]:
        """Return it for the summary."""
        low, high = wilson(self.right, self.n)
        return {"rows": self.n, "accuracy": self.right / self.n, "low": low, "high": high}


def of(figures: Mapping[str, Any] | None) -> Audit | None:
    """Return the audit that a `decide` reports; None where it has none."""
    if not figures or not figures.get("audit_rows"):
        return None
    n = int(figures["audit_rows"])
    return Audit(round(figures["audit_accuracy"] * n), n)


class AuditComparison(NamedTuple):
    """Two audits, the change from the old one to the new one, and what follows from it."""

    old: Audit | None
    new: Audit | None
    change: Figure | None
    verdict: str

    def line(self) -> str:
        """Return it as one line for people."""
        if self.new is None:
            return "accuracy of the new labels: none is claimed, no new row was audited (--audit N)"
        if self.old is None or self.change is None:
            return (
                f"accuracy of the new labels: {self.new} by the new audit rows; the old run has "
                f"no audit to compare it with"
            )
        value, low, high = self.change
        shown = f"change {value:+.2f}, 95% CI {low:+.2f} to {high:+.2f}"
        if self.verdict == UNKNOWN:
            return (
                f"accuracy: whether the old figure {self.old} still holds cannot be told from "
                f"{console.count(self.new.n, 'new audit rows')}: {self.new}; {shown}"
            )
        words = {
            HOLDS: "still holds",
            FELL: "no longer holds, the new labels are worse",
            ROSE: "no longer holds, the new labels are better",
        }
        return f"accuracy: the old figure {self.old} {words[self.verdict]}: {self.new}; {shown}"

    def plain(self) -> dict[str, Any]:
        """Return it for the summary."""
        change = None if self.change is None else self.change._asdict()
        return {
            "old": None if self.old is None else self.old.plain(),
            "new": None if self.new is None else self.new.plain(),
            "change": change,
            "verdict": self.verdict,
        }


def compare(old: Audit | None, new: Audit | None) -> AuditComparison:
    """Return what two independent audits say of the change in accuracy."""
    if old is None or new is None:
        return AuditComparison(old, new, None, UNKNOWN)
    found = change(old, new)
    verdict = UNKNOWN
    if found.high < 0:
        verdict = FELL
    elif found.low > 0:
        verdict = ROSE
    elif found.low > -LARGEST_FALL:
        verdict = HOLDS
    return AuditComparison(old, new, found, verdict)


def more_rows(found: AuditComparison, most: int) -> int | None:
    """Return so many new audit rows in all as would tell, if the accuracy on them stays as it is.

    None where it is told already, or `most` rows would not tell.
    """
    if found.old is None or found.new is None or found.verdict != UNKNOWN:
        return None
    right, n = found.new
    for rows in range(n // 10 * 10 + 10, most + 1, 10):
        if compare(found.old, Audit(round(right / n * rows), rows)).verdict != UNKNOWN:
            return rows
    return None
