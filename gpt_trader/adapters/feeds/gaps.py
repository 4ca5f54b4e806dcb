"""What is missing between the bars: it is counted by the market's own calendar where one is named, and never filled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.bars import Gap, Quarantine
from gpt_trader.core.errors import ValidationError, did_you_mean
from gpt_trader.core.market import DAY, SECOND, Timeframe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Times = NDArray[np.int64]

HOUR = 3_600 * SECOND
HOLIDAYS = 3
"""Without a calendar, so many weekdays without a bar may be holidays."""
SHOWN = 1_000
SEEN = 100_000
"""So many times are enough to see how long the bars are."""


def infer_timeframe(ts: Times) -> Timeframe:
    """The timeframe whose length is the most common step between neighbouring bars; there must be two bars at least."""
    steps, counts = np.unique(np.diff(ts[:SEEN]), return_counts=True)
    step = int(steps[np.argmax(counts)])
    if step >= 6 * DAY:
        return Timeframe(round(step / (7 * DAY)), "w")
    if step >= 20 * HOUR:
        return Timeframe(round(step / DAY), "d")
    if step % HOUR == 0:
        return Timeframe(step // HOUR, "h")
    if step % (60 * SECOND) == 0:
        return Timeframe(step // (60 * SECOND), "m")
    return Timeframe(max(1, round(step / SECOND)), "s")


def find_gaps(ts: Times, *, timeframe: Timeframe, calendar: str | None, report: Quarantine) -> Quarantine:
    """The report with the gaps added: the longest thousand in full, all of them counted."""
    missing = _missing(ts, timeframe.ns, calendar)
    at = np.flatnonzero(missing)
    shown = np.sort(at[np.argsort(-missing[at], kind="stable")[:SHOWN]])
    gaps = tuple(Gap(int(ts[i]), int(ts[i + 1]), int(missing[i])) for i in shown)
    return replace(report, gaps=gaps, gap_count=len(at), missing=int(missing.sum()))


def _missing(ts: Times, step: int, calendar: str | None) -> Times:
    if step >= 7 * DAY:
        return np.asarray(np.maximum(np.diff(ts) // step - 1, 0), dtype=np.int64)
    # Half a day on, a midnight of any zone between UTC-12 and UTC+12 lies in the day that it names.
    days = ((ts + DAY // 2) // DAY).astype("datetime64[D]")
    if calendar not in (None, "24/7") and step == DAY:
        return _sessions_missing(days, calendar)
    always = calendar == "24/7" or bool((~np.is_busday(days)).any())
    if step == DAY:
        between = np.diff(days).astype(np.int64) - 1 if always else np.busday_count(days[:-1] + 1, days[1:])
        return np.where(between > (0 if always else HOLIDAYS), between, 0)
    between = np.maximum(np.diff(ts) // step - 1, 0)
    same_day = np.diff(ts // DAY) == 0
    return np.where(always | same_day, between, 0)


def _sessions_missing(days: NDArray[np.datetime64], calendar: str) -> Times:
    from exchange_calendars import get_calendar, get_calendar_names
    from exchange_calendars.errors import InvalidCalendarName

    try:
        sessions = get_calendar(calendar, start=str(days[0]), end=str(days[-1] + 7)).sessions
    except InvalidCalendarName:
        hint = did_you_mean(calendar, get_calendar_names(include_aliases=True))
        raise ValidationError(f"no calendar is called '{calendar}'", hint=hint) from None
    expected = sessions.to_numpy().astype("datetime64[D]")
    inside = np.searchsorted(expected, days[1:], side="left") - np.searchsorted(expected, days[:-1], side="right")
    return np.asarray(np.maximum(inside, 0), dtype=np.int64)
