"""The verdict on what a pipeline made, and the command line that takes its best step."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from labelkit import console
from labelkit.errors import PeopleNeeded
from labelkit.pipeline.stages import AFTER, Stage
from labelkit.verdict import summary as verdicts

NO_MORE: Mapping[str, str] = {}


_STAGE_OF = {"weak_label": "weak-label", "llm_label": "llm-label"}  # by the column of a source


class NextRound:
    """The command line of a pipeline, to be run again with one more round of query and people."""

    def __init__(
        self, command: Sequence[str], names: Sequence[str], rows: int, labels: int | None
    ) -> None:
        """`rows` more are asked; `labels` is the limit of human labels, None without one."""
        self.rows = rows
        self._command, self._names, self._labels = list(command), list(names), labels

    def step(self, step: Mapping[str, Any]) -> str:
        """Return the shell line that takes the best step of a verdict."""
        if step["kind"] == verdicts.LEAVE_OUT:
            dropped = {_STAGE_OF.get(name, "") for name in step["sources"]}
            names = [name for name in self._names if name not in dropped]
            if names == self._names or not dropped <= set(self._names):
                return str(step["command"])
            return shlex.join(with_option(self._command, "--stages", ",".join(names)))
        if "decide" not in self._names:
            return str(step["command"])
        rows, is_audit = int(step["rows"]), step["kind"] == verdicts.ASK_AUDIT
        n, audit = (0, rows) if is_audit else (rows, 0)
        return self.line(rows, {"-n": str(n), "--audit": str(audit)})

    def line(self, rows: int, options: Mapping[str, str] = NO_MORE) -> str:
        """Return the command with one more round of so many rows, and options, as a shell line.

        The rounds before stay as they were answered, whatever the options.
        """
        place = max(i for i, name in enumerate(self._names) if name == "decide")
        # What is decided, cleaned and decided again stays together, behind the new answers.
        while place and self._names[place - 1] in ("decide", "find-noise"):
            place -= 1
        names = [*self._names[:place], "query", "people", *self._names[place:]]
        words = with_option(self._command, "--stages", ",".join(names))
        if self._labels is not None:
            words = with_option(words, "--labels", str(self._labels + rows))
        for option, value in options.items():
            words = with_option(words, option, value)
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
        f"--target-accuracy {target:g} is not reached by the audit. Have people label "
        f"{console.count(next_round.rows, 'more rows')} with: {next_round.line(next_round.rows)}"
    )


def verdict(
    stages: Sequence[Stage], figures: Mapping[str, Mapping[str, Any]], next_round: NextRound
) -> dict[str, Any] | None:
    """Return the verdict of the last stage that labels, its best step as a step of the pipeline."""
    told = [
        figures[stage.id]["verdict"]
        for stage in stages
        if stage.name not in AFTER and figures.get(stage.id, {}).get("verdict")
    ]
    if not told:
        return None
    last = dict(told[-1])
    if last.get("next"):
        last["next"] = {**last["next"], "command": next_round.step(last["next"])}
    return last


def close(
    stages: Sequence[Stage],
    figures: Mapping[str, Mapping[str, Any]],
    next_round: NextRound,
    told: Mapping[str, Any] | None,
) -> None:
    """Say the verdict, and what to type to take its best step; raise PeopleNeeded as `check`."""
    if told is not None:
        verdicts.tell(told)
    check(stages, figures, next_round)
    if told is not None and told.get("next", {}).get("command"):
        console.next_step(told["next"]["command"])
