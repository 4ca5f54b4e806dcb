"""A whole workflow: its steps, then what it does on failure, then what it does in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import GptTraderError, JournalError, RunCancelled, StepFailed
from gpt_trader.workflow.active import ActiveRun, Spot
from gpt_trader.workflow.definition import Workflow

if TYPE_CHECKING:
    from gpt_trader.workflow.strand import Strand


def walk_workflow(strand: Strand, workflow: Workflow, spot: Spot) -> None:
    """Walk a workflow's steps, then what it does on failure, then what it does in any case."""
    try:
        strand.walk(workflow.steps, spot)
    except Exception as error:
        if strand.run.request == "cancel" or isinstance(error, RunCancelled | JournalError):
            raise
        after = spot.inside(spot.static, spot.actual, error=told(error, strand.run))
        try:
            strand.walk(workflow.on_failure, after)
        except Exception as second:  # noqa: BLE001 - what is done in any case is done, and the first error is told
            error.add_note(f"on_failure failed, too: {second}")
        strand.walk(workflow.finally_, after)
        raise
    strand.walk(workflow.finally_, spot)


def told(error: BaseException, run: ActiveRun) -> dict[str, Any]:
    """A run's error: the step, the words, and the cure."""
    cause = error.__cause__ if isinstance(error, StepFailed) and error.__cause__ else error
    found = run.failure(error)
    if isinstance(error, StepFailed) and error.where:
        found["path"] = error.where
    if cause is not error:
        found["cause"] = type(cause).__name__
        found["exit_code"] = cause.exit_code if isinstance(cause, GptTraderError) else 1
    return found
