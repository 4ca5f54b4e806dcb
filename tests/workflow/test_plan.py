"""The plan shows the expanded tree, what feeds each param, and the effects that nobody approves."""

import json

from gpt_trader.workflow.loader import load_or_raise
from gpt_trader.workflow.plan import plan
from tests.workflow.house import catalog
from tests.workflow.test_loader import FULL, INNER, SHAPE_C

CATALOG = catalog()


def planned(text, others=None):
    found = others or {}
    workflow = load_or_raise(text, file="w.yaml", catalog=CATALOG, find=lambda n: (found[n], n) if n in found else None)
    return plan(workflow, CATALOG)


def wires(text, path, others=None):
    step = next(s for s in planned(text, others).walk() if s.path == path)
    return {name: str(wire) for name, wire in step.wires.items()}


def test_what_feeds_what_in_the_full_form():
    assert wires(FULL, "steps[0]") == {"symbols": "with", "days": "default", "source": "default"}
    assert wires(FULL, "steps[1].parallel.tech[0]") == {"bars": "step fetch_data.bars"}
    assert wires(FULL, "steps[2].foreach.steps[0]") == {
        "symbol": "item symbol",
        "bars": "step fetch_data.bars",
        "weight": "default",
    }
    assert wires(FULL, "steps[3].switch[0].steps[1]") == {"account": "input account", "quantity": "default"}


def test_of_several_sources_the_latest_is_named_first():
    text = """\
name: w
steps:
  - one: {slice: data, method: get_historical, with: {symbols: [A]}}
  - two: {slice: data, method: real_time_data_stream, if: "size(steps) > 0"}
  - choose: {switch: [{if: true, steps: [{three: {slice: data, method: real_time_data_stream}}]}, {else: [log_skip]}]}
  - find_patterns
"""
    assert wires(text, "steps[3]") == {"bars": "step three.bars or two.bars or one.bars"}


def test_an_input_comes_before_an_output_of_the_same_name():
    text = "name: w\ninputs: {bars: {}}\nsteps:\n  - real_time_data_stream\n  - find_patterns\n"
    assert wires(text, "steps[1]") == {"bars": "input bars"}


def test_loop_variables_come_before_inputs():
    text = """\
name: w
inputs: {symbol: {type: string}, bars: {}}
steps:
  - each: {foreach: {in: [A], as: symbol}, steps: [score]}
"""
    assert wires(text, "steps[0].foreach.steps[0]")["symbol"] == "item symbol"


def test_the_plan_goes_into_sub_workflows():
    text = "name: w\nsteps:\n  - sub: {workflow: inner, with: {symbols: [A]}}\n  - detect_regime: {steps: [log_skip]}\n"
    made = planned(text, {"inner": INNER})
    assert [s.path for s in made.walk()][:3] == ["steps[0]", "steps[0].workflow.steps[0]", "steps[0].workflow.steps[1]"]
    assert wires(text, "steps[0]", {"inner": INNER}) == {"symbols": "with"}
    assert wires(text, "steps[0].workflow.steps[0]", {"inner": INNER})["symbols"] == "input symbols"


def test_the_outputs_of_a_sub_workflow_feed_what_follows():
    text = "name: w\nsteps:\n  - sub: {workflow: inner, with: {symbols: [A]}}\n  - find_patterns\n"
    assert wires(text, "steps[1]", {"inner": INNER}) == {"bars": "step sub.bars"}


def test_effects_that_nobody_approves_are_listed():
    assert planned(SHAPE_C).unapproved == ("steps[1].steps[3]",)
    assert planned(FULL).unapproved == ()


def test_steps_say_what_they_do():
    does = {s.path: (s.kind, s.does) for s in planned(FULL).walk()}
    assert does["steps[0]"] == ("action", "data.get_historical")
    assert does["steps[2]"] == ("foreach", "")
    assert does["finally[0]"] == ("action", "watching.save_report")


def test_the_plan_is_json():
    told = planned(FULL).to_dict()
    assert json.loads(json.dumps(told)) == told
    assert (told["version"], told["workflow"], told["mode"]) == (1, "momentum", "backtest")
    fetch = told["steps"][0]
    assert fetch["wires"]["symbols"] == {"from": "with", "sources": []}
    assert (fetch["retry"], fetch["timeout"]) == (3, 60.0)
    assert [branch["label"] for branch in told["steps"][1]["inner"]] == ["tech", "regime"]
