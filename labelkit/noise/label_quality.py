"""Which labels are judged, by which probabilities, and the method's verdict on them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.config import plugins
from labelkit.data.probability_columns import classes_of_columns
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.noise.features import Looks, Matrices
from labelkit.noise.methods import ensemble
from labelkit.noise.model import disputed, noise_model, transition_matrix, view_ensemble
from labelkit.noise.model.noise_model import Mixture
from labelkit.noise.model.transition_matrix import NoiseModel
from labelkit.noise.model.view_ensemble import Opinion

if TYPE_CHECKING:
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Method = Callable[[Codes, Floats], tuple[Any, Any]]
Look = Callable[[Matrices, Codes, Codes, int], Looks]

CALIBRATED = ("ensemble", "knn")  # methods whose quality is a probability
FEWEST = 5  # different rows of a class; with fewer, a fold may know none or one of them


class LabelEvidence(NamedTuple):
    """The rows that can be judged and their probabilities from models that did not see them.

    `rows` places in the file, `given` codes in `classes`, `probabilities` rows x classes;
    `opinions` what each view says alone, `looks` what they saw, of the same rows;
    `mixture` how the given labels go wrong, where the method asks for it; `by_sources` what the
    sources of machines' labels together say, rows x classes, NaN where they do not judge.
    """

    rows: Codes
    given: Codes
    classes: list[str]
    probabilities: Floats
    source: str
    opinions: Sequence[Opinion] = ()
    looks: Looks = Looks([])
    mixture: Mixture | None = None
    by_sources: Floats | None = None

    def belief(self, places: Any) -> Floats:
        """Return what some rows are believed to be, with a `mixture` also by their labels."""
        found: Floats = self.probabilities[places]
        if self.mixture is not None:
            found = self.mixture.truth(self.given[places], found)
        if self.by_sources is None:
            return found
        said: Floats = self.by_sources[places]
        return np.where(np.isnan(said), found, said)

    @property
    def right(self) -> Floats:
        """How likely each label is believed to be right."""
        if self.mixture is not None:
            return self.mixture.right(self.given, self.probabilities)
        return self.probabilities[np.arange(len(self.given)), self.given]

    @property
    def agreement(self) -> float:
        """The share of labels that are the most probable class."""
        return float((self.probabilities.argmax(axis=1) == self.given).mean())


class LabelQuality(NamedTuple):
    """Quality (0..1) and flag of each row of the evidence."""

    quality: Floats
    flag: Mask


def load_method(name: str) -> Method:
    """Return a method by name or the user's own; raises UsageError where there is none."""
    try:
        return plugins.load("noise-method", name)
    except UsageError as error:
        raise UsageError(str(error).replace("--noise-method", "--method", 1)) from error.__cause__


def by_views(
    inputs: Matrices,
    rows: Codes,
    names: list[str],
    codes: Codes,
    groups: Codes,
    look: Look,
    seed: int,
) -> tuple[LabelEvidence | None, dict[str, int]]:
    """Return out-of-fold evidence on labelled rows, and the classes left out with their rows.

    `inputs`, `rows`, `codes` (in `names`) and `groups` are of the labelled rows alone, `look` makes
    the views of rows. A class with fewer than five different rows is left out; None where fewer
    than two classes remain.
    """
    pairs = np.unique(np.column_stack([codes, groups]), axis=0)
    different = np.bincount(pairs[:, 0], minlength=len(names))
    counts = np.bincount(codes, minlength=len(names))
    kept = np.flatnonzero(different >= FEWEST)
    left_out = {
        names[c]: int(counts[c]) for c in range(len(names)) if counts[c] and c not in set(kept)
    }
    if len(kept) < 2:
        return None, left_out
    place = np.full(len(names), -1)
    place[kept] = np.arange(len(kept))
    inside = np.flatnonzero(place[codes] >= 0)
    given, group, inputs = place[codes[inside]], groups[inside], inputs.of(inside)
    looks = look(inputs, given, group, len(kept))
    found, opinions = view_ensemble.judge(looks.views, given, group, len(kept), seed)
    source = f"out of fold by {listing([view.name for view in looks.views])}"
    classes = [names[c] for c in kept]
    return LabelEvidence(rows[inside], given, classes, found, source, opinions, looks), left_out


def by_columns(job: "Job", rows: Codes, names: list[str], codes: Codes) -> LabelEvidence:
    """Return evidence from the probability columns of --from-proba; rows without are left out."""
    prefix = str(job.options["from_proba"])
    classes = job.classes or _classes_of_columns(job, prefix, names)
    found = job.from_proba(classes)
    assert found is not None
    of_name = np.array([classes.index(name) if name in classes else -1 for name in names])
    empty = np.asarray(np.isnan(found).all(axis=1))
    known = rows[~empty[rows]]
    given = of_name[codes[np.searchsorted(rows, known)]]
    # The array is ours and may be of a million rows: no second one is made of it.
    probabilities = found if len(known) == len(found) else found[known]
    np.nan_to_num(probabilities, copy=False)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return LabelEvidence(known, given, classes, probabilities, f"from the columns {prefix}…")


def _classes_of_columns(job: "Job", prefix: str, names: list[str]) -> list[str]:
    # A class that no row is labelled with still has its share of the probabilities.
    columns = [c for c in job.source.columns if c.startswith(prefix) and c != prefix]
    numbers = [column for column, kind in job.source.kinds(columns).items() if kind == "number"]
    return sorted({*classes_of_columns(numbers, prefix, names), *names})


class Mistakes(NamedTuple):
    """How labels go wrong: the mixture that was fitted, and how many rows it makes of it."""

    mixture: Mixture
    model: NoiseModel


def with_truth(evidence: LabelEvidence, method: str) -> tuple[LabelEvidence, Mistakes]:
    """Return the evidence with what rows truly are, where the method asks, and the mistakes."""
    given, probabilities = evidence.given, evidence.probabilities
    strength = noise_model.OF_VIEWS if len(evidence.opinions) > 1 else noise_model.ANY
    fitted = noise_model.fit(given, probabilities, strength=strength)
    model = transition_matrix.estimate(given, probabilities, evidence.classes, fitted)
    mistakes = Mistakes(fitted.best, model)
    if method not in CALIBRATED:
        return evidence, mistakes
    return evidence._replace(mixture=fitted.best), mistakes


def judge(
    method: Method, name: str, evidence: LabelEvidence, disputable: Mask | None = None
) -> LabelQuality:
    """Return the method's verdict, checked; only `disputable` rows are flagged as disputed.

    Raises LabelkitError where the user's own method fails or returns something else.
    """
    given = evidence.given.copy()
    if name in CALIBRATED:
        found = _checked(name, len(given), *ensemble.verdict(evidence.right))
        if evidence.looks.words is None:  # in tables, rows that are hard are just that
            return found
        more = disputed.find(given, evidence.probabilities, evidence.opinions, found.quality)
        more &= True if disputable is None else disputable[evidence.rows]
        if more.any():
            console.note(
                f"{console.count(int((more & ~found.flag).sum()), 'labels', 'are')} flagged only "
                "because the views "
                f"dispute them on hard rows: what people get wrong there looks the same to a "
                f"model as what is hard, so many may be right (their noise_quality is high)"
            )
        return found._replace(flag=found.flag | more)
    if ".py:" not in name:
        return _checked(name, len(given), *method(given, evidence.probabilities))
    try:
        quality, flag = method(given, evidence.probabilities.copy())
    except Exception as error:  # the user's code may raise anything
        raise LabelkitError(f"--method {name} failed: {type(error).__name__}: {error}") from error
    return _checked(name, len(given), quality, flag)


def _checked(name: str, n: int, quality: Any, flag: Any) -> LabelQuality:
    try:
        quality, flag = np.asarray(quality, dtype=np.float64), np.asarray(flag)
    except (TypeError, ValueError) as error:
        raise LabelkitError(f"--method {name}: the quality is not numbers: {error}") from error
    if quality.shape != (n,) or flag.shape != (n,):
        raise LabelkitError(
            f"--method {name} must return a quality and a flag for each of "
            f"{console.count(n, 'rows')}, it returned shapes {quality.shape} and {flag.shape}"
        )
    if flag.dtype != bool:
        raise LabelkitError(f"--method {name}: the flags must be true or false, not {flag.dtype}")
    if not ((quality >= 0) & (quality <= 1)).all():
        raise LabelkitError(f"--method {name}: a quality lies outside 0..1")
    return LabelQuality(quality, flag)


def too_few(left_out: dict[str, int]) -> str:
    """Return the words for classes that are too small to be judged."""
    return listing(f"{name} ({console.count(rows, 'rows')})" for name, rows in left_out.items())
