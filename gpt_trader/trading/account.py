"""The account as the desk sees it on every bar: the exact ledger, and beside it plain floats that are quick to mark."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO, Fill, exact
from gpt_trader.core.portfolio import Portfolio, exactly
from gpt_trader.trading.names import belongs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gpt_trader.core.market import Instrument
    from gpt_trader.core.orders import RoundTrip
    from gpt_trader.core.portfolio import Position
    from gpt_trader.trading.costs import Fee

KEPT = 1000


def _unknown(ns: int) -> float:  # noqa: ARG001
    return math.nan


def _not_known(one: str, other: str, ns: int) -> float:  # noqa: ARG001
    return math.nan


class Lane:
    """One symbol of the account: its last price and, as floats, what all strategies together hold of it."""

    __slots__ = (
        "before",
        "held",
        "instrument",
        "last_quantity",
        "last_size",
        "lots",
        "ns",
        "open_for",
        "own",
        "positions",
        "price",
        "shorter",
        "span",
        "symbol",
        "typical_volume",
        "unit",
        "used",
        "used_ns",
        "value",
    )

    def __init__(self, instrument: Instrument, *, span: int = 1) -> None:
        self.symbol = instrument.symbol
        self.instrument = instrument
        self.unit = float(instrument.multiplier)
        self.price = 0.0
        self.before = 0.0
        self.ns = 0
        self.held = 0.0
        self.value = 0.0
        self.span = span
        self.used = 0.0
        self.last_quantity = ZERO
        self.last_size = 0.0
        self.used_ns = -1
        self.positions: list[Position] = []
        self.own: dict[str, Position] = {}
        self.lots: dict[float, Decimal] = {}
        self.typical_volume: Callable[[int], float] = _unknown
        self.open_for: Callable[[int], float] = _unknown
        self.shorter: Callable[[int], int] | None = None

    def over(self, ns: int) -> int:
        """When the bar that opens then is over; of live bars only their length is known."""
        return ns + self.span if self.shorter is None else self.shorter(ns)

    def as_float(self, quantity: Decimal) -> float:
        """The quantity as a float; the size of the last order is remembered."""
        if quantity is not self.last_quantity:
            self.last_quantity, self.last_size = quantity, float(quantity)
        return self.last_size

    def whole_lots(self, quantity: Decimal | float) -> Decimal:
        """The quantity as an exact number of whole lots; sizes that come again are looked up."""
        found = self.lots.get(quantity)  # type: ignore[arg-type]
        if found is None:
            found = self.instrument.whole_lots(exact(quantity))
            if len(self.lots) < KEPT:
                self.lots[quantity] = found  # type: ignore[index]
        return found


class Account:
    """Lanes around one portfolio; `equity` is the account's value at the last prices."""

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
        self._short: set[str] = set()
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

    def refresh(self) -> None:
        """Bring every float up to date with the ledger and its rates."""
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

    def net(self) -> float:
        """Long less short."""
        return sum(lane.value for lane in self.lanes.values())

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

    def symbols_held(self, name: str | None = None) -> set[str]:
        """The symbols with a position, of all strategies or of those that go by a name."""
        if name is None:
            return {lane.symbol for lane in self.lanes.values() if lane.held}
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
            return False  # marks of this very bar may stand in the figures: the exact way leaves them out
        needed = (after if after > 0.0 else -after) * price * lane.unit
        room = (self.equity - lane.value + held * price * lane.unit) * self._lever
        if not self.single:
            room -= self.gross() - abs(lane.value)
        return room - needed > needed

    def affords(self, symbol: str, quantity: Decimal, price: Decimal, fee: Decimal) -> bool:
        """Whether a trade leaves no more exposure than equity times leverage, to the last digit."""
        lane = self.lanes[symbol]
        held = sum((p.quantity for p in lane.positions), ZERO)
        after = held + quantity
        if abs(after) < abs(held) and after * held >= 0:
            return True
        rate = self.portfolio.rate(lane.instrument.currency)
        equity = self.exact_equity(symbol, price) - fee * rate
        gross = abs(after) * price * lane.instrument.multiplier * rate
        for other in self.lanes.values():
            if other is not lane and other.held:
                size = abs(self.portfolio.held(other.symbol)) * exact(self.seen(other))
                gross += size * other.instrument.multiplier * self.portfolio.rate(other.instrument.currency)
        return gross <= equity * self.leverage

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
        instrument = self.lanes[symbol].instrument
        rate = instrument.multiplier * self.portfolio.rate(instrument.currency)
        equity = self.exact_equity(symbol, price)
        money = equity * abs(share)
        if not self.single:  # what other symbols tie up is not there twice
            others = [other for other in self.lanes.values() if other.symbol != symbol]
            taken = sum(abs(other.held * self.seen(other) * other.unit) for other in others)
            money = min(money, equity * self.leverage - exact(taken))
        held = self.position(strategy, symbol).quantity
        sign = 1 if share > 0 else -1
        lots = instrument.whole_lots(money / (price * rate * (1 + fee.percent)))
        while lots > 0:
            traded = abs(sign * lots - held)
            cost = fee.of(traded, traded * price * instrument.multiplier) * rate / instrument.multiplier
            if lots * price * rate + cost <= money:
                break
            lots -= max(instrument.lot, instrument.whole_lots((lots * price * rate + cost - money) / (price * rate)))
        return max(lots, ZERO) * sign

    def _refresh_lane(self, lane: Lane) -> None:
        held = lane.positions
        if len(held) == 1:
            lane.held = float(held[0].quantity)
        else:
            lane.held = float(sum((p.quantity for p in held), ZERO))
        lane.value = lane.held * lane.price * lane.unit if lane.held else 0.0
        if lane.held < 0.0:
            self._short.add(lane.symbol)
        else:
            self._short.discard(lane.symbol)

    def _rebook(self, lane: Lane) -> None:
        """Follow one lane's fill; with many lanes all of them are added up anew only now and then, as that is slow."""
        cash, value = self.cash, lane.value
        self._refresh_lane(lane)
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
            self.equity = cash + sum([lane.value for lane in self.lanes.values()])
