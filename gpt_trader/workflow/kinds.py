"""What each kind of step does when its turn comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import Interrupted, JournalError, StepFailed, ValidationError
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
from gpt_trader.workflow.pen import Attempt, Work, params_hash
from gpt_trader.workflow.scope import Scope, wire
from gpt_trader.workflow.secrets import taken
from gpt_trader.workflow.whole import walk_workflow

if TYPE_CHECKING:
    from gpt_trader.workflow.strand import Strand

CONTAINERS = (Group, Parallel, Foreach, Switch, Loop, SubWorkflow)
REENTERED = (*CONTAINERS, Approval, Wait)
"""Kinds that go on where they were after a crash, in the same attempt."""


def prepare(strand: Strand, attempt: Attempt) -> Work:
    """Make an attempt ready, up to the point where it would touch the world."""
    return _PREPARE[type(attempt.step)](strand, attempt)


def reenter(strand: Strand, attempt: Attempt, outputs: Mapping[str, Any]) -> None:
    """Walk through a recorded container, so that later steps see what is inside it."""
    step = attempt.step
    if isinstance(step, Group | Switch):
        prepare(strand, attempt).call()
    elif isinstance(step, Parallel):
        failed = outputs.get("failed", ())
        for branch in step.branches:
            if branch.name not in failed:
                _in_place(strand, attempt, branch.steps)


def _in_place(strand: Strand, attempt: Attempt, steps: tuple[Step, ...]) -> None:
    """Walk steps inside a container, seen from outside once all of them are done."""
    scope = attempt.frame.scope.child()
    strand.walk(steps, attempt.frame.inside(attempt.step.path, attempt.place, scope=scope))
    attempt.frame.scope.merge(scope)


# --- actions ---------------------------------------------------------------------------------------------------------


def _action(strand: Strand, attempt: Attempt) -> Work:
    step = attempt.step
    assert isinstance(step, Action)
    method = strand.run.parts.catalog.method(step.slice, step.method)
    params = method.check(resolve(method, step.params, attempt.frame))
    hashed = params_hash(params)
    work = Work(dict, step.slice, step.method, hashed, facts=[])
    if step.cache_ttl is not None:
        outside = strand.run.parts.catalog.instance(step.slice).outside(step.method, params)
        work.cache_key = hashlib.sha256(f"{step.slice}.{step.method}:{hashed}:{outside}".encode()).hexdigest()
        found = _cached(strand, attempt, work.cache_key)
        if found is not None:
            work.cache_key = None  # only what was computed counts as fresh for others
            fact = {"path": attempt.path, "slice": step.slice, "method": step.method}
            work.facts = [strand.run.parts.runs.event("step.cached", fact, run_id=strand.run.id)]
            work.call = lambda: found
            return work
    work.call = lambda: _called(strand, attempt, method, params, work)
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


def _cached(strand: Strand, attempt: Attempt, cache_key: str) -> Mapping[str, Any] | None:
    """The outputs of the same method with the same params, if they are fresh enough."""
    parts = strand.run.parts
    text = parts.runs.cached(cache_key, parts.runs.now() - int((attempt.step.cache_ttl or 0) * 1e6))
    if text is None:
        return None
    strand.run.tell(attempt.path, attempt.step.name, "CACHED", attempt.number)
    found: Mapping[str, Any] = parts.artifacts.decode(text)
    return found


def _called(strand: Strand, attempt: Attempt, method: Method, params: Params, work: Work) -> Mapping[str, Any]:
    if strand.lane is not None:
        from gpt_trader.workflow.remote import call_in_lane

        outputs = call_in_lane(strand, attempt, method, params, work)
    else:
        outputs = _call_here(strand, attempt, method, params, work)
    if not isinstance(outputs, method.outputs):
        raise ValidationError(
            f"{method.slice}.{method.name} gave a {type(outputs).__name__}, not its {method.outputs.__name__}"
        )
    return outputs.__dict__


def _call_here(strand: Strand, attempt: Attempt, method: Method, params: Params, work: Work) -> Outputs:
    function = getattr(strand.run.parts.catalog.instance(method.slice), method.name)
    ctx = context(strand, attempt, work)
    with watched(strand, attempt):
        try:
            outputs: Outputs = function(params, ctx)
        except JournalError as error:  # of a journal of the slice's own; ours would end the run without a record
            raise StepFailed(f"{method.slice}.{method.name}: {error}", hint=error.hint) from error
        except Interrupted:
            strand.check()  # leaves the walk: the step goes on when the run is resumed
            raise
    return outputs


def context(strand: Strand, attempt: Attempt, work: Work) -> StepContext:
    """All that the attempt may touch; the facts that it records are committed with its outcome."""
    run, parts = strand.run, strand.run.parts
    facts = work.facts = work.facts if work.facts is not None else []
    path, name, number = attempt.path, attempt.step.name, attempt.number
    return StepContext(
        run_id=run.id,
        path=path,
        attempt=number,
        mode=run.mode,
        clock=parts.clock,
        artifacts=parts.artifacts,
        executor=parts.heavy,
        secret=lambda name: taken(name, run.secrets),
        record=lambda topic, payload: facts.append(parts.runs.event(topic, payload, run_id=run.id)),
        progress=lambda done, total, text: run.tell(path, name, "PROGRESS", number, f"{text} {done:g}/{total:g}"),
        check=lambda: _cooperate(strand),
        stopping=lambda: run.request in ("stop", "pause"),
    )


class watched:  # noqa: N801 - reads as a statement
    """While a thread is inside foreign code, the keeper may give its strand up."""

    __slots__ = ("attempt", "strand")

    def __init__(self, strand: Strand, attempt: Attempt) -> None:
        self.strand, self.attempt = strand, attempt

    def __enter__(self) -> None:
        strand = self.strand
        if strand.parent is not None:
            strand.take_slot()
        with strand.run.lock:
            strand.attempt = self.attempt
            strand.run.calling.add(strand)
        if strand.limits:
            strand.run.parts.look_at(min(at for _, at in strand.limits))

    def __exit__(self, *_: object) -> None:
        self.strand.leave_slot()


def _cooperate(strand: Strand) -> None:
    if strand.dead or strand.run.request == "cancel":
        strand.check()
    strand.raise_overdue()


def reconcile(strand: Strand, attempt: Attempt) -> Mapping[str, Any] | None:
    """Look up what an earlier attempt of a once-only step did; without a way to, ask a person. None: it did nothing."""
    step = attempt.step
    if step.reconcile is None or not isinstance(step, Action):
        _ask_again(strand, attempt)
        return None
    catalog = strand.run.parts.catalog
    same = step.reconcile in catalog[step.slice].methods
    method = catalog.method(step.slice, step.reconcile) if same else catalog.bare(step.reconcile)
    wanted = catalog.method(step.slice, step.method)
    values = resolve(wanted, step.params, attempt.frame)
    params = method.check({k: v for k, v in values.items() if k in method.params.model_fields})
    found = _call_here(strand, attempt, method, params, Work(dict)).__dict__
    if not found.get("found"):
        return None
    return {k: v for k, v in found.items() if k in wanted.outputs.model_fields}


def _ask_again(strand: Strand, attempt: Attempt) -> None:
    from gpt_trader.workflow.waits import ask

    name = attempt.step.name
    message = f"step '{name}' may have happened already; approve to do it again, reject to stop"
    answer = ask(strand, f"{attempt.path}?{attempt.number}", message, None)
    if not answer["approved"]:
        raise StepFailed(f"step '{name}' was in flight at a crash, and {answer['by']} decided not to repeat it")


def _prepare_slices(strand: Strand, attempt: Attempt) -> Work:
    step = attempt.step
    assert isinstance(step, Prepare)
    work = Work(dict)

    def call() -> Mapping[str, Any]:
        ctx = context(strand, attempt, work)
        for name in step.slices:
            instance = strand.run.parts.catalog.instance(name)
            with watched(strand, attempt):
                instance.prepare(ctx)
        return {"prepared": list(step.slices)}

    work.call = call
    return work


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
            if case.when is None or condition(case.when).holds(attempt.frame.view()):
                _in_place(strand, attempt, case.steps)
                return {"case": index}
        return {"case": None}

    return Work(call)


def _parallel(strand: Strand, attempt: Attempt) -> Work:
    step, frame = attempt.step, attempt.frame
    assert isinstance(step, Parallel)
    scopes = [frame.scope.child() for _ in step.branches]

    def job(index: int) -> Callable[[Strand], None]:
        def entry(inner: Strand) -> None:
            scopes[index] = frame.scope.child()
            inner.walk(step.branches[index].steps, frame.inside(step.path, attempt.place, scope=scopes[index]))
            inner.pen.flush()

        return entry

    def call() -> Mapping[str, Any]:
        from gpt_trader.workflow.forks import fork

        failures = fork(strand, step, [job(i) for i in range(len(step.branches))])
        for index, scope in enumerate(scopes):
            if index not in failures:
                frame.scope.merge(scope)
        return {} if step.fail_fast else {"failed": [step.branches[i].name for i in sorted(failures)]}

    return Work(call)


def _foreach(strand: Strand, attempt: Attempt) -> Work:
    step, frame = attempt.step, attempt.frame
    assert isinstance(step, Foreach)
    items = template(step.items).resolve(frame.view())
    if not isinstance(items, list | tuple):
        raise ValidationError(f"foreach needs a list, not a {type(items).__name__}")
    results: list[Mapping[str, Any] | None] = [None] * len(items)

    def job(index: int) -> Callable[[Strand], None]:
        def entry(inner: Strand) -> None:
            scope = frame.scope.child()
            names = {"item": items[index], step.var: items[index]}
            body = frame.inside(f"{step.path}.foreach", f"{attempt.place}.foreach[{index}]", scope=scope, **names)
            inner.walk(step.steps, body)
            inner.pen.flush()
            results[index] = scope.results()

        return entry

    def call() -> Mapping[str, Any]:
        from gpt_trader.workflow.forks import fork

        failures = fork(strand, step, [job(i) for i in range(len(items))])
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
    step, frame = attempt.step, attempt.frame
    assert isinstance(step, SubWorkflow)
    from gpt_trader.workflow.inputs import resolve_inputs

    given = dict(template(step.params).resolve(frame.view())) if step.params else {}
    for name in step.workflow.inputs:
        found = wire(name, given=given, loop=frame.extras, inputs=frame.inputs, scope=frame.scope)
        if found is not None:
            given[name] = found[1]
    inputs = resolve_inputs(step.workflow, given)

    def call() -> Mapping[str, Any]:
        scope: Scope[Any] = Scope()
        body = Frame(strand.run, inputs, scope, {}, step.path, attempt.place, frame.journaled)
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


_PREPARE: dict[type[Step], Callable[[Strand, Attempt], Work]] = {
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
