"""From a job's rows to what is asked: the distinct texts, what people said of them, examples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labelkit import console
from labelkit.config.label_text import ClassReader
from labelkit.config.task_file import Task
from labelkit.data.duplicates import duplicate_groups
from labelkit.data.labels import Labels, Texts, encode
from labelkit.errors import UsageError, listing, nearest
from labelkit.job.job import Job
from labelkit.llm.answers.evaluation import Known
from labelkit.llm.answers.reply_labels import Labelled
from labelkit.llm.prompts import chat, template
from labelkit.llm.prompts.few_shot import (
    Example,
    Examples,
    check_way,
    draw,
    nearest_to,
    pool,
    spread,
)
from labelkit.llm.prompts.template import Template

Codes = NDArray[np.int32]
EMPTY = Labelled("", 0.0, "the text is empty")


@dataclass(frozen=True)
class Rows:
    """The distinct texts to ask about, and where each chosen row finds its own."""

    texts: list[str]
    places: NDArray[np.int64]  # a place in `texts` for each row of the file; -1: not chosen
    empty: NDArray[np.bool_]

    @property
    def first(self) -> NDArray[np.int64]:
        """The first row of the file with each text."""
        found = np.zeros(len(self.texts), dtype=np.int64)
        rows = np.flatnonzero(self.places >= 0)[::-1]
        found[self.places[rows]] = rows
        return found

    def each(self, found: Sequence[Labelled]) -> list[Labelled | None]:
        """Return what each row of the file gets; None where it was not looked at."""
        return [
            found[place] if place >= 0 else (EMPTY if empty else None)
            for place, empty in zip(self.places.tolist(), self.empty.tolist(), strict=True)
        ]


class Writer:
    """Writes a row as the model gets it: its text columns, or the user's template filled."""

    def __init__(self, job: Job, template: Template | None, local: bool) -> None:
        self._names = job.text if template is None else template.columns
        self._cells = [job.source.texts(name) for name in self._names]
        self._template, self._local = template, local

    def write(self, row: int) -> str:
        """Return the row's content; nothing where all its cells are empty."""
        cells = [column[row] or "" for column in self._cells]
        if self._template is None or not any(cell.strip() for cell in cells):
            return chat.row_text(self._names, cells)
        return self._template.fill(dict(zip(self._names, cells, strict=True)), self._local)

    def example(self, text: str) -> str:
        """Return an example of the task file, which is a text alone, as rows are written."""
        if self._template is None:
            return text
        if len(self._names) == 1:
            return self._template.fill({self._names[0]: text}, self._local)
        return text if self._local else chat.fence(text)


def template_of(job: Job, path: Path | None, task: chat.Task) -> Template | None:
    """Return the user's own prompt, if there is one; warns where it shows what it should not."""
    if path is None:
        return None
    job.also_reads(path)
    about = {
        "classes": chat.class_list(task),
        "guidelines": task.guidelines.strip(),
        "edge_cases": chat.edge_list(task),
    }
    names = list(job.source.columns)
    alone = "text" not in names and job.has_text() and len(job.text) == 1
    found = template.read(path, names, about, job.text[0] if alone else "")
    seen = job.visible_columns()
    shown = [name for name in found.columns if name not in seen]
    if shown:
        console.warn(f"--template {path} shows the model {listing(shown)}: that may be the answer")
    return found


def rows_of(job: Job, writer: Writer, chosen: NDArray[np.bool_] | None) -> Rows:
    """Return the distinct texts of the chosen rows; None means all."""
    if chosen is None:
        chosen = np.ones(job.rows, dtype=bool)
    places = np.full(job.rows, -1, dtype=np.int64)
    empty = np.zeros(job.rows, dtype=bool)
    known: dict[str, int] = {}
    for row in np.flatnonzero(chosen).tolist():
        text = writer.write(row)
        if text.strip():
            places[row] = known.setdefault(text, len(known))
        else:
            empty[row] = True
    return Rows(list(known), places, empty)


def people(job: Job) -> Labels:
    """Return what people said: no labels of our own making, none that are kept for the audit."""
    labels = job.labels()
    made = set(job.machine_columns)
    hidden = job.excluded_from_training | np.isin(
        labels.column.astype(str), sorted(made - {"label"})
    )
    values, codes = labels.values.copy(), labels.codes.copy()
    values[hidden], codes[hidden] = "", -1
    return labels._replace(values=values, codes=codes)


def task_of(task: Task, classes: tuple[str, ...]) -> chat.Task:
    """Return what a task file tells an annotator of these classes."""
    reader = ClassReader(classes)
    for example in task.examples:
        if reader.class_of(example["label"]) is None:
            raise UsageError(
                f"the label {example['label']!r} of an example is not one of the classes"
                f"{nearest(example['label'], classes)}"
            )
    named = [(reader.class_of(name), text) for name, text in task.descriptions.items()]
    descriptions = {name: text for name, text in named if name is not None}
    edge_cases = tuple(task.edge_cases)
    return chat.Task(classes, descriptions, task.guidelines, task.name, edge_cases=edge_cases)


def examples(
    job: Job,
    fixed: Sequence[Example],
    n: int,
    way: str,
    classes: tuple[str, ...],
    said: Labels,
    writer: Writer,
    texts: Sequence[str],
) -> Examples:
    """Return the fixed examples, and `n` rows that people labelled, chosen by `way`."""
    if n < 0:
        raise UsageError(f"--few-shot {n}: give 0 or more")
    check_way(way)
    if not n:
        return Examples(fixed, [], 0)
    labelled = [
        (writer.write(row), str(said.values[row]))
        for row in np.flatnonzero(said.codes >= 0).tolist()
    ]
    among = pool(labelled, np.random.default_rng([job.seed, 2]))
    if len(among) < n:
        console.warn(
            f"--few-shot {n}: only {console.count(len(among), 'rows', 'are')} labelled by people "
            "(audit rows and rows that give orders are not used)"
        )
    if way == "nearest":
        return Examples(fixed, among, n, nearest_to(texts, among, n, _vectors(job)))
    if way == "diverse":
        return Examples(fixed, spread(among, n, _vectors(job)), n)
    return Examples(fixed, among if way == "fixed" else draw(among, classes, n), n)


def _vectors(job: Job) -> Callable[[Sequence[str]], Any]:
    """Return what makes texts comparable: a sentence embedding where it is there and quick."""
    from labelkit.ml.embedding import Embedding
    from labelkit.ml.feature_selection import MOST_CHARACTERS
    from labelkit.ml.features import Features

    def vectors(texts: Sequence[str]) -> Any:

        quick = sum(map(len, texts)) <= MOST_CHARACTERS
        kind = "embedding" if quick and not Embedding().missing() else "tfidf"
        table = pa.table({"text": pa.array(texts, pa.string())})
        features = Features(["text"], {}, kind, job.seed, cache=lambda: job.cache_dir)
        return features.fit(table).matrix(table)

    return vectors


def known(job: Job, said: Labels, rows: Rows, classes: tuple[str, ...]) -> Known:
    """Return the class known of each distinct text, from people and --gold; no audit rows.

    A text of which two classes are known, and one that an audit row has too, counts as unknown.
    """
    codes = _placed(_codes_in(said.values, classes), rows)
    at_random = False
    gold = gold_codes(job, classes)
    if gold is not None:
        gold[job.excluded_from_training] = -1
        at_random = bool((gold[rows.places >= 0] >= 0).all())
        codes = np.where(codes == -1, _placed(gold, rows), codes)
    codes[_placed(np.where(job.audit_mask, np.int32(0), np.int32(-1)), rows) != -1] = -1
    codes[codes < 0] = -1
    groups = duplicate_groups(pa.table({"text": pa.array(rows.texts, pa.string())}))
    return Known(codes, groups, at_random)


def gold_codes(job: Job, classes: tuple[str, ...]) -> Codes | None:
    """Return the known truth of each row of the file, -1 where there is none; None without."""
    values = job.gold()
    if values is None:
        return None
    where = f"{job.source.name}, column {job.options['gold']!r}"
    ignore = job.ignores_unknown_labels()
    return encode(values, list(classes), ignore, where, job.keys)[1]


def audit(job: Job, classes: tuple[str, ...]) -> Codes:
    """Return the human class of each audit row, -2 for another class, -1 without a label."""
    if not job.audit_mask.any():
        return np.full(job.rows, -1, dtype=np.int32)
    labels = job.labels()
    codes = _codes_in(labels.values, classes)
    codes[(codes < 0) & (labels.values != "")] = -2
    return np.where(labels.audit, codes, np.int32(-1))


def _codes_in(values: Texts, classes: tuple[str, ...]) -> Codes:
    place = {name: np.int32(code) for code, name in enumerate(classes)}
    return np.array([place.get(value, -1) for value in values], dtype=np.int32)


def _placed(codes: Codes, rows: Rows) -> Codes:
    """Return each distinct text's class: -1 where none, -2 where its rows differ."""
    found = np.full(len(rows.texts), -1, dtype=np.int32)
    for row in np.flatnonzero((codes >= 0) & (rows.places >= 0)):
        place = rows.places[row]
        found[place] = codes[row] if found[place] in (-1, codes[row]) else -2
    return found
