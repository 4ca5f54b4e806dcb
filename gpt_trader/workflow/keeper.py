"""The keeper is one thread that keeps leases alive, hears requests from outside, and gives up strands that hang."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from gpt_trader.core.errors import JournalError
from gpt_trader.workflow.active import ActiveRun, Calling, Request, monotonic

if TYPE_CHECKING:
    from gpt_trader.journal.runs import Runs

LOOK_SECONDS = 0.25
RENEW_SECONDS = 1.0
GRACE_SECONDS = 1.0
_LINGER_SECONDS = 5.0


class Keeper:
    """Watches over the runs of one runner; sleeps while there are none."""

    def __init__(self, runs: Runs, owner: str) -> None:
        self._runs = runs
        self._owner = owner
        self._active: dict[str, ActiveRun] = {}
        self._wake = threading.Event()
        self._next = 0.0
        self._asleep = True
        self._thread: threading.Thread | None = None
        self._cancelled_at: dict[str, float] = {}
        self._closed = False

    def watch(self, run: ActiveRun) -> None:
        """Watch over a run until it is let go."""
        self._active[run.id] = run
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, daemon=True, name="gpt-trader-keeper")
            self._thread.start()
        if self._asleep:
            self._wake.set()

    def let_go(self, run: ActiveRun) -> None:
        """Stop watching a run."""
        if self._active.get(run.id) is run:
            del self._active[run.id]
            self._cancelled_at.pop(run.id, None)

    def watches(self, run_id: str) -> bool:
        """Whether a run goes on here."""
        return run_id in self._active

    def look_at(self, moment: float) -> None:
        """Look at the latest at this moment, because a deadline falls then."""
        if moment < self._next:
            self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()

    def _keep(self) -> None:
        renew_at = busy_at = monotonic() + RENEW_SECONDS
        while not self._closed:
            now = monotonic()
            if self._active:
                busy_at = now
                if now >= renew_at:
                    self._renew()
                    renew_at = monotonic() + RENEW_SECONDS
                with suppress(Exception):  # a fault of one run must not leave the others without a keeper
                    self._look(now)
            self._asleep = not self._active and now - busy_at > _LINGER_SECONDS
            self._next = self._soonest()
            self._wake.wait(None if self._asleep and not self._active else max(0.0, self._next - monotonic()))
            self._wake.clear()

    def _soonest(self) -> float:
        soonest = monotonic() + LOOK_SECONDS
        for strand in self._calling():
            for _, at in strand.limits[:]:
                soonest = min(soonest, at)
        return soonest

    def _calling(self) -> list[Calling]:
        return [strand for run in list(self._active.values()) for strand in list(run.calling)]

    def _renew(self) -> None:
        with suppress(JournalError):  # else the lease runs out, and whatever we write then is fenced
            self._runs.renew(self._owner, list(self._active))

    def _look(self, now: float) -> None:
        try:
            asked = self._runs.requests(self._owner)
        except JournalError:
            asked = {}
        for run_id, request in asked.items():
            run = self._active.get(run_id)
            if run is not None and run.request != request:
                run.ask(cast("Request", request))
        for strand in self._calling():
            self._give_up_if_due(strand, now)

    def _give_up_if_due(self, strand: Calling, now: float) -> None:
        overdue = [(path, at) for path, at in strand.limits[:] if now >= at]
        if overdue:
            path = min(overdue, key=lambda pair: pair[1])[0]
            error = {"type": "StepTimeout", "message": "its time has run out", "path": path}
            strand.give_up(error)
        elif strand.run.request == "cancel":
            since = self._cancelled_at.setdefault(strand.run.id, now)
            if now - since >= GRACE_SECONDS:
                strand.give_up({"type": "RunCancelled", "message": "the run was cancelled"})
