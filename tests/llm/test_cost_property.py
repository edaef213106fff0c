"""What was billed is what is counted, over any sequence of runs; and any run can be repeated."""

import itertools
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.config import costs
from labelkit.io import ledger

from .conftest import ChatServer, rows_of
from .test_command import COMMON, start, wait_for

Labelkit = Callable[..., Any]
FEW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = settings(FEW, max_examples=60)
NUMBERS = itertools.count()
TASK = '[task]\nname = "t"\n[cost]\nhuman_label = 1\n'
MARKS = ["", "", "", "[refuse]", "[too long]", "[wrong]", "[length]", "[500]"]
SIZES = [(), (), ("--sample", "3"), ("--where", "id <= 4"), ("--where", "id > 3")]
PRICES = [1000.0, 3000.0, None]
BETTER = {0: 0, 5: 1, 1: 2}  # exit codes, the best first


class Step(NamedTuple):
    """One run: its model, its price (dollars per million tokens), and how it may end early."""

    model: str
    price: float | None
    more: tuple[str, ...]
    fails_after: int | None = None


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Draw a run."""
    price = draw(st.sampled_from(PRICES))
    more = draw(st.sampled_from(SIZES))
    more += draw(st.sampled_from([(), ("--max-tokens", "30"), ("--refresh",)]))
    more += ("--retries", "0")
    if price is not None:
        more += draw(st.sampled_from([(), (), ("--max-cost", "1.5")]))
    fails_after = draw(st.none() | st.integers(0, 6))
    return Step(draw(st.sampled_from(["tiny-1", "tiny-2"])), price, more, fails_after)


def texts() -> st.SearchStrategy[list[str]]:
    """Draw the marks of rows, of which one at the least can be labelled."""
    return st.lists(st.sampled_from(MARKS), min_size=5, max_size=14).map(lambda some: ["", *some])


class Bill:
    """What the endpoint has billed: dollars, and tokens by model that have no price yet."""

    def __init__(self) -> None:
        self.dollars, self.unpriced = 0.0, {"tiny-1": 0, "tiny-2": 0}

    def add(self, model: str, price: float | None, tokens: int) -> None:
        """Add a run; its price is also that of the tokens of its model that had none."""
        self.unpriced[model] += tokens
        if price is not None:
            self.dollars += self.unpriced[model] * price / 1e6
            self.unpriced[model] = 0

    @property
    def total(self) -> float | None:
        """The dollars, None where a part is not known."""
        return None if any(self.unpriced.values()) else self.dollars


@pytest.fixture
def shop(labelkit: Labelkit, chat_server: ChatServer, tmp_path: Path) -> Iterator["Shop"]:
    """Return what runs llm-label in a folder of its own for each example."""
    yield Shop(labelkit, chat_server, tmp_path)
    os.chdir(tmp_path)


class Shop:
    """The command and the endpoint that bills its requests."""

    def __init__(self, labelkit: Labelkit, server: ChatServer, folder: Path) -> None:
        self.labelkit, self.server, self.folder = labelkit, server, folder
        self.bill = Bill()

    def begin(self, marks: list[str]) -> None:
        """Make a new folder with a task file and a row for each mark; nothing is billed yet."""
        number = next(NUMBERS)
        (self.folder / str(number)).mkdir()
        os.chdir(self.folder / str(number))
        rows = [f"{n},good {mark} {number} {n}\n" for n, mark in enumerate(marks, 1)]
        Path("some.csv").write_text("id,body\n" + "".join(rows))
        Path("labelkit.toml").write_text(TASK)
        self.bill = Bill()

    @property
    def tokens(self) -> int:
        """The tokens that the endpoint has billed so far."""
        return sum(self.server.seen["billed"])

    def run(self, step: Step, name: str = "some.csv") -> Any:
        """Run a step and add what it cost to the bill."""
        seen = self.server.seen
        after = None if step.fails_after is None else seen["requests"] + step.fails_after
        self.server.control(fails_after=after)
        price = () if step.price is None else ("--price", f"{step.price},{step.price}")
        endpoint = ("--base-url", self.server.url, "--model", step.model, "--concurrency", "4")
        into = ("--in-place",) if name == "out.csv" else ("-o", "out.csv")
        result = self.labelkit("llm-label", name, *into, *COMMON, *endpoint, *price, *step.more)
        assert result.code in BETTER, result.err
        self.server.control(fails_after=None)
        self.bill.add(step.model, step.price, self.tokens - sum(seen["billed"]))
        return result

    def check(self) -> None:
        """Compare ledger, history, report and budget with what was billed."""
        kept = ledger.spent_in(Path(".labelkit"), "t")
        assert kept.unpriced_tokens == sum(self.bill.unpriced.values())
        assert kept.dollars == pytest.approx(self.bill.dollars)
        total = self.bill.total
        history = json.loads(Path("out.csv.history.json").read_text())["steps"]
        assert costs.paid_by(history) == (None if total is None else pytest.approx(total))
        assert self.labelkit("report", "out.csv", "-o", "r.html").code == 0
        shown = re.search(r"language model</th><td[^>]*>([^<]*)</td>", Path("r.html").read_text())
        assert shown is not None
        if total is None:
            assert shown[1] == "unknown"
        else:
            assert float(shown[1].replace(",", "")) == pytest.approx(total, abs=6e-4)
        self.check_budget()

    def check_budget(self) -> None:
        """Let a budget that is spent stop a run, which says what it counts as spent."""
        Path("labelkit.toml").write_text(TASK + "budget = 0\n")
        asked = self.server.seen["requests"]
        price = next((p for p in PRICES if p), 0.0)
        for model, tokens in list(self.bill.unpriced.items()):
            if tokens:  # the run below names its price
                self.run(Step(model, price, ("--refresh",)))
        result = self.run(Step("tiny-1", price, ("--refresh",)))
        assert result.code == 5 and self.server.seen["requests"] == asked
        counted = re.search(r"\$([\d.]+) of it are spent already", result.err)
        assert counted is not None
        assert float(counted[1]) == pytest.approx(self.bill.dollars, abs=1e-4)


def check_cost(shop: Shop, marks: list[str], runs: list[Step], chained: bool) -> None:
    shop.begin(marks)
    for step in runs:
        name = "out.csv" if chained and Path("out.csv").exists() else "some.csv"
        shop.run(step, name)
        kept = ledger.spent_in(Path(".labelkit"), "t")
        assert kept.unpriced_tokens == sum(shop.bill.unpriced.values())
        assert kept.dollars == pytest.approx(shop.bill.dollars)
    last = Step("tiny-1", runs[-1].price, ())
    assert shop.run(last).code == 0
    shop.check()


SEQUENCES = {"marks": texts(), "runs": st.lists(steps(), min_size=1, max_size=4)}


@FEW
@given(**SEQUENCES, chained=st.booleans())
def test_what_was_billed_is_what_is_counted(
    shop: Shop, marks: list[str], runs: list[Step], chained: bool
) -> None:
    check_cost(shop, marks, runs, chained)


@pytest.mark.slow
@MANY
@given(**SEQUENCES, chained=st.booleans())
def test_what_was_billed_is_what_is_counted_in_many_sequences(
    shop: Shop, marks: list[str], runs: list[Step], chained: bool
) -> None:
    check_cost(shop, marks, runs, chained)


@pytest.mark.parametrize("prices", [(3000, None, 2000), (1000, 3000, 2000)])
def test_killed_runs_are_billed_at_their_price(
    shop: Shop, prices: tuple[float | None, ...]
) -> None:
    """The requests under way when a run is killed are billed too, at the price of that run."""
    shop.begin([""] * 40)
    Path("many.csv").write_bytes(Path("some.csv").read_bytes())
    server = shop.server
    for price in prices[:-1]:
        before = shop.tokens
        answered = server.seen["requests"] + 4
        server.control(hold=answered)
        process = start(server, *(() if price is None else ("--price", f"{price},{price}")))
        wait_for(server, answered + 8)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        server.control(hold=None)
        while server.seen["in_flight"]:
            pass
        shop.bill.add("tiny-1", price, shop.tokens - before)
    assert shop.run(Step("tiny-1", prices[-1], ()), "many.csv").code == 0
    shop.check()


def check_rerun(shop: Shop, marks: list[str], step: Step) -> None:
    shop.begin(marks)
    paid_before = shop.tokens
    first = shop.run(step)
    for fails_after in (step.fails_after, None):  # the endpoint may fail again, or be mended
        before, tokens = Path("out.csv"), shop.tokens
        content = before.read_bytes() if first.code == 0 else b""
        labels = [row["llm_label"] for row in rows_of("out.csv")] if first.code == 0 else []
        again = shop.run(step._replace(fails_after=fails_after))
        # Which rows an endpoint answers before it fails hangs on what reaches it first.
        is_unanswered = fails_after is not None and shop.tokens == tokens
        if not (is_unanswered and first.code == 5 and "no answer came" in again.err):
            assert BETTER[again.code] <= BETTER[first.code], again.err
        if first.code == 0:
            after = [row["llm_label"] for row in rows_of("out.csv")]
            assert all(new == old or not old for old, new in zip(labels, after, strict=True))
            if b"scripted" not in content:  # no row met an error of the endpoint that may pass
                assert before.read_bytes() == content
            if all(labels):
                assert shop.tokens == tokens
        first = again
    # Each answer is paid once; a [wrong] one is asked about once more.
    most = sum({"[wrong]": 2, "[too long]": 0}.get(mark, 1) for mark in marks)
    assert shop.tokens - paid_before <= most * 110


RUNS = steps().map(
    lambda step: step._replace(more=tuple(part for part in step.more if part != "--refresh"))
)


@FEW
@given(marks=texts(), step=RUNS)
def test_a_run_that_is_repeated_ends_the_same_or_better(
    shop: Shop, marks: list[str], step: Step
) -> None:
    check_rerun(shop, marks, step)


@pytest.mark.slow
@MANY
@given(marks=texts(), step=RUNS)
def test_many_runs_that_are_repeated_end_the_same_or_better(
    shop: Shop, marks: list[str], step: Step
) -> None:
    check_rerun(shop, marks, step)
