"""Why a row is picked, in words: what its strategy measures, and the two likeliest classes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BY_MARGIN = ("default", "margin", "informative", "diverse", "modal-margin", "ranked-batch")
BY_ENTROPY = ("entropy", "modal-entropy")
BY_CONFIDENCE = ("uncertainty", "least-confidence", "modal-uncertainty")
SCORES = {"committee": "vote entropy", "bald": "BALD"}


def reason(
    strategy: str, score: float, probabilities: npt.NDArray[np.float64], classes: Sequence[str]
) -> str:
    """Return `margin 0.03: refund 0.51, other 0.48` of the probabilities of one row.

    A strategy that measures something else than the probabilities tell is named with its score.
    """
    first, second = np.argsort(-probabilities, kind="stable")[:2]
    high, low = probabilities[first], probabilities[second]
    if strategy in BY_MARGIN:
        measure = f"margin {high - low:.2f}"
    elif strategy in BY_ENTROPY:
        known = probabilities[probabilities > 0]
        measure = f"entropy {-(known * np.log(known)).sum():.2f}"
    elif strategy in BY_CONFIDENCE:
        measure = f"confidence {high:.2f}"
    else:
        measure = f"{SCORES.get(strategy, strategy)} {score:.2f}"
    return f"{measure}: {classes[first]} {high:.2f}, {classes[second]} {low:.2f}"
