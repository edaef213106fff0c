"""What is left to ask of a model, and what that would cost: an estimate, and a bound."""

from dataclasses import dataclass
from math import ceil, log2

from labelkit.llm.client import cost_meter
from labelkit.llm.inputs import Rows
from labelkit.llm.runner import Run


@dataclass(frozen=True)
class Expected:
    """What is left to ask; dollars None without a price, `most` is a bound of them.

    The bound: each byte a token, each answer as long as it may be, each row asked once more. What
    a provider bills for requests that have to be sent again is not in it.
    """

    requests: int
    cached: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    most: float | None
    where: str


def expected_of(run: Run, rows: Rows, price: cost_meter.Price | None) -> Expected:
    """Return what is left to ask; of a local model the cache is not looked through."""
    if run.settings.local:
        return Expected(len(rows.texts), 0, 0, 0, 0.0, 0.0, "this machine")
    left, texts, where = run.unanswered(rows.texts)
    requests = tokens_in = most_in = most_out = 0
    for request in left:
        requests += 1
        tokens_in += cost_meter.estimate_tokens_in(request)
        each = cost_meter.most_tokens_in(request)
        limit = request["max_tokens"]
        # The second question repeats the first one and its answer.
        most_in += 2 * each + limit + cost_meter.TOKENS_OF_SECOND_QUESTION
        most_out += 2 * limit
    if run.settings.rows_per_request > 1:  # what does not match is asked in halves, down to one
        halved = ceil(log2(run.settings.rows_per_request))
        most_in, most_out = most_in * (1 + halved), most_out * (1 + halved)
    answer = cost_meter.ANSWER_TOKENS + (
        cost_meter.RATIONALE_TOKENS if run.settings.rationale else 0
    )
    tokens_out = answer * texts
    most = None if price is None else price.dollars(most_in, most_out)
    if run.settings.batch_api:
        price = run.batch_price or price
    dollars = None if price is None else price.dollars(tokens_in, tokens_out)
    cached = len(rows.texts) * len(run.settings.passes) - texts
    return Expected(requests, cached, tokens_in, tokens_out, dollars, most, where)
