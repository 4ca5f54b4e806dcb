"""Recorded bars as a stream of market data: columns become Python numbers a few thousand rows at a time."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.market import DAY, Block, Instrument, Part
from gpt_trader.trading.merging import merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]

CHUNK = 16_384
AT_ONCE = 2048
"""So many bars are Python numbers at a time: few enough to stay near the processor."""
BLOCKS = 256
NEVER = 2**63 - 1


def span_of(bars: Bars) -> int:
    """The length of a whole bar."""
    return bars.span


def play(bars: Sequence[Bars]) -> Iterator[MarketData]:
    """The bars in the order in which each is known, symbols of one moment in the order given; memory stays flat."""
    return chain.from_iterable(in_parts(bars))


def in_parts(bars: Sequence[Bars], *, size: int = AT_ONCE) -> Iterator[Iterable[MarketData]]:
    """The same stream, a part of it at a time; those of one symbol have so many bars, the last one the rest."""
    return _one(bars[0], size) if len(bars) == 1 else merged(bars)


def _one(bars: Bars, size: int) -> Iterator[Part]:
    rows = list(range(min(size, len(bars))))  # the numbers of a part are made once for all of them
    chunk = max(1, CHUNK // size) * size
    for start in range(0, len(bars), chunk):
        read = bars[start : start + chunk].loaded()
        for first in range(0, len(read), size):
            part = slice(first, first + size)
            block = Block(read.open[part].data, read.high[part].data, read.low[part].data, read.volume[part].data)
            yield Part(bars.symbol, block, times=read.ts[part].tolist(), closes=read.close[part].tolist(), rows=rows)


class SessionEnds:
    """The bars after which a new day begins: what a calendar would have told in advance."""

    def __init__(self, bars: Sequence[Bars], *, offset_ns: int = 0) -> None:
        self._bars = {b.symbol: b for b in bars}
        self._offset = offset_ns
        self._known: dict[str, Times] = {}

    def __call__(self, symbol: str, ns: int) -> bool:
        """Whether the bar that begins now is the last one of its day."""
        ends = self._known.get(symbol)
        if ends is None:
            ts = self._bars[symbol].ts
            days = (ts + self._offset) // DAY
            ends = self._known[symbol] = ts[np.append(days[1:] != days[:-1], True)]
        at = int(np.searchsorted(ends, ns))
        return at < len(ends) and int(ends[at]) == ns


class TypicalVolume:
    """The median volume of the last full block of bars that had ended at a moment: what was known then.

    The blocks are measured a few thousand bars at a time, as time goes on.
    """

    def __init__(self, bars: Bars, *, block: int = 20) -> None:
        self._bars = bars
        self._block = block
        self._next = 0
        self._known: list[int] = []
        self._medians: list[float] = []
        self._before = math.nan
        self._at = 0
        self._until = -NEVER
        self._usual, self._begin, self._end = math.nan, 0, 0

    def __call__(self, ns: int) -> float:
        """The usual volume at this moment; NaN while too little was seen."""
        if self._begin <= ns < self._end:
            return self._usual
        return self._find(ns)

    def _find(self, ns: int) -> float:
        if ns < self._begin:  # asked for what was before
            if self._next > BLOCKS * self._block and self._known and ns < self._known[0]:
                self._next, self._medians, self._until = 0, [], -NEVER
            self._at = 0
        while ns >= self._until:
            self._measure()
        known, at = self._known, self._at
        while at < len(known) and known[at] <= ns:  # orders come as time goes on, so it is never far
            at += 1
        self._at = at
        self._usual = usual = self._medians[at - 1] if at else self._before
        self._begin = known[at - 1] if at else ns
        self._end = known[at] if at < len(known) else self._until
        return usual

    def _measure(self) -> None:
        """The next blocks, and when the first one after them is known."""
        self._before = self._medians[-1] if self._medians else math.nan
        block, first = self._block, self._next
        part = self._bars[first : first + (BLOCKS + 1) * block + 1].loaded()
        count = len(part) // block
        ranked = np.sort(part.volume[: count * block].reshape(count, block), axis=1)  # np.median imports too much
        middle = (ranked[:, (block - 1) // 2] + ranked[:, block // 2]) / 2.0
        medians = np.where(np.isnan(ranked[:, -1]), np.nan, middle).tolist()
        known = part.ends[block - 1 : count * block : block].tolist()
        self._known, self._medians, self._at = known[:BLOCKS], medians[:BLOCKS], 0
        self._next = first + BLOCKS * block
        self._until = known[BLOCKS] if count > BLOCKS else NEVER


class Past:
    """How many bars of a symbol have ended at a moment, and the last of them; read a part at a time."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._first = 0
        self._ends: Times = np.empty(0, dtype=np.int64)
        self._tail: tuple[int, int, Bars] = (-1, 0, bars)

    def tail(self, ns: int, reach: int) -> Bars:
        """The last so many bars that have ended."""
        if self._tail[:2] != (ns, reach):
            count = self._count(ns)
            self._tail = (ns, reach, self._bars[max(0, count - reach) : count].loaded())
        return self._tail[2]

    def _count(self, ns: int) -> int:
        if len(self._ends) and ns < self._ends[0]:
            self._first, self._ends = 0, self._ends[:0]
        while not len(self._ends) or (ns >= self._ends[-1] and self._first + len(self._ends) < len(self._bars)):
            self._first += max(0, len(self._ends) - 1)
            self._ends = self._bars[self._first : self._first + CHUNK + 1].ends[:CHUNK]
        return self._first + int(np.searchsorted(self._ends, ns, side="right"))


class Correlations:
    """How two symbols moved together over their last bars in common, as it was known at a moment."""

    def __init__(self, bars: Sequence[Bars], *, length: int = 60) -> None:
        self._past = {b.symbol: Past(b) for b in bars}
        self._longest = max(len(b) for b in bars)
        self._length = length
        self._day = 0
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, one: str, other: str, ns: int) -> float:
        """The correlation of returns, renewed each day; NaN when too little is known."""
        if ns // DAY != self._day:
            self._day, self._known = ns // DAY, {}
        key = (one, other)
        if key not in self._known:
            self._known[key] = self._measure(one, other, ns)
        return self._known[key]

    def _measure(self, one: str, other: str, ns: int) -> float:
        reach = 4 * (self._length + 1)
        while True:
            a, b = (self._past[symbol].tail(ns, reach) for symbol in (one, other))
            times, first, second = np.intersect1d(a.ts, b.ts, assume_unique=True, return_indices=True)
            if len(times) > self._length or reach >= self._longest:
                break
            reach *= 4  # they have few bars in common
        return math.nan if len(times) <= self._length else self._together(a.close[first], b.close[second])

    def _together(self, one: Floats, other: Floats) -> float:
        keep = slice(-self._length - 1, None)
        a, b = np.diff(np.log(one[keep])), np.diff(np.log(other[keep]))
        return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else math.nan


def always_open(ns: int) -> float:  # noqa: ARG001
    """How long the market stays open: a recording is its own calendar."""
    return math.inf


def instrument_of(bars: Bars) -> Instrument:
    """An instrument in whole shares, with the finest price step that the first bars show."""
    first = bars[:2000].loaded()
    prices = np.concatenate([first.open, first.close])
    prices = prices[np.isfinite(prices)]
    places = next((d for d in range(2, 9) if np.allclose(prices, np.round(prices, d), rtol=0, atol=1e-10)), 8)
    return Instrument(bars.symbol, tick=Decimal(1).scaleb(-places))
