"""What a labelled file and its history tell, read once: columns, people's labels, steps."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit.config import costs
from labelkit.data.answers_file import read_answers
from labelkit.data.labels import Labels, Mask, Texts, read_labels
from labelkit.errors import LabelkitError
from labelkit.report import inputs

if TYPE_CHECKING:
    from labelkit.job.job import Job

Floats = npt.NDArray[np.float64]

FINAL = "final_label"
PEOPLE = "label"
_FIRST = ("llm_label", "weak_label", "model_label")
_BESIDE = ("final_source", "noise_flag", "noise_quality", "noise_given", "noise_suggested",
           "noise_reason", "label_seconds", "label_annotator", "label_origin")  # fmt: skip


class ReportData:
    """The columns of labels with what stands beside them, and the steps that made the file.

    `machines` are the columns that no person filled, the decided one aside.
    """

    def __init__(self, job: "Job", files: inputs.Given) -> None:
        self.job = job
        self.steps: list[dict[str, Any]] = [*job.steps, *inputs.steps_of(files.models)]
        self.curves = inputs.curves_in(files.curves)
        self.price = costs.prices(job.task.cost)
        ours = set(job.machine_columns)
        labels = [n for n in job.source.columns if n.endswith("_label") and n in ours]
        usual = [n for n in _FIRST if n in labels]
        self.machines = [*usual, *(n for n in labels if n not in (*usual, FINAL))]
        self.decided = FINAL in labels
        named = [*labels, *map(confidence_of, labels), *map(error_of, labels), *_BESIDE]
        self._columns = job.source.all_texts([n for n in named if job.source.has(n)])
        self.rows = job.rows
        self.people: Labels = job.labels([PEOPLE] if job.source.has(PEOPLE) else [])
        self.gold: Texts | None = job.gold()

    def has(self, name: str) -> bool:
        """Tell whether a column was read."""
        return name in self._columns.column_names

    def texts(self, name: str) -> Texts:
        """Return a column as text; all empty where there is none."""
        if not self.has(name):
            return np.full(self.rows, "", dtype=object)
        cells = np.asarray(self._columns.column(name).to_numpy(), dtype=object)
        is_label = name.endswith("_label") or name in ("noise_given", "noise_suggested")
        return read_labels(cells, self.job.classes) if is_label else cells

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers; NaN where it is empty.

        Raises LabelkitError where a cell is no number.
        """
        values = self.texts(name)
        try:
            return np.where(values == "", "nan", values).astype(np.float64)
        except ValueError:
            raise LabelkitError(
                f"{self.job.source.name}: column {name!r} holds a cell that is no number"
            ) from None

    def arrow(self, name: str) -> pa.ChunkedArray:
        """Return a column as Arrow has it."""
        return self._columns.column(name)

    @property
    def by_people(self) -> Mask:
        """The rows that a person labelled."""
        return np.asarray(self.people.values != "")

    def work(self) -> tuple[costs.Work, float | None]:
        """Return what people did, and the seconds that a label took, None where not measured."""
        said = self.numbers("label_seconds")[self.by_people]
        timed = [float(one) for one in said[np.isfinite(said)]]
        merges, labels = costs.merged_in(self.steps), int(self.by_people.sum())
        before = labels
        if self.job.options.get("answers"):
            in_file = self.job.label_texts([PEOPLE]) if self.job.source.has(PEOPLE) else {}
            before = int((in_file.get(PEOPLE, np.zeros(0, dtype=object)) != "").sum())
        for path in self.job.options.get("answers") or []:
            read = read_answers(self.job.open(path), self.job.key_name, self.job.classes)
            labelled, skipped = read.seconds()
            timed += labelled
            n = len(read.labels)
            seconds = sum(labelled) * n / len(labelled) + sum(skipped) if labelled else None
            # What these answers label first is not of an earlier merge.
            merges.append(costs.Merged(frozenset([str(path)]), n, labels - before, seconds))
            before = labels
        measured = sum(timed) / len(timed) if timed else None
        return costs.work(merges, labels, measured), measured

    def latest(self, command: str) -> dict[str, Any] | None:
        """Return the last step of a command; None where it did not run."""
        found = [step for step in self.steps if step.get("command") == command]
        return found[-1] if found else None

    def passes(self, command: str) -> list[dict[str, Any]]:
        """Return the steps of a command, of each prefix that it wrote under the last."""
        found: dict[str, dict[str, Any]] = {}
        for step in self.steps:
            if step.get("command") == command:
                found[str((step.get("options") or {}).get("as_name") or "")] = step
        return list(found.values())


def confidence_of(label: str) -> str:
    """Return the column of confidence beside a column of labels."""
    return f"{label.removesuffix('_label')}_confidence"


def error_of(label: str) -> str:
    """Return the column of errors beside a column of labels."""
    return f"{label.removesuffix('_label')}_error"


def figures(step: dict[str, Any] | None) -> dict[str, Any]:
    """Return the figures of a step; nothing where it did not run."""
    return dict((step or {}).get("figures") or {})
