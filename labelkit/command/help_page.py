"""The options of a help page in groups: those of the command first, then those that many share."""

from collections.abc import Mapping, Sequence
from typing import Any

Groups = Mapping[str, Sequence[str]]  # heading: names of parameters

_FIRST = "Options"
_SHARED: Groups = {
    "Rows and labels": (
        "text", "classes", "label", "answers", "gold", "where", "sample", "id", "unknown_label"
    ),
    "Learning": ("features", "column", "from_proba", "group", "jobs", "seed"),
    "Output columns and files": ("as_name", "in_place", "overwrite", "summary"),
    "Task file and input format": (
        "task", "no_task", "format", "delimiter", "encoding", "cache"
    ),
    "Messages": ("quiet", "verbose", "debug", "help"),
}  # fmt: skip


def write(params: Sequence[Any], groups: Groups, ctx: Any, formatter: Any) -> None:
    """Write the arguments, then a section for each group that the command has options of.

    What is in no group stands in the first section: -o and the options that are used most.
    """
    records = {
        param.name: (param.param_type_name, record)
        for param in params
        if (record := param.get_help_record(ctx)) is not None
    }
    arguments = [name for name, (kind, _) in records.items() if kind == "argument"]
    every = {**groups, **_SHARED}
    grouped = {name for names in every.values() for name in names}
    first = [name for name in records if name not in grouped and name not in arguments]
    for heading, names in {"Arguments": arguments, _FIRST: first, **every}.items():
        shown = [records[name][1] for name in names if name in records]
        if shown:
            with formatter.section(heading):
                formatter.write_dl(shown)
