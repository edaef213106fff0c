"""docs/lecture.md has a section for each topic that the tests show, in their order."""

from tests.lecture.conftest import INTRODUCTION, PAGE, sections, topics


def test_the_page_has_all_topics_and_no_other() -> None:
    assert list(sections()) == topics(), "write docs/lecture.md again by `make lecture`"
    assert PAGE.read_text("utf-8").startswith(INTRODUCTION)
