"""What people are shown: nothing in it steers a terminal, and columns line up."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit import console

EVIL = "\x1b[31mred\x1b[2J\x07\x9b5m\u202etxt"
HOSTILE = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *"\u200b\u2028\u2029\u202e\u2066"}
texts = st.text(st.one_of(st.sampled_from(sorted(HOSTILE)), st.characters()), max_size=30)


def steers(text: str) -> set[str]:
    return HOSTILE & set(text) - {"\n", "\t"}


@given(texts, st.integers(1, 20))
def test_a_cell_is_one_line_that_fits(text: str, width: int) -> None:
    shown = console.clean(text, width)
    assert not HOSTILE & set(shown)
    assert console.cells_of(shown) <= max(width, 1)


@given(texts)
def test_nothing_that_is_said_steers_a_terminal(text: str) -> None:
    with console.keeping() as said:
        for speak in (console.say, console.note, console.warn, console.error, console.next_step):
            speak(text)
        console.table(text, [text, "n"], [[text, 1]])
    assert not any(map(steers, said))


@given(texts)
def test_what_goes_to_programs_is_exact_and_steers_no_terminal(text: str) -> None:
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lines.append)
        console.data_json({text: [text]})
    assert not HOSTILE & set(lines[0])
    assert json.loads(lines[0]) == {text: [text]}


@pytest.mark.parametrize("word", ["می\u200cخواهم", "👨\u200d👩\u200d👧\u200d👦", "क्\u200dष"])
def test_joiners_stay_in_words_and_emoji(word: str) -> None:
    assert console.clean(word) == word
    assert console.lines_for_terminal(word) == word
    assert console.clean(f"\u200f{word}\u200e") == word


def test_columns_line_up_by_the_cells_of_the_terminal(capsys: Any) -> None:
    rows = [["日本", 1], ["👨\u200d👩\u200d👧\u200d👦", 22], ["می\u200cخواهم", 333], ["abc", 4]]
    console.data_table(["名", "rows"], rows)
    lines = capsys.readouterr().out.splitlines()
    assert {console.cells_of(line) for line in lines} == {13}
    assert lines[:3] == ["名       rows", "───────  ────", "日本        1"]
    console.data_table([EVIL], [["x"]])
    assert not steers(capsys.readouterr().out)


@pytest.mark.parametrize(
    "args",
    [
        ("weak-label", "in.csv", "-o", "o.csv", "--text", "nope"),
        ("weak-label", "in.csv", "-o", "o.csv", "--from-votes", "vote"),
        ("evaluate", "in.csv", "--gold", "label", "--label", "vote"),
        ("evaluate", "in.csv", "--gold", "label", "--label", "vote", "--json"),
        ("query", "in.csv", "-o", "o.csv", "--classes", "a,b"),
        ("merge", "in.csv", "answers.csv", "-o", "o.csv"),
        ("weak-label", "in.csv", "-o", f"no/{EVIL.strip(chr(0))}.csv", "--keyword", "a=b"),
        ("history", f"{EVIL}.csv"),
        (EVIL,),
        ("query", f"--{EVIL}"),
    ],
)
def test_names_cells_and_arguments_steer_no_terminal(
    args: tuple[str, ...], write: Any, labelkit: Any
) -> None:
    rows = [f"{EVIL}{i},{EVIL},{'ab'[i % 2]}{EVIL},a{EVIL}" for i in range(4)]
    write("in.csv", f"id,{EVIL},label,vote\n" + "\n".join(rows) + "\n")
    write("answers.csv", f"id,label\n{EVIL}0,a\nother{EVIL},b\n")
    done = labelkit(*args)
    assert done.out + done.err
    assert not steers(done.out + done.err)


@pytest.mark.parametrize(
    ("text", "shown", "kept"),
    [
        (
            "ask 'https://u:p@h/v1?api_key=X&page=2#f' now",
            "ask 'https://***@h/v1?api_key=***&page=2#f' now",
            "ask 'https://***@h/v1?api_key=***&page=***#f' now",
        ),
        ("http://h/?TOKEN=a%20b", "http://h/?TOKEN=***", "http://h/?TOKEN=***"),
        ("http://h/v1?X", "http://h/v1?X", "http://h/v1?***"),
        ("key=1 a@b.c ?token=x", "key=1 a@b.c ?token=x", "key=1 a@b.c ?token=x"),
        ("https://h/p?keyword=win", "https://h/p?keyword=win", "https://h/p?keyword=***"),
    ],
)
def test_secrets_of_urls_are_neither_shown_nor_kept(text: str, shown: str, kept: str) -> None:
    assert console.lines_for_terminal(text) == shown
    assert console.without_secrets(text) == kept


CELLS = (st.text(max_size=30), st.integers(0, 10**9), st.floats(0, 1), st.text(max_size=70))


@given(st.lists(st.tuples(*CELLS), min_size=1, max_size=5), st.integers(60, 200))
def test_a_table_is_as_wide_as_the_terminal_at_most(rows: list[Any], room: int) -> None:
    header = ["name", "count", "share", "a text that may be long"]
    twice = [[*row, *row[1:]] for row in rows]
    lines = console.table_lines("", [*header, *header[1:]], twice, room)
    assert max(map(console.cells_of, lines)) <= room
    shown = "\n".join(lines)
    for _, count, share, _ in rows:
        assert shown.count(f"{count:,}") >= 2 and shown.count(f"{share:.3f}") >= 2


def test_names_with_line_ends_stay_on_their_line(write: Any, labelkit: Any) -> None:
    write("in.csv", 'id,text,"vo\nte"\n1,good,"two\nlines"\n2,bad,one\n')
    done = labelkit("weak-label", "in.csv", "-o", "o.csv", "--from-votes", "vo\nte", "--no-task")
    assert done.code == 0, done.err
    assert "1 labeling function, classes one, two⏎lines\n" in done.err
    done = labelkit("weak-label", "in.csv", "-o", "o.csv", "--text", "nope", "--keyword", "a=b")
    assert "(columns: id, text, vo⏎te)" in done.err


@pytest.mark.parametrize(
    ("number", "nouns", "verb", "words"),
    [
        (1, "rows", "", "1 row"),
        (0, "rows", "are", "0 rows are"),
        (1, "further classes", "have", "1 further class has"),
        (1, "entries", "do", "1 entry does"),
        (1, "further ties", "", "1 further tie"),
        (1, "guesses", "hold", "1 guess holds"),
        (12345, "labels", "were", "12,345 labels were"),
    ],
)
def test_a_number_agrees_with_its_noun_and_verb(
    number: int, nouns: str, verb: str, words: str
) -> None:
    assert console.count(number, nouns, verb) == words
