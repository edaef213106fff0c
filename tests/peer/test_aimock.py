"""npm's aimock breaks bodies and cuts connections: every row is labelled, or says why not."""

import json
from collections.abc import Callable
from typing import Any

from .conftest import program, running

CHAOS = {"ratelimit": 0.1, "malformed": 0.2, "disconnect": 0.1, "drop": 0.1}


def test_chaos(labelkit: Callable[..., Any], rows: Any, write: Any) -> None:
    answer = {"match": {"userMessage": "row"}, "response": {"content": '{"label": "POSITIVE"}'}}
    write("fixtures/all.json", json.dumps({"fixtures": [answer]}))
    command = [program("LABELKIT_AIMOCK"), "-f", "fixtures", "--log-level", "silent"]
    for kind, rate in CHAOS.items():
        command += [f"--chaos-{kind}", str(rate)]
    with running(command) as peer:
        arguments = peer.arguments(60, "--concurrency", "8")
        result = labelkit(*arguments)
        assert result.code == 0, result.err
        found = rows()
        assert all(bool(row["llm_label"]) != bool(row["llm_error"]) for row in found)
        assert sum(row["llm_label"] == "POSITIVE" for row in found) >= 50
        result = labelkit(*arguments, "--retries", "12")
        assert result.code == 0, result.err
        assert all(row["llm_label"] == "POSITIVE" for row in rows())


def test_nothing_but_faults(labelkit: Callable[..., Any], write: Any) -> None:
    write("fixtures/all.json", json.dumps({"fixtures": []}))
    command = [program("LABELKIT_AIMOCK"), "-f", "fixtures", "--log-level", "silent"]
    with running([*command, "--chaos-malformed", "1"]) as peer:
        result = labelkit(*peer.arguments(60, "--retries", "1"))
        assert result.code == 1
        assert "the endpoint's answer is broken" in result.err
