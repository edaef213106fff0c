"""From a job's rows to what is asked: the distinct texts, what people said of them, examples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelkit import columns, console
from labelkit.job import Job
from labelkit.llm import prompt
from labelkit.llm.examples import draw


@dataclass(frozen=True)
class Rows:
    """The distinct texts to ask about, and where each chosen row finds its own."""

    texts: list[str]
    places: NDArray[np.int64]  # a place in `texts` for each row of the file; -1: not chosen
    empty: NDArray[np.bool_]


def rows_of(job: Job) -> Rows:
    """Return the distinct texts of the chosen rows."""
    names = job.text
    cells = [job.source.texts(name) for name in names]
    chosen = job.chosen if job.chosen is not None else np.ones(job.rows, dtype=bool)
    places = np.full(job.rows, -1, dtype=np.int64)
    empty = np.zeros(job.rows, dtype=bool)
    known: dict[str, int] = {}
    for row in np.flatnonzero(chosen):
        text = prompt.row_text(names, [column[row] or "" for column in cells])
        if text.strip():
            places[row] = known.setdefault(text, len(known))
        else:
            empty[row] = True
    return Rows(list(known), places, empty)


def people(job: Job) -> columns.Labels:
    """Return what people said: no labels of our own making, none that are kept for the audit."""
    labels = job.labels()
    made = set(columns.ours(job.source.columns)) | set(job.our_columns)
    hidden = labels.audit | np.isin(labels.column.astype(str), sorted(made - {"label"}))
    values, codes = labels.values.copy(), labels.codes.copy()
    values[hidden], codes[hidden] = "", -1
    return labels._replace(values=values, codes=codes)


def examples(
    job: Job, n: int, classes: tuple[str, ...], said: columns.Labels
) -> list[tuple[str, str]]:
    """Return rows that people labelled, to show as examples."""
    if not n:
        return []
    names = job.text
    cells = [job.source.texts(name) for name in names]
    labelled = [
        (prompt.row_text(names, [column[row] or "" for column in cells]), str(said.values[row]))
        for row in np.flatnonzero(said.codes >= 0)
    ]
    drawn = draw(labelled, classes, n, np.random.default_rng([job.seed, 2]))
    if len(drawn) < n:
        console.warn(
            f"--few-shot {n}: only {len(drawn)} rows are labelled by people "
            "(audit rows are not used)"
        )
    return drawn


def codes(said: columns.Labels, rows: Rows, classes: tuple[str, ...]) -> NDArray[np.int32]:
    """Return the class that people gave each distinct text, -1 where none or where they differ."""
    found = np.full(len(rows.texts), -1, dtype=np.int32)
    for row in np.flatnonzero((said.codes >= 0) & (rows.places >= 0)):
        place, code = rows.places[row], classes.index(str(said.values[row]))
        found[place] = code if found[place] in (-1, code) else -2
    found[found == -2] = -1
    return found
