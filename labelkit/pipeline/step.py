"""One command as a part of a pipeline."""

import shlex
from collections.abc import Sequence

from labelkit import console
from labelkit.command.introspect import parsed
from labelkit.errors import LabelkitError, UsageError
from labelkit.pipeline.stages import Stage

_INTERRUPTED = 130


def check(stages: Sequence[Stage]) -> None:
    """Parse the commands of all stages, and in which people answer, with the task file's keys.

    Raises UsageError, naming the stage, before any of them has cost money or a person's time.
    """
    for stage in stages:
        lines = [stage.args, *([shlex.split(stage.asks)[1:]] if stage.asks else [])]
        for name, *args in lines:
            try:
                parsed(name, args)
            except UsageError as error:
                raise UsageError(f"stage {stage.id}: {error}") from None


def run(stage: str, args: Sequence[str]) -> None:
    """Run a command; only the pipeline says what to type next.

    Raises LabelkitError, naming the stage, where it fails, KeyboardInterrupt where it was ended.
    """
    from labelkit.command.invoke import run as run_command

    try:
        with console.within():
            code = run_command([*args])
    except LabelkitError as error:
        error.args = (f"stage {stage}: {error}",)
        raise
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    if code != 0:
        raise LabelkitError(f"stage {stage} ended with exit code {code}")
