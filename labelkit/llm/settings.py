"""What a run of llm-label was told, checked."""

from dataclasses import dataclass

from labelkit.errors import UsageError, nearest

CONFIDENCES = ("auto", "logprob", "verbalised")
# Room for an answer and for the reasons of a model that thinks first; not a target.
ANSWER_ROOM, RATIONALE_ROOM = 200, 400


@dataclass(frozen=True)
class Settings:
    """The model and how it is asked."""

    model: str
    base_url: str | None = None
    key: str | None = None
    concurrency: int = 8
    retries: int = 4
    timeout: float = 60.0
    temperature: float | None = 0.0
    confidence: str = "auto"
    rationale: bool = False
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.confidence not in CONFIDENCES:
            raise UsageError(
                f"--confidence {self.confidence!r} is not known"
                f"{nearest(self.confidence, CONFIDENCES)} (choices: {', '.join(CONFIDENCES)})"
            )
        for name, value, least in (
            ("--concurrency", self.concurrency, 1),
            ("--retries", self.retries, 0),
            ("--max-tokens", self.room, 1),
        ):
            if value < least:
                raise UsageError(f"{name} {value}: give {least} or more")
        if self.timeout <= 0:
            raise UsageError(f"--timeout {self.timeout:g}: give seconds, more than 0")

    @property
    def local(self) -> bool:
        """Tell whether the model runs on this machine, started by us."""
        return self.model == "local" or self.model.startswith("local:")

    @property
    def room(self) -> int:
        """Return the most tokens that an answer may have."""
        return self.max_tokens or (RATIONALE_ROOM if self.rationale else ANSWER_ROOM)
