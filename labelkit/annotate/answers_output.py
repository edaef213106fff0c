"""The answers file, as merge reads it: one line for each row with an answer, flag or note."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.data.columns import ROW_CHECK
from labelkit.errors import LabelkitError
from labelkit.io import history

if TYPE_CHECKING:
    from labelkit.annotate.journal import Journal
    from labelkit.annotate.session import Session


def write(path: Path, session: "Session", journal: "Journal") -> int:
    """Write the answers atomically; return the number of labels.

    A skipped row has seconds but no label. The journal stores the hash of the written file, so
    that changes by other programs are detected.
    """
    import pyarrow as pa

    from labelkit.io.table_writer import write_table

    table = session.table
    rows = sorted(
        row
        for row, answer in session.answers.items()
        if answer.label or answer.skipped or answer.flag or answer.note
    )
    seconds = session.worked()
    answers = [session.answers[row] for row in rows]
    columns: dict[str, Any] = {
        table.key_name: pa.array([table.keys[row] for row in rows], pa.string()),
        ROW_CHECK: pa.array([table.check(row) for row in rows], pa.string()),
        "label": pa.array([answer.label or None for answer in answers], pa.string()),
        "label_origin": pa.array([answer.origin or None for answer in answers], pa.string()),
        "label_note": pa.array([_text(answer.note) for answer in answers], pa.string()),
        "label_flag": pa.array([answer.flag or None for answer in answers], pa.bool_()),
        "label_annotator": pa.array([_text(answer.who) for answer in answers], pa.string()),
        "label_seconds": pa.array(
            [
                seconds[row] if answer.label or answer.skipped else None
                for row, answer in zip(rows, answers, strict=True)
            ],
            pa.float64(),
        ),
    }
    journal.append({"do": "writes"})
    write_table(pa.table(columns), path, name=str(path), ours=("label_seconds",))
    journal.append({"do": "wrote", "answers": history.digest(path)})
    return sum(1 for answer in answers if answer.label)


def _text(text: str) -> str | None:
    """Return the text with '?' for each character that UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode() or None


def refuse_others(path: Path, journal: "Journal") -> None:
    """Raise LabelkitError if existing answers differ from what the journal says was written."""
    if not path.exists():
        return
    written = [e.get("answers") for e in journal.entries if e.get("do") in ("writes", "wrote")]
    # None: the process was killed during a write, so either version of the file may exist.
    if written and written[-1] in (None, history.digest(path)):
        return
    what = (
        "was changed since annotate wrote it" if written else "already exists without its journal"
    )
    raise LabelkitError(
        f"{path} {what} ({journal.path}); merge it if that is not done yet, then pass "
        f"--start-over, which renames both, or another -o ANSWERS"
    )
