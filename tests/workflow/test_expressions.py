"""Expressions give typed values, mix their numbers, see nothing private, and say what is wrong with them."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from gpt_trader.core.errors import ValidationError
from gpt_trader.workflow.expressions import ExpressionError, condition, mentions, references, template


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Mark:
    price: Decimal
    _secret: int = 1


class Model(BaseModel):
    size: int = 3


BARS = pd.DataFrame({"close": [1.0, 2.0, 3.0]})
SCOPE: dict[str, Any] = {
    "inputs": {"n": 3, "symbols": ["AAPL", "MSFT"], "rate": 0.5, "nothing": None, "on": True, "big": 2**60},
    "steps": {
        "fetch": {"bars": BARS, "count": np.int64(7), "prices": np.array([1, 2]), "series": pd.Series([1.5])},
        "mark": {
            "mark": Mark(Decimal("1.25")),
            "model": Model(),
            "colour": Colour.RED,
            "at": datetime(2026, 1, 2, tzinfo=UTC),
        },
        "odd-name": {"x": 1},
    },
    "run": {"id": "r1"},
    "item": 1,
}


def value(text):
    return template(text).resolve(SCOPE)


def test_a_value_without_expressions_is_constant_and_resolves_to_itself():
    given = {"a": [1, "two", None]}
    made = template(given)
    assert made.constant
    assert made.resolve({}) is given


def test_a_string_that_is_one_expression_keeps_the_type_of_its_value():
    assert value("${{ inputs.symbols }}") is SCOPE["inputs"]["symbols"]
    assert value("${{ steps.fetch.bars }}") is BARS
    assert value("${{inputs.n}}") == 3


def test_mixed_text_interpolates():
    assert value("${{ inputs.n }} of ${{ inputs.symbols }} at ${{ inputs.rate }}") == '3 of ["AAPL", "MSFT"] at 0.5'
    assert value("on=${{ inputs.on }} none=${{ inputs.nothing }} ${{ run.id }}") == "on=true none=null r1"


def test_expressions_are_found_at_any_depth():
    made = template({"a": [{"b": "${{ inputs.n }}"}, 5], "c": "x"})
    assert not made.constant
    assert made.resolve(SCOPE) == {"a": [{"b": 3}, 5], "c": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inputs.n * 2", 6),
        ("2 * inputs.n", 6),
        ("inputs.n / 2", 1.5),
        ("inputs.n % 2", 1),
        ("inputs.n - 1.5", 1.5),
        ("inputs.rate + 1", 1.5),
        ("size(inputs.symbols) * 1.5", 3),
        ("steps.fetch.count + 1", 8),
        ("inputs.big + 1", 2**60 + 1),
        ("inputs.symbols[item]", "MSFT"),
        ("inputs.symbols.map(s, s + '!')", ["AAPL!", "MSFT!"]),
        ("inputs.n > 2 ? 1 : 2.5", 1),
        ("{'a': {'b': inputs.n}}", {"a": {"b": 3}}),
        ("{'}}': '}}'}", {"}}": "}}"}),
        ("steps.fetch.prices[1] + 1", 3),
        ("steps.fetch.bars.shape[0] + 1", 4),
        ("steps.mark.mark.price * 2", 2.5),
        ("steps.mark.model.size + 1", 4),
        ("steps.mark.colour + '!'", "red!"),
        ("steps['odd-name'].x + 1", 2),
        ("'a' + \"b\"", "ab"),
    ],
)
def test_computed_values(text, expected):
    assert value("${{ " + text + " }}") == expected
    assert type(value("${{ " + text + " }}")) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps.fetch.count > 3", True),
        ("${{ size(inputs.symbols) > 1 }}", True),
        ("  ${{ inputs.on }}  ", True),
        ("inputs.on", True),
        ("'AAPL' in inputs.symbols", True),
        ("inputs.n in [1, 2.0, 3]", True),
        ("inputs.n == 3", True),
        ("inputs.n != 3.0", False),
        ("inputs.nothing == null", True),
        ("has(inputs.absent)", False),
        ("has(steps.absent)", False),
        ("has(steps.fetch.bars)", True),
        ("has(inputs.n) && inputs.n > 2 && has(inputs.n)", True),
        ("steps.fetch.bars.empty || has(steps.fetch.bars)", True),
        ("has(steps.fetch) && steps.fetch.count > 1", True),
        ("timestamp(steps.mark.at) < timestamp('2026-01-03T00:00:00Z')", True),
        ("inputs.symbols.exists(s, s.startsWith('MS'))", True),
        ("true", True),
    ],
)
def test_conditions(text, expected):
    assert condition(text).holds(SCOPE) is expected


def test_a_numpy_truth_is_a_truth():
    assert condition("item.ok").holds({"item": {"ok": np.bool_(True)}}) is True


@pytest.mark.parametrize("text", ["inputs.n", "'true'", "inputs.nothing", "inputs.n + 1"])
def test_a_condition_that_is_neither_true_nor_false_is_an_error(text):
    with pytest.raises(ExpressionError, match="not true or false"):
        condition(text).holds(SCOPE)


def test_a_condition_is_one_expression():
    with pytest.raises(ExpressionError, match="a condition is one expression"):
        condition("${{ inputs.n }} > 3")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("inputs.symbls", "no 'symbls' in inputs"),
        ("inputs.symbols[9]", "inputs.symbols has no item 9"),
        ("inputs.symbols[9] + 'x'", "index=9"),
        ("steps.absent.x + 1", 'no "absent"'),
        ("inputs.n +", "ends too early"),
        ("nope(1)", "no function 'nope'"),
        ("'a' * 3", "* does not go with string, int"),
        ("'a' < inputs.n", "< does not go with string, double"),
        ("1 / 0", "divide by zero"),
        ("inputs.n / 0", "division by zero"),
        ("", "empty"),
        ("size(steps.fetch.bars) > 0", "a DataFrame cannot be computed with"),
        ("'x' + 1" + " " * 10_000, "longer than"),
    ],
)
def test_errors_name_the_expression_and_the_problem(text, problem):
    with pytest.raises(ValidationError) as caught:
        value("${{" + text + "}}")
    assert problem in str(caught.value)
    assert "${{" in str(caught.value)


def test_a_wrong_name_gets_a_suggestion():
    with pytest.raises(ExpressionError) as caught:
        value("${{ inputs.symbls }}")
    assert caught.value.hint == "did you mean 'symbols'?"


def test_a_step_that_gave_nothing_can_be_asked_for_first():
    with pytest.raises(ExpressionError) as caught:
        value("${{ steps.absent.x }}")
    assert caught.value.hint == "it failed or was skipped; `has(steps.absent)` asks whether it is there"
    assert value("${{ has(steps.absent) ? steps.absent.x : 'none' }}") == "none"


@pytest.mark.parametrize(
    "path",
    ["steps.mark.mark._secret", "inputs.__class__", "inputs.symbols.append", "steps.fetch.bars.to_csv", "inputs.keys"],
)
def test_private_names_and_methods_are_not_there(path):
    with pytest.raises(ExpressionError, match="there is no"):
        value("${{ " + path + " }}")


def test_private_fields_do_not_reach_computed_expressions():
    assert value("${{ size(steps.mark.mark) + 0 }}") == 1


def test_an_expression_that_would_run_long_is_stopped():
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    text = "true"
    for depth in range(7):
        text = f"{ten}.all(v{depth}, {text})"
    with pytest.raises(ExpressionError, match="budget"):
        condition(text).holds({})


def test_an_expression_over_a_huge_list_is_refused():
    with pytest.raises(ExpressionError, match="more than 100,000 values"):
        condition("size(item) > 1").holds({"item": list(range(200_000))})
    with pytest.raises(ExpressionError, match="more than 100,000 values"):
        condition("size(item) > 1").holds({"item": np.zeros(200_000)})


def test_deep_nesting_is_refused_not_crashed():
    with pytest.raises(ExpressionError):
        condition("(" * 5000 + "true" + ")" * 5000)


def test_an_unclosed_expression_is_an_error():
    with pytest.raises(ExpressionError, match="never closed"):
        template("x ${{ inputs.n ")


def test_a_table_cannot_stand_inside_text():
    with pytest.raises(ExpressionError, match="DataFrame"):
        value("bars: ${{ steps.fetch.bars }}")


def test_references_are_found_with_or_without_the_wrapper():
    assert references("steps.a.b[0] + inputs.n") == [("steps", "a", "b", "0"), ("inputs", "n")]
    assert references("x ${{ inputs['n'] }} y ${{ item }}") == [("inputs", "n"), ("item",)]
    assert references("plain") == [("plain",)]


def test_names_bound_by_a_macro_are_no_references():
    assert references("inputs.l.map(x, x + inputs.k).exists(y, y == item)") == [
        ("inputs", "l"),
        ("inputs", "k"),
        ("item",),
    ]


def test_a_mention_tells_where_it_stands_and_whether_it_is_optional():
    one, two = mentions("ab ${{ has(steps.x.y) && item.z }}")
    assert (one.path, one.offset, one.optional) == (("steps", "x", "y"), 11, True)
    assert (two.path, two.offset, two.optional) == (("item", "z"), 25, False)


def test_a_broken_expression_tells_where():
    with pytest.raises(ExpressionError) as caught:
        template("ab ${{ 1 + nope(2) }}")
    assert caught.value.offset == "ab ${{ 1 + nope".index("nope") + len("nope")


def test_moments_compare_whatever_their_zone():
    paris = datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    same = condition("timestamp(item) == timestamp('2026-01-01T12:00:00Z')")
    assert same.holds({"item": paris})
    assert same.holds({"item": paris.astimezone(UTC)})
    assert condition("item == 90").holds({"item": timedelta(minutes=1.5)})
    assert condition("item == null").holds({"item": pd.NaT})


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        (10**400, "item > 1e300", True),
        (np.float64(1.5), "item == 1.5", True),
        (np.str_("a"), "item == 'a'", True),
        ({"a", "b"}, "size(item) == 2", True),
        (date(2026, 1, 2), "item == '2026-01-02'", True),
        (pd.Timestamp("2026-01-02T10:00Z"), "item == '2026-01-02T10:00:00Z'", True),
        (pd.Timedelta(seconds=90), "item > 89", True),
        ({"a": {"b": 1}}, "item.a == item.a && item.a.b == 1", True),
        ({"a": {"b": 1}}, "item.a.b == 1 && size(item.a) == 1", True),
        ([{"a": 1}], "has(item[0].a) && !has(item[0].b)", True),
        (pd.Series([1.0, 2.0]), "item[1] + item[0] == 3", True),
    ],
)
def test_values_of_many_kinds_can_be_compared(value, text, expected):
    assert condition(text).holds({"item": value}) is expected


def test_an_item_of_a_series_is_found_by_its_place():
    assert template("${{ item[1] }}").resolve({"item": pd.Series([1.0, 2.0], index=[7, 8])}) == 2.0


def test_infinite_and_missing_numbers_pass_through():
    assert math.isnan(template("${{ item }}").resolve({"item": math.nan}))
    assert template("${{ item + 1 }}").resolve({"item": math.inf}) == math.inf
