"""Candle patterns by their plain definitions; each is known at the close of its last bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.frames import times_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars

    Mask = NDArray[np.bool_]

SMALL = 0.1
LONG = 2.0
DIRECTION = {
    "doji": "undecided",
    "hammer": "bullish",
    "shooting_star": "bearish",
    "bullish_engulfing": "bullish",
    "bearish_engulfing": "bearish",
    "inside_bar": "undecided",
}


def masks_of(bars: Bars) -> dict[str, Mask]:
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


def candles_frame(bars: Bars) -> pd.DataFrame:
    """One row for each pattern found: symbol, time, name, direction; in order of time."""
    import pandas as pd

    names = list(DIRECTION)
    masks = masks_of(bars)
    at, which = np.nonzero(np.stack([masks[name] for name in names], axis=1))
    return pd.DataFrame(
        {
            "symbol": np.full(len(at), bars.symbol, dtype=object),
            "time": times_of(bars.ts[at]),
            "name": np.array(names, dtype=object)[which],
            "direction": np.array(list(DIRECTION.values()), dtype=object)[which],
        }
    )


def _after(close: NDArray[np.float64], *, up: bool) -> Mask:
    """The three closes before this bar went one way."""
    steps = np.diff(close) > 0 if up else np.diff(close) < 0
    run = np.zeros(len(close), dtype=np.bool_)
    run[3:] = steps[:-2] & steps[1:-1]
    return run


def _engulfs(bars: Bars, now: Mask, before: Mask) -> Mask:
    low, high = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
    larger = (high - low)[1:] > (high - low)[:-1]
    return _shifted(now[1:], before[:-1], low[1:] <= low[:-1], high[1:] >= high[:-1], larger)


def _shifted(*conditions: Mask) -> Mask:
    found = np.zeros(len(conditions[0]) + 1, dtype=np.bool_)
    found[1:] = np.logical_and.reduce(conditions)
    return found
