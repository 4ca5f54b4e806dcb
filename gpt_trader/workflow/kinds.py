"""What each kind of step does when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import ValidationError
from gpt_trader.workflow.actions import action, slices
from gpt_trader.workflow.active import Spot
from gpt_trader.workflow.definition import (
    Action,
    Agent,
    Approval,
    Foreach,
    Group,
    Loop,
    Parallel,
    Prepare,
    Step,
    SubWorkflow,
    Switch,
    Wait,
)
from gpt_trader.workflow.expressions import condition, template
from gpt_trader.workflow.pen import Attempt, Work
from gpt_trader.workflow.scope import Scope, wire
from gpt_trader.workflow.whole import walk_workflow

if TYPE_CHECKING:
    from gpt_trader.workflow.strand import Strand

CONTAINERS = (Group, Parallel, Foreach, Switch, Loop, SubWorkflow)
REENTERED = (*CONTAINERS, Approval, Wait)
"""Kinds that go on where they were after a crash, in the same attempt."""


def ready(strand: Strand, attempt: Attempt) -> Work:
    """Make an attempt ready, up to the point where it would touch the world."""
    return _READY[type(attempt.step)](strand, attempt)


def reenter(strand: Strand, attempt: Attempt, outputs: Mapping[str, Any]) -> None:
    """Walk through a recorded container, so that later steps see what is inside it."""
    step = attempt.step
    if isinstance(step, Group | Switch):
        ready(strand, attempt).call()
    elif isinstance(step, Parallel):
        failed = outputs.get("failed", ())
        for branch in step.branches:
            if branch.name not in failed:
                _in_place(strand, attempt, branch.steps)


def _in_place(strand: Strand, attempt: Attempt, steps: tuple[Step, ...]) -> None:
    """Walk steps inside a container, seen from outside once all of them are done."""
    scope = attempt.spot.scope.child()
    strand.walk(steps, attempt.spot.inside(attempt.step.path, attempt.prefix, scope=scope))
    attempt.spot.scope.merge(scope)


# --- containers ------------------------------------------------------------------------------------------------------


def _group(strand: Strand, attempt: Attempt) -> Work:
    step = attempt.step
    assert isinstance(step, Group)

    def call() -> Mapping[str, Any]:
        _in_place(strand, attempt, step.steps)
        return {}

    return Work(call)


def _switch(strand: Strand, attempt: Attempt) -> Work:
    step = attempt.step
    assert isinstance(step, Switch)

    def call() -> Mapping[str, Any]:
        for index, case in enumerate(step.cases):
            if case.when is None or condition(case.when).holds(attempt.spot.view()):
                _in_place(strand, attempt, case.steps)
                return {"case": index}
        return {"case": None}

    return Work(call)


def _parallel(strand: Strand, attempt: Attempt) -> Work:
    step, spot = attempt.step, attempt.spot
    assert isinstance(step, Parallel)
    scopes = [spot.scope.child() for _ in step.branches]

    def job(index: int) -> Callable[[Strand], None]:
        def entry(inner: Strand) -> None:
            scopes[index] = spot.scope.child()
            inner.walk(step.branches[index].steps, spot.inside(step.path, attempt.prefix, scope=scopes[index]))

        return entry

    def call() -> Mapping[str, Any]:
        from gpt_trader.workflow.abreast import walk_abreast

        failures = walk_abreast(strand, step, [job(i) for i in range(len(step.branches))])
        for index, scope in enumerate(scopes):
            if index not in failures:
                spot.scope.merge(scope)
        return {} if step.fail_fast else {"failed": [step.branches[i].name for i in sorted(failures)]}

    return Work(call)


def _foreach(strand: Strand, attempt: Attempt) -> Work:
    step, spot = attempt.step, attempt.spot
    assert isinstance(step, Foreach)
    items = template(step.items).resolve(spot.view())
    if not isinstance(items, list | tuple):
        raise ValidationError(f"foreach needs a list, not a {type(items).__name__}")
    results: list[Mapping[str, Any] | None] = [None] * len(items)

    def job(index: int) -> Callable[[Strand], None]:
        def entry(inner: Strand) -> None:
            scope = spot.scope.child()
            names = {"item": items[index], step.var: items[index]}
            body = spot.inside(f"{step.path}.foreach", f"{attempt.prefix}.foreach[{index}]", scope=scope, **names)
            inner.walk(step.steps, body)
            results[index] = scope.results()

        return entry

    def call() -> Mapping[str, Any]:
        from gpt_trader.workflow.abreast import walk_abreast

        failures = walk_abreast(strand, step, [job(i) for i in range(len(items))])
        return _collected(items, results, None if step.fail_fast else sorted(failures))

    return Work(call)


def _collected(items: Any, results: list[Mapping[str, Any] | None], failed: list[int] | None) -> Mapping[str, Any]:
    outputs: dict[str, Any] = {"items": results, "count": len(results)}
    if failed is not None:
        outputs["failed"] = failed
    scored = [(r["score"], -i) for i, r in enumerate(results) if r is not None and "score" in r]
    if scored:
        score, place = max(scored)
        outputs |= {"best": score, "best_item": items[-place]}
    return outputs


def _sub_workflow(strand: Strand, attempt: Attempt) -> Work:
    step, spot = attempt.step, attempt.spot
    assert isinstance(step, SubWorkflow)
    from gpt_trader.workflow.inputs import resolve_inputs

    given = dict(template(step.params).resolve(spot.view())) if step.params else {}
    for name in step.workflow.inputs:
        found = wire(name, given=given, loop=spot.extras, inputs=spot.inputs, scope=spot.scope)
        if found is not None:
            given[name] = found[1]
    inputs = resolve_inputs(step.workflow, given)

    def call() -> Mapping[str, Any]:
        scope: Scope[Any] = Scope()
        body = Spot(strand.run, inputs, scope, {}, step.path, attempt.prefix, spot.journaled)
        walk_workflow(strand, step.workflow, body)
        return scope.results()

    return Work(call)


def _later(module: str, name: str) -> Callable[[Strand, Attempt], Work]:
    """A kind whose code is imported when a workflow first uses it."""

    def make(strand: Strand, attempt: Attempt) -> Work:
        from importlib import import_module

        work: Work = getattr(import_module(f"gpt_trader.workflow.{module}"), name)(strand, attempt)
        return work

    return make


_READY: dict[type[Step], Callable[[Strand, Attempt], Work]] = {
    Action: action,
    Prepare: slices,
    Group: _group,
    Switch: _switch,
    Parallel: _parallel,
    Foreach: _foreach,
    SubWorkflow: _sub_workflow,
    Loop: _later("waits", "loop"),
    Approval: _later("waits", "approval"),
    Wait: _later("waits", "wait"),
    Agent: _later("agents", "agent"),
}
