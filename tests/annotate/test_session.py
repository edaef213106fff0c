"""The logic of a session, without any screen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.annotate.journal import Journal
from labelkit.annotate.row import RowInfo, Suggestion
from labelkit.annotate.row_answer import UNANSWERED, answered_keys
from labelkit.annotate.row_order import FileOrder
from labelkit.annotate.session import Session
from labelkit.data.answers_journal import read_entries
from labelkit.errors import LabelkitError, UsageError

KEYS = ["r0", "r1", "r2", "r3", "r4", "r5"]
PLACE = {key: row for row, key in enumerate(KEYS)}
SAME = {1: [4], 4: [1]}


class RowTable:
    """Six rows, of which r1 and r4 look the same."""

    is_batch = True
    keys = KEYS
    index_by_key = PLACE

    def row_info(self, row: int) -> RowInfo:
        guess = Suggestion("a", 0.9, "guess") if row % 2 == 0 else None
        return RowInfo("audit" if row == 4 else "query", "", guess)

    def copies(self, row: int) -> list[int]:
        return SAME.get(row, [])


class Clock:
    """Tells the time that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(tmp_path: Path, clock: Clock) -> Callable[..., Session]:
    """Begin or go on with a session on the same journal."""
    journals: list[Journal] = []

    def begin(**options: Any) -> Session:
        for earlier in journals:
            earlier.close()
        journals[:] = [Journal(tmp_path / "j", {"file": "f", "content": "c", "key": "id"})]
        table: Any = RowTable()
        order = FileOrder(table, range(6))
        classes = options.pop("classes", ["a", "b"])
        return Session(table, order, classes, journals[0], clock=clock, total=6, **options)

    return begin


def labels(session: Session) -> dict[str, str]:
    return {KEYS[row]: said.label for row, said in sorted(session.answers.items()) if said.label}


def test_rows_come_in_order_with_their_time(start: Any, clock: Clock) -> None:
    session = start(who="ann")
    assert session.current == 0
    clock.now = 2.5
    session.decide("b")
    assert session.current == 1
    assert session.answers[0]._replace(skipped=False) == UNANSWERED._replace(
        label="b", origin="query", shown=(2.5,), who="ann"
    )
    progress = session.progress()
    assert (progress.done, progress.total, progress.pace, progress.left) == (1, 6, 2.5, 12.5)


def test_enter_takes_the_guess_where_there_is_one(start: Any) -> None:
    session = start()
    assert session.accept()
    assert labels(session) == {"r0": "a"}
    assert not session.accept()
    assert session.current == 1
    assert (session.offered, session.accepted) == (1, 1)
    session.undo()
    assert (session.offered, session.accepted) == (0, 0)
    session.decide("b")
    assert (session.offered, session.accepted) == (1, 0)


def test_blind_there_is_no_guess(start: Any) -> None:
    session = start(blind=True)
    assert session.row_info().suggestion is None
    assert not session.accept()


def test_a_label_outside_the_classes_is_refused(start: Any) -> None:
    session = start(classes=["good", "bad"])
    with pytest.raises(UsageError, match=r"'goood' .* did you mean 'good'"):
        session.decide("goood")
    assert session.current == 0
    assert session.answers == {}


def test_a_break_is_no_work_and_skipped_and_undone_rows_took_time(start: Any, clock: Clock) -> None:
    session = start()
    for seconds, act in ((3, "a"), (4, None), (3600, "b"), (5, "undo"), (2, "a"), (3, "b")):
        clock.now += seconds
        if act == "undo":
            session.undo()
        elif act is None:
            session.skip()
        else:
            session.decide(act)
    assert session.current == 5 and labels(session) == {"r0": "a", "r2": "a", "r3": "b"}
    took = session.worked()
    assert (took[0], took[1], took[3]) == (3, 4, 3)
    assert 2 < took[2] < 60, "an hour away is no hour of work; what was undone was"
    assert start().worked() == took


def test_rows_that_look_the_same_are_answered_together_and_keep_their_origin(start: Any) -> None:
    session = start()
    session.skip()
    assert session.copies() == [4]
    session.decide("b")
    assert labels(session) == {"r1": "b", "r4": "b"}
    assert session.answers[4].origin == "audit"
    assert (session.answers[4].is_copy, session.answers[4].shown) == (True, ())
    assert session.labels_given() == 1
    session.undo()
    assert session.current == 1
    session.with_copies = False
    session.decide("a")
    assert labels(session) == {"r1": "a"}


def test_undo_goes_back_over_restarts_and_brings_the_row_back(start: Any) -> None:
    session = start()
    session.decide("a")
    session.skip()
    session.flag()
    session = start()
    assert session.current == 2
    assert session.answers[2].flag
    assert session.undo() == 2
    assert not session.answers[2].flag
    assert session.undo() == 1
    session = start()
    assert session.undo() == 0
    assert labels(session) == {}
    assert session.undo() is None
    session.decide("b")
    assert session.current == 1
    assert labels(start()) == {"r0": "b"}


def test_flags_and_notes_stay_on_the_row(start: Any) -> None:
    session = start()
    assert session.flag()
    session.note("  unclear ")
    session.decide("a")
    said = session.answers[0]
    assert (said.label, said.flag, said.note) == ("a", True, "unclear")


def test_flagged_rows_are_asked_again_and_a_new_answer_settles_them(start: Any) -> None:
    session = start()
    session.flag()
    session.decide("a")
    session.decide("a")
    session = start(redo="flagged")
    assert session.current == 0
    assert session.current_answer().label == "a"
    assert session.progress().total == 1
    session.decide("b")
    assert session.current is None
    assert labels(session)["r0"] == "b"
    assert not session.answers[0].flag
    session.undo()
    assert (session.current, session.answers[0].label, session.answers[0].flag) == (0, "a", True)


def test_skipped_rows_are_asked_again(start: Any) -> None:
    session = start()
    session.skip()
    session.decide("a")
    session = start(redo="skipped")
    assert session.current == 0
    session.skip()
    assert session.current is None
    assert start().current == 2
    with pytest.raises(UsageError, match="choose flagged or skipped"):
        start(redo="all")


def test_answers_of_other_classes_are_refused(start: Any) -> None:
    start(classes=["good", "bad"]).decide("good")
    with pytest.raises(LabelkitError, match="contain 'good', which is not among the classes a, b"):
        start()


ACTS = st.lists(st.sampled_from(["a", "b", "skip", "flag", "note", "undo", "="]), max_size=25)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_the_journal_alone_tells_what_was_said(start: Any, tmp_path: Path, acts: list[str]) -> None:
    (tmp_path / "j").unlink(missing_ok=True)
    session = start()
    history = [dict(session.answers)]
    for act in acts:
        if session.current is None and act != "undo":
            break
        if act in ("a", "b"):
            session.decide(act)
        elif act == "=":
            session.with_copies = False
            continue
        elif act == "note":
            session.note(f"note {len(history)}")
        else:
            getattr(session, act)()
        if act == "undo":
            history = history[:-1] or history
            assert _known(session.answers) == _known(history[-1])
        else:
            history.append(dict(session.answers))
    again = start()
    assert _known(again.answers) == _known(session.answers)
    assert again.worked() == session.worked()
    answered_rows = {KEYS[row] for row in range(len(KEYS)) if not again.is_open(row)}
    assert answered_keys(read_entries(tmp_path / "j")[1:]) == answered_rows


def _known(said: dict[int, Any]) -> dict[int, Any]:
    known = {row: one._replace(shown=()) for row, one in said.items()}
    return {row: one for row, one in known.items() if one != UNANSWERED}
