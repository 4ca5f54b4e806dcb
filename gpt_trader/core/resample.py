"""Longer bars out of shorter ones: days of minutes, weeks of days; nothing is made up and nothing is filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from gpt_trader.core.bars import Bars
from gpt_trader.core.errors import UsageError
from gpt_trader.core.market import DAY, EPOCH, SECOND, Timeframe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Times = NDArray[np.int64]

HOUR = 3_600 * SECOND
MONDAY = 4 * DAY
"""1970 began on a Thursday; its first Monday was the fifth of January."""


def resampled(bars: Bars, timeframe: Timeframe) -> Bars:
    """The bars in a longer timeframe; days and weeks are those of the data's time zone, weeks begin on Mondays."""
    length = bars.timeframe.ns
    if timeframe == bars.timeframe or not len(bars):
        return bars
    if timeframe.ns < length or (timeframe.ns < DAY and timeframe.ns % length):
        problem = f"the bars of {bars.symbol} are of {bars.timeframe}, so there can be none of {timeframe}"
        raise UsageError(problem, hint=f"leave --timeframe out, or name a multiple of {bars.timeframe}")
    local = bars.ts + _offsets(bars.ts, bars.provenance.zone)
    first = MONDAY if timeframe.unit == "w" else 0
    begins = (local - first) // timeframe.ns * timeframe.ns + first
    starts = np.flatnonzero(np.append(True, begins[1:] != begins[:-1]))
    ends = np.append(starts[1:], len(bars)) - 1
    note = "; ".join(filter(None, (bars.provenance.note, f"{timeframe} made of bars of {bars.timeframe}")))
    return Bars(
        symbol=bars.symbol,
        timeframe=timeframe,
        ts=bars.ts[starts] - (local - begins)[starts],
        open=bars.open[starts],
        high=np.maximum.reduceat(bars.high, starts),
        low=np.minimum.reduceat(bars.low, starts),
        close=bars.close[ends],
        volume=np.add.reduceat(bars.volume, starts),
        provenance=replace(bars.provenance, note=note),
    )


def _offsets(ts: Times, zone: str) -> Times:
    """How far the zone's clocks are ahead of UTC at each time; they change at full hours only."""
    hours, where = np.unique(ts // HOUR, return_inverse=True)
    place = ZoneInfo(zone)
    found = np.array([_offset(int(hour), place) for hour in hours], dtype=np.int64)
    return np.asarray(found[where], dtype=np.int64)


def _offset(hour: int, zone: ZoneInfo) -> int:
    moment: datetime = (EPOCH + timedelta(hours=hour)).astimezone(zone)
    shift = moment.utcoffset() or timedelta()
    return round(shift.total_seconds()) * SECOND
