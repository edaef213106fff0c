"""Which step of a file's history gave which labels to the decision, row by row."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labelkit.combine.sources import PEOPLE, Said
from labelkit.data.labels import Mask
from labelkit.io import history

if TYPE_CHECKING:
    from labelkit.job.job import Job

_DOUBTS = "noise_given"


class Part(NamedTuple):
    """What a step gave: the rows that it labelled first, in the label column of people and others.

    `place` is its place in the history. `doubts`: it flagged labels. A step that `picks` rows for
    people gave them what people said next of rows that were not drawn for the audit.
    """

    place: int
    command: str
    columns: dict[str, Mask]
    doubts: bool = False
    picks: bool = False


def parts(job: "Job", said: Said) -> list[Part]:
    """Return what each step of the input's history gave, oldest first.

    A step whose labels a later run of the command has replaced gave nothing and is left out.
    """
    filled = {source.column: source.voter.codes >= 0 for source in said.sources}
    if job.source.has(PEOPLE):
        filled[PEOPLE] = job.label_texts([PEOPLE])[PEOPLE] != ""
        filled[PEOPLE] &= said.people >= 0
    writers = _writers(job.steps, {*filled, _DOUBTS})
    doubting = writers.pop(_DOUBTS, [])
    given: dict[int, dict[str, Mask]] = {}
    for column, places in writers.items():
        for place, rows in _divided(job, column, places, filled[column]).items():
            given.setdefault(place, {})[column] = rows
    found: list[Part] = []
    for place, step in enumerate(job.steps):
        picks = bool((step.get("options") or {}).get("batch")) and step["command"] != "merge"
        if place in given or place in doubting[-1:] or picks:
            part = Part(place, step["command"], given.get(place, {}), place in doubting[-1:], picks)
            found.append(part)
    if job.options.get("answers"):
        others = (said.people >= 0) & ~filled.get(PEOPLE, np.zeros(len(said.people), dtype=bool))
        found.append(Part(len(job.steps), "merge", {PEOPLE: others}))
    return [_with_asked(part, found, said) if part.picks else part for part in found]


def _with_asked(part: Part, every: list[Part], said: Said) -> Part:
    """Return a part that picked rows with what people said of them before others were picked."""
    asked = np.zeros(len(said.people), dtype=bool)
    for later in every[every.index(part) + 1 :]:
        if later.picks:
            break
        asked |= later.columns.get(PEOPLE, False) & ~said.audit
    return part._replace(columns={PEOPLE: asked})


def _writers(steps: list[dict[str, Any]], columns: set[str]) -> dict[str, list[int]]:
    """Return the places of the steps that wrote what stands in each column."""
    found: dict[str, list[int]] = {}
    for place, step in enumerate(steps):
        for column in columns.intersection(map(str, step.get("columns") or [])):
            before = found.get(column, []) if column == PEOPLE or _is_partial(step) else []
            found[column] = [*before, place]
    return found


def _is_partial(step: Mapping[str, Any]) -> bool:
    options = step.get("options") or {}
    return bool(options.get("where") or options.get("sample"))


def _divided(job: "Job", column: str, places: list[int], filled: Mask) -> dict[int, Mask]:
    """Return the rows that each of these steps labelled first; a row of none had a label before."""
    if len(places) == 1 and column != PEOPLE:
        return {places[0]: filled}
    found, left = {}, filled
    for place in reversed(places):
        before = _filled_before(job, job.steps[place], column)
        if before is None:  # the file is gone: what it held is taken as this step's
            before = np.zeros(len(filled), dtype=bool)
        found[place], left = left & ~before, left & before
    return found


def _filled_before(job: "Job", step: Mapping[str, Any], column: str) -> Mask | None:
    """Return which rows had a label in the file that a step read; None where that is gone."""
    given = (step.get("options") or {}).get("input")
    paths = [Path(p) for p in ([given] if isinstance(given, str) else given or [])]
    hashes = step.get("inputs") or {}
    known = (path.is_file() and hashes.get(str(path)) == history.digest(path) for path in paths)
    if not paths or not all(known):
        return None
    table = job.open(*paths)
    if not table.has(column):
        return np.zeros(job.rows, dtype=bool)
    found: Mask = table.texts(column) != ""
    return found if len(found) == job.rows else None
