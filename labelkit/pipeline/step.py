"""One command as a part of a pipeline."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from labelkit import console
from labelkit.command.introspect import parsed
from labelkit.command.invoke import later_job
from labelkit.errors import LabelkitError
from labelkit.pipeline.stages import Stage

_INTERRUPTED = 130


def check(stages: Sequence[Stage], inputs: Sequence[str]) -> None:
    """Check what all stages are told, and the columns that they will write.

    That is done before any of them has cost money or a person's time. Raises UsageError, naming
    the stage, for options that a command refuses and for columns of the user that one of the
    stages would replace.
    """
    source = None
    for stage in stages:
        lines = [stage.args, *([shlex.split(stage.asks)[1:]] if stage.asks else [])]
        with _named(stage.id):
            given, *_ = (parsed(name, args) for name, *args in lines)
            job = later_job(stage.args[0], given, inputs)
            if job is None:
                continue
            if source is None:
                source = job.source
            else:
                job.check_columns(source, details=())


@contextmanager
def _named(stage: str) -> Iterator[None]:
    try:
        yield
    except LabelkitError as error:
        error.args = (f"stage {stage}: {error}",)
        raise


def run(stage: str, args: Sequence[str]) -> None:
    """Run a command; only the pipeline says what to type next.

    Raises LabelkitError, naming the stage, where it fails, KeyboardInterrupt where it was ended.
    """
    from labelkit.command.invoke import run as run_command

    with _named(stage), console.within():
        code = run_command([*args])
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    if code != 0:
        raise LabelkitError(f"stage {stage} ended with exit code {code}")
