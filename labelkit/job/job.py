"""One run of a command: its input, the options that all share, and its output."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.config import costs
from labelkit.config import paths as places
from labelkit.config import task_file as tasks
from labelkit.config.label_text import split_classes
from labelkit.data import columns, row_keys, text_columns
from labelkit.data.answers_journal import refuse_unwritten
from labelkit.data.duplicates import duplicate_groups, joined_groups, share_group
from labelkit.data.labels import Labels, Mask, Texts
from labelkit.data.probability_columns import probabilities
from labelkit.errors import AFTER_WRITING, LabelkitError, UsageError, listing
from labelkit.io import history, ledger, output_checks, table
from labelkit.job import output, row_mask
from labelkit.job.options import Declared
from labelkit.job.own_columns import OwnColumns
from labelkit.job.run_record import RunRecord

if TYPE_CHECKING:
    from labelkit.ml.features import Features


class Job(OwnColumns, RunRecord):
    """What a command's function gets: columns in, annotations out, and what to say about it."""

    def __init__(
        self, declared: Declared, options: dict[str, Any], own: Mapping[str, Any] | None = None
    ) -> None:
        self.name = declared.name
        self.prefix = declared.prefix
        self.annotates = declared.annotates
        self.options = options
        self.own = dict(own or {})
        self.seed: int = options["seed"]
        self.jobs: int = options.get("jobs") or 1
        self.task_path = places.task_path(options)
        super().__init__()
        # More columns that no model, rule or prompt may see: a command may set them first of all.
        self.hidden: list[str] = []
        self._kept_rows = 0
        shows = any(self.own.get(name) for name in declared.instead_of_output)
        writes = options.get("output") or options.get("in_place")
        if self.annotates and (writes or not shows):
            output_checks.check(
                self.name,
                self.options.get("output"),
                bool(self.options.get("in_place")),
                self._input_paths(),
                self._format(),
            )
        output_checks.check_others(options, self.own, self._input_paths(), self.task_path)
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: give 0 or more")
        row_mask.check(options.get("where"), options.get("sample"))

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        done = failed is None or issubclass(failed, AFTER_WRITING)  # its output is written
        if done and self.options.get("summary"):
            told = {"command": self.name, **self._counts, **self._figures}
            output_checks.write_summary(self.options["summary"], told, self._costs)

    # -- the input -----------------------------------------------------------------------------

    @cached_property
    def source(self) -> table.Table:
        """The input, opened."""
        given = self.options["input"]
        paths = [given] if isinstance(given, str) else list(given)
        opened = self.open(*paths)
        if self.options["delimiter"] is None:
            text_columns.refuse_other_delimiter(opened)
        self.check_columns(opened)
        if self.annotates and self.output:
            opened.check_output(self.output, self._format(), self.classes or [])
        return opened

    def open(self, *paths: str | Path) -> table.Table:
        """Open a data or answers file; raises LabelkitError where its journal is newer."""
        for path in paths:
            refuse_unwritten(Path(path))
        return table.Table(
            paths,
            given_format=self._format(),
            delimiter=self.options["delimiter"],
            encoding=self.options["encoding"],
        )

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.source.count()

    def need_rows(self) -> None:
        """Raise LabelkitError for a file that is a header alone."""
        if not self.rows:
            raise LabelkitError(f"{self.source.name} has no rows")

    def require(self, names: Sequence[str]) -> None:
        """Raise LabelkitError for a column that is not in the file."""
        self.source.require(names)

    @cached_property
    def task(self) -> tasks.Task:
        """The task file's content; empty where there is none."""
        return tasks.NO_TASK if self.task_path is None else tasks.load(self.task_path)

    @cached_property
    def classes(self) -> list[str] | None:
        """The declared classes, in their order."""
        return split_classes(self.options.get("classes"))

    @cached_property
    def text(self) -> list[str]:
        """The text columns: those named, else `text`, else the only column that reads like text.

        Raises LabelkitError that lists the columns where it is not clear.
        """
        named = self.options.get("text")
        if named:
            self.source.require(named, "--text")
            self.source.take_as_text(named)
            return list(named)
        names = [name for name in self.source.columns if name not in self._not_features]
        found = text_columns.text_columns(self.source, names)
        self.source.take_as_text(found)
        return found

    def has_text(self) -> bool:
        """Tell whether the text columns are clear."""
        try:
            return bool(self.text)
        except LabelkitError:
            if self.options.get("text"):
                raise
            return False

    @cached_property
    def chosen(self) -> Mask | None:
        """The rows to act on by --where and --sample; None means all."""
        where, sample = self.options.get("where"), self.options.get("sample")
        return row_mask.rows_to_act_on(self.source, where, sample, self.seed)

    # -- keys, labels, gold, groups ------------------------------------------------------------

    @cached_property
    def key_name(self) -> str:
        """The key's column, or `row` where a row is known by its place only."""
        named = self.options.get("id")
        if named and named != "row":
            self.source.require([named], "--id")
            return str(named)
        if not named and self.source.has("id"):
            return "id"
        return "row"

    def keys(self) -> list[str]:
        """Return each row's key as text."""
        if self.key_name == "row":
            return row_keys.numbers(self.rows)
        return list(self._texts(self.key_name))

    def unique_keys(self) -> list[str]:
        """Return the keys; raises LabelkitError where one is empty or stands twice."""
        keys = self.keys()
        row_keys.check_unique(keys, self.key_name, self.source.name)
        return keys

    def _texts(self, column: str) -> Texts:
        self.source.require([column])
        return self.source.texts(column)

    def groups(self, names: Sequence[str] = ()) -> npt.NDArray[np.int64]:
        """Return a group number a row: rows of one --group, and duplicates, are together.

        `names` are the columns to find duplicates by, those that a model reads if there are none.
        """
        return self._groups_by(list(names) or self.feature_names())

    def _groups_by(self, names: Sequence[str]) -> npt.NDArray[np.int64]:
        table = self.source.read(names, typed=True) if names else None
        parts = [np.arange(self.rows) if table is None else duplicate_groups(table)]
        group = self.options.get("group")
        if group:
            self.source.require([group], "--group")
            parts.append(np.unique(self._texts(group).astype(str), return_inverse=True)[1])
        return joined_groups(parts)

    @cached_property
    def excluded_from_training(self) -> Mask:
        """The audit rows, their duplicates, and the rows of their --group."""
        if not self.audit_mask.any():
            return self.audit_mask
        return share_group(self._groups_by(self.content_columns()), self.audit_mask)

    def content_columns(self) -> list[str]:
        """Return the columns that make two rows duplicates: the texts, else all that are visible.

        Empty for a file of keys and labels alone.
        """
        if self.has_text():
            return self.text
        named = self.options.get("column") or self.visible_columns()
        return [name for name in named if name != self.key_name]

    def row_checks(self) -> list[str]:
        """Return a hash of each row's own content, our columns aside."""
        mine = set(self.machine_columns) | {"label"}
        names = [name for name in self.source.columns if name not in mine]
        return row_keys.row_checks(self.source.check_texts(names), self.rows)

    # -- features ------------------------------------------------------------------------------

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The steps that made the input, by its history."""
        found: list[dict[str, Any]] = []
        for path in self._input_paths():
            found += [step for step in history.read(path) if step not in found]
        return found

    @property
    def original_input(self) -> str:
        """The data file that the input was made from, by its history; empty for a pipe."""
        made_from = [*self.steps[0].get("inputs", {})] if self.steps else self._input_paths()
        return str(Path(made_from[0]).resolve()) if made_from else ""

    @property
    def ledger_task(self) -> str:
        """Whose runs share a budget: the task's name, else its file; empty without a task."""
        return self.task.name or (str(self.task_path.resolve()) if self.task_path else "")

    def spent_on_models(self) -> ledger.Spent:
        """Return what language models have cost all runs of the task, as [cost] budget counts it.

        Where the file came here without its ledger, its history says what it cost.
        """
        folder = places.cache_dir(self.options, self.output)
        spent = ledger.spent_in(folder, self.ledger_task, self.original_input)
        by_history = costs.paid_by(self.steps) or 0.0
        return spent._replace(dollars=max(spent.dollars, by_history))

    @cached_property
    def machine_columns(self) -> list[str]:
        """The columns that hold what a machine or a batch says: read only where they are named."""
        recorded = {name for step in self.steps for name in step.get("columns", [])}
        return columns.machine_columns(self.source.every_column(), recorded)

    @cached_property
    def _not_features(self) -> set[str]:
        named = [
            self.options.get("id") or "id",
            self.options.get("gold"),
            self.options.get("group"),
            "label",
            "gold",
            *(self.options.get("label") or []),
            *self.hidden,
        ]
        return {name for name in named if name} | set(self.machine_columns)

    def visible_columns(self) -> list[str]:
        """Return the columns that labeling functions and prompts may see: no labels, gold, ours."""
        key = self.options.get("id") or "id"
        return [n for n in self.source.columns if n not in self._not_features or n == key]

    def feature_names(self) -> list[str]:
        """Return the columns that a model learns from."""
        return self.features().needed

    def features(self) -> "Features":
        """Return what turns the feature columns into a matrix, not fitted yet."""
        from labelkit.ml import feature_selection
        from labelkit.ml.features import Features

        choice = self.options.get("features", "auto")
        named = list(self.options.get("column") or [])
        self.source.require(named, "--column")
        text = self.text if choice != "columns" and self.has_text() else []
        if named and choice == "auto":
            choice = "mixed" if text else "columns"
        unread = {*self._not_features, *text, *self.source.binary_columns()}
        others = named or [name for name in self.source.columns if name not in unread]
        if choice == "auto" and not (text or named):
            text_columns.refuse_unread_texts(self.source, others)
        needed = others if choice in ("columns", "mixed") or not text else []
        kinds = dict.fromkeys(text, "text") | self.source.feature_kinds(needed)
        if not text and not kinds:
            raise LabelkitError(
                f"{self.source.name} has no column to learn from: all are keys, labels or ours"
            )

        def best() -> str:
            return feature_selection.best(
                self.source,
                text,
                self._labels_to_learn_from,
                self.groups,
                self.seed,
                lambda: self.cache_dir,
            )

        return Features(text, kinds, choice, self.seed, best, lambda: self.cache_dir, named)

    def _labels_to_learn_from(self) -> Labels:
        labels = self.labels()
        return labels._replace(codes=np.where(self.excluded_from_training, -1, labels.codes))

    def from_proba(self, classes: Sequence[str]) -> npt.NDArray[np.float64] | None:
        """Return probabilities rows x classes from the columns PREFIX<class> of --from-proba.

        Raises LabelkitError where a class has no column or a row does not sum to one.
        """
        prefix = self.options.get("from_proba")
        return probabilities(self.source, prefix, classes) if prefix else None

    # -- the output ----------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """Where the result goes."""
        if self.options.get("in_place"):
            return str(self._input_paths()[0])
        return str(self.options.get("output") or "")

    def annotate(self, annotations: Mapping[str, Any], updated: Sequence[str] = ()) -> None:
        """Write the output: all rows, these columns appended, this command's earlier ones replaced.

        Values are arrays, lists or Arrow arrays of one value a row; None is an empty cell. Rows
        outside --where and --sample keep what this command wrote there before. Raises UsageError
        where a column is one of the user's, those in `updated` aside.
        """
        if not self.options.get("overwrite"):
            names = annotations.keys() - set(updated)
            output.refuse_users_columns(self.source, names, self._earlier, self.name)
        present = self.source.every_column()
        replaced = [n for n in present if n in annotations or n in self._earlier.removed]
        if self._earlier.assumed and not self.options.get("overwrite"):
            output.note_assumed(self.source, replaced, self.name)
        written, self._kept_rows = output.with_earlier(
            self.source, output.as_columns(annotations), replaced, self.chosen
        )
        if self.chosen is not None:
            self.count(kept_rows=self._kept_rows)
        recorded = [name for name in self._recorded if name in present and name not in replaced]
        self.source.write_annotated(
            self.output, pa.table(written), drop=replaced, given_format=self._format()
        )
        if self.output:
            self.record(Path(self.output), list(written), [*recorded, *written])

    def write_rows(
        self,
        path: str | Path,
        rows: Sequence[int] | npt.NDArray[Any],
        extra: Mapping[str, Any],
        names: Sequence[str] = (),
    ) -> None:
        """Write some rows to a second file, all columns or those named, `extra` appended."""
        some = self.source.gather(np.asarray(rows, dtype=np.int64), names)
        new = output.as_columns(extra)
        some = some.drop_columns([name for name in new if name in some.column_names])
        for name, values in new.items():
            some = some.append_column(name, values)
        table.write_table(some, path, given_format=self._format(), name=self.source.name, ours=new)

    def _format(self) -> str | None:
        given: str | None = self.options["format"]
        if given is not None and given not in table.FORMATS:
            raise UsageError(f"--format {given!r}: choose from {listing(table.FORMATS)}")
        return given

    def _input_paths(self) -> list[Path]:
        given = self.options.get("input")
        if given is None or given == "-":
            return []
        return [Path(p) for p in ([given] if isinstance(given, str) else given) if p != "-"]

    # -- what is said and recorded ---------------------------------------------------------------

    @cached_property
    def cache_dir(self) -> Path:
        """The folder for what must survive: beside the task file, else beside the output."""
        path = places.cache_dir(self.options, self.output)
        usual = places.cache_places(self.options, self.output)[0]
        if path != usual:
            console.note(f"{path} of earlier runs is used (--cache {usual} begins anew)")
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LabelkitError(f"{path} cannot be made: {error.strerror}") from None
        return path

    @cached_property
    def rng(self) -> np.random.Generator:
        """Random numbers from the seed."""
        return np.random.default_rng(self.seed)

    def closing(
        self,
        text: str,
        then: str | None = None,
        output: str | None = None,
        otherwise: str = "",
    ) -> None:
        """Say in one line what was done, then what to type next, or `otherwise`."""
        target = self.output if output is None else output
        shown = {"-": " -> stdout", "": ""}.get(target, f" -> {target}")
        used = f" (task: {self.task_path})" if self.task_path else ""
        kept = (
            f" · {console.count(self._kept_rows, 'other rows', 'keep')} what they had"
            if self._kept_rows
            else ""
        )
        console.note(f"{self.name}: {text}{kept}{shown}{used}")
        if then:
            console.next_step(then, otherwise)
