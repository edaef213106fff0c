"""The record of a run: figures for --summary, and its step in the history."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.config import user_code
from labelkit.io import history, streams


class RunRecord:
    """The part of a job for counts, costs and files read."""

    name: str
    options: dict[str, Any]
    own: dict[str, Any]
    task_path: Path | None

    if TYPE_CHECKING:  # from the job

        @property
        def steps(self) -> list[dict[str, Any]]: ...

        def _input_paths(self) -> list[Path]: ...

    def __init__(self) -> None:
        super().__init__()
        self._started = time.perf_counter()
        self._counts: dict[str, Any] = {}
        self._costs: dict[str, Any] = {}
        self._figures: dict[str, Any] = {}
        self._other_inputs: list[Path] = []
        user_code.forget()

    def also_reads(self, path: Path) -> None:
        """Record a file beside the input that the result depends on."""
        self._other_inputs.append(path)

    def count(self, **numbers: Any) -> None:
        """Add counts to the history and the summary."""
        self._counts.update(numbers)

    def cost(self, **numbers: Any) -> None:
        """Add tokens and dollars to the history and the summary."""
        self._costs.update(numbers)

    def figures(self, figures: Mapping[str, Any]) -> None:
        """Add figures to the summary."""
        self._figures.update(figures)

    def record(
        self,
        output: Path,
        written: Sequence[str] = (),
        ours: Sequence[str] | None = None,
        **more: Any,
    ) -> None:
        """Write the history of an output: the input's steps and this one, with `more` keys.

        `ours` are all columns of the output that labelkit wrote, if not all by this step. A stream
        has no history.
        """
        if streams.is_stream(output):
            return
        read = [*self._input_paths(), self.task_path, *self._other_inputs]
        files = dict.fromkeys(p for p in read if p is not None and p.is_file())
        resolved = {path.resolve() for path in files}
        user_code_files = [p for p in user_code.files_read() if p.resolve() not in resolved]
        step = history.step(
            self.name,
            {**self.options, **self.own},
            [p for p in [*files, *user_code_files] if p != output],
            columns=list(written),
            counts=self._counts,
            cost=self._costs,
            figures=self._figures,
            seconds=time.perf_counter() - self._started,
        )
        history.write(output, [*self.steps, step | more], written if ours is None else ours)
