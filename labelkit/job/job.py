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
from labelkit.data.labels import Mask, Texts
from labelkit.errors import AFTER_WRITING, LabelkitError, UsageError, listing
from labelkit.io import history, ledger, output_checks, table
from labelkit.io.table_formats import FORMATS
from labelkit.io.table_writer import write_table
from labelkit.job import output, row_mask
from labelkit.job.features import JobFeatures
from labelkit.job.options import Declared
from labelkit.job.run_record import RunRecord

if TYPE_CHECKING:
    pass


class Job(JobFeatures, RunRecord):
    """One run of a command: gives it columns, takes its annotations, counts and messages."""

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
        # More columns hidden from models, rules and prompts; a command sets them before reading.
        self.excluded_columns: list[str] = []
        self._n_kept_rows = 0
        prints = any(self.own.get(name) for name in declared.instead_of_output)
        writes_output = options.get("output") or options.get("in_place")
        if self.annotates and (writes_output or not prints):
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
        done = failed is None or issubclass(failed, AFTER_WRITING)  # the output is written
        if done and self.options.get("summary"):
            summary = {"command": self.name, **self._counts, **self._figures}
            output_checks.write_summary(self.options["summary"], summary, self._costs)

    # -- the input -----------------------------------------------------------------------------

    @cached_property
    def source(self) -> table.Table:
        """The input, opened."""
        names = self.options["input"]
        paths = [names] if isinstance(names, str) else list(names)
        source = self.open(*paths)
        if self.options["delimiter"] is None:
            text_columns.refuse_other_delimiter(source)
        self.check_columns(source)
        if self.annotates and self.output:
            source.check_output(self.output, self._format(), self.classes or [])
        return source

    def open(self, *paths: str | Path) -> table.Table:
        """Open a data or answers file; raises LabelkitError if its journal is newer."""
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
        """Raise LabelkitError for a file without rows."""
        if not self.rows:
            raise LabelkitError(f"{self.source.name} has no rows")

    def require(self, names: Sequence[str]) -> None:
        """Raise LabelkitError for a column that is not in the file."""
        self.source.require(names)

    @cached_property
    def task(self) -> tasks.Task:
        """The task file's content; empty if there is none."""
        return tasks.NO_TASK if self.task_path is None else tasks.load(self.task_path)

    @cached_property
    def classes(self) -> list[str] | None:
        """The declared classes, in their order."""
        return split_classes(self.options.get("classes"))

    @cached_property
    def text(self) -> list[str]:
        """The text columns: --text, else `text`, else the only column detected as text.

        Raises LabelkitError, which lists the columns, if there is not exactly one.
        """
        columns = self.options.get("text")
        if columns:
            self.source.require(columns, "--text")
            self.source.take_as_text(columns)
            return list(columns)
        names = [name for name in self.source.columns if name not in self._not_features]
        detected = text_columns.text_columns(self.source, names)
        self.source.take_as_text(detected)
        return detected

    def has_text(self) -> bool:
        """Return whether the text columns are known."""
        try:
            return bool(self.text)
        except LabelkitError:
            if self.options.get("text"):
                raise
            return False

    @cached_property
    def chosen(self) -> Mask | None:
        """The mask of the rows selected by --where and --sample; None means all."""
        where, sample = self.options.get("where"), self.options.get("sample")
        return row_mask.rows_to_act_on(self.source, where, sample, self.seed)

    # -- keys, labels, gold, groups ------------------------------------------------------------

    @cached_property
    def key_name(self) -> str:
        """The key column, or `row` if rows are identified by their number."""
        column = self.options.get("id")
        if column and column != "row":
            self.source.require([column], "--id")
            return str(column)
        if not column and self.source.has("id"):
            return "id"
        return "row"

    def keys(self) -> list[str]:
        """Return each row's key as text."""
        if self.key_name == "row":
            return row_keys.numbers(self.rows)
        return list(self._texts(self.key_name))

    def unique_keys(self) -> list[str]:
        """Return the keys; raises LabelkitError for an empty or duplicate key."""
        keys = self.keys()
        row_keys.check_unique(keys, self.key_name, self.source.name)
        return keys

    def _texts(self, column: str) -> Texts:
        self.source.require([column])
        return self.source.texts(column)

    def row_checks(self) -> list[str]:
        """Return a checksum of each row's content, without labelkit's columns."""
        own_columns = set(self.machine_columns) | {"label"}
        names = [name for name in self.source.columns if name not in own_columns]
        return row_keys.row_checks(self.source.check_texts(names), self.rows)

    # -- history and costs ---------------------------------------------------------------------

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """The steps in the history of the input."""
        steps: list[dict[str, Any]] = []
        for path in self._input_paths():
            steps += [step for step in history.read(path) if step not in steps]
        return steps

    @property
    def original_input(self) -> str:
        """The data file that the input was made from, by its history; '' for a pipe."""
        made_from = [*self.steps[0].get("inputs", {})] if self.steps else self._input_paths()
        return str(Path(made_from[0]).resolve()) if made_from else ""

    @property
    def ledger_task(self) -> str:
        """The task whose runs share a budget: its name, else its file; '' without a task."""
        return self.task.name or (str(self.task_path.resolve()) if self.task_path else "")

    def spent_on_models(self) -> ledger.Spent:
        """Return the cost of language models in all runs of the task, as for [cost] budget.

        If the file has no ledger here, the cost is taken from its history.
        """
        folder = places.cache_dir(self.options, self.output)
        spent = ledger.spent_in(folder, self.ledger_task, self.original_input)
        by_history = costs.paid_by(self.steps) or 0.0
        return spent._replace(dollars=max(spent.dollars, by_history))

    @cached_property
    def machine_columns(self) -> list[str]:
        """The columns with machine output or batch details: read only if an option names them."""
        recorded = {name for step in self.steps for name in step.get("columns", [])}
        return columns.machine_columns(self.source.every_column(), recorded)

    # -- the output ----------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """The output path."""
        if self.options.get("in_place"):
            return str(self._input_paths()[0])
        return str(self.options.get("output") or "")

    def write_output(self, annotations: Mapping[str, Any], updated: Sequence[str] = ()) -> None:
        """Write the output: all rows with these columns, replacing this command's earlier ones.

        Values are arrays, lists or Arrow arrays with one value per row; None is an empty cell. Rows
        not selected by --where and --sample keep this command's earlier values. Raises UsageError
        if a column is one of the user's and not in `updated`.
        """
        if not self.options.get("overwrite"):
            names = annotations.keys() - set(updated)
            output.refuse_users_columns(self.source, names, self._earlier, self.name)
        present = self.source.every_column()
        replaced = [n for n in present if n in annotations or n in self._earlier.removed]
        if self._earlier.assumed and not self.options.get("overwrite"):
            output.note_assumed(self.source, replaced, self.name)
        written, self._n_kept_rows = output.with_earlier(
            self.source,
            output.as_columns(annotations, rounds=self.chosen is not None),
            replaced,
            self.chosen,
        )
        if self.chosen is not None:
            self.count(kept_rows=self._n_kept_rows)
        recorded = [name for name in self._recorded if name in present and name not in replaced]
        self.source.write_annotated(
            self.output,
            pa.table(written),
            drop=replaced,
            given_format=self._format(),
            rounds=self.chosen is None,
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
        """Write some rows to another file: all columns or those in `names`, and `extra` ones."""
        selected = self.source.gather(np.asarray(rows, dtype=np.int64), names)
        new_columns = output.as_columns(extra)
        selected = selected.drop_columns(
            [name for name in new_columns if name in selected.column_names]
        )
        for name, values in new_columns.items():
            selected = selected.append_column(name, values)
        write_table(
            selected, path, given_format=self._format(), name=self.source.name, ours=new_columns
        )

    def _format(self) -> str | None:
        file_format: str | None = self.options["format"]
        if file_format is not None and file_format not in FORMATS:
            raise UsageError(f"--format {file_format!r}: choose from {listing(FORMATS)}")
        return file_format

    def _input_paths(self) -> list[Path]:
        names = self.options.get("input")
        if names is None or names == "-":
            return []
        return [Path(p) for p in ([names] if isinstance(names, str) else names) if p != "-"]

    # -- cache and messages ----------------------------------------------------------------------

    @cached_property
    def cache_dir(self) -> Path:
        """The cache folder: beside the task file, else beside the output."""
        path = places.cache_dir(self.options, self.output)
        default = places.cache_places(self.options, self.output)[0]
        if path != default:
            console.note(f"using {path} from earlier runs (--cache {default} for an empty cache)")
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LabelkitError(f"{path} cannot be created: {error.strerror}") from None
        return path

    @cached_property
    def rng(self) -> np.random.Generator:
        """A random generator from the seed."""
        return np.random.default_rng(self.seed)

    def print_summary(
        self,
        text: str,
        then: str | None = None,
        output: str | None = None,
        otherwise: str = "",
    ) -> None:
        """Print a summary line, then the next command `then`, or `otherwise`."""
        target = self.output if output is None else output
        target_note = {"-": " -> stdout", "": ""}.get(target, f" -> {target}")
        task_note = f" (task: {self.task_path})" if self.task_path else ""
        kept_note = (
            f" · {console.count(self._n_kept_rows, 'other rows')} unchanged"
            if self._n_kept_rows
            else ""
        )
        console.note(f"{self.name}: {text}{kept_note}{target_note}{task_note}")
        if then:
            console.next_step(then, otherwise)
