"""The generated schemas are sound, know every slice's params, and agree with the loader."""

import copy
import json
from datetime import date
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Frame, Outputs, Params, Slice, SliceCatalog, method
from gpt_trader.workflow.faults import Source
from gpt_trader.workflow.loader import load
from gpt_trader.workflow.schema import agent_response_schema, agent_task_schema, workflow_schema
from gpt_trader.workflow.strictyaml import read
from tests.workflow.house import catalog
from tests.workflow.test_loader import FULL, SHAPE_A, SHAPE_B, SHAPE_C, WRONG_STEPS, steps

SCHEMA = workflow_schema(catalog())


def plain(text) -> Any:
    node, faults = read(Source("f", text))
    assert node is not None
    assert not faults
    return node.plain()


def errors(document, schema=SCHEMA):
    return list(Draft7Validator(schema).iter_errors(document))


@pytest.mark.parametrize("schema", [SCHEMA, agent_task_schema(), agent_response_schema()])
def test_the_schemas_are_sound_draft_07(schema):
    Draft7Validator.check_schema(schema)
    assert schema["$schema"].endswith("draft-07/schema#")


@pytest.mark.parametrize("text", [SHAPE_A, SHAPE_B, SHAPE_C, FULL])
def test_the_shapes_of_the_specification_are_valid(text):
    assert errors(plain(text)) == []


def test_the_same_slices_give_the_same_bytes():
    assert json.dumps(workflow_schema(catalog())) == json.dumps(SCHEMA)


STRUCTURE = {"missing-key", "wrong-type", "empty", "out-of-range", "not-allowed", "unknown-key", "twice"}


# a schema cannot compare the lengths of time that texts stand for
BEYOND = {"a: {slices: [data], retry: {delay: 9999d}}", "a: {wait: {for: 9999d}}", "a: {wait: {for: 0s}}"}
MISSHAPEN = [w[0] for w in WRONG_STEPS if w[1] in STRUCTURE and w[0] not in BEYOND]


@pytest.mark.parametrize("step", MISSHAPEN)
def test_what_the_loader_calls_misshapen_an_editor_marks_too(step):
    assert errors(plain(steps([step])))


def test_an_editor_knows_the_params_of_a_method():
    document = plain(FULL)
    assert errors(document) == []
    wrong = copy.deepcopy(document)
    wrong["steps"][0]["fetch_data"]["with"] = {"symbols": ["A"], "dys": 3}
    assert [list(e.absolute_path) for e in errors(wrong)] == [["steps", 0, "fetch_data", "with"]]
    wrong["steps"][0]["fetch_data"]["with"] = {"symbols": ["A"], "days": "many"}
    assert errors(wrong)
    wrong["steps"][0]["fetch_data"]["with"] = {"symbols": ["A"], "days": "${{ inputs.days }}"}
    assert not errors(wrong)


def test_descriptions_come_from_docstrings():
    known = SCHEMA["definitions"]
    assert known["params.data.get_historical"]["description"] == "Fetches past bars."
    assert known["params.data.get_historical"]["properties"]["symbols"]["description"] == "Which symbols are fetched."
    assert {"const": "score", "description": "analyze.score: Scores one symbol."} in known["bare-step"]["anyOf"]
    assert {"const": "data", "description": "Past and present prices."} in known["slice-name"]["anyOf"]


def test_a_name_that_two_slices_offer_is_no_bare_name():
    offered = [each.get("const") for each in SCHEMA["definitions"]["bare-step"]["anyOf"]]
    assert "find_order" not in offered
    assert "place_order" in offered


def test_a_catalog_without_slices_has_a_schema_too():
    schema = workflow_schema(SliceCatalog())
    Draft7Validator.check_schema(schema)
    assert errors(plain("name: w\nsteps: [anything]\n"), schema) == []


class Leg(BaseModel):
    symbol: str
    pair: tuple[int, str] = (1, "x")


class Odd(Params):
    legs: list[Leg]
    bars: Frame = None
    table: complex = 1j
    day: date = date(2026, 1, 1)
    inner: Leg | None = None


class Result(Outputs):
    pass


class Odds(Slice):
    name = "odds"

    @method()
    def take(self, params: Odd, ctx: StepContext) -> Result:
        """Takes what JSON does not have."""
        return Result()


def test_params_that_json_does_not_have_are_left_open():
    odd = SliceCatalog()
    odd.offer("odds", lambda: Odds)
    schema = workflow_schema(odd)
    Draft7Validator.check_schema(schema)
    head = "name: w\nsteps:\n  - a: {slice: odds, method: take, with: "
    assert errors(plain(head + "{legs: [{symbol: A, pair: [1, x]}], table: whatever}}\n"), schema) == []
    assert errors(plain(head + "{legs: [{symbol: 5}]}}\n"), schema)
    (found,) = load(head + "{legs: [{symbol: 5}]}}\n", file="f", catalog=odd).faults
    assert found.source[found.col - 1] == "5"


TASK = {
    "task_id": "r1:steps[0]#1",
    "agent_target": "trend",
    "task_type": "analyze",
    "priority": "normal",
    "data": {"symbol": "AAPL"},
    "dependencies": [],
    "timeout": 60,
    "retry_count": 0,
}
RESPONSE = {
    "task_id": "r1:steps[0]#1",
    "agent_name": "trend",
    "status": "success",
    "result": {"trend": "up"},
    "errors": [],
    "execution_time": 0.5,
    "next_actions": ["buy"],
}


def test_the_messages_of_agents():
    assert errors(TASK, agent_task_schema()) == []
    assert errors(RESPONSE, agent_response_schema()) == []
    assert errors({"task_id": "1", "agent_name": "a", "status": "success"}, agent_response_schema()) == []


@pytest.mark.parametrize(
    "change", [{"status": "ok"}, {"errors": "none"}, {"execution_time": -1}, {"order": "BUY"}, {"agent_name": ""}]
)
def test_a_response_that_says_something_else_is_refused(change):
    assert errors(RESPONSE | change, agent_response_schema())


def test_a_task_says_all_of_its_fields():
    for field in TASK:
        assert errors({k: v for k, v in TASK.items() if k != field}, agent_task_schema()), field
