"""A strand walks a list of steps in one thread: replays what is recorded, attempts what is not, records what it did.

First run and resume are the same walk. When a step hangs, its strand is given up and another walks the same way again:
to it, the thread that hangs is a process that crashed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from gpt_trader.core.errors import (
    ConfigError,
    Conflict,
    JournalError,
    NotFound,
    RefusedByRisk,
    RunCancelled,
    StepFailed,
    StepTimeout,
    ValidationError,
)
from gpt_trader.core.failpoints import hit
from gpt_trader.workflow.active import ActiveRun, Frame, Halted, Last, Superseded, Unwound, failure, monotonic
from gpt_trader.workflow.definition import Retry, Step
from gpt_trader.workflow.expressions import condition

if TYPE_CHECKING:
    from gpt_trader.journal.store import Op
    from gpt_trader.workflow.executors import Lane

_NEVER_RETRIED = (ValidationError, NotFound, ConfigError, RefusedByRisk, RunCancelled, JournalError)
_JITTER = random.Random(0x9E3779B9)  # noqa: S311 - spreads retries out, keeps no secret


@dataclass(slots=True)
class Work:
    """One attempt, ready to be made: how to call it, and what its record says."""

    call: Callable[[], Mapping[str, Any]]
    slice: str = ""
    method: str = ""
    params_hash: str = ""
    cache_key: str | None = None
    facts: list[Op] | None = None


class Strand:
    """One thread's walk through a part of a run."""

    def __init__(
        self,
        run: ActiveRun,
        entry: Callable[[Strand], Any],
        *,
        parent: Strand | None = None,
        lane: Lane | None = None,
        future: Future[Any] | None = None,
    ) -> None:
        self.run = run
        self.parent = parent
        self.lane = lane
        self.future: Future[Any] = future or Future()
        self.dead = False
        self.halted = False
        self.limits: list[tuple[str, float]] = [] if parent is None else list(parent.limits)
        self.holds_slot = False
        self.attempt: tuple[Step, str, int] | None = None
        self._entry = entry
        self._pending: list[Op] = []

    # life

    def begin(self) -> None:
        """Start walking in a thread."""
        self.run.parts.threads.run(self._live)

    def _live(self) -> None:
        try:
            result = self._entry(self)
        except Superseded:
            return
        except BaseException as error:  # noqa: BLE001 - the future carries it to whoever waits
            if not self.dead:
                self.future.set_exception(error)
        else:
            if not self.dead:
                self.future.set_result(result)

    def give_up(self, status: str, error: dict[str, Any]) -> None:
        """Abandon the thread, which hangs in a step; record that, and walk again in another thread."""
        with self.run.lock:
            if self.dead or self.attempt is None:
                return
            self.dead = True
            self.run.calling.discard(self)
            step, path, number = self.attempt
            self.leave_slot()
        heir = Strand(self.run, self._entry, parent=self.parent, lane=self.lane, future=self.future)
        try:
            heir.close(step, path, number, status, error=error, flush=True)
        except Exception as cause:  # noqa: BLE001 - whoever waits for the strand must hear of it
            self.future.set_exception(cause)
        else:
            heir.begin()

    def check(self) -> None:
        """Leave the walk if this strand was given up, halted by a sibling, or asked to stop."""
        if self.dead:
            raise Superseded
        if self.run.request is not None:
            self.run.raise_request()
        strand: Strand | None = self
        while strand is not None:
            if strand.halted:
                raise Halted
            strand = strand.parent

    def wait(self, seconds: float) -> None:
        """Let time pass, no longer than a deadline allows; requests interrupt it."""
        end = monotonic() + seconds
        while True:
            self.check()
            self.raise_overdue()
            now = monotonic()
            if now >= end:
                return
            until = min(end, *(at for _, at in self.limits)) if self.limits else end
            with self.run.changed:
                if self.run.request is None:
                    self.run.changed.wait(max(0.0, min(until - now, 0.2)))

    def raise_overdue(self) -> None:
        """Fail if the time of this step, or of one around it, has run out."""
        now = monotonic()
        for path, at in self.limits:
            if now >= at:
                raise _too_late(path)

    def take_slot(self) -> None:
        """Wait until fewer steps run at once than may."""
        while not self.run.slots.acquire(timeout=0.2):
            self.check()
            self.raise_overdue()
        self.holds_slot = True

    def leave_slot(self) -> None:
        """Let another step run; once, whoever comes first."""
        with self.run.lock:
            if self.holds_slot:
                self.holds_slot = False
                self.run.slots.release()

    # the walk

    def walk(self, steps: tuple[Step, ...], frame: Frame) -> None:
        """Take steps one after the other."""
        for step in steps:
            self.step(step, frame)

    def step(self, step: Step, frame: Frame) -> None:
        """Take one step: replay it if it is recorded, else do it."""
        self.check()
        path = frame.path(step)
        last = self.run.last.get(path)
        if last is not None and self._replayed(step, path, last, frame):
            return
        if step.when is not None and not condition(step.when).holds(frame.view()):
            self._skip(step, path, frame)
            return
        try:
            outputs = self._persist(step, path, frame)
        except Exception as error:
            self._failed(step, path, error)
            return
        frame.scope.succeed(step.name, outputs)

    def _replayed(self, step: Step, path: str, last: Last, frame: Frame) -> bool:
        from gpt_trader.workflow.kinds import reenter

        if last.status == "SKIPPED":
            return True
        if last.status == "FAILED":
            return step.on_error == "continue" and path not in self.run.tries and not _interrupted(last)
        if last.status != "SUCCEEDED":
            return False
        _same_work(step, path, last)
        outputs = self.run.outputs_of(last)
        reenter(self, step, path, outputs, frame)
        frame.scope.succeed(step.name, outputs)
        return True

    def _persist(self, step: Step, path: str, frame: Frame) -> Mapping[str, Any]:
        """Attempt a step until it succeeds or its tries are used up."""
        while True:
            last = self.run.last.get(path)
            tries = self.run.tries.get(path, 0)
            if tries and last is not None and last.status in ("FAILED", "CANCELLED"):
                error = _revived(last)
                if not self._again(step, path, tries, error):
                    raise error
            try:
                return self._attempt(step, path, last, frame)
            except Exception as error:
                mine = not (isinstance(error, StepTimeout) and error.path != path)
                if not mine or not self._again(step, path, self.run.tries.get(path, 0), error, wait=False):
                    raise

    def _again(self, step: Step, path: str, tries: int, error: Exception, *, wait: bool = True) -> bool:
        """Whether a failed step may be tried again, after its delay."""
        if tries >= step.retry.max_attempts or isinstance(error, _NEVER_RETRIED):
            return False
        if wait:
            delay = _delay(step.retry, tries)
            self.run.tell(path, step.name, "RETRYING", tries, f"{error}; again in {delay:.1f} s")
            self.wait(delay)
        return True

    def _attempt(self, step: Step, path: str, last: Last | None, frame: Frame) -> Mapping[str, Any]:
        from gpt_trader.workflow.kinds import REENTERED, prepare

        number = 1 if last is None else last.attempt + 1
        inner = isinstance(step, REENTERED)
        if last is not None and last.status == "RUNNING":
            if inner:
                number = last.attempt
            else:
                _same_work(step, path, last)
                number = self._orphan(step, path, last, frame)
                found = self.run.last[path]
                if found.status == "SUCCEEDED":
                    return self.run.outputs_of(found)
        elif last is not None and step.effect == "once" and last.status in ("FAILED", "CANCELLED"):
            found_outputs = self._reconciled(step, path, last, frame)
            if found_outputs is not None:
                return found_outputs
        limited = self._limit(step, path, number, inner=inner)
        try:
            try:
                work = prepare(self, step, path, number, frame)
            except Exception as error:
                self._open(step, path, number, Work(dict), frame, flush=False)
                raise error from None
            if not (inner and last is not None and last.status == "RUNNING"):
                self._open(step, path, number, work, frame, flush=not inner)
            outputs = self._call(step, path, number, work)
        except Exception as error:
            self.check_dead()
            status = "CANCELLED" if isinstance(error, RunCancelled) else "FAILED"
            self.close(step, path, number, status, error=failure(error), frame=frame)
            raise
        finally:
            if limited:
                self.limits.pop()
        self.close(step, path, number, "SUCCEEDED", outputs=outputs, frame=frame, facts=work.facts)
        return outputs

    def _call(self, step: Step, path: str, number: int, work: Work) -> Mapping[str, Any]:
        hit("step.begun")
        outputs = work.call()
        self.check_dead()
        hit("step.called")
        return outputs

    def _limit(self, step: Step, path: str, number: int, *, inner: bool) -> bool:
        """Set the deadline of a step; that of a container goes on when its strand is born again."""
        if step.timeout is None:
            return False
        at = monotonic() + step.timeout
        if inner:
            at = self.run.deadlines.setdefault(f"{path}#{number}", at)
        self.limits.append((path, at))
        return True

    # what is recorded

    def flush(self) -> None:
        """Commit what is not committed yet."""
        self.run.commit(self.take_pending())

    def take_pending(self) -> list[Op]:
        """What is not committed yet, for the caller to commit."""
        pending, self._pending = self._pending, []
        return pending

    def add(self, *ops: Op) -> None:
        """Have something committed with the next record."""
        self._pending += ops

    def _open(self, step: Step, path: str, number: int, work: Work, frame: Frame, *, flush: bool) -> None:
        """Record the intent; nothing of a step happens before that is committed."""
        self.run.last[path] = Last(number, "RUNNING", None, None, None, 0, work.slice, work.method)
        if frame.journaled or step.effect == "once":
            row = self._row(step, path, number, "RUNNING", work)
            self._pending.append(("step.begin", row, True))
            if flush:
                self.flush()
        self.run.tell(path, step.name, "RUNNING", number)

    def close(
        self,
        step: Step,
        path: str,
        number: int,
        status: str,
        *,
        outputs: Mapping[str, Any] | None = None,
        error: dict[str, Any] | None = None,
        frame: Frame | None = None,
        facts: list[Op] | None = None,
        flush: bool = False,
    ) -> None:
        """Record the outcome; it is committed together with the next intent, or at once if that is asked."""
        run = self.run
        encode = run.parts.artifacts.encode
        if frame is None or frame.journaled or step.effect == "once":
            text = None if outputs is None else encode(outputs)
            told = None if error is None else encode(error)
            row = {**run.own.guard, "path": path, "attempt": number, "status": status, "outputs": text, "error": told}
            self._pending.append(("step.end", {**row, "ended_at": run.parts.runs.now()}, True))
            self._pending += facts or ()
            if flush or status != "SUCCEEDED" or step.effect == "once":
                self.flush()
        elif facts:
            self._pending += facts
        last = run.last.get(path)
        run.last[path] = Last(
            number, status, outputs, None, error, 0, *((last.slice, last.method) if last else ("", ""))
        )
        if status != "SUCCEEDED":
            run.tries[path] = run.tries.get(path, 0) + 1
        run.tell(path, step.name, status, number, "" if error is None else str(error.get("message", "")))

    def _skip(self, step: Step, path: str, frame: Frame) -> None:
        self.run.last[path] = Last(1, "SKIPPED")
        if frame.journaled:
            row = self._row(step, path, 1, "SKIPPED", Work(dict))
            ended = {"ended_at": row["started_at"], "error": None, "outputs": None}
            self._pending.append(("step.skip", {**row, **ended}, True))
        self.run.tell(path, step.name, "SKIPPED", 1)

    def _row(self, step: Step, path: str, number: int, status: str, work: Work) -> dict[str, Any]:
        return {
            **self.run.own.guard,
            "path": path,
            "attempt": number,
            "name": step.name,
            "slice": work.slice,
            "method": work.method,
            "status": status,
            "params_hash": work.params_hash,
            "cache_key": work.cache_key,
            "started_at": self.run.parts.runs.now(),
        }

    def check_dead(self) -> None:
        """End this thread if the strand goes on in another one."""
        with self.run.lock:
            if self.dead:
                raise Superseded
            self.attempt = None
            self.run.calling.discard(self)

    # failure, and what a crash left behind

    def _failed(self, step: Step, path: str, error: Exception) -> None:
        if isinstance(error, RunCancelled | Conflict | JournalError):
            raise error
        if isinstance(error, StepTimeout) and error.path != path:
            raise error
        if step.on_error == "continue":
            return
        if step.on_error == "pause":
            self.flush()
            raise Unwound(f"paused: step '{step.name}' failed: {error}")
        raise error if isinstance(error, StepFailed) and error.where else StepFailed.at(step.name, path, error)

    def _orphan(self, step: Step, path: str, last: Last, frame: Frame) -> int:
        """A step was in flight at a crash: reconcile it if it may happen once only, else let it run again."""
        if step.effect == "once":
            outputs = self._reconciled(step, path, last, frame)
            if outputs is not None:
                return last.attempt
        error = {"type": "Interrupted", "message": "the process ended during this step"}
        row = {**self.run.own.guard, "path": path, "attempt": last.attempt, "status": "FAILED", "outputs": None}
        ended = {"error": to_json(error).decode(), "ended_at": self.run.parts.runs.now()}
        self._pending.append(("step.end", {**row, **ended}, True))
        return last.attempt + 1

    def _reconciled(self, step: Step, path: str, last: Last, frame: Frame) -> Mapping[str, Any] | None:
        """What an earlier attempt of a once-only step brought about; None if it is sure that it did not happen."""
        from gpt_trader.workflow.kinds import reconcile

        outputs = reconcile(self, step, path, frame)
        if outputs is not None:
            if last.status == "RUNNING":
                self.close(step, path, last.attempt, "SUCCEEDED", outputs=outputs, flush=True)
            else:
                work = Work(dict, last.slice, last.method)
                self._open(step, path, last.attempt + 1, work, frame, flush=False)
                self.close(step, path, last.attempt + 1, "SUCCEEDED", outputs=outputs, flush=True)
        return outputs


def params_hash(value: Any) -> str:
    """A short hash of params; what has no text form counts by its kind and size."""
    text = to_json(value, fallback=lambda v: f"{type(v).__name__}{getattr(v, 'shape', '')}", inf_nan_mode="constants")
    return hashlib.sha256(text).hexdigest()[:32]


def _same_work(step: Step, path: str, last: Last) -> None:
    wanted = (getattr(step, "slice", ""), getattr(step, "method", ""))
    if wanted != (last.slice, last.method) and (last.slice or wanted[0]):
        raise Conflict(
            f"{path} was recorded as {last.slice}.{last.method}, but the definition says {'.'.join(wanted)}",
            hint="fork the run to go on with another definition",
        )


def _interrupted(last: Last) -> bool:
    return (last.error or {}).get("type") == "Interrupted"


def _too_late(path: str) -> StepTimeout:
    return StepTimeout("its time has run out", path=path)


def _revived(last: Last) -> Exception:
    """The error of an attempt that another thread recorded."""
    told = last.error or {}
    message = str(told.get("message", "failed"))
    if told.get("type") == "StepTimeout":
        return StepTimeout(message, path=str(told.get("path", "")))
    return RunCancelled(message) if last.status == "CANCELLED" else StepFailed(message, hint=told.get("hint"))


def _delay(retry: Retry, tries: int) -> float:
    """The pause before the next try: grows, is capped, and differs a little from run to run."""
    growth = {"fixed": 1.0, "linear": float(tries), "exponential": 2.0 ** min(tries - 1, 30)}[retry.backoff]
    delay = min(retry.delay * growth, retry.max_delay)
    return delay * _JITTER.uniform(0.5, 1.0) if retry.jitter else delay
