"""Which classes are taken for which, with rows to read: what guidelines should say more of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]

PAIRS, EXAMPLES = 5, 5


def pairs(
    truth: Codes, given: Codes, rows: Mask, audit: Mask, classes: Sequence[str], keys: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the most confused pairs of classes: `true`, `said`, `rows`, and keys of examples.

    Keys of audit rows come last: whoever mends guidelines by them judges by them no more.
    """
    wrong = rows & (given >= 0) & (truth >= 0) & (given != truth)
    places = np.flatnonzero(wrong)
    cells, counts = np.unique(truth[places] * len(classes) + given[places], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:PAIRS]
    found = []
    for cell, count in zip(cells[order].tolist(), counts[order].tolist(), strict=True):
        true, said = divmod(int(cell), len(classes))
        among = places[(truth[places] == true) & (given[places] == said)]
        among = among[np.argsort(audit[among], kind="stable")][:EXAMPLES]
        found.append(
            {
                "true": classes[true],
                "said": classes[said],
                "rows": int(count),
                "keys": [keys[place] for place in among],
            }
        )
    return found
