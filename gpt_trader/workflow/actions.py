"""Steps that call slices: actions, the look at what an earlier attempt did, and the step that prepares slices."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import Interrupted, JournalCorrupt, JournalError, StepFailed, ValidationError
from gpt_trader.core.slices import Method, Outputs, Params
from gpt_trader.workflow.active import Spot
from gpt_trader.workflow.definition import Action, Prepare
from gpt_trader.workflow.expressions import template
from gpt_trader.workflow.pen import Attempt, Work, params_hash
from gpt_trader.workflow.scope import wire

if TYPE_CHECKING:
    from gpt_trader.journal.writer import Op
    from gpt_trader.workflow.strand import Strand


def action(strand: Strand, attempt: Attempt) -> Work:
    """Call one method of one slice."""
    step = attempt.step
    assert isinstance(step, Action)
    method = strand.run.parts.catalog.method(step.slice, step.method)
    params = method.check(resolve(method, step.params, attempt.spot))
    hashed = params_hash(params)
    facts: list[Op] = []
    work = Work(lambda: _called(strand, attempt, method, params, facts), step.slice, step.method, hashed, facts=facts)
    if step.cache_ttl is not None:
        outside = strand.run.parts.catalog.instance(step.slice).outside(step.method, params)
        work.cache_key = hashlib.sha256(f"{step.slice}.{step.method}:{hashed}:{outside}".encode()).hexdigest()
        found = _cached(strand, attempt, work.cache_key)
        if found is not None:
            work.cache_key = None  # only what was computed counts as fresh for others
            fact = {"path": attempt.path, "slice": step.slice, "method": step.method}
            facts.append(strand.run.parts.runs.event("step.cached", fact, run_id=strand.run.id))
            work.call = lambda: found
    return work


def resolve(method: Method, written: Mapping[str, Any], spot: Spot) -> dict[str, Any]:
    """The values of a method's params: from `with`, the loop, the inputs, or the latest output of that name."""
    given = template(written).resolve(spot.view()) if written else {}
    values = dict(given)
    for name in method.takes:
        if name not in values:
            found = wire(name, given={}, loop=spot.extras, inputs=spot.inputs, scope=spot.scope)
            if found is not None:
                values[name] = found[1]
    return values


def _cached(strand: Strand, attempt: Attempt, cache_key: str) -> Mapping[str, Any] | None:
    """The outputs of the same method with the same params, if they are fresh enough."""
    parts = strand.run.parts
    text = parts.runs.cached(cache_key, parts.runs.now() - int((attempt.step.cache_ttl or 0) * 1e6))
    if text is None:
        return None
    try:
        found: Mapping[str, Any] = parts.artifacts.decode(text)
    except JournalCorrupt:  # an artifact of it is gone, or damaged
        return None
    strand.run.tell(attempt.path, attempt.step.name, "CACHED", attempt.number)
    return found


def _called(strand: Strand, attempt: Attempt, method: Method, params: Params, facts: list[Op]) -> Mapping[str, Any]:
    if strand.process is not None:
        from gpt_trader.workflow.remote import call_in_process

        outputs = call_in_process(strand, attempt, method, params, facts)
    else:
        outputs = _call_here(strand, attempt, method, params, facts)
    if not isinstance(outputs, method.outputs):
        raise ValidationError(
            f"{method.slice}.{method.name} gave a {type(outputs).__name__}, not its {method.outputs.__name__}"
        )
    return outputs.__dict__


def _call_here(strand: Strand, attempt: Attempt, method: Method, params: Params, facts: list[Op]) -> Outputs:
    function = getattr(strand.run.parts.catalog.instance(method.slice), method.name)
    ctx = context(strand, attempt, facts)
    strand.enter(attempt)
    try:
        outputs: Outputs = function(params, ctx)
    except JournalError as error:  # of a journal of the slice's own; ours would end the run without a record
        raise StepFailed(f"{method.slice}.{method.name}: {error}", hint=error.hint) from error
    except Interrupted:
        strand.check()  # leaves the walk: the step goes on when the run is resumed
        raise
    finally:
        strand.leave()
    return outputs


def context(strand: Strand, attempt: Attempt, facts: list[Op]) -> StepContext:
    """All that the attempt may touch; the facts that it records are committed with its outcome."""
    run, parts = strand.run, strand.run.parts
    path, name, number = attempt.path, attempt.step.name, attempt.number
    return run.context.at(
        path,
        number,
        record=lambda topic, payload: facts.append(parts.runs.event(topic, payload, run_id=run.id)),
        progress=lambda done, total, text: run.tell(path, name, "PROGRESS", number, f"{text} {done:g}/{total:g}"),
        check=lambda: _cooperate(strand),
        stopping=lambda: run.request in ("stop", "pause"),
    )


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
    method = catalog.meant(step.slice, step.reconcile)
    wanted = catalog.method(step.slice, step.method)
    values = resolve(wanted, step.params, attempt.spot)
    params = method.check({k: v for k, v in values.items() if k in method.params.model_fields})
    found = _call_here(strand, attempt, method, params, []).__dict__
    if not found["found"]:  # of a slice that was changed meanwhile it may be missing: then the step fails
        return None
    return {k: v for k, v in found.items() if k in wanted.outputs.model_fields}


def _ask_again(strand: Strand, attempt: Attempt) -> None:
    from gpt_trader.workflow.waits import ask

    name = attempt.step.name
    message = f"step '{name}' may have happened already; approve to do it again, reject to stop"
    place = f"{attempt.path}?{attempt.number}"
    answer = ask(strand, place, message, None)
    if not answer["approved"]:
        # whoever takes the run up again is asked anew; that this was rejected stays in the history
        strand.pen.add(("approval.forget", {"run_id": strand.run.id, "prefix": place}, False))
        raise StepFailed(f"step '{name}' was in flight at a crash, and {answer['by']} decided not to repeat it")


def slices(strand: Strand, attempt: Attempt) -> Work:
    """Ask several slices whether what they need is there."""
    step = attempt.step
    assert isinstance(step, Prepare)
    facts: list[Op] = []

    def call() -> Mapping[str, Any]:
        ctx = context(strand, attempt, facts)
        for name in step.slices:
            instance = strand.run.parts.catalog.instance(name)
            strand.enter(attempt)
            try:
                instance.prepare(ctx)
            finally:
                strand.leave()
        return {"prepared": list(step.slices)}

    return Work(call, facts=facts)
