"""What a run would ask and cost, said before anything is sent."""

import math
from collections.abc import Sequence

from labelkit import console
from labelkit.errors import LabelkitError
from labelkit.job.job import Job
from labelkit.llm.remaining_requests import Expected
from labelkit.llm.session import Asking
from labelkit.llm.variants.cascade import Result

ASK_FROM_DOLLARS = 1.0


def tell(job: Job, askings: Sequence[Asking], expected: Sequence[Expected]) -> None:
    """Say what a run would ask and cost; of the later models of a cascade the most they could."""
    rows = int((askings[0].rows.places >= 0).sum())
    texts = len(askings[0].rows.texts)
    for place, (asking, each) in enumerate(zip(askings, expected, strict=True)):
        asked = f"{rows:,} rows · {texts:,} distinct texts" if place == 0 else "of these at most"
        console.note(
            f"llm-label --dry-run: {asked} · {each.cached:,} already answered · "
            f"{each.requests:,} requests to {console.clean(asking.run.settings.model)} "
            f"on {each.where}"
        )
        _tell_tokens(asking, each)
    console.note("nothing was asked and nothing was written")
    job.count(rows=rows, distinct=texts, requests=sum(each.requests for each in expected))
    job.cost(
        tokens_in=sum(each.tokens_in for each in expected),
        tokens_out=sum(each.tokens_out for each in expected),
        dollars=_dollars(expected),
    )


def _tell_tokens(asking: Asking, expected: Expected) -> None:
    if asking.run.settings.free:
        return
    price = (
        "no price given (--price IN,OUT)"
        if expected.dollars is None
        else f"about ${expected.dollars:.4f}"
    )
    console.note(
        f"about {expected.tokens_in:,} tokens in and {expected.tokens_out:,} out "
        f"(an estimate: four characters a token), {price}"
    )


def _dollars(expected: Sequence[Expected]) -> float | None:
    known = [each.dollars for each in expected if each.dollars is not None]
    return sum(known) if len(known) == len(expected) else None


def consent(askings: Sequence[Asking], expected: Sequence[Expected]) -> None:
    """Ask a person before more than a dollar is spent; LabelkitError on a no."""
    dollars = sum(each.dollars or 0.0 for each in expected)
    limit = askings[0].run.meter.limit
    if limit is not None:
        dollars = min(dollars, limit)
    if dollars <= ASK_FROM_DOLLARS:
        return
    requests = sum(each.requests for each in expected)
    most = "about" if len(askings) == 1 else "at most about"
    if not console.ask(f"This will cost {most} ${dollars:.2f} ({requests:,} requests). Go?"):
        raise LabelkitError("nothing was asked and nothing was written (--yes skips the question)")


def after_trial(job: Job, result: Result, seconds: float) -> None:
    """Say what all rows would take, from what those of --sample took."""
    meters = [asking.run.meter for asking in result.askings]
    answers = meters[0].answers
    if not job.options.get("sample") or not answers:
        return
    rows, whose = job.rows, "all"
    if job.options.get("where"):
        rows, whose = 1000, "each"
    share = rows / answers
    took = []
    paid = [asking.run.meter for asking in result.askings if not asking.run.settings.local]
    if paid:
        took.append(f"{sum(meter.tokens_in for meter in paid) * share:,.0f} tokens in")
    if result.dollars is not None and not result.free:
        took.append(f"${result.dollars * share:.2f}")
    took.append(_duration(seconds * share))
    console.note(
        f"llm-label: {whose} {rows:,} rows (without --sample) would take about {', '.join(took)}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} seconds"
    return f"{seconds / 60:,.0f} minutes" if seconds < 5400 else f"{seconds / 3600:,.1f} hours"
