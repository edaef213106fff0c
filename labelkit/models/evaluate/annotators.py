"""evaluate --annotators: how far people agree, how good each is, which items to ask again."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.data.labels import Texts, encode
from labelkit.errors import LabelkitError, UsageError, listing, nearest
from labelkit.models.evaluate import column_metrics as work
from labelkit.stats import dawid_skene
from labelkit.stats.ties import likeliest

if TYPE_CHECKING:
    from labelkit.job.job import Job

Mask = npt.NDArray[np.bool_]

LEAST_SURE = 10
MOST_SHOWN = 30
FEW_CLASSES, LEAST_SHOWN = 20, 0.01  # of more classes, shares below this are left out


class Said(NamedTuple):
    """The labels of all people, the names behind the codes, and the truth where it is known.

    Of a person's answers to one item the last counts; `superseded` is the number of the others.
    """

    votes: dawid_skene.Votes
    classes: list[str]
    people: list[str]
    keys: list[str]
    truth: npt.NDArray[np.integer[Any]] | None
    superseded: int


class _Cells(NamedTuple):
    """One label each: key, who, label, truth ('' where unknown)."""

    key: Texts
    who: Texts
    label: Texts
    truth: Texts


def evaluate(job: "Job", wanted: str) -> dict[str, Any]:
    """Return the figures of the people's labels, as plain values."""
    said = _said(job, wanted)
    votes = said.votes
    found = dawid_skene.consensus(votes)
    low, high = dawid_skene.alpha_interval(votes, job.task.ordinal, job.seed)
    value = dawid_skene.alpha(votes, job.task.ordinal)
    figures: dict[str, Any] = {
        "items": votes.items,
        "labels": len(votes.item),
        "superseded": said.superseded,
        "labels_an_item": round(len(votes.item) / max(votes.items, 1), 3),
        "classes": said.classes,
        "alpha": None if np.isnan(value) else value,
        "alpha_interval": None if np.isnan(value) else [low, high],
        "annotators": _people(said, found),
        "least_sure": _least_sure(said, found),
    }
    if said.truth is not None:
        figures["consensus"] = _against_gold(job, said, found)
    return figures


def _said(job: "Job", wanted: str) -> Said:
    names = _columns(job, wanted)
    rows = job.chosen if job.chosen is not None else np.ones(job.rows, dtype=bool)
    gold = job.gold()
    truth = np.full(job.rows, "", dtype=object) if gold is None else gold
    cells = _wide(job, names, rows, truth) if len(names) > 1 else _long(job, names[0], rows, truth)
    if not len(cells.label):
        job.need_rows()
        raise LabelkitError(
            f"{job.source.name}: no annotator labelled any row (--annotators){_as_read(job, names)}"
        )
    classes = job.classes or sorted({text for text in [*cells.label, *cells.truth] if text})
    job.warn_of_spellings(classes)
    ignore = job.ignores_unknown_labels()
    label = encode(cells.label, classes, ignore, job.source.name, lambda: cells.key)[1]
    true = encode(cells.truth, classes, ignore, job.source.name, lambda: cells.key)[1]
    keys, people = list(dict.fromkeys(cells.key)), sorted(set(cells.who))
    place, number = {k: i for i, k in enumerate(keys)}, {p: i for i, p in enumerate(people)}
    item = np.array([place[key] for key in cells.key], dtype=np.int64)
    who = np.array([number[name] for name in cells.who], dtype=np.int64)
    given = np.flatnonzero(label >= 0)
    used = given[_newest(np.column_stack([item, who])[given])]
    known = np.full(len(keys), -1, dtype=np.int64)
    known[item[true >= 0]] = true[true >= 0]
    votes = dawid_skene.Votes(
        item[used], who[used], label[used], len(keys), len(people), len(classes)
    )
    superseded = len(given) - len(used)
    return Said(votes, list(classes), people, keys, None if gold is None else known, superseded)


def _columns(job: "Job", wanted: str) -> list[str]:
    """Return the columns of all people, or the one that names them; raises where none is there."""
    found: list[str] = []
    every = job.source.every_column()
    for pattern in (part.strip() for part in wanted.split(",")):
        here = [name for name in every if name == pattern or fnmatchcase(name, pattern)]
        if not here:
            raise UsageError(
                f"--annotators {pattern}: {job.source.name} has no such column"
                f"{nearest(pattern, every)} (columns: {listing(every, 20)})"
            )
        found += [name for name in here if name not in found]
    return [name for name in found if name not in (job.options.get("gold"), job.key_name)]


def _as_read(job: "Job", names: list[str]) -> str:
    """Return how --annotators was read, where one column is named."""
    if len(names) != 1:
        return ""
    labels = listing(job.label_columns()) or "none"
    return (
        f"; the one column {names[0]!r} is read as the names of the people who gave the labels "
        f"in --label (here: {labels}). Name the columns of two people or more to compare them"
    )


def _wide(job: "Job", names: list[str], rows: Mask, truth: Texts) -> _Cells:
    keys = np.array(job.unique_keys(), dtype=object)
    parts = []
    for name in names:
        texts = job.label_texts([name])[name]
        there = rows & (texts != "")
        who = np.full(int(there.sum()), name, dtype=object)
        parts.append(_Cells(keys[there], who, texts[there], truth[there]))
    return _Cells(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _long(job: "Job", name: str, rows: Mask, truth: Texts) -> _Cells:
    """Return the labels of a file with one row for each label."""
    if job.key_name == "row":
        raise UsageError(
            f"--annotators {name}: one column names who gave the label of each row, so the item "
            f"must be named too: --id COLUMN (or name a column for each annotator: 'ann_*')"
        )
    labels, who = job.labels(), job.source.texts(name)
    there = rows & (labels.values != "")
    if (there & (who == "")).any():
        row = int(np.flatnonzero(there & (who == ""))[0])
        raise LabelkitError(
            f"{job.source.name}, row {row + 1}: nobody is named in column {name!r} (--annotators)"
        )
    keys = np.array(job.keys(), dtype=object)
    return _Cells(keys[there], who[there], labels.values[there], truth[there])


def _newest(pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the place of the last row of each different pair, in order."""
    _, first = np.unique(pairs[::-1], axis=0, return_index=True)
    return np.sort(len(pairs) - 1 - first)


def _people(said: Said, found: dawid_skene.Consensus) -> list[dict[str, Any]]:
    """Return a line for each annotator, those with most labels first."""
    votes = said.votes
    counts = np.bincount(votes.annotator, minlength=votes.annotators)
    agreement = dawid_skene.agreement_of_each(votes, found)
    quality = found.accuracy
    lines = []
    for place in np.argsort(-counts, kind="stable").tolist():
        figure = agreement[place]
        line: dict[str, Any] = {
            "annotator": said.people[place],
            "labels": int(counts[place]),
            "quality": round(float(quality[place]), 6),
            "agreement": None if np.isnan(figure.value) else figure.value,
            "agreement_interval": [figure.low, figure.high],
        }
        if said.truth is not None:
            line["accuracy"] = _accuracy(said, votes.annotator == place)
        line["p_said_when_true"] = _matrix(said.classes, found.said_when_true(place))
        lines.append(line)
    return lines


def _matrix(classes: list[str], matrix: npt.NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Return what is said of each true class; of many classes only what is said at all often."""
    least = 0.0 if len(classes) <= FEW_CLASSES else LEAST_SHOWN
    found = {}
    for true, row in zip(classes, matrix, strict=True):
        places = np.flatnonzero(row >= least).tolist()
        found[true] = {classes[place]: round(float(row[place]), 6) for place in places}
    return found


def _accuracy(said: Said, mine: Mask) -> float | None:
    assert said.truth is not None
    truth = said.truth[said.votes.item]
    rows = mine & (truth >= 0)
    return float((truth[rows] == said.votes.label[rows]).mean()) if rows.any() else None


def _least_sure(said: Said, found: dawid_skene.Consensus) -> list[dict[str, Any]]:
    """Return the items whose consensus is least sure: those to ask somebody else about."""
    codes, sure = likeliest(found.probabilities)
    lines = []
    for place in np.argsort(sure, kind="stable")[:LEAST_SURE].tolist():
        mine = said.votes.item == place
        voices = zip(said.votes.annotator[mine], said.votes.label[mine], strict=True)
        lines.append(
            {
                "key": said.keys[place],
                "consensus": said.classes[codes[place]] if codes[place] >= 0 else "",
                "confidence": round(float(sure[place]), 6),
                "said": {said.people[who]: said.classes[label] for who, label in voices},
            }
        )
    return lines


def _against_gold(job: "Job", said: Said, found: dawid_skene.Consensus) -> dict[str, Any]:
    assert said.truth is not None
    known = said.truth >= 0
    if not known.any():
        raise LabelkitError(f"{job.source.name}: column {job.options['gold']!r} (--gold) is empty")
    given, sure = likeliest(found.probabilities)
    return work.against(
        said.truth, given, sure, known, len(said.classes), job.task.ordinal, job.seed
    )


def tables(found: dict[str, Any]) -> list[tuple[list[str], list[list[Any]]]]:
    """Return what is shown of the figures: header and rows of each table."""
    low, high = found["alpha_interval"] or (None, None)
    header = ["items", "labels", "labels an item", "annotators", "alpha", "from", "to"]
    row = [found["items"], found["labels"], found["labels_an_item"], len(found["annotators"])]
    row += [found["alpha"], low, high]
    if "consensus" in found:
        header += ["consensus accuracy", "from", "to"]
        row += [found["consensus"]["accuracy"], *found["consensus"]["accuracy_interval"]]
    shown = [(header, [row])]
    gold = "consensus" in found
    header = ["annotator", "labels", "quality", "agrees with the others", "from", "to"]
    lines = [
        [p["annotator"], p["labels"], p["quality"], p["agreement"], *p["agreement_interval"]]
        + ([p["accuracy"]] if gold else [])
        for p in found["annotators"]
    ]
    left_out = len(lines) - MOST_SHOWN
    if left_out > 0:
        blank = [None] * (len(lines[0]) - 1)
        lines = [*lines[:MOST_SHOWN], [f"and {left_out:,} more (--json)", *blank]]
    shown.append((header + (["accuracy"] if gold else []), lines))
    header = ["least sure: key", "consensus", "confidence", "said"]
    lines = [
        [i["key"], i["consensus"], i["confidence"], _voices(i["said"])] for i in found["least_sure"]
    ]
    return [*shown, (header, lines)]


def _voices(said: dict[str, str]) -> str:
    return ", ".join(f"{who} {label}" for who, label in said.items())
