"""People in a pipeline: who answers a batch, what is asked only once, what to type meanwhile."""

import csv
import io
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from labelkit import console
from labelkit.data.answers_journal import journal_path, refuse_unwritten, unwritten
from labelkit.errors import LabelkitError, PeopleNeeded
from labelkit.io.files import whole
from labelkit.io.spreadsheet_cells import escape_formula, unescape_formula
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
        from labelkit.data import row_keys
        from labelkit.io.table import Table

        paths = [Path(name) for name in self.inputs]
        table = Table(paths, delimiter=self.delimiter, encoding=self.encoding)
        table.require([self.column], "--oracle")
        cells = table.texts(self.column)
        is_number = key_name == "row" and not table.has("row")
        every = row_keys.numbers(len(cells)) if is_number else table.texts(key_name)
        by_key = dict(zip(every, cells, strict=True))
        return [str(by_key[key]) for key in keys]

    def key_of(self, names: Sequence[str]) -> str:
        """Return the column of a batch that holds the key."""
        return self.key_name or ("id" if "id" in names else "row")


def take_filled_batches(stages: Sequence[Stage], folder: Path) -> None:
    """Copy each batch whose labels were filled in to the file of its answers.

    Raises LabelkitError where that file has labels that the batch has not.
    """
    for stage in stages:
        if stage.batch is None or stage.answers is None or stage.answers.parent != folder:
            continue
        if _has_label(stage.batch) is False:
            continue
        filled = _labels_in(stage.batch, stage.key)
        before = _labels_in(stage.answers, stage.key)
        if not filled or filled == before or filled.items() <= (before or {}).items():
            continue
        if before and not before.items() <= filled.items():
            raise LabelkitError(
                f"{stage.batch} and {stage.answers} both hold labels, and neither has all; put "
                f"all labels into {stage.answers} and empty the column 'label' of {stage.batch}"
            )
        with whole(stage.answers) as stream:
            stream.write(stage.batch.read_bytes())
        console.note(
            f"{stage.batch}: its {console.count(len(filled), 'labels', 'are')} taken as "
            f"{stage.answers}"
        )


def see_to_answers(stage: Stage, asking: Asking) -> None:
    """Bring the answers that a stage waits for; raises PeopleNeeded where some are missing.

    Raises LabelkitError where a journal holds newer answers than the file: also a stage that has
    been run would go on without them.
    """
    if stage.batch is None or stage.answers is None:
        return
    if _is_empty(stage.batch) and not stage.answers.exists():
        stage.answers.write_bytes(stage.batch.read_bytes())  # nobody is needed
    elif asking.oracle is not None:
        _answer_by_oracle(stage.batch, stage.answers, asking.oracle)
    elif asking.at_once:
        _annotate(stage, stage.batch, stage.answers, asking)
    every = _answers(stage, stage.answers)
    blank = all(_lacks_labels(path, stage.key) for path in every) and not _is_empty(stage.batch)
    if not stage.answers.exists() or (blank and _left(stage, stage.batch, stage.answers)):
        yet = f" ({stage.answers} has no label yet)" if blank else ""
        newer = unwritten(stage.answers)
        if newer is not None:
            yet = (
                f" ({console.count(newer.decisions, 'decisions', 'are')} in "
                f"{journal_path(stage.answers)})"
            )
        raise PeopleNeeded(
            f"people are needed: {stage.batch} holds the rows to label, best first{yet}\n"
            f"label them: {stage.asks}\n"
            f"or fill in its column 'label' elsewhere and save it as {stage.answers}\n"
            f"then go on: {asking.again}"
        )
    for path in every:
        refuse_unwritten(path)


def _answers(stage: Stage, first: Path) -> list[Path]:
    """Return the files of answers that a stage reads: several people may have had the batch."""
    return stage.reads[stage.reads.index(first) : -1]


def _is_empty(batch: Path) -> bool:
    """Tell whether a batch has a header and no row."""
    with batch.open("rb") as stream:
        return not any(stream.readlines(1 << 16)[1:])


def _has_label(path: Path) -> bool | None:
    """Tell whether a comma-separated file in UTF-8 has a label; this imports no data library.

    None where the file is saved in another way.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if "label" not in (reader.fieldnames or ()):
                return None
            return any((row["label"] or "").strip() for row in reader)
    except (OSError, ValueError, csv.Error):
        return None


def _lacks_labels(path: Path, key: str | None) -> bool:
    has_label = _has_label(path)
    return _labels_in(path, key) == {} if has_label is None else not has_label


def _labels_in(path: Path, key: str | None) -> dict[str, str] | None:
    """Return the label of each key that has one, however people saved the file.

    None where there is no such file, or it cannot be read; that is for merge to say.
    """
    from labelkit.data.answers_file import reopen_with_spreadsheet_dialect
    from labelkit.io.table import Table

    if not path.is_file():
        return None
    try:
        source = reopen_with_spreadsheet_dialect(Table([path]), ("label",))
        name = key or ("id" if source.has("id") else "row")
        read = source.texts_of([name, "label"])
    except LabelkitError:
        return None
    rows = zip(read[name].tolist(), read["label"].tolist(), strict=True)
    return {row: label.strip() for row, label in rows if label.strip()}


def _annotate(stage: Stage, batch: Path, answers: Path, asking: Asking) -> None:
    """Open annotate unless the batch is answered; raises PeopleNeeded where rows are left."""
    if answers.exists() and not _left(stage, batch, answers) and unwritten(answers) is None:
        return  # answered here to the end, or by other means
    console.note(f"[{stage.id}] {stage.asks}")
    report = _report_of(batch)
    step.run(stage.id, [*shlex.split(stage.asks)[1:], "--summary", str(report)])
    left = _left(stage, batch, answers)
    if left:
        without = shlex.join(part for part in shlex.split(asking.again) if part != "--annotate")
        raise PeopleNeeded(
            f"people are needed: {console.count(left, 'rows')} of {batch} not labelled yet\n"
            f"label them: {asking.again}\n"
            f"or go on with what is there: {without}"
        )


def _report_of(batch: Path) -> Path:
    """Return the summary that annotate writes, beside the batch: that folder is the pipeline's."""
    return batch.with_suffix(".summary.json")


def _left(stage: Stage, batch: Path, answers: Path) -> int:
    """Return how many rows of the batch have neither a label nor were skipped in annotate."""
    asked = _keys_of(batch, stage.key)
    labels: set[str] = set()
    for path in _answers(stage, answers):
        read = _labels_in(path, stage.key)
        if read is None and path.exists():
            return 0  # what cannot be read is for merge to say
        labels |= set(read or {})
    skipped = 0
    with suppress(OSError, ValueError, KeyError):
        figures = json.loads(_report_of(batch).read_text("utf-8"))
        skipped = int(figures["skipped"]) if int(figures["rows"]) == len(asked) else 0
    return max(0, len(asked - labels) - skipped)


def _keys_of(batch: Path, key: str | None) -> set[str]:
    from labelkit.data.answers_file import reopen_with_spreadsheet_dialect
    from labelkit.io.table import Table

    source = reopen_with_spreadsheet_dialect(Table([batch]), ("label",))
    name = key or ("id" if source.has("id") else "row")
    return set(source.texts(name).tolist())


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
    labels = oracle.answers([unescape_formula(row[key_name]) for row in rows], key_name)
    extra = [name for name in ("label_annotator",) if name not in names]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*names, *extra], lineterminator="\n")
    writer.writeheader()
    for row, label in zip(rows, labels, strict=True):
        writer.writerow({**row, "label": escape_formula(label), "label_annotator": _ORACLE_NAME})
    with whole(answers) as stream:
        stream.write(text.getvalue().encode())
