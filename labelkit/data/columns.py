"""The names of labelkit's columns, and the rules for columns with such names.

`replaceable_columns` returns the columns that a command may replace, by the history of the file.
`machine_columns` returns columns with machine output, by name: no model, rule, prompt or batch
reads them unless an option names them.
"""

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from labelkit.io.table import Table

AUDIT, CALIBRATION, RELABEL = "audit", "calibration", "relabel"  # values of label_origin
ROW_CHECK = "row_check"
PEOPLE = "label"  # the column for human labels, and the prefix of its details


class Endings(NamedTuple):
    """The columns that a command writes under its prefix: always, and with some options."""

    always: tuple[str, ...]
    optional: tuple[str, ...] = ()


# By prefix, which `--as NAME` replaces.
ENDINGS = {
    "weak": Endings(("label", "confidence", "votes"), ("source", "proba_*", "lf_*")),
    "llm": Endings(("label", "confidence", "model", "error"), ("rationale",)),
    "query": Endings(("score", "rank", "reason"), ("guess", "guess_confidence")),
    "noise": Endings(
        ("given", "suggested", "quality", "flag", "reason", "duplicate_of", "outlier"), ("use",)
    ),
    "model": Endings(("label", "confidence"), ("proba_*",)),
    "final": Endings(("label", "confidence", "source"), ("route",)),
    "update": Endings(("row", "drift")),
    "label": Endings(("origin", "annotator"), ("confidence", "note", "flag", "seconds")),
}
_KINDS = {
    **dict.fromkeys(("confidence", "votes", "score", "rank", "quality"), "number"),
    **dict.fromkeys(("flag", "outlier"), "boolean"),
}


def kind_of(column: str) -> str:
    """Return the kind of one of labelkit's columns by its name: number, boolean or text."""
    kinds = {**_KINDS, "use": "boolean", "seconds": "number", "drift": "number"}
    return "number" if "_proba_" in column else kinds.get(column.rpartition("_")[2], "text")


class Replaceable(NamedTuple):
    """The columns of a file that a command may replace; `assumed` if there is no history.

    Those in `removed` are removed even if this run does not write them, since they are outdated.
    """

    columns: list[str]
    removed: list[str]
    assumed: bool = False


def replaceable_columns(
    source: "Table",
    prefix: str,
    written_as: str | None,
    recorded: Collection[str],
    has_history: bool,
) -> Replaceable:
    """Return the columns of a file that the command with this prefix may replace.

    Those with its prefix (or `written_as`) that are `recorded` in the history of the file.
    Without a history, all with its prefix if the columns that the command always writes exist,
    with values of the right kinds.
    """
    name, endings = written_as or prefix, ENDINGS[prefix]
    present = source.every_column()
    pattern = _pattern(name, [*endings.always, *endings.optional])
    ours = [column for column in present if column in recorded and pattern.fullmatch(column)]
    if ours or has_history:
        return Replaceable(ours, ours)
    always = {f"{name}_{ending}": _KINDS.get(ending) for ending in endings.always}
    if not always.keys() <= set(present) or not _are_of_kinds(source, always):
        return Replaceable([], [])
    fixed = _pattern(name, [e for e in [*endings.always, *endings.optional] if "*" not in e])
    assumed = [column for column in present if pattern.fullmatch(column)]
    return Replaceable(assumed, [c for c in assumed if fixed.fullmatch(c)], assumed=True)


def _are_of_kinds(source: "Table", kinds: dict[str, str | None]) -> bool:
    """Return whether each column has its kind or is empty."""
    typed = [column for column, kind in kinds.items() if kind]
    present = source.kinds(typed)
    other = [column for column in typed if present[column] != kinds[column]]
    return not any((texts != "").any() for texts in source.texts_of(other).values())


def machine_columns(names: Iterable[str], recorded: Collection[str] = ()) -> list[str]:
    """Return the columns with machine output or with details of a batch.

    By name: all columns that a command writes under its usual prefix; and the `recorded` columns
    of the file's history, under any name (`--as`).
    """
    patterns = [_pattern(name, [*e.always, *e.optional]) for name, e in ENDINGS.items()]
    return [
        name
        for name in names
        if name == ROW_CHECK or name in recorded or any(p.fullmatch(name) for p in patterns)
    ]


def _pattern(prefix: str, endings: Iterable[str]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(ending).replace(r"\*", ".*") for ending in endings)
    return re.compile(f"{re.escape(prefix)}_(?:{alternatives})", re.DOTALL)
