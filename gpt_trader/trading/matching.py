"""How a bar fills an order: pure rules over one working order and one bar; a rule may be optimistic only by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gpt_trader.core.orders import AT_MARKET, BUY, ZERO, OrderType
from gpt_trader.trading.restating import in_new_shares, restated

if TYPE_CHECKING:
    from decimal import Decimal

    from gpt_trader.core.market import Instrument, MarketData
    from gpt_trader.core.orders import Order

MARKET = OrderType.MARKET
LIMIT = OrderType.LIMIT
STOP = OrderType.STOP
STOP_LIMIT = OrderType.STOP_LIMIT
TRAILING_STOP = OrderType.TRAILING_STOP
MARKET_ON_OPEN = OrderType.MARKET_ON_OPEN
MARKET_ON_CLOSE = OrderType.MARKET_ON_CLOSE
STOPS = frozenset({STOP, TRAILING_STOP, STOP_LIMIT})
AT_ANY_PRICE = frozenset({STOP, TRAILING_STOP})
"""Once triggered they are orders at market: what a bar had no volume for goes at the next open, wherever that is."""
NAN = math.nan


class Working:
    """An order at work: what is left of it, and the levels that move."""

    limit: float = NAN
    level: float = NAN
    trail: float = 0.0
    trail_percent: float = 0.0
    triggered: bool = False
    fresh: bool = True
    session: int | None = None
    bracket: Bracket | None = None
    parts: int = 0
    worth: float = 0.0

    def __init__(self, order: Order, seq: int) -> None:
        terms = order.terms
        self.order = order
        self.seq = seq
        self.kind = terms.type
        self.buys = order.side is BUY
        self.left: Decimal = order.quantity
        self.filled: Decimal = ZERO
        self.live_from = order.ns
        self.plain = terms is AT_MARKET
        if not self.plain:
            self._take(order)

    def behind(self, price: float) -> float:
        """The level that trails this price, on the side where it protects."""
        distance = self.trail or price * self.trail_percent
        return price + distance if self.buys else price - distance

    def follow(self, bar: MarketData, *, seen: bool = True) -> None:
        """Move a trailing level after its bar was tested against the old one; it never moves back.

        Where the order may not have seen the bar's extreme, as it was born on the way, only the close is certain.
        """
        if self.buys:
            self.level = min(self.level, self.behind(bar.low if seen else bar.price))
        else:
            self.level = max(self.level, self.behind(bar.high if seen else bar.price))

    def go_on_as(self, order: Order) -> None:
        """Work on in the name of an order for what is left."""
        self.order = order
        self.left, self.filled, self.parts = order.quantity, ZERO, 0
        self.live_from = order.ns
        self.plain = order.terms is AT_MARKET

    def restate(self, new: int, old: int, instrument: Instrument) -> None:
        """Count in new shares after a split: more of them, each for less."""
        level = self.level * old / new
        self.order = restated(self.order, new, old, instrument)
        self.left = in_new_shares(self.left, new, old, instrument)
        self.filled = in_new_shares(self.filled, new, old, instrument)
        if not self.plain:
            self._take(self.order)
        if self.kind is TRAILING_STOP:
            self.level = level

    def _take(self, order: Order) -> None:
        terms = order.terms
        self.limit = NAN if terms.limit is None else float(terms.limit)
        self.level = NAN if terms.stop is None else float(terms.stop)
        self.trail = 0.0 if terms.trail is None else float(terms.trail)
        self.trail_percent = 0.0 if terms.trail_percent is None else float(terms.trail_percent)
        if self.kind is TRAILING_STOP and terms.stop is None:
            self.level = self.behind(order.reference)


class Bracket:
    """Exits that protect one entry: what one of them fills, the others no longer need to."""

    __slots__ = ("exits", "left")

    def __init__(self) -> None:
        self.left: Decimal = ZERO
        self.exits: list[Working] = []


def at_open(w: Working, bar: MarketData, *, touch: bool = False) -> bool:
    """Whether the order trades at the bar's open."""
    kind = w.kind
    if kind is MARKET or kind is MARKET_ON_OPEN:
        return True
    if kind is MARKET_ON_CLOSE:
        return False
    if kind in STOPS and not w.triggered:
        if not (bar.open >= w.level if w.buys else bar.open <= w.level):
            return False
        w.triggered = True
    return kind in AT_ANY_PRICE or through(bar.open, w, touch=touch)


def within(w: Working, bar: MarketData, *, touch: bool = False) -> float | None:
    """The price between open and close at which the order trades, if the bar went where it waits."""
    kind = w.kind
    if kind is LIMIT or (kind is STOP_LIMIT and w.triggered):
        return had(w.limit, w, bar) if through(bar.low if w.buys else bar.high, w, touch=touch) else None
    if kind in STOPS and not w.triggered and reaches_stop(w, bar):
        return had(w.level, w, bar) if kind is not STOP_LIMIT else _at_trigger(w, bar, touch=touch)
    return None


def had(price: float, w: Working, bar: MarketData) -> float:
    """The price at which an order waits; one that the bar left beyond it trades where it was born, or at the open."""
    if bar.low <= price <= bar.high:
        return price
    return bar.open if w.order.parent is None else w.order.reference


def _at_trigger(w: Working, bar: MarketData, *, touch: bool) -> float | None:
    """At the stop, if the bar never went beyond the limit; else at the limit, if the close proves a way back to it."""
    kept = bar.high <= w.limit if w.buys else bar.low >= w.limit
    if kept and through(w.level, w, touch=touch):
        return w.level
    return w.limit if through(bar.price, w, touch=touch) else None


def reaches_stop(w: Working, bar: MarketData) -> bool:
    """Whether the bar went as far as the stop."""
    return bar.high >= w.level if w.buys else bar.low <= w.level


def through(price: float, w: Working, *, touch: bool) -> bool:
    """Whether a price is better than the limit; to touch it is enough only by name."""
    if touch and price == w.limit:
        return True
    return price < w.limit if w.buys else price > w.limit


def proven(w: Working, bar: MarketData) -> bool:
    """Whether an exit born inside this bar must have been reached after its entry: the bar closed beyond it."""
    if w.kind is LIMIT:
        return through(bar.price, w, touch=False)
    return bar.price >= w.level if w.buys else bar.price <= w.level
