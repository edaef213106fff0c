"""What to do next, from what is there and what is missing, as commands to type."""

from typing import NamedTuple

import numpy as np

from labelkit.command import next_steps
from labelkit.config import costs
from labelkit.data.columns import AUDIT, RELABEL
from labelkit.html import page as pages
from labelkit.io.files import next_to
from labelkit.report import overview
from labelkit.report.data import FINAL, ReportData, error_of
from labelkit.verdict.judge import GOOD
from labelkit.verdict.messages import Conclusion


class Advice(NamedTuple):
    """Why something is worth doing, and what to type."""

    why: str
    command: str


def section(found: ReportData, conclusion: Conclusion) -> str:
    """Return the section as a list, the most worthwhile first."""
    items = []
    for each in advice(found, conclusion):
        typed = f"<br><code>{pages.cell(each.command, 400)}</code>" if each.command else ""
        items.append(f"<li>{pages.cell(each.why, 400)}{typed}</li>")
    if items:
        return f"<ol>{''.join(items)}</ol>"
    is_good = conclusion.verdict.word == GOOD
    return pages.paragraph("The labels are good enough, and no step is open.") if is_good else ""


def advice(found: ReportData, conclusion: Conclusion) -> list[Advice]:
    """Return what is worth doing next, the best step of the verdict first."""
    best = conclusion.step and Advice(_sentence(conclusion.step.text), conclusion.command)
    steps = [best, _unlabelled(found), _errors(found), _flagged(found)]
    steps += [_undecided(found), _unjudged(found), _unpriced(found)]
    return [step for step in steps if step is not None]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _command(found: ReportData, command: str, word: str, *more: str) -> str:
    job = found.job
    inputs, output = [str(path) for path in job.options["input"]], "OUTPUT"
    if inputs == ["-"]:
        inputs = ["INPUT"]
    else:
        output = str(next_to(inputs[0], word))
    brought = next_steps.words_of("answers", job.options.get("answers") or [])
    words = (*inputs, "-o", output, *more, *brought)
    return next_steps.command(job.options, job.task, command, *words)


def _labels(found: ReportData) -> list[str]:
    names = ["label", *found.machines]
    return [word for name in names for word in ("--label", name)]


def _unlabelled(found: ReportData) -> Advice | None:
    column = FINAL if found.decided else ""
    labelled = found.by_people.copy()
    for name in [column] if column else found.machines:
        labelled |= found.texts(name) != ""
    missing = int((~labelled).sum())
    if not missing:
        return None
    asked = _command(found, "query", "query", "-n", "60", *_labels(found), "--batch", "todo.csv")
    what = f"{missing:,} rows have no label: more rules, a language model, or people"
    return Advice(what, asked)


def _errors(found: ReportData) -> Advice | None:
    for label in found.machines:
        failed = int((found.texts(error_of(label)) != "").sum())
        if failed:
            why = (
                f"{failed:,} rows have an error instead of a label in {error_of(label)}: ask again"
            )
            where = ["--where", f"not {next_steps.column_in_where(error_of(label))} is empty"]
            return Advice(why, _command(found, "llm-label", "again", *where, "--as", "llm2"))
    return None


def _flagged(found: ReportData) -> Advice | None:
    # Audit rows are to judge by, and nobody is asked a third time.
    settled = np.isin(found.texts("label_origin").astype(str), [AUDIT, RELABEL])
    flagged = (found.texts("noise_flag") == "true") & ~settled
    if found.decided:  # what decide has overruled needs nobody any more
        flagged &= found.texts(FINAL) == found.texts("noise_given")
    n = int(flagged.sum())
    if not n:
        return None
    why = f"{n:,} labels are probably wrong: let a person look at them, the worst first"
    more = ["--strategy", "relabel", "-n", str(min(n, 60)), "--audit", "0"]
    more += ["--batch", "relabel.csv"]
    return Advice(why, _command(found, "query", "relabel", *more))


def _undecided(found: ReportData) -> Advice | None:
    if found.decided or not found.machines:
        return None
    return Advice("Decide on one label a row", _command(found, "decide", "decided"))


def _unjudged(found: ReportData) -> Advice | None:
    if found.has("noise_flag") or not (found.by_people.any() or found.machines):
        return None
    why = "Nobody has looked for wrong labels yet"
    return Advice(why, _command(found, "find-noise", "noise", *_labels(found)))


def _unpriced(found: ReportData) -> Advice | None:
    lines, by_hand = overview.costs(found)
    people = lines[0], by_hand
    named = costs.missing_of_people(found.price, *people)
    if not named:
        return None
    no_hours = any(line.hours is None for line in people)
    no_dollars = any(line.dollars is None for line in people)
    what = "Dollars of people are" if no_dollars else "Hours of people are"
    what = "The cost of people is" if no_dollars and no_hours else what
    return Advice(f"{what} not known: name {named}, in [cost] of the task file", "")
