"""What a model says that gives away what it was told: such text does not reach the output.

Found where it is said word for word; a model that obeys a row may still paraphrase or encode.
"""

from collections.abc import Mapping, Sequence

# As many characters of the prompt in one piece are no coincidence.
RUN = 50
LEFT_OUT = "(left out: it repeats the prompt)"


def repeats(said: str, messages: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether `said` holds a long piece of what stands before the row, the last message."""
    spoken = _plain(said)
    if len(spoken) < RUN:
        return False
    told = "\n".join(_plain(message["content"]) for message in messages[:-1])
    return any(spoken[start : start + RUN] in told for start in range(len(spoken) - RUN + 1))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
