"""Rules of the task file: labeling functions without code, run by Arrow on whole batches."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.config.label_text import label_text
from labelkit.errors import LabelkitError, UsageError, listing, nearest
from labelkit.weak.lf.binding import FileColumns
from labelkit.weak.lf.conditions import CONDITIONS, Condition, RuleOptions
from labelkit.weak.lf.rows import View
from labelkit.weak.vote_codes import ABSTAIN, Codebook, Votes, WrongVote

OPTIONS = ("match", "unit", "match_case")
KEYS = ("name", "label", "column", *CONDITIONS, *OPTIONS, "and")


@dataclass(frozen=True)
class Clause:
    """Conditions on one column, all of which must hold."""

    column: str | None  # None: the task's text
    conditions: tuple[Condition, ...]
    options: RuleOptions


@dataclass(frozen=True)
class Rule:
    """A named rule: votes `label` where all its clauses hold, and abstains elsewhere."""

    name: str
    label: str | int
    clauses: tuple[Clause, ...]
    files: tuple[Path, ...] = ()  # what it reads beside the data

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule names."""
        named = (clause.column for clause in self.clauses if clause.column is not None)
        return tuple(dict.fromkeys(named))

    @property
    def reads_text(self) -> bool:
        """Return whether the rule reads the task's text."""
        return any(clause.column is None for clause in self.clauses)


def parse(tables: Sequence[Mapping[str, Any]], folder: Path) -> list[Rule]:
    """Return the rules of `[[weak-label.rule]]`; files are relative to `folder`.

    Raises UsageError for an unknown key, a missing label, a rule without a condition, two rules of
    one name and whatever a condition refuses.
    """
    rules: list[Rule] = []
    for number, table in enumerate(tables, start=1):
        rule = _rule(table, f"rule_{number}", folder)
        if any(rule.name == other.name for other in rules):
            raise UsageError(f"two rules are called {rule.name!r}; rename one")
        rules.append(rule)
    return rules


def check_columns(rules: Sequence[Rule], columns: FileColumns) -> None:
    """Raise LabelkitError for a rule on a column that the file has not, with the nearest name."""
    for rule in rules:
        if rule.reads_text and not columns.text:
            raise LabelkitError(
                f"rule {rule.name!r} reads the text: say which column that is by --text "
                f"COLUMN, or give the rule a `column` (columns: {listing(columns.every)})"
            )
        for column in rule.columns:
            if column in columns.names:
                continue
            raise LabelkitError(
                f"rule {rule.name!r}: there is no column {column!r}"
                f"{nearest(column, columns.every)} (columns: {listing(columns.every)})"
            )


def vote(rules: Sequence[Rule], view: View, codebook: Codebook) -> Votes:
    """Return the votes of the rules on one batch, rows × rules; an empty cell abstains.

    Raises UsageError for a label that is not declared, and for `min` or `max` on a column of
    another kind.
    """
    votes = np.full((len(view), len(rules)), ABSTAIN, dtype=np.int16)
    for number, rule in enumerate(rules):
        try:
            code = codebook.code(rule.label)
        except WrongVote as wrong:
            reason = wrong.reason.replace("returned", "label", 1)
            raise UsageError(f"rule {rule.name!r}: {reason}") from wrong
        votes[_holds(rule, view), number] = code
    return votes


def _holds(rule: Rule, view: View) -> Any:
    found = None
    for clause in rule.clauses:
        array = view.task_text() if clause.column is None else view.array(clause.column)
        if pa.types.is_string(array.type):
            # Empty means not known: `shorter_than` must not take it for a short text.
            array = pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
        for condition in clause.conditions:
            here = pc.and_(condition(array), pc.is_valid(array))
            found = here if found is None else pc.and_(found, here)
    assert found is not None
    return pc.fill_null(found, False).to_numpy(zero_copy_only=False)


def _rule(table: Mapping[str, Any], default: str, folder: Path) -> Rule:
    name = table.get("name", default)
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"a rule's name must be text, not {name!r}")
    place = f"rule {name!r}"
    clauses = [_clause(table, place, folder, KEYS)]
    label = table.get("label")
    if label is None:
        raise UsageError(f"{place} has no label: the class that it votes for")
    if not isinstance(label, str | int | float) or not label_text(label):
        raise UsageError(f"{place}: label must be the name of a class, not {label!r}")
    further = table.get("and", [])
    if isinstance(further, dict):
        further = [further]
    if not isinstance(further, list) or not all(isinstance(item, dict) for item in further):
        raise UsageError(f'{place}: and must hold tables: and = [{{ column = "rating", min = 8 }}]')
    keys = ("column", *CONDITIONS, *OPTIONS)
    clauses += [_clause(item, f"{place}, and", folder, keys) for item in further]
    files = tuple(folder / str(item["in_file"]) for item in (table, *further) if "in_file" in item)
    if not isinstance(label, int) or isinstance(label, bool):
        label = label_text(label)  # an integer may index the class order; all else is a name
    return Rule(name, label, tuple(clauses), files)


def _clause(table: Mapping[str, Any], place: str, folder: Path, keys: Sequence[str]) -> Clause:
    for key in table:
        if key not in keys:
            raise UsageError(
                f"{place}: unknown key {key!r}{nearest(key, keys)} ({listing(keys, 30)})"
            )
    column = table.get("column")
    if column is not None and (not isinstance(column, str) or not column):
        raise UsageError(f"{place}: column must be one name, not {column!r}")
    options = RuleOptions(place, table, folder)
    made = tuple(make(table[key], options) for key, make in CONDITIONS.items() if key in table)
    if not made:
        raise UsageError(f"{place} has no condition ({listing(CONDITIONS, 30)})")
    return Clause(column, made, options)


def keyword_tables(given: Sequence[str]) -> list[dict[str, Any]]:
    """Return a rule for each `CLASS=word,other phrase`, as a table like those of the task file.

    The rules are called keyword_CLASS, further ones of the same class keyword_CLASS_2, …
    Raises UsageError for anything else.
    """
    found: list[dict[str, Any]] = []
    for text in given:
        label, equals, listed = text.partition("=")
        words = [word.strip() for word in next(csv.reader([listed], skipinitialspace=True), [])]
        if not equals or not label.strip() or not words or not all(words):
            raise UsageError(
                f"--keyword {text!r} is not CLASS=WORDS "
                "(write --keyword 'complaint=refund,never again')"
            )
        label = label.strip()
        number = 1 + sum(table["label"] == label for table in found)
        name = f"keyword_{label}" + (f"_{number}" if number > 1 else "")
        found.append({"name": name, "label": label, "any_of": words})
    return found
