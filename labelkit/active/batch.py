"""The batch file: the chosen rows for people, with an empty `label` to fill in."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.columns import ROW_CHECK
from labelkit.errors import LabelkitError, UsageError

if TYPE_CHECKING:
    from labelkit.active.choose import Batch
    from labelkit.job import Job


def check_batch(job: "Job", path: Path) -> None:
    """Raise where the batch cannot be written, or would destroy what people filled in."""
    from labelkit import table

    given = [job.options["input"]] if isinstance(job.options["input"], str) else job.options["input"]
    if str(path) == "-":
        if job.output == "-":
            raise UsageError("--batch - and -o - cannot both go to stdout")
    else:
        if not path.parent.is_dir():
            raise LabelkitError(
                f"{path} cannot be written: there is no folder {path.parent} "
                f"(mkdir -p {path.parent})"
            )
        others = {"the output": job.output, **{f"the input {name}": name for name in given}}
        for what, name in others.items():
            if name not in ("", "-") and path.resolve() == Path(name).resolve():
                raise UsageError(f"--batch {path} is {what}; give another name")
        if path.is_file():
            _keep_peoples_work(job, path)
    table.format_of(path, job.options["format"])
    job.unique_keys()
    if job.key_name == "row" and job.source.has("row"):
        raise UsageError(
            f"the batch numbers its rows in a column 'row', and {job.source.name} has one of its "
            f"own; name the key with --id COLUMN"
        )


def _keep_peoples_work(job: "Job", path: Path) -> None:
    try:
        before = job.open(path)
        filled = int((before.texts("label") != "").sum()) if before.has("label") else 0
    except LabelkitError:
        return  # it is no batch
    if filled:
        raise LabelkitError(
            f"{path} holds {filled} label{'s' if filled > 1 else ''} that people filled in; merge "
            f"them first, or give another name to --batch"
        )


def write_batch(
    job: "Job", path: Path, chosen: "Batch", found: Mapping[str, list[Any]], origin: str
) -> None:
    """Write the chosen rows in order: their columns, `found`, where they come from, no label."""
    checks = job.row_checks()
    rows = chosen.rows.tolist()
    extra: dict[str, Any] = {"row": rows} if job.key_name == "row" else {}
    extra |= {ROW_CHECK: [checks[row] for row in rows], **found}
    extra["label_origin"] = ["audit" if audit else origin for audit in chosen.is_audit.tolist()]
    extra["label"] = [""] * len(rows)
    job.write_rows(path, rows, extra)
