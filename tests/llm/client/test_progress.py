"""What a run tells while it goes."""

from types import SimpleNamespace
from typing import Any

from labelkit.llm.client.progress import Progress, duration


def test_rate_cost_time_left_and_errors() -> None:
    now, told = [0.0], []
    meter = SimpleNamespace(answers=0, price=object(), dollars=0.5)
    pace, limits = SimpleNamespace(in_flight=7), SimpleNamespace(failures=3)
    asker: Any = SimpleNamespace(meter=meter, pace=pace, limits=limits)
    progress = Progress(lambda n, note: told.append((n, note)), asker, 1000, lambda: now[0])
    for _ in range(100):
        now[0] += 0.05
        meter.answers += 1
        progress(1)
    assert 20 <= len(told) <= 26  # not at each step
    assert told[-1][1] == "20 rows/s · $0.5000 · 45 s left · 7 at once · 3 errors"
    progress(0, "told to wait (429)")
    assert told[-1][1] == "told to wait (429)"
    assert sum(rows for rows, _ in told) == 100


def test_times() -> None:
    assert [duration(s) for s in (0.2, 89, 600, 7200)] == ["1 s", "89 s", "10 min", "2.0 h"]
