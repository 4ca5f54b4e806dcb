"""What each kind of step does when its turn comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import StepFailed, ValidationError
from gpt_trader.core.slices import Method, Outputs, Params
from gpt_trader.workflow.active import Frame
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
from gpt_trader.workflow.scope import wire
from gpt_trader.workflow.strand import Strand, Work, params_hash

if TYPE_CHECKING:
    from gpt_trader.journal.store import Op

REENTERED = (Group, Parallel, Foreach, Switch, Loop, SubWorkflow, Approval, Wait)
"""Kinds that go on where they were after a crash, in the same attempt."""


def prepare(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    """Make a step's attempt ready, up to the point where it would touch the world."""
    return _PREPARE[type(step)](strand, step, path, number, frame)


def reenter(strand: Strand, step: Step, path: str, outputs: Mapping[str, Any], frame: Frame) -> None:
    """Walk through a recorded container, so that later steps see what is inside it."""
    if isinstance(step, Group | Switch):
        _PREPARE[type(step)](strand, step, path, strand.run.last[path].attempt, frame).call()
    elif isinstance(step, Parallel):
        _merge_branches(strand, step, path, frame, skip=set(outputs.get("failed", ())))


def _place(step: Step, path: str, number: int) -> tuple[str, str]:
    """How the paths inside a container are written: from its second attempt on they are new ones."""
    return step.path, path if number == 1 else f"{path}~{number}"


# --- actions ---------------------------------------------------------------------------------------------------------


def _action(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    assert isinstance(step, Action)
    run = strand.run
    method = run.parts.catalog.method(step.slice, step.method)
    params = method.check(resolve(method, step.params, frame))
    hashed = params_hash(params)
    work = Work(dict, step.slice, step.method, hashed)
    facts: list[Op] = []
    work.facts = facts
    if step.cache_ttl is not None:
        work.cache_key = hashlib.sha256(f"{step.slice}.{step.method}:{hashed}".encode()).hexdigest()
    work.call = lambda: _called(strand, step, path, number, method, params, work, facts)
    return work


def resolve(method: Method, written: Mapping[str, Any], frame: Frame) -> dict[str, Any]:
    """The values of a method's params: from `with`, the loop, the inputs, or the latest output of that name."""
    given = template(written).resolve(frame.view()) if written else {}
    values = dict(given)
    for name in method.params.model_fields:
        if name not in values:
            found = wire(name, given={}, loop=frame.extras, inputs=frame.inputs, scope=frame.scope)
            if found is not None:
                values[name] = found[1]
    return values


def _called(
    strand: Strand,
    step: Action,
    path: str,
    number: int,
    method: Method,
    params: Params,
    work: Work,
    facts: list[Op],
) -> Mapping[str, Any]:
    parts = strand.run.parts
    if work.cache_key is not None and step.cache_ttl is not None:
        text = parts.runs.cached(work.cache_key, parts.runs.now() - int(step.cache_ttl * 1e6))
        if text is not None:
            strand.run.tell(path, step.name, "CACHED", number)
            return parts.artifacts.decode(text)  # type: ignore[no-any-return]
    if strand.lane is not None:
        from gpt_trader.workflow.remote import call_in_lane

        outputs = call_in_lane(strand, path, number, method, params, facts)
    else:
        outputs = _call_here(strand, step, path, number, method, params, facts)
    if not isinstance(outputs, method.outputs):
        raise ValidationError(
            f"{method.slice}.{method.name} gave a {type(outputs).__name__}, not its {method.outputs.__name__}"
        )
    return outputs.__dict__


def _call_here(
    strand: Strand, step: Step, path: str, number: int, method: Method, params: Params, facts: list[Op]
) -> Outputs:
    run = strand.run
    parts = run.parts
    instance = parts.catalog.instance(method.slice)
    ctx = StepContext(
        run_id=run.id,
        path=path,
        attempt=number,
        mode=run.mode,
        clock=parts.clock,
        artifacts=parts.artifacts,
        executor=parts.heavy,
        record=lambda topic, payload: facts.append(parts.runs.event(topic, payload, run_id=run.id)),
        progress=lambda done, total, text: run.tell(path, step.name, "PROGRESS", number, f"{text} {done:g}/{total:g}"),
        check=lambda: _cooperate(strand),
    )
    with watched(strand, step, path, number):
        return getattr(instance, method.name)(params, ctx)  # type: ignore[no-any-return]


class watched:  # noqa: N801 - reads as a statement
    """While a thread is inside foreign code, the keeper may give its strand up."""

    __slots__ = ("number", "path", "step", "strand")

    def __init__(self, strand: Strand, step: Step, path: str, number: int) -> None:
        self.strand, self.step, self.path, self.number = strand, step, path, number

    def __enter__(self) -> None:
        strand = self.strand
        if strand.parent is not None:
            strand.take_slot()
        with strand.run.lock:
            strand.attempt = (self.step, self.path, self.number)
            strand.run.calling.add(strand)
        if strand.limits:
            strand.run.keeper.look_at(min(at for _, at in strand.limits))

    def __exit__(self, *_: object) -> None:
        self.strand.leave_slot()


def _cooperate(strand: Strand) -> None:
    if strand.dead or strand.run.request == "cancel":
        strand.check()
    strand.raise_overdue()


def reconcile(strand: Strand, step: Step, path: str, frame: Frame) -> Mapping[str, Any] | None:
    """Look up what an earlier attempt of a once-only step did; without a way to, ask a person."""
    if step.reconcile is None or not isinstance(step, Action):
        return _ask_again(strand, step, path)
    catalog = strand.run.parts.catalog
    same = step.reconcile in catalog[step.slice].methods
    method = catalog.method(step.slice, step.reconcile) if same else catalog.bare(step.reconcile)
    wanted = catalog.method(step.slice, step.method)
    values = resolve(wanted, step.params, frame)
    params = method.check({k: v for k, v in values.items() if k in method.params.model_fields})
    found = _call_here(strand, step, path, 0, method, params, []).__dict__
    strand.check_dead()
    if not found.get("found"):
        return None
    return {k: v for k, v in found.items() if k in wanted.outputs.model_fields}


def _ask_again(strand: Strand, step: Step, path: str) -> None:
    from gpt_trader.workflow.waits import ask

    message = f"step '{step.name}' may have happened already; approve to do it again, reject to stop"
    answer = ask(strand, f"{path}?again", message, None)
    if not answer["approved"]:
        raise StepFailed(f"step '{step.name}' was in flight at a crash, and {answer['by']} decided not to repeat it")


def _prepare_slices(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    assert isinstance(step, Prepare)
    del frame
    parts = strand.run.parts
    ctx = StepContext(
        run_id=strand.run.id,
        path=path,
        attempt=number,
        mode=strand.run.mode,
        clock=parts.clock,
        artifacts=parts.artifacts,
        executor=parts.heavy,
    )

    def call() -> Mapping[str, Any]:
        for name in step.slices:
            instance = parts.catalog.instance(name)
            with watched(strand, step, path, number):
                instance.prepare(ctx)
        return {"prepared": list(step.slices)}

    return Work(call)


# --- containers ------------------------------------------------------------------------------------------------------


def _group(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    assert isinstance(step, Group)

    def call() -> Mapping[str, Any]:
        scope = frame.scope.child()
        strand.walk(step.steps, frame.inside(*_place(step, path, number), scope=scope))
        frame.scope.merge(scope)
        return {}

    return Work(call)


def _switch(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    assert isinstance(step, Switch)

    def call() -> Mapping[str, Any]:
        for index, case in enumerate(step.cases):
            if case.when is None or condition(case.when).holds(frame.view()):
                scope = frame.scope.child()
                strand.walk(case.steps, frame.inside(*_place(step, path, number), scope=scope))
                frame.scope.merge(scope)
                return {"case": index}
        return {"case": None}

    return Work(call)


def _parallel(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    assert isinstance(step, Parallel)

    def call() -> Mapping[str, Any]:
        from gpt_trader.workflow.forks import fork

        scopes = [frame.scope.child() for _ in step.branches]

        def job(index: int) -> Callable[[Strand], None]:
            def entry(inner: Strand) -> None:
                scopes[index] = frame.scope.child()
                place = frame.inside(*_place(step, path, number), scope=scopes[index])
                inner.walk(step.branches[index].steps, place)
                inner.flush()

            return entry

        failures = fork(strand, step, [job(i) for i in range(len(step.branches))])
        for index, scope in enumerate(scopes):
            if index not in failures:
                frame.scope.merge(scope)
        return {"failed": [step.branches[i].name for i in sorted(failures)]} if failures else {}

    return Work(call)


def _merge_branches(strand: Strand, step: Parallel, path: str, frame: Frame, *, skip: set[str]) -> None:
    """Replay the branches of a recorded parallel step, save those that had failed."""
    place = _place(step, path, strand.run.last[path].attempt)
    for branch in step.branches:
        if branch.name not in skip:
            scope = frame.scope.child()
            strand.walk(branch.steps, frame.inside(*place, scope=scope))
            frame.scope.merge(scope)


def _foreach(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    assert isinstance(step, Foreach)
    items = template(step.items).resolve(frame.view())
    if not isinstance(items, list | tuple):
        raise ValidationError(f"foreach needs a list, not a {type(items).__name__}")

    def call() -> Mapping[str, Any]:
        from gpt_trader.workflow.forks import fork

        results: list[Mapping[str, Any] | None] = [None] * len(items)
        static, actual = _place(step, path, number)

        def job(index: int) -> Callable[[Strand], None]:
            def entry(inner: Strand) -> None:
                scope = frame.scope.child()
                names = {"item": items[index], step.var: items[index]}
                place = frame.inside(f"{static}.foreach", f"{actual}.foreach[{index}]", scope=scope, **names)
                inner.walk(step.steps, place)
                inner.flush()
                results[index] = scope.results()

            return entry

        failures = fork(strand, step, [job(i) for i in range(len(items))])
        return _collected(items, results, sorted(failures))

    return Work(call)


def _collected(items: Any, results: list[Mapping[str, Any] | None], failed: list[int]) -> Mapping[str, Any]:
    outputs: dict[str, Any] = {"items": results, "count": len(results)}
    if failed:
        outputs["failed"] = failed
    scored = [(r["score"], -i) for i, r in enumerate(results) if r is not None and "score" in r]
    if scored:
        score, place = max(scored)
        outputs |= {"best": score, "best_item": items[-place]}
    return outputs


def _sub_workflow(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
    assert isinstance(step, SubWorkflow)
    from gpt_trader.workflow.inputs import resolve_inputs
    from gpt_trader.workflow.scope import Scope

    given = dict(template(step.params).resolve(frame.view())) if step.params else {}
    for name in step.workflow.inputs:
        found = wire(name, given=given, loop=frame.extras, inputs=frame.inputs, scope=frame.scope)
        if found is not None:
            given[name] = found[1]
    inputs = resolve_inputs(step.workflow, given)

    def call() -> Mapping[str, Any]:
        from gpt_trader.workflow.runner import walk_workflow

        scope: Scope[Any] = Scope()
        static, actual = _place(step, path, number)
        body = Frame(strand.run, inputs, scope, {}, static, actual, frame.journaled)
        walk_workflow(strand, step.workflow, body)
        return scope.results()

    return Work(call)


def _later(module: str, name: str) -> Callable[[Strand, Step, str, int, Frame], Work]:
    """A kind whose code is imported when a workflow first uses it."""

    def make(strand: Strand, step: Step, path: str, number: int, frame: Frame) -> Work:
        from importlib import import_module

        return getattr(import_module(f"gpt_trader.workflow.{module}"), name)(strand, step, path, number, frame)  # type: ignore[no-any-return]

    return make


_PREPARE: dict[type[Step], Callable[[Strand, Step, str, int, Frame], Work]] = {
    Action: _action,
    Prepare: _prepare_slices,
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
