"""Recorded bars as a stream of market data: columns become Python numbers a few thousand rows at a time."""

from __future__ import annotations

import math
from bisect import bisect_right
from decimal import Decimal
from itertools import chain, count, repeat
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.market import DAY, Block, Instrument, bars_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData

CHUNK = 16_384


def span_of(bars: Bars) -> int:
    """The length of a bar; clocks that change make some days shorter, so the shortest distance counts if it is less."""
    named = bars.timeframe.ns
    return min(named, int(np.diff(bars.ts).min())) if len(bars) > 1 else named


def play(bars: Sequence[Bars]) -> Iterator[MarketData]:
    """The bars in the order in which each is known, symbols of one moment in the order given; memory stays flat."""
    parts = _one(bars[0]) if len(bars) == 1 else _several(bars)
    return chain.from_iterable(parts)


def _one(bars: Bars) -> Iterator[Iterable[MarketData]]:
    block = _block([bars])
    for start in range(0, len(bars), CHUNK):
        end = start + CHUNK
        ns, close = bars.ts[start:end].tolist(), bars.close[start:end].tolist()
        yield bars_of(block, symbols=repeat(bars.symbol), times=ns, closes=close, rows=count(start))


def _several(bars: Sequence[Bars]) -> Iterator[Iterable[MarketData]]:
    which = np.repeat(np.arange(len(bars)), [len(b) for b in bars])
    order = np.lexsort((which, np.concatenate([b.ts + span_of(b) for b in bars])))
    ts, close = (np.concatenate([getattr(b, name) for b in bars]) for name in ("ts", "close"))
    symbols = [b.symbol for b in bars]
    block = _block(bars)
    for start in range(0, len(order), CHUNK):
        rows = order[start : start + CHUNK]
        names = [symbols[i] for i in which[rows].tolist()]
        times, closes = ts[rows].tolist(), close[rows].tolist()
        yield bars_of(block, symbols=names, times=times, closes=closes, rows=rows.tolist())


def _block(bars: Sequence[Bars]) -> Block:
    columns = (_joined([getattr(b, name) for b in bars]).data for name in ("open", "high", "low", "volume"))
    return Block(*columns)


def _joined(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


class SessionEnds:
    """The bars after which a new day begins: what a calendar would have told in advance."""

    def __init__(self, bars: Sequence[Bars], *, offset_ns: int = 0) -> None:
        self._bars = {b.symbol: b for b in bars}
        self._offset = offset_ns
        self._known: dict[str, frozenset[int]] = {}

    def __call__(self, symbol: str, ns: int) -> bool:
        """Whether the bar that begins now is the last one of its day."""
        ends = self._known.get(symbol)
        if ends is None:
            ts = self._bars[symbol].ts
            days = (ts + self._offset) // DAY
            ends = self._known[symbol] = frozenset(ts[np.append(days[1:] != days[:-1], True)].tolist())
        return ns in ends


class TypicalVolume:
    """The median volume of the last full block of bars that had ended at a moment: what was known then."""

    def __init__(self, bars: Bars, *, block: int = 20) -> None:
        self._bars = bars
        self._block = block
        self._span = span_of(bars)
        self._known_from: list[int] | None = None
        self._medians: list[float] = []
        self._at = 0

    def _measure(self) -> list[int]:
        block, count = self._block, len(self._bars) // self._block
        volumes = self._bars.volume[: count * block].reshape(count, block)
        ranked = np.sort(volumes, axis=1)  # numpy's own median would import its masked arrays first
        middle = (ranked[:, (block - 1) // 2] + ranked[:, block // 2]) / 2.0
        self._medians = np.where(np.isnan(ranked[:, -1]), np.nan, middle).tolist()
        known: list[int] = (self._bars.ts[block - 1 : count * block : block] + self._span).tolist()
        return known

    def __call__(self, ns: int) -> float:
        """The usual volume at this moment; NaN while too little was seen."""
        if self._known_from is None:
            self._known_from = self._measure()
        known, at = self._known_from, self._at
        if at and known[at - 1] > ns:
            at = bisect_right(known, ns, 0, at)
        else:  # time goes on, so the next is near
            while at < len(known) and known[at] <= ns:
                at += 1
        self._at = at
        return self._medians[at - 1] if at else math.nan


class Correlations:
    """How two symbols moved together over their last bars in common, as it was known at a moment."""

    def __init__(self, bars: Sequence[Bars], *, length: int = 60) -> None:
        self._bars = {b.symbol: b for b in bars}
        self._ends = {b.symbol: b.ts + span_of(b) for b in bars}
        self._length = length
        self._known: dict[tuple[str, str, int], float] = {}

    def __call__(self, one: str, other: str, ns: int) -> float:
        """The correlation of returns, renewed each day; NaN when too little is known."""
        key = (one, other, ns // DAY)
        if key not in self._known:
            self._known[key] = self._measure(one, other, ns)
        return self._known[key]

    def _measure(self, one: str, other: str, ns: int) -> float:
        known = [self._bars[s].ts[: int(np.searchsorted(self._ends[s], ns, side="right"))] for s in (one, other)]
        times, first, second = np.intersect1d(known[0], known[1], return_indices=True)
        if len(times) <= self._length:
            return math.nan
        keep = slice(-self._length - 1, None)
        a = np.diff(np.log(self._bars[one].close[first[keep]]))
        b = np.diff(np.log(self._bars[other].close[second[keep]]))
        return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else math.nan


def always_open(ns: int) -> float:  # noqa: ARG001
    """How long the market stays open: a recording is its own calendar."""
    return math.inf


def instrument_of(bars: Bars) -> Instrument:
    """An instrument in whole shares, with the finest price step that the first bars show."""
    prices = np.concatenate([bars.open[:2000], bars.close[:2000]])
    prices = prices[np.isfinite(prices)]
    places = next((d for d in range(2, 9) if np.allclose(prices, np.round(prices, d), rtol=0, atol=1e-10)), 8)
    return Instrument(bars.symbol, tick=Decimal(1).scaleb(-places))
