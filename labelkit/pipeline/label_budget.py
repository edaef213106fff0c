"""A limit on people's labels: what the rounds of a pipeline ask for, and what is left of it."""

from collections.abc import Mapping
from typing import Any

from labelkit import console
from labelkit.config import costs
from labelkit.config.task_file import Task
from labelkit.errors import UsageError

_ROWS = 50  # that query picks where nothing is said


class Limit:
    """The labels that people may still give, while the stages are put in order."""

    def __init__(self, task: Task, own: Mapping[str, Any]) -> None:
        given = own.get("labels")
        self.most = costs.labels(task.cost) if given is None else int(given)
        if self.most is not None and self.most < 0:
            raise UsageError(f"--labels {self.most}: give a number of 0 or more")
        self._task, self._own = task, own
        self._asked = 0

    @property
    def later_round(self) -> int:
        """The labels that people give in a round after the first."""
        return self._picked() + (self._told("audit") or 0)

    def _picked(self) -> int:
        n = self._told("n")
        return _ROWS if n is None else n

    def ask(self, usual_audit: int) -> None:
        """Count a round of query; `usual_audit` rows are drawn beside its own if nothing is said.

        Raises UsageError where the rounds ask people for more labels than they may give.
        """
        n, audit = self._picked(), self._told("audit")
        audit = usual_audit if audit is None else audit
        self._asked += n + audit
        if self.most is not None and self._asked > self.most:
            raise UsageError(
                f"people may give {console.count(self.most, 'labels')} (--labels, or [cost] labels "
                f"in the task file), and the rounds ask for {self._asked:,} (-n {n}, --audit "
                f"{audit}): ask for fewer, or allow {self._asked - self.most:,} more"
            )

    def _told(self, name: str) -> int | None:
        value = self._own.get(name)
        return self._in_table("query", name) if value is None else int(value)

    def _in_table(self, command: str, key: str) -> int | None:
        value = self._task.table(command).get(key)
        if value is not None and type(value) is not int:
            raise UsageError(f"[{command}] {key} = {value!r}: give a whole number")
        return value

    def left(self, are_asked: bool, later_rounds: int = 0) -> list[str]:
        """Return the option of decide that says how many labels it may send rows to people for.

        `are_asked`: whether people label the rows that it sends to them; as many as there may be
        are counted. What `later_rounds` of query ask for is kept. What is left of [cost] labels
        decide sees itself, by the labels given so far.
        """
        if self.most is None:
            return []
        least = max(0, self.most - self._asked - later_rounds * self.later_round)
        own = self._in_table("decide", "labels")
        least = least if own is None else min(least, own)
        self._asked += least if are_asked else 0
        sees_itself = own is None and self._own.get("labels") is None
        return [] if sees_itself else ["--labels", str(least)]
