"""What travels along the order path: a signal becomes an order, a verdict, fills, and what a strategy is told.

Order, Fill and RoundTrip are named tuples: they cannot change, and are made four times as fast as frozen dataclasses.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

ZERO = Decimal(0)
new = tuple.__new__
"""Makes a named tuple of all its fields in half the time; for the few places through which every trade goes."""


class Side(StrEnum):
    """Buying or selling; any spelling of case is understood."""

    BUY = "buy"
    SELL = "sell"

    @classmethod
    def _missing_(cls, value: object) -> Side | None:
        return cls._value2member_map_.get(str(value).lower())  # type: ignore[return-value]

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


BUY, SELL = Side.BUY, Side.SELL


class OrderType(StrEnum):
    """How an order asks for its price."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    MARKET_ON_OPEN = "market_on_open"
    MARKET_ON_CLOSE = "market_on_close"


class TimeInForce(StrEnum):
    """How long an order works."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions of an order: its type, its prices, how long it works, and the bracket around what it opens."""

    type: OrderType = OrderType.MARKET
    limit: float | Decimal | None = None
    stop: float | Decimal | None = None
    trail: float | Decimal | None = None
    trail_percent: float | None = None
    tif: TimeInForce = TimeInForce.GTC
    good_till: datetime | None = None
    stop_loss: float | Decimal | None = None
    take_profit: float | Decimal | None = None
    trailing_loss: float | Decimal | None = None
    reduce_only: bool = False

    def __post_init__(self) -> None:
        # A kind of order may be written as a word; one that there is not must not pass for another.
        kind: Any = self.type
        life: Any = self.tif
        if not isinstance(kind, OrderType):
            object.__setattr__(self, "type", OrderType(kind))
        if not isinstance(life, TimeInForce):
            object.__setattr__(self, "tif", TimeInForce(life))


AT_MARKET = Terms()


@dataclass(slots=True)
class TradeSignal:
    """What a strategy wants; without a quantity the session sizes it, as a target it is a position, not a trade."""

    symbol: str
    side: Side | str
    quantity: Decimal | float | None = None
    price: float | None = None
    timestamp: datetime | None = None
    terms: Terms = AT_MARKET
    target: bool = False
    reason: str = ""


class Order(NamedTuple):
    """An order as the guard judges it and the broker receives it.

    `ns` is the moment of its decision. A decision on a bar is made when the bar ends: its time is the bar's own plus
    the bar's length, and the guard judges it then; only bars that begin then or later fill it. What happens in a bar
    keeps the time of the bar, which is when it opens: its fills, the account's value at its close, alerts about that.
    So a fill at an open, and a decision at the close of that bar, are one bar apart.

    With an `aim` it trades, when it fills, only what still separates the strategy from that position. With a `share` of
    the equity (negative to be short) that position is settled by the price of the fill.
    """

    id: str
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    terms: Terms
    reference: float
    ns: int
    aim: Decimal | None = None
    share: Decimal | None = None
    parent: str | None = None
    reason: str = ""


class Approved(NamedTuple):
    """The guard's yes to this very order; the guard knows which ones it made, and each works once."""

    order: Order


@dataclass(frozen=True, slots=True)
class Refused:
    """A no, with a code that never changes its meaning and a reason for people."""

    code: str
    reason: str
    order: Order


class Fill(NamedTuple):
    """A part of an order that was executed; its id is unique on its venue."""

    id: str
    order_id: str
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    ns: int
    maker: bool = False
    slippage: Decimal = ZERO


class RoundTrip(NamedTuple):
    """A closed trade from flat to flat: what went in, what came out, and what it earned after fees."""

    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    entry_value: Decimal
    entry_ns: int
    exit_value: Decimal
    exit_ns: int
    profit: Decimal
    fees: Decimal
    multiplier: Decimal

    @property
    def entry_price(self) -> Decimal:
        """What a unit cost on the way in, on average."""
        return self.entry_value / (self.quantity * self.multiplier)

    @property
    def exit_price(self) -> Decimal:
        """What a unit brought on the way out, on average."""
        return self.exit_value / (self.quantity * self.multiplier)

    @property
    def gain(self) -> float:
        """The profit as a part of what was put in."""
        return float(self.profit) / float(self.entry_value) if self.entry_value else 0.0


@dataclass(frozen=True, slots=True)
class Trade:
    """What a strategy is told when an order of its own was executed; `profit` is set when that closed a round trip."""

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    timestamp: datetime
    fee: Decimal
    position: Decimal
    order_id: str
    profit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """An order that stopped working before it was filled whole, with the reason's code."""

    order: Order
    code: str
    filled: Decimal
    ns: int


def exact(number: Decimal | float) -> Decimal:
    """The number as a person would write it, without the dust of binary fractions."""
    if type(number) is float:  # not one of numpy's, whose repr is no number
        return Decimal(repr(number))
    if isinstance(number, Decimal):
        return number
    return Decimal(str(number))
