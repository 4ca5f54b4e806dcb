"""Wiring by name follows one order, and what runs inside a loop is not seen from outside."""

from typing import Any

from gpt_trader.workflow.scope import MISSING, Scope, wire


def test_the_latest_output_of_a_name_wins():
    scope: Scope[Any] = Scope()
    scope.succeed("a", {"bars": 1})
    scope.succeed("b", {"bars": 2, "score": 3})
    assert scope.output("bars") == 2
    assert list(scope.candidates("bars")) == [2, 1]
    assert scope.output("absent") is MISSING
    assert not MISSING
    assert scope.names() == {"a": {"bars": 1}, "b": {"bars": 2, "score": 3}}


def test_a_child_sees_outward_and_is_not_seen():
    outer: Scope[Any] = Scope()
    outer.succeed("a", {"x": 1})
    inner = outer.child()
    inner.succeed("b", {"x": 2, "y": 3})
    assert (inner.output("x"), inner.output("y")) == (2, 3)
    assert list(inner.candidates("x")) == [2, 1]
    assert set(inner.names()) == {"a", "b"}
    assert inner.results() == {"x": 2, "y": 3}
    assert (outer.output("x"), outer.output("y")) == (1, MISSING)
    assert set(outer.names()) == {"a"}


def test_merged_branches_count_in_their_order():
    outer: Scope[Any] = Scope()
    outer.succeed("a", {"x": 1})
    first, second = outer.child(), outer.child()
    second.succeed("c", {"x": 3})
    first.succeed("b", {"x": 2})
    outer.merge(first)
    outer.merge(second)
    assert list(outer.candidates("x")) == [3, 2, 1]
    assert set(outer.names()) == {"a", "b", "c"}


def test_output_names_lists_what_can_be_had():
    outer: Scope[Any] = Scope()
    outer.succeed("a", {"x": 1})
    inner = outer.child()
    inner.succeed("b", {"y": 1})
    assert set(inner.output_names()) == {"x", "y"}


def test_the_order_of_wiring():
    scope: Scope[Any] = Scope()
    scope.succeed("a", {"p": "output"})
    everything: dict[str, Any] = {
        "given": {"p": "with"},
        "loop": {"p": "item"},
        "inputs": {"p": "input"},
        "scope": scope,
    }
    assert wire("p", **everything) == ("with", "with")
    assert wire("p", **everything | {"given": {}}) == ("item", "item")
    assert wire("p", **everything | {"given": {}, "loop": {}}) == ("input", "input")
    assert wire("p", **everything | {"given": {}, "loop": {}, "inputs": {}}) == ("step", "output")
    assert wire("q", **everything) is None
    assert wire("event", **everything | {"loop": {"event": 5}}) == ("event", 5)


def test_an_output_that_is_none_is_an_output():
    scope: Scope[Any] = Scope()
    scope.succeed("a", {"p": None})
    assert wire("p", given={}, loop={}, inputs={}, scope=scope) == ("step", None)
