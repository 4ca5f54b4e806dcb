"""The states of a market as a table: by rules out of its measures, and what all methods say of the last one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.frames import times_of
from gpt_trader.slices.market_regime.measures import Measures, measured, trends_of, volatilities_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.market_regime.params import RegimeParams

    Floats = NDArray[np.float64]
    Words = NDArray[np.object_]

UNKNOWN = "unknown"


def states_of(bars: Bars, params: RegimeParams) -> pd.DataFrame:
    """By the rules, one row for each bar: symbol, time, label, trend, volatility, confidence, strength, rank, fall.

    The sign of the strength is the direction, and the normal distribution gives the confidence that the mean is not
    zero. A crisis is a deep fall at a volatility that was seen in few bars of the past.
    """
    found = measured(bars, params)
    trend, volatility = trends_of(found.strength, params.trend_from), volatilities_of(found.rank, params)
    crisis = (found.fall <= -params.crisis_fall) & (found.rank >= params.crisis_above)
    known = np.isfinite(found.strength) & np.isfinite(found.rank)
    words = {"label": np.where(crisis, "crisis", trend), "trend": trend, "volatility": volatility}
    confidence = _confidence(found, words["label"])
    return states_frame(bars, found, words, confidence=confidence, known=known)


def states_frame(
    bars: Bars, found: Measures, words: Mapping[str, Words], *, confidence: Floats, known: NDArray[np.bool_]
) -> pd.DataFrame:
    """The table that every method makes; a bar of which too little is known is unknown."""
    import pandas as pd

    return pd.DataFrame(
        {
            "symbol": np.full(len(bars), bars.symbol, dtype=object),
            "time": times_of(bars.ts),
            **{name: np.where(known, column, UNKNOWN).astype(object) for name, column in words.items()},
            "confidence": np.where(known, confidence, np.nan),
            "strength": found.strength,
            "rank": found.rank,
            "fall": found.fall,
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


def _confidence(found: Measures, label: Words) -> Floats:
    """For a trend, that the mean return has its sign; for a range, that it may be zero; for a crisis, the rank."""
    beyond = np.array([math.erf(abs(t) / math.sqrt(2.0)) for t in found.strength.tolist()])
    trends = (1.0 + beyond) / 2.0
    return np.where(label == "crisis", found.rank, np.where(label == "range", 1.0 - beyond, trends))
