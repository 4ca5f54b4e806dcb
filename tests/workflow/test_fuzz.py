"""No text whatever makes the loader raise, and every fault lies inside its file."""

# ruff: noqa: E501 - word lists

import copy
import json
import random
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.workflow.definition import Workflow
from gpt_trader.workflow.faults import FORMATS, render
from gpt_trader.workflow.loader import load
from tests.workflow.house import catalog
from tests.workflow.test_loader import FULL, INNER, SHAPE_B, SHAPE_C, WRONG_STEPS, steps

CATALOG = catalog()


def check(text):
    loaded = load(text, file="f.yaml", catalog=CATALOG, find=lambda n: (INNER, "inner.yaml") if n == "inner" else None)
    assert (loaded.workflow is None) == bool(loaded.faults)
    if loaded.workflow is not None:
        assert Workflow.from_json(loaded.workflow.text) == loaded.workflow
    lines = {"f.yaml": re.split(r"\r\n|\r|\n", text), "inner.yaml": INNER.split("\n")}
    for fault in loaded.faults:
        rows = lines[fault.file]
        assert 1 <= fault.line <= len(rows)
        assert 1 <= fault.col <= len(rows[fault.line - 1]) + 1
        assert fault.code
        assert fault.message
    for format in FORMATS:
        assert isinstance(render(loaded.faults, format), str)


@given(st.text(max_size=200))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_any_text(text):
    check(text)


@given(st.text(alphabet="{}[]:,-&*!|>'\"%@`#?\n\t ~<ab1", max_size=60))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_any_punctuation(text):
    check(text)


WORDS = [
    "slice", "data", "method", "get_historical", "with", "symbols", "steps", "foreach", "in", "as", "parallel", "branches",
    "switch", "if", "else", "trigger", "market_data_update", "topic", "approval", "wait", "for", "1s", "until", "event",
    "workflow", "inner", "agent", "timeout", "retry", "max_attempts", "cache", "ttl", "effect", "once", "on_error", "log_skip",
    "score", "inputs", "type", "array", "default", "name", "mode", "live", "safety", "maximum", "triggers", "schedule", "cron",
    "* * * * *", "${{ inputs.n }}", "${{ steps.a.b[0] > 1 }}", "${{", "concurrency", "group", "defaults", "finally", "a", "b",
    "data.get_historical", "pattern", "properties", "items", "(", "format", "multipleOf", "paper_trade", "place_order", "reconcile",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=5), st.lists(VALUES, max_size=4))
@settings(derandomize=True, max_examples=250, deadline=None)
def test_any_arrangement_of_the_words_of_the_language(document, body):
    check(json.dumps({"name": "w", "steps": body or ["log_skip"], **document}))


KEYS = ["slice", "slices", "parallel", "foreach", "switch", "trigger", "approval", "wait", "workflow", "agent", "steps", "if", "with", "timeout", "retry", "cache", "effect", "on_error", "data"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
@settings(derandomize=True, max_examples=250, deadline=None)
def test_any_body_of_a_step(body):
    check(json.dumps({"name": "w", "steps": [{"a": body}, "log_skip"]}))


EVERY_KIND: dict[str, Any] = {
    "name": "w",
    "mode": "real-time",
    "inputs": {
        "n": {"type": "array", "items": {"type": "integer"}, "default": [1]},
        "armed": {"type": "boolean", "default": False},
    },
    "triggers": [
        {"schedule": {"cron": "0 9 * * mon-fri", "timezone": "UTC", "with": {"n": [1]}}},
        {"event": {"topic": "a.b", "if": "event.x > 1"}},
        {"files": {"path": "x", "settle": "1s", "with": {"n": "${{ event.path }}"}}},
        {"interval": {"every": "5m"}},
    ],
    "concurrency": {"group": "${{ inputs.n }}", "limit": 2},
    "defaults": {"timeout": "5s", "retry": {"max_attempts": 2, "delay": "1s", "jitter": True}},
    "steps": [
        {
            "get": {
                "slice": "data",
                "method": "get_historical",
                "with": {"symbols": ["${{ run.id }}"], "days": 3},
                "cache": {"ttl": "1h"},
            }
        },
        {"ready": {"slices": ["data", "monitor"], "if": "size(inputs.n) > 0"}},
        {"side": {"parallel": {"max": 2, "branches": {"a": ["find_patterns"], "b": [{"g": ["detect_regime"]}]}}}},
        {"each": {"foreach": {"in": "${{ inputs.n }}", "as": "symbol", "executor": "threads"}, "steps": ["score"]}},
        {"pick": {"switch": [{"if": "steps.each.best > 0.5", "steps": ["log_skip"]}, {"else": ["notify"]}]}},
        {
            "live": {
                "trigger": {
                    "topic": "a.*",
                    "if": "event.x > 1",
                    "until": "steps.o.order_id == 'x'",
                    "max": 3,
                    "idle": "1s",
                },
                "steps": [{"o": {"slice": "paper_trade", "method": "place_order", "reconcile": "find_order"}}],
            }
        },
        {"ask": {"approval": {"message": "go with ${{ steps.get.bars }}?", "timeout": "1m", "on_timeout": "fail"}}},
        {"rest": {"wait": {"event": {"topic": "a.b", "if": "event.x == 1", "timeout": "1s"}}}},
        {"till": {"wait": {"until": "15:30 America/New_York"}}},
        {"sub": {"workflow": "inner", "with": {"symbols": ["A"]}, "retry": {"max_attempts": 3, "delay": 0}}},
        {"call": {"agent": ["x", "${{ inputs.n }}"], "data": {"k": ["${{ steps.sub.patterns }}"]}, "effect": "once"}},
    ],
    "on_failure": [{"tell": {"approval": {"message": "${{ error.message }}"}}}],
    "finally": ["save_report"],
}


def places(value, path=()):
    """Every place inside a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


PLACES = [place for place in places(EVERY_KIND) if place]
SPICE = st.sampled_from(
    [
        0,
        -1,
        10**30,
        1e308,
        True,
        None,
        "",
        [],
        {},
        "9999d",
        "0s",
        "(",
        "${{",
        "${{ nope.x }}",
        "a b",
        ["x", "x"],
        {"a": 1},
        "*",
    ]
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), SPICE | VALUES), min_size=1, max_size=3))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_a_good_file_with_values_put_in_the_wrong_places(changes):
    document = copy.deepcopy(EVERY_KIND)
    for place, value in changes:
        inner: Any = document
        for key in place[:-1]:
            known = (
                key in inner
                if isinstance(inner, dict)
                else isinstance(inner, list) and isinstance(key, int) and key < len(inner)
            )
            inner = inner[key] if known else {}
        if isinstance(inner, dict) or (
            isinstance(inner, list) and isinstance(place[-1], int) and place[-1] < len(inner)
        ):
            inner[place[-1]] = copy.deepcopy(value)
    check(json.dumps({str(key): value for key, value in document.items()}))


def test_good_files_with_pieces_missing_doubled_or_swapped():
    chance = random.Random(7)
    for text in (FULL, SHAPE_B, SHAPE_C, steps([w[0] for w in WRONG_STEPS[:40]])):
        for _ in range(60):
            a, b = sorted(chance.randrange(len(text)) for _ in range(2))
            piece = text[a : min(b, a + 40)]
            spot = chance.randrange(len(text))
            for changed in (text[:a] + text[a + len(piece) :], text[:spot] + piece + text[spot:]):
                check(changed)
