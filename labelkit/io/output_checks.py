"""Checks of output paths, done before any work."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit.config.paths import WRITTEN
from labelkit.errors import LabelkitError, UsageError
from labelkit.io import history
from labelkit.io.files import need_writable, whole, write_json
from labelkit.io.streams import is_stream
from labelkit.io.table_formats import format_of

# Options and arguments of single commands that name files to read.
_READ = ("functions", "answers_files", "answers", "model")
_WITH_HISTORY = ("--batch", "--again")
KEPT = (".journal.jsonl", ".sqlite")  # endings of files that contain answers


def check(
    command: str,
    output: str | None,
    in_place: bool,
    inputs: Sequence[Path],
    given_format: str | None,
) -> None:
    """Raise UsageError or LabelkitError for a missing output, the input, or an unwritable path."""
    if in_place and (output or len(inputs) != 1):
        raise UsageError("--in-place takes one file as input and no --output")
    if not output and not in_place:
        raise UsageError(
            f"{command} needs -o OUTPUT (- for stdout), or --in-place to overwrite the input"
        )
    if in_place:
        _check_in_place(inputs[0])
    if not output or output == "-":
        return
    target = Path(output)
    format_of(target, given_format)
    if any(path.exists() and target.exists() and path.samefile(target) for path in inputs):
        raise UsageError(f"the output {output} is the input; choose another name, or --in-place")
    need_writable(target)
    history.refuse_foreign(target)


def _check_in_place(path: Path) -> None:
    if path.is_dir():
        raise UsageError(
            f"--in-place overwrites one file, but {path} is a folder; pass -o OUTPUT.parquet"
        )
    if is_stream(path):
        raise UsageError(f"--in-place overwrites a file, but {path} is not a file; pass -o OUTPUT")
    format_of(path)
    if path.exists():
        need_writable(path)
    history.refuse_foreign(path)


def check_others(
    options: Mapping[str, Any], own: Mapping[str, Any], inputs: Sequence[Path], task: Path | None
) -> None:
    """Raise UsageError if -o or --summary would replace another file of the command.

    Raises LabelkitError if an output cannot be written.
    """
    named_files = [("INPUT", path) for path in inputs] + [
        ("--task", path) for path in [task] if path
    ]
    named_files += list(_paths(options, ("answers",)))
    output, summary = options.get("output"), options.get("summary")
    if output and not Path(output).name:
        raise UsageError(f"-o {output} is a folder; pass a file name")
    lists = {name: value for name, value in own.items() if isinstance(value, list)}
    files_read = [*named_files[len(inputs) :], *_paths(own, _READ), *_paths(lists, ("batch",))]
    if output and str(output) != "-":
        _refuse_same("-o", Path(output), files_read)
        _refuse_kept("-o", Path(output))
        written = [("-o", Path(output)), ("its history", history.path_for(Path(output)))]
    else:
        written = []
    if summary is not None:
        _refuse_same("--summary", Path(summary), [*named_files, *_paths(own, tuple(own)), *written])
        _refuse_kept("--summary", Path(summary))
        need_writable(Path(summary))
    one_file = {name: value for name, value in own.items() if not isinstance(value, list)}
    for name, path in _paths(one_file, WRITTEN):
        need_writable(path)
        if name in _WITH_HISTORY:
            history.refuse_foreign(path)


def refuse_foreign(path: Path, commands: Collection[str], reading: Path | None) -> None:
    """Raise LabelkitError if an output with a fixed name would replace a file of the user.

    It may be replaced if one of `commands` wrote it from the file `reading` and it is unchanged.
    """
    if path.exists() and not history.was_made_by(path, commands, reading):
        raise LabelkitError(
            f"{path} exists and was not written by this command; move it away, or choose another "
            f"-o, beside which {path.name} can be written"
        )


def write_summary(path: Path, figures: Mapping[str, Any], cost: Mapping[str, Any]) -> None:
    """Write the figures and the cost of a run as JSON, atomically."""
    summary = {"schema": 1, **history.plain(figures), **history.plain(cost, unknown=True)}
    with whole(path) as stream:
        write_json(stream, summary)


def _paths(values: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for name in names:
        value = values.get(name)
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path):
                shown = "ANSWERS" if name == "answers_files" else f"--{name.replace('_', '-')}"
                yield ("MODEL" if name == "model" else shown), path


def _refuse_same(option: str, path: Path, others: Sequence[tuple[str, Path]]) -> None:
    for name, other in others:
        if path.resolve() == other.resolve():
            raise UsageError(f"{option} {path} is also {name}; choose another name")


def _refuse_kept(option: str, path: Path) -> None:
    if path.name.endswith(KEPT) and path.exists():
        raise UsageError(
            f"{option} {path} would overwrite a file with answers; choose another name"
        )
