"""weak-label: two passes over the file, one that votes and one that writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelkit import console
from labelkit.command.next_steps import column_in_where, command
from labelkit.config import plugins
from labelkit.config.label_text import abbreviations, case_variants
from labelkit.errors import listing
from labelkit.io.files import next_to
from labelkit.verdict import messages as verdicts
from labelkit.verdict.judge import target_of
from labelkit.weak import gold as truth
from labelkit.weak import judging, scoring, side_information
from labelkit.weak.analysis import develop, mistakes, report
from labelkit.weak.analysis.lf_statistics import Summary, summarise
from labelkit.weak.analysis.pairs import most_conflicts
from labelkit.weak.label_models import snorkel
from labelkit.weak.lf.binding import FileColumns
from labelkit.weak.lf.function_set import Panel, gather
from labelkit.weak.lf.rules import keyword_tables
from labelkit.weak.lf.runner import SECONDS, OnError
from labelkit.weak.outcome import Outcome, Relearn, estimates
from labelkit.weak.propagate import propagate
from labelkit.weak.scoring import Known, Scores
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job

NEARLY_ALL = 0.85  # of the labels after --propagate
NEAR_PRIOR = 0.1


@dataclass(frozen=True)
class Wanted:
    """The options of weak-label."""

    functions: Path | None = None
    from_votes: Sequence[str] = ()
    label_model: str = "auto"
    prior: str | None = None
    proba: bool = False
    votes: bool = False
    propagate: bool = False
    lf_report: Path | None = None
    on_lf_error: OnError = "stop"
    lf_timeout: float = SECONDS
    keyword: Sequence[str] = ()
    errors_of: str | None = None
    errors: Path | None = None
    explain: Sequence[str] = ()
    suggest: int | None = None
    as_json: bool = False


def weak_label(job: "Job", wanted: Wanted) -> None:
    """Vote on the chosen rows, combine the votes and write the labels."""
    develop.check(
        *(job, wanted.lf_report, wanted.errors_of, wanted.errors, wanted.explain, wanted.suggest)
    )
    target_of(job.options.get("target_accuracy"))
    combine = plugins.load("label-model", wanted.label_model)
    weights = scoring.parse_prior(wanted.prior) if wanted.prior else None
    declared = job.classes or (list(weights) if weights else None)
    panel = _panel(job, wanted, declared)
    if not panel.names:
        develop.show_suggested(job, truth.known(job, declared or []), None, wanted.suggest or 0, ())
        return
    learns = scoring.takes(combine, "said")
    patterns, classes = _vote(job, panel, learns)
    prior = scoring.prior_of(weights, classes) if weights and classes else None
    everyone, known = patterns, None
    if learns:
        leaves_out = bool(wanted.lf_report or wanted.errors_of)
        everyone, known = side_information.gather(job, patterns, classes, leaves_out)
    counted = everyone if job.chosen is None else everyone.only(job.chosen)

    def score(given: Counted, prior: Any = prior, known: Known | None = known) -> Scores:
        return scoring.score(
            given, len(classes), combine, prior, job.seed, wanted.label_model, known
        )

    def relearning(everyone: Counted, known: Known | None) -> Relearn:
        return lambda given, without: score(
            given, known=known and known.without(everyone.votes, without)
        )

    def trial(found: Outcome) -> Outcome:
        """Return the outcome on so many rows that functions can be left out one by one."""
        some = side_information.for_trial(patterns, len(classes), job.seed)
        if some is None:
            return found
        everyone, known = some, None
        if learns:
            everyone, known = side_information.gather(job, some, classes, True, tells=False)
        counted = everyone if job.chosen is None else everyone.only(job.chosen)
        return replace(found, counted=counted, relearn=relearning(everyone, known))

    scores = score(counted)
    for note in scores.notes:
        console.warn(note)
    _say_model(job, wanted.label_model, counted, scores, known)
    if prior is not None and learns:
        _say_prior(job, counted, scores, score(counted, prior=None))
    elif prior is not None and wanted.label_model == "majority":
        console.warn("--prior changes nothing: the majority vote counts votes alone")
    found = Outcome(
        *(panel.names, classes, counted, scores, truth.known(job, classes)),
        *(score, relearning(everyone, known)),
    )
    _judge(job, panel, found, trial, wanted, prior)
    summaries, more = _summaries(found), {}
    if wanted.propagate:
        counted, scores, source = propagate(job, counted, scores, classes)
        more[job.column("source")] = source
        _warn_of_one_class(job, counted, scores, classes, prior)
    closing = _count(job, panel, counted, scores, summaries, classes)
    conclusion = judging.conclude(job, found.names, classes, found.counted, (counted, scores))
    job.figures({"verdict": verdicts.plain(conclusion)})
    if job.output:
        job.write_output(_annotations(job, panel, counted, scores, classes, wanted) | more)
    job.print_summary(closing)
    verdicts.close(conclusion, _next(job))


def _judge(
    job: "Job",
    panel: Panel,
    found: Outcome,
    trial: Callable[[Outcome], Outcome],
    wanted: Wanted,
    prior: Any,
) -> None:
    """Say how the functions vote and write what was asked for beside the labels."""
    develop.warn_of_truth(found.truth)
    summaries = _summaries(found)
    gold = found.truth.title(found.counted) if found.truth else None
    guesses = None
    if wanted.lf_report is not None:
        with console.progress("leaving out functions one by one", len(found.names)) as advance:
            guesses = estimates(trial(found), found.shares, advance)
    weights = None
    if wanted.label_model == "snorkel":
        weights = snorkel.learned_weights(
            found.counted.votes, len(found.classes), prior, job.seed, found.counted.counts
        )
    records = report.records(
        summaries, found.classes, panel.errors, gold is not None, guesses, weights
    )
    _tell(panel, summaries, records, found.classes, gold)
    if gold is None or gold != truth.COMPLETE:  # else the verdict says it
        for message in report.worse_than_chance(summaries, _chances(found), guesses):
            console.warn(message)
    if wanted.lf_report is not None:
        facts = develop.facts(job.source.name, wanted.label_model, found)
        develop.write_report(wanted.lf_report, facts, records, gold, found)
    if wanted.errors_of is not None and wanted.errors is not None:
        mistakes.write(job, found, wanted.errors_of, wanted.errors)
    if wanted.explain:
        develop.show_explained(job, found, wanted.explain, wanted.as_json)
    if wanted.suggest:
        develop.show_suggested(job, found.truth, found, wanted.suggest, found.names)


def _chances(found: Outcome) -> list[float] | None:
    if found.truth is None:
        return None
    known = found.truth.by_pattern(found.counted)
    return report.chances(found.counted.votes, found.counted.counts, known)


def _summaries(found: Outcome) -> list[Summary]:
    known = found.truth.by_pattern(found.counted) if found.truth else None
    return summarise(found.names, found.counted.votes, found.counted.counts, known)


def _panel(job: "Job", wanted: Wanted, classes: list[str] | None) -> Panel:
    every = tuple(job.source.every_column())
    text = tuple(job.text) if job.has_text() else ()
    panel = gather(
        FileColumns(every, _hidden(job, every), text),
        classes,
        functions=wanted.functions,
        rule_tables=[
            *job.task.table("weak-label").get("rule", []),
            *keyword_tables(wanted.keyword),
        ],
        rule_folder=job.task.beside("."),
        from_votes=wanted.from_votes,
        needs_voters=bool(
            job.output
            or wanted.lf_report
            or wanted.errors_of
            or wanted.explain
            or not wanted.suggest
        ),
    )
    for path in (wanted.functions, *(path for rule in panel.rules for path in rule.files)):
        if path is not None:
            job.also_reads(path)
    panel.on_error, panel.seconds = wanted.on_lf_error, wanted.lf_timeout

    def describe(position: int) -> str:
        if job.key_name == "row":
            return f"row {position + 1}"
        return f"row {position + 1} ({job.key_name} {console.clean(job.keys()[position])})"

    panel.describe = describe
    for column, names in panel.named_hidden().items():
        if column in (job.options.get("gold"), *job.label_columns()):
            console.warn(
                f"{', '.join(names)} reads {column!r}, a column of labels: its votes repeat them"
            )
    return panel


def _hidden(job: "Job", every: Sequence[str]) -> frozenset[str]:
    """Return the key, labels, gold and labelkit's own columns: seen only by who names them."""
    return frozenset(every) - (frozenset(job.visible_columns()) - {job.key_name})


def _vote(job: "Job", panel: Panel, learns: bool) -> tuple[Counted, list[str]]:
    batches = job.source.batches(panel.needed, exact=True)
    # The number of rows of a text file would cost a pass of its own.
    total = job.rows if job.source.format == "parquet" else None
    chosen = job.chosen
    if learns and chosen is not None:
        labelled = side_information.labelled(job)
        chosen = chosen if labelled is None else chosen | labelled
    with console.progress("voting", total) as advance:
        return panel.vote(batches, chosen, advance, job.jobs)


def _say_model(
    job: "Job", name: str, counted: Counted, scores: Scores, known: Known | None
) -> None:
    """Say which label model made the labels, and how far they are from the plain vote."""
    rows, moved, decided = scoring.against_majority(counted, scores)
    used = "majority" if scores.notes else "dawid-skene" if name == "auto" else name
    read = known is not None and (known.said is not None or known.judged is not None)
    by = "votes and texts" if read and used != "majority" else "votes alone"
    used_texts = read and used != "majority"
    job.figures(
        {
            "label_model": {
                **{"asked": name, "used": used, "texts": used_texts},
                **{"labels": rows, "moved": moved, "ties": decided},
            }
        }
    )
    if rows and (name == "auto" or read):
        console.note(
            f"label model {used}, by {by}: {moved:,} of {console.count(rows, 'labels', 'differ')} "
            f"from the plain vote, {decided:,} are of rows where that is a tie"
        )


def _say_prior(job: "Job", counted: Counted, scores: Scores, without: Scores) -> None:
    changed = int(counted.counts[scores.codes != without.codes].sum())
    job.figures({"prior": {"changed": changed}})
    console.note(f"--prior changes {console.count(changed, 'labels')}")


def _tell(
    panel: Panel,
    summaries: list[Summary],
    found: list[dict[str, Any]],
    classes: Sequence[str],
    gold: str | None,
) -> None:
    console.table(
        f"{console.count(len(found), 'labeling functions')}, classes {listing(classes, 40)}",
        report.header(found, gold),
        report.table_rows(found),
    )
    for message in panel.first_error.values():
        console.warn(f"it abstained: {message}")
    if panel.kept_state:
        console.warn(
            "--jobs 1 is used: a labeling function keeps state from row to row "
            f"({console.clean(panel.kept_state)})"
        )
    if panel.codebook.numbered:
        console.note(
            f"the votes are numbers and the classes are called {listing(classes, 40)}: "
            "name them by --classes"
        )
    if not panel.codebook.declared:
        _warn_of_mixed_names(classes)
    silent = [summary.name for summary in summaries if not summary.votes]
    if len(silent) == len(summaries):
        console.warn("no labeling function voted on any row")
        return
    if silent:
        console.warn(f"never voted: {', '.join(silent)}")
    returned = {code for summary in summaries for code in summary.polarity}
    if len(returned) == 1:
        console.warn(f"every vote is for {classes[returned.pop()]!r}: nothing votes for another")


def _warn_of_mixed_names(classes: Sequence[str]) -> None:
    """Warn of classes that functions may have spelled in two ways, since none are declared."""
    pairs = [*case_variants(classes), *abbreviations(classes)]
    if pairs:
        shown = [" and ".join(repr(console.clean(name)) for name in pair) for pair in pairs]
        console.warn(
            f"the votes are for {console.count(len(classes), 'classes')}, of which "
            f"{listing(shown, 5)} may be one "
            f"class: let all functions return one name, or declare the classes with --classes"
        )


def _warn_of_one_class(
    job: "Job", counted: Counted, scores: Scores, classes: Sequence[str], prior: Any
) -> None:
    """Warn where nearly all rows have one class after --propagate, unless --prior expects it."""
    rows = np.bincount(
        scores.codes[scores.codes >= 0],
        weights=counted.counts[scores.codes >= 0],
        minlength=len(classes),
    )
    total, most = rows.sum(), int(rows.argmax())
    share = rows[most] / total if total else 0.0
    expected = prior is not None and prior[most] >= share - NEAR_PRIOR
    job.figures({"largest_class": {"class": classes[most], "share": round(float(share), 6)}})
    if len(classes) > 1 and share >= NEARLY_ALL and not expected:
        console.warn(
            f"--propagate: {int(rows[most]):,} of {console.count(int(total), 'labels')} "
            f"({share:.0%}) are {console.clean(classes[most])!r}; if that class is not so common, "
            "these labels are wrong: measure them (labelkit query --audit 40), write functions "
            "for the other classes, or give --prior"
        )


def _annotations(
    job: "Job",
    panel: Panel,
    counted: Counted,
    scores: Scores,
    classes: list[str],
    wanted: Wanted,
) -> dict[str, pa.Array]:
    """Return our columns, one value a row, null where a row was not looked at."""
    rows = pa.array(counted.rows, mask=counted.rows < 0)
    names = pa.array(classes, pa.string())

    def labels(codes: Any) -> pa.Array:
        codes = codes.astype(np.int32)
        return names.take(pa.array(codes, mask=codes < 0)).take(rows)

    found = {
        job.column("label"): labels(scores.codes),
        job.column("confidence"): pa.array(scores.confidence).take(rows),
        job.column("votes"): pa.array(counted.voters.astype(np.int64)).take(rows),
    }
    if wanted.proba:
        unknown = ~scores.probabilities.any(axis=1)
        for code, name in enumerate(classes):
            shares = pa.array(scores.probabilities[:, code], mask=unknown)
            found[job.column(f"proba_{name}")] = shares.take(rows)
    if wanted.votes:
        for number, name in enumerate(panel.names):
            found[job.column(f"lf_{name}")] = labels(counted.votes[:, number])
    return found


def _count(
    job: "Job",
    panel: Panel,
    counted: Counted,
    scores: Scores,
    summaries: list[Summary],
    classes: list[str],
) -> str:
    """Give the figures to the history and the summary; return them as the closing line."""
    rows = int(counted.counts.sum())
    labelled = int(counted.counts[scores.codes >= 0].sum())
    ties = scoring.tied(counted, scores)
    failed = sum(panel.errors.values())
    job.count(labelled=labelled, abstained=rows - labelled, ties=ties, lf_errors=failed)
    job.figures(
        {
            "classes": classes,
            "functions": report.records(summaries, classes, panel.errors, False),
            "together": most_conflicts(summaries, counted),
        }
    )
    text = f"{console.count(rows, 'rows')} · {labelled:,} labelled · {rows - labelled:,} abstained"
    if ties:
        text += f" ({console.count(ties, 'ties')})"
    if failed:
        text += f" · {failed:,} failed calls"
    return text


def _next(job: "Job") -> str | None:
    """Return the command that takes the uncertain rows further."""
    if job.output in ("", "-"):
        return None
    asked = (job.output, "-o", str(next_to(job.output, "llm")))
    unsure = ("--where", f"{column_in_where(job.column('confidence'))} < 0.8")
    return command(job.options, job.task, "llm-label", *asked, *unsure)
