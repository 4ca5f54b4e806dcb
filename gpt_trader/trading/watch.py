"""What the running controls see of one equity, the account's or a strategy's, and what they demand of its session."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from gpt_trader.core.market import DAY
from gpt_trader.trading.guards.memory import Memory
from gpt_trader.trading.guards.running import ConsecutiveLosses, EquityControl, Halt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpt_trader.core.orders import RoundTrip
    from gpt_trader.trading.guards.running import RunningControl

NEVER = 2**63 - 1
NO_VALUE = "unknown_equity"
CLOSED_TO_ENTRIES = frozenset({"flatten", "halt", "lock", "pause"})


class Watch:
    """Running controls over one equity, with what they remember of it, and the halts that they have demanded.

    Above `floor`, up to `ceiling` and before `wake` no control has anything to say.
    """

    def __init__(
        self,
        running: Sequence[RunningControl] = (),
        *,
        session_offset_ns: int | None = None,
        keeps_sessions: bool = False,
        strategy: str = "",
    ) -> None:
        self.strategy = strategy
        self.memory = Memory()
        self.halts: list[Halt] = []
        self.floor = -math.inf
        self.ceiling = math.inf
        self._running = tuple(running)
        self._heights = tuple(control for control in running if isinstance(control, EquityControl))
        self._losses = min((c.limit for c in running if isinstance(c, ConsecutiveLosses)), default=NEVER)
        self._session_offset = session_offset_ns
        self._looks = bool(running) or (keeps_sessions and session_offset_ns is not None)
        self.wake = 0 if self._looks else NEVER
        self._follows = bool(self._heights)
        self._top = math.inf
        self._day_end = 0
        self._moved = 0.0
        self._early: list[RoundTrip] = []

    def look(self, equity: float, ns: int, *, before: float | None = None) -> Sequence[Halt]:
        """Ask the running controls; what they demand for the first time is given back.

        `before` is the last equity that was known before this mark, which nobody need have looked at; a day and a
        session begin with it, so that what their first bar loses is theirs.
        """
        if not math.isfinite(equity):
            return self._without_value(equity)
        memory = self.memory
        last = memory.equity if before is None or not math.isfinite(before) else before + self._moved
        self._moved = 0.0
        if self.floor < equity and ns < self.wake:  # at most a new peak
            memory.ns, memory.equity = ns, equity
            if equity > memory.peak:
                memory.peak = equity
                self.floor = self._highest_mark()
                if self._follows:
                    self.ceiling = equity
            return ()
        if ns >= self._day_end:
            self._new_day(last, equity, ns)
        memory = self.memory
        memory.ns, memory.equity = ns, equity
        memory.peak = max(memory.peak, equity)
        halts = self._judge_session()
        self._set_marks()
        return halts

    def closed(self, trip: RoundTrip) -> None:
        """Count a closed trade; one of a session that has yet to begin with its first mark counts in that one."""
        if self._session_offset is not None and self._looks and trip.exit_ns >= self._day_end:
            self._early.append(trip)
            return
        self.memory.closed(trip)
        if self.memory.consecutive_losses >= self._losses:
            self.wake = 0

    def rouse(self) -> None:
        """Something happened that no equity shows: look again at the next mark."""
        if self._looks:
            self.wake = 0

    def moved(self, amount: float) -> None:
        """Money came in or went out: no profit and no loss, so every height moves with it."""
        memory = self.memory
        memory.start_equity += amount
        memory.day_equity += amount
        memory.peak += amount
        memory.equity += amount
        self._moved += amount
        self._set_marks()
        self.rouse()

    def lift(self, code: str, equity: float) -> None:
        """Take a halt back; what its control measures begins anew, from this equity."""
        self.halts = [halt for halt in self.halts if halt.code != code]
        self.memory.equity = equity
        self._restart([code])
        self.rouse()

    @property
    def acts(self) -> frozenset[str]:
        """What is demanded of the desk now."""
        return frozenset(halt.act for halt in self.halts)

    def closed_to(self, symbol: str) -> Halt | None:
        """The halt that keeps entries in a symbol from going out, if there is one."""
        for halt in self.halts:
            if halt.act in CLOSED_TO_ENTRIES or symbol in self.memory.mismatched:
                return halt
        return None

    def _without_value(self, equity: float) -> Sequence[Halt]:
        """Halt what cannot be valued; the heights stay those that were known."""
        if any(halt.code == NO_VALUE for halt in self.halts):
            return ()
        reason = self._said(f"the equity is {equity}: no limit can be judged by it")
        halt = Halt("halt", NO_VALUE, reason, "critical", strategy=self.strategy)
        self.halts.append(halt)
        return (halt,)

    def _new_day(self, last: float, equity: float, ns: int) -> None:
        memory = self.memory
        if math.isnan(memory.start_equity):
            memory.start_ns = ns
            memory.start_equity = memory.day_equity = memory.peak = equity
        elif self._session_offset is not None:
            self._new_session(last, ns)
        else:
            memory.day_equity = last
        offset = self._session_offset or 0
        self._day_end = ((ns + offset) // DAY + 1) * DAY - offset
        early, self._early = self._early, []
        for trip in early:
            self.memory.closed(trip)

    def _new_session(self, last: float, ns: int) -> None:
        self.memory = self.memory.next_session(last, ns)
        over = [halt.code for halt in self.halts if halt.sessions <= 1]
        self.halts = [replace(halt, sessions=halt.sessions - 1) for halt in self.halts if halt.sessions > 1]
        self._restart(over)

    def _restart(self, codes: Iterable[str]) -> None:
        for control in self._running:
            if control.code in codes:
                control.restart(self.memory)

    def _judge_session(self) -> Sequence[Halt]:
        known = {halt.code for halt in self.halts}
        found = [self._halted_by(control) for control in self._running if control.code not in known]
        halts = [halt for halt in found if halt is not None]
        self.halts.extend(halts)
        return halts

    def _halted_by(self, control: RunningControl) -> Halt | None:
        sessions = 1.0
        try:
            reason = control.watch(self.memory)
            if reason is None:
                return None
            sessions = control.lasts(self.memory)
        except Exception as fault:  # noqa: BLE001 - a control that fails acts, whatever it was
            reason = f"the control failed: {fault!r}"
        return Halt(
            control.act, control.code, self._said(reason), control.severity, strategy=self.strategy, sessions=sessions
        )

    def _said(self, reason: str) -> str:
        return f"{self.strategy}: {reason}" if self.strategy else reason

    def _set_marks(self) -> None:
        self.floor = self._highest_mark()
        self.ceiling = self.memory.peak if self._follows else self._top
        self.wake = self._day_end if self._looks else NEVER

    def _highest_mark(self) -> float:
        tripped = {halt.code for halt in self.halts}
        return max((c.mark(self.memory) for c in self._heights if c.code not in tripped), default=-math.inf)
