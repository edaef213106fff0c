"""The reasoning that a model writes before its answer: where it ends."""

import re

# Reasoning tags, as DeepSeek, Qwen, Mistral, Kimi, Seed and prompts for other models have them.
_NAME = (
    r"[\w:.-]{0,20}(?:think|thought|reason|reflect|analysis|scratch_?pad|monologue|deliberat|\bcot\b)"
    r"[\w:.-]{0,20}"
)
_ATTRIBUTES = r"(?:\s[^<>]{0,200})?"
_OPEN = re.compile(
    rf"<\|?(?!end){_NAME}{_ATTRIBUTES}\|?>|\[THINK\]|\u25c1think\u25b7|"
    r"<\|channel\|>(?!final)",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"<\|?/{_NAME}\s*\|?>|<\|?end{_NAME}\|?>|\[/THINK\]|\u25c1/think\u25b7|"
    r"<\|channel\|>final[^<]{0,200}<\|message\|>",
    re.IGNORECASE,
)
_END_MARK = re.compile(
    r"<\|(?:return|end|im_end|eot_id|endoftext|(?:begin|end)_of_\w+)\|>|</s>", re.IGNORECASE
)


def answer_start(text: str) -> int:
    """Return where the answer starts: after the last closing tag, also one without an opening."""
    return max((tag.end() for tag in _CLOSE.finditer(text)), default=0)


def without_reasoning(text: str) -> str | None:
    """Return the answer without the reasoning around it; None where only reasoning came."""
    start = answer_start(text)
    answer = text[start:]
    if start and not answer.strip():  # the answer stands before its reasoning
        opening = _OPEN.search(text)
        answer = text[: opening.start()] if opening else ""
    elif _OPEN.search(answer):
        return None
    return _END_MARK.sub("", answer).strip()
