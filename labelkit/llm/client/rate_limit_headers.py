"""What an endpoint's headers tell about waiting: Retry-After and the rate limits' state."""

import math
import re
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

# OpenAI's names and those that copy them; Anthropic's have the kind before the word.
_KINDS = ("requests", "tokens")
_PREFIXES = ("x-ratelimit-{field}-{kind}", "anthropic-ratelimit-{kind}-{field}")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


# A longer pause is not read out of an answer's headers: the refusal that follows will tell.
LONGEST_PAUSE = 60.0


# A shorter wait is none: the refusal that follows at once would use up the retries.
SHORTEST_WAIT = 0.05


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a refusal asks to wait; None where it names no time to come."""
    milliseconds = _number(headers.get("retry-after-ms"))
    given = headers.get("retry-after")
    seconds = _seconds(given) if given is not None else None
    wait = milliseconds / 1000 if milliseconds is not None else seconds
    return wait if wait is not None and wait >= SHORTEST_WAIT else None


def pause(headers: Mapping[str, str], tokens: float) -> float:
    """Return the seconds until a request of so many tokens is welcome, by an answer's headers."""
    needs = zip(_KINDS, (1.0, tokens), strict=True)
    longest = max(_pause(headers, kind, need) for kind, need in needs)
    return longest if longest <= LONGEST_PAUSE else 0.0


def _pause(headers: Mapping[str, str], kind: str, need: float) -> float:
    for prefix in _PREFIXES:

        def read(field: str, prefix: str = prefix) -> str | None:
            return headers.get(prefix.format(field=field, kind=kind))

        left, reset = _number(read("remaining")), read("reset")
        if left is None or reset is None or left >= need:
            continue
        until_full = _seconds(reset) or 0.0
        most = _number(read("limit"))
        if most is None or most <= left:
            return until_full
        # What is used flows back evenly until the reset: wait for what the next one needs.
        return until_full * min(1.0, (need - left) / (most - left))
    return 0.0


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds(text: str) -> float | None:
    """Return seconds from `1.5`, `6m0s`, `20ms`, an HTTP date or an ISO time."""
    plain = _number(text)
    if plain is not None:
        return max(0.0, plain)
    spans = _SPAN.findall(text)
    if spans and "".join(number + unit for number, unit in spans) == text.strip():
        return float(sum(float(number) * _UNITS[unit] for number, unit in spans))
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return max(0.0, read(text).timestamp() - time.time())
        except (ValueError, TypeError, OverflowError):
            continue
    return None
