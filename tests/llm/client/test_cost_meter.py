"""Prices, estimates, and a limit that waits for what is on its way."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.errors import BudgetReached, UsageError
from labelkit.llm.client.cost_meter import (
    Meter,
    Price,
    estimate_tokens,
    most_tokens_in,
    needs_price,
    read_price,
    size,
)

REQUEST = {"messages": [{"role": "user", "content": "x" * 388}], "max_tokens": 10}


def test_price() -> None:
    assert read_price("0.15, 0.6") == Price(0.15, 0.6)
    assert Price(0.15, 0.6).dollars(2_000_000, 1_000_000) == pytest.approx(0.9)


@pytest.mark.parametrize("text", ["", "1", "a,b", "1,2,3", "-1,2", "nan,1", "inf,1"])
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(UsageError, match="give dollars per million tokens in and out"):
        read_price(text)


def test_a_missing_price_gives_the_line_to_paste() -> None:
    assert str(needs_price("--max-cost", "m")).endswith("[llm-label]\nprice = [0.15, 0.60]")


def test_estimates_and_bounds() -> None:
    assert estimate_tokens("x" * 401) == 101
    assert estimate_tokens("\u4e2d" * 10) == 10
    assert size(REQUEST) == 402  # 388, 12 for the role, 2 for no schema
    assert most_tokens_in(REQUEST) == 388 + 2 + 32
    chinese = {"messages": [{"role": "user", "content": "\u4e2d" * 100}]}
    assert most_tokens_in(chinese) > 1.4 * 100


@given(st.lists(st.tuples(st.text(max_size=60), st.floats(0, 1)), max_size=12), st.floats(0, 300))
def test_a_limit_is_never_crossed(rows: list[tuple[str, float]], limit: float) -> None:
    """Whatever the texts, as long as an endpoint counts no more tokens than bytes."""

    async def spend() -> float:
        meter = Meter(Price(1e6, 1e6), limit)

        async def ask(text: str, share: float) -> None:
            messages = [{"role": "system", "content": "be"}, {"role": "user", "content": text}]
            request = {"messages": messages, "max_tokens": 5}
            held = await meter.hold(request)
            await asyncio.sleep(0)
            size = len(text.encode("utf-8", "surrogatepass"))
            meter.count(request, {"tokens_in": 2 + round(size * share), "tokens_out": 5})
            await meter.free(held)

        await asyncio.gather(*(ask(*row) for row in rows), return_exceptions=True)
        return meter.dollars

    assert asyncio.run(spend()) <= limit + 1e-6


def test_one_request_goes_alone_while_nothing_is_known() -> None:
    async def two() -> bool:
        meter = Meter(Price(1, 1), 300.0)
        held = await meter.hold(REQUEST)
        second = asyncio.create_task(meter.hold(REQUEST))
        await asyncio.sleep(0.01)
        waited = not second.done()
        meter.count(REQUEST, {"tokens_in": 50, "tokens_out": 0})
        await meter.free(held)
        await second
        return waited

    assert asyncio.run(two())


def test_the_limit_waits_for_what_is_on_its_way() -> None:
    async def spend() -> tuple[float, list[str]]:
        meter, order = Meter(Price(1e6, 0), 600.0), []
        held = await meter.hold(REQUEST)

        async def second() -> None:
            order.append("asks")
            await meter.hold(REQUEST)
            order.append("may")

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.01)
        order.append("first answered")
        meter.count(REQUEST, {"tokens_in": 50, "tokens_out": 0})
        await meter.free(held)
        await waiting
        return meter.dollars, order

    assert asyncio.run(spend()) == (50.0, ["asks", "first answered", "may"])


def test_a_request_that_alone_would_cross_is_not_sent() -> None:
    with pytest.raises(BudgetReached, match="stopped before crossing --max-cost 1: 0 answers"):
        asyncio.run(Meter(Price(1e6, 0), 1.0, "--max-cost 1").hold(REQUEST))
    with pytest.raises(BudgetReached):
        asyncio.run(Meter(Price(1, 1), 0.0).hold(REQUEST))
