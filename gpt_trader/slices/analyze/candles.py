"""Candle patterns by their plain definitions; each is known at the close of its last bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from gpt_trader.core.frames import times_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SMALL = 0.1
LONG = 2.0
VALUES: Mapping[str, int] = {
    "doji": 0,
    "hammer": 100,
    "shooting_star": -100,
    "bullish_engulfing": 100,
    "bearish_engulfing": -100,
    "inside_bar": 0,
}
"""What each pattern says, in TA-Lib's numbers: 100 is bullish, -100 bearish, 0 leaves it undecided."""
REACH = 4
"""No pattern looks at more bars than these."""


class Prices(Protocol):
    """Columns of bars."""

    @property
    def open(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...
    @property
    def low(self) -> Floats: ...
    @property
    def close(self) -> Floats: ...


class Found(NamedTuple):
    """Patterns at the closes of bars: the bar's number, the pattern's name, its direction and its value."""

    bar: list[int]
    name: list[str]
    direction: list[str]
    value: list[int]


def masks_of(bars: Prices) -> dict[str, Mask]:
    """For each pattern, the bars at whose close it stands.

    A doji's body is at most a tenth of its range. A hammer has a lower shadow of at least two bodies and an upper one
    of at most half a body, and the three closes before it fell; a shooting star mirrors it. An engulfing body holds the
    opposite body before it whole and is larger. An inside bar lies within the range of the one before.
    """
    size, span = np.abs(bars.close - bars.open), bars.high - bars.low
    above = bars.high - np.maximum(bars.open, bars.close)
    below = np.minimum(bars.open, bars.close) - bars.low
    rises, falls = bars.close > bars.open, bars.close < bars.open
    body = size > 0
    return {
        "doji": (span > 0) & (size <= SMALL * span),
        "hammer": body & (below >= LONG * size) & (above <= size / 2) & _after(bars.close, up=False),
        "shooting_star": body & (above >= LONG * size) & (below <= size / 2) & _after(bars.close, up=True),
        "bullish_engulfing": _engulfs(bars, rises, falls),
        "bearish_engulfing": _engulfs(bars, falls, rises),
        "inside_bar": _shifted(bars.high[1:] < bars.high[:-1], bars.low[1:] > bars.low[:-1]),
    }


def plain_candles(bars: Prices) -> Found:
    """The patterns found in these bars, in order of time."""
    masks = masks_of(bars)
    at, which = np.nonzero(np.stack([masks[name] for name in VALUES], axis=1))
    names: list[str] = np.array(list(VALUES), dtype=object)[which].tolist()
    values = [VALUES[name] for name in names]
    return Found(at.tolist(), names, [direction_of(value) for value in values], values)


def direction_of(value: int) -> str:
    """What a value says, in a word."""
    return "bullish" if value > 0 else "bearish" if value < 0 else "undecided"


def candles_frame(bars: Bars, found: Found) -> pd.DataFrame:
    """One row for each pattern found: symbol, time, name, direction, value."""
    import pandas as pd

    return pd.DataFrame(
        {
            "symbol": np.full(len(found.bar), bars.symbol, dtype=object),
            "time": times_of(bars.ts[np.array(found.bar, dtype=np.int64)]),
            "name": np.array(found.name, dtype=object),
            "direction": np.array(found.direction, dtype=object),
            "value": np.array(found.value, dtype=np.int64),
        }
    )


def _after(close: Floats, *, up: bool) -> Mask:
    """The three closes before this bar went one way."""
    steps = np.diff(close) > 0 if up else np.diff(close) < 0
    run = np.zeros(len(close), dtype=np.bool_)
    run[3:] = steps[:-2] & steps[1:-1]
    return run


def _engulfs(bars: Prices, now: Mask, before: Mask) -> Mask:
    low, high = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
    larger = (high - low)[1:] > (high - low)[:-1]
    return _shifted(now[1:], before[:-1], low[1:] <= low[:-1], high[1:] >= high[:-1], larger)


def _shifted(*conditions: Mask) -> Mask:
    found = np.zeros(len(conditions[0]) + 1, dtype=np.bool_)
    found[1:] = np.logical_and.reduce(conditions)
    return found
