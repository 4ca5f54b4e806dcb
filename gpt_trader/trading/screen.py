"""A quick look before the full one: a plain order far inside every limit needs no control to say so.

The screen never refuses. It passes an order only where each control that it stands for must pass it; a control that it
does not know is always asked. So with or without it the verdict is the same, which a test holds it to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gpt_trader.core.orders import AT_MARKET, BUY
from gpt_trader.trading.guards import market, pace, size
from gpt_trader.trading.guards.base import BEYOND_DOUBT
from gpt_trader.trading.guards.integrity import INTEGRITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt_trader.core.orders import Order
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.guards.base import Control
    from gpt_trader.trading.guards.memory import Memory

INF = math.inf
SECOND = 1_000_000_000
STOOD_FOR = frozenset({type(control) for control in INTEGRITY} | {*size.SIZE, *pace.PACE, *market.MARKET})
LIMITS = {
    size.MaxQuantity: "units",
    size.MaxNotional: "notional",
    size.MaxPosition: "units",
    size.GrossExposure: "exposure",
    size.NetExposure: "exposure",
    size.CorrelationCluster: "exposure",
    size.RiskPerPosition: "risk",
    pace.TradesPerSession: "trades",
}
QUIET = {pace.OrderRate: 1.0, pace.MessageBudget: 60.0}


class Screen:
    """The tightest of all limits, for one kind of order: plain, at market, alone in an account of one symbol."""

    def __init__(self, controls: Sequence[Control], costs: Costs | None, *, leverage: float = 1.0) -> None:
        self.knows_all = all(type(control) in STOOD_FOR for control in controls)
        self._volume: float | None = None
        self._hours = False
        self._restricted: frozenset[str] = frozenset()
        self._cooldown = 0
        self._quiet = 0
        self._age = INF
        self._drift = INF
        self._shorting = True
        self.units = self.notional = self.exposure = self.risk = self.trades = INF
        for control in controls:
            self._tighten(control)
        fee = 1.0 + (2.0 * float(costs.fee.percent) if costs is not None else 0.0)
        # So much equity for each unit of value is beyond every doubt, that of rounding included.
        self._worth = max(1.0 / self.exposure, fee / self.risk, 2.0 / leverage) * BEYOND_DOUBT

    def passes(self, order: Order, account: Account, memory: Memory, ns: int) -> bool:
        """Whether every control must pass this order."""
        _, _, symbol, side, quantity, terms, price, decided, _, _, parent, _ = order
        lane = account.lanes.get(symbol)
        if lane is None or terms is not AT_MARKET or parent is not None:
            return False
        units = lane.as_float(quantity)
        after = lane.held + units if side is BUY else lane.held - units
        size = after if after >= 0.0 else -after
        most = units if units > size else size  # noqa: FURB136 - a call would cost as much as all else here
        value = most * price * lane.unit
        sent, lost = memory.sent, memory.last_loss_ns
        return (
            units > 0.0
            and most <= self.units
            and 0.0 < price == lane.price
            and value <= self.notional
            and value * self._worth < account.equity  # at a price without end it is not
            and memory.trades < self.trades
            and ns == decided
            and ns - lane.ns - lane.span <= self._age
            and (not sent or ns - sent[-1] >= self._quiet)
            and (lost is None or ns - lost >= self._cooldown)
            and (not memory.drift or -self._drift <= memory.drift <= self._drift)
            and (after >= 0.0 or self._shorting)
            and symbol not in self._restricted
            and (not self._hours or lane.open_for(ns) == INF)
            and (self._volume is None or units <= lane.typical_volume(ns) * self._volume)
        )

    def _tighten(self, control: Control) -> None:
        kind = type(control)
        name = LIMITS.get(kind)
        if name is not None:
            setattr(self, name, min(getattr(self, name), control.limit))  # type: ignore[attr-defined]
        self._slow_down(control)
        if isinstance(control, size.VolumeShare):
            self._volume = control.limit
        elif isinstance(control, market.MarketHours):
            self._hours = True
        elif isinstance(control, market.RestrictedSymbol):
            self._restricted = frozenset(control.symbols)
        elif isinstance(control, market.Shorting):
            self._shorting = False
        elif isinstance(control, market.AllowedTimeInForce):
            self.knows_all = self.knows_all and AT_MARKET.tif in control.allowed
        elif isinstance(control, market.StaleQuote):
            self._age = control.seconds * SECOND
        elif isinstance(control, market.ClockDrift):
            self._drift = control.seconds

    def _slow_down(self, control: Control) -> None:
        if isinstance(control, (pace.RepeatedExecution, pace.Duplicate)):
            self._quiet = max(self._quiet, math.ceil(control.seconds * SECOND))
        elif type(control) in QUIET:
            self._quiet = max(self._quiet, math.ceil(QUIET[type(control)] * SECOND))
        elif isinstance(control, pace.Cooldown):
            self._cooldown = math.ceil(control.seconds * SECOND)
