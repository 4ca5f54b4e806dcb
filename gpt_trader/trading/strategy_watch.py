"""The limits of one strategy on an account that it shares: what it is worth by itself, and what becomes of that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO, exact
from gpt_trader.core.portfolio import exactly
from gpt_trader.trading.account import HAIR
from gpt_trader.trading.names import belongs
from gpt_trader.trading.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from gpt_trader.core.portfolio import Position
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.guards.running import Halt
    from gpt_trader.trading.lanes import Lane
    from gpt_trader.trading.limits import StrategyLimits


class StrategyWatch(Watch):
    """The controls of one strategy; its equity is its part of the account's at the start, and its own profit since."""

    def __init__(
        self, name: str, limits: StrategyLimits, account: Account, *, session_offset_ns: int | None = None
    ) -> None:
        super().__init__(limits.running, session_offset_ns=session_offset_ns, keeps_sessions=True, strategy=name)
        self.controls = limits.controls
        self.follows_equity = bool(self._heights)
        self.alone = limits.alone
        self._account = account
        self._part = 1.0 if limits.allocation is None else limits.allocation
        self._base = math.nan
        self._last = math.nan
        self._apart = math.nan
        self._held: list[_Held] = []
        self._known = 0

    def look_again(self, ns: int, *, before: float = math.nan) -> Sequence[Halt]:
        """Value the strategy at the last prices, and ask its running controls where that may have reached a limit.

        `before` is what the account was worth before this mark; who trades it alone was not asked at every one.
        """
        equity = self.equity
        before, self._last = before - self._apart if self.alone else self._last, equity
        if self.floor < equity <= self.ceiling and ns < self.wake:
            return ()
        if math.isfinite(equity):
            equity = float(exact(self._base) + self.exact_profit())
        return self.look(equity, ns, before=before)

    def marks(self) -> tuple[float, float]:
        """Its floor and ceiling in terms of the account's equity, from which who trades it alone stays as far apart."""
        self._apart = apart = self._account.equity - self._last
        hair = abs(self._account.equity) * HAIR  # a look too many costs nothing
        return self.floor + apart + hair, self.ceiling + apart - hair

    @property
    def equity(self) -> float:
        """What the strategy is worth at the last prices; at the first look that is its part of the account."""
        profit = self.profit()
        if math.isnan(self._base):
            self._base = self._part * self._account.equity - profit
        return self._base + profit

    def deposited(self, amount: float) -> None:
        """Money came into the account, or went out: the strategy gets, or loses, its part of it."""
        self._base += amount * self._part
        self.moved(amount * self._part)

    def profit(self) -> float:
        """Realised and unrealised, with fees, funding, borrow and dividends, in the account's currency."""
        total = 0.0
        for held in self._all():
            total += held.profit()
        return total

    def exact_profit(self) -> Decimal:
        """The same to the last digit."""
        exactly()
        rate = self._account.portfolio.rate
        return sum((h.position.earned(exact(h.lane.price)) * rate(h.position.currency) for h in self._all()), ZERO)

    def _all(self) -> list[_Held]:
        positions, lanes = self._account.portfolio.positions, self._account.lanes
        if len(positions) != self._known:
            self._known = len(positions)
            mine = (p for p in positions.values() if belongs(p.strategy, self.strategy))
            self._held = [_Held(position, lanes[position.symbol]) for position in mine]
        return self._held


class _Held:
    """One position as two floats, worked out anew only when something was booked: what is certain, and per price."""

    __slots__ = ("_borrow", "_certain", "_dividends", "_funding", "_quantity", "_rate", "_units", "lane", "position")

    def __init__(self, position: Position, lane: Lane) -> None:
        self.position = position
        self.lane = lane
        self._quantity: Decimal | None = None
        self._rate = self._certain = self._units = 0.0
        self._funding = self._borrow = self._dividends = ZERO

    def profit(self) -> float:
        position = self.position
        if (  # every number that is booked is a new object
            position.quantity is not self._quantity
            or position.funding is not self._funding
            or position.borrow is not self._borrow
            or position.dividends is not self._dividends
            or self.lane.unit != self._rate
        ):
            self._take()
        return self._certain + self._units * self.lane.price

    def _take(self) -> None:
        position = self.position
        self._quantity, self._funding = position.quantity, position.funding
        self._borrow, self._dividends = position.borrow, position.dividends
        self._rate = self.lane.unit
        self._units = float(position.quantity) * self._rate
        self._certain = float(position.net - position.cost) * self._rate / float(position.multiplier)
