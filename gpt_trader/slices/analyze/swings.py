"""Swing points: the extremes that stand above or below their neighbours, and when one could have known it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt_trader.core.frames import times_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]


class Swings(NamedTuple):
    """The bars of swing highs and lows; each is known only `side` bars later."""

    highs: Places
    lows: Places
    side: int


def swings_of(bars: Bars, *, side: int) -> Swings:
    """Highs above every high of so many bars before and not below any of so many after; lows likewise."""
    return Swings(extremes(bars.high, side), extremes(-bars.low, side), side)


def extremes(values: Floats, side: int) -> Places:
    """The places of local maxima; of equal values the first one counts."""
    width = 2 * side + 1
    if len(values) < width:
        return np.zeros(0, dtype=np.int64)
    views = np.lib.stride_tricks.sliding_window_view(values, width)
    middle = views[:, side]
    return np.flatnonzero((views[:, :side].max(axis=1) < middle) & (views[:, side + 1 :].max(axis=1) <= middle)) + side


def swings_frame(bars: Bars, swings: Swings) -> pd.DataFrame:
    """One row for each swing point: symbol, time, known_at, kind, price."""
    import pandas as pd

    at = np.concatenate((swings.highs, swings.lows))
    high = np.arange(len(at)) < len(swings.highs)
    order = np.argsort(at, kind="stable")
    at, high = at[order], high[order]
    return pd.DataFrame(
        {
            "symbol": np.full(len(at), bars.symbol, dtype=object),
            "time": times_of(bars.ts[at]),
            "known_at": times_of(bars.ts[at + swings.side]),
            "kind": np.where(high, "high", "low").astype(object),
            "price": np.where(high, bars.high[at], bars.low[at]),
        }
    )
