"""How a step comes to its outcome: tries, what a crash left behind, and effects that may happen once only."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import (
    Conflict,
    JournalError,
    RunCancelled,
    StepFailed,
    StepTimeout,
)
from gpt_trader.core.failpoints import hit
from gpt_trader.core.texts import words
from gpt_trader.workflow.actions import reconcile
from gpt_trader.workflow.active import Halted, Last, Superseded, Unwound, monotonic
from gpt_trader.workflow.definition import Retry, Step
from gpt_trader.workflow.kinds import CONTAINERS, REENTERED, ready
from gpt_trader.workflow.pen import NEVER_RETRIED, Attempt, Work, unready

if TYPE_CHECKING:
    from gpt_trader.workflow.active import Spot
    from gpt_trader.workflow.strand import Strand

_JITTER = random.Random(0x9E3779B9)


def persist(strand: Strand, step: Step, path: str, spot: Spot) -> Mapping[str, Any]:
    """Attempt a step until it succeeds or its tries are used up."""
    run = strand.run
    while True:
        last = run.last.get(path)
        tries = run.tries.get(path, 0)
        if tries and last is not None and last.status in ("FAILED", "CANCELLED"):
            error = _revived(last)
            if (last.error or {}).get("final") or not _again(step, tries, error, path):
                raise error
            _pause(strand, step, path, tries, error)
        try:
            return _attempt(strand, step, path, last, spot)
        except Exception as error:
            if not _again(step, run.tries.get(path, 0), error, path):
                raise


def _again(step: Step, tries: int, error: Exception, path: str) -> bool:
    """Whether a failed step may be tried once more; a deadline of a step around it ends its tries."""
    if isinstance(error, NEVER_RETRIED) or (isinstance(error, StepTimeout) and error.path != path):
        return False
    return 0 < tries < step.retry.max_attempts


def _pause(strand: Strand, step: Step, path: str, tries: int, error: Exception) -> None:
    delay = pause_before(step.retry, tries)
    strand.run.tell(path, step.name, "RETRYING", tries, f"{words(error)}; again in {delay:.1f} s")
    strand.wait(delay)


def pause_before(retry: Retry, tries: int) -> float:
    """The pause before the next try: grows, is capped, and differs a little each time."""
    growth = {"fixed": 1.0, "linear": float(tries), "exponential": 2.0 ** min(tries - 1, 30)}[retry.backoff]
    delay = min(retry.delay * growth, retry.max_delay)
    return delay * _JITTER.uniform(0.5, 1.0) if retry.jitter else delay


def _attempt(strand: Strand, step: Step, path: str, last: Last | None, spot: Spot) -> Mapping[str, Any]:
    """Make one attempt, or go on with the one that a crash interrupted."""
    open_already = last is not None and _goes_on(strand, step, path, last)
    number = 1 if last is None else last.attempt if open_already else last.attempt + 1
    attempt = Attempt(step, path, number, spot)
    limited = _limit(strand, attempt)
    try:
        if last is not None and last.status == "RUNNING":
            same_work(step, path, last)
        if open_already:
            strand.pen.reopen(attempt)
        elif last is not None:
            found = _left_behind(strand, step, path, last, spot)
            if found is not None:
                return found
        return _make(strand, attempt, open_already=open_already)
    finally:
        if limited:
            strand.limits.pop()


def _goes_on(strand: Strand, step: Step, path: str, last: Last) -> bool:
    """Whether an attempt of before is gone on with, so that what is recorded inside it is not done again."""
    if last.status == "RUNNING":
        return isinstance(step, REENTERED)
    return isinstance(step, CONTAINERS) and path not in strand.run.tries


def _make(strand: Strand, attempt: Attempt, *, open_already: bool) -> Mapping[str, Any]:
    pen, work = strand.pen, None
    try:
        try:
            work = ready(strand, attempt)
        finally:
            if not open_already:
                pen.open(attempt, work, flush=not isinstance(attempt.step, REENTERED))
        hit("step.begun")
        outputs = work.call()
        strand.check_dead()
        hit("step.called")
        return pen.succeed(attempt, outputs, work.facts)
    except (JournalError, Unwound, Superseded, Halted):
        raise
    except BaseException as caught:  # noqa: BLE001 - code that exits, or cancels itself, fails its step and nothing else
        error = caught if isinstance(caught, Exception) else _left(caught)
        strand.check_dead()
        pen.fail(attempt, error, () if work is None else work.facts)
        raise error from caught.__cause__


def _left(caught: BaseException) -> StepFailed:
    if isinstance(caught, SystemExit):
        return StepFailed(f"it called exit({caught.code})")
    return StepFailed(f"it raised {type(caught).__name__}")


def _limit(strand: Strand, attempt: Attempt) -> bool:
    """Set the deadline of an attempt; that of a container goes on when its strand is born again."""
    if attempt.step.timeout is None:
        return False
    at = monotonic() + attempt.step.timeout
    if isinstance(attempt.step, REENTERED):
        at = strand.run.deadlines.setdefault(f"{attempt.path}#{attempt.number}", at)
    strand.limits.append((attempt.path, at))
    return True


def _left_behind(strand: Strand, step: Step, path: str, last: Last, spot: Spot) -> Mapping[str, Any] | None:
    """What an earlier attempt brought about, if it may happen once only; None if the step is to be attempted again."""
    outputs = None
    if step.effect == "once":
        outputs = _looked_up(strand, Attempt(step, path, last.attempt, spot))
    if last.status == "RUNNING":
        if outputs is not None:
            return strand.pen.succeed(Attempt(step, path, last.attempt, spot), outputs)
        strand.pen.orphan(path, last.attempt)
    elif outputs is not None:
        anew = Attempt(step, path, last.attempt + 1, spot)
        strand.pen.open(anew, Work(dict, last.slice, last.method), flush=False)
        return strand.pen.succeed(anew, outputs)
    return None


def _looked_up(strand: Strand, attempt: Attempt) -> Mapping[str, Any] | None:
    """What is found of an earlier attempt; a look that fails fails the step, whose record stays as it was."""
    try:
        return reconcile(strand, attempt)
    except (Exception, Unwound, Superseded, Halted):
        raise
    except BaseException as caught:  # noqa: BLE001 - as in an attempt
        raise _left(caught) from None
    finally:
        strand.check_dead()


def same_work(step: Step, path: str, last: Last) -> None:
    """Refuse to take a record of one method for the outcome of another."""
    wanted = unready(step)
    if (wanted.slice, wanted.method) != (last.slice, last.method):
        raise Conflict(
            f"{path} was recorded as '{last.slice}.{last.method}', "
            f"but the definition says '{wanted.slice}.{wanted.method}'",
            hint="fork the run to go on with another definition",
        )


def _revived(last: Last) -> Exception:
    """The error of an attempt that another thread recorded."""
    told = last.error or {}
    message = str(told.get("message", "failed"))
    if told.get("type") == StepTimeout.__name__:
        return StepTimeout(message, path=str(told.get("path", "")))
    return RunCancelled(message) if last.status == "CANCELLED" else StepFailed(message, hint=told.get("hint"))
