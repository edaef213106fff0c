"""The batch file: the chosen rows for people, with an empty `label` to fill in.

It holds the key, the user's own columns and what may be shown beside them: a guess, its confidence
and why the row was chosen. Rows that are answered blind (audit, calibration) have none of these.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit import console
from labelkit.data.answers_file import DETAILS, reopen_with_spreadsheet_dialect
from labelkit.data.columns import AUDIT, ROW_CHECK
from labelkit.data.labels import read_labels
from labelkit.data.suggestions import BLIND_ORIGINS, blind_origins
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.io.streams import is_stream

if TYPE_CHECKING:
    from labelkit.job.job import Job

# What people fill in; where a row comes from is not theirs to say.
FILLED_IN = ("label", *(name for name in DETAILS if name != "label_origin"))


def check_batch(job: "Job", path: Path, option: str = "--batch") -> None:
    """Raise where the batch cannot be written, or would destroy what people filled in."""
    from labelkit.io import table

    given = (
        [job.options["input"]] if isinstance(job.options["input"], str) else job.options["input"]
    )
    if str(path) == "-":
        if job.output == "-":
            raise UsageError(f"{option} - and -o - cannot both go to stdout")
    else:
        others = {"the output": job.output, **{f"the input {name}": name for name in given}}
        for what, name in others.items():
            if name not in ("", "-") and path.resolve() == Path(name).resolve():
                raise UsageError(f"{option} {path} is {what}; give another name")
        if path.is_file() and not is_stream(path):
            _keep_peoples_work(job, path, option)
    table.format_of(path, job.options["format"])
    job.unique_keys()
    if job.key_name == "row" and job.source.has("row"):
        raise UsageError(
            f"the batch numbers its rows in a column 'row', and {job.source.name} has one of its "
            f"own; name the key with --id COLUMN"
        )


def _keep_peoples_work(job: "Job", path: Path, option: str) -> None:
    """Raise unless the file that stands there is a batch that nobody has begun to fill in."""
    from labelkit.io.table import Table

    if not path.stat().st_size:
        return
    try:
        before = reopen_with_spreadsheet_dialect(
            Table([path], given_format=job.options["format"]), ("label",)
        )
        filled = {name: _filled(before, name) for name in FILLED_IN if before.has(name)}
    except LabelkitError:
        filled = {}
    if "label" not in filled:
        raise LabelkitError(
            f"{path} is there already and cannot be read as a batch, so it may hold people's "
            f"work; give {option} another name, or remove the file"
        )
    if any(filled.values()):
        kind, count = next((name, n) for name, n in filled.items() if n)
        raise LabelkitError(
            f"{path} was filled in by people ({count:,} cells of {kind!r}); merge it first if "
            f"that is not done yet, then give {option} another name, or remove the file"
        )


def _filled(before: Any, name: str) -> int:
    cells = before.texts(name)
    return int(((read_labels(cells, None) if name == "label" else cells) != "").sum())


def write_batch(
    job: "Job",
    path: Path,
    chosen: Sequence[int],
    origins: Sequence[str],
    suggestions: Mapping[str, Any],
) -> None:
    """Write the chosen rows in order, with `suggestions`, their origins and an empty label.

    `suggestions` are columns of one value a chosen row: what a machine thinks of it. A row that
    was drawn for an audit before stays an audit row; such rows are put at random places, since
    the order of the others may tell what a machine thinks.
    """
    import pyarrow as pa

    order, kinds = _with_audit_rows_mixed_in(job, chosen, origins)
    rows = [chosen[place] for place in order]
    seen = pa.array([kind not in BLIND_ORIGINS for kind in kinds], pa.bool_())
    checks = job.row_checks()
    extra: dict[str, Any] = {"row": [row + 1 for row in rows]} if job.key_name == "row" else {}
    extra[ROW_CHECK] = [checks[row] for row in rows]
    extra |= {
        name: _where(seen, _column(v).take(pa.array(order, pa.int64())))
        for name, v in suggestions.items()
    }
    extra["label_origin"] = kinds
    extra["label"] = [""] * len(rows)
    job.write_rows(path, rows, extra, _own_columns(job, path))
    written = [name for name in extra if name not in ("row", "label")]  # people's, not ours
    job.record(path, written, classes=job.known_classes())


def _with_audit_rows_mixed_in(
    job: "Job", chosen: Sequence[int], origins: Sequence[str]
) -> tuple[list[int], list[str]]:
    """Return the order of the chosen rows, as places among them, and their origins in it."""
    import numpy as np

    origins_before = blind_origins(job.source)
    origins_before[job.audit_mask] = AUDIT
    before = origins_before[list(chosen)]
    kinds = [str(old or new) for old, new in zip(before, origins, strict=True)]
    asked_again = np.flatnonzero((before != "") & ~np.isin(list(origins), BLIND_ORIGINS))
    others = np.setdiff1d(np.arange(len(kinds)), asked_again)
    rng = np.random.default_rng([job.seed, 6])
    order = np.empty(len(kinds), dtype=np.int64)
    at = np.zeros(len(kinds), dtype=bool)
    at[rng.permutation(len(kinds))[: len(asked_again)]] = True
    order[at], order[~at] = rng.permutation(asked_again), others
    return order.tolist(), [kinds[place] for place in order]


def _column(values: Any) -> Any:
    import pyarrow as pa

    from labelkit.io import text_cells

    return values if isinstance(values, pa.Array) else text_cells.arrow(values)


def _where(mask: Any, values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _own_columns(job: "Job", path: Path) -> list[str]:
    """Return the user's columns that people may see: no gold, no label, nothing of a machine.

    A batch of text holds no bytes either.
    """
    from labelkit.io import table

    unseen = {*job.machine_columns, "label", "gold", *(job.options.get("label") or [])}
    unseen |= {name for name in [job.options.get("gold"), *job.hidden] if name}
    unseen -= {job.key_name}
    is_text = table.format_of(path, job.options["format"]) != "parquet"
    binary = [n for n in job.source.binary_columns() if is_text and n not in unseen]
    if binary:
        console.note(f"left out of the batch, since they are binary: {listing(binary)}")
    unseen |= set(binary)
    own = [name for name in job.source.every_column() if name not in unseen]
    repeating = _repeating_the_label(job, own)
    if repeating:
        console.note(
            f"left out of the batch, since they repeat the label: "
            f"{listing(console.clean(name, 60) for name in repeating)}"
        )
    return [name for name in own if name not in repeating]


def _repeating_the_label(job: "Job", names: Sequence[str]) -> list[str]:
    """Return the columns that alone give nearly all labels; audit rows are not looked at."""
    import numpy as np

    from labelkit.ml import target_leakage

    labels = job.labels()
    rows = np.flatnonzero((labels.codes >= 0) & ~labels.audit)
    texts = job.text if job.has_text() else []
    unread = {job.key_name, *texts, *job.source.binary_columns()}
    kinds = job.source.kinds([name for name in names if name not in unread])
    if not kinds or len(rows) < target_leakage.FEWEST:
        return []
    table = job.source.read(list(kinds), typed=True).take(rows)
    return list(target_leakage.telling_columns(table, kinds, labels.codes[rows]))
