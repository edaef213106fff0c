"""The answer to one row, and how the entries of a journal change it."""

from collections.abc import Iterable
from typing import NamedTuple

from labelkit.data.answers_journal import DECISIONS, Entry


class RowAnswer(NamedTuple):
    """A person's answer to a row so far."""

    label: str = ""
    origin: str = ""
    note: str = ""
    flag: bool = False
    skipped: bool = False
    shown: tuple[float, ...] = ()  # seconds on the screen before each decision
    who: str = ""
    is_copy: bool = False  # answered together with a duplicate


UNANSWERED = RowAnswer()


def apply_entry(answer: RowAnswer, entry: Entry, index: int) -> RowAnswer:
    """Return the answer after an entry; `index` 0 is the row shown, the others are duplicates."""
    who = entry.get("who", "")
    if entry["do"] == "flag":
        return answer._replace(flag=entry["flag"], who=who)
    if entry["do"] == "note":
        return answer._replace(note=entry["note"], who=who)
    is_copy = index > 0
    seconds = () if is_copy else (float(entry["seconds"]),)
    answer = answer._replace(shown=answer.shown + seconds, who=who)
    answer = answer._replace(origin=entry["origins"][index])
    if entry["do"] == "skip":
        return answer._replace(label="", skipped=True, is_copy=is_copy)
    return answer._replace(
        label=entry["label"],
        skipped=False,
        # A second answer to a flagged row removes the flag.
        flag=answer.flag and not (answer.label or answer.skipped),
        is_copy=is_copy,
    )


def answered_keys(entries: Iterable[Entry]) -> set[str]:
    """Return the keys that journal entries label or skip, without undone ones."""
    entries_in_force: list[Entry] = []
    for entry in entries:
        if entry.get("do") == "undo":
            del entries_in_force[-1:]
        elif entry.get("do") in DECISIONS:
            entries_in_force.append(entry)
    return {
        key
        for entry in entries_in_force
        if entry["do"] in ("label", "skip")
        for key in entry["keys"]
    }
