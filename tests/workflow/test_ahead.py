"""Before the first step, slices see the params that inputs and constants give; what they refuse stops the run there."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from gpt_trader.core.errors import NotFound
from gpt_trader.core.slices import Outputs, Params, Slice, SliceCatalog, method
from gpt_trader.workflow.ahead import look_ahead
from gpt_trader.workflow.loader import load_or_raise

SEEN: list[tuple[str, dict[str, Any]]] = []


class Wanted(Params):
    colour: str = "red"
    size: int = 1
    other: str = ""


class Made(Outputs):
    other: str


class Painter(Slice):
    name = "painter"

    def foresee(self, method, known):
        SEEN.append((method, dict(known)))
        if known.get("colour") == "grue":
            raise NotFound("no colour is called 'grue'")

    @method()
    def paint(self, params: Wanted, ctx) -> Made:
        """Paint."""
        return Made(other=params.colour)


@pytest.fixture
def ahead():
    catalog = SliceCatalog()
    catalog.offer("painter", lambda: Painter)
    SEEN.clear()

    def look(steps, **inputs):
        text = "name: w\nmode: backtest\ninputs:\n  colour: {type: string, default: blue}\nsteps:\n" + steps
        look_ahead(load_or_raise(text, file="w.yaml", catalog=catalog), catalog, {"colour": "blue", **inputs})
        return SEEN

    return look


def test_inputs_and_constants_are_seen_and_outputs_are_not(ahead):
    steps = "  - one: {slice: painter, method: paint, with: {size: 3}}\n  - two: {slice: painter, method: paint}\n"
    assert ahead(steps) == [("paint", {"colour": "blue", "size": 3}), ("paint", {"colour": "blue"})]


def test_an_expression_over_inputs_is_worked_out(ahead):
    assert ahead('  - one: {slice: painter, method: paint, with: {colour: "${{ inputs.colour }}ish"}}\n') == [
        ("paint", {"colour": "blueish"})
    ]


def test_what_a_slice_refuses_is_raised(ahead):
    with pytest.raises(NotFound, match="grue"):
        ahead("  - one: {slice: painter, method: paint}\n", colour="grue")


def test_of_a_step_that_may_not_run_nothing_is_said(ahead):
    switch = "{switch: [{if: \"${{ inputs.colour == 'red' }}\", steps: [{one: {slice: painter, method: paint}}]}]}"
    assert ahead(f"  - which: {switch}\n", colour="grue") == []
    step = "  - one: {slice: painter, method: paint, if: \"${{ inputs.colour == 'red' }}\"}\n"
    assert ahead(step, colour="grue") == []


def test_of_slices_that_are_gone_the_first_is_told():
    names = ("walrus", "zebra", "ant", "mole", "bear")
    catalog = SliceCatalog()
    for name in names:
        catalog.offer(name, partial(type, name, (Painter,), {"name": name}))
    steps = "".join(f"  - {name}s: {{slice: {name}, method: paint}}\n" for name in names)
    workflow = load_or_raise(f"name: w\nsteps:\n{steps}", file="w.yaml", catalog=catalog)
    with pytest.raises(NotFound, match="walrus"):
        look_ahead(workflow, SliceCatalog(), {})
