"""What else is wrong with a labelled file: empty or broken texts, rare classes, order, leakage."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.errors import listing
from labelkit.noise.labels import Given

if TYPE_CHECKING:
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]

SPLITS = ("split", "fold", "partition", "subset", "set")
RARE = 0.1  # of the rows that the class would have if all were equally common
FEWEST_FOR_ORDER = 100
# The replacement character, text read in the wrong encoding, leftovers of markup.
BROKEN = re.compile(
    "\ufffd|Ã[\u0080-\u00bf©¨¼¶¤]|â€|&(?:amp|lt|gt|quot|nbsp|#\\d+);|</?[a-z]+ ?/?>"
)


def tell(job: "Job", given: Given, same: Codes) -> None:
    """Say what was found, and fill the summary."""
    found: dict[str, Any] = {
        "texts": _texts(job),
        "rare_classes": _rare(given),
        "order": _order(given),
        "leakage": _leakage(job, same),
    }
    job.figures({"faults": {name: value for name, value in found.items() if value}})


def _texts(job: "Job") -> dict[str, int]:
    if not job.has_text():
        return {}
    empty, broken = np.ones(job.rows, dtype=bool), np.zeros(job.rows, dtype=bool)
    for name in job.text:
        for row, text in enumerate(job.source.texts(name)):
            if text and not text.isspace():
                empty[row] = False
                broken[row] |= BROKEN.search(text) is not None
    parts = []
    for what, rows in (("empty", empty), ("with broken characters or markup", broken)):
        if rows.any():
            keys = job.keys()
            few = listing([keys[row] for row in np.flatnonzero(rows)[:3]])
            parts.append(f"{int(rows.sum()):,} {what} ({job.key_name} {few})")
    if parts:
        console.note(f"texts: {' · '.join(parts)}")
    counts = {"empty": int(empty.sum()), "broken": int(broken.sum())}
    return {name: count for name, count in counts.items() if count}


def _rare(given: Given) -> dict[str, int]:
    counts = np.bincount(given.codes, minlength=len(given.names))
    present = np.flatnonzero(counts)
    even = len(given.codes) / len(present)
    rare = {given.names[code]: int(counts[code]) for code in present if counts[code] < RARE * even}
    if rare:
        said = listing(f"{console.clean(name, 30)} ({n:,})" for name, n in rare.items())
        console.note(
            f"classes: {said} with less than a tenth of an even share of {len(given.codes):,} "
            f"labels; look at macro-F1 beside accuracy"
        )
    return rare


def _order(given: Given) -> dict[str, float]:
    """Tell whether equal labels stand together more than chance allows."""
    codes = given.codes
    if len(codes) < FEWEST_FOR_ORDER:
        return {}
    alike = float((codes[1:] == codes[:-1]).mean())
    counts = np.bincount(codes).astype(np.float64)
    expected = float((counts * (counts - 1)).sum() / (len(codes) * (len(codes) - 1)))
    spread = (expected * (1 - expected) / len(codes)) ** 0.5
    if alike <= expected + max(4 * spread, 0.05):
        return {}
    console.note(
        f"order: {alike:.0%} of labels equal the label before, by chance {expected:.0%}: the file "
        f"is sorted or was collected in runs; draw splits at random, not by position"
    )
    return {"equal_to_the_one_before": alike, "by_chance": expected}


def _leakage(job: "Job", same: Codes) -> dict[str, int]:
    """Count the texts that stand on both sides of a split."""
    name = next((c for c in job.source.columns if c.lower() in SPLITS), None)
    if name is None:
        return {}
    _, part = np.unique(job.source.texts(name).astype(str), return_inverse=True)
    rows = np.flatnonzero(same >= 0)
    order = rows[np.argsort(same[rows], kind="stable")]
    if not len(order):
        return {}
    starts = np.concatenate([[0], np.flatnonzero(np.diff(same[order])) + 1])
    low = np.minimum.reduceat(part[order], starts)
    high = np.maximum.reduceat(part[order], starts)
    sizes = np.diff(np.append(starts, len(order)))
    texts, on = int((low < high).sum()), int(sizes[low < high].sum())
    if not texts:
        return {}
    console.warn(
        f"in more than one {name}: {console.count(texts, 'texts')} ({console.count(on, 'rows')}), "
        f"so figures on the held-out part are too good; --group keeps such rows together"
    )
    return {"texts": texts, "rows": on}
