"""The account as the desk sees it on every bar: the exact ledger, and beside it plain floats that are quick to mark."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO, Fill, exact
from gpt_trader.core.portfolio import Portfolio, exactly
from gpt_trader.trading.affording import lots_within
from gpt_trader.trading.lanes import Lane
from gpt_trader.trading.names import belongs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from gpt_trader.core.market import Instrument, MarketData
    from gpt_trader.core.orders import RoundTrip
    from gpt_trader.core.portfolio import Position
    from gpt_trader.trading.costs import Fee

HAIR = 1e-9
"""More than rounding can add up to in a sum that runs along, as a part of what was added."""


def _not_known(one: str, other: str, ns: int) -> float:  # noqa: ARG001
    return math.nan


class Account:
    """Lanes around one portfolio; `equity` is the account's value at the last prices.

    What an order asks of the whole account is first answered by sums that run along with the marks, so that it costs
    the same among five hundred symbols as among two; where a hair could turn the answer, every lane is added up.
    `at_work` is how many orders work at most, and `entering` what they may add to the exposure at most, where their
    broker keeps count.
    """

    def __init__(
        self, portfolio: Portfolio, instruments: Iterable[Instrument], *, leverage: Decimal = Decimal(1)
    ) -> None:
        self.portfolio = portfolio
        self.leverage = leverage
        self.lanes = {instrument.symbol: Lane(instrument) for instrument in instruments}
        self._lever = float(leverage)
        self.single = len(self.lanes) == 1
        self._lane = next(iter(self.lanes.values()))
        self.correlation: Callable[[str, str, int], float] = _not_known
        self.opening: int | None = None
        self.latest: MarketData | None = None
        self._open: set[str] = set()
        self._short: set[str] = set()
        self._owed = 0.0
        self.at_work = self.entering = math.inf
        self._moment = 0
        self._news = self._news_owed = 0.0
        self._often = max(1, len(self.lanes) // 16)
        self._since = 0
        self.equity = 0.0
        self.cash = 0.0
        self.refresh()

    def position(self, strategy: str, symbol: str) -> Position:
        """The strategy's position in a symbol of this account."""
        lane = self.lanes[symbol]
        found = lane.own.get(strategy)
        if found is None:
            instrument = lane.instrument
            found = self.portfolio.position(
                strategy, symbol, currency=instrument.currency, multiplier=instrument.multiplier
            )
            lane.own[strategy] = found
            lane.positions = self.portfolio.of(symbol)
            lane.unit = float(instrument.multiplier * self.portfolio.rate(instrument.currency))
        return found

    def book(self, fill: Fill) -> RoundTrip | None:
        """Apply a fill to the ledger and bring the floats up to date."""
        lane = self.lanes[fill.symbol]
        if not lane.price:  # no bar before had one
            lane.price = float(fill.price)
        position = lane.own.get(fill.strategy)
        if position is None:
            position = self.position(fill.strategy, fill.symbol)
        closed = self.portfolio.apply(fill, position)
        if self.single and len(lane.positions) == 1:
            quantity = position.quantity
            lane.held = held = float(quantity) if quantity else 0.0
            lane.value = value = held * lane.price * lane.unit
            self.cash = cash = float(self.portfolio.total_cash())
            self.equity = cash + value
        else:
            self._rebook(lane)
        return closed

    def mark(self, lane: Lane, price: float, ns: int) -> float:
        """Value a lane at its new price; the equity is given back."""
        lane.before = lane.price
        if ns > self._moment:
            self._moment = ns
            self._news = self._news_owed = 0.0
        elif ns < self._moment:  # of a longer bar: what is news to whom is not told by one moment
            self._news = math.nan
        if lane.held:
            before = lane.value
            value = lane.held * price * lane.unit
            change = value - before
            moved = self.equity + change
            if moved == moved:  # noqa: PLR0124 - a bar without a price leaves the last valuation standing
                lane.value = value
                lane.price = price
                lane.ns = ns
                self.equity = moved
                self._news += change
                if value < 0.0 or before < 0.0:
                    owed = min(value, 0.0) - min(before, 0.0)
                    self._owed += owed
                    self._news_owed += owed
        elif price == price:  # noqa: PLR0124 - as above: the last price that there was goes on counting
            lane.price = price
            lane.ns = ns
        return self.equity

    def refresh(self) -> None:
        """Bring every float up to date with the ledger and its rates."""
        self._news = math.nan
        if self.entering:
            self.entering = math.inf
        for lane in self.lanes.values():
            instrument = lane.instrument
            lane.positions = self.portfolio.of(lane.symbol)
            if instrument.currency in self.portfolio.rates:
                lane.unit = float(instrument.multiplier * self.portfolio.rate(instrument.currency))
            self._refresh_lane(lane)
        self._total()

    def gross(self) -> float:
        """The size of all positions together, long and short added."""
        return sum(abs(lane.value) for lane in self.lanes.values())

    def gross_at_most(self) -> float:
        """What `gross` is not above, without adding up; a hair more than it."""
        if self.single:
            return self.gross()
        return self.equity - self.cash - 2.0 * self._owed + self._hair()

    def net_about(self) -> tuple[float, float]:
        """About how much long is more than short, and how far it may be from that."""
        return (self._lane.value, 0.0) if self.single else (self.equity - self.cash, self._hair())

    def quantity(self, strategy: str, symbol: str) -> Decimal:
        """What one strategy holds of a symbol, to the last digit."""
        position = self.portfolio.positions.get((strategy, symbol))
        return ZERO if position is None else position.quantity

    def held_by(self, strategy: str, symbol: str) -> float:
        """What one strategy holds of a symbol."""
        return float(self.quantity(strategy, symbol))

    def held_under(self, name: str, symbol: str) -> float:
        """What the strategies that go by this name hold of a symbol."""
        return float(sum((p.quantity for p in self.portfolio.of(symbol) if belongs(p.strategy, name)), ZERO))

    def symbols_held(self, name: str | None = None) -> AbstractSet[str]:
        """The symbols with a position, of all strategies or of those that go by a name."""
        if name is None:
            return self._open if not self.single else {lane.symbol for lane in self.lanes.values() if lane.held}
        return {p.symbol for p in self.portfolio.positions.values() if p.quantity and belongs(p.strategy, name)}

    def surely_affords(self, lane: Lane, change: float, price: float) -> bool:
        """Whether a trade is beyond doubt within equity times leverage; what shrinks a position always is."""
        held = lane.held
        after = held + change
        if (0.0 <= after < held) or (held < after <= 0.0):
            return True
        if not self.single and not self._short and after > 0.0 and self._lever >= 1.0:
            cost = change * price * lane.unit
            if self.cash - cost > cost:
                return True  # who owes neither shares nor money has no more exposure than equity, at any price
        if self.opening is not None:
            return False  # marks of this very bar may stand in the figures: `affords` leaves them out
        needed = (after if after > 0.0 else -after) * price * lane.unit
        room = (self.equity - lane.value + held * price * lane.unit) * self._lever
        if not self.single:
            room -= self.gross_at_most() - abs(lane.value)
        return room - needed > needed

    def affords(self, symbol: str, quantity: Decimal, price: Decimal, fee: Decimal) -> bool:
        """Whether a trade leaves no more exposure than equity times leverage, to the last digit."""
        lane = self.lanes[symbol]
        held = sum((p.quantity for p in lane.positions), ZERO)
        after = held + quantity
        if abs(after) < abs(held) and after * held >= 0:
            return True
        if not self.single:
            equity, others, hair = self._around(lane, float(price))
            size = abs(float(after)) * float(price) * lane.unit
            room = (equity - float(fee * self.portfolio.rate(lane.instrument.currency))) * self._lever - others - size
            if abs(room) > hair:
                return room > 0.0
        return self._affords_exactly(lane, after, price, fee)

    def exact_equity(self, symbol: str, price: Decimal) -> Decimal:
        """The account's value with one symbol at this price and the others at the last that could be seen."""
        exactly()
        prices = {name: exact(self.seen(lane)) for name, lane in self.lanes.items() if lane.held and name != symbol}
        prices[symbol] = price
        return self.portfolio.equity(prices)

    def seen(self, lane: Lane) -> float:
        """The symbol's last price; while the orders of a bar fill, none that comes after its open."""
        return lane.before if self.opening is not None and lane.ns >= self.opening else lane.price

    def lots_for(self, strategy: str, symbol: str, share: Decimal, price: Decimal, fee: Fee) -> Decimal:
        """The position, in whole lots, that a share of the equity pays for at this price, with its fee."""
        lane = self.lanes[symbol]
        instrument = lane.instrument
        fit = partial(
            lots_within,
            instrument=instrument,
            price=price,
            rate=instrument.multiplier * self.portfolio.rate(instrument.currency),
            fee=fee,
            held=self.position(strategy, symbol).quantity,
            sign=1 if share > 0 else -1,
        )
        if not self.single:
            equity, others, hair = self._around(lane, float(price))
            if hair == hair:  # noqa: PLR0124 - it is known
                least, most = (
                    self._money(exact(equity + wrong), exact(others - wrong), share) for wrong in (-hair, hair)
                )
                lots = fit(least, most)
                if lots is not None:
                    return lots
        money = self._money(self.exact_equity(symbol, price), exact(self._tied_up(lane)), share)
        lots = fit(money, money)
        assert lots is not None
        return lots

    def _money(self, equity: Decimal, others: Decimal, share: Decimal) -> Decimal:
        """Take a share of the equity; what other symbols tie up is not there twice."""
        money = equity * abs(share)
        return money if self.single else min(money, equity * self.leverage - others)

    def _tied_up(self, lane: Lane) -> float:
        others = (other for other in self.lanes.values() if other is not lane)
        return sum(abs(other.held * self.seen(other) * other.unit) for other in others)

    def _affords_exactly(self, lane: Lane, after: Decimal, price: Decimal, fee: Decimal) -> bool:
        rate = self.portfolio.rate(lane.instrument.currency)
        equity = self.exact_equity(lane.symbol, price) - fee * rate
        gross = abs(after) * price * lane.instrument.multiplier * rate
        for other in self.lanes.values():
            if other is not lane and other.held:
                size = abs(self.portfolio.held(other.symbol)) * exact(self.seen(other))
                gross += size * other.instrument.multiplier * self.portfolio.rate(other.instrument.currency)
        return gross <= equity * self.leverage

    def _around(self, lane: Lane, price: float) -> tuple[float, float, float]:
        """The equity with one lane at this price, what the others tie up, and how wrong the two may be together.

        While the orders of a bar fill, the marks of its own moment are left out; all is NaN where they are not known.
        """
        news = owed = 0.0
        if self.opening is not None and self.opening <= self._moment:
            news, owed = (self._news, self._news_owed) if self.opening == self._moment else (math.nan, math.nan)
        own = lane.held * self.seen(lane) * lane.unit
        equity = self.equity - news
        others = equity - self.cash - 2.0 * (self._owed - owed) - abs(own)
        return equity - own + lane.held * price * lane.unit, others, self._hair() + HAIR * abs(news)

    def _hair(self) -> float:
        return HAIR * (abs(self.equity) + abs(self.cash) + abs(self._owed)) * max(1.0, self._lever)

    def _refresh_lane(self, lane: Lane) -> None:
        held, owed = lane.positions, min(lane.value, 0.0)
        if len(held) == 1:
            lane.held = float(held[0].quantity)
        else:
            lane.held = float(sum((p.quantity for p in held), ZERO))
        lane.value = lane.held * lane.price * lane.unit if lane.held else 0.0
        self._owed += min(lane.value, 0.0) - owed
        for group, inside in ((self._open, lane.held != 0.0), (self._short, lane.held < 0.0)):
            if inside:
                group.add(lane.symbol)
            else:
                group.discard(lane.symbol)

    def _rebook(self, lane: Lane) -> None:
        """Follow one lane's fill; with many lanes all of them are added up anew only now and then, as that is slow."""
        cash, value = self.cash, lane.value
        self._refresh_lane(lane)
        if lane.ns >= self._moment:  # it was marked before it changed: what that was in money is not told any more
            self._news = math.nan
        self._since += 1
        if self._since >= self._often:
            self._total()
            return
        self.cash = float(self.portfolio.total_cash())
        self.equity += (self.cash - cash) + (lane.value - value)

    def _total(self) -> None:
        self._since = 0
        self.cash = cash = float(self.portfolio.total_cash())
        if self.single:
            self.equity = cash + self._lane.value
        else:
            values = [lane.value for lane in self.lanes.values()]
            self.equity = cash + sum(values)
            self._owed = sum([value for value in values if value < 0.0])
