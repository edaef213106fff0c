"""What find-noise says: the noise model as tables, warnings, the closing line."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.command import next_steps
from labelkit.data.labels import read_labels
from labelkit.io.files import next_to
from labelkit.noise.checks.dataset_checks import SPLITS
from labelkit.noise.findings import Findings
from labelkit.noise.labels import Given
from labelkit.noise.model import transition_matrix
from labelkit.noise.model.transition_matrix import NoiseModel
from labelkit.stats import metrics

if TYPE_CHECKING:
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job

Mask = npt.NDArray[np.bool_]

WIDEST_TABLE = 12
FEWEST_AUDITED = 20
_HELD_OUT = ("test", "testing", "eval", "evaluation", "holdout", "hold-out", "held-out")


class Told(NamedTuple):
    """What was done: counts and flags by reason (of the chosen rows), the method, the source.

    `agreement` is the share of labels that are the most probable class, `filling_up` the number
    of flags that -n alone asked for.
    """

    counts: dict[str, int]
    reasons: dict[str, int]
    method: str
    source: str
    agreement: float
    n: int | None
    filling_up: int


def write_matrix(path: Path, model: NoiseModel, by: Mapping[str, NoiseModel]) -> None:
    """Write both matrices to a file, and those of each source."""
    from labelkit.io.files import whole

    with whole(path) as stream:
        transition_matrix.write(stream, path, model, by)


def tell(job: "Job", told: Told, model: NoiseModel | None) -> None:
    """Show the noise model and what was flagged, warn of what looks wrong, fill the summary."""
    counts, reasons = told.counts, told.reasons
    if model is not None:
        console.note(f"judged by {told.method}, probabilities {told.source}")
        _show(model)
        text = f"the model agrees with {told.agreement:.0%} of the labels; estimated errors: "
        text += f"{model.errors:,}"
        if model.interval is not None:
            low, high = model.interval
            text += f", with 90 % probability {round(low):,} to {round(high):,}"
        console.note(text)
    if reasons:
        parts = [f"{number:,} {kind}" for kind, number in reasons.items()]
        console.note(f"flagged: {' · '.join(parts)}")
    beside = {"duplicates": "duplicate{}", "conflicting_texts": "text{} with several labels",
              "outliers": "outlier{}"}  # fmt: skip
    said = [
        f"{counts[key]:,} {words.format('s' * (counts[key] != 1))}"
        for key, words in beside.items()
        if counts[key]
    ]
    if said:
        console.note(f"also: {' · '.join(said)}")
    if told.n is None:
        _warn_of_many(counts)
    else:
        _tell_of_limit(told.n, counts, told.filling_up)
    job.count(**counts)
    job.figures({"method": told.method, "probabilities": told.source, "reasons": reasons})
    if model is not None:
        job.figures({"agreement": told.agreement})
        job.count(estimated_errors=model.errors)
        job.figures({"noise": model.facts()})


def _warn_of_many(counts: dict[str, int]) -> None:
    flagged, judged = counts["flagged"], counts["judged"]
    if not judged or flagged * 2 <= judged:
        return
    share = "all" if flagged == judged else f"{flagged:,} of {judged:,}"
    console.warn(
        f"{share} judged labels are flagged: more likely the model, the label column or the "
        f"order of the classes is wrong than so many labels"
    )


def _tell_of_limit(n: int, counts: dict[str, int], filling_up: int) -> None:
    if counts["flagged"] < n:
        console.warn(
            f"-n {n:,}: only {console.count(counts['judged'], 'labels', 'were')} judged, all "
            "are flagged"
        )
    if filling_up:
        console.note(f"{filling_up:,} of the flags only fill up -n {n:,}: not thought to be wrong")


def _show(model: NoiseModel) -> None:
    classes = model.classes
    if len(classes) > WIDEST_TABLE:
        console.table(
            "estimated mistakes, the commonest", ["given", "truly", "rows"], model.worst()
        )
        return
    for title, head, values in (
        ("P(given | true): of the rows truly …, how they were labelled", "true",
         model.given_when_true()),
        ("P(true | given): of the rows labelled …, what they truly are", "given",
         model.true_when_given()),
    ):  # fmt: skip
        rows = [
            [name, *(None if np.isnan(value) else round(float(value), 3) for value in row)]
            for name, row in zip(classes, values, strict=True)
        ]
        console.table(title, [head, *(console.clean(name, 24) for name in classes)], rows)


def warn_of_suspected_typos(job: "Job", found: Findings, given: Given) -> None:
    """Warn of labels that look like another one and are not flagged for it."""
    unsure = {
        str(found.given[row]): other for row, other in given.meant.items() if not found.flag[row]
    }
    suspected = given.suspected | unsure
    for name, other in suspected.items():
        rows = int((found.given == name).sum())
        console.warn(
            f"the label {console.clean(name)!r} ({console.count(rows, 'rows')}) looks like "
            f"{console.clean(other)!r}; it is not flagged for that: correct it if it is a typo, "
            f"else declare the classes with --classes"
        )
    if suspected:
        job.figures({"suspected_typos": suspected})


def warn_of_test_rows(job: "Job", judged: Mask) -> None:
    """Warn where judged rows are of a test split."""
    name = next((c for c in job.source.columns if c.lower() in SPLITS), None)
    if name is None:
        return
    values = np.char.lower(job.source.texts(name).astype(str))
    test = judged & np.isin(values, _HELD_OUT)
    if test.any():
        value = console.clean(job.source.texts(name)[int(np.flatnonzero(test)[0])])
        console.warn(
            f"{console.count(int(test.sum()), 'judged rows', 'are')} of a test split ({name} = "
            f"{value}): the model learned from them too, and figures on a cleaned test split are "
            f"no longer comparable; --where \"{name} != '{value}'\" leaves their labels alone"
        )


def tell_gold(job: "Job", found: Findings, among: Mask) -> None:
    """Say how many flags hit labels that --gold says are wrong."""
    gold = job.gold()
    if gold is None:
        return
    judged = found.judged & among
    given = {label for label in found.given if label}
    gold = read_labels(gold, sorted(given))
    known = judged & (gold != "") & ~np.isnan(found.quality)
    wrong, flag = (gold != found.given)[known], found.flag[known]
    if not wrong.any():
        console.note(f"by gold none of {console.count(int(known.sum()), 'judged labels')} is wrong")
        return
    if wrong.all():
        console.warn(f"no label equals its gold: is {job.options['gold']!r} the right column?")
    from sklearn.metrics import average_precision_score

    hit = int((wrong & flag).sum())
    auprc = float(average_precision_score(wrong, -found.quality[known]))
    figures = {
        "rows": int(known.sum()),
        "wrong": int(wrong.sum()),
        "flagged_and_wrong": hit,
        "precision": hit / int(flag.sum()) if flag.any() else None,
        "recall": hit / int(wrong.sum()),
        "auprc": auprc,
        "auprc_by_chance": float(wrong.mean()),
    }
    biased = "" if known.sum() == judged.sum() else " (biased: not all judged rows have gold)"
    console.note(
        f"by gold {int(wrong.sum()):,} of {console.count(int(known.sum()), 'labels', 'are')} "
        f"wrong: {hit:,} of {console.count(int(flag.sum()), 'flags')} hit one; AUPRC of the "
        f"ranking {auprc:.3f}, by chance {float(wrong.mean()):.3f}{biased}"
    )
    job.figures({"gold": figures})


def tell_audit(job: "Job", found: Findings, labels: "Labels", model: NoiseModel | None) -> None:
    """Say how many machine labels of audit rows people call wrong, where that is more than seen.

    `labels` are people's where they labelled. What rules or a language model get wrong alike
    looks right to a model that learns from it; the audit rows do not learn.
    """
    both = found.judged & labels.audit
    n, wrong = int(both.sum()), int((found.given != labels.values)[both].sum())
    if model is None or n < FEWEST_AUDITED:
        return
    low, high = metrics.wilson(wrong, n)
    job.figures({"audit": {"rows": n, "wrong": wrong, "interval": [low, high]}})
    most = model.errors if model.interval is None else model.interval[1]
    if most < low * int(found.judged.sum()):
        console.warn(
            f"on {console.count(n, 'audit rows')} people call {wrong / n:.2f} [{low:.2f}, "
            f"{high:.2f}] of these "
            f"labels wrong: more than the labels alone tell, where their sources err alike"
        )


def close(
    job: "Job",
    counts: dict[str, int],
    model: NoiseModel | None,
    exclude: bool,
    batch: Path | None,
) -> None:
    """Say in one line what was done, then what to type next."""
    text = f"{console.count(counts['judged'], 'labels')} judged · {counts['flagged']:,} flagged"
    if model is not None:
        text += f" · about {console.count(model.errors, 'errors')} estimated"
    if job.options.get("where") or job.options.get("sample"):
        text += " among all labels" if model is not None else ""
    left = counts["labels"] - counts["judged"]
    if left:
        text += f" · {left:,} not judged"
    job.print_summary(text, then=_next(job, exclude, batch) if counts["flagged"] else None)


def _next(job: "Job", exclude: bool, batch: Path | None) -> str | None:
    """Return the command that learns without the flagged rows, or shows them to people.

    Both read the columns under their usual name only.
    """
    if job.output in ("", "-") or job.options.get("as_name"):
        return None
    options, task = job.options, job.task
    if batch is not None:
        return next_steps.command(options, task, "annotate", str(batch), reads_batch=True)
    if not exclude:
        asked = ("-o", str(next_to(job.output, "query")), "--strategy", "relabel")
        return next_steps.command(options, task, "query", job.output, *asked, "--batch", "todo.csv")
    labels = [word for name in job.label_columns() for word in ("--label", name)]
    return next_steps.command(options, task, "train", job.output, "-o", "labels.model", *labels)
