"""A verdict as the summary has it: what is said of it, and the kinds of its best step."""

from collections.abc import Mapping
from typing import Any

from labelkit import console

LEAVE_OUT, ASK_AUDIT, ASK_DOUBTFUL, ASK_MORE = "leave_out", "audit", "people", "more_people"


def tell(told: Mapping[str, Any]) -> None:
    """Say to people what `plain` returned: a warning for each alarm, the verdict, the best step."""
    warn(told)
    console.note(f"verdict: {told['verdict']}: {told['because']}")
    if told.get("next"):
        console.note(f"best step: {told['next']['text']}")


def warn(told: Mapping[str, Any]) -> None:
    """Say the alarms alone."""
    for alarm in told["alarms"]:
        console.warn(alarm["text"])
