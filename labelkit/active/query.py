"""query: learn from the labels so far, score the rows without one, pick a batch, write it."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from labelkit.active import messages, pick_reasons, round, selection
from labelkit.active import model as learn
from labelkit.active.candidates import (
    Candidates,
    Mask,
    Rows,
    candidates,
    people_columns,
    people_labelled,
    sampled,
)
from labelkit.active.options import Wanted
from labelkit.active.scoring import column_scores, strategy_scores
from labelkit.active.selection import balanced
from labelkit.active.strategies import default
from labelkit.data.audit import AUDIT_REASON, audit_order, draw_audit, may_be_drawn
from labelkit.data.columns import AUDIT
from labelkit.data.duplicates import blank_rows, duplicate_groups
from labelkit.data.probability_columns import classes_of_columns
from labelkit.errors import LabelkitError, UsageError
from labelkit.job import model_features
from labelkit.job.batch_file import check_batch, write_batch
from labelkit.ml import stopping

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job
    from labelkit.ml.features import Features


MOST_COVERED = 20_000  # rows of the pool that a cold start looks at


class Content(NamedTuple):
    """What the rows say: the columns that models read, and what maps them to a matrix."""

    features: "Features"
    data: pa.Table

    def matrix(self, rows: Rows) -> Any:
        """Return the features of some rows."""
        return learn.matrix_of(self.features, self.data, rows, np.float32)


class Scored(NamedTuple):
    """The rows that may be asked as a strategy sees them, and the score of each."""

    pool: "Pool"
    facts: dict[str, Any]
    scores: "Floats"
    strategy: str  # the one that scored


def query(job: "Job", wanted: Wanted) -> None:
    """Pick rows for people and write which they are and why."""
    _check(job, wanted)
    labels = _labels(job)
    labelled = people_labelled(job, labels)
    wanted = wanted.shared(int((_among(job) & ~labelled).sum()))
    pool, audit = _pool_and_audit(job, wanted, labelled)
    if not len(pool) and not len(audit):
        if wanted.relabels or not _among(job).any():
            raise messages.nothing_to_ask(job)
        _end_without_rows(job, wanted)
        return
    content = _content(job, wanted, labels)
    apart = _apart_for_audits(job, labels, audit, content)
    known = np.zeros(job.rows, dtype=bool) if wanted.relabels else labelled
    same = duplicate_groups(content.data)
    # A flagged label of an empty row may well be asked again; a new one teaches nothing.
    mute = np.zeros(job.rows, dtype=bool) if wanted.relabels else blank_rows(content.data)
    messages.warn_of_empty(job, pool, mute, content.features.columns)
    mute &= not mute[pool].all()
    found = candidates(pool, audit, known, same, apart | mute)
    barred = apart | np.isin(same, same[np.append(audit, np.flatnonzero(labels.audit))])
    if not len(found.eligible) and not len(audit):
        raise messages.only_copies(job, pool, wanted.relabels)
    how = _how_to_learn(job, wanted, labels, barred, content)
    seen = _looked_at(job, wanted, how, found)
    scored = _score(job, wanted, labels, labelled, barred, seen, content, how)
    picks = _pick(job, wanted, scored, seen, content)
    chosen = selection.mixed(seen.eligible[picks], audit, np.random.default_rng([job.seed, 6]))
    columns = _annotations(job, scored, seen, chosen, picks, labelled)
    if wanted.batch is not None:
        # Before the output, which may replace the file that the rows are read from.
        guesses = _guesses(job, wanted, scored, seen, chosen, content, how)
        _write_batch(job, wanted, chosen, columns, guesses)
    told = messages.Told(found, picks, scored.strategy, wanted, scored.pool, scored.facts)
    now = round.Round(
        *(content.features, content.data, labels, labelled, barred, seen.eligible),
        *(scored.pool, how, scored.facts.get("recipe")),
    )
    signs = round.signs(job, now, wanted)
    messages.tell(job, told, labels, int(barred[labels.codes >= 0].sum()), content.features)
    round.tell(job, now, signs, wanted)
    job.write_output(columns)
    messages.close(job, told)
    round.stop(signs, wanted)


def _end_without_rows(job: "Job", wanted: Wanted) -> None:
    """Write the output, and a batch without rows: every row has a human label."""
    columns = {
        job.column("score"): pa.nulls(job.rows, pa.float64()),
        job.column("rank"): pa.nulls(job.rows, pa.int64()),
        job.column("reason"): pa.nulls(job.rows, pa.string()),
    }
    if wanted.batch is not None:
        guesses = {
            job.column("guess"): pa.nulls(0, pa.string()),
            job.column("guess_confidence"): pa.nulls(0, pa.float64()),
        }
        empty = {name: values.slice(0, 0) for name, values in columns.items()}
        write_batch(job, wanted.batch, [], [], empty | guesses)
    job.count(rows=job.rows, pool=0, eligible=0, picked=0, audit=0)
    job.write_output(columns)
    messages.close_without_rows(job)


def _check(job: "Job", wanted: Wanted) -> None:
    """Raise an error for options that cannot be, before any work is done."""
    if wanted.n < 0 or wanted.audits < 0:
        name, value = ("-n", wanted.n) if wanted.n < 0 else ("--audit", wanted.audits)
        raise UsageError(f"{name} {value}: give a number of rows")
    stopping.rules(wanted.stop_when)
    if wanted.balance and wanted.stratify is not None:
        raise UsageError("--balance and --stratify both say whose turn it is; give one of them")
    stopping.price_of_label(wanted.price, job.task.cost)
    if wanted.n + wanted.audits == 0:
        raise UsageError("-n 0 asks for no rows, and neither does --audit")
    strategy_scores.check(job, wanted.strategy)
    if wanted.stratify is not None:
        job.source.require([wanted.stratify], "--stratify")
    if wanted.batch is not None:
        check_batch(job, wanted.batch)
    job.gold()  # only checked: nothing is learned from it


def _labels(job: "Job") -> "Labels":
    """Return the labels so far; the columns of --from-proba name the classes if nobody does."""
    prefix = job.options.get("from_proba")
    if prefix and job.classes is None:
        named = classes_of_columns(job.source.columns, prefix)
        if len(named) < 2:
            raise LabelkitError(
                f"{job.source.name} has {'one column' if named else 'no column'} that begins with "
                f"{prefix!r} (--from-proba); one column a class is needed"
            )
        job.classes = named
    labels = job.labels()
    messages.warn_of_typos(job, labels)
    return labels


def _among(job: "Job") -> Mask:
    return np.ones(job.rows, dtype=bool) if job.chosen is None else job.chosen


def _pool_and_audit(job: "Job", wanted: Wanted, labelled: Mask) -> tuple[Rows, Rows]:
    """Return the rows to pick from, and those drawn for the audit before anything is learned."""
    among = _among(job)
    pool = np.flatnonzero(among & ~labelled)
    if wanted.relabels:
        pool = np.flatnonzero(among & column_scores.flagged(job))
    audit = np.zeros(0, dtype=np.int64)
    if wanted.audits:
        order = audit_order(job.keys(), job.seed)
        drawable = among & may_be_drawn(labelled, job.origins)
        audit = draw_audit(order, drawable, labelled & job.audit_mask, wanted.audits)
    return pool, audit


def _content(job: "Job", wanted: Wanted, labels: "Labels") -> Content:
    known = int((labels.codes >= 0).sum())
    compares = strategy_scores.covers_when_cold(wanted.strategy) and not job.options.get(
        "from_proba"
    )
    features = model_features.for_labels(job, known) if compares else job.features()
    data = job.source.read_as(features.kinds)
    try:
        return Content(features.fit(data), data)
    except UsageError:
        _ = job.text  # says which columns might be the text, where that is not clear
        raise


def _apart_for_audits(job: "Job", labels: "Labels", audit: Rows, content: Content) -> Mask:
    """Return the audit rows, and the rows that share a --group with one of them."""
    apart = labels.audit.copy()
    apart[audit] = True
    if job.options.get("group") and apart.any():
        groups = job.groups(content.features.needed)
        apart |= np.isin(groups, groups[apart])
    return apart


def _how_to_learn(
    job: "Job", wanted: Wanted, labels: "Labels", barred: Mask, content: Content
) -> learn.Wanted:
    given = job.from_proba(labels.classes)
    asks = (
        strategy_scores.asks_a_model(wanted.strategy) or wanted.batch is not None or wanted.balance
    )
    asks |= bool(wanted.stop_when)
    several = len(np.unique(labels.codes[(labels.codes >= 0) & ~barred])) > 1
    learns = asks and several and not wanted.relabels and given is None
    groups = job.groups(content.features.needed) if learns else None
    return learn.Wanted(wanted.classifier, job.seed, groups, given, learns, job.jobs)


def _looked_at(job: "Job", wanted: Wanted, how: learn.Wanted, found: Candidates) -> Candidates:
    """Return the candidates, a sample of many where a cold start would compare no more."""
    is_cold = not how.model and how.probabilities is None
    if (
        not is_cold
        or wanted.stratify is not None
        or not strategy_scores.covers_when_cold(wanted.strategy)
    ):
        return found
    return sampled(found, max(MOST_COVERED, 10 * wanted.n), job.seed)


def _score(
    job: "Job",
    wanted: Wanted,
    labels: "Labels",
    labelled: Mask,
    barred: Mask,
    found: Candidates,
    content: Content,
    how: learn.Wanted,
) -> Scored:
    rows = found.eligible
    pool, facts = learn.learn(content.features, content.data, labels, labelled, barred, rows, how)
    strategy = strategy_scores.at_work(wanted.strategy, pool)
    scores = np.zeros(0)
    if len(rows):
        asked = max(1, min(wanted.n, len(rows)))
        scores = strategy_scores.score(job, strategy, pool, rows, asked)
    return Scored(pool, facts, scores, strategy)


def _pick(job: "Job", wanted: Wanted, scored: Scored, found: Candidates, content: Content) -> Rows:
    """Return the picks, best first, as places among the eligible rows."""
    if not wanted.n or not len(scored.scores):
        return np.zeros(0, dtype=np.int64)
    order = selection.in_order(scored.scores, np.random.default_rng([job.seed, 5]))
    if wanted.stratify is not None:
        values = job.source.texts(wanted.stratify)[found.eligible].astype(str)
        order = selection.taking_turns(order, np.unique(values, return_inverse=True)[1])
    elif wanted.balance and scored.pool.probabilities is not None:
        labels = np.bincount(scored.pool.codes, minlength=len(scored.pool.classes))
        order = balanced(order, scored.pool.probabilities.argmax(axis=1), labels)
    audits, is_table = content.matrix(found.audit), content.features.kind == "columns"
    return selection.first_different(order, scored.pool.features, wanted.n, audits, is_table)


def _annotations(
    job: "Job",
    scored: Scored,
    found: Candidates,
    chosen: selection.Batch,
    picks: Rows,
    labelled: Mask,
) -> dict[str, pa.Array]:
    """Return our columns, one value a row: a score where asking was weighed, a rank where asked."""
    rows = chosen.rows
    ranks, asked = np.zeros(job.rows, dtype=np.int64), np.zeros(job.rows, dtype=bool)
    ranks[rows], asked[rows] = np.arange(1, len(rows) + 1), True
    reasons = np.full(job.rows, None, dtype=object)
    reasons[found.audit] = AUDIT_REASON
    for place in picks.tolist():
        row = found.eligible[place]
        score = float(scored.scores[place])
        reasons[row] = pick_reasons.reason(scored.pool, place, scored.strategy, score)
    return {
        job.column("score"): pa.array(
            _score_of_each(labelled, scored.scores, found), from_pandas=True
        ),
        job.column("rank"): pa.array(ranks, mask=~asked),
        job.column("reason"): pa.array(reasons, pa.string()),
    }


def _score_of_each(labelled: Mask, scores: "Floats", found: Candidates) -> "Floats":
    """Return the score of every row of the pool and of audit rows without a label, NaN elsewhere.

    A row has the score of the copy of it that may be asked. Rows that are not asked (audits,
    copies of labelled rows) have 0, or the lowest score if that is lower.
    """
    of_kind = np.full(int(found.groups.max(initial=-1)) + 1, min(0.0, scores.min(initial=0.0)))
    of_kind[found.groups[found.eligible]] = scores
    every = np.full(len(labelled), np.nan)
    weighed = np.union1d(found.pool, found.audit[~labelled[found.audit]])
    every[weighed] = of_kind[found.groups[weighed]]
    return every


def _guesses(
    job: "Job",
    wanted: Wanted,
    scored: Scored,
    found: Candidates,
    chosen: selection.Batch,
    content: Content,
    how: learn.Wanted,
) -> pick_reasons.Guesses:
    """Return what each row of the batch probably is: the model's word, else a machine's label.

    A model of few labels has less to say than the machine that gave them.
    """
    likely = learn.likely(
        scored.pool, content.features, content.data, found.eligible, chosen.rows, how
    )
    model = pick_reasons.likeliest(likely, scored.pool.classes, len(chosen.rows))
    machine = pick_reasons.machine_guesses(job, people_columns(job), wanted.relabels)
    others = pick_reasons.Guesses(machine.labels[chosen.rows], machine.confidence[chosen.rows])
    cold = default.is_cold(scored.pool)
    return pick_reasons.first_known(*((others, model) if cold else (model, others)))


def _write_batch(
    job: "Job",
    wanted: Wanted,
    chosen: selection.Batch,
    columns: dict[str, pa.Array],
    guesses: pick_reasons.Guesses,
) -> None:
    assert wanted.batch is not None
    suggestions = {
        "query_guess": pa.array([label or None for label in guesses.labels], pa.string()),
        "query_guess_confidence": pa.array(guesses.confidence, from_pandas=True),
        "query_reason": columns[job.column("reason")].take(pa.array(chosen.rows)),
    }
    origin = column_scores.RELABEL if wanted.relabels else "query"
    origins = [AUDIT if audit else origin for audit in chosen.is_audit.tolist()]
    write_batch(job, wanted.batch, chosen.rows.tolist(), origins, suggestions)
