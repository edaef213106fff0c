"""predict: a saved model's label and confidence for each row, in one pass."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.command.next_steps import command
from labelkit.errors import LabelkitError, WrongCell, listing
from labelkit.io.column_types import apply_kinds
from labelkit.io.feature_kinds import NumberCount, odd_cells
from labelkit.ml import model_file
from labelkit.models import fit
from labelkit.models.train import audit_words
from labelkit.stats.blocks import number_type
from labelkit.stats.ties import likeliest

if TYPE_CHECKING:
    from labelkit.job.job import Job

PIECE = 8_192
MOST_SHOWN = 20  # classes whose rows are told
MOST_CELLS = 1 << 23  # of the probabilities of a piece


def predict(job: "Job", model: Path, proba: bool, allowed: str = "auto") -> None:
    """Write the model's label and confidence, and with `proba` each class's probability.

    `allowed` names the embedding that the model may load (`model_file.load`).
    """
    features, classifier, card = model_file.load(model, allowed)
    features.cache = lambda: job.cache_dir
    job.also_reads(model)
    _require(job, features.columns, model)
    classes, temperature = list(card["classes"]), float(card["temperature"])
    kinds = features.used_kinds()
    loose = {n: NumberCount() for n, kind in kinds.items() if kind == "mostly number"}
    unfamiliar = Unfamiliar()
    kind = number_type(job.rows if proba else 0, len(classes))
    parts, start = [], 0
    with console.progress("predict", None) as advance:
        for batch in job.source.batches(features.columns):
            chosen = None
            if job.chosen is not None:
                chosen = job.chosen[start : start + batch.num_rows]
            wanted = batch if chosen is None else batch.filter(pa.array(chosen))
            typed = _typed(job, wanted, kinds, start, chosen)
            for name, count in loose.items():
                count.update(batch.column(name))
            unfamiliar.update(features, typed)
            found = _labels(
                *(model, features, classifier, typed, len(classes), temperature),
                *(proba, kind, unfamiliar),
            )
            parts.append(_spread(found, chosen))
            start += batch.num_rows
            advance(batch.num_rows)
    if cells := odd_cells(loose):
        console.note(f"cells that are not numbers count as missing; {cells}")
    unfamiliar.tell(job)
    codes = np.concatenate([part[0] for part in parts] or [np.zeros(0, dtype=np.int64)])
    confidence = np.concatenate([part[1] for part in parts] or [np.zeros(0)])
    shares = [part.shares for part in parts] if proba else None
    job.write_output(_annotations(job, classes, codes, confidence, shares))
    _close(job, classes, codes, card["accuracy"]["audit"])


class Unfamiliar:
    """What of the rows the model has not learned: values of categories, texts without a word."""

    def __init__(self) -> None:
        self.rows = self.wordless = 0
        self.cells: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}

    def update(self, features: Any, typed: Any) -> None:
        """Take the categories of the next rows into account."""
        self.rows += typed.num_rows
        for name, cells in features.unseen(typed).items():
            self.cells[name] = self.cells.get(name, 0) + len(cells)
            shown = self.examples.setdefault(name, [])
            shown += list(dict.fromkeys(c for c in cells if c not in shown))[: 3 - len(shown)]

    def tell(self, job: "Job") -> None:
        """Say it, and warn where it is at least half of the rows."""
        found = {name: n for name, n in self.cells.items() if n}
        job.figures({"unseen_values": found, "rows_without_a_known_word": self.wordless})
        for name, n in found.items():
            values = listing([f"'{console.clean(one, 40)}'" for one in self.examples[name]])
            self._say(
                n,
                f"column {name!r}: {n:,} of {console.count(self.rows, 'rows', 'hold')} a value "
                f"that the model has not learned by name, as {values}; it knows nothing of them",
            )
        if self.wordless:
            self._say(
                self.wordless,
                f"{self.wordless:,} of {console.count(self.rows, 'rows', 'have')} a text without a "
                "word that the model has learned; it knows nothing of them",
            )

    def _say(self, rows: int, text: str) -> None:
        (console.warn if 2 * rows >= self.rows else console.note)(text)


class _Labels(NamedTuple):
    """Codes (-1 at a tie), confidences, and the probabilities where they are written."""

    codes: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    shares: npt.NDArray[np.floating[Any]]


def _labels(
    model: Path,
    features: Any,
    classifier: Any,
    typed: Any,
    n_classes: int,
    temperature: float,
    proba: bool,
    kind: "np.dtype[Any]",
    unfamiliar: Unfamiliar,
) -> _Labels:
    """Return what a batch is labelled, its matrix made piece by piece to bound the memory.

    `kind` is the type of the numbers of the probabilities.
    """
    pieces = []
    rows = max(1, min(PIECE, MOST_CELLS // n_classes))
    for at in range(0, max(typed.num_rows, 1), rows):
        piece = typed.slice(at, rows)
        try:
            matrix = features.matrix(piece)
            unfamiliar.wordless += features.wordless(piece, matrix)
            found = fit.predict(classifier, matrix, n_classes, temperature)
        except LabelkitError:
            raise
        except Exception as error:  # a damaged or hostile model may raise anything
            raise _unusable(model) from error
        if not ((found >= 0) & (found <= 1 + 1e-9)).all():
            raise _unusable(model)
        codes, confidence = likeliest(found)
        kept = found if proba else found[:0]
        pieces.append((codes, confidence, kept.astype(kind, copy=False)))
    return _Labels(*(np.concatenate(each) for each in zip(*pieces, strict=True)))


def _unusable(model: Path) -> LabelkitError:
    return LabelkitError(f"{model} gives no probabilities for these rows; train it again")


def _require(job: "Job", columns: list[str], model: Path) -> None:
    for name in columns:
        if not job.source.has(name):
            job.source.require([name], f"the model {model} was trained on it")


def _typed(
    job: "Job", batch: Any, kinds: dict[str, str], start: int, chosen: npt.NDArray[np.bool_] | None
) -> Any:
    try:
        return apply_kinds(batch, kinds)
    except WrongCell as error:
        place = error.row if chosen is None else int(np.flatnonzero(chosen)[error.row])
        raise LabelkitError(
            f"{job.source.name}, row {start + place + 1}: {error}, as it was when the model was "
            f"trained; correct the cell, empty it (a missing value), or train again"
        ) from None
    except LabelkitError as error:
        raise LabelkitError(f"{job.source.name}: {error}; train the model again") from None


def _spread(found: _Labels, chosen: npt.NDArray[np.bool_] | None) -> _Labels:
    """Return the labels of all rows of a batch; -1 and NaN where a row was not chosen."""
    if chosen is None:
        return found
    codes = np.full(len(chosen), -1, dtype=np.int64)
    confidence = np.full(len(chosen), np.nan)
    codes[chosen], confidence[chosen] = found.codes, found.confidence
    shares = found.shares
    if len(shares):
        shares = np.full((len(chosen), shares.shape[1]), np.nan, shares.dtype)
        shares[chosen] = found.shares
    return _Labels(codes, confidence, shares)


def _annotations(
    job: "Job",
    classes: list[str],
    codes: npt.NDArray[np.int64],
    confidence: npt.NDArray[np.float64],
    shares: Sequence[npt.NDArray[np.floating[Any]]] | None,
) -> dict[str, Any]:
    places = pa.array(codes, mask=codes < 0)
    names = pa.DictionaryArray.from_arrays(places, pa.array(classes, pa.string()))
    found = {
        job.column("label"): names.dictionary_decode(),
        job.column("confidence"): pa.array(confidence, from_pandas=True),
    }
    if shares is not None:
        for code, name in enumerate(classes):
            # Column by column: in one table they would be there twice.
            column = np.concatenate([part[:, code] for part in shares] or [np.zeros(0)])
            found[job.column(f"proba_{name}")] = pa.array(column, from_pandas=True)
    return found


def _counted(classes: list[str], counts: npt.NDArray[np.int64]) -> str:
    """Return how often each class was given; of many classes the commonest."""
    order = list(range(len(classes)))
    if len(classes) > MOST_SHOWN:
        order = np.argsort(-counts, kind="stable")[:MOST_SHOWN].tolist()
    shown = [f"{console.clean(classes[code])} {counts[code]:,}" for code in order]
    if rest := len(classes) - len(order):
        shown.append(
            f"{console.count(rest, 'other classes')} {counts.sum() - counts[order].sum():,}"
        )
    return " · ".join(shown)


def _close(job: "Job", classes: list[str], codes: npt.NDArray[np.int64], audit: Any) -> None:
    done = codes[codes >= 0]
    console.note(f"labels: {_counted(classes, np.bincount(done, minlength=len(classes)))}")
    job.count(rows=len(codes), labelled=len(done))
    parts = [console.count(len(codes), "rows"), f"{len(done):,} labelled"]
    parts += [f"the model's accuracy {audit_words(audit)}"] if audit else []
    page = ("-o", str(Path(job.output).with_suffix(".html")))
    shown = command(job.options, job.task, "report", job.output, *page)
    job.print_summary(" · ".join(parts), then=None if job.output == "-" else shown)
