"""The live loop: audit rows first, then rows queried with a model that is trained meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console
from labelkit.annotate.active.learner import BATCH_PICKS, KnownLabels, Learner, Ranking
from labelkit.annotate.active.stopping_monitor import StoppingMonitor
from labelkit.annotate.row import RowInfo, Suggestion
from labelkit.annotate.row_order import Limits, SessionProgress
from labelkit.annotate.rows import RowTable
from labelkit.annotate.session import Session
from labelkit.command.next_steps import words_of
from labelkit.data.audit import audit_order, draw_audit, may_be_drawn
from labelkit.data.columns import AUDIT
from labelkit.data.suggestions import BLIND_ORIGINS, SUGGESTING
from labelkit.errors import LabelkitError
from labelkit.io import output_checks
from labelkit.io.files import ending_of, next_to

if TYPE_CHECKING:
    from labelkit.job.job import Job

LABELS_PER_RANKING = 5  # labels between two rankings
MAX_AUDIT_ROWS = 30
# Options passed on to the commands that write the final files.
_SHARED = (
    "text", "classes", "unknown_label", "id", "gold", "features", "column", "cache", "delimiter",
    "seed",
)  # fmt: skip
_DETAILS = ("note", "flag", "seconds")  # columns of an answers file besides the label
AUDIT_SHARE = 5  # at most one in five labels of --labels is for the audit


class LiveOrder:
    """Shows audit rows first, then the rows that the learner ranks first; never waits for it."""

    def __init__(
        self, table: RowTable, audit: list[int], learner: Learner, limits: Limits, seed: int
    ) -> None:
        self._table, self._learner, self._limits = table, learner, limits
        self._audit, self._is_audit = audit, set(audit)
        self._session: Session | None = None
        self._ranked_labels = -1
        self._batch: Ranking | None = None  # the ranking whose batch is being shown
        shuffled = np.random.default_rng([seed, 7]).permutation(table.rows)
        not_askable = learner.known_labels.excluded | table.labelled()
        self._meanwhile = shuffled[~not_askable[shuffled]].tolist()

    def attach(self, session: Session) -> None:
        """Start training on the session's answers."""
        self._session = session
        self._ranked_labels = len(self._answers())
        self._learner.start(self._answers(), self._answers(of_audit=True))

    def next(self, is_open: Callable[[int], bool]) -> int | None:
        """Return the next row: from the audit, the ranking, or at random until there is one.

        The batch of a ranking was selected to be diverse, so it is shown completely before a newer
        ranking is used. While a ranking is being made, rows are taken from the latest one.
        """
        picks: list[int] = [] if self._batch is None else self._batch.rows[:BATCH_PICKS].tolist()
        for row in self._audit:
            if is_open(row) or self._was_answered_before_audit(row):
                return row
        for row in picks:
            if is_open(row):
                return row
        ranking = self._learner.ranking
        is_newest = ranking is not None and ranking.labels == self._ranked_labels
        self._batch = ranking if is_newest else None
        rows = self._meanwhile if ranking is None else ranking.rows
        return next((int(row) for row in rows if is_open(int(row))), None)

    def _was_answered_before_audit(self, row: int) -> bool:
        """Return whether an audit row was answered before it was drawn; it is shown again."""
        answer = None if self._session is None else self._session.answers.get(row)
        return (
            answer is not None and bool(answer.label or answer.skipped) and answer.origin != AUDIT
        )

    def row_info(self, row: int) -> RowInfo:
        """Return why the row is shown; for an audit row nothing that could bias the answer."""
        if row in self._is_audit:
            return RowInfo(AUDIT, "", None)
        info, ranking = self._table.row_info(row), self._learner.ranking
        if info.origin in BLIND_ORIGINS:
            return info
        if ranking is None:
            return info._replace(origin="query", reason="at random: the model is not ready yet")
        suggestion = info.suggestion
        if ranking.codes[row] >= 0:
            label = self._table.classes[ranking.codes[row]]
            suggestion = Suggestion(label, float(ranking.confidence[row]), "the model says")
        picked = self._batch.reasons if self._batch is not None else {}
        return RowInfo("query", picked.get(row, ranking.reasons.get(row, "")), suggestion)

    def changed(self, reopened: bool) -> None:
        """Request a new ranking after enough new answers, or after an undo."""
        if self._session is None:
            return
        answers = self._answers()
        if abs(len(answers) - self._ranked_labels) >= LABELS_PER_RANKING or (
            reopened and len(answers) != self._ranked_labels
        ):
            self._ranked_labels = len(answers)
            self._learner.update(answers, self._answers(of_audit=True))

    def stop_reason(self, session: SessionProgress) -> str:
        """Return which limit or stopping rule is reached, '' if none."""
        return self._limits.reached(session) or self._learner.monitor.reached()

    def _answers(self, of_audit: bool = False) -> dict[int, int]:
        """Return class codes by row: the answers for training, or those to audit rows.

        Audit rows and their duplicates are not used for training.
        """
        assert self._session is not None
        class_codes = {label: code for code, label in enumerate(self._table.classes)}
        excluded = self._learner.known_labels.excluded
        return {
            row: class_codes[answer.label]
            for row, answer in self._session.answers.items()
            if answer.label and (answer.origin == AUDIT if of_audit else not excluded[row])
        }


def make_order(
    job: "Job",
    table: RowTable,
    strategy: str,
    audit: int | None,
    limits: Limits,
    monitor: StoppingMonitor | None = None,
) -> tuple[LiveOrder, Learner]:
    """Return the order of a live session, and its learner, which the caller must stop."""
    people = _class_codes(table, ["label"])
    excluded = job.audit_mask.copy()
    pool = np.flatnonzero(~table.labelled())
    if not len(pool):
        reason = "every row has a label" if table.rows else "it has no rows"
        raise LabelkitError(f"{table.name}: {reason}; nothing to label")
    drawn = _draw_audit(job, table, audit, limits)
    excluded[drawn] = True
    excluded |= np.isin(table.duplicate_group, table.duplicate_group[excluded])
    known_labels = KnownLabels(people, _class_codes(table, list(SUGGESTING)), excluded)
    learner = Learner(
        job, table, table.classes, known_labels, strategy, monitor or StoppingMonitor((), job.seed)
    )
    return LiveOrder(table, drawn, learner, limits, job.seed), learner


def check_features(job: "Job", table: RowTable) -> None:
    """Raise LabelkitError if the model cannot be trained, before a person starts to label."""
    from labelkit.ml.embedding import Embedding
    from labelkit.ml.features import Features

    job.source.require(list(job.options.get("column") or []), "--column")
    choice = str(job.options.get("features") or "auto")
    if choice != "auto":
        Features(table.text, {}, choice)
        kind, _, name = choice.partition(":")
        if "embedding" in kind:
            Embedding(name, lambda: job.cache_dir).require()


def _draw_audit(job: "Job", table: RowTable, n_rows: int | None, limits: Limits) -> list[int]:
    """Return the audit rows: the first `n_rows` of the audit order (default: see --audit)."""
    if n_rows is None:
        n_rows = MAX_AUDIT_ROWS
        if limits.labels is not None:
            n_rows = min(n_rows, limits.labels // AUDIT_SHARE)
    labelled = table.labelled()
    drawable, answered = may_be_drawn(labelled, job.origins), labelled & job.audit_mask
    drawn: list[int] = draw_audit(
        audit_order(table.keys, job.seed), drawable, answered, n_rows
    ).tolist()
    return drawn


def _class_codes(table: RowTable, names: list[str]) -> Any:
    """Return the class code of each row from the first of these columns with a class, else -1."""
    codes = np.full(table.rows, -1, dtype=np.int64)
    for name in names:
        if not table.has(name):
            continue
        column_codes = pc.index_in(
            table.column(name), value_set=pa.array(table.classes, pa.string())
        )
        fresh = pc.fill_null(column_codes, -1).to_numpy().astype(np.int64)
        codes = np.where(codes < 0, fresh, codes)
    return codes


def _trainable_labels(session: Session) -> set[str]:
    """Return the labels that can be used for training: not those of audit rows or duplicates."""
    kinds = session.table.duplicate_group
    answers = {row: answer for row, answer in session.answers.items() if answer.label}
    excluded = {int(kinds[row]) for row, answer in answers.items() if answer.origin == AUDIT}
    return {answer.label for row, answer in answers.items() if int(kinds[row]) not in excluded}


def final_file_paths(source: str, answers: Path) -> tuple[Path, Path]:
    """Return the paths of the labelled file and the model, beside the answers."""
    labelled = answers.parent / next_to(source, "labelled").name
    return labelled, answers.parent / f"{Path(source).name.removesuffix(ending_of(source))}.model"


def refuse_foreign(path: Path, answers: Path) -> None:
    """Raise LabelkitError if a final file would replace a file of the user."""
    output_checks.refuse_foreign(path, ("merge", "predict", "train"), answers)


def check_columns(job: "Job", answers: Path) -> None:
    """Raise LabelkitError, before labelling starts, if the final files would replace columns."""
    from labelkit.command.introspect import parsed
    from labelkit.command.invoke import later_job

    source = str(job.options["input"])
    labelled, model = map(str, final_file_paths(source, answers))
    merge = ["merge", source, str(answers), "-o", labelled, *_shared_args(job, "merge")]
    predict = ["predict", model, source, "-o", labelled, *_shared_args(job, "predict")]
    for name, *args in (merge, predict):
        later = later_job(name, parsed(name, args), [source])
        assert later is not None
        later.check_columns(job.source, details=_DETAILS)


def write_final_files(job: "Job", session: Session, answers: Path) -> Path | None:
    """Write the labelled file and a model beside the answers; return the model's path, or None."""
    from labelkit.command.invoke import run

    source = str(job.options["input"])
    if not session.labels_given():
        return None
    labels = _trainable_labels(session)
    labelled, model = final_file_paths(source, answers)
    for path in (labelled, model):  # it may have been created during the session
        refuse_foreign(path, answers)
    with console.within():
        run(["merge", source, str(answers), "-o", str(labelled), *_shared_args(job, "merge")])
        if len(labels) < 2:
            console.note(
                "annotate: no model was trained; labels of at least two classes are needed"
            )
            return None
        run(["train", str(labelled), "-o", str(model), *_shared_args(job, "train")])
        run(["predict", str(model), str(labelled), "--in-place", *_shared_args(job, "predict")])
    return model


def _shared_args(job: "Job", command: str) -> list[str]:
    """Return the options of this run that another command needs as well."""
    from labelkit.command.introspect import accepted

    option_names = accepted(command)
    args = ["--task", str(job.task_path)] if job.task_path else ["--no-task"]
    for name in _SHARED:
        value = job.options.get(name)
        if name in option_names and value is not None:
            args += words_of(name, value)
    if job.options["encoding"] != "utf-8":
        args += ["--encoding", job.options["encoding"]]
    return args + (["--quiet"] if job.options.get("quiet") else [])
