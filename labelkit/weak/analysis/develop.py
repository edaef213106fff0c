"""What helps to write labeling functions: the report, mistakes, explanations, suggestions."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit import console
from labelkit.errors import UsageError
from labelkit.io.files import whole
from labelkit.weak.analysis import explain, report, report_page, suggest
from labelkit.weak.analysis.pairs import pairs
from labelkit.weak.gold import Truth
from labelkit.weak.outcome import Outcome

if TYPE_CHECKING:
    from labelkit.job.job import Job


def check(
    job: "Job",
    lf_report: Path | None,
    errors_of: str | None,
    errors: Path | None,
    explain: Sequence[str],
    n_suggest: int | None,
) -> None:
    """Raise UsageError for options that do not go together."""
    if lf_report is not None:
        report.check_path(lf_report)
    if (errors_of is None) != (errors is None):
        raise UsageError("--errors-of FUNCTION and --errors FILE go together")
    _check_name(job, "--lf-report", lf_report)
    _check_name(job, "--errors", errors)
    if explain and n_suggest is not None and not job.output:
        raise UsageError(
            "without -o both --explain and --suggest would be the data on stdout: give one of them"
        )


def _check_name(job: "Job", option: str, path: Path | None) -> None:
    given = job.options["input"]
    others = [*([given] if isinstance(given, str) else given), *([job.output] * bool(job.output))]
    if path is not None and path.resolve() in [Path(other).resolve() for other in others]:
        raise UsageError(f"{option} {path} is an input or the output; give another name")


def write_report(
    path: Path,
    facts: report_page.Facts,
    found: Sequence[Mapping[str, Any]],
    gold: str | None,
    outcome: Outcome,
) -> None:
    """Write the report on the functions in the format of the file's suffix."""
    if path.suffix.lower() == ".html":
        content = report_page.page(facts, found, gold, pairs(outcome.counted))
    else:
        content = report.rendered(path, found, gold)
    with whole(path) as stream:
        stream.write(content)


def facts(name: str, model: str, outcome: Outcome) -> report_page.Facts:
    """Return what the report says of the rows and their labels."""
    counts, codes = outcome.counted.counts, outcome.scores.codes
    shares = {label: int(counts[codes == code].sum()) for code, label in enumerate(outcome.classes)}
    return report_page.Facts(name, model, int(counts.sum()), sum(shares.values()), shares)


def show_explained(job: "Job", outcome: Outcome, keys: Sequence[str], as_json: bool) -> None:
    """Show why rows have their labels: as the data where there is no -o, else beside it."""
    rows = explain.explained(job, outcome, keys)
    explain.say(rows, outcome)
    if job.output:
        console.table("", explain.HEADER, rows)
    else:
        console.data_table(explain.HEADER, rows, as_json=as_json)


def show_suggested(
    job: "Job", truth: Truth | None, outcome: Outcome | None, most: int, taken: Sequence[str]
) -> None:
    """Show rules to paste: as the data where there is no -o, else beside it."""
    given = suggest.lessons(job.chosen, job.rows, truth, outcome)
    found = suggest.suggestions(job, given, most)
    if not found:
        console.warn(
            f"no word tells the classes apart well enough on the {given.source} and votes on "
            "rows that no function covers: label more rows, or cover them by hand-written rules"
        )
        return
    text = suggest.toml(found, given.source, int((given.codes >= 0).sum()), taken)
    if job.output:
        console.note(text)
    else:
        sys.stdout.write(text)
    console.note(
        f"{len(found)} of {most} rules suggested; paste those that make sense into labelkit.toml"
    )


def warn_of_truth(truth: Truth | None) -> None:
    """Say where the known labels are too uniform to judge by."""
    if truth is not None and len(truth.seen) == 1:
        console.warn(
            f"all known labels are {truth.seen[0]!r}: accuracy against one class says nothing "
            "about the others"
        )
