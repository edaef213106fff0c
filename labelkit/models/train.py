"""train: which rows are learned from, the model, its card and its honest accuracy."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from labelkit import console
from labelkit.command.next_steps import command
from labelkit.config.label_text import is_number
from labelkit.data.duplicates import Groups, blank_rows, share_group
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.io import history
from labelkit.io.files import need_writable, next_to
from labelkit.ml import model_file, target_leakage
from labelkit.models import fit, forward, judging
from labelkit.models.evaluate import column_metrics
from labelkit.models.training_labels import Codes, Mask, Told, gather, without_audit
from labelkit.stats import metrics
from labelkit.verdict import messages as verdicts
from labelkit.verdict.judge import target_of

if TYPE_CHECKING:
    from labelkit.job.job import Job


FEW = 5  # rows of a class
FEW_ROWS = 20
MOST_HELD_OUT = 10_000  # rows that measure the model by gold: the interval is then under 0.02 wide
MOST_NUMBERS, MOST_WORDS = 0.5, 0.9  # shares of rows with different labels
_ONLY_AUDIT = " (they judge, and teach nothing: label some rows that were not drawn for it as well)"


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
    target_of(job.options.get("target_accuracy"))
    if wanted.noise_matrix is not None and wanted.robust != "forward":
        raise UsageError("--noise-matrix is read by --robust-by forward alone; give that too")
    groups = job.groups()
    told = without_audit(gather(job, wanted.weight), groups, job.excluded_from_training)
    learning = told.codes >= 0
    if told.soft is not None:
        learning |= ~np.isnan(told.soft).all(axis=1)
    if not learning.any():
        job.need_rows()
        raise LabelkitError(_nothing(job, told))
    _refuse_measurements(job, told)
    features = job.features()
    held_out = _HeldOut(job, told, learning, groups)
    needed = np.flatnonzero(learning | told.audit | (told.uncleaned >= 0) | held_out.rows)
    table = job.source.read_as(features.kinds).take(pa.array(needed))
    features.fit(table.filter(pa.array(learning[needed])))
    if blank_rows(table.select(features.columns)).all():
        console.warn(
            f"{job.source.name}: the {console.count(table.num_rows, 'rows')} to learn from are "
            f"empty in {listing(features.columns)}; is that the right column (--text, --column)?"
        )
    matrix = features.matrix(table)
    own, doubted = learning[needed], _doubted(told, learning)[needed]
    codes = np.where(own, told.codes[needed], np.where(doubted, told.uncleaned[needed], -1))
    target_leakage.warn_of_features(features, table, np.where(own, told.codes[needed], -1))
    soft = None if told.soft is None else told.soft[needed]
    if soft is not None:
        soft[~own] = np.nan
    weights = None if told.weights is None else told.weights[needed]
    parts = features.parts(matrix) if wanted.robust else ()
    shown = fit.examples(codes, soft, weights)
    learned = fit.learn(
        matrix,
        shown,
        groups[needed],
        len(told.classes),
        _how(job, wanted, told),
        parts,
        ~doubted[shown.rows],
    )
    audit = _audited(learned, matrix, told, needed)
    if audit is not None and _cleans(wanted, told):
        plain = fit.examples(told.uncleaned[needed], soft)
        how = fit.How(wanted.classifier, job.seed)
        audit["without_cleaning"] = _before(
            learned, matrix, plain, groups[needed], told, needed, how
        )
    gold = held_out.accuracy(learned, matrix, needed)
    card = _card(job, told, learning, learned, features, {"audit": audit, "gold": gold})
    model_file.save(output, features, learned.model, card)
    _tell(job, told, learning, learned, features, card["accuracy"])
    job.count(rows=learned.facts["rows"], classes=len(told.classes), **_counts(told))
    job.figures({"accuracy": card["accuracy"], "classifier": learned.facts["classifier"]})
    judged = _judged(told, needed), told.truth[needed]
    if not judged[0].any():
        judged = held_out.known(needed)
    conclusion = judging.conclude(job, told, learned, card["accuracy"], judged, matrix)
    job.figures({"verdict": verdicts.plain(conclusion)})
    job.record(output)
    _close(job, told, learned, card["accuracy"])
    verdicts.close(conclusion, _next(job, features.allowing))


class _HeldOut:
    """The rows with a gold label that are not learned from, nor a duplicate of one that is."""

    def __init__(self, job: "Job", told: Told, learning: Mask, groups: Groups) -> None:
        gold = job.gold()
        self._k = len(told.classes)
        # A class that nothing was learned from is one that the model never answers.
        codes = {"": -1} | {name: code for code, name in enumerate(told.classes)}
        values = [] if gold is None else gold.tolist()
        self._gold = np.array([codes.get(value, -2) for value in values], dtype=np.int64)
        self.rows: Mask = np.zeros(len(learning), dtype=bool)
        if gold is None:
            return
        labelled = learning | (told.uncleaned >= 0)
        rows = np.flatnonzero((self._gold != -1) & ~share_group(groups, labelled))
        if len(rows) > MOST_HELD_OUT:
            rows = np.random.default_rng(job.seed).choice(rows, MOST_HELD_OUT, replace=False)
        self.rows[rows] = True

    def known(self, needed: Codes) -> tuple[Mask, Codes]:
        """Return which of the needed rows these are, and the gold codes of all."""
        rows = self.rows[needed]
        return rows, self._gold[needed] if rows.any() else np.full(len(needed), -1)

    def accuracy(
        self, learned: fit.Learned, matrix: Any, needed: Codes
    ) -> dict[str, float | int] | None:
        """Return the model's accuracy on these rows, None where there are none."""
        rows = self.rows[needed]
        if not rows.any():
            return None
        given = fit.predict(learned.model, matrix[rows], self._k, learned.temperature)
        figure = metrics.accuracy(self._gold[needed][rows], given.argmax(axis=1))
        return {**_rounded(figure), "rows": int(rows.sum())}


def _doubted(told: Told, learning: Mask) -> Mask:
    """Return the rows whose label is left out by noise_use."""
    found = ~learning & (told.uncleaned >= 0)
    return found if told.weights is None else found & (told.weights > 0)


def _how(job: "Job", wanted: Wanted, told: Told) -> fit.How:
    noise = None
    if wanted.noise_matrix is not None:
        job.also_reads(wanted.noise_matrix)
        noise = forward.read(wanted.noise_matrix, told.classes)
    return fit.How(
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
    need_writable(path)
    history.refuse_foreign(path)
    return path


def _nothing(job: "Job", told: Told) -> str:
    columns = job.label_columns()
    where = f"the column{'s' if len(columns) > 1 else ''} {listing(columns)}" if columns else ""
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in told.left_out.items() if n)
    return (
        f"{job.source.name}: no row has a label to learn from"
        + (f" in {where}" if where else " (there is no column 'label')")
        + (f"; left out: {reasons}" if reasons else "; name one with --label COLUMN")
        + (_ONLY_AUDIT if told.left_out.get("audit rows") else "")
        + ("; every label is flagged: judge again by find-noise -n N" if told.unused() else "")
    )


def _refuse_measurements(job: "Job", told: Told) -> None:
    """Raise where nobody declared the classes and most rows have a label of their own.

    Numbers are then measurements; words may be the first labels of many classes, unless nearly
    all of them differ.
    """
    labels = told.codes[told.codes >= 0]
    different = np.unique(labels)
    if job.classes is not None or len(labels) < FEW_ROWS:
        return
    some = listing([repr(told.classes[code]) for code in labels[:3]])
    what = (
        f"{job.source.name}: {console.count(len(different), 'different labels')} in "
        f"{console.count(len(labels), 'rows')} (such as {some}) are no classes"
    )
    are_numbers = all(is_number(told.classes[code]) for code in different)
    if are_numbers and len(different) > MOST_NUMBERS * len(labels):
        raise LabelkitError(f"{what}; numbers must be brought into ranges first (--classes A,B)")
    if len(different) > MOST_WORDS * len(labels):
        raise LabelkitError(f"{what}; if they are, declare them: --classes A,B")


def _judged(told: Told, needed: Codes) -> Mask:
    """Return the audit rows with a human label."""
    return np.asarray(told.audit[needed] & (told.truth[needed] != -1), dtype=bool)


def _audited(learned: fit.Learned, matrix: Any, told: Told, needed: Codes) -> Any:
    """Return the accuracy on audit rows, or None where there are none."""
    rows = _judged(told, needed)
    if not rows.any():
        return None
    found = fit.predict(learned.model, matrix[rows], len(told.classes), learned.temperature)
    figure = metrics.accuracy(told.truth[needed][rows], found.argmax(axis=1))
    return {**_rounded(figure), "rows": int(rows.sum())}


def _cleans(wanted: Wanted, told: Told) -> bool:
    """Tell whether labels are left out, weighed or corrected for because they may be wrong."""
    fewer = bool(((told.codes < 0) & (told.uncleaned >= 0)).any())
    return fewer or bool(wanted.robust) or told.weights is not None


def _before(
    learned: fit.Learned,
    matrix: Any,
    everything: fit.Examples,
    groups: Codes,
    told: Told,
    needed: Codes,
    how: fit.How,
) -> dict[str, Any]:
    """Return what the audit rows say of a model of all labels as they are, and the difference."""
    k = len(told.classes)
    plain = fit.learn(matrix, everything, groups, k, how)
    rows = _judged(told, needed)
    said = [
        fit.predict(each.model, matrix[rows], k, each.temperature).argmax(axis=1)
        for each in (learned, plain)
    ]
    truth = told.truth[needed][rows]
    found = column_metrics.compare(truth, said[0], said[1], np.ones(len(truth), dtype=bool))
    return {
        "accuracy": found["second"],
        "gain": found["difference"],
        "gain_interval": found["difference_interval"],
        "p": found["p"],
    }


def _rounded(figure: metrics.Figure) -> dict[str, float]:
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
    job: "Job", told: Told, learning: Mask, learned: fit.Learned, features: Any, measured: Any
) -> dict[str, Any]:
    from labelkit import __version__

    biased = {**_rounded(learned.out_of_fold), "rows": learned.compared, "biased": True}
    return {
        "labelkit": __version__,
        "data": _data(job),
        "classes": told.classes,
        "features": features.describe(),
        "columns": features.used_kinds(),
        "columns_left_out": features.columns_left_out,
        "classifier": learned.facts,
        "temperature": learned.temperature,
        "labels": _by_source(told, learning),
        "left_out": {reason: n for reason, n in told.left_out.items() if n},
        "accuracy": {**measured, "out_of_fold": biased},
        "seed": job.seed,
    }


def _data(job: "Job") -> dict[str, str]:
    """Return the hash of each file with labels."""
    given = [job.source.name] if job.source.name == "stdin" else [p.name for p in job.source.paths]
    found = dict(zip(given, map(history.digest, job.source.paths), strict=True))
    return found | {
        Path(path).name: history.digest(Path(path)) for path in job.options.get("answers") or []
    }


def _tell(
    job: "Job", told: Told, learning: Mask, learned: fit.Learned, features: Any, accuracy: Any
) -> None:
    console.note(f"features: {console.clean(features.describe(), 200)}")
    for name, why in features.columns_left_out.items():
        console.detail(f"not used: {console.clean(name)} ({why})")
    sources = _by_source(told, learning)
    shown = ", ".join(f"{console.clean(name)} {n:,}" for name, n in sources.items())
    reasons = told.left_out | {"look wrong": learned.facts.get("robust", {}).get("left_out", 0)}
    left = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items() if n)
    console.note(
        f"learned from {console.count(learned.facts['rows'], 'rows')} ({shown})"
        + (f"; left out: {left}" if left else "")
    )
    counts = np.bincount(told.codes[learning & (told.codes >= 0)], minlength=len(told.classes))
    if learned.facts["classes_seen"] == 1 and told.soft is None:
        console.warn("only one class has labels: the model always answers it")
    rare = [f"{c} ({n})" for c, n in zip(told.classes, counts, strict=True) if 0 < n < FEW]
    if rare and learned.facts["classes_seen"] > 1:
        console.warn(f"hardly learned, from fewer than {FEW} rows: {listing(rare)}")
    unseen = [name for name, n in zip(told.classes, counts, strict=True) if n == 0]
    if unseen and told.soft is None:
        console.warn(f"no label for {listing(unseen)}: the model never answers it")
    if len(learned.facts.get("tried", {})) > 1:
        console.note(_choice_words(learned.facts))
    if "robust" in learned.facts:
        console.note(_robust_words(learned.facts["robust"]))
    console.note(_out_of_fold_words(learned, _are_by_machines(job, sources)))
    audit = accuracy["audit"]
    if audit and "without_cleaning" in audit:
        console.note(_before_words(audit))
    if job.options.get("gold"):
        console.note(_gold_words(accuracy["gold"], str(job.options["gold"])))


def _choice_words(facts: Mapping[str, Any]) -> str:
    """Say why this classifier was picked."""
    tried, name = facts["tried"], facts["classifier"]
    score, other = min((score, other) for other, score in tried.items() if other != name)
    said = f"classifier: {name}, of {len(tried)} compared by cross-validation"
    if name not in tried:
        return f"{said} with fewer labels"
    if score < tried[name]:
        return f"{said}: {other} is dearer, and not surely better"
    return f"{said} (Brier score {tried[name]:.3f}, the next {score:.3f}, {other}; lower is better)"


def _gold_words(gold: dict[str, Any] | None, column: str) -> str:
    if gold is None:
        return (
            f"no accuracy by {console.clean(column)}: the rows with a gold label are learned from, "
            f"by another label or as a duplicate; keep some out of learning with --where"
        )
    return (
        f"accuracy by {console.clean(column)} {gold['value']:.3f} (95% CI {gold['low']:.3f}–"
        f"{gold['high']:.3f}, n={gold['rows']:,}), on rows that were not learned from"
    )


def _are_by_machines(job: "Job", sources: Mapping[str, int]) -> bool:
    """Return whether no human label was learned from, but those of labelkit's own columns."""
    machine = {*job.machine_columns, "probabilities"}
    return set(sources) <= machine - {"label", "final_label"}  # people may have given these


def _out_of_fold_words(learned: fit.Learned, machine_labels: bool) -> str:
    figure = learned.out_of_fold
    shown = f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
    if machine_labels:
        return (
            f"agreement out of fold {shown} with the machine labels {_compared(learned)}: biased, "
            f"it is no accuracy (labelkit query --audit 40 draws rows to measure it)"
        )
    return (
        f"accuracy out of fold {shown}: biased, it is compared with the labels {_compared(learned)}"
    )


def _compared(learned: fit.Learned) -> str:
    if learned.compared > learned.facts["rows"]:
        return "of this file, those that look wrong too"
    return "that it learned from"


def _before_words(audit: dict[str, Any]) -> str:
    before = audit["without_cleaning"]
    low, high = before["gain_interval"]
    shown = "it helped" if low > 0 else "it did harm" if high < 0 else "not shown to matter"
    return (
        f"without the cleaning {before['accuracy']:.3f} on the "
        f"{console.count(audit['rows'], 'audit rows')}, so {before['gain']:+.3f} [{low:+.3f}, "
        f"{high:+.3f}] by it (McNemar p {before['p']:.2g}): {shown}"
    )


def _robust_words(facts: dict[str, Any]) -> str:
    if facts["by"] == "prune" and not facts["judged"]:
        return (
            "robust: no label was judged, that needs two classes with five rows each, and a model "
            "that knows more than how common each is"
        )
    if facts["by"] == "prune":
        return (
            f"robust: {facts['left_out']:,} of {console.count(facts['judged'], 'labels', 'look')} "
            "wrong and were not learned from (find-noise shows which)"
        )
    return f"robust: forward correction by the {facts['noise_matrix']} P(given | true)"


def audit_words(audit: dict[str, Any]) -> str:
    """Return the accuracy on audit rows, as a model's card has it, in words."""
    interval = f"[{audit['low']:.3f}, {audit['high']:.3f}]"
    return f"{audit['value']:.3f} {interval} on {console.count(audit['rows'], 'audit rows')}"


def _close(job: "Job", told: Told, learned: fit.Learned, accuracy: Any) -> None:
    parts = [
        console.count(learned.facts["rows"], "rows"),
        console.count(len(told.classes), "classes"),
        learned.facts["classifier"],
    ]
    if accuracy["audit"] and console.is_within():  # else the verdict says it
        parts.append(f"accuracy {audit_words(accuracy['audit'])}")
    job.print_summary(" · ".join(parts))


def _next(job: "Job", allowing: str) -> str | None:
    """Return the command that labels the rows that were not learned from as well.

    None for what came through a pipe: it cannot be read again.
    """
    given = [str(path) for path in job.options["input"]]
    more = ("--features", allowing) if allowing else ()
    if given == ["-"]:
        return None
    target = ("-o", str(next_to(given[0], "predicted")))
    return command(job.options, job.task, "predict", job.output, *given, *target, more=more)
