"""A strand is one thread's walk through a run; when its thread hangs in a step, another walks the same way again.

To the other, the thread that hangs is a process that crashed: it replays what is recorded, and finds the step failed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import JournalError, StepTimeout
from gpt_trader.workflow.active import ActiveRun, Halted, Spot, Superseded, monotonic
from gpt_trader.workflow.definition import Step
from gpt_trader.workflow.pen import Attempt, Pen

if TYPE_CHECKING:
    from gpt_trader.workflow.executors import OwnProcess

_LOOK_SECONDS = 0.2


class Strand:
    """One thread's walk through a part of a run."""

    def __init__(
        self,
        run: ActiveRun,
        entry: Callable[[Strand], Any],
        walker: Callable[[Strand, Step, Spot], None],
        *,
        parent: Strand | None = None,
        process: OwnProcess | None = None,
        future: Future[Any] | None = None,
    ) -> None:
        self.run = run
        self.walker = walker
        self.pen = Pen(run)
        self.parent = parent
        self.process = process
        self.future: Future[Any] = future or Future()
        self.dead = False
        self.halted = False
        self.limits: list[tuple[str, float]] = [] if parent is None else list(parent.limits)
        self.attempt: Attempt | None = None
        self._entry = entry
        self._holds_slot = False

    # its life

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

    def give_up(self, error: dict[str, Any]) -> None:
        """Abandon the thread, which hangs in a step; record that, and walk again in another thread."""
        with self.run.lock:
            if self.dead or self.attempt is None:
                return
            self.dead = True
            self.run.calling.discard(self)
            attempt = self.attempt
            self.leave()
        heir = Strand(self.run, self._entry, self.walker, parent=self.parent, process=self.process, future=self.future)
        heir.pen.add(*self.pen.take())
        try:
            heir.pen.fail(attempt, error)
        except JournalError as cause:
            self.run.let_go(self.run)
            self.future.set_exception(cause)
        else:
            heir.begin()

    def check_dead(self) -> None:
        """End this thread if the strand goes on in another one."""
        with self.run.lock:
            if self.dead:
                raise Superseded
            self.attempt = None
            self.run.calling.discard(self)

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
            left = min(end, *(at for _, at in self.limits), end) - monotonic()
            if end <= monotonic():
                return
            with self.run.changed:
                if self.run.request is None:
                    self.run.changed.wait(max(0.0, min(left, _LOOK_SECONDS)))

    def raise_overdue(self) -> None:
        """Fail if the time of this step, or of one around it, has run out."""
        now = monotonic()
        for path, at in self.limits:
            if now >= at:
                raise StepTimeout("its time has run out", path=path)

    def enter(self, attempt: Attempt) -> None:
        """Go into foreign code, where the keeper may give this strand up; not before a slot is free."""
        if self.parent is not None:
            self._take_slot()
        with self.run.lock:
            self.attempt = attempt
            self.run.calling.add(self)
        if self.limits:
            self.run.parts.look_at(min(at for _, at in self.limits))

    def _take_slot(self) -> None:
        while not self.run.slots.acquire(timeout=_LOOK_SECONDS):
            self.check()
            self.raise_overdue()
        self._holds_slot = True

    def leave(self) -> None:
        """Let another step have the slot; once, whoever comes first."""
        if self._holds_slot:
            with self.run.lock:
                if self._holds_slot:
                    self._holds_slot = False
                    self.run.slots.release()

    def child(self, entry: Callable[[Strand], Any], process: OwnProcess | None) -> Strand:
        """A strand beside others, for one branch or item."""
        return Strand(self.run, entry, self.walker, parent=self, process=process)

    def walk(self, steps: tuple[Step, ...], spot: Spot) -> None:
        """Take steps one after the other."""
        for step in steps:
            self.walker(self, step, spot)
