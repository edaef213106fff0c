"""Rows that speak to the model instead of being judged: known phrases, not a proof.

What keeps a row from doing harm is that it is asked alone and that the answer is held to the
classes. This only tells which rows are not shown beside others.
"""

import re
import unicodedata

_OVER = (
    r"(?:ignore|disregard|forget|override|bypass|skip|drop|do not follow|don't follow"
    r"|ignora|ignorez|ignoriere?|vergiss|olvida|oubliez|esque[cç]a|dimentica|negeer)"
)
_TOLD = (
    r"(?:instructions?|prompts?|rules?|guidelines?|orders?|system|directions?|context|task|"
    r"messages?|examples?|classes|instrucciones|anweisungen|instru[cç][oõ]es|istruzioni|"
    r"instructies|consignes|regeln|reglas)"
)
_ORDERS = re.compile(
    "|".join(
        (
            rf"\b{_OVER}\b.{{0,60}}\b{_TOLD}\b",
            r"\b(?:previous|prior|above|earlier|following|other|remaining|next|all)\s+rows?\b",
            r"\brows?\s+\d|\bone of the (?:classes|labels)\b|\b(?:label|class)s?[\"']?\s*:",
            r"\b(?:label|classify|mark|tag|answer|output|respond|reply|return|print|say|write)\b"
            r".{0,40}\b(?:as|with|only|exactly|every|all|instead|json|label)\b",
            r"\byou (?:are|must|will|should|shall) (?:now|always|answer|label|classify|ignore|act)",
            r"\bwere you (?:told|instructed|asked)\b",
            r"\b(?:system|developer|assistant|user)\s*(?:prompt|message|note|override|\]|:|>)",
            r"\b(?:reveal|repeat|show|leak|translate|summari[sz]e|print|quote)\b.{0,40}"
            rf"\b(?:{_TOLD}|above|text above|secret|key)\b",
            r"\bnew (?:instructions?|task|rules?|class|label)\b",
            r"\badd (?:a|the|another) (?:new )?(?:class|label|category)\b",
            r"<\s*/?\s*(?:row|system|instructions?|prompt)\b",
            r"<\||\[/?INST\]|^#{2,}\s*(?:system|instruction|response)",
            r"\bjailbreak|\bDAN mode\b|\bprompt injection\b",
            r"(?:忽略|无视|無視).{0,20}(?:指令|指示|说明|提示)|(?:指示|命令)を?.{0,10}無視",
            r"(?:игнорируй|забудь|не обращай).{0,60}(?:инструкци|указани|правил)",
            r"(?<![\w/+])(?=[\w/+]*\d)(?=[\w/+]*[a-z])(?-i:(?=[\w/+]*[A-Z]))[A-Za-z0-9/+]{32,}={0,2}",
        )
    ),
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
# "1gn0re" reads "ignore"; marks without width part no words; "i g n o r e" is one.
_DIGITS_IN_WORDS = re.compile(r"(?<=[a-z])[013457](?=[a-z])|\b[013457](?=[a-z]{2})", re.IGNORECASE)
_READ_AS = str.maketrans("013457", "oieast")
_WITHOUT_WIDTH = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_SPACED_OUT = re.compile(r"\b(?:\w ){3,}\w\b")


def gives_orders(text: str) -> bool:
    """Tell whether a text reads like instructions to the model."""
    if _ORDERS.search(text) is not None:
        return True
    plain = _undisguised(text)
    return plain != text and _ORDERS.search(plain) is not None


def _undisguised(text: str) -> str:
    plain = _WITHOUT_WIDTH.sub("", unicodedata.normalize("NFKC", text))
    plain = _DIGITS_IN_WORDS.sub(lambda digit: digit.group().translate(_READ_AS), plain)
    return _SPACED_OUT.sub(lambda word: word.group().replace(" ", ""), plain)
