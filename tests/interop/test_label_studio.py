"""Label Studio: what it is sent, and every way in which its exports tell the answers."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from tests.interop import tools
from tests.interop.conftest import CLASSES
from tests.interop.tools import Decision

SAID = [
    [Decision("refund", 1, 2.5), Decision("other", 2, 4.0, "not sure")],
    [Decision("", 1, 9.0)],
    [Decision("other", 1)],
    [Decision(None)],
]


def said(answers: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(a["id"], a["label"], a["label_annotator"], a["label_seconds"]) for a in answers]


def test_an_interface_that_the_user_wrote_is_not_replaced(labelkit, write):
    write("in.csv", "id,text\n1,a\n")
    own = write("t.config.xml", "<View/>")
    to = ("export", "in.csv", "-o", "t.json", "--to", "label-studio", "--classes", "a,b",
          "--text", "text")  # fmt: skip
    assert labelkit(*to).code == 1
    assert own.read_text() == "<View/>"
    own.unlink()
    assert labelkit(*to).code == labelkit(*to).code == 0


def test_tasks_carry_keys_texts_and_guesses(exported: Any) -> None:
    tasks = tools.load(exported("label-studio"))
    assert [task["data"]["row_id"] for task in tasks] == ["r-1", "r-2", "r-3", "r-4"]
    assert "id" not in tasks[0]["data"] and "gold" not in json.dumps(tasks)
    assert tasks[1]["data"]["text"].endswith("second line ünïcødé 日本")
    guess = {"from_name": "labelkit_label", "to_name": "text", "type": "choices"}
    assert tasks[0]["predictions"] == [
        {
            "model_version": "labelkit llm_label",
            "score": 0.55,
            "result": [guess | {"value": {"choices": ["refund"]}}],
        }
    ]
    assert "predictions" not in tasks[2]


def test_blind_tasks_hold_no_guess(exported: Any) -> None:
    assert "predictions" not in json.dumps(tools.load(exported("label-studio", "--blind")))


def test_the_interface_asks_for_the_classes(labelkit: Any, rows: Path) -> None:
    classes = '"say ""no""",<b>&,$5,"a\nb",😀'
    result = labelkit("export", rows, "-o", "t.json", "--to", "label-studio", "--classes", classes)
    assert result.code == 0, result.err
    view = ElementTree.parse("t.config.xml").getroot()
    found = [choice.get("alias") or choice.get("value") for choice in view.iter("Choice")]
    assert found == ['say "no"', "<b>&", "$5", "a\nb", "😀"]
    # A value that begins with a dollar names a field that each task would need.
    values = [tag.get("value", "") for tag in view.iter()]
    assert [value for value in values if value.startswith("$")] == ["$text"]


def test_many_classes_are_chosen_from_a_list(labelkit: Any, rows: Path) -> None:
    classes = ",".join(f"c{i}" for i in range(77))
    labelkit("export", rows, "-o", "t.json", "--to", "label-studio", "--classes", classes)
    assert 'layout="select"' in Path("t.config.xml").read_text()


def test_a_class_that_xml_cannot_hold_is_refused(labelkit: Any, rows: Path) -> None:
    result = labelkit(
        "export", rows, "-o", "t.json", "--to", "label-studio", "--classes", "a,b\x1bc"
    )
    assert result.code == 1 and "'b\\x1bc' contains the character '\\x1b'" in result.err
    assert not Path("t.json").exists()


def test_guidelines_stand_above_the_text(labelkit: Any, rows: Path, write: Any) -> None:
    told = 'Judge the <wish>.\\n\\n Not "$5".'
    write("labelkit.toml", f'[task]\nclasses = [\'a\', \'b\']\nguidelines = """{told}"""\n')
    assert labelkit("export", rows, "-o", "t.json", "--to", "label-studio").code == 0
    view = ElementTree.parse("t.config.xml").getroot()
    assert [tag.tag for tag in view][:3] == ["Header", "Header", "Text"]
    assert [h.get("value") for h in view.iter("Header")] == ["Judge the <wish>.", 'Not "＄5".']


def test_other_columns_beside_the_text_have_titles(labelkit: Any, write: Any) -> None:
    write("t.csv", 'id,text,label,"Größe $x"\n1,hello,,5\n')
    show = ["--show", "label", "--show", "Größe $x"]
    result = labelkit("export", "t.csv", "-o", "t.json", "--to", "label-studio", *CLASSES, *show)
    assert result.code == 0, result.err
    data = tools.load("t.json")[0]["data"]
    assert data["text"] == "hello" and data["gr__e__x"] == "5" and data["label_2"] == ""
    view = ElementTree.parse("t.config.xml").getroot()
    assert [h.get("value") for h in view.iter("Header")] == ["text", "label", "Größe ＄x"]


def test_labels_of_several_people_skips_notes_and_time(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), SAID)
    result, answers = imported("label-studio", export, *CLASSES)
    assert said(answers) == [
        ("r-1", "refund", "1", 2.5),
        ("r-1", "other", "2", 4.0),
        ("r-2", None, "1", 9.0),
        ("r-3", "other", "1", 1.5),
    ]
    assert [a["label_note"] for a in answers] == [None, "not sure", None, None]
    assert (
        "import: 4 rows · 3 labels by 2 people · 1 skipped · 1 unanswered · "
        "50% of 2 suggestions accepted · 0.0 hours (4.2 s an answer) -> answers.jsonl"
    ) in result.err


def test_merge_takes_the_answers(exported: Any, imported: Any, labelkit: Any) -> None:
    imported("label-studio", tools.label_studio(exported("label-studio"), SAID))
    result = labelkit("merge", "rows.csv", "answers.jsonl", "-o", "merged.jsonl", *CLASSES)
    assert result.code == 0, result.err
    assert [row["label"] for row in tools.load("merged.jsonl")] == ["other", None, "other", None]
    assert "people disagree on 1 row" in result.err


def test_a_row_that_changed_since_is_refused(exported: Any, imported: Any, labelkit: Any) -> None:
    imported("label-studio", tools.label_studio(exported("label-studio"), SAID))
    changed = Path("rows.csv").read_text().replace("=1+1", "=1+2")
    Path("rows.csv").write_text(changed)
    result = labelkit("merge", "rows.csv", "answers.jsonl", "-o", "merged.jsonl")
    assert result.code == 1 and "'r-3' has changed in" in result.err


def test_the_latest_answer_of_a_person_counts(exported: Any, imported: Any) -> None:
    twice = [[Decision("refund"), Decision("other")], [Decision("other"), Decision("")], [], []]
    export = tools.label_studio(exported("label-studio"), twice)
    result, answers = imported("label-studio", export)
    assert [(a["id"], a["label"]) for a in answers] == [("r-1", "other"), ("r-2", None)]
    assert "2 replaced by a later answer of the same person" in result.err


def test_drafts_are_told(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), [[Decision("other")], [], [], []])
    export[1]["drafts"] = [{"id": 1, "result": []}]
    result, answers = imported("label-studio", export)
    assert len(answers) == 1 and "drafts (not submitted, not counted): 1" in result.err


def test_people_by_address(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), [[Decision("other")], [], [], []])
    export[0]["annotations"][0]["completed_by"] = {"id": 1, "email": "mira@example.com"}
    assert imported("label-studio", export)[1][0]["label_annotator"] == "mira@example.com"


def test_a_label_that_was_sent_along_keeps_its_annotator(labelkit: Any, imported: Any) -> None:
    row = {"id": "a", "text": "x", "label": "other", "label_annotator": "mira"}
    Path("in.jsonl").write_text(tools.lines([row]))
    labelkit("export", "in.jsonl", "-o", "t.json", "--to", "label-studio", *CLASSES)
    task = tools.load("t.json")[0]
    assert task["annotations"][0]["ground_truth"] is False
    # The server names who uploaded the file, and that nobody has worked on it.
    back = task["annotations"][0] | {"completed_by": 1, "updated_by": None, "lead_time": None}
    answers = imported("label-studio", [{"id": 1, **task, "annotations": [back]}])[1]
    assert said(answers) == [("a", "other", "mira", None)]
    back["updated_by"] = 1
    answers = imported("label-studio", [{"id": 1, **task, "annotations": [back]}])[1]
    assert said(answers) == [("a", "other", "1", None)]


@pytest.mark.parametrize("name", ["back.json", "back.csv", "back.tsv"])
def test_the_short_formats(exported: Any, imported: Any, name: str) -> None:
    export = tools.label_studio(exported("label-studio"), SAID)
    short = tools.label_studio_short(export)
    delimiter = "\t" if name.endswith("tsv") else ","
    content = short if name.endswith("json") else tools.table(short, delimiter)
    result, answers = imported("label-studio", content, *CLASSES, name=name)
    assert said(answers) == [
        ("r-1", "refund", "1", 2.5),
        ("r-1", "other", "2", 4.0),
        ("r-3", "other", "1", 1.5),
    ]
    assert "does not contain skipped rows; export it as JSON" in result.err


def test_the_short_formats_keep_the_annotator_of_a_label_sent_along(imported: Any) -> None:
    row = {"row_id": "a", "row_key": "id", "label_annotator": "mira", "labelkit_label": "other"}
    back = [row | {"annotator": 1, "lead_time": seconds} for seconds in (None, 2.0)]
    answers = imported("label-studio", back)[1]
    assert said(answers) == [("a", "other", "mira", None), ("a", "other", "1", 2.0)]


# -- what does not fit ---------------------------------------------------------------------------


def test_a_label_that_is_no_class(exported: Any, imported: Any) -> None:
    answered = [[Decision("refund")], [Decision("acount")], [], []]
    export = tools.label_studio(exported("label-studio"), answered)
    result, _ = imported("label-studio", export, *CLASSES)
    assert result.code == 1
    assert "the label 'acount' of 1 row (task 2: r-2) is not one of the classes" in result.err
    assert "did you mean 'account'?" in result.err
    result, answers = imported("label-studio", export, *CLASSES, "--unknown-label", "ignore")
    assert [a["label"] for a in answers] == ["refund", None]
    assert "1 left out (unknown class)" in result.err


def test_two_labels_in_one_answer(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), [[Decision("refund")], [], [], []])
    export[0]["annotations"][0]["result"][0]["value"]["choices"].append("other")
    result, _ = imported("label-studio", export, *CLASSES)
    assert result.code == 1 and "task 1 (r-1) has 2 labels ('refund', 'other'" in result.err
    short = tools.label_studio_short(export)
    short[0]["labelkit_label"] = json.dumps({"choices": ["refund", "other"]})
    result, _ = imported("label-studio", tools.table(short), *CLASSES, name="back.csv")
    assert result.code == 1 and "has 2 labels" in result.err


def test_a_control_of_another_name(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), SAID, control="mood")
    result, answers = imported("label-studio", export, *CLASSES)
    assert len(answers) == 4 and "from the control 'mood'" in result.err
    short = tools.table(tools.label_studio_short(export, control="mood"))
    result, _ = imported("label-studio", short, name="back.csv")
    assert result.code == 1 and "no column 'labelkit_label' with answers" in result.err
    assert "--label-field NAME" in result.err and "mood" in result.err
    result, answers = imported("label-studio", short, "--label-field", "mood", name="back.csv")
    assert len(answers) == 3


def test_several_controls(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), SAID, control="mood")
    other = {"from_name": "topic", "to_name": "text", "type": "choices"}
    export[0]["annotations"][0]["result"].append(other | {"value": {"choices": ["x"]}})
    result, _ = imported("label-studio", export)
    assert result.code == 1 and "several controls have choices" in result.err
    result, _ = imported("label-studio", export, "--label-field", "moot")
    assert result.code == 1 and "did you mean 'mood'?" in result.err
    assert imported("label-studio", export, "--label-field", "topic")[1][0]["label"] == "x"


def test_a_control_that_chooses_no_class(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), SAID)
    for task in export:
        for annotation in task["annotations"]:
            annotation["result"] = [
                {"from_name": "stars", "type": "rating", "value": {"rating": 4}}
            ]
    result, _ = imported("label-studio", export)
    assert result.code == 1 and "no control has choices (controls: stars (rating))" in result.err


def test_fields_that_the_short_format_has_overwritten(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), SAID)
    for task in export:
        task["data"]["id"] = task["data"].pop("row_id")
        del task["data"]["row_key"]
    short = tools.label_studio_short(export)
    result, _ = imported("label-studio", short)
    assert result.code == 1 and "'id' is Label Studio's own number for the task" in result.err
    assert "export it as JSON" in result.err
    assert [a["id"] for a in imported("label-studio", export)[1]][:2] == ["r-1", "r-1"]
    result, _ = imported("label-studio", short, "--label-field", "row_id")
    assert result.code == 1 and "overwrites that field" in result.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "back.json: the file is empty"),
        ('[{"id": 1, "annotations": [', "line 1, column 28 is not JSON"),
        ('{"id": 1}', "not a list of tasks"),
        ('[{"id": 7, "annotations": [], "data": {"text": "x"}}]', "task 7 has no field 'row_id'"),
        ('[{"id": 7, "annotations": [3], "data": {"row_id": "x"}}]', "task 7 is not a task of"),
        ('[{"id": 7, "annotations": [], "data": {"row_id": ""}}]', "task 7 has an empty key"),
    ],
)
def test_files_that_are_no_export(imported: Any, content: str, told: str) -> None:
    result, _ = imported("label-studio", content)
    assert result.code == 1 and told in result.err


def test_nothing_annotated_is_said(imported: Any) -> None:
    result, answers = imported("label-studio", "[]")
    assert result.code == 0 and not answers and "import: 0 rows · 0 labels" in result.err
