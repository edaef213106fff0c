"""A pilot: mixes of voters and people's labels tried out on rows whose label is known."""

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.data.labels import Mask, Texts
from labelkit.errors import LabelkitError
from labelkit.io import table_writer
from labelkit.plan.in_process import figures_of, opened, quoted, run_quietly

if TYPE_CHECKING:
    from labelkit.job.job import Job

Rows = npt.NDArray[np.int64]

WEAK, LLM = "weak", "llm"
AUDIT_ROWS = "audit rows"
SIZES = (0, 30, 100, 400)  # people's labels that are tried; decide's own model wants 30
FEWEST = 20  # known rows to measure on
_KNOWN, _OTHERS = 800, 600  # rows of the trial, so that it takes half a minute at most
DOUBTFUL = 0.8  # the confidence under which a rule's label goes to the language model
TRIALS = 3  # of each mix with people: which rows they get changes what a model learns
_MANY, _TRIALS_OF_MANY = 100, 2  # so many labels differ less from one trial to the next
_PART = 0.75  # of the rows that people may label, drawn anew for each trial
_EVERY = 0.95  # a language model that has labelled so much of the known rows has labelled all


class Known(NamedTuple):
    """The rows whose label is known; `basis` says what figures from them are worth.

    Nobody learns from `barred` rows: those of the audit and their duplicates, unless it is gold
    that is known.
    """

    values: Texts
    audit: Mask
    barred: Mask
    basis: str
    biased: bool

    @property
    def rows(self) -> int:
        """How many there are."""
        return int((self.values != "").sum())

    def classes(self) -> str:
        """Return the classes that occur, as --classes takes them."""
        return quoted(sorted(set(self.values[~self.barred].tolist()) - {""}))


class Mix(NamedTuple):
    """Who votes, and how many rows people label beside them; `doubtful`: the model reads those."""

    voters: tuple[str, ...]
    people: int
    doubtful: bool = False
    noise: bool = False  # find-noise judges what is decided, and it is decided again
    target: float = 0.0  # doubtful rows go to people or the model until so many labels are right
    model: str = ""  # which language model, where there are several


class Count(NamedTuple):
    """How often voters and model are right where people are silent, in a trial or a mean of some.

    On `right` of `rows`; on `right_picked` of the rows `picked` for people, not seeing their label,
    which were `share` of those that could be picked. `variance` is that of the share right over
    other rows that people might have been given.
    """

    right: float
    rows: int
    right_picked: float = 0
    picked: int = 0
    share: float = 0.0
    variance: float = 0.0


class Measured(NamedTuple):
    """What a pilot found: the worth of each mix, coverage of the rules, rows left to the LLM."""

    counts: dict[Mix, Count]
    rows: int  # that the figures are from
    covered: float | None
    doubtful: float | None


def known_of(job: "Job") -> Known:
    """Return what is known: --gold where it is named, else the labels so far."""
    labels = job.labels()
    gold = job.gold()
    values = labels.values if gold is None else gold
    barred = job.excluded_from_training if gold is None else np.zeros(job.rows, dtype=bool)
    n = int((values != "").sum())
    drawn = int((labels.audit & (values != "")).sum())
    if n == job.rows and n - int(barred.sum()) >= FEWEST:
        basis = "labels of all rows"
    else:
        basis = AUDIT_ROWS if drawn >= FEWEST else "labelled rows (biased)"
    return Known(values, labels.audit, barred, basis, biased=basis.endswith("(biased)"))


class Trials:
    """Runs commands on a small copy of the data in a folder of its own."""

    def __init__(
        self,
        job: "Job",
        known: Known,
        folder: Path,
        functions: Path | None,
        answers: Mapping[str, str] | None = None,
    ) -> None:
        """`answers` is the prefix of the columns of each language model whose labels are there."""
        self.job, self.known, self.folder, self.functions = job, known, folder, functions
        self.answers = dict(answers or {})
        self._rng = np.random.default_rng([job.seed, 7])
        self.rows = self._chosen()
        self.truth = known.values[self.rows]
        self._audit = known.audit[self.rows]
        self._barred = known.barred[self.rows]
        self._ending = {"tsv": ".csv"}.get(job.source.format, f".{job.source.format}")
        self._data = job.source.gather(self.rows, self._columns())
        self._weak: pa.Table | None = None
        self._picked: dict[tuple[Mix, int], Rows] = {}
        self._classes = sorted(set(self.truth[~self._barred].tolist()) - {""})

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
        trial = self.write("trial", self._data)
        given = ["--functions", str(self.functions)] if self.functions else []
        target = self.folder / f"weak{self._ending}"
        self.run("weak-label", trial, target, self._task(), *given, "--label", "label")
        found = opened(target)
        names = [n for n in ("weak_label", "weak_confidence") if found.has(n)]
        self._weak = found.all_texts(names)

    def measure(self, voters: Sequence[str]) -> Measured:
        """Return the worth of every mix of the voters and of people's labels."""
        base, _ = self.known_rows
        counts: dict[Mix, Count] = {}
        if len(base) >= FEWEST and len(self._classes) > 1:
            mixes = self._mixes(voters, self.sizes)
            with console.progress("trials", len(mixes)) as advance:
                for mix in mixes:
                    counts[mix] = self._count(mix)
                    advance()
        covered = doubtful = None
        if self._weak is not None:
            covered = float((self._texts("weak_label") != "").mean())
            doubtful = float(self._is_doubtful().mean())
        return Measured(counts, len(base), covered, doubtful)

    def with_find_noise(self, mixes: Sequence[Mix]) -> dict[Mix, Count]:
        """Return the worth of these mixes where find-noise looks for wrong labels too."""
        counts = {}
        for mix in mixes:
            tried = mix._replace(noise=True)
            with contextlib.suppress(LabelkitError):  # of one class alone it can judge nothing
                counts[tried] = self._count(tried)
        return counts

    @cached_property
    def known_rows(self) -> tuple[Rows, Rows]:
        """The rows to measure on, and those that people may label in a trial: apart, or the same.

        What people say of audit rows measures, where there is enough of it, and does no more.
        """
        labelled = np.flatnonzero(self.truth != "")
        if self.known.basis != AUDIT_ROWS:
            others = labelled[~self._barred[labelled]]
            return others, others
        apart = self._audit | self._barred
        return labelled[self._audit[labelled]], labelled[~apart[labelled]]

    @cached_property
    def sizes(self) -> list[int]:
        base, pool = self.known_rows
        most = min(len(pool) // (2 if base is pool else 1), SIZES[-1])
        usual = [n for n in SIZES if n <= most]
        return [*usual, most] if most >= 3 * max(usual[-1], FEWEST) else usual

    @cached_property
    def _part_size(self) -> int:
        _, pool = self.known_rows
        return max(*self.sizes, round(_PART * len(pool)))

    def part(self, number: int) -> Rows:
        """Return the rows that a trial has to pick people's from."""
        _, pool = self.known_rows
        drawn = np.random.default_rng([self.job.seed, 8, number]).permutation(pool)
        return np.sort(drawn[: self._part_size])

    def _mixes(self, voters: Sequence[str], sizes: Sequence[int]) -> list[Mix]:
        kinds = [Mix((), 0)]
        kinds += [Mix((WEAK,), 0)] if WEAK in voters else []
        for model in self.answers if LLM in voters else ():
            llm = Mix((LLM,), 0, model=model)
            kinds += [llm] if self.reads_all(model) else []
            if WEAK in voters:
                both = llm._replace(voters=(WEAK, LLM))
                kinds += [both] if self.reads_all(model) else []
                read = self._llm_read(model, self._is_doubtful())
                kinds += [both._replace(doubtful=True)] if read >= _EVERY else []
        return [kind._replace(people=n) for kind in kinds for n in sizes if kind.voters or n]

    def reads_all(self, model: str) -> bool:
        """Tell whether a language model has labelled all of the known rows, or nearly."""
        return self._llm_read(model, self.truth != "") >= _EVERY

    def has_labels_of(self, model: str) -> bool:
        """Tell whether a language model has labelled some of the known rows in the data."""
        return self._llm_read(model, self.truth != "") > 0

    def _llm_read(self, model: str, rows: Mask) -> float:
        """Return the share of those known rows that a language model has labelled."""
        known = rows & (self.truth != "")
        if not self.answers.get(model) or not known.any():
            return 0.0
        labels = self.job.source.texts(f"{self.answers[model]}_label")[self.rows]
        return float((labels[known] != "").mean())

    def _count(self, mix: Mix) -> Count:
        """Return the mean of a mix's trials, each with rows for people from another part."""
        if not mix.people:
            return self._tried(mix, self.picks(mix, 0))
        trials = TRIALS if mix.people <= _MANY else _TRIALS_OF_MANY
        picks = [self.picks(mix, number)[: mix.people] for number in range(trials)]
        found = [self._tried(mix, people) for people in picks]
        shares = np.array([count.right / count.rows for count in found])
        # Trials that share rows are more alike than a trial and the run that it foretells.
        pairs = itertools.combinations(picks, 2)
        shared = float(np.mean([np.isin(a, b).mean() for a, b in pairs]))
        apart = max(1 - shared, 1 / mix.people)
        return Count(
            float(np.mean([count.right for count in found])),
            found[0].rows,
            float(np.mean([count.right_picked for count in found])),
            found[0].picked,
            mix.people / self._part_size,
            float(shares.var(ddof=1)) / apart,
        )

    def _tried(self, mix: Mix, people: Rows) -> Count:
        base, _ = self.known_rows
        labels = np.full(len(self.rows), "", dtype=object)
        labels[people] = self.truth[people]
        data = self.with_votes(mix).append_column("label", pa.array(labels, pa.string()))
        trial = self.write("mix", data)
        target, summary = self.folder / f"decided{self._ending}", self.folder / "decided.json"
        words = ["--no-task", *self.reading()]
        try:
            if mix.noise:
                trial = self._judged(trial, words)
            self.run("decide", trial, target, words, "--summary", str(summary))
        except LabelkitError:  # nobody says anything: no label is right
            return Count(0, len(base), 0, len(people))
        said = opened(target).texts("final_label")
        unasked = np.setdiff1d(base, people)
        right = int((said[unasked] == self.truth[unasked]).sum())
        told = figures_of(summary)
        right_picked = round((told.get("biased_accuracy") or 0.0) * told["biased_rows"])
        # Where people are asked among the rows to measure on, what stood there without them counts.
        right += right_picked if len(unasked) < len(base) else 0
        return Count(right, len(base), right_picked, len(people))

    def _judged(self, trial: Path, words: list[str]) -> Path:
        """Return the trial decided, with what find-noise says of the decided labels."""
        decided, noise = (self.folder / f"{name}{self._ending}" for name in ("first", "noise"))
        self.run("decide", trial, decided, words)
        self.run("find-noise", decided, noise, words, "--label", "label", "--label", "final_label")
        return noise

    def picks(self, mix: Mix, number: int) -> Rows:
        """Return the rows that query would pick for people beside these voters, best first.

        Each trial has another part of the rows to pick from.
        """
        kind = mix._replace(people=0, noise=False), number
        if not mix.people or kind in self._picked:
            return self._picked.get(kind, np.zeros(0, dtype=np.int64))
        part = self.part(number)
        trial = self.write("pool", self.with_votes(mix).take(pa.array(part)))
        target = self.folder / f"picked{self._ending}"
        more = ["-n", str(max(self.sizes)), "--audit", "0", *self._named(mix)]
        self.run("query", trial, target, ["--no-task", *self.reading()], *more)
        rank = opened(target).texts("query_rank")
        asked = np.flatnonzero(rank != "")
        self._picked[kind] = part[asked[np.argsort(rank[asked].astype(int))]]
        return self._picked[kind]

    def with_votes(self, mix: Mix, read: Mask | None = None) -> pa.Table:
        """Return the data with its voters' columns; `read`: the only rows the model looked at."""
        data = self._data
        for name, values in self._votes(mix, read).items():
            data = data.append_column(name, pa.array(values, pa.string()))
        return data

    def _named(self, mix: Mix) -> list[str]:
        names = [name for name in self._votes(mix) if name.endswith("_label")]
        return [part for name in names[::-1] for part in ("--label", name)]

    def _votes(self, mix: Mix, read: Mask | None = None) -> dict[str, Texts]:
        found: dict[str, Texts] = {}
        if WEAK in mix.voters:
            found = {n: self._texts(n) for n in ("weak_label", "weak_confidence")}
        if LLM in mix.voters:
            source = self.job.source
            read = self._is_doubtful() if mix.doubtful else read
            for ending in ("label", "confidence"):
                column = f"{self.answers[mix.model]}_{ending}"
                if source.has(column):
                    values = source.texts(column)[self.rows]
                    found[f"llm_{ending}"] = values if read is None else np.where(read, values, "")
        return found

    def _is_doubtful(self) -> Mask:
        sure = np.nan_to_num(self._numbers("weak_confidence"))
        return np.asarray((self._texts("weak_label") == "") | (sure < DOUBTFUL))

    def _texts(self, name: str) -> Texts:
        assert self._weak is not None
        return np.asarray(self._weak.column(name).to_numpy(), dtype=object)

    def _numbers(self, name: str) -> npt.NDArray[np.float64]:
        values = self._texts(name)
        return np.where(values == "", "nan", values).astype(np.float64)

    def write(self, name: str, data: pa.Table) -> Path:
        """Write rows for a command to read; return the file."""
        path = self.folder / f"{name}{self._ending}"
        table_writer.write_table(data, path, name=self.job.source.name)
        return path

    def _task(self) -> list[str]:
        path = self.job.task_path
        words = ["--task", str(path)] if path else ["--no-task"]
        return [*words, *self.reading(), "--gold", ""]

    def reading(self) -> list[str]:
        """Return the options that say how rows are read, alike for all commands."""
        job, words = self.job, []
        if job.has_text():
            words += [part for name in job.text for part in ("--text", name)]
        words += ["--id", job.key_name]
        classes = job.classes or self._classes
        words += ["--classes", quoted(classes)] if classes else []
        return words

    def run(self, command: str, trial: Path, target: Path, words: list[str], *more: str) -> None:
        """Run a command on a file of the trial, with the features and cache of plan."""
        from labelkit.command.introspect import accepted

        given = [command, str(trial), "-o", str(target), *words, *more, "--quiet"]
        takes = accepted(command)
        if "cache" in takes:
            given += ["--cache", str(self.job.cache_dir)]
        if "features" in takes:
            given += ["--features", str(self.job.options["features"])]
        run_quietly(given, self.job)
