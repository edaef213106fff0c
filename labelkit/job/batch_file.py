"""The batch file: the chosen rows for people, with an empty `label` to fill in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.data.answers_file import DETAILS
from labelkit.data.columns import ROW_CHECK
from labelkit.data.labels import read_labels
from labelkit.errors import LabelkitError, UsageError

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
        if not path.parent.is_dir():
            raise LabelkitError(
                f"{path} cannot be written: there is no folder {path.parent} "
                f"(mkdir -p {path.parent})"
            )
        others = {"the output": job.output, **{f"the input {name}": name for name in given}}
        for what, name in others.items():
            if name not in ("", "-") and path.resolve() == Path(name).resolve():
                raise UsageError(f"{option} {path} is {what}; give another name")
        if path.is_file():
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
        before = Table([path], given_format=job.options["format"])
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
    found: Mapping[str, Any],
) -> None:
    """Write the chosen rows in order: their columns, `found`, where they come from, no label."""
    checks = job.row_checks()
    rows = list(chosen)
    extra: dict[str, Any] = {"row": rows} if job.key_name == "row" else {}
    extra |= {ROW_CHECK: [checks[row] for row in rows], **found}
    # Who gave an earlier label, and how long it took, is not said of the one to come.
    extra |= {name: [None] * len(rows) for name in FILLED_IN[1:] if job.source.has(name)}
    extra["label_origin"] = list(origins)
    extra["label"] = [""] * len(rows)
    job.write_rows(path, rows, extra)
