"""The present picture of a symbol: where it trends, and the prices at which it turned before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.slices.analyze.swings import Swings

    Floats = NDArray[np.float64]


def picture_of(close: float, bars: int, swings: Swings, *, memory: int, tolerance: float) -> dict[str, Any]:
    """Trend, support below and resistance above the last of so many closes, the nearest first."""
    levels = levels_of(swings, since=bars - memory, tolerance=tolerance)
    return {
        "close": close,
        "trend": trend_of(swings.highs.prices, swings.lows.prices),
        "support": sorted((x for x in levels if x["price"] <= close), key=lambda x: -x["price"])[:3],
        "resistance": sorted((x for x in levels if x["price"] > close), key=lambda x: x["price"])[:3],
        "swing_highs": len(swings.highs.places),
        "swing_lows": len(swings.lows.places),
    }


def trend_of(highs: Floats, lows: Floats) -> str:
    """`up` after a higher high and a higher low, `down` after a lower high and a lower low, else `sideways`."""
    if len(highs) < 2 or len(lows) < 2:
        return "sideways"
    if highs[-1] > highs[-2] and lows[-1] > lows[-2]:
        return "up"
    return "down" if highs[-1] < highs[-2] and lows[-1] < lows[-2] else "sideways"


def levels_of(swings: Swings, *, since: int, tolerance: float) -> list[dict[str, Any]]:
    """Prices at which it turned at least twice: swing points chained while each is near the one below it."""
    prices = np.sort(np.concatenate([turns.prices[turns.places >= since] for turns in (swings.highs, swings.lows)]))
    if len(prices) == 0:
        return []
    breaks = np.flatnonzero(prices[1:] / prices[:-1] - 1 > tolerance) + 1
    groups = np.split(prices, breaks)
    return [{"price": float(np.mean(g)), "touches": len(g)} for g in groups if len(g) >= 2]
