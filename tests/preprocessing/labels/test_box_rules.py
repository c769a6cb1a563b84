"""A box is kept as it is, cut at the image's edge, or dropped, each for a stated reason."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.preprocessing.labels.clean_labels import XYWH, clean_box
from reprise.preprocessing.rules import Rule


@pytest.mark.parametrize(
    ("box", "kept", "rule"),
    [
        ((10, 10, 20, 20), (10, 10, 20, 20), None),
        ((0, 0, 100, 50), (0, 0, 100, 50), None),
        ((-10, 5, 20, 10), (0, 5, 10, 10), Rule.BOX_CLIPPED),
        ((90, 40, 20, 20), (90, 40, 10, 10), Rule.BOX_CLIPPED),
        ((-5, -5, 200, 200), (0, 0, 100, 50), Rule.BOX_CLIPPED),
        ((0, 0, 100.0004, 50), (0, 0, 100, 50), None),
        ((100, 10, 5, 5), None, Rule.BOX_OUTSIDE),
        ((-20, 10, 20, 5), None, Rule.BOX_OUTSIDE),
        ((500, 500, 5, 5), None, Rule.BOX_OUTSIDE),
        ((10, 10, 0, 5), None, Rule.BOX_EMPTY),
        ((10, 10, 5, -5), None, Rule.BOX_EMPTY),
        ((0, 0, 0, 0), None, Rule.BOX_EMPTY),
        ((10, 10, 1e-30, 5), None, Rule.BOX_EMPTY),
        ((math.nan, 10, 5, 5), None, Rule.BOX_NOT_FINITE),
        ((10, 10, math.inf, 5), None, Rule.BOX_NOT_FINITE),
    ],
)
def test_each_rule(box: XYWH, kept: XYWH | None, rule: Rule | None) -> None:
    assert clean_box(box, 100, 50) == (kept, rule)


numbers = st.floats(-2000, 2000) | st.floats(allow_nan=True, allow_infinity=True)
boxes = st.tuples(numbers, numbers, numbers, numbers)
sides = st.integers(1, 5000)


@given(boxes, sides, sides)
def test_what_is_kept_lies_inside_and_is_not_empty(box: XYWH, width: int, height: int) -> None:
    kept, rule = clean_box(box, width, height)
    if kept is None:
        assert rule is not None and rule.action == "dropped"
        return
    x, y, w, h = kept
    assert 0 <= x < x + w <= width
    assert 0 <= y < y + h <= height
    assert clean_box(kept, width, height) == (kept, None)


@given(st.tuples(*[st.floats(0, 400)] * 2, *[st.floats(1, 100)] * 2))
def test_a_box_inside_is_never_touched(box: XYWH) -> None:
    assert clean_box(box, 500, 500) == (box, None)


@given(boxes, sides, sides)
def test_the_ledger_hears_of_every_change_that_one_could_see(
    box: XYWH, width: int, height: int
) -> None:
    kept, rule = clean_box(box, width, height)
    if kept is not None and rule is None:
        assert kept == pytest.approx(box, abs=1e-3)
