"""The pen writes a strand's records; a step's end and the next one's begin are committed together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from gpt_trader.core.errors import (
    ConfigError,
    JournalError,
    NotFound,
    RefusedByRisk,
    RunCancelled,
    ValidationError,
)
from gpt_trader.workflow.active import ActiveRun, Last, Spot
from gpt_trader.workflow.definition import Step, SubWorkflow

if TYPE_CHECKING:
    from gpt_trader.journal.writer import Op


NEVER_RETRIED = (ValidationError, NotFound, ConfigError, RefusedByRisk, RunCancelled, JournalError)
"""Errors that another try would only meet again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one step at its place in a run."""

    step: Step
    path: str
    number: int
    spot: Spot

    @property
    def recorded(self) -> bool:
        """Ticks of a loop leave no records, except of steps that may happen once only."""
        return self.spot.journaled or self.step.effect == "once"

    @property
    def prefix(self) -> str:
        """The path that stands before those inside a container: from its second attempt on they are new ones."""
        return self.path if self.number == 1 else f"{self.path}~{self.number}"


@dataclass(slots=True)
class Work:
    """An attempt ready to be made: how to call it, and what its record says."""

    call: Callable[[], Mapping[str, Any]]
    slice: str = ""
    method: str = ""
    params_hash: str = ""
    cache_key: str | None = None
    facts: list[Op] = field(default_factory=list)


def unready(step: Step) -> Work:
    """The work of a step as far as its definition says it; the rest is told when it is made ready, or never."""
    return Work(dict, getattr(step, "slice", ""), getattr(step, "method", ""))


class Pen:
    """Writes for one strand."""

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self._pending: list[Op] = []

    def flush(self) -> None:
        """Commit what is not committed yet."""
        self._run.commit(self.take())

    def take(self) -> list[Op]:
        """What is not committed yet, for the caller to commit."""
        pending, self._pending = self._pending, []
        return pending

    def add(self, *ops: Op) -> None:
        """Have something committed with the next record."""
        self._pending += ops

    def open(self, attempt: Attempt, work: Work | None, *, flush: bool) -> None:
        """Record the intent; a leaf touches nothing before that is committed. None: it could not be made ready."""
        run, step = self._run, attempt.step
        work = unready(step) if work is None else work
        run.last[attempt.path] = Last(attempt.number, "RUNNING", slice=work.slice, method=work.method)
        if attempt.recorded:
            self._pending.append(("step.begin", self._row(attempt, "RUNNING", work), True))
            if flush:
                self.flush()
        run.tell(attempt.path, step.name, "RUNNING", attempt.number)

    def reopen(self, attempt: Attempt) -> None:
        """Go on with an attempt that is recorded already."""
        last = self._run.last[attempt.path]
        if last.status != "RUNNING" and attempt.recorded:
            row = {**self._run.own.guard, "path": attempt.path, "attempt": attempt.number}
            self._pending.append(("step.again", row, True))
            if isinstance(attempt.step, SubWorkflow):
                self._pending += self._run.reopen(f"{attempt.prefix}.workflow.")
        self._run.last[attempt.path] = Last(attempt.number, "RUNNING", slice=last.slice, method=last.method)
        self._run.tell(attempt.path, attempt.step.name, "RUNNING", attempt.number)

    def restore(self, path: str, last: Last) -> None:
        """Record again that an attempt succeeded."""
        last.status = "SUCCEEDED"
        row = {**self._run.own.guard, "path": path, "attempt": last.attempt}
        self._pending.append(("step.restore", row, True))

    def succeed(self, attempt: Attempt, outputs: Mapping[str, Any], facts: Sequence[Op] = ()) -> Mapping[str, Any]:
        """Record a success; it is committed with the next intent, and at once if the step may happen once only.

        Returns the outputs as a resumed run would read them, so that later steps see the same either way.
        """
        text = None
        if attempt.recorded:
            text, outputs = self._run.parts.artifacts.keep(outputs)
        flush = attempt.step.effect == "once"
        self._run.effects += flush
        self._close(attempt, Last(attempt.number, "SUCCEEDED", outputs, text), facts, flush=flush)
        return outputs

    def fail(self, attempt: Attempt, error: BaseException | dict[str, Any], facts: Sequence[Op] = ()) -> None:
        """Record a failure, or that the attempt was cancelled."""
        told = dict(error) if isinstance(error, dict) else self._run.failure(error)
        tries = self._run.tries[attempt.path] = self._run.tries.get(attempt.path, 0) + 1
        if isinstance(error, NEVER_RETRIED) or tries >= attempt.step.retry.max_attempts:
            told["final"] = True  # also for a walk that comes by again: the step is not tried once more
        self._run.effects += attempt.step.effect == "once"  # it may have happened all the same
        status = "CANCELLED" if told["type"] == RunCancelled.__name__ else "FAILED"
        self._close(attempt, Last(attempt.number, status, error=told), facts, flush=True)

    def skip(self, attempt: Attempt) -> None:
        """Record that a step's condition did not hold."""
        self._run.last[attempt.path] = Last(attempt.number, "SKIPPED")
        if attempt.spot.journaled:
            row = self._row(attempt, "SKIPPED", Work(dict))
            ended = {"ended_at": row["started_at"], "error": None, "outputs": None}
            self._pending.append(("step.skip", {**row, **ended}, True))
        self._run.tell(attempt.path, attempt.step.name, "SKIPPED", attempt.number)

    def orphan(self, path: str, number: int) -> None:
        """Record that a process ended in the middle of an attempt, which will be made again."""
        error = {"type": "Interrupted", "message": "the process ended during this step"}
        self._end(path, Last(number, "FAILED", error=error))

    def _close(self, attempt: Attempt, last: Last, facts: Sequence[Op], *, flush: bool) -> None:
        run, path = self._run, attempt.path
        if attempt.recorded and run.last[path].status == "RUNNING":
            self._end(path, last)
        self._pending += facts
        if flush:
            self.flush()
        last.slice, last.method = run.last[path].slice, run.last[path].method
        run.last[path] = last
        run.tell(path, attempt.step.name, last.status, last.attempt, str((last.error or {}).get("message", "")))

    def _end(self, path: str, last: Last) -> None:
        row = {
            **self._run.own.guard,
            "path": path,
            "attempt": last.attempt,
            "status": last.status,
            "outputs": last.text,
            "error": None if last.error is None else to_json(last.error).decode(),
            "ended_at": self._run.parts.runs.now(),
        }
        self._pending.append(("step.end", row, True))

    def _row(self, attempt: Attempt, status: str, work: Work) -> dict[str, Any]:
        return {
            **self._run.own.guard,
            "path": attempt.path,
            "attempt": attempt.number,
            "name": attempt.step.name,
            "slice": work.slice,
            "method": work.method,
            "status": status,
            "params_hash": work.params_hash,
            "cache_key": work.cache_key,
            "started_at": self._run.parts.runs.now(),
        }


def params_hash(value: Any) -> str:
    """A short hash of params; tables count by their contents."""
    text = to_json(value, fallback=_contents, inf_nan_mode="constants")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _contents(value: Any) -> str:
    if hasattr(value, "to_parquet"):
        from pandas.util import hash_pandas_object

        columns = ",".join(map(str, value.columns))
        return f"{columns}:{hashlib.sha256(hash_pandas_object(value).to_numpy().tobytes()).hexdigest()}"
    if hasattr(value, "artifact"):  # bars that stay in a file
        return str(value.artifact.hash)
    if hasattr(value, "tobytes"):
        return hashlib.sha256(value.tobytes()).hexdigest()
    return f"{type(value).__module__}.{type(value).__qualname__}"
