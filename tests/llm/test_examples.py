"""Examples: balanced, no text twice, never the row itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelkit.llm.examples import Examples, draw, plain

TEXTS = st.sampled_from(["a", "A ", "b", "c", "d", " ", "e"])


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["x", "y"])), max_size=20), TEXTS)
def test_never_the_row_itself(labelled: list[tuple[str, str]], row: str) -> None:
    drawn = draw(labelled, ["x", "y"], 3, np.random.default_rng(0))
    shown = Examples([("a", "x")], drawn, 3).beside(row)
    assert plain(row) not in [plain(text) for text, _ in shown]
    texts = [plain(text) for text, _ in drawn]
    assert len(set(texts)) == len(texts)
    assert set(drawn) <= set(labelled)


def test_classes_take_turns() -> None:
    labelled = [(f"t{n}", "x") for n in range(20)] + [("u", "y"), ("v", "y")]
    drawn = draw(labelled, ["x", "y"], 4, np.random.default_rng(0))
    assert [label for _, label in drawn[:4]] == ["x", "y", "x", "y"]
    assert len(Examples((), drawn, 4).beside("t1")) == 4
