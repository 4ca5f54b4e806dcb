"""The average true range, which says how far a stop must lie from the noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.errors import NoBars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars


def average_true_range(bars: Bars, length: int) -> float:
    """Wilder's average: the mean of the first so many true ranges, then each new one with a weight of 1 / length."""
    ranges = true_ranges(bars)
    if len(ranges) < length:
        raise NoBars(f"{bars.symbol}: {len(bars)} bars give no average true range of {length}", hint="widen the range")
    average = math.fsum(ranges[:length].tolist()) / length
    for value in ranges[length:].tolist():
        average += (value - average) / length
    if not average > 0:
        raise NoBars(f"{bars.symbol} did not move, so a stop has no distance", hint="size by fraction")
    return average


def true_ranges(bars: Bars) -> NDArray[np.float64]:
    """From the second bar on, the range of the bar with the close before it counted in."""
    before = bars.close[:-1]
    return np.maximum(bars.high[1:], before) - np.minimum(bars.low[1:], before)
