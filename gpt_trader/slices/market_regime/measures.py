"""What is measured at every bar's close, over trailing windows only: a bar that comes later changes no value.

The strength of a trend is the t-statistic of the mean logarithmic return over a window. Volatility is ranked among its
own trailing past. The fall is the distance from the high of that past.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.market_regime.params import RegimeParams

    Floats = NDArray[np.float64]

TINY = 1e-12


class Measures(NamedTuple):
    """One value of each kind for each bar; NaN while there is too little past."""

    strength: Floats
    volatility: Floats
    rank: Floats
    fall: Floats


def measured(bars: Bars, params: RegimeParams) -> Measures:
    """The measures of these bars."""
    import pandas as pd

    close = pd.Series(bars.close)
    steps = pd.Series(np.log(bars.close)).diff()
    volatility = steps.rolling(params.volatility_bars).std()
    least = min(126, params.memory_bars)  # half a year
    rank = volatility.rolling(params.memory_bars, min_periods=least).rank(pct=True)
    high = close.rolling(params.memory_bars, min_periods=1).max()
    strength = _t_statistic(steps, params.trend_bars)
    columns = (strength, volatility, rank, close / high - 1.0)
    return Measures(*(np.asarray(column, dtype=np.float64) for column in columns))


def trends_of(strength: Floats, start: float) -> NDArray[np.object_]:
    """Trend up, trend down or range."""
    words = np.where(strength >= start, "trend up", np.where(strength <= -start, "trend down", "range"))
    return words.astype(object)


def volatilities_of(rank: Floats, params: RegimeParams) -> NDArray[np.object_]:
    """Calm, normal or volatile."""
    words = np.where(rank <= params.calm_below, "calm", np.where(rank >= params.volatile_above, "volatile", "normal"))
    return words.astype(object)


def _t_statistic(steps: pd.Series[float], length: int) -> pd.Series[float]:
    mean, spread = steps.rolling(length).mean(), steps.rolling(length).std()
    flat = spread <= TINY
    return (mean / spread.where(~flat) * math.sqrt(length)).where(~flat, 0.0).where(mean.notna())
