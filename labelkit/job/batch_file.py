"""The batch file: rows for people to label, with an empty column `label`.

It has the key, the user's columns and, except in blind rows (audit, calibration), a suggested
label, its confidence and the reason why the row was selected.
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

# The columns that people fill in; label_origin is not one of them.
FILLED_IN = ("label", *(name for name in DETAILS if name != "label_origin"))


def check_batch(job: "Job", path: Path, option: str = "--batch") -> None:
    """Raise UsageError or LabelkitError if the batch cannot be written or would replace answers."""
    from labelkit.io.table_formats import format_of

    inputs = (
        [job.options["input"]] if isinstance(job.options["input"], str) else job.options["input"]
    )
    if str(path) == "-":
        if job.output == "-":
            raise UsageError(f"{option} - and -o - cannot both go to stdout")
    else:
        others = {"the output": job.output, **{f"the input {name}": name for name in inputs}}
        for role, name in others.items():
            if name not in ("", "-") and path.resolve() == Path(name).resolve():
                raise UsageError(f"{option} {path} is {role}; choose another name")
        if path.is_file() and not is_stream(path):
            _refuse_filled_in(job, path, option)
    format_of(path, job.options["format"])
    job.unique_keys()
    if job.key_name == "row" and job.source.has("row"):
        raise UsageError(
            f"the batch needs a column 'row' for row numbers, but {job.source.name} already has "
            f"one; name the key column with --id COLUMN"
        )


def _refuse_filled_in(job: "Job", path: Path, option: str) -> None:
    """Raise LabelkitError unless the existing file is a batch without answers."""
    from labelkit.io.table import Table

    if not path.stat().st_size:
        return
    try:
        existing = reopen_with_spreadsheet_dialect(
            Table([path], given_format=job.options["format"]), ("label",)
        )
        filled = {name: _filled(existing, name) for name in FILLED_IN if existing.has(name)}
    except LabelkitError:
        filled = {}
    if "label" not in filled:
        raise LabelkitError(
            f"{path} already exists and is not a labelkit batch; not overwriting it: choose "
            f"another name for {option}, or remove the file"
        )
    if any(filled.values()):
        kind, count = next((name, n) for name, n in filled.items() if n)
        raise LabelkitError(
            f"{path} already contains answers ({console.count(count, 'cells')} of {kind!r}); merge "
            f"it first if that is not done yet, then choose another name for {option}, or remove "
            f"the file"
        )


def _filled(existing: Any, name: str) -> int:
    cells = existing.texts(name)
    return int(((read_labels(cells, None) if name == "label" else cells) != "").sum())


def write_batch(
    job: "Job",
    path: Path,
    chosen: Sequence[int],
    origins: Sequence[str],
    suggestions: Mapping[str, Any],
) -> None:
    """Write the chosen rows in order, with `suggestions`, their origins and an empty label.

    `suggestions` are columns with one value per chosen row, such as a guess. Earlier audit rows
    stay audit rows; they are put at random positions, since the order of the others depends on
    machine labels.
    """
    import pyarrow as pa

    order, kinds = _with_audit_rows_mixed_in(job, chosen, origins)
    rows = [chosen[index] for index in order]
    visible = pa.array([kind not in BLIND_ORIGINS for kind in kinds], pa.bool_())
    checks = job.row_checks()
    extra: dict[str, Any] = {"row": [row + 1 for row in rows]} if job.key_name == "row" else {}
    extra[ROW_CHECK] = [checks[row] for row in rows]
    extra |= {
        name: _masked(visible, _column(v).take(pa.array(order, pa.int64())))
        for name, v in suggestions.items()
    }
    extra["label_origin"] = kinds
    extra["label"] = [""] * len(rows)
    job.write_rows(path, rows, extra, _own_columns(job, path))
    written = [name for name in extra if name not in ("row", "label")]  # the user's, not labelkit's
    job.record(path, written, classes=job.known_classes())


def _with_audit_rows_mixed_in(
    job: "Job", chosen: Sequence[int], origins: Sequence[str]
) -> tuple[list[int], list[str]]:
    """Return the order of the chosen rows, as indices among them, and their origins."""
    import numpy as np

    origins_before = blind_origins(job.source)
    origins_before[job.audit_mask] = AUDIT
    earlier_origins = origins_before[list(chosen)]
    kinds = [str(old or new) for old, new in zip(earlier_origins, origins, strict=True)]
    repeated = np.flatnonzero((earlier_origins != "") & ~np.isin(list(origins), BLIND_ORIGINS))
    others = np.setdiff1d(np.arange(len(kinds)), repeated)
    rng = np.random.default_rng([job.seed, 6])
    order = np.empty(len(kinds), dtype=np.int64)
    is_repeated = np.zeros(len(kinds), dtype=bool)
    is_repeated[rng.permutation(len(kinds))[: len(repeated)]] = True
    order[is_repeated], order[~is_repeated] = rng.permutation(repeated), others
    return order.tolist(), [kinds[index] for index in order]


def _column(values: Any) -> Any:
    import pyarrow as pa

    from labelkit.io import text_cells

    return values if isinstance(values, pa.Array) else text_cells.arrow(values)


def _masked(mask: Any, values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _own_columns(job: "Job", path: Path) -> list[str]:
    """Return the user's columns to show: not gold, labels, machine columns or leaking columns.

    A batch in a text format has no binary columns either.
    """
    from labelkit.io.table_formats import format_of

    hidden = {*job.machine_columns, "label", "gold", *(job.options.get("label") or [])}
    hidden |= {name for name in [job.options.get("gold"), *job.excluded_columns] if name}
    hidden -= {job.key_name}
    is_text = format_of(path, job.options["format"]) != "parquet"
    binary = [n for n in job.source.binary_columns() if is_text and n not in hidden]
    if binary:
        console.note(f"not in the batch (binary): {listing(binary)}")
    hidden |= set(binary)
    own = [name for name in job.source.every_column() if name not in hidden]
    leaking = _leaking_columns(job, own)
    if leaking:
        console.note(
            f"not in the batch (leak the label): "
            f"{listing(console.clean(name, 60) for name in leaking)}"
        )
    return [name for name in own if name not in leaking]


def _leaking_columns(job: "Job", names: Sequence[str]) -> list[str]:
    """Return the columns that determine nearly all labels, measured without audit rows."""
    import numpy as np

    from labelkit.ml import target_leakage

    labels = job.labels()
    rows = np.flatnonzero((labels.codes >= 0) & ~labels.audit)
    texts = job.text if job.has_text() else []
    skipped = {job.key_name, *texts, *job.source.binary_columns()}
    kinds = job.source.kinds([name for name in names if name not in skipped])
    if not kinds or len(rows) < target_leakage.FEWEST:
        return []
    table = job.source.read(list(kinds), typed=True).take(rows)
    return list(target_leakage.telling_columns(table, kinds, labels.codes[rows]))
