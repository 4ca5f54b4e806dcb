"""Longer bars out of shorter ones: days of minutes, weeks of days; nothing is made up and nothing is filled in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from gpt_trader.core.bars import Bars
from gpt_trader.core.calendars import ALWAYS, sessions
from gpt_trader.core.errors import NoBars, UsageError
from gpt_trader.core.market import DAY, EPOCH, SECOND, Timeframe, nanoseconds, time_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Provenance

    Times = NDArray[np.int64]

HOUR = 3_600 * SECOND
MONDAY = 4
"""1970 began on a Thursday; its first Monday was the fifth of January."""


@dataclass(frozen=True, slots=True)
class _Days:
    """To which day each bar belongs, counted from 1970, and when what is counted in hours begins on that day."""

    day: Times
    origin: Times
    kept: NDArray[np.bool_]
    zone: str


def resampled(bars: Bars, timeframe: Timeframe, *, calendar: str | None = None) -> Bars:
    """The bars in a longer timeframe; days are those of the data's time zone, weeks begin on Mondays.

    Hours are counted from midnight, so that a day with a change of clocks has its 23 or 25 of them. With a calendar,
    they are counted from the open of each session, days are its sessions, and bars outside are left out.
    """
    if timeframe == bars.timeframe or not len(bars):
        return bars
    _check(bars, timeframe)
    by_session = calendar not in (None, "", ALWAYS) and bars.timeframe.ns < DAY
    days = _sessions(bars, str(calendar)) if by_session else _dates(bars)
    if not days.kept.any():
        raise NoBars(f"no bar of {bars.symbol} lies in a session of {calendar}", hint="name its own calendar, or none")
    part = bars if days.kept.all() else _picked(bars, days.kept)
    begins = _begins(part.ts, days, timeframe)
    note = f"{timeframe} made of bars of {bars.timeframe}" + (f" by the sessions of {calendar}" if by_session else "")
    note += f", {len(bars) - len(part)} of them outside left out" if len(part) < len(bars) else ""
    words = "; ".join(filter(None, (bars.provenance.note, note)))
    return _joined(part, timeframe, begins, replace(bars.provenance, zone=days.zone, note=words))


def _check(bars: Bars, timeframe: Timeframe) -> None:
    length = bars.timeframe.ns
    if timeframe.ns < length or (timeframe.ns < DAY and timeframe.ns % length):
        problem = f"the bars of {bars.symbol} are of {bars.timeframe}, so there can be none of {timeframe}"
        raise UsageError(problem, hint=f"name no timeframe, or a multiple of {bars.timeframe}")


def _dates(bars: Bars) -> _Days:
    """Bars by the date on the clocks of the data's zone."""
    zone = bars.provenance.zone
    day = (bars.ts + _offsets(bars.ts, zone)) // DAY
    found, where = np.unique(day, return_inverse=True)
    return _Days(day, _midnights(found, zone)[where], np.ones(len(bars), dtype=np.bool_), zone)


def _sessions(bars: Bars, calendar: str) -> _Days:
    """Bars by the session in which they trade."""
    first, last = (time_of(int(bars.ts[at])).date() for at in (0, -1))
    plan = sessions(calendar, first - timedelta(1), last + timedelta(1))
    if not len(plan):
        return _Days(bars.ts, bars.ts, np.zeros(len(bars), dtype=np.bool_), plan.zone)
    at, kept = plan.holding(bars.ts, bars.timeframe.ns)
    return _Days(plan.days.astype(np.int64)[at], plan.opens[at], kept, plan.zone)


def _begins(ts: Times, days: _Days, timeframe: Timeframe) -> Times:
    """When the longer bar opens to which each bar belongs."""
    day, origin = days.day[days.kept], days.origin[days.kept]
    if timeframe.ns < DAY:
        return np.asarray(origin + np.maximum(ts - origin, 0) // timeframe.ns * timeframe.ns, dtype=np.int64)
    first, length = (MONDAY, timeframe.ns // DAY) if timeframe.unit == "w" else (0, timeframe.ns // DAY)
    found, where = np.unique((day - first) // length * length + first, return_inverse=True)
    return _midnights(found, days.zone)[where]


def _joined(bars: Bars, timeframe: Timeframe, begins: Times, provenance: Provenance) -> Bars:
    starts = np.flatnonzero(np.append(True, begins[1:] != begins[:-1]))
    ends = np.append(starts[1:], len(bars)) - 1
    return replace(
        bars,
        timeframe=timeframe,
        ts=begins[starts],
        open=bars.open[starts],
        high=np.maximum.reduceat(bars.high, starts),
        low=np.minimum.reduceat(bars.low, starts),
        close=bars.close[ends],
        volume=_volume(bars.volume, starts),
        provenance=provenance,
    )


def _volume(volume: NDArray[np.float64], starts: Times) -> NDArray[np.float64]:
    """What is known of the volume, added up; unknown where nothing is known, which is not zero."""
    unknown = np.isnan(volume)
    total = np.add.reduceat(np.where(unknown, 0.0, volume), starts)
    return np.where(np.logical_and.reduceat(unknown, starts), np.nan, total)


def _picked(bars: Bars, which: NDArray[np.bool_]) -> Bars:
    columns = {name: getattr(bars, name)[which] for name in ("ts", "open", "high", "low", "close", "volume")}
    return replace(bars, **columns)


def _midnights(days: Times, zone: str) -> Times:
    place = ZoneInfo(zone)
    dates = [date.fromordinal(EPOCH.toordinal() + int(day)) for day in days]
    found = [nanoseconds(datetime(d.year, d.month, d.day, tzinfo=place)) for d in dates]
    return np.array(found, dtype=np.int64)


def _offsets(ts: Times, zone: str) -> Times:
    """How far the zone's clocks are ahead of UTC at each time; they change at full quarters of an hour only."""
    quarters, where = np.unique(ts // (HOUR // 4), return_inverse=True)
    place = ZoneInfo(zone)
    found = np.array([_offset(int(quarter), place) for quarter in quarters], dtype=np.int64)
    return np.asarray(found[where], dtype=np.int64)


def _offset(quarter: int, zone: ZoneInfo) -> int:
    moment: datetime = (EPOCH + timedelta(minutes=15 * quarter)).astimezone(zone)
    shift = moment.utcoffset() or timedelta()
    return round(shift.total_seconds()) * SECOND
