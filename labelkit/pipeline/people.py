"""People in a pipeline: who answers a batch, what is asked only once, what to type meanwhile."""

import csv
import io
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from labelkit import console
from labelkit.errors import PeopleNeeded
from labelkit.io.files import whole
from labelkit.pipeline import step
from labelkit.pipeline.stages import Stage


class Asking(NamedTuple):
    """How people are asked.

    `again` is what to type to go on, `oracle` what plays the person, `at_once` whether annotate is
    opened where answers are missing.
    """

    again: str
    oracle: "Oracle | None" = None
    at_once: bool = False


class Oracle(NamedTuple):
    """A column of the input that answers in a person's place; the batch does not hold it."""

    column: str
    inputs: Sequence[str]
    key_name: str | None  # None: the default key
    delimiter: str | None
    encoding: str

    def answers(self, keys: Sequence[str], key_name: str) -> list[str]:
        """Return the column's cell of each row with these keys.

        Raises LabelkitError where the input has no such column.
        """
        from labelkit.io.table import Table

        paths = [Path(name) for name in self.inputs]
        table = Table(paths, delimiter=self.delimiter, encoding=self.encoding)
        table.require([self.column], "--oracle")
        cells = table.texts(self.column)
        is_number = key_name == "row" and not table.has("row")
        every = map(str, range(len(cells))) if is_number else table.texts(key_name)
        by_key = dict(zip(every, cells, strict=True))
        return [str(by_key[key]) for key in keys]

    def key_of(self, names: Sequence[str]) -> str:
        """Return the column of a batch that holds the key."""
        return self.key_name or ("id" if "id" in names else "row")


def see_to_answers(stage: Stage, asking: Asking) -> None:
    """Bring the answers that a stage waits for; raises PeopleNeeded where some are missing."""
    if stage.batch is None or stage.answers is None:
        return
    if _is_empty(stage.batch) and not stage.answers.exists():
        stage.answers.write_bytes(stage.batch.read_bytes())  # nobody is needed
    elif asking.oracle is not None:
        _answer_by_oracle(stage.batch, stage.answers, asking.oracle)
    elif asking.at_once:
        _annotate(stage, stage.batch, stage.answers, asking)
    blank = all(map(_is_blank, _answers(stage, stage.answers))) and not _is_empty(stage.batch)
    if not stage.answers.exists() or (blank and not _was_looked_through(stage)):
        yet = f" ({stage.answers} has no label yet)" if blank else ""
        raise PeopleNeeded(
            f"people are needed: {stage.batch} holds the rows to label, best first{yet}. Label "
            f"them in {stage.asks} (or fill the column 'label' and save it as {stage.answers}), "
            f"then go on with: {asking.again}"
        )


def _answers(stage: Stage, first: Path) -> list[Path]:
    """Return the files of answers that a stage reads: several people may have had the batch."""
    return stage.reads[stage.reads.index(first) : -1]


def _is_empty(batch: Path) -> bool:
    """Tell whether a batch has a header and no row."""
    with batch.open("rb") as stream:
        return not any(stream.readlines(1 << 16)[1:])


def _is_blank(answers: Path) -> bool:
    """Tell whether nobody has filled in a label; what is no plain CSV is for merge to judge."""
    try:
        with answers.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if "label" not in (rows.fieldnames or []):
                return False
            return not any((row["label"] or "").strip() for row in rows)
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def _was_looked_through(stage: Stage) -> bool:
    """Tell whether a person has seen all rows of the batch in annotate, and skipped each."""
    assert stage.batch is not None and stage.answers is not None
    told = stage.answers.with_suffix(".summary.json")
    return told.exists() and not _left(told, stage.batch)


def _annotate(stage: Stage, batch: Path, answers: Path, asking: Asking) -> None:
    """Open annotate unless the batch is answered; raises PeopleNeeded where rows are left."""
    told = answers.with_suffix(".summary.json")
    if answers.exists() and not _left(told, batch):
        return  # answered here to the end, or by other means
    console.note(f"[{stage.id}] {stage.asks}")
    step.run(stage.id, [*shlex.split(stage.asks)[1:], "--summary", str(told)])
    left = _left(told, batch)
    if left:
        without = shlex.join(part for part in shlex.split(asking.again) if part != "--annotate")
        raise PeopleNeeded(
            f"people are needed: {left:,} rows of {batch} are left. Label them with: "
            f"{asking.again} (or go on with what is there: {without})"
        )


def _left(told: Path, batch: Path) -> int:
    """Return how many rows of the batch annotate has left open, 0 where it was not at work."""
    try:
        if told.stat().st_mtime_ns < batch.stat().st_mtime_ns:
            return 0
        figures = json.loads(told.read_text("utf-8"))
    except (OSError, ValueError):
        return 0
    return max(0, int(figures["rows"]) - int(figures["labels"]) - int(figures["skipped"]))


@contextmanager
def keeping_batch(
    stage: Stage, stages: Sequence[Stage], asking: Asking, folder: Path
) -> Iterator[None]:
    """Run a stage, but keep the batch that it would pick anew if people have answered it.

    Their answers are to the rows that they were shown; other rows would make them worthless.
    """
    kept = None if asking.oracle is not None else _answered(stage, stages, folder)
    if kept is None:
        yield
        return
    aside = kept.with_name(f".{kept.name}.kept")
    if kept.exists() and not aside.exists():  # it lies aside where a run was killed
        os.replace(kept, aside)
    try:
        yield
    finally:
        if aside.exists():
            os.replace(aside, kept)
            console.note(
                f"{kept.name} stays as people have answered it; for more rows add a round (query, "
                f"people) to the stages"
            )


def _answered(stage: Stage, stages: Sequence[Stage], folder: Path) -> Path | None:
    """Return the batch of this stage if people have answered it in the work directory."""
    for other in stages:
        if other.batch in stage.makes and other.answers is not None and other.answers.exists():
            return other.batch if other.answers.parent == folder else None
    return None


def answered(stages: Sequence[Stage], folder: Path) -> list[Path]:
    """Return the files of the work directory in which people have answered."""
    found = [stage.answers for stage in stages if stage.answers is not None]
    return [path for path in found if path.parent == folder and path.exists()]


_ORACLE_NAME = "oracle"


def _answer_by_oracle(batch: Path, answers: Path, oracle: Oracle) -> None:
    """Answer a batch by a column, unless that is done already; audit rows stay audit rows.

    Raises LabelkitError where the input has no such column.
    """
    done = answers.exists() and answers.stat().st_mtime_ns >= batch.stat().st_mtime_ns
    if done:
        return
    with batch.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        names, rows = list(reader.fieldnames or []), list(reader)
    key_name = oracle.key_of(names)
    labels = oracle.answers([row[key_name] for row in rows], key_name)
    extra = [name for name in ("label_annotator",) if name not in names]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*names, *extra], lineterminator="\n")
    writer.writeheader()
    for row, label in zip(rows, labels, strict=True):
        writer.writerow({**row, "label": label, "label_annotator": _ORACLE_NAME})
    with whole(answers) as stream:
        stream.write(text.getvalue().encode())
