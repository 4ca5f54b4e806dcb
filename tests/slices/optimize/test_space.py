"""What may be searched: axes as people write them, grids, draws, and conditions."""

from __future__ import annotations

import operator
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import ValidationError
from gpt_trader.slices.optimize.conditions import broken, conditions_of
from gpt_trader.slices.optimize.space import axes_of, grid_of, size_of


@pytest.mark.parametrize(
    ("written", "points"),
    [
        ("5:8", [5, 6, 7, 8]),
        ("5:50:20", [5, 25, 45]),
        ("0:0.3:0.1", [0.0, 0.1, 0.2, 0.3]),
        ("flat,short", ["flat", "short"]),
        ("true,false", [True, False]),
        ("1,2.5", [1, 2.5]),
        ("7", [7]),
        ([3, 1, 3], [3, 1]),
        ({"low": 2, "high": 6, "step": 2}, [2, 4, 6]),
    ],
)
def test_an_axis_is_what_was_written(written, points):
    (axis,) = axes_of({"x": written})
    assert axis.points == points
    assert [type(p) for p in axis.points] == [type(p) for p in points]
    assert axis.size == len(points)


@pytest.mark.parametrize(
    "written",
    ["9:5", "a:b", "1:2:0", "1:2:-1", "5:", ":5", [], {"low": 1}, {"low": 0, "high": 1, "log": True}, [[1]], "nan:2"],
)
def test_an_axis_that_is_none_is_refused_with_an_example(written):
    with pytest.raises(ValidationError) as refused:
        axes_of({"x": written})
    assert "write fast=5:50" in (refused.value.hint or "")


def test_a_range_without_steps_has_no_grid():
    with pytest.raises(ValidationError, match="x has no step"):
        grid_of(axes_of({"x": "0.0:1.0"}))


def test_the_grid_is_the_product_with_the_last_axis_moving_first():
    axes = axes_of({"a": "1:3", "b": "x,y", "c": "0:1:0.5"})
    found = list(zip(*grid_of(axes).values(), strict=True))
    assert found == list(product([1, 2, 3], ["x", "y"], [0.0, 0.5, 1.0]))
    assert size_of(axes) == 18


@given(
    low=st.integers(1, 50), width=st.integers(0, 40), step=st.integers(1, 7), log=st.booleans(), seed=st.integers(0, 99)
)
def test_draws_are_inside_their_range_and_on_their_steps(low, width, step, log, seed):
    (axis,) = axes_of({"x": {"low": low, "high": low + width, "step": step, "log": log}})
    drawn = axis.draw(np.random.default_rng(seed), 50)
    assert all(low <= value <= low + width and isinstance(value, int) for value in drawn)
    assert log or set(drawn) <= set(axis.points)


SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}


@given(
    sign=st.sampled_from(sorted(SIGNS)),
    factor=st.sampled_from([None, 2.0, 0.5]),
    a=st.integers(-9, 9),
    b=st.integers(-9, 9),
)
def test_a_condition_holds_where_python_says_so(sign, factor, a, b):
    text = f"a {sign} {'' if factor is None else f'{factor} * '}b"
    (condition,) = conditions_of([text], ["a", "b"])
    assert bool(broken([condition], {"a": [a], "b": [b]}, 1)[0] == 0.0) is SIGNS[sign](a, b * (factor or 1.0))
    (number,) = conditions_of([f"a {sign} {b}"], ["a"])
    assert bool(broken([number], {"a": [a]}, 1)[0] == 0.0) is SIGNS[sign](a, b)


def test_what_is_not_defined_breaks_a_condition_and_worse_breaks_count_more():
    (condition,) = conditions_of(["trades >= 20"], ["trades"])
    assert broken([condition], {"trades": [20.0, 15.0, 10.0, np.nan]}, 4).tolist() == [0.0, 5.0, 10.0, 1.0]


@pytest.mark.parametrize(("text", "hint"), [("fats < slow", "fast"), ("fast <> slow", "write"), ("1 < fast", "write")])
def test_a_condition_that_is_none_is_refused_with_a_cure(text, hint):
    with pytest.raises(ValidationError) as refused:
        conditions_of([text], ["fast", "slow"])
    assert hint in (refused.value.hint or "")
