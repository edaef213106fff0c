"""Rows that speak to the model instead of being judged: known phrases, not a proof.

What keeps a row from doing harm is that it is asked alone and that the answer is held to the
classes. This only tells which rows are not shown beside others.
"""

import re

_OVER = r"(?:ignore|disregard|forget|override|bypass|skip|drop|do not follow|don't follow)"
_TOLD = (
    r"(?:instructions?|prompts?|rules?|guidelines?|orders?|system|directions?|context|task|"
    r"messages?|examples?|classes)"
)
_ORDERS = re.compile(
    "|".join(
        (
            rf"\b{_OVER}\b.{{0,60}}\b{_TOLD}\b",
            r"\b(?:previous|prior|above|earlier|following|other|remaining|next|all)\s+rows?\b",
            r"\b(?:label|classify|mark|tag|answer|output|respond|reply|return|print|say|write)\b"
            r".{0,40}\b(?:as|with|only|exactly|every|all|instead|json|label)\b",
            r"\byou (?:are|must|will|should|shall) (?:now|always|answer|label|classify|ignore|act)",
            r"\b(?:system|developer|assistant|user)\s*(?:prompt|message|note|override|\]|:|>)",
            r"\b(?:reveal|repeat|show|leak|translate|summari[sz]e|print)\b.{0,40}"
            rf"\b(?:{_TOLD}|above|text above|secret|key)\b",
            r"\bnew (?:instructions?|task|rules?|class|label)\b",
            r"\badd (?:a|the|another) (?:new )?(?:class|label|category)\b",
            r"[\"']label[\"']\s*:",
            r"<\s*/?\s*(?:row|system|instructions?|prompt)\b",
            r"<\||\[/?INST\]|^#{2,}\s*(?:system|instruction|response)",
            r"\bjailbreak|\bDAN mode\b|\bprompt injection\b",
        )
    ),
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)


def gives_orders(text: str) -> bool:
    """Tell whether a text reads like instructions to the model."""
    return _ORDERS.search(text) is not None
