"""Everything that votes on a file: functions, rules and ready-made votes, batch after batch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit.errors import UsageError, listing
from labelkit.weak.lf import processes, rules, vote_columns
from labelkit.weak.lf.binding import Bound, FileColumns, bind
from labelkit.weak.lf.loader import load
from labelkit.weak.lf.rows import View
from labelkit.weak.lf.rules import Rule
from labelkit.weak.lf.runner import SECONDS, OnError, Voters
from labelkit.weak.lf.timeout import Stopwatch
from labelkit.weak.vote_codes import Codebook, Votes
from labelkit.weak.vote_patterns import Counted, Patterns


@dataclass
class Panel:
    """All voters of a run, in the order of their columns: functions, rules, ready-made votes."""

    columns: FileColumns
    codebook: Codebook
    functions: list[Bound] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    ready: list[str] = field(default_factory=list)
    on_error: OnError = "stop"
    seconds: float = SECONDS
    describe: Callable[[int], str] = lambda position: f"row {position + 1}"
    errors: dict[str, int] = field(default_factory=dict)
    first_error: dict[str, str] = field(default_factory=dict)
    kept_state: str = ""  # why the functions voted in one process although more were asked for

    @property
    def names(self) -> list[str]:
        """Return the names of all voters."""
        return [
            *(bound.function.name for bound in self.functions),
            *(rule.name for rule in self.rules),
            *self.ready,
        ]

    @property
    def needed(self) -> list[str]:
        """Return the columns of the file that must be read."""
        wanted: set[str] = set(self.ready)
        for bound in self.functions:
            wanted.update(bound.names)
        for rule in self.rules:
            wanted.update(rule.columns)
            wanted.update(self.columns.text * rule.reads_text)
        return self.columns.behind(wanted)

    def named_hidden(self) -> dict[str, list[str]]:
        """Return the hidden columns that functions and rules name, each with who names it."""
        found: dict[str, list[str]] = {}
        for bound in self.functions:
            for name in frozenset(bound.names) & self.columns.hidden:
                found.setdefault(name, []).append(bound.function.name)
        for rule in self.rules:
            for name in frozenset(rule.columns) & self.columns.hidden:
                found.setdefault(name, []).append(rule.name)
        return found

    def vote(
        self,
        batches: Iterable[pa.RecordBatch],
        chosen: npt.NDArray[np.bool_] | None,
        advance: Callable[[int], Any],
        jobs: int = 1,
    ) -> tuple[Counted, list[str]]:
        """Return the votes on all chosen rows and the classes in their final order.

        Raises LabelkitError where a function fails or a vote is no class.
        """
        voters = Voters(
            self.functions,
            self.columns,
            self.codebook,
            self.on_error,
            self.describe,
            Stopwatch(self.seconds),
        )
        patterns = Patterns(len(self.names))
        parts = processes.cut(batches, chosen, processes.part_size(voters, jobs))
        for part, votes in processes.votes(voters, parts, jobs):
            patterns.add(np.concatenate([votes, self._others(part)], axis=1), part.mask)
            advance(part.rows)
        self.errors, self.first_error = dict(voters.errors), voters.first_error
        self.kept_state = voters.kept_state
        classes, remap = self.codebook.final()
        return patterns.finish(remap), classes

    def _others(self, part: processes.Part) -> Votes:
        by_rule = rules.vote(self.rules, View(part.batch, self.columns.text), self.codebook)
        ready = vote_columns.read(
            part.batch, self.ready, self.codebook, part.positions, self.describe
        )
        return np.concatenate([by_rule, ready], axis=1)


def gather(
    columns: FileColumns,
    classes: Sequence[str] | None,
    *,
    functions: Path | None,
    rule_tables: Sequence[Any],
    rule_folder: Path,
    from_votes: Sequence[str],
    needs_voters: bool = True,
) -> Panel:
    """Return the panel of everything that the user named.

    Raises UsageError where nothing votes or two voters share a name, and what loading functions,
    parsing rules and matching columns raise.
    """
    if needs_voters and functions is None and not rule_tables and not from_votes:
        raise UsageError(
            "nothing votes: give --functions FILE.py, --keyword 'CLASS=word,other phrase', "
            "[[weak-label.rule]] tables in the task file, or --from-votes 'lf_*' for columns that "
            "hold votes"
        )
    panel = Panel(columns, Codebook(classes))
    if functions is not None:
        panel.functions = bind(load(functions, classes), columns)
    panel.rules = rules.parse(rule_tables, rule_folder)
    rules.check_columns(panel.rules, columns)
    panel.ready = vote_columns.matching(from_votes, columns.every)
    names = panel.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"more than one voter is called {listing(twice)}; rename one")
    return panel
