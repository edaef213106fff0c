"""find-noise: learn from the labels, judge each out of fold, write what was found."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.errors import IssuesFound, LabelkitError, UsageError
from labelkit.noise import duplicates, judging, matrix, outliers, report, typos
from labelkit.noise.findings import Findings
from labelkit.noise.judging import Evidence

if TYPE_CHECKING:
    from labelkit.columns import Labels
    from labelkit.job import Job

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Wanted:
    """The options of find-noise."""

    method: str | None = None
    n: int | None = None
    classifier: str = "auto"
    exclude: bool = False
    matrix: Path | None = None
    fail_on_issues: bool = False


class Given(NamedTuple):
    """The labels to judge: `rows` have one (audit rows aside), `codes` places in `names`.

    `meant` maps the rows of misspelt labels to what was meant, which is what `codes` holds.
    """

    rows: Codes
    codes: Codes
    names: list[str]
    meant: dict[int, str]


class Data:
    """The columns that the model and the search for duplicates read, loaded when needed."""

    def __init__(self, job: "Job") -> None:
        self._job = job

    @cached_property
    def _features(self) -> Any:
        return self._job.features()

    @cached_property
    def _table(self) -> pa.Table:
        return self._job.source.read(self._features.needed, typed=True)

    def matrix(self, rows: Codes) -> Any:
        """Return the features of these rows."""
        fitted = self._features.fit(self._table)
        console.detail(f"features: {fitted.describe()}")
        return fitted.matrix(self._table.take(pa.array(rows)))

    def duplicates(self) -> tuple[Codes, bool]:
        """Return a number a row, the same for duplicates, and whether they are texts."""
        ready = bool(self._job.options.get("from_proba"))
        if ready and not self._job.has_text():
            return np.full(self._job.rows, -1, dtype=np.int64), False
        if not ready and self._features.kind == "columns":
            return duplicates.of_values(self._table), False
        texts = duplicates.of_texts([self._job.source.texts(name) for name in self._job.text])
        if ready or not self._features.reads_columns:
            return texts, True
        others = duplicates.of_values(self._table.drop_columns(self._job.text))
        return duplicates.both(texts, others), True


def find_noise(job: "Job", wanted: Wanted) -> None:
    """Judge the labels of the chosen rows and write what was found."""
    _check(job, wanted)
    labels = job.labels()
    given = _given(job, labels)
    data = Data(job)
    same, are_texts = data.duplicates()
    evidence, outlier = _evidence(job, wanted, given, data, same)
    method = judging.method_name(wanted.method, len(evidence.classes) if evidence else 2)
    found = Findings(job.rows, _texts_of(labels, given))
    if evidence is not None:
        verdict = judging.judge(judging.load_method(method), method, evidence)
        found.add_verdict(evidence, verdict)
    rows = np.array(sorted(given.meant), dtype=np.int64)
    found.add_typos(rows, [given.meant[int(row)] for row in rows])
    conflicts = _add_conflicts(job, found, given, evidence, same) if are_texts else 0
    among = np.ones(job.rows, dtype=bool) if job.chosen is None else job.chosen
    filling_up = found.limit(wanted.n, among) if wanted.n is not None else 0
    if evidence is not None:
        found.explain(evidence)
    firsts = duplicates.firsts(same)
    counts = {
        "labels": int(among[given.rows].sum()),
        "judged": int((found.judged & among).sum()),
        "flagged": int((found.flag & among).sum()),
        "duplicates": int(((firsts >= 0) & among).sum()),
        "conflicting_texts": conflicts,
        "outliers": int((outlier & among[given.rows]).sum()) if outlier is not None else 0,
    }
    model = report.noise_model(evidence) if evidence else None
    source, agreement = (evidence.source, evidence.agreement) if evidence else ("none", 1.0)
    reasons = found.counts(among)
    told = report.Told(counts, reasons, method, source, agreement, wanted.n, filling_up)
    report.tell(job, told, model)
    report.warn_of_test_rows(job, found.judged & among)
    report.tell_gold(job, found, among)
    _write(job, wanted, _annotations(job, found, given, firsts, outlier, wanted.exclude), model)
    report.close(job, counts, model, wanted.exclude)
    if wanted.fail_on_issues and counts["flagged"]:
        raise IssuesFound(
            f"{counts['flagged']:,} of {counts['judged']:,} labels are flagged (--fail-on-issues)"
        )


def _check(job: "Job", wanted: Wanted) -> None:
    """Raise an error for options that cannot be, before any work is done."""
    if wanted.matrix is not None:
        given = job.options["input"]
        others = [*([given] if isinstance(given, str) else given), job.output]
        matrix.check_path(wanted.matrix, [path for path in others if path not in ("-", "")])
    if wanted.n is not None and wanted.n < 1:
        raise UsageError(f"-n {wanted.n}: give a number of labels to flag")
    if wanted.method is not None:
        judging.load_method(wanted.method)


def _write(
    job: "Job", wanted: Wanted, columns: dict[str, Any], model: matrix.NoiseModel | None
) -> None:
    job.annotate(columns)
    if wanted.matrix is None:
        return
    if model is None:
        console.warn(f"--matrix {wanted.matrix}: not written, no label was judged by probabilities")
        return
    report.write_matrix(wanted.matrix, model)


def _given(job: "Job", labels: "Labels") -> Given:
    """Return the labels to judge; raises LabelkitError where there are none or of one class."""
    rows = np.flatnonzero((labels.codes >= 0) & ~labels.audit)
    if not len(rows):
        where = "only on audit rows, which are not judged" if labels.audit.any() else "on no row"
        raise LabelkitError(
            f"{job.source.name} has labels {where}: name the columns that hold labels with --label"
        )
    codes, names = labels.codes[rows].astype(np.int64), labels.classes
    counts = np.bincount(codes, minlength=len(names))
    present = {name: int(count) for name, count in zip(names, counts, strict=True) if count}
    meant = typos.find(present) if job.classes is None else {}
    if len(present) - len(meant) < 2:
        only = next(name for name in present if name not in meant)
        raise LabelkitError(
            f"{job.source.name}: all {len(rows)} labels are {console.clean(only)!r}; "
            f"labels can be judged only where there are two classes or more"
        )
    right = np.array([names.index(meant.get(name, name)) for name in names])
    changed = np.flatnonzero(right[codes] != codes)
    misspelt = {int(rows[place]): names[right[codes[place]]] for place in changed}
    return Given(rows, right[codes], names, misspelt)


def _texts_of(labels: "Labels", given: Given) -> npt.NDArray[np.object_]:
    texts = np.full(len(labels.values), "", dtype=object)
    texts[given.rows] = labels.values[given.rows]
    return texts


def _evidence(
    job: "Job", wanted: Wanted, given: Given, data: Data, same: Codes
) -> tuple[Evidence | None, Mask | None]:
    """Return the probabilities to judge by, and which of the labelled rows are outliers."""
    if job.options.get("from_proba"):
        return _ready_evidence(job, given), None
    inputs = data.matrix(given.rows)
    groups = duplicates.joined(job.groups(), same)[given.rows]
    found, left_out = judging.by_model(
        *(inputs, given.rows, given.names, given.codes, groups), wanted.classifier, job.seed
    )
    if left_out:
        once = " (rows of one --group count once)" if job.options.get("group") else ""
        console.warn(
            f"a class needs {judging.FEWEST} different rows to be judged{once}; left out: "
            f"{console.clean(judging.too_few(left_out), 200)}"
        )
    if found is None:
        console.warn("the model judged no label: fewer than two classes have enough rows")
    return found, outliers.find(inputs, job.seed)


def _ready_evidence(job: "Job", given: Given) -> Evidence | None:
    present = np.unique(given.codes)
    names = [given.names[code] for code in present]
    evidence = judging.by_columns(job, given.rows, names, np.searchsorted(present, given.codes))
    missing = len(given.rows) - len(evidence.rows)
    if missing:
        console.warn(f"not judged, without probabilities: {missing:,} labelled rows")
    if len(np.unique(evidence.given)) < 2:
        console.warn("no label is judged: fewer than two classes have rows with probabilities")
        return None
    return evidence


def _add_conflicts(
    job: "Job", found: Findings, given: Given, evidence: Evidence | None, same: Codes
) -> int:
    """Mark equal texts with different labels; return how many texts they are."""
    labels = np.full(job.rows, -1, dtype=np.int64)
    labels[given.rows] = given.codes
    chance = np.zeros(job.rows)
    if evidence is not None:
        own = evidence.probabilities[np.arange(len(evidence.rows)), evidence.given]
        chance[evidence.rows] = own
    groups = duplicates.conflicts(same, labels, chance)
    keys = job.keys() if groups else []
    for group in groups:
        found.add_conflict(group, given.names, lambda row: f"{job.key_name} {keys[row]}")
    return len(groups)


def _annotations(
    job: "Job",
    found: Findings,
    given: Given,
    firsts: Codes,
    outlier: Mask | None,
    exclude: bool,
) -> dict[str, Any]:
    """Return our columns, one value a row, None where a row was not looked at."""
    keys = np.array([*job.keys(), ""], dtype=object)
    unlike = pa.nulls(job.rows, pa.bool_())
    if outlier is not None:
        values, known = np.zeros((2, job.rows), dtype=bool)
        values[given.rows], known[given.rows] = outlier, True
        unlike = pa.array(values, mask=~known)
    columns = {
        "given": found.given,
        "suggested": found.suggested,
        "quality": found.quality,
        "flag": pa.array(found.flag, mask=~found.judged),
        "reason": found.reason,
        "duplicate_of": keys[firsts],
        "outlier": unlike,
    }
    if exclude:
        labelled = np.zeros(job.rows, dtype=bool)
        labelled[given.rows] = True
        columns["use"] = pa.array(~found.flag, mask=~labelled)
    return {job.column(name): _typed(values) for name, values in columns.items()}


def _typed(values: Any) -> Any:
    # A column of text that is empty in every row is still text.
    if isinstance(values, np.ndarray) and values.dtype == object:
        return pa.array([value or None for value in values], pa.string())
    return values
