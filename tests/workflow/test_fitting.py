"""What fits at a glance is what jsonschema finds nothing wrong with; in doubt, it is jsonschema that is asked."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from gpt_trader.workflow.building import grammar
from gpt_trader.workflow.fitting import fits

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
NUMBERS = (0.0, 1.0, 1.5, float("nan"), 2**53 + 1, 10**400, Decimal("1.5"), Fraction(1, 2), np.int64(1), np.float64(2))
SINGLE = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(NUMBERS), st.sampled_from("ab"))
VALUES = st.recursive(
    SINGLE | st.text("ab1", max_size=3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "b", "c")), inner, max_size=3),
    max_leaves=6,
)
COUNT = st.integers(0, 3)
BOUND = st.integers(-2, 2) | st.sampled_from((0.5, 1.0))


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any mixture of the words that are understood, and of some that are not."""
    words: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "pattern": st.sampled_from(("^a", "b$", "[0-9]", "")),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), COUNT),
        **dict.fromkeys(("minProperties", "maxProperties"), COUNT),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), BOUND),
        "multipleOf": st.integers(1, 2),
        "uniqueItems": st.booleans(),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        "items": inner,
        "propertyNames": inner,
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        "additionalProperties": inner,
        "allOf": st.lists(inner, min_size=1, max_size=2),
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "not": inner,
        "title": st.just("a title"),
        "format": st.just("date"),
        "$ref": st.sampled_from(("#/definitions/text", "#/definitions/many", "#/definitions/many")),
    }
    return st.fixed_dictionaries({}, optional=words).map(lambda made: dict(list(made.items())[:4]))


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    inner = draw(st.sampled_from((st.booleans(), st.booleans() | keywords(st.booleans()))))
    return {
        **draw(keywords(inner)),
        "definitions": {"text": {"type": "string"}, "many": {"items": {"minimum": 0}, "minItems": 1}},
    }


@settings(max_examples=1500)
@given(schema=schemas(), value=VALUES)
def test_what_fits_is_never_found_wrong_by_jsonschema(schema: dict[str, Any], value: Any):
    if fits(schema, value):
        assert list(Draft7Validator(schema).iter_errors(value)) == []


PLAIN = {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a", "title": "t", "description": "d"}


@pytest.mark.parametrize(
    ("schema", "value", "wanted"),
    [
        (PLAIN, "ab", True),
        (PLAIN, "b", False),
        (PLAIN, "", False),
        (PLAIN, "aaaa", False),
        ({"type": "integer", "minimum": 1, "maximum": 3}, 3, True),
        ({"type": "integer"}, True, False),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 2}, 0.5, True),
        ({"type": "number", "exclusiveMinimum": 0}, 0, False),
        ({"type": ["string", "null"]}, None, True),
        ({"enum": ["a", 1, None]}, 1, True),
        ({"enum": [1]}, True, False),
        ({"const": False}, False, True),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}, ["a", "b"], True),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["a", "a"], False),
        ({"type": "array", "maxItems": 1}, [1, 2], False),
        ({"properties": {"a": {"type": "string"}}, "additionalProperties": False, "required": ["a"]}, {"a": "x"}, True),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, False),
        ({"required": ["a"]}, {}, False),
        ({"propertyNames": {"pattern": "^a"}, "minProperties": 1, "maxProperties": 1}, {"ab": 1}, True),
        ({"propertyNames": {"pattern": "^a"}}, {"b": 1}, False),
        ({"allOf": [{"$ref": "#/definitions/t"}], "definitions": {"t": {"type": "string"}}}, "x", True),
        ({"allOf": [{"$ref": "#/definitions/t"}], "definitions": {"t": {"type": "string"}}}, 1, False),
        ({"allOf": [{"$ref": "#/definitions/other"}], "definitions": {}}, "x", False),
        ({"minimum": 5}, Decimal(5), True),
        ({"minimum": 5}, Decimal(1), False),
        ({"maximum": 5}, np.int64(6), False),
        ({"anyOf": [{}]}, "x", False),
        ({"items": [{"type": "string"}]}, ["x"], False),
        ({"allOf": [{"$ref": "t"}], "definitions": {"t": {}}}, "x", False),
        ({"allOf": [{"$ref": "#/definitions/a~1b"}], "definitions": {"a~1b": {}, "a/b": False}}, "x", False),
        ({"items": {"$schema": "http://json-schema.org/draft-03/schema#", "type": "any"}}, ["x"], False),
    ],
)
def test_what_fits(schema: dict[str, Any], value: Any, wanted: bool):
    """The last five are not understood, which is never taken for fitting."""
    assert fits(schema, value) is wanted


def test_the_grammar_is_made_of_words_that_are_understood():
    """Else every file would be given to jsonschema; the budget of imports holds the same for the bundled ones."""
    whole = {
        "name": "w",
        "mode": "paper",
        "inputs": {"cash": {"type": "number", "default": 1.5}},
        "secrets": ["KEY"],
        "triggers": [{"interval": {"every": "5m"}}],
        "concurrency": {"group": "g", "limit": 1},
        "defaults": {"timeout": 5, "retry": {"max_attempts": 3, "delay": "1s"}},
        "steps": ["a"],
        "finally": ["b"],
    }
    assert fits(grammar("workflow"), whole)
    assert not fits(grammar("workflow"), {**whole, "mode": "papre"})
    assert not fits(grammar("workflow"), {**whole, "stpes": []})
