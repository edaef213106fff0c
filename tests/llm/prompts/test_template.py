"""A prompt of the user's own, and what the task file says of the task."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.llm.conftest import ChatServer, rows_of

FILMS = "id,film title,review,gold,year\n1,Up,good fun,POSITIVE,2009\n2,<row>,bad $year,NEGATIVE,\n"
BINARY = ["--classes", "NEGATIVE,POSITIVE"]
TEMPLATE = """You know films. A $$ sign is money.
$classes

A review of ${film title} ($year):
$review
What do its words say?
"""

Label = Callable[..., Any]
Write = Callable[..., Path]


def test_a_template_of_the_users_own(label: Label, write: Write, chat_server: ChatServer) -> None:
    result = label(write("films.csv", FILMS), *BINARY, "--template", write("my.txt", TEMPLATE))
    assert result.code == 0, result.err
    assert [row["llm_label"] for row in rows_of("out.csv")] == ["POSITIVE", "NEGATIVE"]
    one, two = sorted(
        (body["messages"] for body in chat_server.seen["bodies"]), key=lambda m: m[1]["content"]
    )
    assert one[0] == two[0]  # the same beginning for every row
    assert one[0]["content"].startswith(
        "You know films. A $ sign is money.\n- NEGATIVE\n- POSITIVE\n\nThe row stands between"
    )
    assert '"label": "<one of: NEGATIVE, POSITIVE>"' in one[0]["content"]
    assert two[1]["content"] == (
        "A review of <row>Up</row> (<row>2009</row>):\n<row>good fun</row>\nWhat do its words say?"
    )
    assert one[1]["content"].startswith(
        "A review of <row>&lt;row></row> (<row></row>):\n<row>bad $year</row>\n"
    )


def test_it_may_stand_in_the_task_file_and_be_seen(
    label: Label, write: Write, chat_server: ChatServer
) -> None:
    write("sub/my.txt", "Judge: $text")
    task = write(
        "sub/task.toml",
        '[task]\ntext = ["review"]\nclasses = ["NEGATIVE", "POSITIVE"]\n'
        '[[task.example]]\ntext = "Dull."\nlabel = "NEGATIVE"\n'
        '[llm-label]\ntemplate = "my.txt"\n',
    )
    result = label(write("films.csv", FILMS), "--task", task, "--show-prompt")
    assert result.code == 0
    assert (
        '[user]\nJudge: <row>Dull.</row>\n\n[assistant]\n{"label": "NEGATIVE"}\n\n'
        "[user]\nJudge: <row>good fun</row>\n" in result.err
    )
    assert chat_server.seen["requests"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n$reveiw", "my.txt, line 2: $reveiw is no column; did you mean 'review'? (columns: id"),
        ("costs $ 5 $review", "line 1: a $ that begins no placeholder ($name or ${film title})"),
        ("Is it good?", "shows no column: every row would be asked the same. Write $NAME where"),
        (b"\xff$review", "my.txt is not UTF-8 text"),
    ],
)
def test_a_template_that_cannot_be(
    label: Label, write: Write, text: str | bytes, message: str
) -> None:
    result = label(write("films.csv", FILMS), *BINARY, "--template", write("my.txt", text))
    assert result.code == 2
    assert message in result.err
    assert not Path("out.csv").exists()


def test_a_missing_file_and_a_column_that_gives_the_answer_away(label: Label, write: Write) -> None:
    films = write("films.csv", FILMS)
    result = label(films, *BINARY, "--template", "no.txt")
    assert (result.code, "no.txt cannot be read: No such file" in result.err) == (2, True)
    result = label(films, *BINARY, "--template", write("my.txt", "$gold $review"), "--show-prompt")
    assert "warning: --template" in result.err and "shows the model gold" in result.err


def test_edge_cases_of_the_task_file(label: Label, write: Write, chat_server: ChatServer) -> None:
    write(
        "labelkit.toml",
        '[task]\ntext = ["review"]\nclasses = ["NEGATIVE", "POSITIVE"]\nguidelines = "Judge."\n'
        'edge_cases = ["Irony counts as what is meant.", "A mere plot is NEGATIVE."]\n',
    )
    assert label(write("films.csv", FILMS)).code == 0
    assert (
        "Guidelines:\nJudge.\n\nEdge cases:\n- Irony counts as what is meant.\n"
        "- A mere plot is NEGATIVE.\n\nThe row stands"
        in chat_server.seen["bodies"][0]["messages"][0]["content"]
    )
