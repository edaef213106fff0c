"""The waterfall: what each step of a file's history labelled, cost and contributed.

The contribution is in the figures of `decide --worth`, the cost in the steps of the history.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from labelkit import console
from labelkit.config import costs
from labelkit.config.costs import Line, Prices
from labelkit.console import Uncut

BASES = ("audit", "gold")
INPUT = "input"
_NAMES = {"merge": "people"}
_REMEDIES = {
    "weak-label": "leave it out{how}, or fix its labeling functions",
    "llm-label": "leave it out{how}, or use another model or clearer guidelines",
    "query": "select rows at random ([query] strategy = 'random')",
    "people": "have the same rows labelled by somebody else, or make the guidelines clearer",
    "find-noise": "leave it out{how}",
    "predict": "leave it out{how}",
    "decide": "use the first source with a label ([decide] policy = 'priority')",
}


class Row(NamedTuple):
    """A step: rows labelled first, rows with a changed final label, dollars, human hours.

    `after` is the accuracy after the step, `gain` the accuracy lost without it, each as (value,
    low, high) by basis (audit, gold). None: unknown.
    """

    stage: str
    command: str
    first: int | None
    changed: int | None
    dollars: float | None
    hours: float | None
    after: dict[str, list[float]]
    gain: dict[str, list[float]]

    def verdict(self, basis: str) -> str:
        """Return `helped`, `harmed` or `none` (no measurable effect), '' if not measured."""
        if basis not in self.gain:
            return ""
        _, low, high = self.gain[basis]
        return "harmed" if high < 0 else "helped" if low > 0 else "none"

    def without(self, basis: str, of_all: Mapping[str, Sequence[float]]) -> float:
        """Return the accuracy without the step."""
        return of_all[basis][0] - self.gain[basis][0]


class Waterfall(NamedTuple):
    """The steps in order, the number of rows of each basis, and whether gold is biased."""

    rows: list[Row]
    measured_on: dict[str, int]
    gold_biased: bool
    drawn: int | None  # rows sampled from a large file, None: all were used

    @property
    def of_all(self) -> dict[str, list[float]]:
        """The accuracy of the final labels."""
        return next((row.after for row in reversed(self.rows) if row.after), {})

    @property
    def bases(self) -> list[str]:
        """The bases with measured rows."""
        return [basis for basis in BASES if self.measured_on.get(basis)]

    def harmed(self) -> list[Row]:
        """Return the stages that harmed; without query if the people after it harmed."""
        rows = [r for r in self.rows if any(r.verdict(basis) == "harmed" for basis in BASES)]
        asked = any(row.stage.startswith("people") for row in rows)
        return [row for row in rows if row.command != "query" or not asked]

    def plain(self) -> dict[str, Any]:
        """Return the waterfall as plain values for --summary."""
        return {
            "stages": [self._plain_row(row) for row in self.rows],
            "harmed": [row.stage for row in self.harmed()],
            "measured_on": self.measured_on,
            "gold_biased": self.gold_biased,
            "drawn": self.drawn,
        }

    def _plain_row(self, row: Row) -> dict[str, Any]:
        values: dict[str, Any] = {
            name: getattr(row, name) for name in ("stage", "first", "changed", "dollars", "hours")
        }
        for basis in self.bases:
            values[basis] = _parts(row.after.get(basis))
            gain = row.gain.get(basis)
            values[f"without_{basis}"] = gain and {
                "value": round(row.without(basis, self.of_all), 6), "gain": gain[0],
                "low": gain[1], "high": gain[2], "effect": row.verdict(basis),
            }  # fmt: skip
        return values


def made(
    steps: Sequence[Mapping[str, Any]], price: Prices, labels: int, seconds: float | None
) -> Waterfall | None:
    """Return the waterfall of a file's history; None if no decide measured the contributions.

    `labels` is the number of human labels, `seconds` the measured time of one.
    """
    decide_indices = [index for index, step in enumerate(steps) if _worth(step)]
    if not decide_indices:
        return None
    worth = _worth(steps[decide_indices[-1]])
    entries = [*worth.get("steps", [])]
    entries[-1] = entries[-1] | {"step": decide_indices[-1]}
    entries += [
        {"step": index, "command": str(step.get("command"))}
        for index, step in enumerate(steps)
        if index > decide_indices[-1]
    ]
    spent = _SpentSoFar(steps, price, labels, seconds)
    rows, names = [], _Names()
    for entry in entries:
        # Human labels that did not come from a merge: in the input, or from --answers at the end.
        is_from_input = entry["command"] == INPUT or entry.get("step", -1) >= decide_indices[-1]
        line = spent.up_to(entry.get("step", -1), is_from_input)
        rows.append(_row(entry, names.of(entry), line))
    measured_on = {basis: int(worth.get(f"{basis}_rows", 0)) for basis in BASES}
    return Waterfall(rows, measured_on, bool(worth.get("gold_biased")), worth.get("drawn"))


def _worth(step: Mapping[str, Any]) -> dict[str, Any]:
    worth = (step.get("figures") or {}).get("worth") if step.get("command") == "decide" else None
    return worth if isinstance(worth, dict) and worth.get("steps") else {}


def _row(entry: Mapping[str, Any], name: str, line: Line) -> Row:
    return Row(
        stage=name,
        command=str(entry["command"]),
        first=entry.get("first"),
        changed=entry.get("changed"),
        dollars=line.dollars,
        hours=line.hours,
        after={basis: entry[basis] for basis in BASES if entry.get(basis)},
        gain={basis: entry[f"{basis}_gain"] for basis in BASES if entry.get(f"{basis}_gain")},
    )


class _Names:
    """Names of stages; repeated ones get a number."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def of(self, entry: Mapping[str, Any]) -> str:
        name = _NAMES.get(str(entry["command"]), str(entry["command"]))
        self._counts[name] = self._counts.get(name, 0) + 1
        return name if self._counts[name] == 1 else f"{name} {self._counts[name]}"


class _SpentSoFar:
    """The cost of steps, one after the other; their sum is the total cost."""

    def __init__(
        self,
        steps: Sequence[Mapping[str, Any]],
        price: Prices,
        labels: int,
        seconds: float | None,
    ) -> None:
        self._steps, self._price, self._seconds = steps, price, seconds
        self._others = max(0, labels - sum(one.new for one in costs.merged_in(steps)))
        self._before = [(0.0, Line("", 0.0, 0.0))] * 3
        self._has_unmerged = False

    def up_to(self, index: int, has_unmerged: bool) -> Line:
        """Return the cost since the previous call, up to the step `index`.

        `has_unmerged`: human labels that did not come from a merge are included.
        """
        self._has_unmerged |= has_unmerged
        bill = self._bill(self._steps[: index + 1])
        spent = [
            Line(
                "",
                _difference(line.dollars, line_before.dollars),
                _difference(line.hours, line_before.hours),
            )
            for (amount, line), (before, line_before) in zip(bill, self._before, strict=True)
            if amount != before
        ]
        self._before = bill
        return costs.total([Line("", 0.0, 0.0), *spent])

    def _bill(self, steps: Sequence[Mapping[str, Any]]) -> list[tuple[float, Line]]:
        """Return the lines of the cost table, each with its quantity."""
        merges = costs.merged_in(steps)
        labels = self._others * self._has_unmerged + sum(run.new for run in merges)
        work = costs.work(merges, labels, self._seconds)
        asked = sum(step["command"] == "llm-label" for step in steps)
        setup = costs.setting_up(self._price, [str(s["command"]) for s in steps], self._seconds)
        return [
            (work.answers, costs.people(self._price, work.answers, work.words, work.seconds)),
            (asked, Line("language model", costs.paid_by(steps), 0.0)),
            (setup.hours or 0.0, setup),
        ]


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def title(waterfall: Waterfall, what: str) -> str:
    """Return the title of the table: `what each stage gave (60 audit rows)`."""
    bases = ", ".join(by(waterfall, basis) for basis in waterfall.bases)
    return f"what each {what} gave" + (f" ({bases})" if bases else "")


def header(waterfall: Waterfall) -> list[str]:
    """Return the names of the columns."""
    return [
        *("stage", "labelled first", "changed", "dollars", "hours"),
        *(f"right so far, {basis}" for basis in waterfall.bases),
        *(f"without it, {basis}" for basis in waterfall.bases),
    ]


def by(waterfall: Waterfall, basis: str) -> str:
    """Return the basis with its number of rows: `60 audit rows`."""
    n = waterfall.measured_on[basis]
    if basis == "audit":
        return console.count(n, "audit rows")
    return f"gold of {console.count(n, 'rows')}" + (" (biased)" if waterfall.gold_biased else "")


def cells(waterfall: Waterfall) -> list[list[Any]]:
    """Return the cells of the table; a value and its interval are one cell."""
    rows = []
    for row in waterfall.rows:
        shown = costs.shown(row.dollars, row.hours)
        after = [_share(row.after.get(basis)) for basis in waterfall.bases]
        without = [_without_cell(row, basis, waterfall) for basis in waterfall.bases]
        rows.append([row.stage, row.first, row.changed, *shown, *after, *without])
    return rows


def _share(figure: Sequence[float] | None) -> Uncut | None:
    return None if figure is None else Uncut("{:.3f} ({:.3f} to {:.3f})".format(*figure))


def _without_cell(row: Row, basis: str, waterfall: Waterfall) -> Uncut | None:
    if basis not in row.gain:
        return None
    if row.changed == 0:
        return Uncut("the same")
    value, low, high = row.gain[basis]
    without = row.without(basis, waterfall.of_all)
    return Uncut(f"{without:.3f} ({-value:+.3f}, {-high:+.3f} to {-low:+.3f})")


def words(waterfall: Waterfall, without: Mapping[str, str] | None = None) -> list[str]:
    """Return messages: stages that harmed, with a remedy, and those without effect.

    `without` has, for a stage, how to leave it out.
    """
    if not waterfall.bases:
        return [
            "no accuracy of stages: no audit row has a human label, and there is no gold column "
            "(draw audit rows: labelkit query --audit 40)"
        ]
    lines = [_harm(row, waterfall, without or {}) for row in waterfall.harmed()]
    no_effect = [row.stage for row in waterfall.rows if _has_no_effect(row)]
    if no_effect:
        lines.append(f"no measurable effect on the labels: {', '.join(no_effect)}")
    if waterfall.drawn is not None:
        lines.append(
            f"changed rows and gold are measured on a random sample of {waterfall.drawn:,} rows"
        )
    return lines


def _has_no_effect(row: Row) -> bool:
    verdicts: Iterable[str] = [row.verdict(basis) for basis in BASES if basis in row.gain]
    return bool(verdicts) and all(each == "none" for each in verdicts)


def _harm(row: Row, waterfall: Waterfall, without: Mapping[str, str]) -> str:
    basis = next(basis for basis in BASES if row.verdict(basis) == "harmed")
    value, low, high = row.gain[basis]
    remedy = _REMEDIES.get(_NAMES.get(row.command, row.command), "leave it out{how}")
    how = without.get(row.stage, "")
    return (
        f"{row.stage} harmed: without it {row.without(basis, waterfall.of_all):.3f} of the labels "
        f"are right, with it {waterfall.of_all[basis][0]:.3f} (by {by(waterfall, basis)}; "
        f"{-value:.3f} more, 95% CI {-high:.3f} to {-low:.3f}): "
        + remedy.format(how=f" ({how})" if how else "")
    )


def _parts(figure: Sequence[float] | None) -> dict[str, float] | None:
    return None if figure is None else dict(zip(("value", "low", "high"), figure, strict=True))
