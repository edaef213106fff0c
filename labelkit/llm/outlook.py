"""What a run would ask and cost, said before anything is sent."""

import math
from dataclasses import dataclass

from labelkit import console
from labelkit.errors import LabelkitError
from labelkit.job import Job
from labelkit.llm import cost
from labelkit.llm.gather import Rows
from labelkit.llm.run import Run

ASK_FROM_DOLLARS = 1.0


@dataclass(frozen=True)
class Expected:
    """An estimate of what is left to ask; `dollars` None without a price."""

    requests: int
    cached: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    where: str


def expected_of(run: Run, rows: Rows, price: cost.Price | None) -> Expected:
    """Return what is left to ask; of a local model the cache is not looked through."""
    if run.settings.local:
        return Expected(len(rows.texts), 0, 0, 0, 0.0, "this machine")
    left, texts, where = run.unanswered(rows.texts)
    requests = tokens_in = 0
    for request in left:
        requests += 1
        tokens_in += cost.estimate_tokens(cost.size(request))
    answer = cost.ANSWER_TOKENS + (cost.RATIONALE_TOKENS if run.settings.rationale else 0)
    tokens_out = answer * texts
    if run.settings.batch_api:
        price = run.batch_price or price
    dollars = None if price is None else price.dollars(tokens_in, tokens_out)
    cached = len(rows.texts) * len(run.settings.passes) - texts
    return Expected(requests, cached, tokens_in, tokens_out, dollars, where)


def tell(job: Job, run: Run, rows: Rows, expected: Expected) -> None:
    """Say what a run would ask and cost."""
    asked = int((rows.places >= 0).sum())
    console.note(
        f"llm-label --dry-run: {asked:,} rows · {len(rows.texts):,} distinct texts · "
        f"{expected.cached:,} already answered · {expected.requests:,} requests to "
        f"{console.clean(run.settings.model)} on {expected.where}"
    )
    if not run.settings.free:
        price = (
            "no price given (--price IN,OUT)"
            if expected.dollars is None
            else f"about ${expected.dollars:.4f}"
        )
        console.note(
            f"about {expected.tokens_in:,} tokens in and {expected.tokens_out:,} out "
            f"(an estimate: four characters a token), {price}"
        )
    console.note("nothing was asked and nothing was written")
    job.count(rows=asked, distinct=len(rows.texts), requests=expected.requests)
    job.cost(tokens_in=expected.tokens_in, tokens_out=expected.tokens_out, dollars=expected.dollars)


def consent(run: Run, expected: Expected) -> None:
    """Ask a person before more than a dollar is spent; LabelkitError on a no."""
    dollars = expected.dollars or 0.0
    if run.meter.limit is not None:
        dollars = min(dollars, run.meter.limit)
    if dollars <= ASK_FROM_DOLLARS:
        return
    if not console.ask(
        f"This will cost about ${dollars:.2f} ({expected.requests:,} requests). Go?"
    ):
        raise LabelkitError("nothing was asked and nothing was written (--yes skips the question)")


def after_trial(job: Job, run: Run, seconds: float) -> None:
    """Say what all rows would take, from what those of --sample took."""
    answers = run.meter.answers
    if not job.options.get("sample") or not answers:
        return
    rows, whose = job.rows, "all"
    if job.options.get("where"):
        rows, whose = 1000, "each"
    share = rows / answers
    took = [] if run.settings.local else [f"{run.meter.tokens_in * share:,.0f} tokens in"]
    if run.meter.price is not None and not run.settings.free:
        took.append(f"${run.meter.dollars * share:.2f}")
    took.append(_duration(seconds * share))
    console.note(
        f"llm-label: {whose} {rows:,} rows (without --sample) would take about {', '.join(took)}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} seconds"
    return f"{seconds / 60:,.0f} minutes" if seconds < 5400 else f"{seconds / 3600:,.1f} hours"
