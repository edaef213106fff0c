"""--features auto for texts: TF-IDF, a sentence embedding, or both, by cross-validation.

Compared on rows that people labelled, never on audit rows. Rules, and models that read words, make
labels that words foretell best, right or wrong: a model that learns from these reads both. People's
labels beside them are no judge either, for they were picked where voters err: with 80 of them to
judge, a model of 1,000 film reviews was .04 less accurate than with both. TF-IDF where there are
few labels, where the embedding is not installed, or where embedding the file would take long.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.data import columns
from labelkit.errors import LabelkitError
from labelkit.ml import classifier

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.data.labels import Labels
    from labelkit.io.table import Table

FEWEST, FEWEST_A_CLASS = 20, 3
MOST_TO_COMPARE = 600
MOST_CHARACTERS = 2_500_000  # of the whole file: minutes of one core
FOLDS = 5

BOTH = "tfidf+embedding"

Codes = npt.NDArray[np.int64]


def best(
    source: "Table",
    text: Sequence[str],
    read_labels: Callable[[], "Labels"],
    read_groups: Callable[[], Codes],
    seed: int,
    cache: Callable[[], Path],
) -> str:
    """Return `tfidf`, `embedding` or `tfidf+embedding` for the text columns of a file."""
    from labelkit.ml.embedding import Embedding

    missing = Embedding().missing()
    if missing:
        return _plain(f"sentence embeddings are not installed ({missing})")
    rows, codes, n_classes, by_machine = _labelled(read_labels, seed)
    enough = len(rows) >= FEWEST and (np.bincount(codes) >= FEWEST_A_CLASS).sum() >= 2
    if not (enough or by_machine):
        return _plain(f"fewer than {FEWEST} labelled rows to compare with embeddings")
    if _characters(source, text) > MOST_CHARACTERS:
        return _plain(
            "the file is long, to embed it would take minutes or hours; --features embedding does"
        )
    if by_machine:
        console.detail(f"features auto: {BOTH} (a machine's labels cannot tell which is best)")
        return BOTH
    table = source.read(text, typed=True).take(rows)
    chosen, scores = compare(table, text, codes, read_groups()[rows], n_classes, seed, cache)
    told = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    console.detail(
        f"features auto: {chosen} (Brier score on {console.count(len(rows), 'labelled rows')}: "
        f"{told})"
    )
    return chosen


def embeds(source: "Table", text: Sequence[str]) -> bool:
    """Tell whether the embedding is installed and embedding the file takes a short time."""
    from labelkit.ml.embedding import Embedding

    return not Embedding().missing() and _characters(source, text) <= MOST_CHARACTERS


def _plain(reason: str) -> str:
    console.detail(f"features auto: TF-IDF ({reason})")
    return "tfidf"


def _labelled(read_labels: Callable[[], "Labels"], seed: int) -> tuple[Codes, Codes, int, bool]:
    """Return some rows that people labelled, no audit rows, their codes, the number of classes.

    And whether most labels that the command learns from are a machine's.
    """
    try:
        labels = read_labels()
    except LabelkitError:  # the command has its own word to say about them
        return np.zeros(0, np.int64), np.zeros(0, np.int64), 0, False
    learned = (labels.codes >= 0) & ~labels.audit
    made = learned & np.isin(
        labels.column, columns.machine_columns(set(labels.column[learned].tolist()))
    )
    rows = np.flatnonzero(learned & ~made)
    if len(rows) > MOST_TO_COMPARE:
        rng = np.random.default_rng([seed, 6])
        rows = np.sort(rng.choice(rows, MOST_TO_COMPARE, replace=False))
    by_machine = bool(made.sum() * 2 > learned.sum())
    return rows, labels.codes[rows].astype(np.int64), len(labels.classes), by_machine


def _characters(source: "Table", text: Sequence[str]) -> int:
    """Return the length of all texts, or that of the first ones which are too long already."""
    import pyarrow.compute as pc

    total = 0
    for batch in source.batches(text, typed=True):
        total += sum(pc.sum(pc.utf8_length(batch.column(name))).as_py() or 0 for name in text)
        if total > MOST_CHARACTERS:
            break
    return total


def compare(
    table: "pa.Table",
    text: Sequence[str],
    codes: Codes,
    groups: Codes,
    n_classes: int,
    seed: int,
    cache: Callable[[], Path],
) -> tuple[str, dict[str, float]]:
    """Return the best choice for the labelled rows of `table`, and each one's Brier score."""
    from labelkit.ml.features import Features

    truth = np.eye(n_classes)[codes]
    losses = {}
    # The one that reads both first: it wins where they are equal.
    for choice in (BOTH, "embedding", "tfidf"):
        matrix = Features(text, {}, choice, seed, cache=cache).fit(table).matrix(table)
        recipe = classifier.default_recipe(matrix)
        found = classifier.out_of_fold(matrix, codes, groups, n_classes, FOLDS, recipe, seed)
        losses[choice] = ((found - truth) ** 2).sum(axis=1)
    scores = {choice: round(float(loss.mean()), 6) for choice, loss in losses.items()}
    chosen = min(scores, key=lambda name: scores[name])
    if chosen == "tfidf":
        # With few labels words alone win by luck more often than by right.
        second = min((BOTH, "embedding"), key=lambda name: scores[name])
        gain = losses[second] - losses["tfidf"]
        chosen = chosen if gain.mean() > gain.std() / len(gain) ** 0.5 else second
    return chosen, scores
