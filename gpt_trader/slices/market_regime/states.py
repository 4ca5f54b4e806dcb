"""The states of a market, out of trailing windows only: a bar that comes later changes no label.

The trend is the t-statistic of the mean logarithmic return over a window: its sign is the direction, and the normal
distribution gives the confidence that the mean is not zero. Volatility is ranked among its own trailing past. A crisis
is a deep fall from the high of that past at a volatility seen in few of its bars.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.frames import times_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.market_regime.params import RegimeParams

UNKNOWN = "unknown"


def states_of(bars: Bars, params: RegimeParams) -> pd.DataFrame:
    """One row for each bar: symbol, time, label, trend, volatility, confidence, strength, rank, fall."""
    import pandas as pd

    close = pd.Series(bars.close)
    steps = pd.Series(np.log(bars.close)).diff()
    strength = _t_statistic(steps, params.trend_bars)
    rank = _rank(steps, params)
    high = close.rolling(params.memory_bars, min_periods=1).max()
    fall = close / high - 1.0
    trend = _trend(strength, params.trend_from)
    volatility = _volatility(rank, params)
    crisis = (fall <= -params.crisis_fall).to_numpy() & (rank >= params.crisis_above).to_numpy()
    known = strength.notna().to_numpy() & rank.notna().to_numpy()
    label = np.where(known, np.where(crisis, "crisis", trend), UNKNOWN).astype(object)
    return pd.DataFrame(
        {
            "symbol": np.full(len(bars), bars.symbol, dtype=object),
            "time": times_of(bars.ts),
            "label": label,
            "trend": np.where(known, trend, UNKNOWN).astype(object),
            "volatility": np.where(known, volatility, UNKNOWN).astype(object),
            "confidence": np.where(known, _confidence(strength, rank, label), np.nan),
            "strength": strength.to_numpy(),
            "rank": rank.to_numpy(),
            "fall": fall.to_numpy(),
        }
    )


def present_of(states: pd.DataFrame) -> dict[str, Any]:
    """The last state in words, with since when it holds and for how many bars."""
    last = states.iloc[-1]
    label = states["label"].to_numpy()
    changed = np.flatnonzero(label[1:] != label[:-1])
    first = int(changed[-1]) + 1 if len(changed) else 0
    confidence = float(last["confidence"])
    return {
        "label": str(last["label"]),
        "trend": str(last["trend"]),
        "volatility": str(last["volatility"]),
        "confidence": confidence if math.isfinite(confidence) else None,
        "since": states["time"].iloc[first].isoformat(),
        "bars": len(states) - first,
        "at": last["time"].isoformat(),
    }


def transitions_of(states: pd.DataFrame) -> dict[str, dict[str, float]]:
    """For each label, how often each label followed on the next bar; the shares of a row add up to one."""
    label = states["label"].to_numpy()
    label = label[label != UNKNOWN]
    names = sorted(set(label.tolist()))
    table: dict[str, dict[str, float]] = {}
    for name in names:
        following = label[1:][label[:-1] == name]
        if len(following):
            table[name] = {after: float(np.mean(following == after)) for after in names}
    return table


def _t_statistic(steps: pd.Series, length: int) -> pd.Series:
    mean, spread = steps.rolling(length).mean(), steps.rolling(length).std()
    flat = spread <= 1e-12
    return (mean / spread.where(~flat) * math.sqrt(length)).where(~flat, 0.0).where(mean.notna())


def _rank(steps: pd.Series, params: RegimeParams) -> pd.Series:
    """The share of the past volatilities that are not above the present one; half a year of them is the least."""
    volatility = steps.rolling(params.volatility_bars).std()
    return volatility.rolling(params.memory_bars, min_periods=min(126, params.memory_bars)).rank(pct=True)


def _trend(strength: pd.Series, start: float) -> NDArray[np.str_]:
    values = strength.to_numpy()
    return np.where(values >= start, "trend up", np.where(values <= -start, "trend down", "range"))


def _volatility(rank: pd.Series, params: RegimeParams) -> NDArray[np.str_]:
    values = rank.to_numpy()
    return np.where(
        values <= params.calm_below, "calm", np.where(values >= params.volatile_above, "volatile", "normal")
    )


def _confidence(strength: pd.Series, rank: pd.Series, label: NDArray[np.object_]) -> NDArray[np.float64]:
    """For a trend, that the mean return has its sign; for a range, that it may be zero; for a crisis, the rank."""
    beyond = np.array([math.erf(abs(t) / math.sqrt(2.0)) for t in strength.to_numpy().tolist()])
    trends = (1.0 + beyond) / 2.0
    return np.where(label == "crisis", rank.to_numpy(), np.where(label == "range", 1.0 - beyond, trends))
