"""The live loop: audit rows first, then the rows that teach most, while a model learns along."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console
from labelkit.annotate.active.learner import PICKS, Learner, Ranking, Told
from labelkit.annotate.active.stopping_monitor import Watch
from labelkit.annotate.row import About, Suggestion
from labelkit.annotate.rows import Deck
from labelkit.annotate.session import Limits, Session
from labelkit.command.next_steps import words_of
from labelkit.data.audit import audit_order, draw_audit, may_be_drawn
from labelkit.data.columns import AUDIT
from labelkit.data.suggestions import BLIND_ORIGINS, SUGGESTING
from labelkit.errors import LabelkitError
from labelkit.io import output_checks
from labelkit.io.files import ending_of, next_to

if TYPE_CHECKING:
    from labelkit.job.job import Job

EVERY = 5  # labels between two rankings
MOST_AUDIT = 30
# Options that the commands which leave something behind have to know as well.
_SHARED = (
    "text", "classes", "unknown_label", "id", "gold", "features", "column", "cache", "delimiter",
    "seed",
)  # fmt: skip
_DETAILS = ("note", "flag", "seconds")  # what answers of annotate have of a label
AUDIT_SHARE = 5  # of a budget of labels, one in five at most is for the audit


class LiveOrder:
    """Asks the audit rows, then what the learner ranks first; never waits for it."""

    def __init__(
        self, deck: Deck, audit: list[int], learner: Learner, limits: Limits, seed: int
    ) -> None:
        self._deck, self._learner, self._limits = deck, learner, limits
        self._audit, self._is_audit = audit, set(audit)
        self._session: Session | None = None
        self._told = -1
        self._batch: Ranking | None = None  # the ranking whose picks are being asked
        shuffled = np.random.default_rng([seed, 7]).permutation(deck.rows)
        closed = learner.told.barred | deck.labelled()
        self._meanwhile = shuffled[~closed[shuffled]].tolist()

    def attach(self, session: Session) -> None:
        """Begin to learn from the session's answers."""
        self._session = session
        self._told = len(self._answers())
        self._learner.start(self._answers(), self._answers(of_audit=True))

    def next(self, is_open: Callable[[int], bool]) -> int | None:
        """Return the next row: of the audit, of the ranking, or any until there is a ranking.

        The picks of a ranking were chosen together, to differ from each other: they are asked
        before those of a newer one. While a ranking is being made, one row at a time is taken
        off the last.
        """
        picks: list[int] = [] if self._batch is None else self._batch.rows[:PICKS].tolist()
        for row in self._audit:
            if is_open(row) or self._was_chosen(row):
                return row
        for row in picks:
            if is_open(row):
                return row
        ranking = self._learner.ranking
        is_newest = ranking is not None and ranking.labels == self._told
        self._batch = ranking if is_newest else None
        rows = self._meanwhile if ranking is None else ranking.rows
        return next((int(row) for row in rows if is_open(int(row))), None)

    def _was_chosen(self, row: int) -> bool:
        """Tell whether an audit row was answered before it was drawn, so is asked again."""
        said = None if self._session is None else self._session.said.get(row)
        return said is not None and bool(said.label or said.skipped) and said.origin != AUDIT

    def about(self, row: int) -> About:
        """Return why the row is asked; nothing that could sway the answer to an audit row."""
        if row in self._is_audit:
            return About(AUDIT, "", None)
        known, ranking = self._deck.about(row), self._learner.ranking
        if known.origin in BLIND_ORIGINS:
            return known
        if ranking is None:
            return known._replace(origin="query", reason="at random: the model is not ready yet")
        suggestion = known.suggestion
        if ranking.codes[row] >= 0:
            label = self._deck.classes[ranking.codes[row]]
            suggestion = Suggestion(label, float(ranking.confidence[row]), "the model says")
        picked = self._batch.reasons if self._batch is not None else {}
        return About("query", picked.get(row, ranking.reasons.get(row, "")), suggestion)

    def changed(self, reopened: bool) -> None:
        """Have the rows ranked anew once enough answers have come, or one was taken back."""
        if self._session is None:
            return
        answers = self._answers()
        if abs(len(answers) - self._told) >= EVERY or (reopened and len(answers) != self._told):
            self._told = len(answers)
            self._learner.tell(answers, self._answers(of_audit=True))

    def over(self, session: Session) -> str:
        """Return which limit or stopping rule is reached."""
        return self._limits.reached(session) or self._learner.watch.reached()

    def _answers(self, of_audit: bool = False) -> dict[int, int]:
        """Return the answers to learn from: none to the audit, none to what looks like it; or
        those to the audit.
        """
        assert self._session is not None
        place = {label: code for code, label in enumerate(self._deck.classes)}
        barred = self._learner.told.barred
        return {
            row: place[said.label]
            for row, said in self._session.said.items()
            if said.label and (said.origin == AUDIT if of_audit else not barred[row])
        }


def make_order(
    job: "Job",
    deck: Deck,
    strategy: str,
    audit: int | None,
    limits: Limits,
    watch: Watch | None = None,
) -> tuple[LiveOrder, Learner]:
    """Return the order of a live session, and its learner, which must be stopped."""
    people = _codes(deck, ["label"])
    barred = job.audit_mask.copy()
    pool = np.flatnonzero(~deck.labelled())
    if not len(pool):
        why = "every row has a label" if deck.rows else "it has no rows"
        raise LabelkitError(f"{deck.name}: {why}; there is nothing to ask")
    drawn = _draw_audit(job, deck, audit, limits)
    barred[drawn] = True
    barred |= np.isin(deck.kinds, deck.kinds[barred])
    told = Told(people, _codes(deck, list(SUGGESTING)), barred)
    learner = Learner(job, deck, deck.classes, told, strategy, watch or Watch((), job.seed))
    return LiveOrder(deck, drawn, learner, limits, job.seed), learner


def check_features(job: "Job", deck: Deck) -> None:
    """Raise where the model could not learn: better now than after two hours of a person's."""
    from labelkit.ml.embedding import Embedding
    from labelkit.ml.features import Features

    job.source.require(list(job.options.get("column") or []), "--column")
    choice = str(job.options.get("features") or "auto")
    if choice != "auto":
        Features(deck.text, {}, choice)
        kind, _, name = choice.partition(":")
        if "embedding" in kind:
            Embedding(name, lambda: job.cache_dir).require()


def _draw_audit(job: "Job", deck: Deck, wanted: int | None, limits: Limits) -> list[int]:
    """Return the first rows of the audit order; more where more labels may be given."""
    if wanted is None:
        wanted = MOST_AUDIT
        if limits.labels is not None:
            wanted = min(wanted, limits.labels // AUDIT_SHARE)
    labelled = deck.labelled()
    among, answered = may_be_drawn(labelled, job.origins), labelled & job.audit_mask
    drawn: list[int] = draw_audit(
        audit_order(deck.keys, job.seed), among, answered, wanted
    ).tolist()
    return drawn


def _codes(deck: Deck, names: list[str]) -> Any:
    """Return the class of each row by the first of these columns that names one, else -1."""
    found = np.full(deck.rows, -1, dtype=np.int64)
    for name in names:
        if not deck.has(name):
            continue
        codes = pc.index_in(deck.column(name), value_set=pa.array(deck.classes, pa.string()))
        fresh = pc.fill_null(codes, -1).to_numpy().astype(np.int64)
        found = np.where(found < 0, fresh, found)
    return found


def _taught(session: Session) -> set[str]:
    """Return the labels of rows that a model may learn from: none of the audit, none like them."""
    kinds = session.deck.kinds
    said = {row: one for row, one in session.said.items() if one.label}
    barred = {int(kinds[row]) for row, one in said.items() if one.origin == AUDIT}
    return {one.label for row, one in said.items() if int(kinds[row]) not in barred}


def left_behind(source: str, answers: Path) -> tuple[Path, Path]:
    """Return where the labelled file and the model go: beside the answers."""
    labelled = answers.parent / next_to(source, "labelled").name
    return labelled, answers.parent / f"{Path(source).name.removesuffix(ending_of(source))}.model"


def refuse_foreign(path: Path, answers: Path) -> None:
    """Raise LabelkitError where a file that is left behind would replace one of the user."""
    output_checks.refuse_foreign(path, ("merge", "predict", "train"), answers)


def check_columns(job: "Job", answers: Path) -> None:
    """Raise where what is left behind would replace columns of the user: now, not at the end."""
    from labelkit.command.introspect import parsed
    from labelkit.command.invoke import later_job

    source = str(job.options["input"])
    labelled, model = map(str, left_behind(source, answers))
    merge = ["merge", source, str(answers), "-o", labelled, *_passed(job, "merge")]
    predict = ["predict", model, source, "-o", labelled, *_passed(job, "predict")]
    for name, *args in (merge, predict):
        later = later_job(name, parsed(name, args), [source])
        assert later is not None
        later.check_columns(job.source, details=_DETAILS)


def leave_behind(job: "Job", session: Session, answers: Path) -> Path | None:
    """Write the labelled file and a model beside the answers; return the model, if there is one."""
    from labelkit.command.invoke import run

    source = str(job.options["input"])
    if not session.labels_given():
        return None
    taught = _taught(session)
    labelled, model = left_behind(source, answers)
    for path in (labelled, model):  # it may have come while the person was at work
        refuse_foreign(path, answers)
    with console.within():
        run(["merge", source, str(answers), "-o", str(labelled), *_passed(job, "merge")])
        if len(taught) < 2:
            console.note("annotate: no model yet, it takes labels of two classes")
            return None
        run(["train", str(labelled), "-o", str(model), *_passed(job, "train")])
        run(["predict", str(model), str(labelled), "--in-place", *_passed(job, "predict")])
    return model


def _passed(job: "Job", command: str) -> list[str]:
    """Return the options of this run that another command has to know as well."""
    from labelkit.command.introspect import accepted

    known = accepted(command)
    args = ["--task", str(job.task_path)] if job.task_path else ["--no-task"]
    for name in _SHARED:
        value = job.options.get(name)
        if name in known and value is not None:
            args += words_of(name, value)
    if job.options["encoding"] != "utf-8":
        args += ["--encoding", job.options["encoding"]]
    return args + (["--quiet"] if job.options.get("quiet") else [])
