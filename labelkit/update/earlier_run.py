"""The run that an update goes on from: its options, the file that it labelled, its figures."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labelkit import console
from labelkit.command.introspect import accepted
from labelkit.config import paths, task_file
from labelkit.config.task_file import Task
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.io import history
from labelkit.pipeline import runner

if TYPE_CHECKING:
    from labelkit.io.table import Table


class EarlierRun(NamedTuple):
    """A finished pipeline or update.

    `options` are those that all commands share, `own` those of the pipeline; `labelled` is the
    file that holds all rows of the run with their labels.
    """

    folder: Path
    labelled: Path
    options: dict[str, Any]
    own: dict[str, Any]
    task: Task

    def open(self) -> "Table":
        """Return the labelled file."""
        from labelkit.io.table import Table

        options = self.options
        return Table(
            [self.labelled], delimiter=options.get("delimiter"), encoding=options["encoding"]
        )

    def steps(self) -> list[dict[str, Any]]:
        """Return the steps that made the labelled file."""
        return history.read(self.labelled)

    def cache_dir(self) -> Path:
        """Return the folder with the answers of the language model."""
        return paths.cache_dir(self.options, str(self.folder / self.labelled.name))


def read(place: Path, task: Path | None) -> EarlierRun:
    """Return the run of a work directory, or of the file that it labelled.

    `task` is used in place of the run's own task file. Raises UsageError where there is no such
    run, or it cannot be gone on with from here.
    """
    folder = place if runner.is_work_dir(place) else _work_dir_of(place)
    run = runner.last_run(folder)
    if not run:
        raise UsageError(
            f"{folder} does not say with which options its stages ran; run the pipeline there once "
            f"more (nothing is asked or paid again), then update"
        )
    _need_same_folder(folder, str(run["from"]))
    labelled = Path(run["output"])
    made = run["made"].get(str(labelled))
    if made is None:
        raise UsageError(
            f"the run in {folder} is not finished, it has not written {labelled}; run its command "
            f"again until it is, then update"
        )
    if not labelled.is_file() or history.digest(labelled) != f"sha256:{made}":
        what = "has changed since" if labelled.is_file() else "is gone"
        raise UsageError(
            f"{labelled}, which the run in {folder} labelled, {what}; run the pipeline once more "
            f"(nothing is asked or paid again), then update"
        )
    options = dict.fromkeys(("cache", "task", "answers")) | run["options"]
    path = task or (Path(options["task"]) if options["task"] else None)
    if path is None and not options["no_task"]:
        path = task_file.path_in([])
    options["task"], options["no_task"] = path, path is None
    own = dict.fromkeys(accepted("pipeline")) | run["own"]
    return EarlierRun(folder, labelled, options, own, _loaded(path))


def _loaded(path: Path | None) -> Task:
    return task_file.load(path) if path is not None else task_file.NO_TASK


def _work_dir_of(place: Path) -> Path:
    """Return the work directory of the run that labelled a file."""
    if not place.exists():
        raise UsageError(f"--from {place}: there is no such folder or file")
    found = _folders(history.read(place)) if place.is_file() else iter(())
    folder = next((folder for folder in found if runner.is_work_dir(folder)), None)
    if folder is None:
        raise UsageError(
            f"--from {place} is neither the --work-dir of a pipeline or an update nor a file that "
            f"one of them labelled"
        )
    return folder


def _folders(steps: list[dict[str, Any]]) -> Iterator[Path]:
    for step in reversed(steps):
        yield from (Path(name).parent for name in step.get("inputs", {}))


def _need_same_folder(folder: Path, started_in: str) -> None:
    """Refuse another current folder than the run's: the paths among its options mean others."""
    before = (folder.resolve() / started_in).resolve()
    if before != Path.cwd().resolve():
        raise UsageError(
            f"the run in {folder} was started in {before}, and its paths are relative to that; "
            f"run update there"
        )


def warn_of_changes(run: EarlierRun) -> None:
    """Say which rules, and which task file, are not as the run used them."""
    read: dict[str, str] = {}
    for step in run.steps():
        read |= {n: h for n, h in step.get("inputs", {}).items() if n.endswith((".py", ".toml"))}
    changed = [name for name, digest in read.items() if _is_other(Path(name), digest)]
    if changed:
        console.warn(
            f"{listing(changed)} changed after the run in {run.folder}: new rows are labelled by "
            f"the new content, known rows keep their labels"
        )


def _is_other(path: Path, digest: str) -> bool:
    return path.is_file() and history.digest(path) != digest


def audited(steps: list[dict[str, Any]]) -> Mapping[str, Any] | None:
    """Return the figures of the last `decide` that audit rows judged; None without one."""
    for step in reversed(steps):
        figures = step.get("figures", {})
        if step.get("command") == "decide" and figures.get("audit_rows"):
            return dict(figures)
    return None


def need_final_labels(run: EarlierRun, source: "Table") -> None:
    """Refuse a run without a stage decide: an update carries final labels on."""
    if not source.has("final_label"):
        raise LabelkitError(
            f"{run.labelled} has no column 'final_label': the run in {run.folder} has no stage "
            f"decide; add it to its --stages, and update then"
        )
