"""The reasoning that a model writes before its answer: where it ends."""

import re

# The names of reasoning tags, as DeepSeek, Qwen, Claude prompts, Seed and others write them.
_NAMES = (
    r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad|"
    r"chain_of_thought|cot|inner_monologue)"
)
_OPEN = re.compile(
    rf"<{_NAMES}(?:\s[^<>]*)?>|\[THINK\]|<\|begin_of_thought\|>|\u25c1think\u25b7|"
    r"<\|channel\|>(?!final)",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</{_NAMES}\s*>|\[/THINK\]|<\|end_of_thought\|>|\u25c1/think\u25b7|"
    r"<\|channel\|>final[^<]*<\|message\|>",
    re.IGNORECASE,
)
_END_MARK = re.compile(r"<\|(?:return|end|im_end|eot_id|endoftext)\|>|</s>")


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
