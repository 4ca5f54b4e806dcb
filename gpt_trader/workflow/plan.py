"""What a workflow will do, before it does it: the expanded tree, what feeds each param, which steps have effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gpt_trader.workflow import definition as d
from gpt_trader.workflow.safety import unapproved
from gpt_trader.workflow.scope import MISSING, Scope, wire

if TYPE_CHECKING:
    from gpt_trader.core.slices import SliceCatalog

Source = Literal["with", "item", "event", "input", "step", "default", "missing", "unknown"]
OPEN = "*"
"""The output of a step of which nobody knows what it gives."""


@dataclass(frozen=True, slots=True)
class Wire:
    """Where one param comes from; of several steps the latest is named first."""

    origin: Source
    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.origin, " or ".join(self.sources)]).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step of the plan, with the lists of steps inside it."""

    name: str
    path: str
    kind: str
    does: str
    wires: Mapping[str, Wire] = field(default_factory=dict)
    effect: str = "none"
    retry: int = 1
    timeout: float | None = None
    condition: str | None = None
    inner: tuple[tuple[str, tuple[PlannedStep, ...]], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The step as JSON."""
        return {
            "name": self.name,
            "path": self.path,
            "kind": self.kind,
            "does": self.does,
            "wires": {name: {"from": w.origin, "sources": list(w.sources)} for name, w in self.wires.items()},
            "effect": self.effect,
            "retry": self.retry,
            "timeout": self.timeout,
            "if": self.condition,
            "inner": [{"label": label, "steps": [s.to_dict() for s in steps]} for label, steps in self.inner],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of a workflow; `unapproved` are the paths of effects that no approval stands before."""

    workflow: str
    mode: str
    steps: tuple[PlannedStep, ...]
    on_failure: tuple[PlannedStep, ...] = ()
    finally_: tuple[PlannedStep, ...] = ()
    unapproved: tuple[str, ...] = ()

    def walk(self) -> Iterator[PlannedStep]:
        """Every step, each before what is inside it."""
        yield from _walk((*self.steps, *self.on_failure, *self.finally_))

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "version": 1,
            "workflow": self.workflow,
            "mode": self.mode,
            "steps": [s.to_dict() for s in self.steps],
            "on_failure": [s.to_dict() for s in self.on_failure],
            "finally": [s.to_dict() for s in self.finally_],
            "unapproved": list(self.unapproved),
        }


def _walk(steps: tuple[PlannedStep, ...]) -> Iterator[PlannedStep]:
    for step in steps:
        yield step
        for _, inner in step.inner:
            yield from _walk(inner)


@dataclass(frozen=True, slots=True)
class View:
    """What a step can see when its turn comes; every value stands for where it comes from."""

    inputs: Mapping[str, str]
    scope: Scope[str]
    extras: Mapping[str, str] = field(default_factory=dict)

    def inside(self, **extras: str) -> View:
        """What the body of a loop sees."""
        return View(self.inputs, self.scope.child(), {**self.extras, **extras})


Observer = Callable[[d.Step, View, Mapping[str, Wire], bool], None]
"""Is told of each step when its turn comes, and of each loop again when its body has ended (then True)."""


def _unobserved(step: d.Step, view: View, wires: Mapping[str, Wire], after: bool) -> None:  # noqa: FBT001
    pass


def plan(workflow: d.Workflow, catalog: SliceCatalog, *, observe: Observer = _unobserved) -> Plan:
    """The plan of a workflow, made with the same rule of wiring as its runs."""
    made = _Planner(catalog, observe).workflow(workflow, View(_named(workflow.inputs), Scope()))
    paths = tuple(step.path for step in unapproved(workflow))
    return Plan(
        workflow=workflow.name,
        mode=workflow.mode,
        steps=made[0],
        on_failure=made[1],
        finally_=made[2],
        unapproved=paths,
    )


def _named(names: Mapping[str, Any]) -> dict[str, str]:
    return {name: name for name in names}


Steps = tuple[PlannedStep, ...]
Inner = tuple[tuple[str, Steps], ...]


class _Planner:
    def __init__(self, catalog: SliceCatalog, observe: Observer) -> None:
        self.catalog = catalog
        self.observe = observe

    def workflow(self, workflow: d.Workflow, view: View) -> tuple[Steps, Steps, Steps]:
        steps = self.steps(workflow.steps, view)
        failed = View(view.inputs, view.scope.child(), {"error": "error"})
        on_failure = self.steps(workflow.on_failure, failed)
        return steps, on_failure, self.steps(workflow.finally_, View(view.inputs, view.scope.child()))

    def steps(self, steps: tuple[d.Step, ...], view: View) -> Steps:
        return tuple(self.step(step, view) for step in steps)

    def step(self, step: d.Step, view: View) -> PlannedStep:
        wires = self.wires(step, view)
        self.observe(step, view, wires, False)
        inner, outputs = self.inside(step, view)
        view.scope.succeed(step.name, {name: f"{step.name}.{name}" for name in outputs})
        return PlannedStep(
            name=step.name,
            path=step.path,
            kind=step.kind,
            does=_DOES.get(type(step), _nothing)(step),
            wires=wires,
            effect=step.effect,
            retry=step.retry.max_attempts,
            timeout=step.timeout,
            condition=step.when,
            inner=inner,
        )

    def wires(self, step: d.Step, view: View) -> dict[str, Wire]:
        if isinstance(step, d.Action):
            method = self.catalog.method(step.slice, step.method)
            needed = {name: name in method.required for name in method.params.model_fields}
        elif isinstance(step, d.SubWorkflow):
            needed = {name: "default" not in schema for name, schema in step.workflow.inputs.items()}
        else:
            return {}
        return {name: _wire(name, step, view, required=required) for name, required in needed.items()}

    def inside(self, step: d.Step, view: View) -> tuple[Inner, tuple[str, ...]]:
        match step:
            case d.Action():
                return (), tuple(self.catalog.method(step.slice, step.method).outputs.model_fields)
            case d.Foreach():
                return self.foreach(step, view)
            case d.Loop():
                body = view.inside(event="event")
                steps = self.steps(step.steps, body)
                self.observe(step, body, {}, True)
                return (("", steps),), ("count", "last_seq")
            case d.SubWorkflow():
                return self.sub_workflow(step)
            case d.Group() | d.Parallel() | d.Switch():
                inner = self.side_by_side(list(d.children(step)), view)
                return inner, _ENDS[type(step)](step)
            case _:
                return (), _ENDS.get(type(step), _unknown)(step)

    def foreach(self, step: d.Foreach, view: View) -> tuple[Inner, tuple[str, ...]]:
        body = view.inside(**{"item": "item", step.var: step.var})
        steps = self.steps(step.steps, body)
        outputs = ["items", "count"]
        outputs += [] if step.fail_fast else ["failed"]
        outputs += ["best", "best_item"] if {"score", OPEN} & body.scope.results().keys() else []
        return (("", steps),), tuple(outputs)

    def side_by_side(self, lists: list[tuple[str, tuple[d.Step, ...]]], view: View) -> Inner:
        scopes = [view.scope.child() for _ in lists]
        made = tuple(
            (label, self.steps(steps, View(view.inputs, scope, view.extras)))
            for (label, steps), scope in zip(lists, scopes, strict=True)
        )
        for scope in scopes:
            view.scope.merge(scope)
        return made

    def sub_workflow(self, step: d.SubWorkflow) -> tuple[Inner, tuple[str, ...]]:
        view = View(_named(step.workflow.inputs), Scope())
        steps, on_failure, finally_ = self.workflow(step.workflow, view)
        labelled = ((step.workflow.name, steps), ("on_failure", on_failure), ("finally", finally_))
        return tuple((label, inner) for label, inner in labelled if inner), tuple(view.scope.results())


def _wire(name: str, step: d.Step, view: View, *, required: bool) -> Wire:
    found = wire(name, given=_named(step.params), loop=view.extras, inputs=view.inputs, scope=view.scope)
    if found is None:
        if view.scope.output(OPEN) is not MISSING:
            return Wire("unknown")
        return Wire("missing" if required else "default")
    if found[0] == "step":
        return Wire("step", tuple(dict.fromkeys(view.scope.candidates(name))))
    return Wire(found[0], () if found[0] == "with" else (found[1],))


def _nothing(step: d.Step) -> str:
    del step
    return ""


def _asks(step: d.Approval) -> str:
    late = {"reject": "rejected", "approve": "approved", "fail": "failed"}[step.on_timeout]
    question = f"asks '{step.message}'" if step.message else "asks"
    return question if step.wait is None else f"{question}, {late} after {step.wait:g} s without an answer"


def _waits(step: d.Wait) -> str:
    if step.seconds is not None:
        return f"waits {step.seconds:g} s"
    most = "" if step.wait is None else f", for {step.wait:g} s at most"
    return f"waits until {step.until}" if step.until is not None else f"waits for {step.topic}{most}"


_DOES: dict[type[d.Step], Callable[[Any], str]] = {
    d.Action: lambda step: f"{step.slice}.{step.method}",
    d.Prepare: lambda step: ", ".join(step.slices),
    d.SubWorkflow: lambda step: str(step.workflow.name),
    d.Agent: lambda step: str(step.command[0]),
    d.Loop: lambda step: str(step.topic),
    d.Approval: _asks,
    d.Wait: _waits,
}


def _unknown(step: d.Step) -> tuple[str, ...]:
    del step
    return (OPEN,)


def _of_parallel(step: d.Step) -> tuple[str, ...]:
    return () if isinstance(step, d.Parallel) and step.fail_fast else ("failed",)


def _of_wait(step: d.Step) -> tuple[str, ...]:
    return ("event",) if isinstance(step, d.Wait) and step.topic is not None else ()


AGENT_OUTPUTS = ("task_id", "agent_name", "status", "result", "errors", "execution_time", "next_actions")
_ENDS: dict[type[d.Step], Callable[[d.Step], tuple[str, ...]]] = {
    d.Prepare: lambda _: ("prepared",),
    d.Group: lambda _: (),
    d.Parallel: _of_parallel,
    d.Switch: lambda _: ("case",),
    d.Approval: lambda _: ("approved", "by", "reason"),
    d.Wait: _of_wait,
    d.Agent: lambda _: AGENT_OUTPUTS,
}
