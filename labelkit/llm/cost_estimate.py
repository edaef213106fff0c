"""What a run would ask and cost, said before anything is sent."""

import math
from collections.abc import Sequence

from labelkit import console
from labelkit.config.costs import add_up
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
        asked = (
            f"{console.count(rows, 'rows')} · {console.count(texts, 'distinct texts')}"
            if place == 0
            else "of these at most"
        )
        console.note(
            f"llm-label --dry-run: {asked} · {each.cached:,} already answered · "
            f"{console.count(each.requests, 'requests')} to "
            f"{console.clean(asking.run.settings.model)} on {each.where}"
        )
        _tell_tokens(asking, each)
        try:
            asking.check()
        except LabelkitError as error:
            console.note(f"before this can be asked: {error}")
    console.note("nothing was asked and nothing was written")
    job.count(rows=rows, distinct=texts, requests=sum(each.requests for each in expected))
    job.cost(
        tokens_in=sum(each.tokens_in for each in expected),
        tokens_out=sum(each.tokens_out for each in expected),
        dollars=add_up(each.dollars for each in expected),
        dollars_at_most=add_up(each.most for each in expected),
    )


def _tell_tokens(asking: Asking, expected: Expected) -> None:
    if asking.run.settings.free:
        return
    price = (
        "no price given (--price IN,OUT)"
        if expected.dollars is None or expected.most is None
        else f"about ${expected.dollars:.4f}, at most ${expected.most:.4f}"
    )
    console.note(
        f"about {console.count(expected.tokens_in, 'tokens')} in and {expected.tokens_out:,} out "
        f"(an estimate: four letters a token, three bytes of other scripts), {price}"
    )


def consent(askings: Sequence[Asking], expected: Sequence[Expected]) -> None:
    """Ask a person before more than a dollar may be spent; LabelkitError on a no.

    Also where nobody knows what it costs, unless the models are free.
    """
    requests = sum(
        each.requests
        for asking, each in zip(askings, expected, strict=True)
        if not asking.run.settings.free
    )
    question = _question(askings, expected, console.count(requests, "requests")) if requests else ""
    if question and not console.ask(f"{question} Go?"):
        raise LabelkitError("nothing was asked and nothing was written (--yes skips the question)")


def _question(askings: Sequence[Asking], expected: Sequence[Expected], requests: str) -> str:
    dollars = add_up(each.dollars for each in expected)
    most = add_up(each.most for each in expected)
    if dollars is None or most is None:
        return f"This will send {requests}; what they cost is not known (--price IN,OUT)."
    limit = askings[0].run.meter.limit
    if limit is not None:
        dollars, most = min(dollars, limit), min(most, limit)
    if most <= ASK_FROM_DOLLARS:
        return ""
    return f"This will cost about ${dollars:.2f}, at most ${most:.2f} ({requests})."


def after_trial(job: Job, result: Result, seconds: float) -> None:
    """Say what all rows would take, from what those of --sample took, whoever paid for them."""
    texts = len(result.askings[0].rows.texts)
    asked = result.askings[0].run.meter
    if not job.options.get("sample") or not asked.answers:
        return
    rows, whose = job.rows, "all"
    if job.options.get("where"):
        rows, whose = 1000, "each"
    share = rows / texts
    took = []
    paid = [asking.run.meter for asking in result.askings if not asking.run.settings.local]
    if paid:
        tokens_in = sum(meter.tokens_in + meter.known_in for meter in paid)
        took.append(f"{tokens_in * share:,.0f} tokens in")
    dollars = add_up(part for meter in paid for part in (meter.spent, meter.known_dollars))
    if dollars is not None and not result.free:
        took.append(f"${dollars * share:.2f}")
    from_cache = result.counts()["from_cache"] or 0
    asked_now = asked.answers / (asked.answers + from_cache)
    took.append(_duration(seconds * share / asked_now))
    console.note(
        f"llm-label: {whose} {console.count(rows, 'rows')} (without --sample) would take about "
        f"{', '.join(took)}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} seconds"
    return f"{seconds / 60:,.0f} minutes" if seconds < 5400 else f"{seconds / 3600:,.1f} hours"
