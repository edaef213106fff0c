"""Task files as editors save them, with classes of any type."""

from pathlib import Path
from typing import Any

import pytest

from labelkit.config import task_file
from labelkit.errors import UsageError

TEXT = """
[task]
text = "text"
classes = {classes}
[task.descriptions]
{first} = "bad"
{second} = "good"
[[task.example]]
text = "fine"
label = {second}
[[weak-label.rule]]
label = {first}
any_of = ["dull"]
[[weak-label.rule]]
label = {second}
any_of = ["fine"]
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(
    ("first", "second"), [("0", "1"), ("-1", "1"), ("false", "true"), ("2020", "2021")]
)
def test_numbers_and_booleans_are_names_of_classes(
    encoding: str, first: str, second: str, write: Any, labelkit: Any
) -> None:
    text = TEXT.format(classes=f"[{first}, {second}]", first=first, second=second)
    path = write("labelkit.toml", text.encode(encoding))
    task = task_file.load(path)
    assert task.descriptions == {first: "bad", second: "good"}
    assert task.examples == [{"text": "fine", "label": second}]
    write("in.csv", "id,text\n1,a dull day\n2,a fine day\n")
    done = labelkit("weak-label", "in.csv", "-o", "o.csv")
    assert done.code == 0, done.err
    rows = Path("o.csv").read_text().splitlines()[1:]
    assert [row.split(",")[2] for row in rows] == [first, second]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "[task]\n".encode("utf-16"),
            "my task.toml is UTF-16, but a task file must be UTF-8; save it as UTF-8, for example: "
            "iconv -f UTF-16 -t UTF-8 'my task.toml' > 'my task.utf-8.toml'",
        ),
        (
            "[task]\nname = 'caf\u00e9'\n".encode("cp1252"),
            "my task.toml is not UTF-8 (line 2); save it as UTF-8, for example: "
            "iconv -f cp1252 -t UTF-8 'my task.toml' > 'my task.utf-8.toml'",
        ),
    ],
)
def test_a_task_file_in_another_encoding_says_how_to_convert_it(
    data: bytes, message: str, tmp_path: Path
) -> None:
    Path("my task.toml").write_bytes(data)
    with pytest.raises(UsageError) as error:
        task_file.load(Path("my task.toml"))
    assert str(error.value) == message


def test_a_task_file_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a regular file, and it is read more than once"):
        task_file.load(tmp_path)


@pytest.mark.parametrize(
    ("command", "line", "message"),
    [
        ("weak-label", "functions = 3", "functions = 3: give the name of a file, in quotes"),
        ("weak-label", "functions = true", "functions = true: give the name of a file, in quotes"),
        ("decide", "answers = [4]", "answers = [4]: give the name of a file, in quotes"),
        ("query", 'n = "x"', 'n = "x": give a whole number'),
        ("query", "n = true", "n = true: give a whole number"),
        ("query", "n = 2.5", "n = 2.5: give a whole number"),
        ("query", "n = [1, 2]", "n = [1, 2]: give a whole number"),
        ("decide", 'threshold = "much"', 'threshold = "much": give a number'),
        ("decide", "own-model = 3", "own-model = 3: give true or false"),
        ("decide", "policy = 3", "policy = 3: '3' is not one of 'combine', 'priority'"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_file_line_table_and_key(
    command: str, line: str, message: str, labelkit: Any, write: Any
) -> None:
    write("data.csv", "id,text\n1,good\n2,bad\n")
    write("labelkit.toml", f"[task]\ntext = ['text']\n[{command}]\n{line}\n")
    done = labelkit(command, "data.csv", "-o", "out.csv")
    assert (done.code, done.err) == (2, f"error: labelkit.toml, line 4: [{command}] {message}\n")


def test_a_wrong_value_of_the_command_line_is_not_the_task_files(labelkit: Any, write: Any) -> None:
    write("data.csv", "id,text\n1,good\n2,bad\n")
    write("labelkit.toml", "[query]\nn = 3\n")
    done = labelkit("query", "data.csv", "-o", "out.csv", "-n", "x")
    assert done.code == 2 and "labelkit.toml" not in done.err and "'-n' / '--n'" in done.err
