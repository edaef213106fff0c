"""A free-text answer that asserts one class in a sentence of a known form."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_SEPARATOR = re.compile(r"[\s_/-]+")
LONGEST_ANSWER = 4_000  # characters; a longer one repeats itself or the prompt
FRAME_LENGTH = 240  # characters
SHORT_NAME = 3  # letters; words such as "it", "us", "no" are also names of classes
_KIND = (
    r"(?:labels?|class(?:es|ification)?|categor(?:y|ies)|topic|sentiment|answer|tag|prediction|"
    r"type|intent|stance|emotion|verdict|choice|rating|score)"
)
_ITEM = (
    r"(?:text|message|review|comment|tweet|post|row|e-?mail|sms|sentence|statement|article|item|"
    r"document|question|news|piece|content|information|passage|input|title|request)"
)
_BE = (
    r"(?:is|was|would be|can be|should be|will be|seems|appears|looks|seems to be|appears to be|"
    r"looks to be)"
)
_SUBJECT = (
    rf"(?:this|that|it|the (?:\w+ )?{_ITEM}|this (?:\w+ )?{_ITEM})(?: (?:of|in) [\w ]{{1,40}}?)?"
)
_ADVERB = r"(?:(?:clearly|definitely|best|most likely|mainly|primarily|strongly|closely) )?"
_LABELLED = (
    rf"{_ADVERB}(?:(?:categori[sz]ed|classified|class(?:ed)?|label(?:l)?ed|tagged|described|marked)"
    r" (?:as|under|into|in)|label(?:l)?ed|tagged"
    r"|(?:falls?|fits?|belongs?|goes|comes)(?: best)? (?:under|into|in|to|within))"
)
_START = r"(?:^|[.!;\n]\s*)"
_OPENING = r"[\"'`*_\u2018-\u201f\u00ab(\[]*$"
_OF_KIND = rf"\s*(?:(?:the |a )?(?:\w+ )?{_KIND}(?: of| called| named)?:?\s*|the )?"
# What stands directly before an asserted class: words that can only name a class.
_NAMING_FRAME = (
    rf"\b{_LABELLED}"
    rf"|\b{_KIND}(?: (?:for|of) [\w' ]{{1,60}}?)? {_BE} {_ADVERB}"
    rf"|{_START}(?:the |my |final |correct |best |predicted )*{_KIND}\s*[:=]"
    r"|\b(?:i would|i'd|i) (?:say|answer|choose|pick|go with|guess):?"
    rf"|\b(?:i would|i'd|i) (?:classify|categori[sz]e|label|mark|tag) "
    rf"(?:it|this|the {_KIND}|{_SUBJECT}) as"
)
# Words before a class that stand before many other words, too.
_COMMON_FRAME = (
    rf"\b{_ADVERB}(?:related to|relating to|regarding|concerning|about)"
    rf"|\b(?:i would|i'd|i) (?:say|guess|think|believe)(?: that)? {_SUBJECT} {_BE}(?: an?)?"
    rf"|{_START}{_SUBJECT} {_BE}(?: an?)?"
)
_FRAME = re.compile(rf"(?:{_NAMING_FRAME}|{_COMMON_FRAME}){_OF_KIND}\s*{_OPENING}", re.IGNORECASE)
_FRAME_OF_SHORT = re.compile(rf"(?:{_NAMING_FRAME}){_OF_KIND}\s*{_OPENING}", re.IGNORECASE)
# What somebody else says of the row, or says of another label.
_REPORTED = re.compile(
    r"\b(?:claim\w*|says|said|asks?|asked|wants?|told|tells|instruct\w*|request(?:s|ed)|pretend\w*|"
    r"supposed\w*|opposite|contrary|alternative\w*|second|runner-up|least|less|another)\b",
    re.IGNORECASE,
)
# What may stand directly after it: the end, or a reason; never another choice.
_AFTER = re.compile(
    rf"[\"'`*_\u2018-\u201f\u00bb)\]]*(?: {_ITEM}| {_KIND})?[\"'`*_\u2018-\u201f\u00bb)\]]*"
    r"(?:\s*$|\s*[.!;:\n\u3002]|,?\s*(?:specifically|particularly|especially|as|because|since|"
    r"due|given|which|based|in|with|more specifically)\b|\s*\((?!or\b|and\b)"
    r"|,\s*(?!or\b|and\b|but\b|nor\b))",
    re.IGNORECASE,
)
# Words that deny, doubt or refuse, or that open another choice; anywhere in the answer.
_DOUBT = re.compile(
    r"\b(?:not|no|non|none|never|neither|nor|nothing|cannot|without|rather than|instead|hardly|"
    r"barely|scarcely|unlikely|lacks?|lacking|absence|free of|far from|except|unless|unable|"
    r"fails?|false|wrong|incorrect|doubt\w*|unclear|unsure|uncertain\w*|ambiguous|undecided|"
    r"hard to|difficult|impossible|insufficient|sorry|apologi[sz]e|as an ai|depends?|either|could|"
    r"might|may|maybe|perhaps|possibly|potentially|probably|however|although|though|but|otherwise|if|"
    r"un(?:related|fortunately)|refuse|decline|more (?:context|information)|on second thought|wait|"
    r"\w+n[\u2019']t|nicht|keine?[mnrs]?|nein|nie|pas|ne|jamais|aucune?|nunca|ni|sin|tampoco|"
    r"nao|n\u00e3o)\b"
    r"|\bnon-|[?\uff1f]|\u4e0d|\u6ca1|\u65e0|\u975e|\u672a",
    re.IGNORECASE,
)
# Words after a label that take it back; "not" may explain it ("this is not spam, as ...").
_RETRACTION = re.compile(
    r"\b(?:wait|actually|on (?:second thought|reflection)|correction|however|but|wrong|mistaken?|"
    r"incorrect|instead|revis\w+|reconsider\w*|change my|could also|might also|unsure|uncertain|"
    r"not (?:sure|certain|confident|the (?:final )?(?:answer|label))|sorry|cannot|can.t|unable)\b"
    r"|[?\uff1f]",
    re.IGNORECASE,
)
_NO_WORD_BOUNDARIES = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def asserted_class(answer: str, classes: Sequence[str]) -> tuple[str | None, str]:
    """Return the class that the answer asserts, or None and the reason, '' where it names none."""
    if len(answer) > LONGEST_ANSWER:
        return None, "the answer is too long to be a label"
    text = " ".join(unicodedata.normalize("NFKC", answer).split(" "))
    rest, spans = _masked(text, classes)
    named = sorted({name for name, _, _ in spans})
    if len(named) > 1:
        return None, f"the answer names several classes: {', '.join(named)}"
    if not named:
        return None, ""
    if _DOUBT.search(rest):
        return None, "the answer names a class in words that deny or doubt it"
    if not any(_is_asserted(text, rest, start, end) for _, start, end in spans):
        return None, ""
    return named[0], ""


def doubts(words: str, classes: Sequence[str], label: str) -> bool:
    """Tell whether the words around a label deny or doubt it, or name another class."""
    rest, spans = _masked(unicodedata.normalize("NFKC", words), classes)
    return any(name != label for name, _, _ in spans) or bool(_DOUBT.search(rest))


def retracts(explanation: str) -> bool:
    """Tell whether an explanation after a label takes it back."""
    return bool(_RETRACTION.search(explanation))


def _masked(text: str, classes: Sequence[str]) -> tuple[str, list[tuple[str, int, int]]]:
    """Return the text with its classes blotted out, and where each stood."""
    spans, folded = [], text.casefold()
    for name in sorted(classes, key=len, reverse=True):  # a longer name hides a shorter one in it
        if not all(word in folded for word in _words(name)):
            continue
        pattern = _name_pattern(name)
        spans += [(name, hit.start(), hit.end()) for hit in pattern.finditer(text)]
        text = pattern.sub(lambda hit: "\0" * len(hit.group()), text)
    return text, spans


def _is_asserted(text: str, rest: str, start: int, end: int) -> bool:
    from_here = max(0, start - FRAME_LENGTH)
    before = ("x" if from_here else "") + rest[from_here:start].replace("\u2019", "'")
    bounded = not (text[start - 1 : start] + text[end : end + 1]).strip("\0").isalnum()
    frame = _FRAME_OF_SHORT if _is_short(text[start:end]) else _FRAME
    is_asserted = bool(frame.search(before)) and not _REPORTED.search(before)
    return bounded and is_asserted and bool(_AFTER.match(rest, end))


def _is_short(name: str) -> bool:
    return sum(character.isalpha() for character in name) <= SHORT_NAME


@lru_cache(maxsize=4096)
def _words(name: str) -> list[str]:
    return _SEPARATOR.split(unicodedata.normalize("NFKC", name).casefold())


@lru_cache(maxsize=4096)
def _name_pattern(name: str) -> re.Pattern[str]:
    """Return what finds a class in a text: as whole words, short names in their own case."""
    plain = unicodedata.normalize("NFKC", name).strip()
    words = [re.escape(word) for word in _SEPARATOR.split(plain) if word]
    spelled = r"[\s_/-]+".join(words) or re.escape(name)
    if not _NO_WORD_BOUNDARIES.search(name):
        spelled = rf"(?<!\w)(?:{spelled})(?!\w)"
    return re.compile(spelled, 0 if _is_short(name) else re.IGNORECASE)
