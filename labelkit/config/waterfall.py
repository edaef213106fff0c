"""What each step of a file's history labelled, cost and is worth: the waterfall.

What it is worth stands in the figures of `decide --worth`; what it cost, in the steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from labelkit.config import costs
from labelkit.config.costs import Line, Prices
from labelkit.console import Uncut

BASES = ("audit", "gold")
INPUT = "input"
_NAMES = {"merge": "people"}
_REMEDIES = {
    "weak-label": "leave it out{how}, or mend its labeling functions",
    "llm-label": "leave it out{how}, or give it another model or clearer guidelines",
    "query": "choose rows at random ([query] strategy = 'random')",
    "people": "have the same rows labelled by somebody else, or make the guidelines clearer",
    "find-noise": "leave it out{how}",
    "predict": "leave it out{how}",
    "decide": "take the first voter that speaks ([decide] policy = 'priority')",
}


class Row(NamedTuple):
    """A step: rows that it labelled first, whose final label it changed, dollars, hours of people.

    `after` are the shares of right labels up to it, `gain` what is lost without it, both with low
    and high, by what tells them (audit, gold). None: not known.
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
        """Return `helped`, `harmed` or `none` (of no measurable effect), '' where nothing tells."""
        if basis not in self.gain:
            return ""
        _, low, high = self.gain[basis]
        return "harmed" if high < 0 else "helped" if low > 0 else "none"

    def without(self, basis: str, of_all: Mapping[str, Sequence[float]]) -> float:
        """Return the share of right labels without it."""
        return of_all[basis][0] - self.gain[basis][0]


class Waterfall(NamedTuple):
    """The rows in order; on how many rows each basis stands, and whether those of gold are some."""

    rows: list[Row]
    measured_on: dict[str, int]
    gold_biased: bool
    drawn: int | None  # rows drawn of a large file, None: all were looked at

    @property
    def of_all(self) -> dict[str, list[float]]:
        """The shares of the final labels that are right."""
        return next((row.after for row in reversed(self.rows) if row.after), {})

    @property
    def bases(self) -> list[str]:
        """What tells how good labels are."""
        return [basis for basis in BASES if self.measured_on.get(basis)]

    def harmed(self) -> list[Row]:
        """Return the stages that harmed; query not where the people that it asked did."""
        found = [r for r in self.rows if any(r.verdict(basis) == "harmed" for basis in BASES)]
        asked = any(row.stage.startswith("people") for row in found)
        return [row for row in found if row.command != "query" or not asked]

    def plain(self) -> dict[str, Any]:
        """Return it for a summary."""
        return {
            "stages": [self._plain_row(row) for row in self.rows],
            "harmed": [row.stage for row in self.harmed()],
            "measured_on": self.measured_on,
            "gold_biased": self.gold_biased,
            "drawn": self.drawn,
        }

    def _plain_row(self, row: Row) -> dict[str, Any]:
        found: dict[str, Any] = {
            name: getattr(row, name) for name in ("stage", "first", "changed", "dollars", "hours")
        }
        for basis in self.bases:
            found[basis] = _parts(row.after.get(basis))
            gain = row.gain.get(basis)
            found[f"without_{basis}"] = gain and {
                "value": round(row.without(basis, self.of_all), 6), "gain": gain[0],
                "low": gain[1], "high": gain[2], "effect": row.verdict(basis),
            }  # fmt: skip
        return found


def made(
    steps: Sequence[Mapping[str, Any]], price: Prices, labels: int, seconds: float | None
) -> Waterfall | None:
    """Return the waterfall of a file's history; None where no decide tells what steps are worth.

    `labels` are people's, `seconds` what one took where that was measured.
    """
    places = [place for place, step in enumerate(steps) if _worth(step)]
    if not places:
        return None
    worth = _worth(steps[places[-1]])
    told = [*worth.get("steps", [])]
    told[-1] = told[-1] | {"step": places[-1]}
    told += [
        {"step": place, "command": str(step.get("command"))}
        for place, step in enumerate(steps)
        if place > places[-1]
    ]
    spent = _Spent(steps, price, labels, seconds)
    rows, names = [], _Names()
    for one in told:
        # People's labels that no merge brought: of the input, or of --answers at the last step.
        given = one["command"] == INPUT or one.get("step", -1) >= places[-1]
        line = spent.up_to(one.get("step", -1), given)
        rows.append(_row(one, names.of(one), line))
    measured_on = {basis: int(worth.get(f"{basis}_rows", 0)) for basis in BASES}
    return Waterfall(rows, measured_on, bool(worth.get("gold_biased")), worth.get("drawn"))


def _worth(step: Mapping[str, Any]) -> dict[str, Any]:
    found = (step.get("figures") or {}).get("worth") if step.get("command") == "decide" else None
    return found if isinstance(found, dict) and found.get("steps") else {}


def _row(told: Mapping[str, Any], name: str, line: Line) -> Row:
    return Row(
        stage=name,
        command=str(told["command"]),
        first=told.get("first"),
        changed=told.get("changed"),
        dollars=line.dollars,
        hours=line.hours,
        after={basis: told[basis] for basis in BASES if told.get(basis)},
        gain={basis: told[f"{basis}_gain"] for basis in BASES if told.get(f"{basis}_gain")},
    )


class _Names:
    """Names of stages; one that comes again has a number."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, told: Mapping[str, Any]) -> str:
        name = _NAMES.get(str(told["command"]), str(told["command"]))
        self._seen[name] = self._seen.get(name, 0) + 1
        return name if self._seen[name] == 1 else f"{name} {self._seen[name]}"


class _Spent:
    """What steps cost, one after the other: together they are the bill."""

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
        self._is_given = False

    def up_to(self, place: int, given: bool) -> Line:
        """Return what was spent since the step that was asked for before.

        `given`: labels of people that no merge brought are among it.
        """
        self._is_given |= given
        bill = self._bill(self._steps[: place + 1])
        spent = [
            Line("", _more(now.dollars, then.dollars), _more(now.hours, then.hours))
            for (amount, now), (before, then) in zip(bill, self._before, strict=True)
            if amount != before
        ]
        self._before = bill
        return costs.total([Line("", 0.0, 0.0), *spent])

    def _bill(self, steps: Sequence[Mapping[str, Any]]) -> list[tuple[float, Line]]:
        """Return the lines of the bill, each with how much there is of it."""
        merges = costs.merged_in(steps)
        labels = self._others * self._is_given + sum(one.new for one in merges)
        work = costs.work(merges, labels, self._seconds)
        asked = sum(step["command"] == "llm-label" for step in steps)
        setup = costs.setting_up(self._price, [str(s["command"]) for s in steps], self._seconds)
        return [
            (work.answers, costs.people(self._price, work.answers, work.words, work.seconds)),
            (asked, Line("language model", costs.paid_by(steps), 0.0)),
            (setup.hours or 0.0, setup),
        ]


def _more(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def title(found: Waterfall, what: str) -> str:
    """Return what the table is called: `what each stage gave (60 audit rows)`."""
    told = ", ".join(by(found, basis) for basis in found.bases)
    return f"what each {what} gave" + (f" ({told})" if told else "")


def header(found: Waterfall) -> list[str]:
    """Return the names of the columns."""
    return [
        *("stage", "labelled first", "changed", "dollars", "hours"),
        *(f"right so far, {basis}" for basis in found.bases),
        *(f"without it, {basis}" for basis in found.bases),
    ]


def by(found: Waterfall, basis: str) -> str:
    """Return what tells how good labels are, with its rows: `60 audit rows`."""
    n = found.measured_on[basis]
    if basis == "audit":
        return f"{n:,} audit rows"
    return f"gold of {n:,} rows" + (" (biased)" if found.gold_biased else "")


def cells(found: Waterfall) -> list[list[Any]]:
    """Return the cells of the table: a figure with its interval is one."""
    rows = []
    for row in found.rows:
        shown = costs.shown(row.dollars, row.hours)
        after = [_share(row.after.get(basis)) for basis in found.bases]
        lost = [_lost(row, basis, found) for basis in found.bases]
        rows.append([row.stage, row.first, row.changed, *shown, *after, *lost])
    return rows


def _share(figure: Sequence[float] | None) -> Uncut | None:
    return None if figure is None else Uncut("{:.3f} ({:.3f} to {:.3f})".format(*figure))


def _lost(row: Row, basis: str, found: Waterfall) -> Uncut | None:
    if basis not in row.gain:
        return None
    if row.changed == 0:
        return Uncut("the same")
    value, low, high = row.gain[basis]
    without = row.without(basis, found.of_all)
    return Uncut(f"{without:.3f} ({-value:+.3f}, {-high:+.3f} to {-low:+.3f})")


def words(found: Waterfall, without: Mapping[str, str] | None = None) -> list[str]:
    """Return what is to be said of it: stages that harmed with the remedy, those without effect.

    `without` says for a stage how it is left out.
    """
    if not found.bases:
        return [
            "no accuracy of stages: no audit row has a person's label, and there is no gold (draw "
            "audit rows: labelkit query --audit 40)"
        ]
    said = [_harm(row, found, without or {}) for row in found.harmed()]
    silent = [row.stage for row in found.rows if _has_no_effect(row)]
    if silent:
        said.append(f"no measurable effect on the labels: {', '.join(silent)}")
    if found.drawn is not None:
        said.append(f"changed rows and gold are measured on {found.drawn:,} rows drawn at random")
    return said


def _has_no_effect(row: Row) -> bool:
    verdicts: Iterable[str] = [row.verdict(basis) for basis in BASES if basis in row.gain]
    return bool(verdicts) and all(each == "none" for each in verdicts)


def _harm(row: Row, found: Waterfall, without: Mapping[str, str]) -> str:
    basis = next(basis for basis in BASES if row.verdict(basis) == "harmed")
    value, low, high = row.gain[basis]
    remedy = _REMEDIES.get(_NAMES.get(row.command, row.command), "leave it out{how}")
    how = without.get(row.stage, "")
    return (
        f"{row.stage} harmed: without it {row.without(basis, found.of_all):.3f} of the labels are "
        f"right, with it {found.of_all[basis][0]:.3f} (by {by(found, basis)}; {-value:.3f} more, "
        f"95% CI {-high:.3f} to {-low:.3f}): " + remedy.format(how=f" ({how})" if how else "")
    )


def _parts(figure: Sequence[float] | None) -> dict[str, float] | None:
    return None if figure is None else dict(zip(("value", "low", "high"), figure, strict=True))
