"""The guard judges: it says yes or no to an order, and stop to a session; it never acts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from gpt_trader.core.errors import ConfigError, did_you_mean
from gpt_trader.core.orders import AT_MARKET, Approved, OrderType, Refused, new
from gpt_trader.trading.guards.base import Look
from gpt_trader.trading.guards.integrity import INTEGRITY
from gpt_trader.trading.guards.running import Halt, MarginBuffer
from gpt_trader.trading.names import belongs
from gpt_trader.trading.screen import Screen
from gpt_trader.trading.strategy_watch import StrategyWatch
from gpt_trader.trading.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gpt_trader.core.orders import Fill, Order, RoundTrip
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.guards.base import Book, Control
    from gpt_trader.trading.guards.running import RunningControl
    from gpt_trader.trading.limits import StrategyLimits


class Guard(Watch):
    """Controls in their order; the first no counts, and a control that fails says no.

    It watches the account itself, and has a watch for each strategy with limits of its own. A bar between the marks of
    `Watch` costs three comparisons; where the equity of one among several strategies is limited, no bar lies there.
    """

    def __init__(
        self,
        account: Account,
        controls: Sequence[Control] = (),
        *,
        running: Sequence[RunningControl] = (),
        per_strategy: Mapping[str, StrategyLimits] | None = None,
        costs: Costs | None = None,
        session_offset_ns: int | None = None,
    ) -> None:
        super().__init__(
            running, session_offset_ns=session_offset_ns, keeps_sessions=bool(controls or running or per_strategy)
        )
        self.account = account
        self.costs = costs
        self.strategies = tuple(
            StrategyWatch(name, limits, account, session_offset_ns=session_offset_ns)
            for name, limits in (per_strategy or {}).items()
        )
        self.working: Book = _nothing
        self._controls = (*INTEGRITY, *controls)
        self._plain = tuple(control for control in self._controls if not control.about_terms)
        self._reductions = tuple(control for control in self._controls if not control.spares_reductions)
        limits = (*controls, *(control for watch in self.strategies for control in watch.controls))
        self._spares = any(control.spares_reductions for control in limits)
        self._watches_of: dict[str, tuple[StrategyWatch, ...]] = {}
        self._screen = Screen(self._controls, costs, leverage=float(account.leverage))
        self._screens = self._screen.knows_all and account.single and not any(w.controls for w in self.strategies)
        self._remembers = bool(controls or running or per_strategy)
        self._margins = tuple(c for c in running if isinstance(c, MarginBuffer) and account.leverage > 1)
        self._issued: dict[str, Approved] = {}
        if any(watch.follows_equity and not watch.alone for watch in self.strategies):
            self._follows, self._top = False, -math.inf

    # --- one order ----------------------------------------------------------------------------------------------------

    def check(self, order: Order, ns: int, *, instead_of: Sequence[Order] = ()) -> Approved | Refused:
        """Judge an order: the verdict carries it, so that nothing else can be sent in its name.

        What is let through only because it reduces is approved as an order that can do nothing else: whatever else
        fills before it, it turns no position. The orders whose place it takes are not counted beside it.
        """
        gone = {other.id for other in instead_of} if instead_of else ()
        working = self.working(None) if self._screens else ()
        quick = self._screens and not self.halts and (not working or all(other.id in gone for other in working))
        if quick and self.strategies:
            quick = not any(watch.halts for watch in self.strategies)
        if quick and self._screen.passes(order, self.account, self.memory, ns):
            return self._approve(order, ns)
        look = Look(order, self.account, self.memory, book=self.working, ns=ns, costs=self.costs, without=gone)
        refused = self._judge(look, gone)
        if refused is not None:
            return refused
        if order.aim is None and (self._spared(look) or self._closed_to(order) is not None):
            order = order._replace(terms=replace(order.terms, reduce_only=True))
        return self._approve(order, ns)

    def redeem(self, approved: Approved) -> bool:
        """Whether this very approval came from here and was not used before; it is used now."""
        return self._issued.pop(approved.order.id, None) is approved

    # --- the session --------------------------------------------------------------------------------------------------

    def look_at_strategies(self, ns: int, *, before: float = math.nan) -> Sequence[Halt]:
        """Ask the running controls of single strategies; what they demand for the first time is given back."""
        halts: list[Halt] = []
        ceiling = self.memory.peak if self._follows else self._top
        for watch in self.strategies:
            halts.extend(watch.look_again(ns, before=before))
            self.wake = min(self.wake, watch.wake)
            if watch.alone:
                floor, top = watch.marks()
                self.floor, ceiling = max(self.floor, floor), min(ceiling, top)
        self.ceiling = ceiling
        return halts

    def closed(self, trip: RoundTrip) -> None:
        """Take note of a closed trade."""
        super().closed(trip)
        for watch in self._watches(trip.strategy):
            watch.closed(trip)
            self.wake = min(self.wake, watch.wake)

    def filled(self, fill: Fill, reference: float) -> None:
        """Take note of a fill and of how much worse than its reference it was."""
        sign = 1.0 if fill.side == "buy" else -1.0
        slippage = sign * (float(fill.price) / reference - 1.0) if reference else math.nan
        for watch in (self, *self._watches(fill.strategy)):
            watch.memory.slippage = slippage
            watch.rouse()

    def rejected(self, ns: int, strategy: str = "") -> None:
        """Take note of an order that the venue rejected."""
        for watch in (self, *self._watches(strategy)):
            watch.memory.rejects.append(ns)
            watch.rouse()

    def deposited(self, amount: float) -> None:
        """Money came in or went out: no profit and no loss, of no strategy either."""
        self.moved(amount)
        for watch in self.strategies:
            watch.deposited(amount)

    def clear(self, code: str, *, person: str, reason: str, strategy: str = "") -> None:
        """Lift a halt of the session or of one strategy; what it watches is measured anew from now.

        It takes a person with a name and a reason, which the caller writes down.
        """
        if not person.strip() or not reason.strip():
            raise ConfigError("clearing a halt takes a person's name and a reason")
        if not strategy:
            self.lift(code, self.account.equity)
            return
        watch = next((watch for watch in self.strategies if watch.strategy == strategy), None)
        if watch is None:
            known = [watch.strategy for watch in self.strategies]
            raise ConfigError(f"'{strategy}' has no limits of its own", hint=did_you_mean(strategy, known))
        watch.lift(code, watch.equity)
        self.rouse()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _watches(self, strategy: str) -> tuple[StrategyWatch, ...]:
        found = self._watches_of.get(strategy)
        if found is None:
            found = tuple(watch for watch in self.strategies if belongs(strategy, watch.strategy))
            self._watches_of[strategy] = found
        return found

    def _approve(self, order: Order, ns: int) -> Approved:
        verdict = new(Approved, (order,))
        self._issued[order.id] = verdict
        if self._remembers:
            self.memory.approved(order, ns)
            if self.strategies:
                for watch in self._watches(order.strategy):
                    watch.memory.approved(order, ns)
        return verdict

    def _judge(self, look: Look, gone: Collection[str]) -> Refused | None:
        order = look.order
        if not look.leaving:
            closed = self._closed_to(order)
            if closed is not None:
                return Refused(closed.code, closed.reason, order)
        plain = self._plain if order.terms is AT_MARKET else self._controls
        refused = judge(self._reductions if look.reducing else plain, look)
        if refused is None and self.strategies:
            refused = self._judge_strategy(order, look.ns, gone)
        return refused

    def _spared(self, look: Look) -> bool:
        """Whether limits did not look at an exit that others may fill before; at market only older ones can."""
        first = look.order.terms.type is OrderType.MARKET and not look.mine
        return self._spares and look.leaving and not first

    def _judge_strategy(self, order: Order, ns: int, gone: Collection[str]) -> Refused | None:
        for watch in self._watches(order.strategy):
            look = Look(
                order,
                self.account,
                watch.memory,
                book=self.working,
                ns=ns,
                costs=self.costs,
                scope=watch.strategy,
                equity=watch.equity,
                without=gone,
            )
            refused = judge([c for c in watch.controls if not (look.reducing and c.spares_reductions)], look)
            if refused is not None:
                return refused
        return None

    def _closed_to(self, order: Order) -> Halt | None:
        for watch in (self, *self._watches(order.strategy)) if self.strategies else (self,):
            if watch.halts:
                halt = watch.closed_to(order.symbol)
                if halt is not None:
                    return halt
        return None

    def _judge_session(self) -> Sequence[Halt]:
        if self._margins:
            self._measure_margin()
        return super()._judge_session()

    def _measure_margin(self) -> None:
        """Measure how much of the equity is margin: where the most that it can be is within the limit, only that."""
        account = self.account
        for gross in (account.gross_at_most, account.gross):
            needed = gross() / float(account.leverage)
            self.memory.margin_use = needed / account.equity if account.equity > 0 else math.inf
            if all(control.watch(self.memory) is None for control in self._margins):
                return

    def _set_marks(self) -> None:
        super()._set_marks()
        if self._margins:
            self.wake = 0  # the use of margin has no height of equity: it is looked at on every bar


def _nothing(symbol: str | None) -> Sequence[Order]:  # noqa: ARG001
    return ()


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
