"""The same patterns, indicators and correlations one bar at a time, for whoever cannot wait for all of them.

After each bar a stream says exactly what the batch says of the bars so far.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpt_trader.slices.analyze.candlestreams import Candle, PlainCandles, TalibCandles
from gpt_trader.slices.analyze.carried import Carried, checked
from gpt_trader.slices.analyze.correlations import clusters_of, matrix_of, pearson
from gpt_trader.slices.analyze.indicators import indicators_of
from gpt_trader.slices.analyze.library import is_installed
from gpt_trader.slices.analyze.picture import picture_of
from gpt_trader.slices.analyze.swings import Swings, Turns

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData

SHOWN = 5


class Turn(NamedTuple):
    """A swing point that has just become known: the number of its bar, its kind and its price."""

    bar: int
    kind: str
    price: float


class IndicatorStream:
    """The indicators of one symbol."""

    def __init__(self, indicators: Sequence[str | Mapping[str, Any]]) -> None:
        self._indicators = indicators_of(indicators)
        self._carried = [Carried(i.function, i.params, i.lookback, inputs=len(i.reads)) for i in self._indicators]

    def push(self, data: MarketData) -> dict[str, float]:
        """Every column at the close of this bar."""
        checked(data)
        row: dict[str, float] = {}
        for one, carried in zip(self._indicators, self._carried, strict=True):
            value = carried.push([float(getattr(data, name)) for name in one.reads])
            if value is None:
                row.update(zip(one.columns, one.start, strict=True))
            else:
                row.update(zip(one.columns, map(float, value if isinstance(value, tuple) else (value,)), strict=True))
        return row


class PatternStream:
    """The swing points, levels, trend and candles of one symbol."""

    def __init__(
        self, *, swing: int = 5, memory: int = 250, tolerance: float = 0.015, candle_set: str = "auto"
    ) -> None:
        self._side, self._memory, self._tolerance = swing, memory, tolerance
        plain = candle_set == "plain" or (candle_set == "auto" and not is_installed())
        self._candles: PlainCandles | TalibCandles = PlainCandles() if plain else TalibCandles()
        self._last = {kind: deque[float](maxlen=2 * swing + 1) for kind in ("high", "low")}
        self._turns: list[Turn] = []
        self._shown: deque[dict[str, str]] = deque(maxlen=SHOWN)
        self._bars, self._close = 0, math.nan

    def push(self, data: MarketData) -> tuple[list[Turn], list[Candle]]:
        """The swing points that this bar makes known, and the candles at its close."""
        checked(data)
        self._bars, self._close = self._bars + 1, data.price
        turns = [turn for kind in self._last if (turn := self._turned(kind, getattr(data, kind))) is not None]
        candles = self._candles.push((data.open, data.high, data.low, data.price))
        time = data.timestamp.isoformat()
        self._turns += turns
        self._shown.extend({"time": time, "name": c.name, "direction": c.direction} for c in candles)
        return turns, candles

    def picture(self) -> dict[str, Any]:
        """The present picture, as the batch gives it."""
        highs, lows = (self._all(kind) for kind in ("high", "low"))
        swings = Swings(highs, lows, self._side)
        seen = picture_of(self._close, self._bars, swings, memory=self._memory, tolerance=self._tolerance)
        return {**seen, "candles": list(self._shown)}

    def _turned(self, kind: str, price: float) -> Turn | None:
        last, side = self._last[kind], self._side
        last.append(price)
        if len(last) <= 2 * side:
            return None
        values = list(last) if kind == "high" else [-x for x in last]
        middle = values[side]
        if max(values[:side]) < middle and max(values[side + 1 :]) <= middle:
            return Turn(self._bars - 1 - side, kind, last[side])
        return None

    def _all(self, kind: str) -> Turns:
        mine = [turn for turn in self._turns if turn.kind == kind]
        return Turns(
            np.array([t.bar for t in mine], dtype=np.int64), np.array([t.price for t in mine], dtype=np.float64)
        )


class CorrelationStream:
    """The correlation of each pair of symbols over its last window of returns in common."""

    def __init__(self, symbols: Sequence[str], *, window: int = 63) -> None:
        self._window = window
        self.symbols = list(symbols)
        self._newest: dict[str, tuple[int, float]] = {}
        self._common: dict[tuple[str, str], deque[tuple[float, float]]] = {
            (one, other): deque(maxlen=window + 1)
            for at, one in enumerate(self.symbols)
            for other in self.symbols[at + 1 :]
        }

    def push(self, data: MarketData) -> None:
        """Take in a bar; bars come in the order of time, whatever the symbol."""
        checked(data)
        self._newest[data.symbol] = now = (data.ns, data.price)
        for (one, other), closes in self._common.items():
            if data.symbol in {one, other}:
                there = self._newest.get(other if data.symbol == one else one)
                if there is not None and there[0] == now[0]:
                    closes.append((now[1], there[1]) if data.symbol == one else (there[1], now[1]))

    def present(self) -> dict[tuple[str, str], float]:
        """Each pair's correlation; NaN while it has too few bars in common."""
        return {pair: self._of(closes) for pair, closes in self._common.items()}

    def matrix(self) -> dict[str, dict[str, float | None]]:
        """Every symbol against every other one; none where it is not known."""
        return matrix_of(self.symbols, self.present())

    def clusters(self, *, threshold: float = 0.8) -> list[list[str]]:
        """The symbols chained by pairs correlated so much."""
        return clusters_of(self.symbols, self.present(), threshold=threshold)

    def _of(self, closes: deque[tuple[float, float]]) -> float:
        if len(closes) <= self._window:
            return math.nan
        returns = np.diff(np.log(np.array(closes).T.copy()), axis=1)
        return float(pearson(returns[:1].copy(), returns[1:].copy())[0])
