"""Whether a pipeline has reached its target accuracy by its audit, and the next command if not."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from labelkit import console
from labelkit.errors import PeopleNeeded
from labelkit.pipeline.stages import Stage


class NextRound:
    """The command line of a pipeline, to be run again with one more round of query and people."""

    def __init__(
        self, command: Sequence[str], names: Sequence[str], rows: int, labels: int | None
    ) -> None:
        """`rows` more are asked; `labels` is the limit of human labels, None without one."""
        self.rows = rows
        self._command, self._names, self._labels = list(command), list(names), labels

    def line(self) -> str:
        """Return the command as a shell line."""
        place = max(i for i, name in enumerate(self._names) if name == "decide")
        if place and self._names[place - 1] == "find-noise":
            place -= 1
        names = [*self._names[:place], "query", "people", *self._names[place:]]
        words = with_option(self._command, "--stages", ",".join(names))
        if self._labels is not None:
            words = with_option(words, "--labels", str(self._labels + self.rows))
        return shlex.join(words)


def with_option(words: Sequence[str], option: str, value: str) -> list[str]:
    """Return the words of a command with this value of an option, in place of an earlier one."""
    result, skip = [], False
    for word in words:
        if not skip and word != option and not word.startswith(f"{option}="):
            result.append(word)
        skip = word == option and not skip
    return [*result, option, value]


def check(
    stages: Sequence[Stage], figures: Mapping[str, Mapping[str, Any]], next_round: NextRound
) -> None:
    """Raise PeopleNeeded where the interval of the audit lies below the target accuracy."""
    decided = [figures[s.id] for s in stages if s.name == "decide" and s.id in figures]
    if not decided or not decided[-1].get("claim") or not decided[-1].get("route"):
        return
    claim, target = decided[-1]["claim"], float(decided[-1]["route"]["target"])
    if claim["high"] >= target:
        return
    raise PeopleNeeded(
        f"--target-accuracy {target:g} is not reached: by the audit {claim['value']:.3f} of the "
        f"labels are right (95% CI {claim['low']:.3f}–{claim['high']:.3f}, n={claim['audit']:,}). "
        f"Have people label {console.count(next_round.rows, 'more rows')} with: {next_round.line()}"
    )
