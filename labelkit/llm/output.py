"""The answers written back: our columns, the batch for people, and what is said about them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labelkit import console
from labelkit.command.next_steps import command
from labelkit.io.files import next_to
from labelkit.job.batch_file import write_batch
from labelkit.job.job import Job
from labelkit.llm import cost_estimate, inputs
from labelkit.llm.acceptance import Aim
from labelkit.llm.answers import evaluation
from labelkit.llm.answers.reply_labels import Labelled
from labelkit.llm.answers.threshold import Cut
from labelkit.llm.variants.cascade import Result
from labelkit.verdict import messages as verdicts
from labelkit.verdict import of_column
from labelkit.verdict.messages import Conclusion

Outcomes = Sequence[Labelled | None]


def write(job: Job, result: Result, aim: Aim, seconds: float) -> None:
    """Write the output and the batch, and say what was done.

    LabelkitError, and no output, where the target accuracy cannot be shown.
    """
    classes, found = result.classes, result.found
    cut = None
    if aim.threshold is not None and found:
        cut = evaluation.cut(found, result.known, classes, aim.threshold, aim.target)
    outcomes = result.rows.each(found)
    looked = [item for item in outcomes if item]
    labelled = sum(bool(item.label) for item in looked)
    job.count(
        rows=len(looked),
        distinct=len(result.rows.texts),
        labelled=labelled,
        errors=len(looked) - labelled,
        **({"model": " + ".join(result.models)} if looked else {}),
    )
    counts = result.counts()
    job.cost(**counts)
    audit = evaluation.audited(outcomes, inputs.audit(job, classes), classes, cut)
    way = " + ".join(asking.way for asking in result.askings)
    calibration = {"by": way, "known_rows": result.known.count}
    job.figures({"notes": result.notes, "calibration": calibration, **audit})
    if len(result.askings) > 1:
        job.figures({"models": result.shares()})
    to_people = _below(job, outcomes, cut) if cut is not None else []
    if cut is not None:
        job.figures({"threshold": {**cut._asdict(), "to_people": len(to_people)}})
    conclusion = _conclude(job, outcomes, classes, aim)
    job.figures({"verdict": verdicts.plain(conclusion)})
    _annotate(job, result, outcomes)
    if aim.batch is not None:
        _write_batch(job, aim, outcomes, to_people)
    cost_estimate.after_trial(job, result, seconds)
    _say_errors(result, looked)
    if cut is not None:
        _say_cut(job, result, looked, cut, aim, len(to_people))
    _say_audit(audit)
    job.print_summary(_closing(job, result, looked, labelled, counts))
    asks = aim.batch is not None and bool(to_people)  # the step that was asked for
    verdicts.close(conclusion._replace(command="") if asks else conclusion,
                   _next(job, aim, to_people))  # fmt: skip


def _conclude(job: Job, outcomes: Outcomes, classes: Sequence[str], aim: Aim) -> Conclusion:
    """Return the verdict on the labels; no answer was made with the help of gold or the audit."""
    place = {name: code for code, name in enumerate(classes)}
    codes = np.array([place.get(item.label, -1) if item else -1 for item in outcomes], np.int32)
    sure = [item.confidence if item else None for item in outcomes]
    among = np.array([item is not None for item in outcomes], dtype=bool)
    truth = of_column.truth_of(job, classes, codes >= 0)
    confidence = np.array([np.nan if one is None else one for one in sure])
    return of_column.conclude(job, (codes, confidence), truth, among, aim.good_enough)


def _annotate(job: Job, result: Result, outcomes: Outcomes) -> None:
    import pyarrow as pa

    written: dict[str, Any] = {
        "label": [item.label or None if item else None for item in outcomes],
        "confidence": np.array(
            [
                np.nan if not item or item.confidence is None else item.confidence
                for item in outcomes
            ]
        ),
        "model": _models(result, outcomes),
        "error": [item.error or None if item else None for item in outcomes],
    }
    if any(asking.run.settings.rationale for asking in result.askings):
        written["rationale"] = [item.rationale or None if item else None for item in outcomes]
    kinds = {name: pa.float64() if name == "confidence" else pa.string() for name in written}
    job.write_output(
        {
            job.column(name): pa.array(values, kinds[name], from_pandas=True)
            for name, values in written.items()
        }
    )


def _models(result: Result, outcomes: Outcomes) -> list[str | None]:
    names = result.models
    by_text = [names[place] for place in result.whose]
    return [
        (by_text[place] if place >= 0 else names[0]) if item else None
        for place, item in zip(result.rows.places.tolist(), outcomes, strict=True)
    ]


def _below(job: Job, outcomes: Outcomes, cut: Cut) -> list[int]:
    """Return the rows for people, the least sure first: no label yet, a text to judge."""
    done = job.labels(["label"] if job.source.has("label") else []).codes >= 0
    rows = [
        row
        for row, item in enumerate(outcomes)
        if item and item != inputs.EMPTY and not done[row] and not evaluation.passes(item, cut)
    ]
    return sorted(rows, key=lambda row: (_sure(outcomes[row]), row))


def _sure(item: Labelled | None) -> float:
    return (item.confidence or 0.0) if item and item.label else -1.0


def _write_batch(job: Job, aim: Aim, outcomes: Outcomes, rows: list[int]) -> None:
    import pyarrow as pa

    assert aim.batch is not None
    chosen = [outcomes[row] for row in rows]
    guesses = [item.label or None if item else None for item in chosen]
    sure = [item.confidence if item and item.label else None for item in chosen]
    found = {
        "query_guess": pa.array(guesses, pa.string()),
        "query_guess_confidence": pa.array(sure, pa.float64()),
    }
    write_batch(job, aim.batch, rows, ["query"] * len(rows), found)


def _say_errors(result: Result, looked: list[Labelled]) -> None:
    for note in result.notes:
        console.note(f"llm-label: {note}")
    errors: dict[str, int] = {}
    for item in looked:
        if item.error:
            errors[item.error] = errors.get(item.error, 0) + 1
    for error, times in sorted(errors.items(), key=lambda pair: (-pair[1], pair[0]))[:3]:
        console.note(f"llm-label: {times:,} × {console.clean(error, 160)}")


def _say_cut(
    job: Job, result: Result, looked: list[Labelled], cut: Cut, aim: Aim, to_people: int
) -> None:
    kept = sum(evaluation.passes(item, cut) for item in looked)
    biased = "" if result.known.at_random else " (biased: not drawn at random)"
    said = (
        f"{kept:,} of {console.count(len(looked), 'rows', 'have')} a confidence of "
        f"{cut.confidence:.3f} or more"
    )
    if cut.rows:
        said += (
            f"; of the {console.count(cut.rows, 'known rows')} there{biased} "
            f"{cut.right / cut.rows:.3f} are right ({cut.low:.3f} to {cut.high:.3f})"
        )
    where = f" -> {aim.batch}" if aim.batch is not None else f' ("{_where(job, cut)}")'
    console.note(f"llm-label: {said}; {console.count(to_people, 'rows', 'are')} for people{where}")


def _where(job: Job, cut: Cut) -> str:
    return f"{job.column('confidence')} < {cut.confidence:.6f}"


def _say_audit(audit: dict[str, Any]) -> None:
    above = audit.get("audit_above_the_cut")
    if above and above["rows"]:
        low, high = above["interval"]
        console.note(
            f"llm-label: of {console.count(above['rows'], 'audit rows')} with that confidence "
            f"{above['accuracy']:.3f} are right ({low:.3f} to {high:.3f})"
        )


def _closing(
    job: Job, result: Result, looked: list[Labelled], labelled: int, counts: dict[str, Any]
) -> str:
    parts = [console.count(len(looked), "rows"), f"{labelled:,} labelled"]
    if len(looked) > labelled:
        parts.append(f"{len(looked) - labelled:,} without a label (see {job.column('error')})")
    parts.append(
        f"{counts.get('asked', 0):,} asked, {counts.get('from_cache', 0):,} from the cache"
    )
    tokens = console.count(counts.get("tokens_in", 0), "tokens")
    parts.append(f"{tokens} in, {counts.get('tokens_out', 0):,} out")
    if result.free:
        parts.append("no cost: on this machine")
    elif result.dollars is None:
        parts.append("cost unknown (--price IN,OUT)")
    else:
        parts.append(f"${result.dollars:.4f}")
    if counts.get("unconfirmed_requests"):
        parts.append(
            f"{console.count(counts['unconfirmed_requests'], 'requests')} without a readable "
            "answer counted as paid"
        )
    if len(result.askings) > 1:
        each = [f"{console.clean(one['name'])} decides {one['texts']:,}" for one in result.shares()]
        parts.append(", ".join(each))
    return " · ".join(parts)


def _next(job: Job, aim: Aim, to_people: Sequence[int]) -> str | None:
    if job.output in ("", "-"):
        return None
    if aim.batch is not None and to_people and str(aim.batch) != "-":
        return command(job.options, job.task, "annotate", str(aim.batch), reads_batch=True)
    asked = (job.output, "-o", str(next_to(job.output, "query")), "-n", "60", "--audit", "40")
    labels = ("--label", "label", "--label", job.column("label"))
    return command(job.options, job.task, "query", *asked, *labels, "--batch", "todo.csv")
