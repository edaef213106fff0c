"""export and import: which rows, which keys, which classes; what is refused before any work."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelkit.config.plugins import names
from tests.interop import tools
from tests.interop.conftest import CLASSES
from tests.interop.tools import Decision


def test_the_road_from_query_to_merge(labelkit: Any, imported: Any, write: Any) -> None:
    lines = [f"text number {i} of the file,{'ab'[i % 2]}" for i in range(60)]
    write("data.csv", "text,llm_label\n" + "\n".join(lines) + "\n")
    asked = [
        "--strategy",
        "random",
        "--label",
        "llm_label",
        "-n",
        "6",
        "--audit",
        "4",
        "--batch",
        "todo.csv",
    ]
    result = labelkit("query", "data.csv", "-o", "q.csv", *asked)
    assert result.code == 0, result.err
    result = labelkit("export", "todo.csv", "-o", "tasks.json", "--to", "label-studio")
    assert result.code == 0 and "classes taken from the file's labels: a, b" in result.err
    data = [task["data"] for task in tools.load("tasks.json")]
    assert {row["row_key"] for row in data} == {"row"}
    assert sorted(row["label_origin"] for row in data) == ["audit"] * 4 + ["query"] * 6
    export = tools.label_studio("tasks.json", [[Decision("a")] for _ in data])
    answers = imported("label-studio", export, "--classes", "a,b")[1]
    assert [a["row"] for a in answers] == [row["row_id"] for row in data]
    result = labelkit("merge", "q.csv", "answers.jsonl", "--batch", "todo.csv", "-o", "m.jsonl")
    assert result.code == 0, result.err
    merged = tools.load("m.jsonl")
    assert sum(row["label"] == "a" for row in merged) == 10
    assert sum(row["label_origin"] == "audit" for row in merged) == 4


def test_an_own_key_keeps_its_name(labelkit: Any, imported: Any, write: Any) -> None:
    path = write("t.csv", "number,text\n007,hello\n")
    labelkit("export", path, "-o", "t.json", "--to", "label-studio", "--id", "number", *CLASSES)
    export = tools.label_studio("t.json", [[Decision("other")]])
    result, answers = imported("label-studio", export)
    assert answers[0]["number"] == "007"
    assert "file: labelkit merge DATA answers.jsonl -o LABELLED --id number" in result.err
    result, _ = imported("label-studio", export, "--id", "txt")
    assert result.code == 1 and "key column 'number', but --id is 'txt'" in result.err


def test_tasks_of_several_files_are_not_mixed(imported: Any) -> None:
    tasks = [{"data": {"row_id": "1", "row_key": key}, "id": 1, "annotations": []} for key in "ab"]
    result, _ = imported("label-studio", tasks)
    assert result.code == 1 and "different key columns (a, b)" in result.err


@pytest.mark.parametrize("tool", names("to"))
def test_the_same_twice_and_from_any_format(labelkit: Any, rows: Path, tool: str) -> None:
    labelkit("weak-label", rows, "-o", "rows.parquet", "--keyword", "refund=money", *CLASSES)
    written = []
    for source in ("rows.parquet", "rows.parquet", "rows.csv"):
        name = "out.csv" if tool == "csv" else f"out{len(written)}" if tool == "hf" else "out.json"
        result = labelkit("export", source, "-o", name, "--to", tool, *CLASSES, "--blind")
        assert result.code == 0, result.err
        part = Path(name) / "data/train-00000-of-00001.parquet" if tool == "hf" else Path(name)
        written.append(part.read_bytes())
    assert written[0] == written[1]
    assert tool == "hf" or written[0] == written[2]


def test_where_and_no_text(labelkit: Any, write: Any) -> None:
    path = write("t.csv", "id,hours,pressure,label\n1,5,2.0,\n2,9,3.5,worn\n")
    result = labelkit("export", path, "-o", "t.jsonl", "--to", "prodigy", "--where", "hours > 6")
    assert result.code == 0, result.err
    (task,) = tools.load("t.jsonl")
    assert task["text"] == "hours: 9\npressure: 3.5"
    assert (task["accept"], task["answer"]) == (["worn"], "accept")


def test_to_stdout(labelkit: Any, rows: Path) -> None:
    result = labelkit("export", rows, "-o", "-", "--to", "doccano", *CLASSES)
    assert [json.loads(line)["row_id"] for line in result.out.splitlines()] == [
        "r-1", "r-2", "r-3", "r-4",
    ]  # fmt: skip
    result = labelkit("import", "-", "-o", "-", "--from", "doccano", stdin=result.out)
    assert result.code == 0 and result.out.startswith("id,row_check,label")
    for tool in ("label-studio", "hf"):
        result = labelkit("export", rows, "-o", "-", "--to", tool, *CLASSES)
        assert result.code == 2 and not result.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rows.csv", "--to", "prodigy"], "export needs -o FILE"),
        (["rows.csv", "-o", "x", "--to", "prodgy"], "'prodgy' is not known; did you mean"),
        (["rows.csv", "-o", "rows.csv", "--to", "csv"], "is the input"),
        (["rows.csv", "-o", "no/x.json", "--to", "argilla"], "there is no folder no"),
        (["rows.csv", "-o", "x", "--to", "doccano", "--show", "txt"], "has no column 'txt'"),
        (
            ["rows.csv", "-o", "x", "--to", "doccano", "--label", "gold", "--classes", "a,b"],
            "'refund'",
        ),
    ],
)
def test_refused_exports(labelkit: Any, rows: Path, arguments: list[str], told: str) -> None:
    before = rows.read_bytes()
    result = labelkit("export", *arguments)
    assert result.code in (1, 2) and told in result.err
    assert rows.read_bytes() == before and sorted(p.name for p in Path().iterdir()) == ["rows.csv"]


def test_refused_imports(labelkit: Any, write: Any) -> None:
    path = write("back.json", "[]")
    result = labelkit("import", path, "--from", "label-studio")
    assert result.code == 2 and "import needs -o ANSWERS" in result.err
    result = labelkit("import", path, "-o", path, "--from", "label-studio")
    assert result.code == 2
    result = labelkit("import", "bakc.json", "-o", "a.csv", "--from", "label-studio")
    assert (
        result.code == 1 and "there is no file bakc.json; did you mean 'back.json'?" in result.err
    )
    result = labelkit("import", path, "-o", "a.csv")
    assert result.code == 2 and "--from" in result.err


def test_no_classes_and_names_of_ours(labelkit: Any, write: Any) -> None:
    path = write("t.csv", "id,text\n1,hello\n")
    result = labelkit("export", path, "-o", "t.json", "--to", "label-studio")
    assert result.code == 2 and "--classes A,B" in result.err
    path = write("t.csv", "id,row_id,text\n1,2,hello\n")
    result = labelkit("export", path, "-o", "t.json", "--to", "label-studio", *CLASSES)
    assert result.code == 2 and "already has a column 'row_id'" in result.err
    path = write("t.csv", "id,text\n1,hello\n1,there\n")
    result = labelkit("export", path, "-o", "t.json", "--to", "label-studio", *CLASSES)
    assert result.code == 1 and "duplicate key '1'" in result.err


def test_classes_and_hints_of_the_task_file(labelkit: Any, rows: Path, write: Any) -> None:
    write(
        "labelkit.toml",
        '[task]\nclasses = ["two\\nlines", "a, b"]\n[task.descriptions]\n"a, b" = "if so"\n',
    )
    result = labelkit("export", rows, "-o", "t.json", "--to", "label-studio")
    assert result.code == 0, result.err
    assert '<Choice value="a, b" hint="if so"/>' in Path("t.config.xml").read_text()
    assert '<Choice value="two&#10;lines"/>' in Path("t.config.xml").read_text()


def broken(found: Any) -> Iterator[Any]:
    """Yield the same with one value after the other replaced by one of another kind."""
    junk = itertools.cycle([3, [], {}, "x", [None], {"a": 1}, None, [[]]])
    for key, value in list(enumerate(found) if isinstance(found, list) else found.items()):
        for other in ([next(junk)], broken(value) if isinstance(value, list | dict) else []):
            for one in other:
                copy = found.copy()
                copy[key] = one
                yield copy


@pytest.mark.parametrize("tool", ["label-studio", "prodigy", "doccano", "argilla"])
def test_files_of_another_shape(exported: Any, imported: Any, tool: str) -> None:
    back = tools.load(exported(tool))
    if tool == "label-studio":
        back = tools.label_studio("tasks.json", [[Decision("refund")], [], [], []])
    for found in broken(back[:1]):
        assert "internal error" not in imported(tool, found)[0].err
    for other in names("from"):
        assert "internal error" not in imported(other, back)[0].err


def test_nothing_steers_the_terminal(labelkit: Any, imported: Any) -> None:
    task = {"id": 1, "data": {"row_id": "\x1b[2Jkey"}, "annotations": [{"completed_by": 1}]}
    chosen = {"from_name": "labelkit_label", "type": "choices", "value": {"choices": ["\x1b[2J"]}}
    task["annotations"] = [{"completed_by": 1, "result": [chosen]}]
    for more in (["--classes", "a,b"], []):
        result, _ = imported("label-studio", [task], *more)
        assert "\x1b" not in result.err
    task["data"] = {"\x1b[2J": "x"}
    assert "\x1b" not in imported("label-studio", [task])[0].err


def test_the_history_and_the_summary(exported: Any, imported: Any) -> None:
    export = tools.label_studio(exported("label-studio"), [[Decision("refund")], [], [], []])
    imported("label-studio", export, "--summary", "s.json")
    found = json.loads(Path("s.json").read_text())
    assert (found["labels"], found["unanswered"], found["people_seconds"]) == (1, 3, 1.5)
    assert (found["suggestions"], found["suggestions_accepted"]) == (1, 1)
    step = json.loads(Path("answers.jsonl.history.json").read_text())["steps"][-1]
    assert step["command"] == "import" and step["cost"] == {"people_seconds": 1.5}
