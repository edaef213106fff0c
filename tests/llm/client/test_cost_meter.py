"""Prices, estimates, and a limit that waits for what is on its way."""

import asyncio

import pytest

from labelkit.errors import BudgetReached, UsageError
from labelkit.llm.client.cost_meter import (
    Meter,
    Price,
    estimate_tokens,
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


def test_estimates() -> None:
    assert estimate_tokens(401) == 101
    assert size(REQUEST) == 402  # 388, 12 for the role, 2 for no schema


def test_the_limit_waits_for_what_is_on_its_way() -> None:
    async def spend() -> tuple[float, list[str]]:
        meter, order = Meter(Price(1e6, 0), 300.0), []
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
