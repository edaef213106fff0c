"""Where a pipeline may write: checked before anything runs, so that nothing of worth is lost."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from labelkit.config.task_file import Task
from labelkit.errors import LabelkitError, UsageError
from labelkit.io import history
from labelkit.io.files import need_writable
from labelkit.pipeline.stages import AFTER, Stage


def check(
    stages: Sequence[Stage], folder: Path, inputs: Sequence[str], task: Task, summary: Path | None
) -> None:
    """Refuse an output or summary that would replace what the pipeline reads or makes.

    Raises UsageError; what cannot be written at all is seen by `make_folder`.
    """
    writer = [stage for stage in stages if stage.name not in AFTER][-1]
    output = writer.makes[0]
    taken = [*_read(inputs, task), *_of_stages(stages, writer, folder)]
    _refuse_same("-o", output, taken)
    if summary is not None:
        beside = output.with_name(output.name + ".history.json")
        ours = [(output, "the output"), (beside, "the history of the output")]
        _refuse_same("--summary", summary, [*taken, *ours])


def make_folder(folder: Path, output: Path, summary: Path | None) -> None:
    """Make the work directory; refuse what cannot be written before anything is spent on it.

    Raises UsageError where the work directory is a file, LabelkitError where a folder is missing
    or not writable.
    """
    if folder.is_symlink() and not folder.exists():
        raise UsageError(f"--work-dir {folder} is a link to nothing; name another folder")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--work-dir {folder} is a file; name a folder")
    if output.is_dir():
        raise UsageError(f"-o {output} is a folder; give the name of a file")
    for path in [output, *([summary] if summary is not None else [])]:
        if path.parent.is_dir() or path.parent != folder:
            need_writable(path)
    history.refuse_foreign(output)
    _make(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabelkitError(f"--work-dir {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise LabelkitError(f"--work-dir {folder} is not writable; name another folder")


def _read(inputs: Sequence[str], task: Task) -> Iterator[tuple[Path, str]]:
    for name in inputs:
        yield Path(name), "the input"
    if task.path is not None:
        yield task.path, "the task file"


def _of_stages(stages: Sequence[Stage], writer: Stage, folder: Path) -> Iterator[tuple[Path, str]]:
    for stage in stages:
        if stage.answers is not None:
            yield stage.answers, "where people's answers are kept"
        if stage.number <= writer.number:
            yield from ((path, f"what stage {stage.id} reads") for path in stage.reads)
        made = stage.makes[1:] if stage is writer else stage.makes
        yield from ((path, f"what stage {stage.id} makes") for path in made)
        yield folder / f"{stage.id}.summary.json", f"the summary of stage {stage.id}"
    yield folder / "pipeline.json", "where the pipeline keeps what it has done"


def _refuse_same(option: str, path: Path, others: Sequence[tuple[Path, str]]) -> None:
    for other, what in others:
        if path.resolve() == other.resolve() or _is_one_file(path, other):
            raise UsageError(f"{option} {path} is {what}; give another name")


def _is_one_file(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
