"""Labeling functions in several processes: the votes are those of one process.

A function that keeps something from row to row (a set of texts that it met, a counter) would vote
otherwise in each process. A file with such a function is run in one.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit.engine import parallel_map
from labelkit.errors import LabelkitError
from labelkit.weak.lf.binding import FileColumns, bind
from labelkit.weak.lf.kept_state import place_of_kept_state
from labelkit.weak.lf.loader import load
from labelkit.weak.lf.rows import View
from labelkit.weak.lf.runner import OnError, Voters
from labelkit.weak.lf.timeout import Stopwatch
from labelkit.weak.vote_codes import Codebook, Votes, WrongVote

PIECE = 4096
TRIED = 100  # rows that are voted on twice, to see whether functions keep state


class Part(NamedTuple):
    """Some rows of the file: those to vote on, their places, and which of the rows they are."""

    batch: pa.RecordBatch
    positions: npt.NDArray[np.int64]
    mask: npt.NDArray[np.bool_] | None
    rows: int  # of the file, those that are not voted on included


class Voted(NamedTuple):
    """The votes on a part, in the codes of its own classes, and how many calls failed."""

    votes: Votes
    classes: list[str | int]
    errors: dict[str, int]


def voter(
    path: Path,
    classes: Sequence[str],
    columns: FileColumns,
    on_error: OnError,
    seconds: float,
) -> Callable[[Part], Voted | None]:
    """Return what votes on a part with the functions of the file at `path`.

    It returns None where a part must be voted on again in the first process, which can name the
    row: a function failed in a way that ends the command, or took too long.
    """
    bound = bind(load(path, classes or None), columns)

    def vote(part: Part) -> Voted | None:
        codebook = Codebook(classes or None)
        voters = Voters(bound, columns, codebook, on_error, stopwatch=Stopwatch(seconds))
        try:
            votes = voters.vote(View(part.batch, columns.text), part.positions)
        except LabelkitError:
            return None
        if any(voters.timeouts.values()):
            return None
        return Voted(votes, codebook.found, dict(voters.errors))

    return vote


def votes(voters: Voters, parts: Iterable[Part], jobs: int) -> Iterator[tuple[Part, Votes]]:
    """Yield each part with its votes, the same for any number of processes.

    Functions that keep state vote in this process, and `voters.kept_state` tells why. Raises
    LabelkitError as voting in one process does.
    """
    remaining = iter(parts)
    first = list(islice(remaining, 1))
    parts = chain(first, remaining)
    if jobs > 1 and voters.bound and first:
        voters.kept_state = kept_state(voters, first[0])
    if jobs <= 1 or not voters.bound or voters.kept_state:
        for part in parts:
            yield part, voters.vote(View(part.batch, voters.columns.text), part.positions)
        return
    path, classes = voters.bound[0].function.file, voters.codebook.declared
    seconds = voters.stopwatch.seconds
    arguments = (path, classes, voters.columns, voters.on_error, seconds)
    sent: deque[Part] = deque()

    def sending() -> Iterator[Part]:
        for part in parts:
            sent.append(part)
            yield part

    for voted in parallel_map.in_order(voter, arguments, sending(), jobs):
        part = sent.popleft()
        yield part, _merged(voted, part, voters)


def kept_state(voters: Voters, part: Part) -> str:
    """Return what shows that the functions keep state, or an empty string.

    The source shows it, or else that they vote otherwise on the same rows the second time.
    """
    path = voters.bound[0].function.file
    place = place_of_kept_state(path)
    if place:
        return place
    batch, positions = part.batch.slice(0, TRIED), part.positions[:TRIED]
    twice = [_tried(voters, batch, positions) for _ in range(2)]
    if twice[0] == twice[1]:
        return ""
    voters.bound = bind(load(path, voters.codebook.declared or None), voters.columns)
    return "the same rows got other votes the second time"


def _tried(voters: Voters, batch: pa.RecordBatch, positions: npt.NDArray[np.int64]) -> object:
    """Return the votes with the names of their classes; None where a function fails."""
    codebook = Codebook(voters.codebook.declared or None)
    trial = replace(
        voters, codebook=codebook, on_error="abstain", errors=defaultdict(int), first_error={},
        timeouts=defaultdict(int),
    )  # fmt: skip
    try:
        found = trial.vote(View(batch, voters.columns.text), positions)
    except LabelkitError:
        return None
    return found.tolist(), codebook.found


def _merged(voted: Voted | None, part: Part, voters: Voters) -> Votes:
    """Return the votes in the codes of `voters`, to which new classes and failures are added."""
    view = View(part.batch, voters.columns.text)
    if voted is None or not voted.errors.keys() <= voters.first_error.keys():
        return voters.vote(view, part.positions)
    try:
        new = voters.codebook.encode(list(voted.classes))
    except WrongVote:
        return voters.vote(view, part.positions)
    for name, number in voted.errors.items():
        voters.errors[name] += number
    return np.append(new, np.int16(-1))[voted.votes] if voted.classes else voted.votes


def cut(
    batches: Iterable[pa.RecordBatch], chosen: npt.NDArray[np.bool_] | None, most: int | None
) -> Iterator[Part]:
    """Yield the batches as parts of at most `most` rows (None: whole batches)."""
    start = 0
    for whole in batches:
        size = most or max(whole.num_rows, 1)
        for offset in range(0, whole.num_rows, size):
            batch = whole.slice(offset, size)
            here = slice(start + offset, start + offset + batch.num_rows)
            positions, mask = np.arange(here.start, here.stop), None
            if chosen is not None:
                mask = chosen[here]
                positions = positions[mask]
                batch = batch.filter(pa.array(mask))
            elif most is not None:
                # A slice would be sent with all that it was cut from.
                batch = batch.take(pa.array(np.arange(batch.num_rows)))
            yield Part(batch, positions, mask, here.stop - here.start)
        start += whole.num_rows


def part_size(voters: Voters, jobs: int) -> int | None:
    """Return how many rows go to a process at once: whole batches where a function sees frames."""
    by_row = all(one.way in ("row", "columns") for one in voters.bound)
    return PIECE if jobs > 1 and by_row else None
