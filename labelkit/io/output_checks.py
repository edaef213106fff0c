"""Where a result may go: checked before any work is done."""

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
KEPT = (".journal.jsonl", ".sqlite")  # how the names of files end that answers are kept in


def check(
    command: str,
    output: str | None,
    in_place: bool,
    inputs: Sequence[Path],
    given_format: str | None,
) -> None:
    """Refuse an output that is missing, is the input, or cannot be written.

    Raises UsageError or LabelkitError.
    """
    if in_place and (output or len(inputs) != 1):
        raise UsageError("--in-place takes one file as input and no --output")
    if not output and not in_place:
        raise UsageError(
            f"{command} needs -o OUTPUT (- for stdout), or --in-place to write over the input"
        )
    if in_place:
        _check_in_place(inputs[0])
    if not output or output == "-":
        return
    target = Path(output)
    format_of(target, given_format)
    if any(path.exists() and target.exists() and path.samefile(target) for path in inputs):
        raise UsageError(f"the output {output} is the input; give another name, or --in-place")
    need_writable(target)
    history.refuse_foreign(target)


def _check_in_place(path: Path) -> None:
    if path.is_dir():
        raise UsageError(
            f"--in-place writes over one file, and {path} is a folder; give -o OUTPUT.parquet"
        )
    if is_stream(path):
        raise UsageError(f"--in-place writes over a file, and {path} is none; give -o OUTPUT")
    format_of(path)
    if path.exists():
        need_writable(path)
    history.refuse_foreign(path)


def check_others(
    options: Mapping[str, Any], own: Mapping[str, Any], inputs: Sequence[Path], task: Path | None
) -> None:
    """Refuse -o and --summary where they would replace another file of the command.

    Raises UsageError, and LabelkitError where a file that is named cannot be written.
    """
    named_files = [("INPUT", path) for path in inputs] + [
        ("--task", path) for path in [task] if path
    ]
    named_files += list(_paths(options, ("answers",)))
    output, summary = options.get("output"), options.get("summary")
    if output and not Path(output).name:
        raise UsageError(f"-o {output} is a folder; give the name of a file")
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
    """Refuse to replace a file that a command names by itself, and that labelkit did not make so.

    It may be replaced where it is as one of these commands left it, made from the file `reading`.
    Raises LabelkitError.
    """
    if path.exists() and not history.was_made_by(path, commands, reading):
        raise LabelkitError(
            f"{path} exists, and this command did not make it; move it away, or give another -o, "
            f"beside which {path.name} can be written"
        )


def write_summary(path: Path, figures: Mapping[str, Any], cost: Mapping[str, Any]) -> None:
    """Write the figures and the cost of a run as JSON, whole or not at all."""
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
            raise UsageError(f"{option} {path} is also {name}; give another name")


def _refuse_kept(option: str, path: Path) -> None:
    if path.name.endswith(KEPT) and path.exists():
        raise UsageError(
            f"{option} {path} would replace a file that holds answers already given; give another "
            f"name"
        )
