"""The answers: one line a row that a person said something of, as `merge` reads it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.data.columns import ROW_CHECK
from labelkit.errors import LabelkitError
from labelkit.io import history

if TYPE_CHECKING:
    from labelkit.annotate.journal import Journal
    from labelkit.annotate.session import Session


def write(path: Path, session: "Session", journal: "Journal") -> int:
    """Write the answers, whole or not at all; return how many labels they hold.

    A skipped row has no label, and the seconds that it took. The journal keeps the hash of what
    was written, so that a change by another hand is noticed.
    """
    import pyarrow as pa

    from labelkit.io.table import write_table

    deck = session.deck
    rows = sorted(
        row for row, s in session.said.items() if s.label or s.skipped or s.flag or s.note
    )
    seconds = session.worked()
    said = [session.said[row] for row in rows]
    columns: dict[str, Any] = {
        deck.key_name: pa.array([deck.keys[row] for row in rows], pa.string()),
        ROW_CHECK: pa.array([deck.check(row) for row in rows], pa.string()),
        "label": pa.array([s.label or None for s in said], pa.string()),
        "label_origin": pa.array([s.origin or None for s in said], pa.string()),
        "label_note": pa.array([_text(s.note) for s in said], pa.string()),
        "label_flag": pa.array([s.flag or None for s in said], pa.bool_()),
        "label_annotator": pa.array([_text(s.who) for s in said], pa.string()),
        "label_seconds": pa.array(
            [
                seconds[row] if s.label or s.skipped else None
                for row, s in zip(rows, said, strict=True)
            ],
            pa.float64(),
        ),
    }
    journal.append({"do": "writes"})
    write_table(pa.table(columns), path, name=str(path), ours=("label_seconds",))
    journal.append({"do": "wrote", "answers": history.digest(path)})
    return sum(1 for s in said if s.label)


def _text(typed: str) -> str | None:
    """Return what was typed, '?' for each character that UTF-8 does not have."""
    return typed.encode("utf-8", "replace").decode() or None


def refuse_others(path: Path, journal: "Journal") -> None:
    """Raise LabelkitError where the answers that stand there are not as the journal left them."""
    if not path.exists():
        return
    written = [e.get("answers") for e in journal.entries if e.get("do") in ("writes", "wrote")]
    # None: it was killed in between, with the old file in place or the new one.
    if written and written[-1] in (None, history.digest(path)):
        return
    what = (
        "was changed since annotate wrote it"
        if written
        else "is there already, and its journal is not"
    )
    raise LabelkitError(
        f"{path} {what} ({journal.path}); merge it if that is not done yet, then give "
        f"--start-over, which sets both aside, or another -o ANSWERS"
    )
