"""Strands side by side: the branches of a parallel step, the items of a foreach."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import JournalError, RunCancelled, StepTimeout
from gpt_trader.workflow.active import Halted
from gpt_trader.workflow.definition import Foreach, Parallel
from gpt_trader.workflow.executors import OwnProcess

if TYPE_CHECKING:
    from gpt_trader.workflow.strand import Strand

Entry = Callable[["Strand"], Any]


def walk_abreast(strand: Strand, step: Parallel | Foreach, entries: list[Entry]) -> dict[int, BaseException]:
    """Walk all entries, at most `max` at once; the failures by place where each may fail alone, else the first."""
    strand.pen.flush()
    width = max(1, min(step.max or strand.run.parts.max_steps, len(entries) or 1))
    processes = [OwnProcess() for _ in range(width)] if step.executor == "processes" else []
    made = _Abreast(strand, entries, processes, width, fail_fast=step.fail_fast)
    try:
        failures = made.run()
    finally:
        for process in processes:
            process.kill()
    if failures and (made.stopping or len(failures) == len(entries)):
        raise _worst(failures)
    return failures


def _worst(failures: dict[int, BaseException]) -> BaseException:
    """What stops the run before what merely failed, and the earliest of its kind."""
    return min(failures.items(), key=lambda pair: (isinstance(pair[1], Exception) + _is_step(pair[1]), pair[0]))[1]


def _is_step(error: BaseException) -> bool:
    """Whether it is a step that failed: no branch answers for a cancel, or for a journal that cannot be written."""
    return isinstance(error, Exception) and not isinstance(error, RunCancelled | JournalError)


class _Abreast:
    def __init__(
        self, strand: Strand, entries: list[Entry], processes: list[OwnProcess], width: int, *, fail_fast: bool
    ) -> None:
        self.strand = strand
        self.entries = list(enumerate(entries))[::-1]
        self.processes = processes
        self.width = width
        self.fail_fast = fail_fast
        self.running: dict[Future[Any], tuple[int, Strand]] = {}
        self.failures: dict[int, BaseException] = {}
        self.stopping = False

    def run(self) -> dict[int, BaseException]:
        while self.running or (self.entries and not self.stopping):
            while self.entries and not self.stopping and len(self.running) < self.width:
                self._start()
            done, _ = wait(self.running, return_when=FIRST_COMPLETED)
            for future in done:
                self._end(future)
        return self.failures

    def _start(self) -> None:
        index, entry = self.entries.pop()
        child = self.strand.child(_written(entry), self.processes.pop() if self.processes else None)
        self.running[child.future] = (index, child)
        child.begin()

    def _end(self, future: Future[Any]) -> None:
        index, child = self.running.pop(future)
        if child.process is not None:
            self.processes.append(child.process)
        error = future.exception()
        if error is None or (isinstance(error, Halted) and self.stopping):  # else it was halted from further out
            return
        self.failures[index] = error
        if self.fail_fast or _spreads(error, child):
            self.stopping = self.strand.run.halted = True
            for _, other in self.running.values():
                other.halted = True


def _written(entry: Entry) -> Entry:
    """The walk of an entry; what it did is committed when it ends, also where it is stopped on its way."""

    def walked(strand: Strand) -> Any:
        try:
            return entry(strand)
        finally:
            if not strand.dead:
                strand.pen.flush()

    return walked


def _spreads(error: BaseException, child: Strand) -> bool:
    """What is no step's failure ends every branch, and so does the time of a step around them."""
    outer = {path for path, _ in child.limits}
    return not _is_step(error) or (isinstance(error, StepTimeout) and error.path in outer)
