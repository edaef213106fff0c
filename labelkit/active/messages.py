"""What query tells people: what it learned from, what it picked from, what to do next."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labelkit import console
from labelkit.active.candidates import Candidates, Mask, Rows
from labelkit.active.strategies import default
from labelkit.command.next_steps import bringing, command, same, words_of
from labelkit.errors import LabelkitError, listing
from labelkit.io import streams
from labelkit.io.files import next_to
from labelkit.ml import label_typos

if TYPE_CHECKING:
    from labelkit.active.options import Wanted
    from labelkit.active.pool import Pool
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job
    from labelkit.ml.features import Features

# Each falls as the likelier of two classes gets likelier.
ALIKE_FOR_TWO = (
    "uncertainty", "least-confidence", "margin", "entropy", "modal-uncertainty", "modal-margin",
    "modal-entropy",
)  # fmt: skip
SAME_FOR_TWO = "with two classes uncertainty, margin and entropy pick the same rows"


class Told(NamedTuple):
    """What was found out and picked; `strategy` is the one that scored."""

    found: Candidates
    picks: Rows
    strategy: str
    wanted: "Wanted"
    pool: "Pool"
    facts: dict[str, Any]


def nothing_to_ask(job: "Job") -> LabelkitError:
    """Return the error for a file without a row to pick from."""
    name = job.source.name
    if not job.rows:
        return LabelkitError(f"{name} has no rows, so there is nothing to ask")
    if job.chosen is not None and not job.chosen.any():
        return LabelkitError(f"{name}: no row fits --where, so there is nothing to ask")
    of = " of --where" if job.chosen is not None else ""
    return LabelkitError(
        f"{name}: find-noise flagged no row{of} (noise_flag) that was not asked again already, "
        f"so there is nothing to ask"
    )


def close_without_rows(job: "Job") -> None:
    """Say that every row has a human label, and what may be done next."""
    of = " of --where" if job.chosen is not None else ""
    source = str(job.options["input"][0])
    judges = None
    if not streams.is_stream(source):
        into = ("-o", str(next_to(source, "noise")))
        given = [
            w for name in ("label", "answers") for w in words_of(name, job.options.get(name) or [])
        ]
        judges = command(job.options, job.task, "find-noise", source, *into, *given)
    job.print_summary(
        f"{console.count(job.rows, 'rows')} · every row{of} has a human label, so there is "
        "nothing to ask",
        then=judges,
    )


def only_copies(job: "Job", pool: Rows, relabels: bool) -> LabelkitError:
    """Return the error for a pool of which no row teaches anything new."""
    what = "flagged" if relabels else "without a label"
    return LabelkitError(
        f"{job.source.name}: the {console.count(len(pool), 'rows')} {what} are copies of labelled "
        "or audit rows, empty, or share a --group with audit rows; there is nothing to ask"
    )


def warn_of_typos(job: "Job", labels: "Labels") -> None:
    """Warn of labels that look misspelt, where nobody declared the classes."""
    if job.classes is not None:
        return
    learned = labels.values[(labels.values != "") & ~labels.audit]
    names, counts = np.unique(learned.astype(str), return_counts=True)
    count = dict(zip(names.tolist(), counts.tolist(), strict=True))
    for name, meant in label_typos.find(count, rare=2).items():
        if name.casefold() == meant.casefold():
            continue  # said wherever labels are read
        console.warn(
            f"the label {console.clean(name)!r} ({console.count(count[name], 'rows')}) counts as a "
            f"class of its own; did you mean {console.clean(meant)!r} "
            f"({console.count(count[meant], 'rows')})? --classes says which classes there are"
        )


def warn_of_empty(job: "Job", pool: Rows, mute: Mask, columns: Sequence[str]) -> None:
    """Warn where no row that may be asked holds anything to judge."""
    if len(pool) and mute[pool].all():
        console.warn(
            f"{job.source.name}: the {console.count(len(pool), 'rows')} that may be asked are "
            f"empty in {listing(columns)}; is that the right column (--text, --column)?"
        )


def tell(job: "Job", told: Told, labels: "Labels", barred: int, features: "Features") -> None:
    """Say what was learned from, how well, and what could be asked."""
    console.note(f"query: {_learned(told, barred)}")
    for name, why in features.columns_left_out.items():
        console.detail(f"not looked at: {console.clean(name)} ({why})")
    console.note(f"features: {console.clean(features.describe(), 200)}")
    cold = _why_cold(told, barred)
    if cold:
        console.note(cold)
    if told.wanted.balance and told.pool.probabilities is None:
        console.note("--balance: no model yet that tells which rows are of the rare classes")
    console.note(_pool(told))
    for text in _shortfalls(told):
        console.note(text)
    if not told.wanted.audits and not labels.audit.any():
        console.note("no audit rows: --audit 40 draws some, only they tell how accurate labels are")
    _count(job, told)


def _learned(told: Told, barred: int) -> str:
    facts = told.facts
    left_out = ""
    if barred:
        left_out = f" · not learned from: {console.count(barred, 'labels')} of audit rows"
    if told.pool.probabilities is not None and told.pool.estimator is None:
        return f"probabilities from columns, no model{left_out}"
    if not facts["rows"]:
        return f"no labels to learn from yet{left_out}"
    sources = " · ".join(f"{console.clean(n)} {c:,}" for n, c in facts["by_source"].items())
    text = f"{console.count(facts['rows'], 'labels')} so far ({sources}){left_out}"
    if told.pool.estimator is None:
        return text
    text += f"; model {facts['classifier']}"
    accuracy = facts.get("accuracy_out_of_fold")
    if accuracy is None:
        return text
    return (
        f"{text}, agrees with {accuracy:.1%} of them in cross-validation (biased: these rows are "
        f"no random sample)"
    )


def _why_cold(told: Told, barred: int) -> str | None:
    """Return why rows are picked that stand for many, where another way was asked for."""
    wanted = told.wanted.strategy
    if told.strategy != "coverage" or wanted == "coverage":
        return None
    seen = told.facts["classes_seen"]
    if seen == 0:
        why = "no label may be learned from yet" if barred else "nothing is labelled yet"
    elif seen == 1:
        only = told.pool.classes[int(told.pool.codes[0])]
        why = f"all labels so far are {console.clean(only)!r}"
    else:
        few = default.fewest(len(told.pool.classes))
        why = f"the labels are few (under {few})"
    instead = "" if wanted == "default" else f" instead of {console.clean(wanted)}"
    return f"cold start: {why}, so rows that stand for many others come first{instead}"


def _pool(told: Told) -> str:
    found = told.found
    rows = console.count(len(found.pool), "rows")
    text = f"pool: {rows} {'flagged' if told.wanted.relabels else 'without a label'}"
    in_audit = int(np.isin(found.audit, found.pool).sum())
    left = len(found.pool) - in_audit - len(found.eligible)
    if left:
        why = "copies of other rows, empty, or of one group with audit rows"
        text += f" ({left:,} left out: {why})"
    return text


def _shortfalls(told: Told) -> list[str]:
    """Return notes where fewer rows are asked than were wanted."""
    wanted, found = told.wanted, told.found
    notes = []
    if len(found.audit) < wanted.audits:
        notes.append(
            f"--audit {wanted.audits}: only {console.count(len(found.audit), 'rows')} may be "
            f"drawn, every one is"
        )
    distinct = len(set(found.groups[found.audit].tolist()))
    if distinct < len(found.audit):
        notes.append(
            f"copies among the audit rows: {len(found.audit) - distinct:,}; they stay, since the "
            f"sample stands for all rows"
        )
    if len(told.picks) < wanted.n:
        why = f"only {console.count(len(found.eligible), 'rows')} may be asked"
        notes.append(
            f"-n {wanted.n + wanted.share}: picked {console.count(len(told.picks), 'rows')}, {why}"
        )
    return notes


def _count(job: "Job", told: Told) -> None:
    job.count(
        rows=job.rows,
        pool=len(told.found.pool),
        eligible=len(told.found.eligible),
        picked=len(told.picks),
        audit=len(told.found.audit),
        learned_from=told.facts["rows"],
    )
    job.figures(
        {
            "strategy": told.wanted.strategy,
            "picked_by": told.strategy,
            "labels_by_source": told.facts["by_source"],
            "classifier": told.facts.get("classifier"),
            "biased_accuracy": told.facts.get("accuracy_out_of_fold"),
        }
    )


def close(job: "Job", told: Told) -> None:
    """Say what was done and what to type next."""
    wanted = told.wanted
    if wanted.n and not len(told.picks) and not told.facts["by_source"]:
        console.warn(
            f"the audit takes every row that may be asked, and audit rows teach nothing; "
            f"--audit {len(told.found.audit) // 3} leaves most of them to learn from"
        )
    if told.strategy in ALIKE_FOR_TWO and len(told.pool.classes) == 2:
        console.note(SAME_FOR_TWO)
    by = (
        told.strategy
        if told.strategy == wanted.strategy
        else f"{wanted.strategy} ({told.strategy})"
    )
    parts = [console.count(job.rows, "rows"), f"{len(told.picks):,} picked by {console.clean(by)}"]
    if len(told.found.audit):
        parts.append(f"{len(told.found.audit):,} drawn for the audit")
    if wanted.batch is None:
        job.print_summary(" · ".join(parts), then=same("--batch", "todo.csv"))
        return
    parts.append(f"batch {wanted.batch}")
    asks, brings = _next(job, wanted.batch, wanted.relabels)
    if job.classes or told.pool.classes:
        job.print_summary(" · ".join(parts), then=asks, otherwise=brings)
        return
    job.print_summary(" · ".join(parts))
    if asks:
        console.note(f"no class is known yet; label the batch with: {asks} --classes FIRST,SECOND")


def _next(job: "Job", batch: Path, relabels: bool) -> tuple[str | None, str]:
    """Return the command that asks a person, and how a batch filled in elsewhere is brought in."""
    source = job.output if job.output != "-" else str(job.options["input"][0])
    if streams.is_stream(batch) or streams.is_stream(source):
        return None, ""
    asks = command(job.options, job.task, "annotate", str(batch), reads_batch=True)
    brings = bringing(job.options, job.task, source, str(batch), relabels)
    return asks, f"fill in the column label of {batch} elsewhere, then: {brings}"
