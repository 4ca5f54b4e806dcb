"""A whole workflow: its steps, then what it does on failure, then what it does in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import GptTraderError, JournalError, RunCancelled, StepFailed
from gpt_trader.core.texts import words
from gpt_trader.workflow.active import ActiveRun, Spot
from gpt_trader.workflow.definition import Step, Workflow

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
        for name, steps in (("on_failure", workflow.on_failure), ("finally", workflow.finally_)):
            _walk_after(strand, steps, after, error, name)
        raise
    strand.walk(workflow.finally_, spot)


def _walk_after(strand: Strand, steps: tuple[Step, ...], spot: Spot, error: Exception, name: str) -> None:
    """Walk what is done after a failure; where that fails, too, it is the first error that is told."""
    try:
        strand.walk(steps, spot)
    except (RunCancelled, JournalError):
        raise
    except Exception as second:  # noqa: BLE001 - the step's record carries it
        error.add_note(f"{name} failed, too: {words(second)}")


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
