"""What the market says: instruments, market data, and events that change a holding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from itertools import repeat
from typing import Literal

from gpt_trader.core.errors import ValidationError

NAN = math.nan
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def time_of(ns: int) -> datetime:
    """The moment so many nanoseconds after 1970, aware and in UTC."""
    return EPOCH + timedelta(microseconds=ns // 1000)


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970; a time without a zone is refused, because guessing one is a bug."""
    if moment.tzinfo is None:
        raise ValidationError(f"the time {moment} has no time zone", hint="use datetime(..., tzinfo=UTC)")
    past = moment - EPOCH
    return (past.days * 86_400 + past.seconds) * SECOND + past.microseconds * 1000


def moment_of(text: str) -> int:
    """The nanoseconds since 1970 of a written moment, which must have its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        problem = f"'{text:.60}' is no moment" if moment is None else f"the time {text} has no time zone"
        raise ValidationError(problem, hint="write it with its offset: 2010-01-04T00:00:00+00:00")
    return nanoseconds(moment)


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The length of a bar, written like 1m, 15m, 4h, 1d or 1w."""

    count: int
    unit: Literal["s", "m", "h", "d", "w"]

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """Read 15m, 1d and the like."""
        number, unit = text[:-1], text[-1:]
        if not number.isdecimal() or int(number) == 0 or unit not in {"s", "m", "h", "d", "w"}:
            raise ValidationError(f"'{text}' is not a timeframe", hint="write it like 1m, 15m, 4h, 1d or 1w")
        return cls(int(number), unit)  # type: ignore[arg-type]

    @property
    def ns(self) -> int:
        """Its length in nanoseconds."""
        return self.count * {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[self.unit] * SECOND

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded: its steps of price and quantity, its currency, and what its venue allows."""

    symbol: str
    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal(1)
    currency: str = "USD"
    kind: Literal["equity", "crypto", "forex", "future"] = "equity"
    multiplier: Decimal = Decimal(1)
    shortable: bool = True
    minimum: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("tick", "lot", "multiplier"):
            value = getattr(self, name)
            if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
                raise ValidationError(f"{self.symbol}: {name} must be a Decimal above 0, not {value!r}")

    def whole_lots(self, quantity: Decimal) -> Decimal:
        """The quantity cut down to whole lots."""
        return (quantity / self.lot).to_integral_value(ROUND_DOWN) * self.lot

    def on_tick(self, price: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
        """The price on the nearest tick, or on the next one in the direction asked for."""
        return (price / self.tick).to_integral_value(rounding) * self.tick


@dataclass(slots=True)
class MarketData:
    """One bar or one trade of one symbol; `price` is the bar's close. An unknown volume is NaN, which is not zero.

    It is not frozen only because freezing costs more time per bar than all the rest of the desk; a strategy that
    writes to it is stopped.
    """

    symbol: str
    timestamp: datetime
    price: float
    volume: float = NAN
    open: float = NAN
    high: float = NAN
    low: float = NAN
    stale: bool = False

    def __post_init__(self) -> None:
        if self.open != self.open and self.high != self.high and self.low != self.low:  # one price and no bar
            self.open = self.high = self.low = self.price

    @property
    def ns(self) -> int:
        """Its time as nanoseconds since 1970."""
        return nanoseconds(self.timestamp)

    @property
    def close(self) -> float:
        """Another word for its price."""
        return self.price

    def tradable(self) -> bool:
        """Whether anything can have been traded in it: no NaN, not stale, and not without volume."""
        low, high = self.low, self.high
        whole = low <= self.open <= high and low <= self.price <= high
        return whole and self.volume != 0.0 and not self.stale

    def opened(self) -> float | None:
        """Its first price, if anything can have been traded at it."""
        return self.open if self.tradable() else None


class Bar(MarketData):
    """Market data with its time as a number of nanoseconds, which becomes a datetime only when somebody asks."""

    __slots__ = ("ns",)
    stale = False  # what a recording knows to be stale has no volume

    def __init__(  # noqa: PLR0913, PLR0917 - one argument for each column
        self, symbol: str, ns: int, price: float, volume: float, open_: float, high: float, low: float
    ) -> None:
        self.symbol = symbol
        self.ns = ns  # type: ignore[misc]
        self.price = price
        self.volume = volume
        self.open = open_
        self.high = high
        self.low = low

    @property
    def timestamp(self) -> datetime:  # type: ignore[override]
        """Its time, aware and in UTC."""
        return time_of(self.ns)

    def __repr__(self) -> str:
        return f"Bar({self.symbol} {self.timestamp:%Y-%m-%d %H:%M:%S} {self.open} {self.high} {self.low} {self.price})"


class Block:
    """Columns of bars as they lie in memory; a bar reads from them only what somebody asks for."""

    __slots__ = ("high", "low", "open", "volume")

    def __init__(
        self, open_: Sequence[float], high: Sequence[float], low: Sequence[float], volume: Sequence[float]
    ) -> None:
        self.open = open_
        self.high = high
        self.low = low
        self.volume = volume


class ColumnBar(Bar):
    """A bar out of columns: its other prices stay there until somebody asks, as most ask only for the close.

    `bars_of` makes it empty and fills it in, which takes two thirds of the time of a call with arguments.
    """

    __slots__ = ("_block", "_row")
    _block: Block
    _row: int
    __init__ = object.__init__

    def tradable(self) -> bool:
        """Whether anything can have been traded in it."""
        return self.opened() is not None

    def opened(self) -> float | None:
        """Its first price, if anything can have been traded at it; each column is read once."""
        block, row = self._block, self._row
        first, low, high = block.open[row], block.low[row], block.high[row]
        return first if low <= first <= high and low <= self.price <= high and block.volume[row] != 0.0 else None

    @property
    def open(self) -> float:  # type: ignore[override]
        """The first price."""
        return self._block.open[self._row]

    @property
    def high(self) -> float:  # type: ignore[override]
        """The highest price."""
        return self._block.high[self._row]

    @property
    def low(self) -> float:  # type: ignore[override]
        """The lowest price."""
        return self._block.low[self._row]

    @property
    def volume(self) -> float:  # type: ignore[override]
        """How much was traded; NaN where it is not known."""
        return self._block.volume[self._row]


class Part:
    """Bars of one symbol that follow each other; each is made when its turn comes."""

    __slots__ = ("_closes", "_rows", "_times", "block", "symbol")

    def __init__(
        self, symbol: str, block: Block, *, times: Sequence[int], closes: Sequence[float], rows: Sequence[int]
    ) -> None:
        self.symbol = symbol
        self.block = block
        self._times = times
        self._closes = closes
        self._rows = rows

    def __iter__(self) -> Iterator[ColumnBar]:
        symbols = repeat(self.symbol)
        return bars_of(self.block, symbols=symbols, times=self._times, closes=self._closes, rows=self._rows)

    def rows(self) -> Iterable[tuple[int, int, float]]:
        """The place of each bar in the block, its time and its close."""
        return zip(self._rows, self._times, self._closes, strict=False)


def bars_of(
    block: Block, *, symbols: Iterable[str], times: Iterable[int], closes: Iterable[float], rows: Iterable[int]
) -> Iterator[ColumnBar]:
    """Bars out of a block, in the order of its rows here; the shortest of the others ends it."""
    for symbol, ns, close, row in zip(symbols, times, closes, rows, strict=False):
        bar = ColumnBar()
        bar.symbol = symbol
        bar.ns = ns
        bar.price = close
        bar._row = row  # noqa: SLF001 - this is how it is made
        bar._block = block  # noqa: SLF001
        yield bar


@dataclass(frozen=True, slots=True)
class Split:
    """So many new shares for so many old ones."""

    symbol: str
    ns: int
    new: int
    old: int = 1


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash for every share held; who is short pays it."""

    symbol: str
    ns: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Funding:
    """A rate that longs pay to shorts on the value of their position; a negative one goes the other way."""

    symbol: str
    ns: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in the account's, from this moment."""

    currency: str
    ns: int
    rate: Decimal


Action = Split | Dividend | Funding | Rate


class Window:
    """The last so many numbers, oldest first; the newest pushes the oldest out."""

    __slots__ = ("_next", "_ring", "count")

    def __init__(self, length: int) -> None:
        self._ring = [0.0] * length
        self._next = 0
        self.count = 0

    def push(self, number: float) -> float:
        """Take in a number and give back the one that left, or 0 while there is room."""
        at = self._next
        left = self._ring[at]
        self._ring[at] = number
        self._next = at + 1 if at + 1 < len(self._ring) else 0
        if self.count < len(self._ring):
            self.count += 1
        return left

    @property
    def full(self) -> bool:
        """There are as many numbers as there is room for."""
        return self.count == len(self._ring)

    def values(self) -> list[float]:
        """The numbers, oldest first."""
        return [*self._ring[self._next :], *self._ring[: self._next]][len(self._ring) - self.count :]
