"""train: which rows are learned from, the model, its card and its honest accuracy."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console, measure, model_file
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.models import forward, learn

if TYPE_CHECKING:
    from labelkit.job import Job

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer[Any]]


class Told(NamedTuple):
    """What may be learned: codes (-1 none) and soft labels a row, and rows left out by reason."""

    classes: list[str]
    codes: Codes
    soft: npt.NDArray[np.float64] | None
    sources: npt.NDArray[np.object_]
    audit: Mask
    truth: Codes
    left_out: dict[str, int]
    weights: npt.NDArray[np.float64] | None


class Wanted(NamedTuple):
    """The options of train; `robust` as in `learn.How`."""

    classifier: str = "auto"
    robust: str = ""
    noise_matrix: Path | None = None
    weight: str | None = None
    smoothing: float = 0.0
    mixup: float = 0.0


def train(job: "Job", wanted: Wanted) -> None:
    """Learn from the labelled rows of the input and save the model at the output."""
    output = _output(job)
    if wanted.noise_matrix is not None and wanted.robust != "forward":
        raise UsageError("--noise-matrix is read by --robust-by forward alone; give that too")
    told = _told(job, wanted)
    groups = job.groups()
    told = _without_audit(told, groups)
    learning = told.codes >= 0
    if told.soft is not None:
        learning |= ~np.isnan(told.soft).all(axis=1)
    if not learning.any():
        raise LabelkitError(_nothing(job, told))
    features = job.features()
    needed = np.flatnonzero(learning | told.audit)
    table = job.source.read(features.needed, typed=True).take(pa.array(needed))
    features.fit(table.filter(pa.array(learning[needed])))
    matrix = features.matrix(table)
    own = learning[needed]
    codes = np.where(own, told.codes[needed], -1)
    soft = None if told.soft is None else np.where(own[:, None], told.soft[needed], np.nan)
    weights = None if told.weights is None else told.weights[needed]
    parts = features.parts(matrix) if wanted.robust else ()
    learned = learn.learn(
        matrix,
        learn.examples(codes, soft, weights),
        groups[needed],
        len(told.classes),
        _how(job, wanted, told),
        parts,
    )
    audit = _audited(learned, matrix, told, needed)
    card = _card(job, told, learning, learned, features, audit)
    model_file.save(output, features, learned.model, card)
    _tell(job, told, learning, learned, features, audit)
    job.count(rows=learned.facts["rows"], classes=len(told.classes), **_counts(told))
    job.figures({"accuracy": card["accuracy"], "classifier": learned.facts["classifier"]})
    job.record(output)
    _close(job, told, learned, audit)


def _how(job: "Job", wanted: Wanted, told: Told) -> learn.How:
    noise = None
    if wanted.noise_matrix is not None:
        job.also_reads(wanted.noise_matrix)
        noise = forward.read(wanted.noise_matrix, told.classes)
    return learn.How(
        wanted.classifier, job.seed, wanted.smoothing, wanted.mixup, wanted.robust, noise
    )


def _output(job: "Job") -> Path:
    output = job.output
    if not output or output == "-":
        raise UsageError("train needs -o MODEL, the file that the model is saved in")
    path = Path(output)
    if path.suffix.lower() in (".csv", ".tsv", ".jsonl", ".parquet", ".gz", ".zst"):
        raise UsageError(
            f"{output} is named like a data file; train writes a model: -o {path.stem}.model"
        )
    if not path.parent.is_dir():
        raise LabelkitError(
            f"{output} cannot be written: there is no folder {path.parent} (mkdir -p {path.parent})"
        )
    return path


def _told(job: "Job", wanted: Wanted) -> Told:
    labels = job.labels()
    classes = _classes(job, labels.classes)
    place = np.array([classes.index(name) for name in labels.classes] + [-1])
    codes = place[labels.codes]
    soft = job.from_proba(classes)
    truth = _truth(job, labels, classes)
    left_out: dict[str, int] = {}
    usable = np.ones(len(codes), dtype=bool)
    filled = codes >= 0
    if soft is not None:
        filled = filled | ~np.isnan(soft).all(axis=1)
    weights = _weights(job, wanted.weight)
    for reason, stays in _filters(job, weights):
        left_out[reason] = int((filled & usable & ~stays).sum())
        usable &= stays
    codes = np.where(usable, codes, -1)
    if soft is not None:
        soft = np.where(usable[:, None], soft, np.nan)
    return Told(classes, codes, soft, labels.column, labels.audit, truth, left_out, weights)


def _weights(job: "Job", column: str | None) -> npt.NDArray[np.float64] | None:
    """Return how much each row counts: the number in a column, 1 where it is empty."""
    if column is None:
        return None
    job.source.require([column], "--weight")
    if job.source.kinds([column])[column] != "number":
        raise UsageError(f"--weight {column}: the column holds no numbers; name a confidence")
    cells = job.source.read([column], typed=True).column(0).to_numpy()
    values = np.nan_to_num(np.asarray(cells, dtype=np.float64), nan=1.0, posinf=np.inf)
    wrong = np.flatnonzero((values < 0) | ~np.isfinite(values))
    if len(wrong):
        raise LabelkitError(
            f"{job.source.name}, row {wrong[0] + 1}: {column} is {values[wrong[0]]:g}; a weight "
            f"is a number from 0 on (--weight)"
        )
    return values


def _classes(job: "Job", found: list[str]) -> list[str]:
    prefix = job.options.get("from_proba")
    if job.classes is not None or not prefix:
        return found
    named = [name[len(prefix) :] for name in job.source.columns if name.startswith(prefix)]
    if not named:
        raise LabelkitError(
            f"{job.source.name} has no column that begins with {prefix!r} (--from-proba)"
        )
    return sorted({*found, *named})


def _filters(job: "Job", weights: npt.NDArray[np.float64] | None) -> list[tuple[str, Mask]]:
    found = []
    if weights is not None:
        found.append(("of weight 0", weights > 0))
    if job.source.has("noise_use"):
        found.append(("noise_use = false", job.source.texts("noise_use") != "false"))
    if job.chosen is not None:
        found.append(("outside --where", job.chosen))
    return found


def _truth(job: "Job", labels: Any, classes: list[str]) -> Codes:
    """Return what people said of the audit rows: codes, -1 where nothing, -2 for other classes."""
    people = {str(path) for path in job.options.get("answers") or []} | {"label"}
    said = np.where(np.isin(labels.column.astype(str), list(people)), labels.values, "")
    if job.source.has("label"):
        said = np.where(said == "", job.source.texts("label"), said)
    codes = {name: code for code, name in enumerate(classes)} | {"": -1}
    return np.array([codes.get(text, -2) for text in said], dtype=np.int64)


def _without_audit(told: Told, groups: Codes) -> Told:
    """Take the audit rows, and rows of their groups, out of what is learned from."""
    if not told.audit.any():
        return told
    twins = np.isin(groups, groups[told.audit]) & ~told.audit
    filled = told.codes >= 0
    if told.soft is not None:
        filled = filled | ~np.isnan(told.soft).all(axis=1)
    gone = told.audit | twins
    left_out = told.left_out | {
        "audit rows": int((filled & told.audit).sum()),
        "duplicates of audit rows": int((filled & twins).sum()),
    }
    soft = None if told.soft is None else np.where(gone[:, None], np.nan, told.soft)
    return told._replace(codes=np.where(gone, -1, told.codes), soft=soft, left_out=left_out)


def _nothing(job: "Job", told: Told) -> str:
    columns = job.label_columns()
    where = f"the column{'s' if len(columns) > 1 else ''} {listing(columns)}" if columns else ""
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in told.left_out.items() if n)
    return (
        f"{job.source.name}: no row has a label to learn from"
        + (f" in {where}" if where else " (there is no column 'label')")
        + (f"; left out: {reasons}" if reasons else "; name one with --label COLUMN")
    )


def _audited(learned: learn.Learned, matrix: Any, told: Told, needed: Codes) -> Any:
    """Return the accuracy on audit rows, or None where there are none."""
    rows = told.audit[needed] & (told.truth[needed] != -1)
    if not rows.any():
        return None
    found = learn.predict(learned.model, matrix[rows], len(told.classes), learned.temperature)
    figure = measure.accuracy(told.truth[needed][rows], found.argmax(axis=1))
    return {**_rounded(figure), "rows": int(rows.sum())}


def _rounded(figure: measure.Figure) -> dict[str, float]:
    return {name: round(value, 6) for name, value in figure._asdict().items()}


def _counts(told: Told) -> dict[str, int]:
    names = {"noise_use = false": "noise_excluded", "outside --where": "outside_where"}
    return {
        names.get(reason, reason.replace(" ", "_")): n for reason, n in told.left_out.items() if n
    }


def _by_source(told: Told, learning: Mask) -> dict[str, int]:
    names = np.where(told.codes >= 0, told.sources, "probabilities")[learning]
    return dict(sorted(Counter(names.tolist()).items()))


def _card(
    job: "Job", told: Told, learning: Mask, learned: learn.Learned, features: Any, audit: Any
) -> dict[str, Any]:
    from labelkit import __version__

    biased = {**_rounded(learned.out_of_fold), "rows": learned.facts["rows"], "biased": True}
    return {
        "labelkit": __version__,
        "classes": told.classes,
        "features": features.describe(),
        "columns": features.used_kinds(),
        "columns_left_out": features.columns_left_out,
        "classifier": learned.facts,
        "temperature": learned.temperature,
        "labels": _by_source(told, learning),
        "left_out": {reason: n for reason, n in told.left_out.items() if n},
        "accuracy": {"audit": audit, "out_of_fold": biased},
        "seed": job.seed,
    }


def _tell(
    job: "Job", told: Told, learning: Mask, learned: learn.Learned, features: Any, audit: Any
) -> None:
    console.note(f"features: {console.clean(features.describe(), 200)}")
    for name, why in features.columns_left_out.items():
        console.detail(f"not used: {console.clean(name)} ({why})")
    sources = _by_source(told, learning)
    shown = ", ".join(f"{console.clean(name)} {n:,}" for name, n in sources.items())
    left = ", ".join(f"{n:,} {reason}" for reason, n in told.left_out.items() if n)
    console.note(
        f"learned from {learned.facts['rows']:,} rows ({shown})"
        + (f"; left out: {left}" if left else "")
    )
    counts = np.bincount(told.codes[learning & (told.codes >= 0)], minlength=len(told.classes))
    unseen = [name for name, n in zip(told.classes, counts, strict=True) if n == 0]
    if unseen and told.soft is None:
        console.warn(f"no label for {listing(unseen)}: the model never answers it")
    if "robust" in learned.facts:
        console.note(_robust_words(learned.facts["robust"]))
    figure = learned.out_of_fold
    console.note(
        f"accuracy out of fold {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]: biased, "
        f"it is compared with the labels that it learned from"
    )
    if audit:
        console.note(f"accuracy {_audit_words(audit)}")


def _robust_words(facts: dict[str, Any]) -> str:
    if facts["by"] == "prune":
        return (
            f"robust: {facts['left_out']:,} of {facts['judged']:,} labels look wrong and were not "
            f"learned from (find-noise shows which)"
        )
    return f"robust: forward correction by the {facts['noise_matrix']} P(given | true)"


def _audit_words(audit: dict[str, Any]) -> str:
    interval = f"[{audit['low']:.3f}, {audit['high']:.3f}]"
    return f"{audit['value']:.3f} {interval} on {audit['rows']:,} audit rows"


def _close(job: "Job", told: Told, learned: learn.Learned, audit: Any) -> None:
    figure = (
        f"accuracy {_audit_words(audit)}"
        if audit
        else "no audit rows, so no accuracy is claimed (draw some: labelkit query --audit 40)"
    )
    job.closing(
        f"{learned.facts['rows']:,} rows · {len(told.classes)} classes · "
        f"{learned.facts['classifier']} · {figure}",
        then=f"labelkit predict {job.output} INPUT -o OUTPUT",
    )
