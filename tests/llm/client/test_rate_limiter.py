"""Turns: how many at once, how many a minute, one pause for all."""

import asyncio
import time
from email.utils import formatdate
from typing import Any, cast

import pytest

from labelkit.llm.client import rate_limit_headers
from labelkit.llm.client.rate_limiter import FIRST_AT_ONCE, MOST_AT_ONCE, Pace


class SimulatedTime:
    """A clock that goes on by what is waited, and only by that."""

    def __init__(self) -> None:
        self.now = self.started = 1000.0

    def pace(self, *args: float | None) -> Pace:
        made: Any = Pace(*args, clock=lambda: self.now)  # type: ignore[arg-type]
        made.sleep = self._sleep
        return cast(Pace, made)

    async def _sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-6)
        await asyncio.sleep(0)

    @property
    def passed(self) -> float:
        return self.now - self.started


def test_the_number_at_once_is_found_out() -> None:
    async def climb() -> tuple[float, float]:
        pace = Pace()
        started = pace.at_once
        for _ in range(200):
            since = await pace.enter(1)
            pace.leave()
            assert since is not None
            pace.served(since)
        return started, pace.at_once

    assert asyncio.run(climb()) == (FIRST_AT_ONCE, MOST_AT_ONCE)


def test_a_queue_at_the_endpoint_is_not_made_longer() -> None:
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    pace.served(-1.0)  # one second
    before = pace.at_once
    pace.served(-5.0)  # five: the others were before it
    assert pace.at_once == before


def test_who_is_told_to_wait_makes_all_wait_and_go_slower() -> None:
    async def wait() -> tuple[float, float, int]:
        time = SimulatedTime()
        pace = time.pace(16)
        pace.hold(0.2)
        pace.hold(0.2)  # sent before the pause: the same strike, halved once
        since = await asyncio.gather(*(pace.enter(1) for _ in range(8)))
        return min(each - time.started for each in since if each), pace.at_once, pace.strikes

    waited, at_once, strikes = asyncio.run(wait())
    assert waited == pytest.approx(0.2, abs=1e-4)
    assert (at_once, strikes) == (8, 1)


@pytest.mark.parametrize(("rpm", "tpm"), [(600, None), (None, 6000)])
def test_caps_are_kept(rpm: float | None, tpm: float | None) -> None:
    async def enter() -> float:
        time = SimulatedTime()
        pace = time.pace(4, rpm, tpm)
        for _ in range(16):
            await pace.enter(10)
            pace.leave()
        return time.passed

    assert 0.35 < asyncio.run(enter()) < 0.7  # ten at once, then one each tenth of a second


def test_the_end_wakes_who_waits() -> None:
    async def end() -> list[float | None]:
        pace = Pace(1)
        await pace.enter(1)
        waiting = [asyncio.create_task(pace.enter(1)) for _ in range(3)]
        await asyncio.sleep(0)
        pace.end()
        return list(await asyncio.gather(*waiting))

    assert asyncio.run(asyncio.wait_for(end(), 60)) == [None] * 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "-2"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after-ms": "0"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1", "retry-after-ms": "250"}, 0.25),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert rate_limit_headers.retry_after(headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    before = time.time()
    found = rate_limit_headers.retry_after({"retry-after": formatdate(before + 30, usegmt=True)})
    assert found is not None
    assert 29 - (time.time() - before) <= found + 0.001 <= 30.001


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "6m0s"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.5s"}, 1.5),
        (
            {
                "x-ratelimit-limit-tokens": "1000",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "20s",
            },
            2.0,
        ),  # a hundred tokens flow back in a tenth of the time
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "23h"}, 0.0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2001-01-01T00:00:00+00:00",
            },
            0.0,
        ),
    ],
)
def test_what_headers_tell_of_the_next_request(headers: dict[str, str], seconds: float) -> None:
    assert rate_limit_headers.pause(headers, 100) == pytest.approx(seconds)
