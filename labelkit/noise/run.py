"""find-noise: learn from the labels, judge each out of fold, write what was found."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.errors import IssuesFound, UsageError, nearest
from labelkit.job import batch_file as batch
from labelkit.noise import explain, label_quality, messages, output, reasons
from labelkit.noise import labels as labelled
from labelkit.noise.checks import dataset_checks, duplicates, neighbours, outliers
from labelkit.noise.cleaning import Cleaning
from labelkit.noise.features import Data
from labelkit.noise.findings import Findings
from labelkit.noise.label_quality import LabelEvidence
from labelkit.noise.labels import Given
from labelkit.noise.model import by_source
from labelkit.noise.model import transition_matrix as matrix

if TYPE_CHECKING:
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Wanted:
    """The options of find-noise."""

    method: str = "ensemble"
    n: int | None = None
    batch: Path | None = None
    classifier: str = "auto"
    exclude: bool = False
    matrix: Path | None = None
    by: str | None = None
    explain: tuple[str, ...] = ()
    fail_on_issues: bool = False


def find_noise(job: "Job", wanted: Wanted) -> None:
    """Judge the labels of the chosen rows and write what was found."""
    _check(job, wanted)
    people = job.labels()
    by_views = wanted.method == "ensemble" and wanted.classifier == "auto"
    cleaning = Cleaning(job, people, by_views)
    labels = labelled.without_people_of_audit(job, people, cleaning.machine)
    given = labelled.find(job, labels)
    asked = _rows_of(job, wanted.explain)
    data = Data(job, wanted.classifier, wanted.method)
    same, are_texts = data.duplicates()
    evidence, outlier = _evidence(job, given, data)
    found = Findings(job.rows, labelled.texts(labels, given))
    mistakes = None
    if evidence is not None:
        evidence, mistakes = label_quality.with_truth(evidence, wanted.method)
        verdict = label_quality.judge(
            label_quality.load_method(wanted.method), wanted.method, evidence, ~cleaning.judged
        )
        evidence, verdict = cleaning.judge(evidence, verdict, labels)
        found.add_verdict(evidence, verdict)
    model = mistakes.model if mistakes is not None else None
    if evidence is not None and model is not None:
        model = cleaning.mistakes(evidence, model)
    found.add_typos(given.meant, evidence)
    messages.warn_of_suspected_typos(job, found, given)
    conflicts = _add_conflicts(job, found, given, evidence, same) if are_texts else 0
    among = np.ones(job.rows, dtype=bool) if job.chosen is None else job.chosen
    filling_up = found.limit(wanted.n, among) if wanted.n is not None else 0
    speaker = reasons.Speaker(job, evidence) if evidence is not None else None
    if evidence is not None and speaker is not None:
        found.explain(evidence, speaker)
    firsts = duplicates.firsts(same)
    counts = _counts(found, given, among, firsts, conflicts, outlier)
    source, agreement = (evidence.source, evidence.agreement) if evidence else ("none", 1.0)
    kinds = found.counts(among)
    told = messages.Told(counts, kinds, wanted.method, source, agreement, wanted.n, filling_up)
    messages.tell(job, told, model)
    cleaning.tell(found, among)
    messages.warn_of_test_rows(job, found.judged & among)
    messages.tell_gold(job, found, among)
    messages.tell_audit(job, found, people, model)
    dataset_checks.tell(job, given, same)
    if speaker is not None:
        _tell_near_duplicates(job, speaker)
    by = {}
    if wanted.by is not None and evidence is not None and mistakes is not None:
        by = by_source.tell(job, evidence, mistakes.mixture, wanted.by)
    for row in asked:
        explain.tell(job, row, found, speaker)
    if job.output:
        job.write_output(output.annotations(job, found, given, firsts, outlier, wanted.exclude))
    _write_others(job, wanted, found, among, evidence, model, by)
    messages.close(job, counts, model, wanted.exclude, wanted.batch)
    if wanted.fail_on_issues and counts["flagged"]:
        raise IssuesFound(
            f"{counts['flagged']:,} of {console.count(counts['judged'], 'labels', 'are')} "
            "flagged (--fail-on-issues)"
        )


def _counts(
    found: Findings, given: Given, among: Mask, firsts: Codes, conflicts: int, outlier: Mask | None
) -> dict[str, int]:
    return {
        "labels": int(among[given.rows].sum()),
        "judged": int((found.judged & among).sum()),
        "flagged": int((found.flag & among).sum()),
        "duplicates": int(((firsts >= 0) & among).sum()),
        "conflicting_texts": conflicts,
        "outliers": int((outlier & among[given.rows]).sum()) if outlier is not None else 0,
    }


def _check(job: "Job", wanted: Wanted) -> None:
    """Raise an error for options that cannot be, before any work is done."""
    if wanted.matrix is not None:
        given = job.options["input"]
        others = [*([given] if isinstance(given, str) else given), job.output]
        matrix.check_path(wanted.matrix, [path for path in others if path not in ("-", "")])
    if wanted.n is not None and wanted.n < 1:
        raise UsageError(f"-n {wanted.n}: give a number of labels to flag")
    label_quality.load_method(wanted.method)
    if wanted.method == "knn" and job.options.get("from_proba"):
        raise UsageError("--method knn looks at rows, --from-proba gives probabilities: choose one")
    if wanted.by is not None:
        job.source.require([wanted.by], "--by")
    if wanted.batch is not None:
        batch.check_batch(job, wanted.batch)


def _rows_of(job: "Job", keys: tuple[str, ...]) -> list[int]:
    """Return the rows with these keys; raises UsageError for one that is not there."""
    if not keys:
        return []
    every = job.keys()
    place = {key: row for row, key in reversed(list(enumerate(every)))}
    for key in keys:
        if key not in place:
            raise UsageError(
                f"--explain {key}: {job.source.name} has no row with {job.key_name} "
                f"{key!r}{nearest(key, every[:1000])}"
            )
    return [place[key] for key in keys]


def _write_others(
    job: "Job",
    wanted: Wanted,
    found: Findings,
    among: Mask,
    evidence: LabelEvidence | None,
    model: matrix.NoiseModel | None,
    by: dict[str, matrix.NoiseModel],
) -> None:
    if wanted.batch is not None:
        output.write_batch(job, wanted.batch, found, among)
    if wanted.matrix is None:
        return
    if model is None or evidence is None:
        console.warn(f"--matrix {wanted.matrix}: not written, no label was judged by probabilities")
        return
    confident = matrix.confident_joint(evidence.given, evidence.probabilities)
    messages.write_matrix(wanted.matrix, model._replace(confident=confident), by)


def _evidence(job: "Job", given: Given, data: Data) -> tuple[LabelEvidence | None, Mask | None]:
    """Return the probabilities to judge by, and which of the labelled rows are outliers."""
    if job.options.get("from_proba"):
        return _ready_evidence(job, given), None
    data.warn_of_leakage(given.rows, given.codes)
    inputs = data.matrices(given.rows)
    groups = job.groups()[given.rows]
    found, left_out = label_quality.by_views(
        inputs, given.rows, given.names, given.codes, groups, data.looks, job.seed
    )
    if left_out:
        once = " (rows of one --group count once)" if job.options.get("group") else ""
        console.warn(
            f"a class needs {label_quality.FEWEST} different rows to be judged{once}; left out: "
            f"{console.clean(label_quality.too_few(left_out), 200)}"
        )
    if found is None:
        console.warn("the model judged no label: fewer than two classes have enough rows")
    return found, outliers.find(inputs.main, job.seed)


def _ready_evidence(job: "Job", given: Given) -> LabelEvidence | None:
    present = np.unique(given.codes)
    names = [given.names[code] for code in present]
    evidence = label_quality.by_columns(
        job, given.rows, names, np.searchsorted(present, given.codes)
    )
    missing = len(given.rows) - len(evidence.rows)
    if missing:
        console.warn(
            f"not judged, without probabilities: {console.count(missing, 'labelled rows')}"
        )
    if len(np.unique(evidence.given)) < 2:
        console.warn("no label is judged: fewer than two classes have rows with probabilities")
        return None
    return evidence


def _add_conflicts(
    job: "Job", found: Findings, given: Given, evidence: LabelEvidence | None, same: Codes
) -> int:
    """Mark equal texts with different labels; return how many texts they are."""
    labels = np.full(job.rows, -1, dtype=np.int64)
    labels[given.rows] = given.codes
    chance = np.zeros(job.rows)
    if evidence is not None:
        own = evidence.probabilities[np.arange(len(evidence.rows)), evidence.given]
        chance[evidence.rows] = own
    groups = duplicates.conflicts(same, labels, chance)
    keys: Any = job.keys() if groups else []
    for group in groups:
        found.add_conflict(group, given.names, lambda row: f"{job.key_name} {keys[row]}")
    return len(groups)


_PAIRS_SHOWN = 3


def _tell_near_duplicates(job: "Job", speaker: reasons.Speaker) -> None:
    """Say how many there are and name some, and fill the summary."""
    pairs = speaker.near_duplicates()
    if not pairs:
        return
    label = dict(zip(speaker.evidence.rows.tolist(), speaker.evidence.given.tolist(), strict=True))
    differ = [(row, other) for row, other in pairs if label[row] != label[other]]
    rows = len({row for pair in pairs for row in pair})
    job.figures({"near_duplicates": {"rows": rows, "pairs_with_different_labels": len(differ)}})
    text = f"near duplicates: {console.count(rows, 'rows', 'have')} nearly the words of another"
    if differ:
        named = [
            f"{speaker.key(row)} and {speaker.key(other)}" for row, other in differ[:_PAIRS_SHOWN]
        ]
        text += (
            f", {console.count(len(differ), 'pairs', 'have')} different labels ({'; '.join(named)})"
        )
    if len(label) > neighbours.SAMPLE:
        text += f"; looked for among {neighbours.SAMPLE:,} rows"
    console.note(text)
