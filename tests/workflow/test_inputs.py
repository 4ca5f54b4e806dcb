"""Inputs of a run are filled in, checked all at once, and read from the words of a command line."""

import pytest

from gpt_trader.core.errors import ValidationError
from gpt_trader.workflow.definition import Workflow
from gpt_trader.workflow.inputs import coerce_inputs, resolve_inputs

WORKFLOW = Workflow(
    name="w",
    inputs={
        "symbols": {"type": "array", "items": {"type": "string"}, "default": ["AAPL"], "minItems": 1},
        "cash": {"type": "number", "default": 1000, "exclusiveMinimum": 0},
        "days": {"type": "integer", "default": 30},
        "on": {"type": "boolean", "default": False},
        "start": {"type": "string", "description": "the first day"},
        "limits": {"type": "object", "default": {}},
        "levels": {"type": "array", "items": {"type": "number"}, "default": []},
        "anything": {"default": None},
    },
    steps=(),
)


def test_defaults_fill_what_is_not_given():
    assert resolve_inputs(WORKFLOW, {"start": "2026-01-01", "cash": 5}) == {
        "symbols": ["AAPL"],
        "cash": 5,
        "days": 30,
        "on": False,
        "start": "2026-01-01",
        "limits": {},
        "levels": [],
        "anything": None,
    }


def test_all_problems_are_told_at_once():
    with pytest.raises(ValidationError) as caught:
        resolve_inputs(WORKFLOW, {"symbls": ["A"], "cash": -1, "symbols": ["A", 5], "on": "yes"})
    message = caught.value.message
    for part in (
        "no input is called 'symbls'",
        "input 'cash': must be more than 0, not -1",
        "input 'symbols': item 2 must be text, not 5",
        "input 'on': must be true or false, not 'yes'",
        "input 'start' is required",
    ):
        assert part in message
    assert "did you mean 'symbols'?" in (caught.value.hint or "")
    assert "the first day" in (caught.value.hint or "")


def test_python_values_are_made_plain():
    given = resolve_inputs(WORKFLOW, {"start": "x", "symbols": ("A", "B"), "days": 5.0, "levels": (1, 2.5)})
    assert given["symbols"] == ["A", "B"]
    assert given["levels"] == [1, 2.5]
    assert (given["days"], type(given["days"])) == (5, int)


def test_a_workflow_without_inputs_takes_none():
    with pytest.raises(ValidationError) as caught:
        resolve_inputs(Workflow(name="v", steps=()), {"a": 1})
    assert caught.value.hint == "the workflow 'v' takes no inputs"


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("symbols", ["AAPL", "MSFT"], ["AAPL", "MSFT"]),
        ("symbols", ["AAPL,MSFT"], ["AAPL", "MSFT"]),
        ("symbols", ["AAPL, MSFT", "ON"], ["AAPL", "MSFT", "ON"]),
        ("symbols", ['["AAPL"]'], ["AAPL"]),
        ("symbols", ["0700"], ["0700"]),
        ("levels", ["1", "2.5"], [1, 2.5]),
        ("cash", ["5000"], 5000),
        ("cash", ["1e3"], 1000.0),
        ("cash", ["5_000.5"], 5000.5),
        ("days", ["7"], 7),
        ("on", ["true"], True),
        ("on", ["No"], False),
        ("start", ["2026-01-01"], "2026-01-01"),
        ("start", ["5"], "5"),
        ("limits", ['{"a": 1}'], {"a": 1}),
        ("anything", ["5"], 5),
        ("anything", ["five"], "five"),
    ],
)
def test_words_become_values_by_the_schema(name, words, expected):
    value = coerce_inputs(WORKFLOW, {name: words})[name]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "words", "problem"),
    [
        ("cash", ["much"], "must be a number, not 'much'"),
        ("cash", ["nan"], "must be a finite number"),
        ("cash", ["1", "2"], "takes one value, not 2"),
        ("days", ["7.5"], "must be a whole number"),
        ("on", ["maybe"], "must be true or false"),
        ("limits", ["{"], "must be JSON"),
        ("levels", ["1,x"], "must be a number, not 'x'"),
        ("symbols", ["[A"], "must be JSON"),
        ("symbls", ["A"], "no input is called 'symbls'"),
        ("start", [], "takes one value, not 0"),
    ],
)
def test_words_that_mean_nothing_are_refused(name, words, problem):
    with pytest.raises(ValidationError, match=problem.replace("[", r"\[")):
        coerce_inputs(WORKFLOW, {name: words})


def test_coercing_tells_all_problems_at_once():
    with pytest.raises(ValidationError) as caught:
        coerce_inputs(WORKFLOW, {"cash": ["x"], "days": ["y"]})
    assert "'cash'" in caught.value.message
    assert "'days'" in caught.value.message
