"""Taking one step: first run and resume are the same walk, which replays what is recorded and does what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpt_trader.core.errors import JournalError, RunCancelled, StepFailed, StepTimeout
from gpt_trader.core.texts import words
from gpt_trader.workflow.active import Last, Spot, Unwound
from gpt_trader.workflow.definition import Step
from gpt_trader.workflow.expressions import condition
from gpt_trader.workflow.kinds import reenter
from gpt_trader.workflow.pen import Attempt
from gpt_trader.workflow.tries import persist, same_work

if TYPE_CHECKING:
    from gpt_trader.workflow.strand import Strand


def take(strand: Strand, step: Step, spot: Spot) -> None:
    """Take one step: replay it if it is recorded, else do it."""
    strand.check()
    path = spot.path(step)
    last = strand.run.last.get(path)
    if last is not None and _replayed(strand, step, path, last, spot):
        return
    try:
        if step.when is not None and not _wanted(strand, step, path, last, spot):
            return
        outputs = persist(strand, step, path, spot)
    except Exception as error:  # noqa: BLE001 - whatever a slice raises is the step's failure
        _failed(step, path, error)
    else:
        spot.scope.succeed(step.name, outputs)


def _replayed(strand: Strand, step: Step, path: str, last: Last, spot: Spot) -> bool:
    """Whether a record says all that there is to know of a step."""
    if last.status == "SKIPPED":
        return True
    if last.status == "FAILED":
        return step.on_error == "continue" and bool((last.error or {}).get("final"))
    if last.status == "CANCELLED" and step.effect == "once" and last.text is not None:
        strand.pen.restore(path, last)  # a resume took it back with all that is done afterwards; but it has happened
    elif last.status != "SUCCEEDED":
        return False
    same_work(step, path, last)
    outputs = strand.run.outputs_of(last)
    reenter(strand, Attempt(step, path, last.attempt, spot), outputs)
    spot.scope.succeed(step.name, outputs)
    return True


def _wanted(strand: Strand, step: Step, path: str, last: Last | None, spot: Spot) -> bool:
    """Whether a step's condition holds; the record of the step says where it does not, or cannot be told."""
    attempt = Attempt(step, path, 1 if last is None else last.attempt + 1, spot)
    try:
        wanted = condition(step.when or "").holds(spot.view())
    except Exception as error:
        strand.pen.open(attempt, None, flush=False)
        strand.pen.fail(attempt, error)
        raise
    if not wanted:
        strand.pen.skip(attempt)
    return wanted


def _failed(step: Step, path: str, error: Exception) -> None:
    """End, pause or go on after a failure, as the step says."""
    if isinstance(error, RunCancelled | JournalError) or (isinstance(error, StepTimeout) and error.path != path):
        raise error
    if step.on_error == "continue":
        return
    if step.on_error == "pause":
        raise Unwound(f"paused: step '{step.name}' failed: {words(error)}")
    raise error if isinstance(error, StepFailed) and error.where else StepFailed.at(step.name, path, error)
