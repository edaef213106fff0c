"""decide: read who says what, decide, measure on the audit rows, write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from labelkit import console
from labelkit.combine import machine as combine
from labelkit.combine import own_model
from labelkit.combine import policy as rule
from labelkit.combine import sources as voters
from labelkit.combine.opinion_pool import Codes
from labelkit.combine.policy import Decision, Machine
from labelkit.combine.sources import MODEL, Said, Source
from labelkit.command import next_steps
from labelkit.config import costs, waterfall
from labelkit.data.labels import Mask, read_labels
from labelkit.decide import judging, made_by, messages, routing, worth
from labelkit.decide.claim import claimed
from labelkit.errors import UsageError, listing, nearest
from labelkit.job.batch_file import check_batch, write_batch
from labelkit.verdict import messages as verdicts
from labelkit.verdict.judge import target_of

if TYPE_CHECKING:
    from labelkit.job.job import Job

_USUAL_ORDER = ("llm", "weak")


@dataclass(frozen=True)
class Wanted:
    """The options of decide."""

    policy: str = "combine"
    order: str | None = None
    threshold: float = 0.6
    own_model: bool = True
    believed: Mapping[str, float | None] = field(default_factory=dict)
    terms: routing.Terms | None = None
    batch: Path | None = None
    worth: bool = False


def decide(job: "Job", wanted: Wanted) -> None:
    """Write one label a row, and tell where the labels come from and how good they are."""
    _check(wanted, job.task.cost)
    if wanted.batch is not None:
        check_batch(job, wanted.batch)
    said = voters.read(job, wanted.believed)
    deciding = _Deciding(job, said, wanted)
    machine = deciding.machine(said)
    _warn_of_unnamed(said, machine)
    final = rule.with_people(said.people, machine.decision)
    among = np.ones(job.rows, dtype=bool) if job.chosen is None else job.chosen
    claim = claimed(said, machine.decision, final, among)
    told = messages.measured(job, said, machine, final, among, claim)
    messages.tell(machine, told)
    job.count(**told.counts)
    job.figures(told.figures)
    if wanted.worth and among.any():
        found = _worth(job, said, machine, final, among, deciding)
        job.figures({"worth": found})
        _tell_worth(job, found, int((said.people >= 0).sum()))
    annotations = _annotations(job, said, final)
    if wanted.terms is not None:
        annotations |= _routed(job, said, machine, final, among, wanted)
    target = target_of(None if wanted.terms is None else wanted.terms.target)
    conclusion = judging.conclude(job, said, machine, final, among, claim, target)
    job.figures({"verdict": verdicts.plain(conclusion)})
    job.write_output(annotations)
    job.print_summary(messages.closing(told))
    verdicts.close(conclusion, _next(job))


def _check(wanted: Wanted, cost: Mapping[str, Any]) -> None:
    if not 0 <= wanted.threshold <= 1:
        raise UsageError(f"--threshold {wanted.threshold}: give a number from 0 to 1")
    if wanted.terms is not None:
        routing.check(wanted.terms, cost)
    elif wanted.batch is not None:
        raise UsageError("--batch holds the rows that --target-accuracy sends to people; give both")
    if wanted.order is not None and wanted.policy != "priority":
        raise UsageError("--order is for --policy priority; the policy combine weighs all voters")


def _warn_of_unnamed(said: Said, machine: Machine) -> None:
    """Say which of people's classes no voter ever names: their rows get another label."""
    given = set(said.people[(said.people >= 0) & ~said.audit].tolist())
    named = set(machine.decision.codes.tolist())
    missing = [console.clean(said.classes[code], 40) for code in sorted(given - named)]
    if missing and len(named - {-1}):
        console.warn(
            f"no voter names {listing(missing)}: rows that people would label so get another "
            f"label, or none; give rules for them, or let people label some (labelkit query)"
        )


class _Deciding:
    """How one file is decided: the policy with all that it needs beside who says what."""

    def __init__(self, job: "Job", said: Said, wanted: Wanted) -> None:
        self._threshold, self._k = wanted.threshold, len(said.classes)
        self.inputs: own_model.Inputs | None = None
        self.groups: Codes | None = None
        self._order: list[str] | None = None
        if wanted.policy == "priority":
            self._order = [s.column for s in _order(job, said.sources, wanted.order)]
            return
        contents = job.content_columns()
        if wanted.own_model and contents:
            self.inputs = own_model.Inputs(job)
        if self.inputs is not None or combine.enough_to_learn(said):
            self.groups = job.groups(contents) if contents else np.arange(job.rows)

    def machine(self, said: Said) -> Machine:
        """Return what is decided without people's word; tell where no model could fill."""
        if self._order is not None:
            return self._in_order(said)
        return combine.combined(said, self.groups, None if self.inputs is None else self._learn)

    def again(self, rows: Codes) -> Callable[[Said], Machine]:
        """Return what decides on some rows, with what was found for all."""
        if self._order is not None:
            return self._in_order
        learn = None
        groups = None if self.groups is None else self.groups[rows]
        if self.inputs is not None:
            some = own_model.SomeInputs(self.inputs, rows)

            def learn(decided: Decision, teaching: Mask) -> Source | None:
                assert groups is not None
                return own_model.reader(some, decided, teaching, groups, self._k)

        return lambda said: combine.combined(said, groups, learn)

    def in_plain_order(self, job: "Job", said: Said) -> Machine | None:
        """Return what the first voter that speaks says, where the policy weighs them all."""
        if self._order is not None:
            return None
        return rule.in_order(said, _order(job, said.sources, None), 0.0)

    def _in_order(self, said: Said) -> Machine:
        of = {source.column: source for source in said.sources}
        order = [of[column] for column in self._order or [] if column in of]
        return rule.in_order(said, order, self._threshold)

    def _learn(self, decided: Decision, teaching: Mask) -> Source | None:
        assert self.inputs is not None and self.groups is not None
        own = own_model.reader(self.inputs, decided, teaching, self.groups, self._k)
        if own is None and (decided.codes < 0).any():
            console.note(
                f"rows of which nobody speaks stay without a label: a model that fills them needs "
                f"{own_model.FEWEST} labels of two classes or more, beside those of audit rows"
            )
        return own


def _worth(
    job: "Job", said: Said, machine: Machine, final: Decision, among: Mask, deciding: _Deciding
) -> dict[str, Any]:
    """Return what each step that made the file is worth."""
    looked = worth.looked_at(said, among, job.seed)
    gold = job.gold()
    told = worth.Told(
        said,
        worth.Labels(final.codes, machine.decision.codes),
        among,
        looked,
        deciding.again(looked.rows),
        None if gold is None else read_labels(gold, said.names),
    )
    in_order = deciding.in_plain_order(job, said)
    return worth.figures(made_by.parts(job, said), said, final, told, in_order)


def _tell_worth(job: "Job", found: dict[str, Any], labels: int) -> None:
    if console.is_within():
        return  # the pipeline shows it with the stages that come later
    this = {"command": "decide", "figures": {"worth": found}}
    given = waterfall.made([*job.steps, this], costs.prices(job.task.cost), labels, None)
    assert given is not None
    console.table(waterfall.title(given, "step"), waterfall.header(given), waterfall.cells(given))
    for line in waterfall.words(given):
        console.note(line)


def _order(job: "Job", sources: list[Source], order: str | None) -> list[Source]:
    if order is None and job.options.get("label"):
        return sources
    if order is None:
        usual = {name: place for place, name in enumerate(_USUAL_ORDER)} | {MODEL: len(sources) + 9}
        return sorted(sources, key=lambda source: usual.get(source.name, len(_USUAL_ORDER)))
    found: list[Source] = []
    known = [source.column for source in sources]
    for name in [part.strip() for part in order.split(",") if part.strip()]:
        named = [s for s in sources if name in (s.column, s.name)]
        if not named:
            choices = [*known, *(source.name for source in sources)]
            raise UsageError(
                f"--order: {name!r} is no voter of this file{nearest(name, choices)} "
                f"(voters: {listing(known) or 'none'})"
            )
        found += [source for source in named if source not in found]
    return found


def _annotations(job: "Job", said: Said, final: Decision) -> dict[str, Any]:
    names = pa.array(said.names, pa.string())
    none = final.codes < 0
    return {
        job.column("label"): names.take(pa.array(final.codes.astype(np.int32), mask=none)),
        job.column("confidence"): pa.array(final.confidence, mask=np.isnan(final.confidence)),
        job.column("source"): pa.array(final.source, pa.string(), mask=none),
    }


def _routed(
    job: "Job", said: Said, machine: Machine, final: Decision, among: Mask, wanted: Wanted
) -> dict[str, Any]:
    """Return the column that says where each row goes; tell what that buys, write the batch."""
    assert wanted.terms is not None
    labels = int((said.people >= 0).sum())
    # A row that was asked again is one label and two answers, both of which cost.
    by_people = costs.work(costs.merged_in(job.steps), labels, None).answers
    llm = job.spent_on_models()
    unknown = llm.total is None
    terms = routing.within(wanted.terms, job.task.cost, by_people, llm.dollars, unknown)
    found = routing.routed(said, machine.decision, final, among, terms)
    calibrated = machine.pool is not None and machine.pool.calibrated
    for line in routing.lines(found, terms, calibrated):
        console.note(line)
    job.figures({"route": routing.plain(found, terms)})
    if wanted.batch is not None:
        _write_batch(job, wanted.batch, said, final, found)
    return {job.column("route"): pa.array(found.to, pa.string(), mask=~among)}


def _write_batch(
    job: "Job", path: Path, said: Said, final: Decision, found: routing.Routed
) -> None:
    """Write the rows for people, the least sure first, with what is decided of them as a guess."""
    rows = np.flatnonzero(found.to == routing.TO_PEOPLE)
    sure = np.nan_to_num(final.confidence[rows])
    rows = rows[np.lexsort((rows, sure))]
    names = np.array([*said.names, None], dtype=object)
    suggestions = {
        "query_guess": names[final.codes[rows]].tolist(),
        "query_guess_confidence": [round(float(p), 6) for p in np.sort(sure)],
        "query_reason": ["the least sure labels go to people"] * len(rows),
    }
    write_batch(job, path, rows.tolist(), ["query"] * len(rows), suggestions)
    console.note(f"{console.count(len(rows), 'rows')} for people -> {path}")


def _next(job: "Job") -> str | None:
    """Return the command that learns from the decided labels.

    The answers tell it which rows are audit rows, where no column does.
    """
    if job.output in ("", "-"):
        return None
    words = [job.output, "-o", "labels.model", "--label", job.column("label")]
    words += next_steps.words_of("answers", job.options.get("answers") or [])
    return next_steps.command(job.options, job.task, "train", *words)
