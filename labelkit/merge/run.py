"""merge: people's answers come into the file, each to its row; nothing that people said is lost."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.command.next_steps import command
from labelkit.config import costs
from labelkit.data import columns
from labelkit.data.answers_file import DETAILS, Answers, read_answers, read_batch
from labelkit.data.columns import AUDIT
from labelkit.data.labels import Mask, Texts, encode
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.io.files import next_to
from labelkit.io.text_cells import as_text
from labelkit.job.batch_file import check_batch, write_batch
from labelkit.merge.vote import Answer, choose

if TYPE_CHECKING:
    from labelkit.job.job import Job

_DETAILS = [name.removeprefix("label_") for name in DETAILS]
_ALWAYS = {"origin", "annotator"}
_SURE = "confidence"
SURE = 0.9  # a label of the crowd model that is less sure is worth another person's word
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")
_SECONDS = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?")
_BEFORE = "\0before"  # who gave a label that was there before, when nobody is named


class Given(NamedTuple):
    """One answer that is used: its row, its label, its details by name."""

    row: int
    label: str
    details: dict[str, str]
    who: str


class Asked(NamedTuple):
    """The rows that people were asked for, and why each was picked."""

    rows: Mask
    origins: Texts


class Tally:
    """What became of the answers."""

    def __init__(self) -> None:
        self.outside_batch = self.outside_where = self.unknown_label = 0
        self.replaced = self.new = self.ties = self.superseded = 0
        self.skipped_seconds = 0.0


def merge(
    job: "Job",
    files: Sequence[Path],
    batches: Sequence[Path],
    prefer: str,
    refuse_unknown: bool,
    again: Path | None = None,
) -> None:
    """Write the input with people's labels; raises LabelkitError for answers that do not fit."""
    if again is not None:
        _check_again(job, again, prefer)
    if [str(path) for path in files].count("-") + (job.options["input"] == "-") > 1:
        raise UsageError("stdin (-) can be only one of INPUT and ANSWERS")
    before = _Before(job)
    asked = _asked(job, batches, refuse_unknown)
    tally = Tally()
    names = {name for name in before.details if job.may_replace(job.column(name))}
    given: list[Given] = []
    for number, path in enumerate(files):
        job.also_reads(path)
        answers = read_answers(job.open(path), job.key_name, job.classes)
        if not len(answers.labels):
            console.warn(f"{answers.name} holds no label yet (its column 'label' is empty)")
        names |= {name.removeprefix("label_") for name in answers.details}
        given += _given(job, answers, number, asked, refuse_unknown, tally)
        tally.skipped_seconds += sum(float(text) for text in answers.unlabelled_seconds if text)
    given = _newest(given, tally)
    there = before.voices({one.row for one in given})
    answered = [Answer(one.row, one.who, one.label) for one in given]
    picked = choose([*there, *answered], prefer, len(there))
    won = {row: place - len(there) for row, place in picked.winner.items()}
    chosen = {row: given[place] for row, place in won.items() if place >= 0}
    names |= _ALWAYS
    ties = {row: given[place - len(there)] for row, place in picked.ties.items()}
    tally.ties = len(ties)
    used = [n for n in _DETAILS if n in names]
    written = before.with_answers(chosen, ties, used, asked, tally)
    sure = dict.fromkeys(picked.ties, 0.0) | picked.sure
    if sure or (job.source.has(job.column(_SURE)) and job.may_replace(job.column(_SURE))):
        written[job.column(_SURE)] = before.confidence(chosen, sure)
    disputed = _contradictions(picked.disputed)
    _say_disputed(job, disputed, prefer)
    job.chosen = None  # --where says whose answers count; what people said of other rows stays
    job.warn_of_spellings(sorted(set(written[before.label_name]) - {""}))
    said = _counted(job, given, tally, written, len(disputed))
    if again is not None:
        said += _ask_again(job, again, picked.sure)
    job.write_output(written, updated=before.filled(written))
    job.print_summary(said, then=_next(job))


def _newest(given: Sequence[Given], tally: Tally) -> list[Given]:
    """Return the newest answer of each person to each row, in order; count the others.

    A row that any of them has as an audit row stays one. The time of all answers is kept.
    """
    newest: dict[tuple[int, str], Given] = {}
    audit = {one.row for one in given if one.details.get("label_origin") == AUDIT}
    for one in given:
        earlier = newest.pop((one.row, one.who), None)
        if earlier is not None:
            tally.superseded += 1
            tally.skipped_seconds += float(earlier.details.get("label_seconds") or 0)
        origin = {"label_origin": AUDIT} if one.row in audit else {}
        newest[one.row, one.who] = one._replace(details=one.details | origin)
    return list(newest.values())


def _asked(job: "Job", batches: Sequence[Path], refuse_unknown: bool) -> Asked | None:
    if not batches:
        return None
    asked = Asked(np.zeros(job.rows, dtype=bool), np.full(job.rows, "", dtype=object))
    for path in batches:
        job.also_reads(path)
        batch = read_batch(job.open(path), job.key_name)
        rows = batch.lines.rows_in(job, refuse_unknown)
        known = rows >= 0
        asked.rows[rows[known]] = True
        # A row drawn for an audit stays one, whatever a later batch asks it for.
        drawn = asked.origins[rows[known]] == AUDIT
        asked.origins[rows[known]] = np.where(drawn, AUDIT, batch.origins[known])
    return asked


def _given(
    job: "Job",
    answers: Answers,
    number: int,
    asked: Asked | None,
    refuse_unknown: bool,
    tally: Tally,
) -> list[Given]:
    numbers = answers.lines.numbers
    _check_seconds(answers.detail("label_seconds"), numbers, answers.name)
    every = np.arange(len(answers.unlabelled_seconds)) + 1
    _check_seconds(answers.unlabelled_seconds, every, answers.name)
    matched = answers.matched(job, refuse_unknown)
    use = np.ones(len(matched.rows), dtype=bool)
    if asked is not None:
        use &= asked.rows[matched.rows]
        tally.outside_batch += int((~use).sum())
    if job.chosen is not None:
        outside = use & ~job.chosen[matched.rows]
        tally.outside_where += int(outside.sum())
        use &= ~outside
    keys = answers.lines.keys[matched.taken][use]
    labels, _, _ = encode(
        matched.labels[use], job.classes, job.ignores_unknown_labels(), answers.name, lambda: keys
    )
    tally.unknown_label += int((labels == "").sum())
    details = {name: values[matched.taken][use] for name, values in answers.details.items()}
    who = matched.annotators[use]
    return [
        Given(
            int(row),
            str(label),
            {name: str(values[i]) for name, values in details.items()},
            str(who[i]) or f"\0{number}",
        )
        for i, (row, label) in enumerate(zip(matched.rows[use], labels, strict=True))
        if label
    ]


class _Before:
    """The labels that the input has, and what is known of how they came."""

    def __init__(self, job: "Job") -> None:
        self.job = job
        prefix = job.options.get("as_name")
        self.label_name = f"{prefix}_label" if prefix else "label"
        self.rows = job.rows
        self.labels = self._labels()
        self.details = {
            name: self._texts(job.column(name))
            for name in _DETAILS
            if job.source.has(job.column(name))
        }

    def _labels(self) -> Texts:
        """Return the labels as they are read, those outside the classes too (nothing is lost)."""
        if not self.job.source.has(self.label_name):
            return np.full(self.rows, "", dtype=object)
        job, labels = self.job, self.job.label_texts([self.label_name])[self.label_name]
        encode(labels, job.classes, job.ignores_unknown_labels(), job.source.name, job.keys)
        return labels

    def _texts(self, name: str) -> Texts:
        if self.job.source.has(name):
            return self.job.source.texts(name)
        return np.full(self.rows, "", dtype=object)

    def detail(self, name: str) -> Texts:
        """Return a detail of the labels there were, '' where nothing is known."""
        return self.details.get(name, np.full(self.rows, "", dtype=object))

    def voices(self, rows: set[int]) -> list[Answer]:
        """Return the labels that these rows have, as the oldest answers of all."""
        annotators = self.detail("annotator")
        return [
            Answer(row, str(annotators[row]) or _BEFORE, str(self.labels[row]))
            for row in sorted(rows)
            if self.labels[row]
        ]

    def with_answers(
        self,
        chosen: dict[int, Given],
        ties: dict[int, Given],
        names: list[str],
        asked: Asked | None,
        tally: Tally,
    ) -> dict[str, Any]:
        """Return the columns to write: these labels, with the chosen answers in their places.

        A row of `ties` gets no label; how it was drawn stays known.
        """
        labels = self.labels.copy()
        details = {name: self.detail(name).copy() for name in names}
        origins, picked = self.detail("origin"), self.job.picked_origins

        def origin(row: int, answer: Given) -> str:
            return _origin(
                answer, asked.origins[row] if asked is not None else "", origins[row], picked[row]
            )

        for row, answer in chosen.items():
            tally.new += not labels[row]
            tally.replaced += labels[row] not in ("", answer.label)
            labels[row] = answer.label
            for name in names:
                details[name][row] = answer.details.get(f"label_{name}", "")
            details["origin"][row] = origin(row, answer)
        for row, newest in ties.items():
            labels[row] = ""
            for name in names:
                details[name][row] = ""
            details["origin"][row] = origin(row, newest)
        return {self.label_name: labels} | {
            self.job.column(name): _typed(name, values, self.job)
            for name, values in details.items()
        }

    def filled(self, written: dict[str, Any]) -> list[str]:
        """Return the columns of the file that answers fill: the labels, and whose they are.

        Others only where no cell of theirs is replaced.
        """
        kept = [self.label_name]
        if self.job.source.has(self.label_name):
            kept += [self.job.column(name) for name in _ALWAYS]
        for name, before in self.details.items():
            if (column := self.job.column(name)) in written:
                now = np.array(as_text(written[column]).to_pylist(), dtype=object)
                kept += [column] if ((before == "") | (before == now)).all() else []
        return kept

    def confidence(self, chosen: dict[int, Given], sure: dict[int, float]) -> Any:
        """Return how sure each label is: these rows by the crowd model, others as they were."""
        import pyarrow as pa

        name = self.job.column(_SURE)
        values: list[Any] = [None] * self.rows
        if self.job.source.has(name) and self.job.source.kinds([name])[name] == "number":
            values = self.job.source.read([name], typed=True).column(0).to_pylist()
        for row in {*chosen, *sure}:
            values[row] = sure.get(row)
        return pa.array(values, pa.float64())


def _origin(answer: Given, asked: str, before: str, picked: str) -> str:
    """Return how a row was drawn: as it was asked for, as its answer says, as it stood before."""
    # Where the answers say nothing, query's columns do.
    known = [str(asked), answer.details.get("label_origin", str(picked)), str(before)]
    if AUDIT in known:
        return AUDIT
    # Since people were asked, query may have drawn other rows of a file that has changed.
    return next((o for o in known if o), str(picked) or "people")


def _check_again(job: "Job", again: Path, prefer: str) -> None:
    if prefer != "consensus":
        raise UsageError("--again needs --prefer consensus, which says how sure each label is")
    check_batch(job, again, "--again")


def _ask_again(job: "Job", again: Path, sure: dict[int, float]) -> str:
    """Write the rows whose label is not sure as a batch; return the words for it."""
    unsure = {row: share for row, share in sure.items() if share < SURE}
    rows = sorted(unsure, key=lambda row: (unsure[row], row))
    confidence = {job.column(_SURE): np.array([unsure[row] for row in rows])}
    write_batch(job, again, rows, [columns.RELABEL] * len(rows), confidence)
    return f" · {len(rows):,} to ask again -> {again}"


def _typed(name: str, values: Texts, job: "Job") -> Any:
    import pyarrow as pa

    if name == "seconds":
        _check_seconds(values, np.arange(len(values)) + 1, job.source.name)
        return pa.array([float(text) if text else None for text in values], pa.float64())
    if name == "flag":
        return pa.array([_truth(text) for text in values], pa.bool_())
    return pa.array([text or None for text in values], pa.string())


def _check_seconds(texts: Texts, numbers: npt.NDArray[np.int64], name: str) -> None:
    for text, number in zip(texts, numbers, strict=True):
        if text and not _SECONDS.fullmatch(text):
            raise LabelkitError(
                f"{name}, row {int(number)}: label_seconds {console.clean(text)!r} is not a "
                f"number of seconds"
            )


def _truth(text: str) -> bool | None:
    folded = text.strip().casefold()
    return None if not folded or folded in _NO else True


Disputed = dict[int, list[tuple[str, str]]]


def _contradictions(disputed: Disputed) -> Disputed:
    """Return the rows on which people that are known differ.

    A label whose giver nobody named is replaced, not contradicted.
    """
    return {
        row: said
        for row, said in disputed.items()
        if len({label for who, label in said if who != _BEFORE}) > 1
    }


def _say_disputed(job: "Job", disputed: Disputed, prefer: str) -> None:
    if not disputed:
        return
    keys = job.keys()
    named = [
        f"{console.clean(keys[row])} ("
        + ", ".join(f"{_name(who)} {console.clean(label)}".strip() for who, label in said)
        + ")"
        for row, said in sorted(disputed.items())
    ]
    console.note(
        f"merge: people disagree on {console.count(len(disputed), 'rows')}, the "
        f"{prefer} counts: {listing(named, 5)}"
    )


def _name(who: str) -> str:
    if who.startswith("\0"):
        return "" if who == _BEFORE else f"file {int(who[1:]) + 1}"
    return console.clean(who)


def _counted(
    job: "Job", given: Sequence[Given], tally: Tally, written: dict[str, Any], disputed: int
) -> str:
    """Give the figures to the history and the summary; return them as the closing line."""
    labels = next(iter(written.values()))
    origins = np.array([o or "before" for o in written[job.column("origin")].to_pylist()])
    there = labels != ""
    kinds, counts = np.unique(origins[there], return_counts=True)
    by_origin = {str(kind): int(n) for kind, n in zip(kinds, counts, strict=True)}
    job.count(
        rows=len(labels),
        answers=len(given),
        new=tally.new,
        replaced=tally.replaced,
        disputed=disputed,
        ties=tally.ties,
        superseded=tally.superseded,
        outside_batch=tally.outside_batch,
        unknown_label=tally.unknown_label,
        labels=int(there.sum()),
    )
    job.figures({"by_origin": by_origin})
    left_out = {
        "outside the batch left out": tally.outside_batch,
        "outside --where left out": tally.outside_where,
        "of no class left out": tally.unknown_label,
        "replaced by a later answer of the same person": tally.superseded,
        "earlier labels replaced": tally.replaced,
        f"tie{'s' * (tally.ties != 1)} without a label": tally.ties,
    }
    origins_told = ", ".join(f"{console.clean(kind)} {n:,}" for kind, n in by_origin.items())
    parts = [
        console.count(len(labels), "rows"),
        console.count(len(given), "answers"),
        *(f"{n:,} {what}" for what, n in left_out.items() if n),
        f"{console.count(int(there.sum()), 'labels')} by people"
        + (f" ({origins_told})" if by_origin else ""),
        *_cost(job, given, tally.skipped_seconds),
    ]
    return " · ".join(parts)


def _cost(job: "Job", given: Sequence[Given], other_seconds: float) -> list[str]:
    """Record and return what the answers cost, as far as it is known.

    `other_seconds` are those of rows that were skipped and of answers that were replaced.
    """
    timed = [s for s in (one.details.get("label_seconds", "") for one in given) if s]
    price = costs.prices(job.task.cost)
    seconds: float | None = sum(map(float, timed)) if timed else None
    said = []
    if seconds is None and price.seconds is not None:
        seconds = price.seconds * len(given)
    elif seconds is not None and len(timed) < len(given):
        seconds *= len(given) / len(timed)
    if seconds is not None:
        seconds += other_seconds
    if seconds is not None and given:
        job.cost(people_seconds=round(seconds, 1))
        said.append(f"{seconds / 3600:.1f} hours")
    dollars = price.dollars_of(len(given), seconds)
    if dollars is not None and given:
        job.cost(people_dollars=round(dollars, 2))
        said.append(f"${dollars:,.2f}")
    return said


def _next(job: "Job") -> str | None:
    if job.output in ("", "-"):
        return None
    if any(job.source.has(name) for name in ("weak_label", "llm_label", "model_label")):
        decided = ("-o", str(next_to(job.output, "decided")))
        return command(job.options, job.task, "decide", job.output, *decided)
    return command(job.options, job.task, "train", job.output, "-o", "labels.model")
