"""A function of TA-Lib carried forward one bar at a time, and the bars that it may be given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import BadData
from gpt_trader.slices.analyze.library import streams, talib

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData


class Carried:
    """One function of TA-Lib, carried forward: bars are kept only until it has enough of them to begin."""

    def __init__(self, function: str, params: Mapping[str, Any], lookback: int, *, inputs: int) -> None:
        self._begin, self._params, self._lookback = getattr(streams(), function), params, lookback
        self._history: list[list[float]] = [[] for _ in range(inputs)]
        self._early: type[Exception] = talib(function).InsufficientHistory
        self._handle: Any = None

    def push(self, values: Sequence[float]) -> Any:
        """The value at this bar, a tuple where there are several; None while there is none."""
        if self._handle is not None:
            return self._handle.update(*values)
        for column, value in zip(self._history, values, strict=True):
            column.append(value)
        if len(self._history[0]) <= self._lookback:
            return None
        try:
            self._handle = self._begin(*map(np.array, self._history), **self._params)
        except self._early:
            return None
        self._history.clear()
        return self._handle.value


def checked(data: MarketData) -> MarketData:
    """This bar, if it has prices."""
    if not all(math.isfinite(x) and x > 0 for x in (data.open, data.high, data.low, data.price)):
        raise BadData(f"the bar of {data.symbol} at {data.timestamp} has no usable price", hint="leave it out")
    return data
