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


class Turns(NamedTuple):
    """Swing points of one kind: the numbers of their bars, and their prices."""

    places: Places
    prices: Floats


class Swings(NamedTuple):
    """The swing highs and lows of so many bars; each is known only `side` bars later."""

    highs: Turns
    lows: Turns
    side: int


def swings_of(bars: Bars, *, side: int) -> Swings:
    """Highs above every high of so many bars before and not below any of so many after; lows likewise."""
    highs, lows = extremes(bars.high, side), extremes(-bars.low, side)
    return Swings(Turns(highs, bars.high[highs]), Turns(lows, bars.low[lows]), side)


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

    at, prices = (np.concatenate(pair) for pair in zip(swings.highs, swings.lows, strict=True))
    high = np.arange(len(at)) < len(swings.highs.places)
    order = np.argsort(at, kind="stable")
    at, high = at[order].astype(np.int64), high[order]
    return pd.DataFrame(
        {
            "symbol": np.full(len(at), bars.symbol, dtype=object),
            "time": times_of(bars.ts[at]),
            "known_at": times_of(bars.ts[at + swings.side]),
            "kind": np.where(high, "high", "low").astype(object),
            "price": prices[order],
        }
    )
