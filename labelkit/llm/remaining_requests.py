"""What is left to ask of a model, and what that would cost: an estimate."""

from dataclasses import dataclass

from labelkit.llm.client import cost_meter
from labelkit.llm.inputs import Rows
from labelkit.llm.runner import Run


@dataclass(frozen=True)
class Expected:
    """An estimate of what is left to ask; `dollars` None without a price."""

    requests: int
    cached: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    where: str


def expected_of(run: Run, rows: Rows, price: cost_meter.Price | None) -> Expected:
    """Return what is left to ask; of a local model the cache is not looked through."""
    if run.settings.local:
        return Expected(len(rows.texts), 0, 0, 0, 0.0, "this machine")
    left, texts, where = run.unanswered(rows.texts)
    requests = tokens_in = 0
    for request in left:
        requests += 1
        tokens_in += cost_meter.estimate_tokens(cost_meter.size(request))
    answer = cost_meter.ANSWER_TOKENS + (
        cost_meter.RATIONALE_TOKENS if run.settings.rationale else 0
    )
    tokens_out = answer * texts
    if run.settings.batch_api:
        price = run.batch_price or price
    dollars = None if price is None else price.dollars(tokens_in, tokens_out)
    cached = len(rows.texts) * len(run.settings.passes) - texts
    return Expected(requests, cached, tokens_in, tokens_out, dollars, where)
