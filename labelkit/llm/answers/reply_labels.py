"""From stored replies to labels: what a row gets, and why it gets none."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from labelkit.llm.answers.logprobs import agreement, from_tokens
from labelkit.llm.answers.parse import Answer, parse
from labelkit.llm.answers.reasoning import without_reasoning
from labelkit.stats.ties import leader

INSTEAD_OF_TEXT = {
    "tool_calls": "the model called a tool instead of answering in text",
    "reasoning": "the model gave its reasoning only (reasoning_content) and no answer; a larger "
    "--max-tokens leaves room for one",
}
TIE = "two classes are equally likely"
REPEATS = "the answer repeats the prompt instead of naming one class"


class Labelled(NamedTuple):
    """What is known of one text; `label` is empty where `error` says why."""

    label: str
    confidence: float | None
    error: str = ""
    rationale: str = ""


def read(reply: Mapping[str, Any], classes: Sequence[str]) -> Answer:
    """Return a chat reply's answer, or the reason why it has none."""
    if "failed" in reply:
        return Answer(None, str(reply["failed"]))
    if reply.get("refusal"):
        return Answer(None, f"the model refused: {str(reply['refusal'])[:200]}")
    text, finish = str(reply.get("text", "")), reply.get("finish")
    if finish == "content_filter":
        return Answer(None, "the provider's content filter stopped the answer")
    if not text and reply.get("instead"):
        return Answer(None, INSTEAD_OF_TEXT[str(reply["instead"])])
    if is_cut_off(reply):
        return Answer(None, "the answer was cut off (finish_reason=length); see --max-tokens")
    return parse(text, classes)


def is_cut_off(reply: Mapping[str, Any]) -> bool:
    """Tell whether the limit in tokens has ended a reply before its answer was complete."""
    return reply.get("finish") == "length" and not _starts_with_object(str(reply.get("text", "")))


def _starts_with_object(text: str) -> bool:
    answer = without_reasoning(text) or ""
    return answer.startswith(("{", "[", "```")) and "}" in answer


def worth_asking_again(reply: Mapping[str, Any], answer: Answer) -> bool:
    """Tell whether the model gave an answer that it may correct when told why."""
    finished = reply.get("finish") not in ("length", "content_filter")
    return answer.label is None and finished and bool(reply.get("text")) and not reply["refusal"]


def labelled(
    reply: Mapping[str, Any],
    answer: Answer,
    classes: Sequence[str],
    messages: Sequence[Mapping[str, str]],
    by_tokens: bool,
) -> Labelled:
    """Return a text's label with its confidence: from the tokens, else as the model states it.

    `messages` are what was asked, the row last: the model's own words that repeat what stands
    before it are left out.
    """
    if answer.label is None:
        spoken = f"{reply.get('text', '')}\n{reply.get('refusal') or ''}"
        repeats = _repeats_prompt(spoken, messages)
        return Labelled("", 0.0, REPEATS if repeats else well_formed(answer.reason))
    confidence = answer.confidence
    tokens = reply.get("tokens")
    if by_tokens and tokens:
        shares = from_tokens([(t, lp, others) for t, lp, others in tokens], answer.label, classes)
        confidence = shares[answer.label] if shares else None
    repeated = _repeats_prompt(answer.rationale, messages)
    rationale = LEFT_OUT if repeated else well_formed(answer.rationale)
    return Labelled(answer.label, confidence, "", rationale)


def well_formed(text: str) -> str:
    """Return a text that can be written as UTF-8: half a character becomes a replacement mark."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def voted(answers: Sequence[Labelled]) -> Labelled:
    """Return the label that most of several answers give, with their agreement as confidence.

    At a tie there is no label.
    """
    if len(answers) == 1:
        return answers[0]
    labels = [answer.label or None for answer in answers]
    given = [label for label in labels if label]
    if not given:
        return answers[0]
    most = leader({label: given.count(label) for label in given})
    if most is None:
        return Labelled("", 0.0, TIE)
    first = next(answer for answer in answers if answer.label == most)
    return Labelled(most, agreement(labels, most), "", first.rationale)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# As many characters of the prompt in one piece are no coincidence.
PROMPT_RUN = 50
LEFT_OUT = "(left out: it repeats the prompt)"


def _repeats_prompt(said: str, messages: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether `said` holds a long piece of what stands before the row, the last message."""
    spoken = _plain(said)
    if len(spoken) < PROMPT_RUN:
        return False
    told = "\n".join(_plain(message["content"]) for message in messages[:-1])
    return any(
        spoken[start : start + PROMPT_RUN] in told for start in range(len(spoken) - PROMPT_RUN + 1)
    )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
