"""Run one command inside another, in this process."""

import sys
from collections.abc import Sequence

from labelkit.command.declare import as_typer_command
from labelkit.config.commands import function_of


def run(args: Sequence[str]) -> int:
    """Run one command in this process, as the pipeline does; return its exit code.

    Raises LabelkitError as the command does, so that the caller can say which stage failed.
    """
    name, *rest = args
    command = as_typer_command(function_of(name))
    before, sys.argv = sys.argv, ["labelkit", *args]
    try:
        code = command.main(args=rest, prog_name=f"labelkit {name}", standalone_mode=False)
    finally:
        sys.argv = before
    return code if isinstance(code, int) else 0
