"""What is left to ask of a model, and what that would cost: an estimate."""

from dataclasses import dataclass

from labelkit.llm import cost
from labelkit.llm.gather import Rows
from labelkit.llm.run import Run


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
