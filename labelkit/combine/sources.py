"""Who speaks in a file: people, and the voters whose labels stand in its columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console
from labelkit.combine import trust
from labelkit.combine.opinion_pool import Voter
from labelkit.data.labels import Codes, Mask, Texts, encode
from labelkit.data.probability_columns import classes_of_columns
from labelkit.errors import LabelkitError, listing
from labelkit.stats.blocks import number_type
from labelkit.stats.ties import likeliest

if TYPE_CHECKING:
    from labelkit.job.job import Job

Floats = npt.NDArray[np.float64]

PEOPLE = "label"
MODEL = "model"
# What a voter is called in final_source, by the command that wrote its column.
_KINDS = {"weak-label": "weak", "llm-label": "llm", "predict": MODEL}
_USUAL = {f"{kind}_label": kind for kind in _KINDS.values()}
_EVEN = 0.5
_HARDLY = 0.01  # how far a flagged label is still heard above chance: where nobody else speaks


class Source(NamedTuple):
    """A voter: the column it stands in, its name in final_source, and the rows it looked at.

    `voter` hardly speaks for the labels that find-noise doubts, `undoubted` as if none were.
    """

    column: str
    name: str
    voter: Voter
    looked: Mask
    undoubted: Voter


class Doubts(NamedTuple):
    """The labels that find-noise holds for wrong, where no person spoke (but for an audit).

    `given` and `suggested` are class codes, -1 in all other rows; `quality` is the probability
    that the given label is right.
    """

    given: Codes
    suggested: Codes
    quality: Floats

    def at(self, rows: Any) -> "Doubts":
        """Return the same of some rows."""
        return Doubts(self.given[rows], self.suggested[rows], self.quality[rows])


class Said(NamedTuple):
    """What a file holds: the classes, people's labels (-1 none), audit rows, voters.

    `names` are the classes and after them those that only audit rows have: nothing that learns
    knows these. `excluded` are the audit rows and their duplicates.
    `flagged` are rows whose label by people find-noise holds for wrong, `demoted` those where it
    holds what a voter says for wrong; `doubts` tells what it suggests instead.
    """

    classes: list[str]
    names: list[str]
    people: Codes
    audit: Mask
    excluded: Mask
    flagged: Mask
    demoted: Mask
    sources: list[Source]
    doubts: Doubts | None = None


def read(
    job: "Job",
    believed: Mapping[str, float | None] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Said:
    """Return who says what; `believed` are columns of labels from before (see `trust`).

    `columns` are the voters' columns and names; by default those of --label, else ours.
    Raises LabelkitError for a file without any label, a label outside the declared classes, and
    confidences that are none.
    """
    people = job.labels([PEOPLE] if job.source.has(PEOPLE) else [])
    believed = believed or {}
    job.source.require(list(believed), "--trust")
    found = _columns(job) if columns is None else dict(columns)
    found |= {column: _stem(column) for column in believed if column not in found}
    texts = job.label_texts(list(found))
    if not found and not job.options.get("from_proba") and not (people.values != "").any():
        job.need_rows()
        raise LabelkitError(_nobody(job))
    known = np.where(people.audit, "", people.values)
    classes = job.classes or _all_classes(job, [known, *texts.values()])
    names = job.classes or [*classes, *sorted({*people.values[people.audit]} - {"", *classes})]
    doubted = _flagged(job)
    ignore = job.ignores_unknown_labels()
    codes = encode(people.values, names, ignore, job.source.name, job.keys)[1]
    sources, flags = [], {}
    for column, name in found.items():
        where = f"{job.source.name}, column {column!r}"
        values, said, _ = encode(texts[column], classes, ignore, where, job.keys)
        flags[column] = _is_flagged(values, doubted)
        sources.append(_source(job, column, name, said, classes))
    if believed:
        teaching = np.where(job.excluded_from_training, -1, codes)
        sources = _believed(job, sources, believed, teaching, texts, len(classes))
    doubts = _doubts(job, doubted, classes, (codes < 0) | people.audit)
    # A label gives way to what is suggested; without a suggestion any other voice shall beat it.
    suggested = np.zeros(job.rows, dtype=bool) if doubts is None else doubts.given >= 0
    sources = [
        _demoted(source, flags[source.column] & ~suggested, len(classes)) for source in sources
    ]
    ready = _ready_probabilities(job, classes)
    if ready is not None and ready.column not in {_proba_prefix(s.column) for s in sources}:
        sources.append(ready)
    demoted = np.any([*flags.values(), suggested], axis=0)
    flagged = _is_flagged(people.values, doubted)
    excluded = job.excluded_from_training
    return Said(classes, names, codes, people.audit, excluded, flagged, demoted, sources, doubts)


def _believed(
    job: "Job",
    sources: Sequence[Source],
    believed: Mapping[str, float | None],
    teaching: Codes,
    texts: Mapping[str, Texts],
    n_classes: int,
) -> list[Source]:
    """Return the voters, those of `believed` as sure as the share of their labels that is right."""
    others = [source.voter for source in sources if source.column not in believed]
    found, told = [], {}
    for source in sources:
        if source.column in believed:
            share, by = believed[source.column], "--trust"
            if share is None:
                quality = _quality_of(job, texts[source.column])
                codes = source.voter.codes
                share, by = trust.estimated(codes, teaching, quality, others, n_classes)
            console.note(f"{console.clean(source.column)}: {share:.2f} right, by {by}")
            told[source.column] = {"share": round(share, 6), "by": by}
            source = _as_sure(source, share)
        found.append(source)
    job.figures({"trust": told})
    return found


def _quality_of(job: "Job", values: Texts) -> Floats:
    """Return the probability by find-noise that these labels are right, NaN without one."""
    if not (job.source.has("noise_given") and job.source.has("noise_quality")):
        return np.full(job.rows, np.nan)
    judged = (values != "") & (job.label_texts(["noise_given"])["noise_given"] == values)
    return np.where(judged, numbers(job, "noise_quality"), np.nan)


def _as_sure(source: Source, share: float) -> Source:
    codes = source.voter.codes
    voter = Voter(codes, np.where(codes >= 0, share, np.nan))
    return source._replace(voter=voter, undoubted=voter, looked=codes >= 0)


def _columns(job: "Job") -> dict[str, str]:
    """Return the columns of voters and their names: those of --label, else ours."""
    known = _USUAL | dict(_written_as(job))
    named = job.options.get("label")
    if named:
        columns = [name for name in job.label_columns() if name != PEOPLE]
        return {name: known.get(name, _stem(name)) for name in columns}
    return usual_columns(job)


def usual_columns(job: "Job") -> dict[str, str]:
    """Return the label columns that our commands wrote, and what their voters are called."""
    known, gold = _USUAL | dict(_written_as(job)), job.options.get("gold")
    return {name: kind for name, kind in known.items() if job.source.has(name) and name != gold}


def _written_as(job: "Job") -> Iterator[tuple[str, str]]:
    """Yield the label columns that our commands wrote under another name (--as), and their kind."""
    for step in job.steps:
        kind = _KINDS.get(step.get("command", ""))
        for name in step.get("columns", []):
            if kind and name.endswith("_label"):
                yield name, kind


def _nobody(job: "Job") -> str:
    return (
        f"{job.source.name} has no label to decide on: no column {listing(_USUAL)}, and "
        + (f"{PEOPLE!r} is empty" if job.source.has(PEOPLE) else f"no {PEOPLE!r}")
        + f" (columns: {listing(job.source.columns, 20)}); label it by labelkit weak-label or "
        "llm-label, or name columns that hold labels with --label"
    )


def _all_classes(job: "Job", values: Sequence[Texts]) -> list[str]:
    labels = {text for each in values for text in pc.unique(_array(each)).to_pylist()} - {""}
    prefix = job.options.get("from_proba")
    if not prefix:
        return sorted(labels)
    named = classes_of_columns(job.source.columns, prefix, labels)
    if not named:
        raise LabelkitError(
            f"{job.source.name} has no column that begins with {prefix!r} (--from-proba)"
        )
    return sorted(labels.union(named))


def _array(texts: Texts) -> pa.Array:
    return pa.array(texts, pa.string())


def _source(job: "Job", column: str, name: str, codes: Codes, classes: Sequence[str]) -> Source:
    beside = f"{_stem(column)}_confidence"
    confidence = np.full(len(codes), np.nan)
    if job.source.has(beside):
        confidence = numbers(job, beside)
    looked = (codes >= 0) | ~np.isnan(confidence)
    shares = _shares(job, _proba_prefix(column), classes)
    voter = Voter(codes, confidence, shares)
    return Source(column, name, voter, looked, voter)


def _stem(column: str) -> str:
    return column.removesuffix("_label")


def _proba_prefix(column: str) -> str:
    return f"{_stem(column)}_proba_"


def _shares(job: "Job", prefix: str, classes: Sequence[str]) -> Floats | None:
    """Return the probabilities of a voter, 0 for a class that it does not know; None: no columns.

    NaN where a row states none, and where they are not the probabilities of these classes.
    """
    known = {code: prefix + name for code, name in enumerate(classes)}
    known = {code: name for code, name in known.items() if job.source.has(name)}
    if not known:
        return None
    found = np.zeros((job.rows, len(classes)), number_type(job.rows, len(classes)))
    for code, name in known.items():
        found[:, code] = numbers(job, name)
    found[np.abs(found.sum(axis=1) - 1) > 1e-3] = np.nan
    return found


def numbers(job: "Job", column: str) -> Floats:
    """Return a column of numbers from 0 to 1, NaN where it is empty."""
    texts = _array(job.source.texts(column))
    filled = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    try:
        values = pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        raise LabelkitError(
            f"{job.source.name}: column {column!r} does not hold numbers only"
        ) from None
    outside = np.flatnonzero((values < 0) | (values > 1))
    if len(outside):
        raise LabelkitError(
            f"{job.source.name}, row {outside[0] + 1}: {column} is "
            f"{console.clean(texts[outside[0]].as_py())}, not between 0 and 1"
        )
    return np.array(values, dtype=np.float64)


def _ready_probabilities(job: "Job", classes: Sequence[str]) -> Source | None:
    """Return the voter that stands in the columns of --from-proba."""
    shares = job.from_proba(classes)
    if shares is None:
        return None
    stated = np.array(~np.isnan(shares).all(axis=1), dtype=bool)
    np.nan_to_num(shares, copy=False)
    codes, confidence = likeliest(shares)
    confidence = np.where(stated, confidence, np.nan)
    prefix = str(job.options["from_proba"])
    shares[~stated] = np.nan
    name = prefix.strip("_") or prefix
    voter = Voter(codes.astype(np.int32), confidence, shares)
    return Source(prefix, name, voter, stated, voter)


# -- labels that find-noise holds for wrong ------------------------------------------------------


def _flagged(job: "Job") -> Texts:
    """Return the label that find-noise holds for wrong in each row, '' where there is none.

    Labels that it flags for being disputed, yet likelier right than wrong, are not among them:
    they are labels of hard rows, and what people say of these tells most of what voters are worth.
    """
    if not job.source.has("noise_given"):
        return np.full(job.rows, "", dtype=object)
    signs = {"noise_flag": "true", "noise_use": "false"}
    signs = {column: sign for column, sign in signs.items() if job.source.has(column)}
    read = job.source.texts_of(list(signs)) | job.label_texts(["noise_given"])
    doubted = np.zeros(job.rows, dtype=bool)
    for column, sign in signs.items():
        doubted |= read[column] == sign
    if job.source.has("noise_quality"):
        doubted &= ~(numbers(job, "noise_quality") >= _EVEN)
    given: Texts = np.where(doubted, read["noise_given"], "").astype(object)
    return given


def _doubts(job: "Job", doubted: Texts, classes: list[str], among: Mask) -> Doubts | None:
    """Return what find-noise suggests for the labels that it holds for wrong; None without any."""
    if not job.source.has("noise_suggested") or not (among & (doubted != "")).any():
        return None
    place = {name: code for code, name in enumerate(classes)}
    read = job.label_texts(["noise_suggested"])["noise_suggested"]
    given, suggested = (np.array([place.get(t, -1) for t in each]) for each in (doubted, read))
    known = among & (given >= 0) & (suggested >= 0) & (given != suggested)
    quality = np.full(job.rows, np.nan)
    if job.source.has("noise_quality"):
        quality = numbers(job, "noise_quality")
    return Doubts(np.where(known, given, -1), np.where(known, suggested, -1), quality)


def _is_flagged(values: Texts, doubted: Texts) -> Mask:
    found: Mask = (doubted != "") & (values == doubted)
    return found


def _demoted(source: Source, flagged: Mask, n_classes: int) -> Source:
    """Return the voter with its flagged labels hardly above chance: any other voice beats them."""
    codes, confidence, shares = source.voter
    unsure = min(1.0, 1.0 / n_classes + _HARDLY) if n_classes else 0.0
    confidence = np.where(flagged, unsure, confidence)
    if shares is not None:
        shares = np.where(flagged[:, None], np.nan, shares)
    return source._replace(voter=Voter(codes, confidence, shares))
