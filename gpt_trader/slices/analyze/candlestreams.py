"""Candle patterns one bar at a time, by the plain definitions or by TA-Lib."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt_trader.slices.analyze.candles import REACH, plain_candles
from gpt_trader.slices.analyze.carried import Carried
from gpt_trader.slices.analyze.library import columns_of, described
from gpt_trader.slices.analyze.talibcandles import NAMES, meaning_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Columns(NamedTuple):
    """A few bars as columns."""

    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]


class Candle(NamedTuple):
    """A pattern at the close of the bar that has just come."""

    name: str
    direction: str
    value: int


class PlainCandles:
    """The plain patterns: the last few bars are looked at as the batch looks at all."""

    def __init__(self) -> None:
        self._last: deque[tuple[float, ...]] = deque(maxlen=REACH)

    def push(self, prices: tuple[float, ...]) -> list[Candle]:
        """What stands at the close of this bar."""
        self._last.append(prices)
        found = plain_candles(Columns(*(np.array(column) for column in zip(*self._last, strict=True))))
        newest = len(self._last) - 1
        rows = zip(found.bar, found.name, found.direction, found.value, strict=True)
        return [Candle(name, direction, value) for bar, name, direction, value in rows if bar == newest]


class TalibCandles:
    """TA-Lib's patterns, each carried forward by itself."""

    def __init__(self) -> None:
        self._carried = {
            name: Carried(function, {}, described(function).lookback, inputs=len(columns_of(function)))
            for function, name in NAMES.items()
        }

    def push(self, prices: tuple[float, ...]) -> list[Candle]:
        """What stands at the close of this bar."""
        values = ((name, carried.push(prices)) for name, carried in self._carried.items())
        return [Candle(name, meaning_of(name, value), value) for name, value in values if value]
