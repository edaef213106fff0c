"""One command as a part of a pipeline."""

from collections.abc import Sequence

from labelkit import console
from labelkit.errors import LabelkitError

_INTERRUPTED = 130


def run(stage: str, args: Sequence[str]) -> None:
    """Run a command; only the pipeline says what to type next.

    Raises LabelkitError, naming the stage, where it fails, KeyboardInterrupt where it was ended.
    """
    from labelkit.cli import run as run_command

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
