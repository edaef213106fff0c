"""Keyword rules that labelled rows speak for, ready to paste into the task file."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.data.duplicates import duplicate_groups
from labelkit.errors import LabelkitError, UsageError
from labelkit.stats.metrics import Z95, wilson
from labelkit.weak.gold import Truth
from labelkit.weak.lf.conditions import RuleOptions, any_of
from labelkit.weak.lf.rows import View
from labelkit.weak.outcome import Outcome
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CONFIDENT = 0.8
MOST_ROWS = 20_000  # of each kind; more rows change the figures little
FEWEST_ROWS = 3
# What any_of takes for a word; an apostrophe inside belongs to it.
TOKEN = re.compile(r"[^\W_]\w*(?:['’]\w+)*")


@dataclass(frozen=True)
class Lessons:
    """The rows that rules are learned from (`codes`, -1: none), and those still to be covered."""

    codes: Codes
    names: Sequence[str]
    open: Mask
    source: str  # what the codes are


@dataclass(frozen=True)
class Suggestion:
    """A word or phrase for a class, with how it does on the labelled rows that have it."""

    word: str
    label: str
    right: int
    rows: int
    covers: float  # share of the rows without a vote


def lessons(
    chosen: Mask | None, rows: int, truth: Truth | None, outcome: Outcome | None
) -> Lessons:
    """Return what to learn from: known labels without audit rows, else confident weak labels.

    Raises UsageError where there is neither, LabelkitError where only one class is known.
    """
    among = np.ones(rows, dtype=bool) if chosen is None else chosen
    uncovered = among
    if outcome is not None:
        uncovered = among & (_of_rows(outcome.counted, outcome.counted.voters, -1) == 0)
    if truth is not None:
        codes = np.where(among, truth.to_learn_from(), -1).astype(np.int64)
        found = Lessons(codes, truth.names, uncovered, "known labels")
    elif outcome is not None:
        sure = np.where(outcome.scores.confidence >= CONFIDENT, outcome.scores.codes, -1)
        codes = _of_rows(outcome.counted, sure, -1)
        source = f"weak labels of confidence {CONFIDENT} or more"
        found = Lessons(codes, outcome.classes, uncovered, source)
    else:
        raise UsageError(
            "--suggest learns from labelled rows, and there are none: give --gold COLUMN, "
            "--label COLUMN or --answers FILE, or functions whose confident labels it can use"
        )
    seen = np.unique(found.codes[found.codes >= 0])
    if len(seen) < 2:
        what = f"all are {found.names[seen[0]]!r}" if len(seen) else "no row has one"
        raise LabelkitError(f"--suggest needs {found.source} of two classes: {what}")
    return found


def _of_rows(counted: Counted, values: Any, otherwise: int) -> Codes:
    """Return the value of each row's pattern; `otherwise` where the row was not voted on."""
    return np.asarray(counted.each_row(values, otherwise), dtype=np.int64)


def suggestions(job: "Job", given: Lessons, most: int) -> list[Suggestion]:
    """Return at most `most` words and phrases, the classes in turn, the most useful first."""
    picked = np.sort(
        np.unique(
            np.concatenate(
                [
                    _some(job, np.flatnonzero(given.codes >= 0)),
                    _some(job, np.flatnonzero(given.open)),
                ]
            )
        )
    )
    texts = _texts(job, picked)
    codes, uncovered = given.codes[picked].copy(), given.open[picked]
    codes[_repeated(texts)] = -1  # duplicates are one piece of evidence
    return _chosen(texts, codes, uncovered, given.names, most)


def _some(job: "Job", rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if len(rows) <= MOST_ROWS:
        return rows
    return np.random.default_rng([job.seed, 2]).choice(rows, MOST_ROWS, replace=False)


def _texts(job: "Job", rows: npt.NDArray[np.int64]) -> pa.Array:
    parts, start = [pa.array([], pa.string())], 0
    for batch in job.source.batches(job.text, typed=True):
        here = rows[(rows >= start) & (rows < start + batch.num_rows)] - start
        parts.append(View(batch.take(pa.array(here)), job.text).task_text())
        start += batch.num_rows
    return pa.concat_arrays(parts).fill_null("")


def _repeated(texts: pa.Array) -> Mask:
    _, first = np.unique(duplicate_groups(pa.table({"text": texts})), return_index=True)
    again = np.ones(len(texts), dtype=bool)
    again[first] = False
    return again


def _chosen(
    texts: pa.Array, codes: Codes, uncovered: Mask, names: Sequence[str], most: int
) -> list[Suggestion]:
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=terms, binary=True, dtype=np.int32)
    try:
        has = counter.fit_transform(texts.to_pylist()).tocsr()
    except ValueError:  # no text holds a word
        return []
    words = counter.get_feature_names_out()
    worth = {code: _worth(has, codes, code) for code in np.unique(codes[codes >= 0])}
    total = max(int(uncovered.sum()), 1)
    found: list[Suggestion] = []
    waiting = list(worth)
    while waiting and len(found) < most:
        code = waiting.pop(0)
        made = _next(has, words, worth[code], texts, codes, uncovered, code)
        if made is None:
            continue
        word, matched = made
        here = matched & (codes >= 0)
        right, rows = int((codes[here] == code).sum()), int(here.sum())
        covers = int((matched & uncovered).sum()) / total
        found.append(Suggestion(word, names[code], right, rows, covers))
        uncovered = uncovered & ~matched
        waiting.append(code)
    return found


def _worth(has: Any, codes: Codes, code: int) -> npt.NDArray[np.float64]:
    """Return how far the surely reached precision of each word lies above chance; 0: too little.

    A word must go a quarter of the way from chance to certainty, and be right more often than not.
    """
    labelled = codes >= 0
    rows = np.asarray(has[labelled].sum(axis=0)).ravel().astype(float)
    right = np.asarray(has[codes == code].sum(axis=0)).ravel().astype(float)
    chance = float((codes[labelled] == code).mean())
    low = _lower(right, rows)
    enough = (low >= _bar(chance)) & (rows >= FEWEST_ROWS)
    return np.where(enough, low - chance, 0.0)


def _bar(chance: float) -> float:
    return max(0.5, chance + (1 - chance) / 4)


def _lower(right: npt.NDArray[np.float64], rows: npt.NDArray[np.float64]) -> Any:
    """Return the lower ends of Wilson's intervals, as `measure.wilson` for many at once."""
    n = np.maximum(rows, 1)
    share, spread = right / n, Z95**2 / n
    half = Z95 * np.sqrt(share * (1 - share) / n + spread / (4 * n))
    return (share + spread / 2 - half) / (1 + spread)


def _next(
    has: Any,
    words: Any,
    worth: npt.NDArray[np.float64],
    texts: pa.Array,
    codes: Codes,
    uncovered: Mask,
    code: int,
) -> tuple[str, Mask] | None:
    """Return the word that labels most uncovered rows best, and the rows that its rule matches."""
    fresh = np.asarray(has[uncovered].sum(axis=0)).ravel()
    value = fresh * worth
    chance = float((codes[codes >= 0] == code).mean())
    while value.max(initial=0) > 0:
        best = int(value.argmax())
        value[best] = worth[best] = 0
        matched = _matched(str(words[best]), texts)
        here = matched & (codes >= 0)
        # The rule may match more than the word that was counted: don in don't.
        if wilson(int((codes[here] == code).sum()), int(here.sum()))[0] >= _bar(chance):
            return str(words[best]), matched
    return None


def _matched(word: str, texts: pa.Array) -> Mask:
    holds = any_of([word], RuleOptions("a suggestion", {}, Path()))
    return np.asarray(holds(texts).to_numpy(zero_copy_only=False), dtype=bool)


def terms(text: str) -> Iterator[str]:
    """Yield the words of a text in small letters, and the pairs that only spaces part."""
    lower, before = text.lower(), None
    for found in TOKEN.finditer(lower):
        yield found[0]
        if before is not None and lower[before.end() : found.start()].isspace():
            yield f"{before[0]} {found[0]}"
        before = found


def toml(found: Sequence[Suggestion], source: str, rows: int, taken: Sequence[str]) -> str:
    """Return the rules as TOML; `taken` are names that other functions have."""
    lines = [
        f"# Suggested from {console.count(rows, 'rows')} with {source}; the figures are biased, "
        "since the words",
        "# were chosen on the same rows. Read each rule before you keep it.",
    ]
    names = set(taken)
    for one in found:
        low, high = wilson(one.right, one.rows)
        name = f"suggested_{one.word.replace(' ', '_')}"
        while name in names:
            name += "_2"
        names.add(name)
        lines += [
            "",
            "[[weak-label.rule]]",
            f"name = {_quoted(name)}",
            f"label = {_quoted(one.label)}",
            f"any_of = [{_quoted(one.word)}]",
            f"# right on {one.right:,} of {one.rows:,} (biased; {low:.2f} to {high:.2f}), "
            f"votes on {one.covers:.1%} of the rows without a vote",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
