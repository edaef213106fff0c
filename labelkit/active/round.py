"""What a round has brought: how good the model is, whether it has settled, what more would buy."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labelkit import console
from labelkit.active import model
from labelkit.active.candidates import Mask, Rows, people_columns
from labelkit.errors import StoppingRuleReached
from labelkit.ml import classifier, stopping, target_leakage
from labelkit.ml.learning_curve import Known, expected_gain
from labelkit.stats import metrics

if TYPE_CHECKING:
    from labelkit.active.options import Wanted
    from labelkit.active.pool import Floats, Pool
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job
    from labelkit.ml.features import Features

SURE = 0.9


class Round(NamedTuple):
    """What the signs are taken from."""

    features: "Features"
    data: Any
    labels: "Labels"
    people: Mask  # rows that people labelled
    barred: Mask  # rows that are never learned from
    eligible: Rows
    pool: "Pool"
    how: model.Wanted
    recipe: classifier.Recipe | None


def signs(job: "Job", now: Round, wanted: "Wanted") -> stopping.Signs:
    """Return what is known after this round, and what another such batch would bring."""
    rows = model.rows_to_learn(now.labels, now.people, now.barred, job.seed)
    accuracy, audits = _accuracy(job, now)
    found = stopping.Signs(len(rows), accuracy, audits)
    if now.pool.probabilities is None or not len(now.eligible):
        return found
    some = stopping.some_rows(len(now.eligible), job.seed)
    said = now.pool.probabilities[some]
    found = found._replace(uncertainty=stopping.uncertainty(said))
    if now.recipe is None:
        return found
    matrix = now.pool.features[some]
    newest = _kappa(job, now, rows, matrix, said)
    if newest is not None:
        found = found._replace(kappas=(*_earlier(job), newest)[-stopping.ROUNDS :])
    if not now.people[rows].all():  # what people's labels add to a machine's no curve tells
        return found
    groups = None if now.how.groups is None else now.how.groups[rows]
    known = Known(
        now.pool.labelled, now.pool.codes, groups, len(now.pool.classes), now.recipe, job.seed
    )
    more = min(wanted.n, len(now.eligible))
    gain = expected_gain(known, matrix, more)
    # The audit rows of a batch cost as much as the others and teach nothing.
    return found._replace(gain=gain and gain._replace(labels=more + wanted.audits))


def tell(job: "Job", now: Round, found: stopping.Signs, wanted: "Wanted") -> None:
    """Say what is known after this round, and keep it in the summary and the history."""
    if wanted.relabels:
        return
    _warn_of_telling_columns(job, now)
    for line in stopping.told(found, stopping.price_of_label(wanted.price, job.task.cost)):
        console.note(line)
    blind = _blind_spots(job, now)
    if blind:
        console.note(blind)
    if found.kappas:
        job.count(kappa=round(found.kappas[-1], 6))
    job.figures(stopping.summary(found))
    rules = stopping.rules(wanted.stop_when)
    if not stopping.reached(rules, found):
        for line in stopping.not_yet(rules, found):
            console.note(line)


def _warn_of_telling_columns(job: "Job", now: Round) -> None:
    """Warn of columns that tell the label all alone."""
    if not now.features.reads_columns:
        return
    texts = job.text if job.has_text() else []
    kinds = {n: k for n, k in now.features.used_kinds().items() if n not in texts}
    rows = model.rows_to_learn(now.labels, now.people, now.barred, job.seed)
    target_leakage.warn(now.data.take(rows), kinds, now.labels.codes[rows])


def stop(found: stopping.Signs, wanted: "Wanted") -> None:
    """Raise StoppingRuleReached where a rule of --stop-when is reached."""
    why = stopping.reached(stopping.rules(wanted.stop_when), found)
    if why:
        raise StoppingRuleReached(f"stop: {why}")


def _accuracy(job: "Job", now: Round) -> tuple[metrics.Figure | None, int]:
    """Return the model's accuracy on the audit rows that people labelled, and their number.

    A label of a class that the model does not know counts as an error.
    """
    rows, said = _audited(job, now)
    if said is None or not len(rows):
        return None, len(rows)
    return metrics.accuracy(now.labels.codes[rows], said.argmax(axis=1)), len(rows)


def _audited(job: "Job", now: Round) -> tuple[Rows, "Floats | None"]:
    """Return the audit rows with a person's label, and what the model says of them."""
    named = [*people_columns(job), *(str(path) for path in job.options.get("answers") or [])]
    by_people = np.isin(now.labels.column.astype(str), named) & (now.labels.values != "")
    rows = np.flatnonzero(now.labels.audit & by_people)
    said = model.likely(now.pool, now.features, now.data, now.eligible, rows, now.how)
    if said is not None and len(said):
        known = ~np.isnan(said).any(axis=1)
        rows, said = rows[known], said[known]
    return rows, said


def _blind_spots(job: "Job", now: Round) -> str:
    """Return which audit rows the model gets wrong though it is sure, in words; '' for none."""
    rows, said = _audited(job, now)
    if said is None or not len(rows):
        return ""
    wrong = (said.argmax(axis=1) != now.labels.codes[rows]) & (said.max(axis=1) >= SURE)
    if not wrong.any():
        return ""
    keys = job.keys()
    named = ", ".join(console.clean(keys[row]) for row in rows[wrong][:5].tolist())
    return f"blind spots: {int(wrong.sum())} audit rows are wrong at confidence {SURE} ({named})"


def _kappa(job: "Job", now: Round, rows: Rows, matrix: Any, said: "Floats") -> float | None:
    """Return how alike the models with and without the newest batch label the rows.

    The newest batch is what an earlier query, whose columns the file still has, had picked.
    None where that is not known or too little was learned before.
    """
    name = job.column("rank")
    if not job.source.has(name):
        return None
    newest = job.source.texts(name)[rows] != ""
    codes = now.pool.codes[~newest]
    if not newest.any() or len(np.unique(codes)) < 2:
        return None
    assert now.recipe is not None
    former = classifier.fit(now.pool.labelled[~newest], codes, now.recipe, job.seed)
    before = classifier.probabilities(former, matrix, len(now.pool.classes))
    return stopping.kappa(before.argmax(axis=1), said.argmax(axis=1), len(now.pool.classes))


def _earlier(job: "Job") -> tuple[float, ...]:
    """Return the kappas of the rounds just before, as the history of the input has them."""
    kappas: list[float] = []
    for step in reversed(job.steps):
        if step.get("command") != job.name:
            continue
        kappa = step.get("counts", {}).get("kappa")
        if kappa is None:
            break
        kappas.insert(0, float(kappa))
    return tuple(kappas)
