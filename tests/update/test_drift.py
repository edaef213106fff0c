"""Drift is told where there is some, and nowhere else; what is unlike the old rows is asked."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from labelkit.stats.metrics import change
from labelkit.update.audit import Audit, compare
from tests.update.conftest import MAY, UPDATE, films, rows_of, save

NEW = 30


def strange(i: int) -> dict[str, str]:
    """Return a film of another kind of text that a rule reads all the same, wrongly."""
    return {"id": f"s{i}", "text": f"refund parcel {i} arrived warm and broken", "gold": "BAD"}


def test_a_file_of_the_same_kind_has_none(labelkit: Any, may: None, asked: list[str]) -> None:
    save("june.csv", films(MAY, MAY + NEW))
    done = labelkit(*UPDATE, "--audit", "0", "--summary", "s.json")
    assert done.code == 0, done.err
    drift = json.loads(Path("s.json").read_text())["drift"]
    assert not drift["content"]["differs"] and drift["content"]["drifted_rows"] == 0
    assert not drift["classes"]["differs"]
    assert "drift of content: none found (a model tells them apart with AUC" in done.err
    assert "drift of classes: none found, largest change " in done.err
    assert {row["update_drift"] for row in rows_of("june_out.csv")} == {""}
    assert len(set(asked)) == NEW / 2, "what rules label is not asked"


def test_rows_unlike_the_old_ones_are_found_and_asked(
    labelkit: Any, may: None, asked: list[str]
) -> None:
    save("june.csv", [*films(MAY, MAY + 4), *map(strange, range(NEW))])
    done = labelkit(*UPDATE, "--audit", "0", "--summary", "s.json")
    assert done.code == 0, done.err
    figures = json.loads(Path("s.json").read_text())
    content, classes = figures["drift"]["content"], figures["drift"]["classes"]
    assert content["differs"] and content["drifted_rows"] == NEW
    assert classes["differs"] and abs(classes["change"]["value"]) > 0.2
    assert f"drift of content: {NEW} new rows are unlike the old ones" in done.err
    assert len({text for text in asked if "refund" in text}) == NEW
    june = rows_of("june_out.csv")
    assert all(float(row["update_drift"]) >= 0.99 for row in june[4:])
    assert all(float(row["update_drift"]) < 0.99 for row in june[:4])
    assert all(row["llm_label"] for row in june[4:])
    assert figures["dollars"] == round(0.02 * len(asked), 6)


def test_what_two_audits_say() -> None:
    assert compare(Audit(160, 180), Audit(35, 40)).verdict == "holds"
    assert compare(Audit(160, 180), Audit(25, 40)).verdict == "lower"
    assert compare(Audit(120, 180), Audit(40, 40)).verdict == "higher"
    assert compare(Audit(160, 180), Audit(17, 20)).verdict == "unknown"
    assert compare(None, Audit(17, 20)).verdict == "unknown"
    assert compare(Audit(160, 180), Audit(35, 40)).line() == (
        "accuracy: the old figure 0.89 (95% CI 0.83–0.93, n=180) still holds: 0.88 (95% CI "
        "0.74–0.95, n=40); change -0.01, 95% CI -0.16 to +0.08"
    )


def test_the_interval_of_a_change_covers_it() -> None:
    rng = np.random.default_rng(1)
    old, new = rng.binomial(60, 0.85, 800), rng.binomial(40, 0.7, 800)
    found = [change((int(a), 60), (int(b), 40)) for a, b in zip(old, new, strict=True)]
    assert 0.93 < np.mean([low <= -0.15 <= high for _, low, high in found]) < 0.99
    one, three = change((50, 60), (30, 40)), change((50, 60), (30, 40), among=3)
    assert three.low < one.low < one.value < one.high < three.high
