"""Running a plan: what is fresh is skipped, what was interrupted goes on, two runs never mix."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labelkit import __version__, console
from labelkit.errors import LabelkitError, UsageError
from labelkit.files import whole
from labelkit.pipeline import people
from labelkit.pipeline.plan import Stage
from labelkit.task import Task

_STATE = "pipeline.json"
_LOCK = "pipeline.lock"


def run(stages: Sequence[Stage], folder: Path, task: Task, asking: people.Asking) -> int:
    """Run the stages that are not fresh; return how many ran.

    Raises PeopleNeeded where answers are missing, and LabelkitError, naming the stage, where a
    stage fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        state = _State(folder)
        ran = 0
        for stage in stages:
            people.see_to_answers(stage, asking)
            print_of_now = _fingerprint(stage, task, state)
            if state.is_fresh(stage, print_of_now):
                console.detail(f"{stage.id}: fresh")
                continue
            with people.keeping_batch(stage, stages, asking, folder):
                _run_stage(stage, folder)
            state.done(stage, print_of_now)
            ran += 1
        return ran


def summaries(stages: Sequence[Stage], folder: Path) -> dict[str, dict[str, Any]]:
    """Return the figures of each stage that has run, by the stage's id."""
    found = {}
    for stage in stages:
        path = _summary_path(stage, folder)
        if path.is_file():
            found[stage.id] = json.loads(path.read_text("utf-8"))
    return found


def _summary_path(stage: Stage, folder: Path) -> Path:
    return folder / f"{stage.id}.summary.json"


def _run_stage(stage: Stage, folder: Path) -> None:
    from labelkit.cli import run as run_command

    console.note(f"[{stage.id}] {stage.line()}")
    try:
        code = run_command([*stage.args, "--summary", str(_summary_path(stage, folder))])
    except LabelkitError as error:
        error.args = (f"stage {stage.id}: {error}",)
        raise
    if code != 0:
        raise LabelkitError(f"stage {stage.id} ended with exit code {code}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    import fcntl

    with (folder / _LOCK).open("a") as stream:  # its time stays as it is
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LabelkitError(
                f"another pipeline is running in {folder}; wait for it, or name another --work-dir"
            ) from None
        yield


def _fingerprint(stage: Stage, task: Task, state: "_State") -> str:
    about = {
        "version": __version__,
        "args": stage.args,
        "files": {str(path): state.digest(path) for path in stage.reads},
        "task": task.content.get("task"),
        "cost": task.content.get("cost"),
        "table": task.content.get(stage.args[0]),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()


class _State:
    """What was made from what, kept in the work directory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _STATE
        self._stages: dict[str, Any] = {}
        self._files: dict[str, list[Any]] = {}
        known: Mapping[str, Any] = self._read(folder)
        self._stages.update(known.get("stages", {}))
        self._files.update(known.get("files", {}))
        if not self._path.exists():  # whatever stops the first stage, the folder is known as ours
            self._write()

    def _read(self, folder: Path) -> Mapping[str, Any]:
        if not self._path.exists():
            others = [p.name for p in folder.iterdir() if p.name != _LOCK and p.name[0] != "."]
            if others:
                raise UsageError(
                    f"{folder} is not a work directory of labelkit and not empty "
                    f"({others[0]}); name another --work-dir"
                )
            return {}
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except ValueError:
            console.warn(f"{self._path} cannot be read; all stages run again")
            return {}
        return known if isinstance(known, dict) else {}

    def digest(self, path: Path) -> str:
        """Return a file's content hash; not read again while its size and time stay the same."""
        try:
            now = path.stat()
        except FileNotFoundError:
            return "absent"
        if path.is_dir():
            return ",".join(self.digest(part) for part in sorted(path.iterdir()))
        known = self._files.get(str(path))
        if known and known[:2] == [now.st_size, now.st_mtime_ns]:
            return str(known[2])
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        self._files[str(path)] = [now.st_size, now.st_mtime_ns, found]
        return found

    def is_fresh(self, stage: Stage, fingerprint: str) -> bool:
        """Tell whether a stage was run on the same content and its outputs are as it left them."""
        known = self._stages.get(stage.id)
        if not known or known["fingerprint"] != fingerprint:
            return False
        return all(known["outputs"].get(str(p)) == self.digest(p) != "absent" for p in stage.makes)

    def done(self, stage: Stage, fingerprint: str) -> None:
        """Remember, whole or not at all, what a stage has made."""
        outputs = {str(path): self.digest(path) for path in stage.makes}
        self._stages[stage.id] = {"fingerprint": fingerprint, "outputs": outputs}
        self._write()

    def _write(self) -> None:
        text = json.dumps({"schema": 1, "stages": self._stages, "files": self._files}, indent=1)
        with whole(self._path) as stream:
            stream.write(text.encode())
