"""A pilot: mixes of voters and people's labels tried out on rows whose label is known."""

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console, table
from labelkit.columns import Mask, Texts
from labelkit.errors import LabelkitError
from labelkit.measure import Figure, accuracy

if TYPE_CHECKING:
    from labelkit.job import Job

Rows = npt.NDArray[np.int64]

WEAK, LLM = "weak", "llm"
SIZES = (0, 30, 100, 200, 400)  # people's labels that are tried; decide's own model wants 30
FEWEST = 30  # known rows to measure on
_KNOWN, _OTHERS = 800, 1_200  # rows of the trial, so that a pilot takes a minute at most
_DOUBTFUL = 0.8  # the confidence under which a rule's label goes to the language model
_EVERY = 0.95  # a language model that has labelled so much of the known rows has labelled all


class Known(NamedTuple):
    """The rows whose label is known; `basis` says what figures from them are worth."""

    values: Texts
    audit: Mask
    basis: str
    biased: bool

    @property
    def rows(self) -> int:
        """How many there are."""
        return int((self.values != "").sum())


class Mix(NamedTuple):
    """Who votes, and how many rows people label beside them; `doubtful`: the model reads those."""

    voters: tuple[str, ...]
    people: int
    doubtful: bool = False


class Measured(NamedTuple):
    """What a pilot found: the accuracy of each mix, coverage of the rules, rows left to the LLM."""

    figures: dict[Mix, Figure]
    rows: int  # that the figures are from
    covered: float | None
    doubtful: float | None


def known_of(job: "Job") -> Known:
    """Return what is known: --gold where it is named, else the labels so far."""
    labels = job.labels()
    gold = job.gold()
    values = labels.values if gold is None else gold
    n = int((values != "").sum())
    if n == job.rows and n:
        return Known(values, labels.audit, "labels of all rows", biased=False)
    drawn = int((labels.audit & (values != "")).sum())
    if drawn >= FEWEST:
        return Known(values, labels.audit, "audit rows", biased=False)
    return Known(values, labels.audit, "labelled rows (biased)", biased=True)


class Pilot:
    """Runs commands on a small copy of the data in a folder of its own."""

    def __init__(self, job: "Job", known: Known, folder: Path, functions: Path | None) -> None:
        self.job, self.known, self.folder, self.functions = job, known, folder, functions
        self._rng = np.random.default_rng([job.seed, 7])
        self.rows = self._chosen()
        self._truth = known.values[self.rows]
        self._audit = known.audit[self.rows]
        self._ending = {"tsv": ".csv"}.get(job.source.format, f".{job.source.format}")
        self._data = job.source.gather(self.rows, self._columns())
        self._weak: pa.Table | None = None
        self._classes = sorted(set(self._truth.tolist()) - {""})

    def _chosen(self) -> Rows:
        labelled = np.flatnonzero(self.known.values != "")
        others = np.flatnonzero(self.known.values == "")
        picked = [
            self._rng.permutation(rows)[:most]
            for rows, most in ((labelled, _KNOWN), (others, _OTHERS))
        ]
        return np.sort(np.concatenate(picked)).astype(np.int64)

    def _columns(self) -> list[str]:
        job = self.job
        own = [job.key_name] if job.key_name != "row" else []
        return list(dict.fromkeys([*own, *job.visible_columns()]))

    def read_rules(self) -> None:
        """Let the rules vote on the trial's rows, not seeing a label."""
        trial = self._write("trial", self._data)
        given = ["--functions", str(self.functions)] if self.functions else []
        target = self.folder / f"weak{self._ending}"
        self._run("weak-label", trial, target, self._task(), *given, "--label", "label")
        found = self._open(target)
        names = [n for n in ("weak_label", "weak_confidence") if found.has(n)]
        self._weak = found.all_texts(names)

    def measure(self, voters: Sequence[str]) -> Measured:
        """Return the accuracy of every mix of the voters and of people's labels."""
        measured, learnable = self._split()
        figures: dict[Mix, Figure] = {}
        if len(measured) >= FEWEST and len(self._classes) > 1:
            mixes = self._mixes(voters, len(learnable))
            with console.progress("pilot", len(mixes)) as advance:
                for mix in mixes:
                    figures[mix] = self._figure(mix, measured, learnable[: mix.people])
                    advance()
        covered = doubtful = None
        if self._weak is not None:
            labels, sure = self._texts("weak_label"), self._numbers("weak_confidence")
            covered = float((labels != "").mean())
            doubtful = float(((labels == "") | (np.nan_to_num(sure) < _DOUBTFUL)).mean())
        return Measured(figures, len(measured), covered, doubtful)

    def _split(self) -> tuple[Rows, Rows]:
        """Return the rows to measure on, the same for all mixes, and those people may label."""
        labelled = np.flatnonzero(self._truth != "")
        drawn = labelled[self._audit[labelled]]
        if self.known.basis == "audit rows":
            others = labelled[~self._audit[labelled]]
            return drawn, self._rng.permutation(others)
        mixed = self._rng.permutation(labelled[~self._audit[labelled]])
        half = (len(mixed) + 1) // 2
        # What people label in the pilot is never what the figures are from.
        return np.concatenate([mixed[:half], drawn]), mixed[half:]

    def _mixes(self, voters: Sequence[str], most: int) -> list[Mix]:
        sets: list[tuple[tuple[str, ...], bool]] = [((), False)]
        if WEAK in voters:
            sets.append(((WEAK,), False))
        if LLM in voters and self._llm_read(self._truth != "") >= _EVERY:
            sets.append(((LLM,), False))
        if {WEAK, LLM} <= set(voters) and self._llm_read(self._is_doubtful()) >= _EVERY:
            sets.append(((WEAK, LLM), True))
        sizes = [n for n in SIZES if n <= most]
        return [Mix(who, n, part) for who, part in sets for n in sizes if who or n]

    def has_llm_labels(self) -> bool:
        """Tell whether a language model has labelled some of the known rows in the data."""
        return self._llm_read(self._truth != "") > 0

    def _llm_read(self, rows: Mask) -> float:
        """Return the share of those known rows that a language model has labelled."""
        known = rows & (self._truth != "")
        if not self.job.source.has("llm_label") or not known.any():
            return 0.0
        return float((self.job.source.texts("llm_label")[self.rows][known] != "").mean())

    def _figure(self, mix: Mix, measured: Rows, people: Rows) -> Figure:
        labels = np.full(len(self.rows), "", dtype=object)
        labels[people] = self._truth[people]
        data = self._data
        for name, values in self._votes(mix).items():
            data = data.append_column(name, pa.array(values, pa.string()))
        data = data.append_column("label", pa.array(labels, pa.string()))
        trial = self._write("mix", data)
        target = self.folder / f"decided{self._ending}"
        try:
            self._run("decide", trial, target, ["--no-task", *self._reading()])
        except LabelkitError:  # nobody says anything: no label is right
            return _share(np.zeros(len(measured), dtype=bool))
        said = self._open(target).texts("final_label")[measured]
        return _share(np.asarray(said == self._truth[measured]))

    def _votes(self, mix: Mix) -> dict[str, Texts]:
        found: dict[str, Texts] = {}
        if WEAK in mix.voters:
            found = {n: self._texts(n) for n in ("weak_label", "weak_confidence")}
        if LLM in mix.voters:
            source = self.job.source
            for name in ("llm_label", "llm_confidence"):
                if source.has(name):
                    found[name] = source.texts(name)[self.rows].copy()
                    if mix.doubtful:
                        found[name][~self._is_doubtful()] = ""
        return found

    def _is_doubtful(self) -> Mask:
        sure = np.nan_to_num(self._numbers("weak_confidence"))
        return np.asarray((self._texts("weak_label") == "") | (sure < _DOUBTFUL))

    def _texts(self, name: str) -> Texts:
        assert self._weak is not None
        return np.asarray(self._weak.column(name).to_numpy(), dtype=object)

    def _numbers(self, name: str) -> npt.NDArray[np.float64]:
        values = self._texts(name)
        return np.where(values == "", "nan", values).astype(np.float64)

    def _write(self, name: str, data: pa.Table) -> Path:
        path = self.folder / f"{name}{self._ending}"
        table.write_table(data, path, name=self.job.source.name)
        return path

    def _open(self, path: Path) -> table.Table:
        return table.Table([path])

    def _task(self) -> list[str]:
        path = self.job.task_path
        words = ["--task", str(path)] if path else ["--no-task"]
        return [*words, *self._reading(), "--gold", ""]

    def _reading(self) -> list[str]:
        """Return the options that say how rows are read, alike for all commands."""
        job, words = self.job, []
        if job.has_text():
            words += [part for name in job.text for part in ("--text", name)]
        words += ["--id", job.key_name]
        classes = job.classes or self._classes
        words += ["--classes", quoted(classes)] if classes else []
        return words

    def _run(self, command: str, trial: Path, target: Path, words: list[str], *more: str) -> None:
        from labelkit.options import accepted

        given = [command, str(trial), "-o", str(target), *words, *more, "--quiet"]
        takes = accepted(command)
        if "cache" in takes:
            given += ["--cache", str(self.job.cache_dir)]
        if "features" in takes:
            given += ["--features", str(self.job.options["features"])]
        run_quietly(given, self.job)


def _share(right: Mask) -> Figure:
    return accuracy(np.ones(len(right), dtype=np.int64), right.astype(np.int64))


def run_quietly(args: list[str], job: "Job") -> None:
    """Run a command in this process without its words; raises LabelkitError as it does."""
    from labelkit.cli import run

    try:
        # What a command warns of is about its own little file, not the user's.
        with contextlib.redirect_stderr(io.StringIO()):
            code = run(args)
    finally:
        console.set_level(bool(job.options["quiet"]), bool(job.options["verbose"]))
    if code != 0:
        raise LabelkitError(f"labelkit {args[0]} ended with exit code {code}")


def quoted(classes: Sequence[str]) -> str:
    """Return classes as --classes takes them."""
    import csv

    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(classes)
    return line.getvalue()


def figures_of(path: Path) -> dict[str, Any]:
    """Return the figures that a command wrote with --summary."""
    return dict(json.loads(path.read_text("utf-8")))
