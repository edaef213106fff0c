"""What a run of llm-label was told, checked."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from labelkit.config import costs
from labelkit.errors import LabelkitError, UsageError, nearest
from labelkit.llm.client.rate_limiter import Pace
from labelkit.llm.prompts.multi_row import MOST_ROWS

CONFIDENCES = ("auto", "logprob", "samples", "verbalised")
SAMPLES, SAMPLING_TEMPERATURE = 5, 0.7
# Room for an answer and for the reasons of a model that thinks first; not a target.
ANSWER_ROOM, RATIONALE_ROOM = 200, 400
DEFAULT_MODEL = "gpt-4o-mini"  # at OpenAI itself; everywhere else a model has to be named


@dataclass(frozen=True)
class Settings:
    """The model and how it is asked."""

    model: str
    base_url: str | None = None
    key: str | None = None
    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    rows_per_request: int = 1
    batch_api: bool = False
    wait: bool = True
    retries: int = 4
    timeout: float = 60.0
    temperature: float | None = 0.0
    confidence: str = "auto"
    rationale: bool = False
    max_tokens: int | None = None
    samples: int | None = None
    sample: int = 0  # which of several answers to the same question

    def __post_init__(self) -> None:
        if self.confidence not in CONFIDENCES:
            raise UsageError(
                f"--confidence {self.confidence!r} is not known"
                f"{nearest(self.confidence, CONFIDENCES)} (choices: {', '.join(CONFIDENCES)})"
            )
        if self.samples is not None and self.confidence not in ("auto", "samples"):
            raise UsageError(f"--samples does not go with --confidence {self.confidence}")
        for name, value, least in (
            ("--samples", 2 if self.samples is None else self.samples, 2),
            ("--concurrency", 1 if self.concurrency is None else self.concurrency, 1),
            ("--rpm", 1 if self.rpm is None else self.rpm, 1),
            ("--tpm", 1 if self.tpm is None else self.tpm, 1),
            ("--rows-per-request", self.rows_per_request, 1),
            ("--retries", self.retries, 0),
            ("--max-tokens", self.room, 1),
        ):
            if value < least:
                raise UsageError(f"{name} {value:g}: give {least} or more")
        if self.rows_per_request > MOST_ROWS:
            raise UsageError(f"--rows-per-request {self.rows_per_request}: at most {MOST_ROWS}")
        for option, asked in (
            ("--rows-per-request", self.rows_per_request > 1),
            ("--batch-api", self.batch_api),
            ("--confidence samples", self.sampled),
        ):
            if asked and self.free:
                raise UsageError(f"{option} is for models behind an endpoint, not for {self.model}")
        if self.timeout <= 0:
            raise UsageError(f"--timeout {self.timeout:g}: give seconds, more than 0")

    @property
    def local(self) -> bool:
        """Tell whether the model runs on this machine, started by us."""
        return self.model == "local" or self.model.startswith("local:")

    @property
    def replay(self) -> bool:
        """Tell whether the answers come out of a file."""
        return self.model.startswith("replay:")

    @property
    def free(self) -> bool:
        """Tell whether no provider is paid."""
        return costs.is_free(self.model)

    def pace(self) -> Pace:
        """Return when the next request may go."""
        return Pace(self.concurrency, self.rpm, self.tpm)

    @property
    def sampled(self) -> bool:
        """Tell whether each row is asked about several times."""
        return self.samples is not None or self.confidence == "samples"

    @property
    def passes(self) -> list["Settings"]:
        """Return how each of the passes over the rows asks: one, or one a sample."""
        if not self.sampled:
            return [self]
        return [
            replace(
                self,
                confidence="samples",
                temperature=self.temperature or SAMPLING_TEMPERATURE,
                sample=number,
            )
            for number in range(1, (self.samples or SAMPLES) + 1)
        ]

    @property
    def room(self) -> int:
        """Return the most tokens that an answer may have."""
        return self.max_tokens or (RATIONALE_ROOM if self.rationale else ANSWER_ROOM)


@dataclass(frozen=True)
class Wanted:
    """The options of the command, as given."""

    model: str | None
    base_url: str | None
    template: Path | None
    few_shot: int
    few_shot_by: str
    rationale: bool
    confidence: str
    temperature: float
    max_tokens: int | None
    concurrency: int | None
    rpm: float | None
    tpm: float | None
    rows_per_request: int
    batch_api: bool
    wait: bool
    batch_price: str | None
    refresh: bool
    retries: int
    timeout: float
    price: str | None
    max_cost: float | None
    dry_run: bool
    show_prompt: bool
    yes: bool
    samples: int | None = None
    threshold: str | None = None
    target_accuracy: float | None = None
    batch: Path | None = None
    cascade: str | None = None
    unsure: str = "0.8"

    @property
    def cut_target(self) -> float:
        """The accuracy that --threshold auto reaches."""
        return 0.95 if self.target_accuracy is None else self.target_accuracy

    def settings(self) -> Settings:
        """Return the settings, the environment added; UsageError or LabelkitError if they lack."""
        base_url = self.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or None
        key = key_in_environment()
        model = self.model
        if model is None:
            model = _default_model(base_url, key)
        return Settings(
            model=model,
            base_url=base_url,
            key=key,
            concurrency=self.concurrency,
            rpm=self.rpm,
            tpm=self.tpm,
            rows_per_request=self.rows_per_request,
            batch_api=self.batch_api,
            wait=self.wait,
            retries=self.retries,
            timeout=self.timeout,
            temperature=self.temperature,
            confidence=self.confidence,
            rationale=self.rationale,
            max_tokens=self.max_tokens,
            samples=self.samples,
        )


def key_in_environment() -> str | None:
    """Return OPENAI_API_KEY, without the line end that a file may have left on it."""
    return os.environ.get("OPENAI_API_KEY", "").strip() or None


def _default_model(base_url: str | None, key: str | None) -> str:
    if base_url is not None:
        raise UsageError(
            "llm-label needs the name of a model at --base-url: --model NAME "
            "(labelkit doctor lists what it has)"
        )
    if key is None:
        raise LabelkitError(
            "llm-label has no model to ask. Set OPENAI_API_KEY in the environment for OpenAI, or "
            "name an OpenAI-compatible endpoint with --base-url URL --model NAME, or use "
            "--model local: a small model on this machine, good for trying things out"
        )
    return DEFAULT_MODEL
