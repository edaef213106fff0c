"""simulate: what each strategy would have saved on a file whose labels are known."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labelkit import console
from labelkit.active import model
from labelkit.active.messages import ALIKE_FOR_TWO, SAME_FOR_TWO
from labelkit.active.scoring import column_scores, strategy_scores
from labelkit.active.simulate import curves, drawing
from labelkit.active.simulate.active_learning_run import Curve, Run, World, playing_in, split
from labelkit.active.simulate.drawing import METRIC_NAMES
from labelkit.data.duplicates import duplicate_groups
from labelkit.engine import parallel_map
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.io.files import whole
from labelkit.ml import feature_selection, target_leakage

if TYPE_CHECKING:
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job

ON = 2  # random goes on to so many times the labels, to see what it needs to match the others


class Wanted(NamedTuple):
    """The options of simulate."""

    strategies: list[str]
    labels: int
    per_round: list[int]
    seeds: int
    metric: str
    classifier: str
    csv: Path | None
    plot: Path | None
    as_json: bool
    balance: bool = False


def names(given: str) -> list[str]:
    """Return the strategies of an option `a,b`, each once; `"disagreement:a,b"` in quotes."""
    found = [name.strip() for name in next(csv.reader([given], skipinitialspace=True), [])]
    return list(dict.fromkeys(name for name in found if name))


def numbers(option: str, given: str) -> list[int]:
    """Return the numbers of an option `1,20`; raises UsageError where one is none."""
    try:
        return [int(each) for each in given.split(",")]
    except ValueError:
        raise UsageError(f"{option} {given!r}: give numbers, as in {option} 1,20") from None


def simulate(job: "Job", wanted: Wanted) -> None:
    """Play every strategy over the seeds, print what they gained over random."""
    _check(job, wanted)
    world = _world(job, wanted)
    labels, most = _budget(job, wanted, world)
    console.note(_what_is_played(world, wanted, labels))
    runs = _runs(wanted, list(world.matrices), labels, most)
    played: list[Curve] = []
    with console.progress("simulate", len(runs)) as advance:
        for curve in parallel_map.in_order(playing_in, (world,), runs, job.jobs):
            played.append(curve)
            advance(note=curve.run.strategy)
    found = curves.summarise(played, wanted.metric, labels)
    if wanted.csv is not None:
        with whole(wanted.csv) as stream:
            stream.write(_as_csv(played, labels).encode())
    if wanted.plot is not None:
        drawing.save(wanted.plot, found, wanted.metric, Path(job.source.name).name)
    _tell(job, wanted, found, labels, most, world.classes)


def _check(job: "Job", wanted: Wanted) -> None:
    """Raise UsageError for options that cannot be, before any work is done."""
    for name, value in (("--labels", wanted.labels), ("--seeds", wanted.seeds)):
        if value < 1:
            raise UsageError(f"{name} {value}: give a number of 1 or more")
    step = max(wanted.per_round)
    if min(wanted.per_round) < 1 or any(step % each for each in wanted.per_round):
        raise UsageError(
            f"--per-round {listing(map(str, wanted.per_round))}: each must be 1 or more and divide "
            f"the largest, so that the curves have points in common"
        )
    if wanted.labels < step:
        raise UsageError(f"--labels {wanted.labels}: fewer than one round of {step} (--per-round)")
    if not wanted.strategies:
        raise UsageError("--strategies is empty; name some, as in --strategies default,margin")
    for name in wanted.strategies:
        if name == column_scores.RELABEL:
            raise UsageError(f"--strategies {name}: there is nothing to relabel in a simulation")
        strategy_scores.check(job, name)
    if wanted.plot is not None:
        drawing.check(wanted.plot)


def _world(job: "Job", wanted: Wanted) -> World:
    """Return the labelled rows, as all runs see them."""
    labels = _labels(job)
    known = labels.codes >= 0
    if not job.options.get("gold"):
        known &= ~job.excluded_from_training  # a strategy is not chosen by audit rows
    rows = np.flatnonzero(known if job.chosen is None else known & job.chosen)
    codes = labels.codes[rows].astype(np.int64)
    if len(np.unique(codes)) < 2:
        raise LabelkitError(
            f"{job.source.name}: simulate needs rows with known labels of two classes or more, "
            f"here are {len(rows):,} of {len(np.unique(codes))}; name their column with --gold"
        )
    if len(rows) < job.rows:
        console.note(
            f"{console.count(job.rows - len(rows), 'rows', 'are')} left out: without a label, "
            "or audit rows"
        )
    matrices, tables, data = _matrices(job, rows, codes)
    copies = duplicate_groups(data)
    scores = {
        name: strategy_scores.read(job, name, rows).scores
        for name in wanted.strategies
        if strategy_scores.reads_columns(name)
    }
    groups = job.groups(data.column_names)
    return World(
        matrices,
        codes,
        labels.classes,
        copies[rows],
        groups[rows],
        scores,
        wanted.classifier,
        max(wanted.per_round),
        job.seed,
        tables,
        wanted.balance,
    )


def _labels(job: "Job") -> "Labels":
    """Return the known labels: --gold if it is named, else those of --label."""
    gold = job.options.get("gold")
    if gold:
        job.gold()
    labels = job.gold_labels() if gold else job.labels()
    if not (labels.codes >= 0).any():
        job.need_rows()
        named = gold or listing(job.options.get("label") or ["label"])
        raise LabelkitError(
            f"{job.source.name} has no labels in {named}; simulate needs a file whose labels are "
            f"known, name their column with --gold or --label"
        )
    if job.source.has("label_origin") and (job.source.texts("label_origin") == "query").any():
        console.warn(
            "some labels are of rows that query picked: the figures are biased, since the file "
            "is no random sample"
        )
    return labels


def _matrices(job: "Job", rows: Any, codes: Any) -> tuple[dict[str, Any], frozenset[str], Any]:
    """Return the features of the rows by each choice of --features, which are of columns alone.

    Also the columns that the first choice reads.
    """
    given = [name.strip() for name in str(job.options["features"]).split(",")]
    data, matrices = None, {}
    tables: set[str] = set()
    is_warned = False
    for choice in dict.fromkeys(given):
        name = choice
        if choice == "auto" and job.has_text() and not job.options.get("column"):
            # On few labels the words of a text say little.
            name = "embedding" if feature_selection.embeds(job.source, job.text) else "tfidf"
        job.options["features"] = name
        features = job.features()
        own = job.source.read_as(features.kinds)
        data = own if data is None else data
        matrices[choice] = model.matrix_of(features.fit(own), own, rows, np.float32)
        if features.reads_columns and not is_warned:
            target_leakage.warn_of_features(features, own.take(rows), codes)
            is_warned = True
        if features.kind == "columns":
            tables.add(choice)
        console.note(f"features {choice}: {console.clean(features.describe(), 200)}")
        for column, why in features.columns_left_out.items():
            console.detail(f"not looked at: {console.clean(column)} ({why})")
    job.options["features"] = ",".join(given)
    return matrices, frozenset(tables), data


def _budget(job: "Job", wanted: Wanted, world: World) -> tuple[int, int]:
    """Return how many labels are asked for, and how many random goes on to: whole rounds of rows.

    Raises LabelkitError where there are not enough for one round.
    """
    step = world.step
    most = min(len(split(world, number)[0]) for number in range(wanted.seeds))
    labels = min(wanted.labels, most) // step * step
    if labels == 0:
        raise LabelkitError(
            f"{job.source.name}: only {console.count(most, 'different rows')} to ask beside the "
            f"held-out ones, fewer than a round of {step} (--per-round)"
        )
    if labels < wanted.labels:
        why = (
            f"only {console.count(most, 'rows')} to ask"
            if most < wanted.labels
            else f"rounds of {step}"
        )
        console.note(f"--labels {wanted.labels}: stops at {labels:,}, {why}")
    return labels, min(ON * labels, most // step * step)


def _runs(wanted: Wanted, features: Sequence[str], labels: int, most: int) -> list[Run]:
    """Return all runs; random first, since the others are told beside it."""
    step = max(wanted.per_round)
    runs = []
    for choice in features:
        for number in range(wanted.seeds):
            runs.append(Run(curves.RANDOM, choice, step, number, most))
        for strategy in wanted.strategies:
            for per_round in wanted.per_round if strategy != curves.RANDOM else ():
                for number in range(wanted.seeds):
                    runs.append(Run(strategy, choice, per_round, number, labels))
    return runs


def _what_is_played(world: World, wanted: Wanted, labels: int) -> str:
    pool, test = split(world, 0)
    return (
        f"simulate: {console.count(len(world.codes), 'labelled rows')}, "
        f"{console.count(len(world.classes), 'classes')}; in each of "
        f"{console.count(wanted.seeds, 'seeds')} {len(test):,} held out, {labels:,} of "
        f"{len(pool):,} others asked"
    )


def _as_csv(played: Sequence[Curve], labels: int) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["strategy", "features", "per_round", "seed", "labels", "accuracy", "macro_f1"])
    for curve in played:
        run = curve.run
        for at, accuracy, f1 in zip(curve.labels, curve.accuracy, curve.macro_f1, strict=True):
            own = [run.strategy, run.features, run.per_round, run.number, at]
            writer.writerow([*own, f"{accuracy:.6f}", f"{f1:.6f}"])
    return stream.getvalue()


def _tell(
    job: "Job",
    wanted: Wanted,
    found: list[curves.Summary],
    labels: int,
    most: int,
    classes: Sequence[str],
) -> None:
    several = (len({s.setting.features for s in found}) > 1, len(wanted.per_round) > 1)
    figures = {_name(s.setting, *several): s.figures for s in found}
    job.count(rows=job.rows, labels=labels, seeds=wanted.seeds)
    told = {
        "metric": wanted.metric,
        "labels": labels,
        "points": list(found[0].labels),
        "strategies": {name: _rounded(each) for name, each in figures.items()},
    }
    job.figures(told)
    if wanted.as_json:
        means = {
            _name(s.setting, *several): np.round(s.values[wanted.metric].mean(axis=0), 6).tolist()
            for s in found
        }
        console.data_json({"schema": 1, **told, "curves": means})
    else:
        console.data_table(_HEADER, [_line(n, f, most) for n, f in figures.items()])
    for line in drawing.in_letters(found, wanted.metric):
        console.note(line)
    for line in _warnings(figures, METRIC_NAMES[wanted.metric]):
        console.note(line)
    if len(classes) == 2 and sum(name in ALIKE_FOR_TWO for name in wanted.strategies) > 1:
        console.note(SAME_FOR_TWO)
    job.print_summary(
        _verdict(found, figures, labels, wanted.metric), output=str(wanted.plot or "")
    )


_HEADER = [
    *["strategy", "mean over the curve", "± (seeds)", "final", "accuracy at the end"],
    *["macro-F1 at the end", "gain (points)", "from", "to", "ahead of random"],
    *["labels to match random", "random needs to match"],
]


def _name(setting: curves.Setting, features: bool, per_round: bool) -> str:
    parts = [setting.strategy]
    parts += [setting.features] if features else []
    if per_round and setting.strategy != curves.RANDOM:
        parts.append(f"{setting.per_round} a round")
    return ", ".join(parts)


def _line(name: str, f: dict[str, Any], most: int) -> list[Any]:
    is_random = f["gain"] is None
    gains = (
        [None, None, None]
        if is_random
        else [f"{100 * v:+.2f}" for v in [f["gain"], *(f["gain_interval"] or (f["gain"],) * 2)]]
    )
    ahead = "" if is_random else f"{f['seeds_ahead']} of {f['seeds']}"
    match = f["labels_to_match_random"]
    needs = f["random_labels_to_match"]
    return [
        *[name, f["auc"], f["auc_sd"], f["final"], f["accuracy_final"], f["macro_f1_final"]],
        *[*gains, ahead],
        *["never" if match is None else f"{match:,}"],
        *[f"over {most:,}" if needs is None else f"{needs:,}"],
    ]


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        return round(value, 6) if isinstance(value, float) else value

    return {name: plain(value) for name, value in figures.items()}


def _warnings(figures: dict[str, Any], metric: str) -> list[str]:
    """Return what to know of strategies that are behind random, or ahead by what may be chance."""
    lines, unsure = [], []
    for name, f in figures.items():
        if f["gain"] is None:
            continue
        low, high = f["gain_interval"] or (-np.inf, np.inf)
        if f["gain"] < 0:
            interval = f" (95% CI {100 * low:+.1f} to {100 * high:+.1f})" if f["seeds"] > 1 else ""
            lines.append(
                f"{console.clean(name)} is worse than random on this file: {100 * f['gain']:+.1f} "
                f"points of {metric}{interval}, ahead in {f['seeds_ahead']} of "
                f"{console.count(f['seeds'], 'seeds')}{'' if high < 0 else ', which may be chance'}"
            )
        elif low <= 0:
            unsure.append(console.clean(name))
    if unsure:
        lines.append(f"ahead of random by what may be chance, more --seeds tell: {listing(unsure)}")
    return lines


def _verdict(found: list[curves.Summary], figures: dict[str, Any], labels: int, metric: str) -> str:
    others = {n: f for n, f in figures.items() if f["gain"] is not None}
    if not others:
        return f"random reaches {METRIC_NAMES[metric]} {found[0].figures['final']:.3f}"
    best = max(others, key=lambda name: others[name]["gain"])
    f = others[best]
    if f["gain"] <= 0:
        return (
            f"no strategy is better than random on this file; the best is {console.clean(best)}, "
            f"{100 * f['gain']:+.1f} points of {METRIC_NAMES[metric]}"
        )
    saved = f["labels_to_match_random"]
    needs = (
        f"reaches what random reaches with {console.count(labels, 'labels')} with {saved:,}"
        if saved is not None
        else f"does not reach what random reaches with {console.count(labels, 'labels')}"
    )
    return (
        f"best is {console.clean(best)}: {100 * f['gain']:+.1f} points of {METRIC_NAMES[metric]} "
        f"over random, ahead in {f['seeds_ahead']} of {console.count(f['seeds'], 'seeds')}; it "
        f"{needs}"
    )
