"""The cheapest pilot: a few labels by people, a few by language models, and what they decide."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from labelkit.config import costs
from labelkit.plan import command_lines
from labelkit.plan.language_models import Model, classes_to_ask, prefix_of
from labelkit.plan.seen import Seen
from labelkit.plan.trials import FEWEST

if TYPE_CHECKING:
    from labelkit.job.job import Job

ROUND = 50  # labels by people that are asked for beside audit rows
_AUDIT = 50  # audit rows of a pilot, at most
_FEWEST_PICKED = 30  # from so many labels on a model learns
_PART = 3  # a pilot takes one in so many of the labels that a budget buys


class Pilot(NamedTuple):
    """What to do first: in words, its price, what it decides, the commands.

    The price is None where nothing of it is known; what else is `unpriced` comes to it.
    """

    what: str
    dollars: float | None
    decides: str
    run: str
    unpriced: str = ""

    @property
    def cost(self) -> str:
        """Its price in words."""
        if self.dollars is None:
            return "price not known"
        known = "free" if not self.dollars else f"${max(self.dollars, 0.01):,.2f}"
        return f"{known} and what {self.unpriced} costs" if self.unpriced else known


def first(seen: Seen) -> Pilot | None:
    """Return the pilot that is worth its price before anything else; None where none is open."""
    job = seen.job
    if seen.all_labelled or not (seen.classes or seen.known.rows):
        return None
    if not seen.found.counts:
        return _of_all(seen) if _most(seen) >= FEWEST or seen.audit_is_typed else None
    if not seen.to_try or not job.has_text():
        return None
    rows = min(seen.known.rows, seen.facts.rows)
    names = " and ".join(model.name for model in seen.to_try.values())
    return Pilot(
        f"{rows:,} rows with known labels by {names}",
        _dollars(seen, rows),
        f"whether {names} {'is' if len(seen.to_try) == 1 else 'are'} accurate enough to take the "
        "place of labels by people",
        of_models(seen, seen.to_try),
        _unpriced(seen),
    )


def _of_all(seen: Seen) -> Pilot:
    """Return a pilot where no labels are known, or too few."""
    picked, audit = _sizes(seen)
    people = costs.people(seen.facts.price, picked + audit, "people").dollars
    parts = [f"{audit:,} audit rows by people" if not picked else
             f"{picked + audit:,} rows by people, {audit:,} of them audit rows"]  # fmt: skip
    decides = "how accurate labels are" if picked else ""
    models = seen.to_try if seen.job.has_text() else {}
    dollars = people
    if models:
        names = " and ".join(model.name for model in models.values())
        parts.append(f"the same rows by {names}")
        known = _dollars(seen, picked + audit)
        dollars = None if people is None else people + (known or 0.0)
        decides = f"whether {names} {'is' if len(models) == 1 else 'are'} accurate enough"
        decides += ", and how fast a model learns from people" if picked else ""
    elif picked:
        decides = "how fast a model learns from people's labels"
    else:
        decides = "how accurate the rules are" if seen.found.covered else "how hard the task is"
    unpriced = _unpriced(seen) if models else ""
    return Pilot(", and ".join(parts), dollars, decides, of_people(seen), unpriced)


def _dollars(seen: Seen, rows: int) -> float | None:
    """Return what the language models that are to be tried cost for so many rows."""
    known = [model.dollars for model in seen.to_try.values() if model.dollars is not None]
    return sum(known) * rows / seen.facts.rows if known else None


def _unpriced(seen: Seen) -> str:
    return " and ".join(m.name for m in seen.to_try.values() if m.dollars is None)


def _sizes(seen: Seen) -> tuple[int, int]:
    """Return how many rows people label in a pilot: those picked, and audit rows."""
    rows = seen.facts.rows
    audit = min(max(seen.facts.audit, FEWEST if not seen.audit_is_typed else 0), rows)
    audit = audit if seen.audit_is_typed else min(audit, _AUDIT)
    most = _most(seen)
    part = most // _PART if most < rows else rows
    if part >= ROUND + audit or seen.audit_is_typed:
        return max(0, min(ROUND, rows - audit)), audit
    audit = min(max(FEWEST, part), audit)
    picked = part - audit
    if picked >= _FEWEST_PICKED:
        return picked, audit
    return (0, audit) if seen.to_try else (max(0, min(_FEWEST_PICKED, rows - audit)), audit)


def _most(seen: Seen) -> int:
    """Return how many labels people can give: of all rows, within the limits."""
    price, limits = seen.facts.price.label, seen.limits
    most = [seen.facts.rows, seen.facts.rows if limits.labels is None else limits.labels]
    most += [int(limits.dollars / price)] if limits.dollars is not None and price else []
    return min(most)


def of_people(seen: Seen) -> str:
    """Return how rows get labels by people, then by language models, and what then tells more."""
    picked, audit = _sizes(seen)
    return by_people(
        seen.job, "-n", str(picked), "--audit", str(audit), models=seen.to_try, seen=seen
    )


def by_people(
    job: "Job", *how: str, models: Mapping[str, Model] | None = None, seen: Seen | None = None
) -> str:
    """Return how rows get labels by people, and what then tells more."""
    batch, known = command_lines.with_ending(job, ".todo.csv"), command_lines.beside(job, "known")
    answers = command_lines.with_ending(job, ".todo.answers.csv")
    commands = [
        command_lines.line(job, "query", "query", *how, "--batch", batch),
        command_lines.command(job, "annotate", batch),
        command_lines.command(
            job, "merge", command_lines.beside(job, "query"), answers, "-o", known
        ),
    ]
    if models and seen and job.has_text():
        where = ["--where", "label is not empty"]
        asked, known = _asked(seen, models, known, where)
        commands += asked
    return command_lines.then(*commands, command_lines.again(job, known))


def of_models(seen: Seen, models: Mapping[str, Model]) -> str:
    """Return how language models label the rows whose label is known, to be measured by them."""
    job = seen.job
    where: list[str] = []
    named = job.options.get("label") or ["label"]
    column = job.options.get("gold") or named[0]
    if seen.known.rows < seen.facts.rows:
        where = ["--where", f"not `{column}` is empty"]
    elif job.task.table("llm-label").get("where"):
        where = ["--where", "true"]  # the rows that it looks at have not been run
    commands, target = _asked(seen, models, command_lines.source(job), where)
    typed = [] if seen.to_try else ["--model", next(iter(models.values())).name]
    return command_lines.then(*commands, command_lines.again(job, target, *typed))


def _asked(
    seen: Seen, models: Mapping[str, Model], file: str, where: list[str]
) -> tuple[list[str], str]:
    """Return the commands by which each model labels the rows of a file, and what they write."""
    job, commands = seen.job, []
    target = command_lines.beside(job, "pilot")
    taken = job.source.has("llm_label")
    for number, model in enumerate(models.values()):
        written = target if not number else command_lines.beside(job, f"pilot-{number + 1}")
        words = [file, "-o", written, *(model.words(job) or ["--model", model.name])]
        words += ["--as", prefix_of(model.name)] if taken or number else []
        if "gold" in job.task.content.get("task", {}):
            words += ["--gold", ""]  # it would be calibrated on what is to judge it
        words += where
        classes = classes_to_ask(job, seen.known.classes())
        words += ["--classes", classes] if classes and not job.options["classes"] else []
        commands.append(command_lines.command(job, "llm-label", *words))
        file = written
    return commands, file
