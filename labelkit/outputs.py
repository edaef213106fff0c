"""Where a result may go: checked before any work is done."""

from collections.abc import Sequence
from pathlib import Path

from labelkit.errors import LabelkitError, UsageError
from labelkit.table import format_of


def check(
    command: str,
    output: str | None,
    in_place: bool,
    inputs: Sequence[Path],
    given_format: str | None,
) -> None:
    """Refuse an output that is missing, is the input, or whose folder does not exist.

    Raises UsageError or LabelkitError.
    """
    if in_place and (output or len(inputs) != 1):
        raise UsageError("--in-place takes one file as input and no --output")
    if not output and not in_place:
        raise UsageError(
            f"{command} needs -o OUTPUT (- for stdout), or --in-place to write over the input"
        )
    if not output or output == "-":
        return
    target = Path(output)
    format_of(target, given_format)
    if any(path.exists() and target.exists() and path.samefile(target) for path in inputs):
        raise UsageError(f"the output {output} is the input; give another name, or --in-place")
    if not target.parent.is_dir():
        raise LabelkitError(
            f"{output} cannot be written: there is no folder {target.parent} "
            f"(mkdir -p {target.parent})"
        )
