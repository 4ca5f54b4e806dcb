"""How a bar fills an order: pure rules over one working order and one bar; a rule may be optimistic only by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from gpt_trader.core.orders import BUY, OrderType, exact

if TYPE_CHECKING:
    from decimal import Decimal

    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Order

MARKET = OrderType.MARKET
LIMIT = OrderType.LIMIT
STOP = OrderType.STOP
STOP_LIMIT = OrderType.STOP_LIMIT
TRAILING_STOP = OrderType.TRAILING_STOP
MARKET_ON_OPEN = OrderType.MARKET_ON_OPEN
MARKET_ON_CLOSE = OrderType.MARKET_ON_CLOSE
STOPS = frozenset({STOP, TRAILING_STOP, STOP_LIMIT})


class Quote(NamedTuple):
    """The price that a bar gives an order, and whether the order waited for it in the book."""

    price: float
    maker: bool


class Working:
    """An order at work: what is left of it, and the levels that move."""

    __slots__ = (
        "bracket", "buys", "filled", "fresh", "kind", "limit", "left", "level", "live_from", "order", "seq", "session", "trail",
        "trail_percent", "triggered",
    )  # fmt: skip

    def __init__(self, order: Order, seq: int) -> None:
        terms = order.terms
        self.order = order
        self.seq = seq
        self.kind = terms.type
        self.buys = order.side is BUY
        self.left: Decimal = order.quantity
        self.filled: Decimal = order.quantity - order.quantity
        self.limit = math.nan if terms.limit is None else float(terms.limit)
        self.level = math.nan if terms.stop is None else float(terms.stop)
        self.trail = 0.0 if terms.trail is None else float(terms.trail)
        self.trail_percent = terms.trail_percent or 0.0
        self.live_from = order.after_ns
        self.triggered = False
        self.fresh = True
        self.session: int | None = None
        self.bracket: Bracket | None = None
        if self.kind is TRAILING_STOP and math.isnan(self.level):
            self.level = self.behind(order.reference)

    def behind(self, price: float) -> float:
        """The level that trails this price, on the side where it protects."""
        distance = self.trail or price * self.trail_percent
        return price + distance if self.buys else price - distance

    def restate(self, new: int, old: int) -> None:
        """Count in new shares after a split: more of them, each for less."""
        self.left = self.left * new / old
        self.limit = self.limit * old / new
        self.level = self.level * old / new
        self.trail = self.trail * old / new

    def follow(self, bar: MarketData) -> None:
        """Move a trailing level after its bar was tested against the old one; it never moves back."""
        if self.buys:
            self.level = min(self.level, self.behind(bar.low))
        else:
            self.level = max(self.level, self.behind(bar.high))


class Bracket:
    """Exits that protect one entry: what one of them fills, the others no longer need to."""

    __slots__ = ("exits", "left")

    def __init__(self, left: Decimal) -> None:
        self.left = left
        self.exits: list[Working] = []


def tradable(bar: MarketData) -> bool:
    """Whether anything can have been traded in this bar: no NaN, not stale, and not without volume."""
    if bar.volume == 0.0 or bar.stale:
        return False
    return bar.low <= bar.open <= bar.high and bar.low <= bar.price <= bar.high


def at_open(w: Working, bar: MarketData, *, touch: bool = False) -> Quote | None:
    """The quote at the bar's open, if the order trades there."""
    kind = w.kind
    if kind is MARKET or kind is MARKET_ON_OPEN:
        return Quote(bar.open, maker=False)
    if kind is MARKET_ON_CLOSE:
        return None
    if kind in STOPS and not w.triggered:
        if not (bar.open >= w.level if w.buys else bar.open <= w.level):
            return None
        if kind is not STOP_LIMIT:
            return Quote(bar.open, maker=False)
        w.triggered = True
    if through(bar.open, w, touch=touch):
        return Quote(bar.open, maker=not w.fresh)
    return None


def within(w: Working, bar: MarketData, *, touch: bool = False) -> Quote | None:
    """The quote between open and close, if the bar went where the order waits."""
    kind = w.kind
    if kind is LIMIT or (kind is STOP_LIMIT and w.triggered):
        reach = bar.low if w.buys else bar.high
        return Quote(w.limit, maker=True) if through(reach, w, touch=touch) else None
    if kind in STOPS and (bar.high >= w.level if w.buys else bar.low <= w.level):
        if kind is not STOP_LIMIT:
            return Quote(w.level, maker=False)
        w.triggered = True
        # Only a close beyond the limit proves that the price was there after the trigger.
        return Quote(w.limit, maker=False) if through(bar.price, w, touch=touch) else None
    return None


def at_close(w: Working, bar: MarketData) -> Quote | None:
    """The quote at the close, for orders that ask for it."""
    return Quote(bar.price, maker=False) if w.kind is MARKET_ON_CLOSE else None


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


def money(price: float) -> Decimal:
    """The price as an exact number."""
    return exact(price)
