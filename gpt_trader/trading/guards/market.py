"""Controls of the market: what may be traded, when, at whose quote, and never against oneself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt_trader.core.orders import BUY, OrderType, TimeInForce
from gpt_trader.trading.guards.base import Control

if TYPE_CHECKING:
    from gpt_trader.core.orders import Order
    from gpt_trader.trading.guards.base import Look

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NEEDS_NO_QUOTE = frozenset({OrderType.MARKET_ON_OPEN})


@dataclass(frozen=True, slots=True)
class RestrictedSymbol(Control):
    """Symbols on the list are not traded."""

    code = "restricted_symbol"
    symbols: tuple[str, ...] = ()

    def check(self, look: Look) -> str | None:
        return f"{look.order.symbol} is restricted" if look.order.symbol in self.symbols else None


@dataclass(frozen=True, slots=True)
class MarketHours(Control):
    """The market is open and does not close within so many minutes; orders for the close itself may go."""

    code = "market_hours"
    minutes_before_close: float = 1.0

    def check(self, look: Look) -> str | None:
        assert look.lane is not None
        left = look.lane.open_for(look.ns)
        if not left > 0:
            return "the market is closed"
        if look.order.terms.type is OrderType.MARKET_ON_CLOSE or left >= self.minutes_before_close * MINUTE:
            return None
        return f"the market closes in {left / MINUTE:.1f} minutes"


@dataclass(frozen=True, slots=True)
class Shorting(Control):
    """Nothing is sold short that its venue does not lend."""

    code = "shorting"

    def check(self, look: Look) -> str | None:
        assert look.lane is not None
        if look.after >= 0 or look.lane.instrument.shortable:
            return None
        return f"{look.order.symbol} cannot be sold short"


@dataclass(frozen=True, slots=True)
class AllowedTimeInForce(Control):
    """Only these lives of an order are taken."""

    code = "time_in_force"
    allowed: tuple[str, ...] = tuple(TimeInForce)

    def check(self, look: Look) -> str | None:
        tif = look.order.terms.tif
        return None if tif in self.allowed else f"{tif} is not among {', '.join(self.allowed)}"


@dataclass(frozen=True, slots=True)
class StaleQuote(Control):
    """The last price is not older than this by the venue's time; that of a bar is new when the bar ends."""

    code = "stale_quote"
    seconds: float = 30.0

    def check(self, look: Look) -> str | None:
        assert look.lane is not None
        age = look.ns - look.lane.ns - look.lane.span
        return None if age <= self.seconds * SECOND else f"the last price is {age / SECOND:.1f} s old"


@dataclass(frozen=True, slots=True)
class BadQuote(Control):
    """The last price is a finite number above zero."""

    code = "bad_quote"
    spares_reductions = False

    def check(self, look: Look) -> str | None:
        assert look.lane is not None
        return None if 0.0 < look.lane.price < math.inf else f"the last price is {look.lane.price}"


@dataclass(frozen=True, slots=True)
class ClockDrift(Control):
    """Our clock and the venue's differ by no more than this."""

    code = "clock_drift"
    seconds: float = 0.5

    def check(self, look: Look) -> str | None:
        drift = abs(look.memory.drift)
        return None if drift <= self.seconds else f"the clocks are {drift:.3f} s apart"


@dataclass(frozen=True, slots=True)
class TimeToLive(Control):
    """A decision older than this is not acted on."""

    code = "time_to_live"
    seconds: float = 30.0

    def check(self, look: Look) -> str | None:
        age = look.ns - look.order.ns
        return None if age <= self.seconds * SECOND else f"the decision is {age / SECOND:.1f} s old"


@dataclass(frozen=True, slots=True)
class SelfCross(Control):
    """No order that could trade with another one of our own."""

    code = "self_cross"

    def check(self, look: Look) -> str | None:
        order = look.order
        for other in look.mine:
            if other.side is not order.side and not other.terms.reduce_only:
                buy, sell = (order, other) if order.side is BUY else (other, order)
                if _price(buy, math.inf) >= _price(sell, 0.0):
                    return f"it could trade with our own order {other.id}"
        return None


def _price(order: Order, anything: float) -> float:
    limit = order.terms.limit
    return anything if limit is None else float(limit)


MARKET = (
    RestrictedSymbol,
    MarketHours,
    Shorting,
    AllowedTimeInForce,
    StaleQuote,
    BadQuote,
    ClockDrift,
    TimeToLive,
    SelfCross,
)
