"""Run one command inside another, in this process."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labelkit.command.declare import as_typer_command
from labelkit.config.commands import function_of

if TYPE_CHECKING:
    from labelkit.job.job import Job


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


def later_job(name: str, given: dict[str, Any], inputs: Sequence[str]) -> "Job | None":
    """Return the job of a command that will write what these inputs become; None if it does not.

    `given` are its options as they were parsed.
    """
    from labelkit.job.job import Job

    function = function_of(name)
    if not function.declared.annotates:
        return None
    own = {option: given[option] for option in function.own}
    shared = {option: value for option, value in given.items() if option not in own}
    return Job(function.declared, {**shared, "input": list(inputs)}, own)
