"""find-noise on labels of machines: all sources judge them, and decide takes the suggestion."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelkit.noise.by_sources import Together

pytestmark = pytest.mark.usefixtures("words_alone")

WORDS = {
    "neg": ["awful", "stale", "boring", "dull", "noisy", "junk"],
    "pos": ["lovely", "warm", "bright", "kind", "great", "tender"],
}
OTHER = {"neg": "pos", "pos": "neg"}
LABELS = ("--label", "label", "--label", "final_label")


def films(n: int, *, wrong: float, people: int = 0, audit: int = 0, told: float = 1.0) -> Any:
    """Return rows; of `told` of the texts the words tell the class, `wrong` llm labels are not it.

    People labelled the first rows; those that are audit rows stand before the others.
    """
    drawn, rows = random.Random(3), []
    for i in range(n):
        gold = drawn.choice(["neg", "pos"])
        of = gold if drawn.random() < told else drawn.choice(["neg", "pos"])
        errs = drawn.random() < wrong
        rows.append({
            "id": str(i),
            "text": f"{' '.join(drawn.choices(WORDS[of], k=2))} {i}",
            "gold": gold,
            "llm_label": OTHER[gold] if errs else gold,
            "llm_confidence": "0.8",
            "label": gold if i < people else "",
            "label_origin": ("audit" if i < audit else "query") if i < people else "",
        })  # fmt: skip
    return rows


def save(name: str, rows: Any) -> None:
    with Path(name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table(name: str) -> list[dict[str, str]]:
    with Path(name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def wrong_in(name: str) -> int:
    return sum(row["final_label"] != row["gold"] for row in table(name))


@pytest.fixture
def cleaned(labelkit: Any) -> Any:
    """Decide, judge what is decided, and decide again; return the summary of find-noise."""

    def run(rows: Any, *labels: str) -> Any:
        save("in.csv", rows)
        for words in (
            ("decide", "in.csv", "-o", "decided.csv"),
            ("find-noise", "decided.csv", "-o", "judged.csv", *labels, "--summary", "s.json"),
            ("decide", "judged.csv", "-o", "final.csv"),
        ):
            done = labelkit(*words, "--gold", "gold", "--text", "text", "--features", "tfidf")
            assert done.code == 0, done.err
            run.said[words[0]] = done.err
        return json.loads(Path("s.json").read_text())

    run.said = {}
    return run


def test_without_people_likely_errors_give_way_to_what_the_views_suggest(cleaned: Any) -> None:
    told = cleaned(films(150, wrong=0.2), "--label", "final_label")["cleaning"]
    assert told["helps"] and told["by"] == "models"
    before, after = wrong_in("decided.csv"), wrong_in("final.csv")
    assert before >= 25 and after <= before / 3
    flagged = [row for row in table("final.csv") if row["noise_flag"] == "true"]
    changed = [row for row in flagged if float(row["noise_quality"]) < 0.5]
    assert all(row["final_label"] == row["noise_suggested"] for row in changed)
    assert {row["final_source"] for row in changed} == {"combined"}
    assert "gives way to what find-noise suggests" in cleaned.said["decide"]


def test_with_people_all_sources_judge_and_what_is_flagged_is_wrong(cleaned: Any) -> None:
    rows = films(200, wrong=0.3, people=50, audit=20)
    told = cleaned(rows, *LABELS)["cleaning"]
    assert told["by"] == "sources"
    assert wrong_in("final.csv") <= wrong_in("decided.csv")
    assert (
        "llm_label and a model of the rows, weighed by 30 human labels"
        in (cleaned.said["find-noise"])
    )


def test_where_human_labels_show_that_the_model_corrects_the_sources_they_are_cleaned(
    cleaned: Any,
) -> None:
    rows = films(200, wrong=0.3, people=60, audit=20)
    told = cleaned(rows, *LABELS)["cleaning"]
    assert told["helps"] and told["corrected"] >= 5 * max(told["spoiled"], 1)
    assert told["likely_wrong"] > 0 and wrong_in("final.csv") < wrong_in("decided.csv")


def test_where_human_labels_show_no_lead_of_the_model_nothing_is_flagged(cleaned: Any) -> None:
    rows = films(200, wrong=0.0, people=40, audit=20, told=0.85)
    for row in rows:  # it is right on all that people looked at, and hardly sure of it
        row["llm_confidence"] = "0.55"
    for row in rows[40::2]:
        row["llm_label"] = OTHER[row["gold"]]
    told = cleaned(rows, *LABELS)["cleaning"]
    assert told["helps"] is False and told["likely_wrong"] == 0
    assert (told["by"], told["corrected"]) == ("sources", 0)
    said = " ".join(cleaned.said["find-noise"].split())
    assert (
        "cleaning cannot help here: as judged by llm_label and a model of the rows, weighed by 20 "
        "human labels, that model sets the others right on 0 of these and misleads them on "
        f"{told['spoiled']}, which is no clear lead" in said
    )
    assert "true" not in {row["noise_flag"] for row in table("judged.csv")}
    assert [r["final_label"] for r in table("final.csv")] == [
        r["final_label"] for r in table("decided.csv")
    ]


@pytest.mark.parametrize(
    ("corrected", "spoiled", "is_ahead"),
    [(0, 0, False), (1, 0, False), (2, 0, True), (3, 1, False), (4, 1, True), (5, 9, False)],
)
def test_a_lead_is_more_than_its_standard_error(
    corrected: int, spoiled: int, is_ahead: bool
) -> None:
    assert Together(np.zeros((0, 2)), corrected, spoiled).is_ahead is is_ahead


def test_it_says_where_cleaning_cannot_help_and_flags_nothing(cleaned: Any) -> None:
    rows = films(150, wrong=0.2, told=0.0)
    told = cleaned(rows, "--label", "final_label")["cleaning"]
    assert told["helps"] is False and told["likely_wrong"] == 0
    assert "cleaning cannot help here: no label of a machine" in cleaned.said["find-noise"]
    assert "true" not in {row["noise_flag"] for row in table("judged.csv")}
    assert wrong_in("final.csv") == wrong_in("decided.csv")


def test_what_people_say_of_audit_rows_judges_no_label(cleaned: Any) -> None:
    rows = films(120, wrong=0.3, people=50, audit=20)
    found = []
    for turned in (False, True):
        for row in rows[:20]:
            row["label"] = OTHER[row["gold"]] if turned else row["gold"]
        cleaned(rows, *LABELS)
        noise = ("noise_given", "noise_suggested", "noise_quality", "noise_flag")
        found.append([[row[name] for name in noise] for row in table("judged.csv")])
    assert found[0] == found[1]
    assert all(given for given, *_ in found[0][:20]), "what the machines say there is judged"


def test_a_second_run_changes_nothing(cleaned: Any, labelkit: Any) -> None:
    cleaned(films(150, wrong=0.2), "--label", "final_label")
    words = ("--gold", "gold", "--text", "text", "--features", "tfidf")
    assert labelkit("decide", "final.csv", "-o", "again.csv", *words).code == 0
    assert Path("again.csv").read_bytes() == Path("final.csv").read_bytes()


def test_labels_of_people_alone_are_judged_as_before(cleaned: Any) -> None:
    rows = films(100, wrong=0.2, people=100)
    assert "cleaning" not in cleaned(rows)


def test_a_human_label_is_not_flagged_because_machines_labels_differ(cleaned: Any) -> None:
    rows = films(150, wrong=0.1, people=30)
    for row in rows[:8]:  # what the words say is not what these are
        row["label"] = row["gold"] = OTHER[row["llm_label"]]
    cleaned(rows, *LABELS)
    assert "true" not in {row["noise_flag"] for row in table("judged.csv")[:30]}
    weights = [cleaned.said["decide"].count("from 30 rows of people")]
    assert weights == [1], "they still weigh the sources"
