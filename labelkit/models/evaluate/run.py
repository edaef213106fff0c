"""evaluate: the label columns of a file against gold and each other, as tables or JSON."""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.data.labels import encode
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.models.evaluate import annotators as people
from labelkit.models.evaluate import column_metrics as work

if TYPE_CHECKING:
    from labelkit.job.job import Job

Shown = tuple[list[str], list[list[Any]]]
PEOPLE = "people's answers"
_MOST_CLASSES = 20  # that are shown one by one
_PAIRS, _PAIRS_OF_MANY, _EXAMPLES = 5, 20, 5
Codes = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]


class Columns(NamedTuple):
    """The label columns as codes in one class order, and what they are judged by.

    That is gold if it was named, else people's answers (`by_people`).
    """

    classes: list[str]
    codes: dict[str, Codes]
    truth: Codes | None
    gold: str
    by_people: bool


def evaluate(job: "Job", compare: str | None, annotators: str | None, as_json: bool) -> None:
    """Measure, print to stdout, and say in one line what was measured on."""
    if annotators is not None:
        _of_people(job, compare, annotators, as_json)
        return
    columns = _columns(job, compare)
    rows = job.chosen if job.chosen is not None else np.ones(job.rows, dtype=bool)
    found: dict[str, Any] = {
        "rows": int(rows.sum()),
        "classes": columns.classes,
        "gold": columns.gold or None,
        "figures": _against_gold(job, columns, rows),
        "agreement": _agreements(columns, rows, job.seed),
    }
    if compare is not None:
        found["compare"] = _compared(job, columns, rows, compare)
    job.figures(found)
    if as_json:
        console.data_json({"schema": 1, **found})
    else:
        _print(found)
    measured = list(dict.fromkeys(_words(f) for f in found["figures"]))
    job.print_summary(
        f"{console.count(len(columns.codes), 'label columns')} · "
        + (" · ".join(measured) if measured else "agreement only; name the truth with --gold")
    )


def _of_people(job: "Job", compare: str | None, annotators: str, as_json: bool) -> None:
    if compare is not None:
        raise UsageError("--compare and --annotators: give one of the two")
    found = people.evaluate(job, annotators)
    job.figures(found)
    if as_json:
        console.data_json({"schema": 1, **found})
    else:
        _print_tables(people.tables(found))
    alpha = "not known (no item has two labels)"
    if found["alpha"] is not None:
        alpha = f"{found['alpha']:.3f}"
    replaced = ""
    if found["superseded"]:
        replaced = f" · {found['superseded']:,} replaced by a later answer of the same person"
    job.print_summary(
        f"{console.count(len(found['annotators']), 'annotators')} · "
        f"{console.count(found['items'], 'items')} · "
        f"{console.count(found['labels'], 'labels')}{replaced} · Krippendorff's alpha {alpha}"
    )


def _words(figures: dict[str, Any]) -> str:
    rows, basis = figures["rows"], figures["measured_on"]
    return f"all {console.count(rows, 'rows')}" if basis == "all rows" else f"{rows:,} {basis}"


def _columns(job: "Job", compare: str | None) -> Columns:
    gold = job.options.get("gold") or ""
    names = _names(job, gold, compare)
    texts = job.label_texts(names)
    values = dict(texts)
    by_people = gold == "label" or _by_answers(job)
    truth = _answered(job) if _by_answers(job) else job.gold()
    if truth is not None:
        gold = gold or PEOPLE
        values[gold] = truth
    classes = job.classes
    if classes is None:
        classes = sorted({text for each in values.values() for text in each if text})
        job.warn_of_spellings(classes)
    coded: dict[str, Codes] = {}
    for name, each in values.items():
        ignore = job.ignores_unknown_labels()
        where = f"{job.source.name}, column {name!r}"
        coded[name] = encode(each, classes, ignore, where, job.keys)[1]
        if truth is not None and name != gold:
            _warn_of_other_words(name, gold, set(each), set(truth))
    judged = {name: coded[name] for name in names}
    return Columns(classes, judged, coded[gold] if truth is not None else None, gold, by_people)


def _by_answers(job: "Job") -> bool:
    return bool(job.options.get("answers")) and not job.options.get("gold")


def _answered(job: "Job") -> Any:
    """Return what people labelled: --answers, and the column `label` behind them."""
    return job.labels(["label"] if job.source.has("label") else []).values


def _warn_of_other_words(name: str, gold: str, said: set[str], true: set[str]) -> None:
    said, true = said - {""}, true - {""}
    if said and true and not said & true:
        console.warn(
            f"{name} and {gold} have no label in common ({listing(sorted(said), 4)}; "
            f"{listing(sorted(true), 4)}): are they spelt differently?"
        )


def _names(job: "Job", gold: str, compare: str | None) -> list[str]:
    named = list(job.options.get("label") or [])
    if named:
        job.source.require(named, "--label")
    else:
        named = [n for n in job.source.columns if n == "label" or n.endswith("_label")]
        named = [n for n in named if n != gold and not (n == "label" and _by_answers(job))]
    pair = _pair(compare)
    job.source.require(pair, "--compare")
    named = list(dict.fromkeys([*named, *pair]))
    if not named:
        raise LabelkitError(
            f"{job.source.name} has no label column{' beside the gold' if gold else ''}; name "
            f"one with --label COLUMN "
            f"(columns: {listing(job.source.columns, 20)})"
        )
    if len(named) == 1 and not gold and not _by_answers(job):
        hint = " (there is a column 'gold')" if job.source.has("gold") else ""
        raise UsageError(
            f"one label column ({named[0]}) and nothing to compare it with: "
            f"give --gold COLUMN{hint}, --answers FILE or a second --label"
        )
    return named


def _pair(compare: str | None) -> list[str]:
    if compare is None:
        return []
    names = [name.strip() for name in compare.split(",")]
    if len(names) != 2 or not all(names) or names[0] == names[1]:
        raise UsageError(f"--compare {compare!r}: give two label columns, as in --compare a,b")
    return names


def _bases(job: "Job", columns: Columns, rows: Mask) -> list[work.Basis]:
    assert columns.truth is not None
    if not (rows & (columns.truth >= 0)).any():
        job.need_rows()
        what = f"column {columns.gold!r} (--gold) is empty"
        if columns.gold == PEOPLE:
            what = "the answers hold no label of these rows"
        raise LabelkitError(f"{job.source.name}: {what}")
    return work.bases(columns.truth, rows, job.audit_mask, columns.by_people)


def _against_gold(job: "Job", columns: Columns, rows: Mask) -> list[dict[str, Any]]:
    if columns.truth is None:
        return []
    found = []
    bases, audit, keys = _bases(job, columns, rows), job.audit_mask, job.keys()
    for name, codes in columns.codes.items():
        confidence = _confidence(job, name)
        for basis in bases:
            figures = work.against(
                columns.truth,
                codes,
                confidence,
                basis.rows,
                len(columns.classes),
                job.task.ordinal,
                job.seed,
            )
            about = {"column": name, "measured_on": basis.words, "biased": basis.biased}
            pairs = _confused_pairs(columns.truth, codes, basis.rows, audit, columns.classes, keys)
            found.append(about | figures | {"confused": pairs})
    return found


def _confidence(job: "Job", name: str) -> npt.NDArray[np.float64] | None:
    beside = name.removesuffix("label") + "confidence"
    if not name.endswith("_label") or not job.source.has(beside):
        return None
    if job.source.kinds([beside])[beside] != "number":
        return None
    column = job.source.read([beside], typed=True).column(beside)
    found = np.asarray(column.to_numpy(), dtype=np.float64)
    outside = np.nanmax(found, initial=0.0) > 1 or np.nanmin(found, initial=0.0) < 0
    if outside:
        console.warn(f"{beside} is not between 0 and 1; its calibration is left out")
    return None if outside else found


def _agreements(columns: Columns, rows: Mask, seed: int) -> list[dict[str, Any]]:
    k = len(columns.classes)
    return [
        {"first": a, "second": b}
        | work.agreement(columns.codes[a], columns.codes[b], rows, k, seed)
        for a, b in combinations(columns.codes, 2)
    ]


def _compared(job: "Job", columns: Columns, rows: Mask, compare: str) -> list[dict[str, Any]]:
    if columns.truth is None:
        raise UsageError("--compare needs the truth: --gold COLUMN")
    a, b = _pair(compare)
    return [
        {"first_column": a, "second_column": b, "measured_on": basis.words, "biased": basis.biased}
        | work.compare(columns.truth, columns.codes[a], columns.codes[b], basis.rows)
        for basis in _bases(job, columns, rows)
    ]


def _print(found: dict[str, Any]) -> None:
    tables = [_overview(found), *_details(found)]
    if found["agreement"]:
        header = ["first", "second", "rows", "agreement", "from", "to", "kappa", "from", "to"]
        rows = [
            [f["first"], f["second"], f["rows"]]
            + [cell for name in ("agreement", "kappa") for cell in (f[name], *_ends(f, name))]
            for f in found["agreement"]
        ]
        tables.append((header, rows))
    if "compare" in found:
        header = ["first", "second", "measured on", "rows", "first right", "second right"]
        header += ["difference", "from", "to", "p"]
        rows = [_comparison(f) for f in found["compare"]]
        tables.append((header, rows))
    _print_tables(tables)


def _print_tables(tables: Sequence[Shown]) -> None:
    shown = [(header, rows) for header, rows in tables if rows]
    for number, (header, rows) in enumerate(shown):
        if number:
            console.data_line()
        console.data_table(header, rows)


def _comparison(f: dict[str, Any]) -> list[Any]:
    p = None if f["p"] is None else f"{f['p']:.2g}"
    names = [f["first_column"], f["second_column"], f["measured_on"], f["rows"]]
    return [*names, f.get("first"), f.get("second"), f["difference"], *_ends(f, "difference"), p]


def _overview(found: dict[str, Any]) -> Shown:
    header = ["column", "measured on", "rows", "labelled", "accuracy", "from", "to"]
    names = ["accuracy", "kappa", "macro_f1", "calibration_error"]
    header += ["kappa", "from", "to", "macro-F1", "from", "to", "calibration error", "from", "to"]
    if any("weighted_kappa" in f for f in found["figures"]):
        names += ["weighted_kappa", "mean_absolute_error"]
        header += ["weighted kappa", "from", "to", "mean abs. error", "from", "to"]
    rows = []
    for f in found["figures"]:
        row = [f["column"], f["measured_on"], f["rows"], f["labelled"]]
        for name in names:
            row += [f.get(name), *_ends(f, name)]
        rows.append(row)
    return header, rows


def _details(found: dict[str, Any]) -> list[Shown]:
    """Return a per-class and a confusion table for each column, on its first basis."""
    tables: list[Shown] = []
    seen: set[str] = set()
    for f in found["figures"]:
        if f["column"] in seen or "per_class" not in f:
            continue
        seen.add(f["column"])
        biased = " (biased)" if f["biased"] else ""
        header = [f"{f['column']}{biased}", "rows", "given", "precision", "from", "to"]
        header += ["recall", "from", "to", "F1", "from", "to"]
        few = len(found["classes"]) <= _MOST_CLASSES
        header += [f"said {name}" for name in found["classes"] if few]
        rows = []
        for code in _most_mistaken(f["confusion"]):
            one = f["per_class"][code]
            row = [found["classes"][code], one["rows"], one["given"]]
            row += [one["precision"], *_ends(one, "precision")]
            row += [one["recall"], *_ends(one, "recall"), one["f1"], *_ends(one, "f1")]
            rows.append(row + (f["confusion"][code] if few else []))
        if not few:
            more = (
                f"and {console.count(len(found['classes']) - _MOST_CLASSES, 'classes')} with "
                "fewer errors"
            )
            rows.append([f"{more} (--json)", *[None] * (len(header) - 1)])
        tables.append((header, rows))
        if f["confused"]:
            tables.append(_confused(f, biased))
    return tables


def _most_mistaken(confusion: list[list[int]]) -> list[int]:
    """Return the classes to show: all in their order, of many those with the most errors."""
    if len(confusion) <= _MOST_CLASSES:
        return list(range(len(confusion)))
    counts = np.array(confusion)
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return [int(code) for code in np.argsort(-wrong, kind="stable")[:_MOST_CLASSES]]


def _confused(f: dict[str, Any], biased: str) -> Shown:
    header = [f"{f['column']}{biased}, most confused: true", "said", "rows", "such as"]
    header += [""] * (_EXAMPLES - 1)
    rows = []
    for pair in f["confused"]:
        shown = [*pair["keys"], *[None] * (_EXAMPLES - len(pair["keys"]))]
        rows.append([pair["true"], pair["said"], pair["rows"], *shown])
    return header, rows


def _ends(figures: dict[str, Any], name: str) -> list[float | None]:
    return list(figures.get(f"{name}_interval") or (None, None))


def _confused_pairs(
    truth: npt.NDArray[Any],
    given: npt.NDArray[Any],
    rows: npt.NDArray[np.bool_],
    audit: npt.NDArray[np.bool_],
    classes: Sequence[str],
    keys: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the most confused pairs of classes: `true`, `said`, `rows`, and keys of examples.

    Keys of audit rows come last: whoever mends guidelines by them judges by them no more.
    """
    wrong = rows & (given >= 0) & (truth >= 0) & (given != truth)
    places = np.flatnonzero(wrong)
    cells, counts = np.unique(truth[places] * len(classes) + given[places], return_counts=True)
    pairs = _PAIRS if len(classes) <= _MOST_CLASSES else _PAIRS_OF_MANY
    order = np.argsort(-counts, kind="stable")[:pairs]
    found = []
    for cell, count in zip(cells[order].tolist(), counts[order].tolist(), strict=True):
        true, said = divmod(int(cell), len(classes))
        among = places[(truth[places] == true) & (given[places] == said)]
        among = among[np.argsort(audit[among], kind="stable")][:_EXAMPLES]
        found.append(
            {
                "true": classes[true],
                "said": classes[said],
                "rows": int(count),
                "keys": [keys[place] for place in among],
            }
        )
    return found
