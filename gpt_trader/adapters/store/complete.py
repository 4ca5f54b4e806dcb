"""Until when bars are complete: what still forms is never stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gpt_trader.core.calendars import ALWAYS, sessions
from gpt_trader.core.market import DAY, nanoseconds, time_of

if TYPE_CHECKING:
    from datetime import date

    from gpt_trader.core.market import Timeframe


def complete(now_ns: int, timeframe: Timeframe, *, zone: str, calendar: str) -> int:
    """Bars that open before this moment are over now; it stands still between one bar's end and the next."""
    if timeframe.ns < DAY:
        # Bars may begin at half past: one counts as over when no bar of its length can go on.
        return (now_ns - timeframe.ns) // timeframe.ns * timeframe.ns + 1
    today = time_of(now_ns).astimezone(ZoneInfo(zone)).date()
    if timeframe.unit == "w":
        return _midnight(today - timedelta(today.weekday() + 7 * (timeframe.count - 1)), zone)
    if timeframe.count == 1 and calendar not in ("", ALWAYS) and _closed(today, calendar, now_ns):
        today += timedelta(1)
    return _midnight(today - timedelta(timeframe.count - 1), zone)


def _closed(day: date, calendar: str, now_ns: int) -> bool:
    plan = sessions(calendar, day, day)
    return len(plan) == 1 and int(plan.closes[0]) <= now_ns


def _midnight(day: date, zone: str) -> int:
    return nanoseconds(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))
