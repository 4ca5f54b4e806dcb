"""The guard judges: it says yes or no to an order, and stop to a session; it never acts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.market import DAY
from gpt_trader.core.orders import AT_MARKET, Approved, Refused, new
from gpt_trader.trading.guards.base import Look
from gpt_trader.trading.guards.integrity import INTEGRITY
from gpt_trader.trading.guards.memory import Memory
from gpt_trader.trading.guards.running import ConsecutiveLosses, EquityControl, Halt, MarginBuffer
from gpt_trader.trading.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gpt_trader.core.orders import Fill, Order, RoundTrip
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.guards.base import Control
    from gpt_trader.trading.guards.running import RunningControl

NEVER = 2**63 - 1
NO_VALUE = "unknown_equity"
CLOSED_TO_ENTRIES = frozenset({"flatten", "halt", "lock", "pause"})


class Guard:
    """Controls in their order; the first no counts, and a control that fails says no.

    Above `floor`, up to `ceiling` and before `wake` no running control has anything to say, so that a bar costs three
    comparisons.
    """

    def __init__(
        self,
        account: Account,
        controls: Sequence[Control] = (),
        *,
        running: Sequence[RunningControl] = (),
        per_strategy: Mapping[str, Sequence[Control]] | None = None,
        costs: Costs | None = None,
        session_offset_ns: int | None = None,
    ) -> None:
        self.account = account
        self.costs = costs
        self.floor = -math.inf
        self.ceiling = math.inf
        self.wake = 0 if running else NEVER
        self.halts: list[Halt] = []
        self.memory = Memory()
        self.working: Callable[[], Sequence[Order]] = tuple
        self._controls = (*INTEGRITY, *controls)
        self._plain = tuple(control for control in self._controls if not control.about_terms)
        self._reductions = tuple(control for control in self._controls if not control.spares_reductions)
        self._per_strategy = {name: tuple(own) for name, own in (per_strategy or {}).items()}
        self._strategy_memory = {name: Memory() for name in self._per_strategy}
        self._screen = Screen(self._controls, costs, leverage=float(account.leverage))
        self._screens = self._screen.knows_all and not per_strategy and account.single
        self._running = tuple(running)
        self._remembers = bool(controls or running or per_strategy)
        self._session_offset = session_offset_ns
        self._margin = any(isinstance(control, MarginBuffer) for control in running) and account.leverage > 1
        self._heights = tuple(control for control in running if isinstance(control, EquityControl))
        self._losses = min((c.limit for c in running if isinstance(c, ConsecutiveLosses)), default=NEVER)
        self._day_end = 0
        self._moved = 0.0
        self._issued: dict[str, Approved] = {}

    # --- one order ----------------------------------------------------------------------------------------------------

    def check(self, order: Order, ns: int, *, instead_of: Sequence[Order] = ()) -> Approved | Refused:
        """Judge an order: the verdict carries it, so that nothing else can be sent in its name.

        While entries are closed, what reduces is approved as an order that can do nothing else: whatever else fills
        before it, it turns no position. The orders whose place it takes are not counted beside it.
        """
        working = self.working()
        if instead_of:
            gone = {other.id for other in instead_of}
            working = [other for other in working if other.id not in gone]
        quick = self._screens and not working and not self.halts
        if quick and self._screen.passes(order, self.account, self.memory, ns):
            return self._approve(order, ns)
        refused = self._judge(order, working, ns)
        if refused is not None:
            return refused
        if self.halts and order.aim is None and self._closed_to(order.symbol) is not None:
            order = order._replace(terms=replace(order.terms, reduce_only=True))
        return self._approve(order, ns)

    def redeem(self, approved: Approved) -> bool:
        """Whether this very approval came from here and was not used before; it is used now."""
        return self._issued.pop(approved.order.id, None) is approved

    # --- the session --------------------------------------------------------------------------------------------------

    def look(self, equity: float, ns: int, *, before: float | None = None) -> Sequence[Halt]:
        """Ask the running controls; what they demand for the first time is given back.

        `before` is the last equity that was known before this mark, which the guard need not have looked at; a day and
        a session begin with it, so that what their first bar loses is theirs.
        """
        if not math.isfinite(equity):
            return self._without_value(equity)
        memory = self.memory
        last = memory.equity if before is None or not math.isfinite(before) else before + self._moved
        self._moved = 0.0
        if self.floor < equity > self.ceiling and ns < self.wake:  # nothing but a new peak
            memory.ns, memory.equity = ns, equity
            memory.peak = self.ceiling = equity
            self.floor = self._highest_mark()
            return ()
        if ns >= self._day_end:
            self._new_day(last, equity, ns)
        memory = self.memory
        memory.ns, memory.equity = ns, equity
        memory.peak = max(memory.peak, equity)
        if self._margin:
            self._measure_margin()
        halts = self._judge_session()
        self._set_marks()
        return halts

    def closed(self, trip: RoundTrip) -> None:
        """Take note of a closed trade."""
        self.memory.closed(trip)
        own = self._strategy_memory.get(trip.strategy)
        if own is not None:
            own.closed(trip)
        if self.memory.consecutive_losses >= self._losses:
            self.wake = 0

    def filled(self, fill: Fill, reference: float) -> None:
        """Take note of a fill and of how much worse than its reference it was."""
        sign = 1.0 if fill.side == "buy" else -1.0
        self.memory.slippage = sign * (float(fill.price) / reference - 1.0) if reference else math.nan

    def rejected(self, ns: int) -> None:
        """Take note of an order that the venue rejected."""
        self.memory.rejects.append(ns)
        self.wake = 0 if self._running else NEVER

    def deposited(self, amount: float) -> None:
        """Money came in or went out: no profit and no loss, so every height moves with it."""
        memory = self.memory
        memory.start_equity += amount
        memory.day_equity += amount
        memory.peak += amount
        memory.equity += amount
        self._moved += amount
        self._set_marks()
        self.wake = 0 if self._running else NEVER

    def clear(self, code: str, *, person: str, reason: str) -> None:
        """Lift a halt; it takes a person with a name and a reason, which the caller writes down."""
        if not person.strip() or not reason.strip():
            raise ConfigError("clearing a halt takes a person's name and a reason")
        self.halts = [halt for halt in self.halts if halt.code != code]
        if code == "consecutive_losses":
            self.memory.consecutive_losses = 0

    @property
    def acts(self) -> frozenset[str]:
        """What is demanded of the desk now."""
        return frozenset(halt.act for halt in self.halts)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _approve(self, order: Order, ns: int) -> Approved:
        verdict = new(Approved, (order,))
        self._issued[order.id] = verdict
        if self._remembers:
            self.memory.approved(order, ns)
            if self._strategy_memory:
                own = self._strategy_memory.get(order.strategy)
                if own is not None:
                    own.approved(order, ns)
        return verdict

    def _judge(self, order: Order, working: Sequence[Order], ns: int) -> Refused | None:
        look = Look(order, self.account, self.memory, working=working, ns=ns, costs=self.costs)
        if self.halts and not look.reducing:
            closed = self._closed_to(order.symbol)
            if closed is not None:
                return Refused(closed.code, closed.reason, order)
        plain = self._plain if order.terms is AT_MARKET else self._controls
        refused = judge(self._reductions if look.reducing else plain, look)
        if refused is None and self._per_strategy:
            refused = self._judge_strategy(order, working, ns)
        return refused

    def _judge_strategy(self, order: Order, working: Sequence[Order], ns: int) -> Refused | None:
        own = self._per_strategy.get(order.strategy)
        if own is None:
            return None
        mine = [other for other in working if other.strategy == order.strategy]
        memory = self._strategy_memory[order.strategy]
        look = Look(order, self.account, memory, working=mine, ns=ns, costs=self.costs, scope=order.strategy)
        return judge([c for c in own if not (look.reducing and c.spares_reductions)], look)

    def _closed_to(self, symbol: str) -> Halt | None:
        for halt in self.halts:
            if halt.act in CLOSED_TO_ENTRIES or symbol in self.memory.mismatched:
                return halt
        return None

    def _without_value(self, equity: float) -> Sequence[Halt]:
        """Halt an account that cannot be valued; the heights stay those that were known."""
        if any(halt.code == NO_VALUE for halt in self.halts):
            return ()
        halt = Halt("halt", NO_VALUE, f"the equity is {equity}: no limit can be judged by it", "critical")
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

    def _new_session(self, last: float, ns: int) -> None:
        self.memory = self.memory.next_session(last, ns)
        self._strategy_memory = {name: own.next_session(last, ns) for name, own in self._strategy_memory.items()}
        self.halts = [halt for halt in self.halts if halt.code == "trailing_drawdown"]

    def _measure_margin(self) -> None:
        account = self.account
        needed = account.gross() / float(account.leverage)
        self.memory.margin_use = needed / account.equity if account.equity > 0 else math.inf

    def _judge_session(self) -> Sequence[Halt]:
        known = {halt.code for halt in self.halts}
        found: list[Halt] = []
        for control in self._running:
            if control.code in known:
                continue
            try:
                reason = control.watch(self.memory)
            except Exception as fault:  # noqa: BLE001 - a control that fails acts, whatever it was
                reason = f"the control failed: {fault!r}"
            if reason is not None:
                found.append(Halt(control.act, control.code, reason, control.severity))
        self.halts.extend(found)
        return found

    def _set_marks(self) -> None:
        self.floor = self._highest_mark()
        self.ceiling = self.memory.peak if self._heights else math.inf
        self.wake = self._day_end if self._running else NEVER
        if self._margin:
            self.wake = 0  # the use of margin has no height of equity: it is looked at on every bar

    def _highest_mark(self) -> float:
        tripped = {halt.code for halt in self.halts}
        return max((c.mark(self.memory) for c in self._heights if c.code not in tripped), default=-math.inf)


def judge(controls: Sequence[Control], look: Look) -> Refused | None:
    """The first no among these controls; one that fails says no."""
    code = ""
    try:
        for control in controls:
            code = control.code
            reason = control.check(look)
            if reason is not None:
                return Refused(code, reason, look.order)
    except Exception as fault:  # noqa: BLE001 - a control that fails refuses, whatever it was
        return Refused(code, f"the control failed: {fault!r}", look.order)
    return None
