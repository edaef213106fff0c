"""Which of several answers to a row counts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.merge.vote import Answer, choose

answers = st.lists(
    st.builds(
        Answer,
        row=st.integers(0, 3),
        who=st.sampled_from(["ann", "bob", "cy"]),
        label=st.sampled_from("ab"),
    ),
    max_size=20,
)


def test_the_latest_answer_counts() -> None:
    given = [Answer(0, "ann", "a"), Answer(0, "bob", "b")]
    assert choose(given, "latest").winner == {0: 1}
    assert choose(given, "latest").disputed == {0: [("ann", "a"), ("bob", "b")]}


def test_who_changes_their_mind_has_one_voice_and_disputes_nothing() -> None:
    given = [Answer(0, "ann", "a"), Answer(0, "ann", "b")]
    assert choose(given, "majority").winner == {0: 1}
    assert choose(given, "majority").disputed == {}


def test_the_majority_counts_and_a_tie_has_no_winner() -> None:
    given = [Answer(0, "ann", "a"), Answer(0, "bob", "a"), Answer(0, "cy", "b")]
    assert choose(given, "majority").winner == {0: 1}
    for prefer in ("majority", "consensus"):
        tie = choose(given[1:], prefer)
        assert (tie.winner, tie.ties) == ({}, {0: 1})
        assert tie.sure.get(0, 0.0) == 0
        assert tie.disputed == {0: [("bob", "a"), ("cy", "b")]}


def test_labels_that_the_file_had_count_until_there_is_a_tie() -> None:
    given = [Answer(0, "ann", "a"), Answer(0, "bob", "b")]
    assert choose(given, "majority", earlier=1).winner == {0: 1}
    given += [Answer(0, "cy", "a")]
    assert choose(given, "majority", earlier=1).winner == {0: 0}
    given += [Answer(0, "dan", "c"), Answer(0, "eve", "b"), Answer(0, "fay", "c")]
    assert choose(given, "majority", earlier=1).ties == {0: 5}


@settings(deadline=None)
@given(answers, st.sampled_from(("latest", "majority", "consensus")))
def test_each_row_gets_somebody_s_last_word(given: list[Answer], prefer: str) -> None:
    chosen = choose(given, prefer)
    assert {*chosen.winner, *chosen.ties} == {answer.row for answer in given}
    assert not set(chosen.winner) & set(chosen.ties)
    assert set(chosen.ties) <= set(chosen.disputed)
    for row, place in chosen.winner.items():
        winner = given[place]
        assert winner.row == row
        assert all((later.row, later.who) != (row, winner.who) for later in given[place + 1 :])
    assert choose([*reversed(given)], "latest").ties == {}


def test_the_consensus_learns_whom_to_trust() -> None:
    given = [
        Answer(row, who, "a" if row % 2 else "b") for row in range(40) for who in ("ann", "bob")
    ]
    given += [Answer(row, "cy", "a" if row % 3 else "b") for row in range(40)]
    given += [Answer(50, "cy", "a"), Answer(50, "ann", "b")]
    chosen = choose(given, "consensus")
    assert given[chosen.winner[50]] == Answer(50, "ann", "b")
    assert 0.5 < chosen.sure[50] < chosen.sure[1] < 1
    assert chosen.disputed[50] == [("cy", "a"), ("ann", "b")]
