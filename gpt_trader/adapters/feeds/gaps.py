"""What is missing between the bars: it is counted by the market's own calendar where one is named, and never filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.bars import Gap, Quarantine
from gpt_trader.core.calendars import ALWAYS, sessions
from gpt_trader.core.market import DAY, SECOND, Timeframe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Times = NDArray[np.int64]

HOUR = 3_600 * SECOND
HOLIDAYS = 3
"""Without a calendar, so many weekdays without a bar may be holidays."""
LONGEST = (31, 92, 366)
"""The days of the longest month, quarter and year."""
SHOWN = 1_000
BLOCK = 500_000
SEEN = 100_000
"""So many times are enough to see how long the bars are."""


def infer_timeframe(ts: Times) -> Timeframe:
    """The timeframe whose length is the most common step between neighbouring bars; there must be two bars at least."""
    steps, counts = np.unique(np.diff(ts[:SEEN]), return_counts=True)
    step = int(steps[np.argmax(counts)])
    if step >= 27 * DAY and (longest := _of_calendar(steps, step)):
        return Timeframe(longest, "d")
    if step >= 6 * DAY:
        return Timeframe(round(step / (7 * DAY)), "w")
    if step >= 20 * HOUR:
        return Timeframe(round(step / DAY), "d")
    if step % HOUR == 0:
        return Timeframe(step // HOUR, "h")
    if step % (60 * SECOND) == 0:
        return Timeframe(step // (60 * SECOND), "m")
    return Timeframe(max(1, round(step / SECOND)), "s")


def _of_calendar(steps: Times, step: int) -> int:
    """The days of the longest month, quarter or year where the bars are such; 0 where they are whole weeks."""
    days = (steps + DAY // 2) // DAY
    if not (days % 7).any():
        return 0
    # A bar of whole months begins with a day of trading, which may come a few days late.
    return next((days for days in LONGEST if -4 <= round(step / DAY) - days <= 4), 0)


def find_gaps(ts: Times, *, timeframe: Timeframe, calendar: str | None, report: Quarantine) -> Quarantine:
    """The report with the gaps added: the longest thousand in full, all of them counted."""
    after = _wide(ts, timeframe.ns)
    missing = _missing(ts, after, timeframe.ns, calendar)
    after, missing = after[missing > 0], missing[missing > 0]
    shown = np.sort(np.argsort(-missing, kind="stable")[:SHOWN])
    gaps = tuple(Gap(int(ts[after[i]]), int(ts[after[i] + 1]), int(missing[i])) for i in shown)
    return replace(report, gaps=gaps, gap_count=len(after), missing=int(missing.sum()))


def _wide(ts: Times, step: int) -> Times:
    """Bars after which more than a step passes; block by block, for a long series has few of them."""
    blocks = (np.flatnonzero(np.diff(ts[at : at + BLOCK + 1]) > step) + at for at in range(0, len(ts) - 1, BLOCK))
    return np.concatenate((np.zeros(0, dtype=np.int64), *blocks))


def _missing(ts: Times, after: Times, step: int, calendar: str | None) -> Times:
    here, there = ts[after], ts[after + 1]
    steps = (there - here) // step - 1
    if step >= 7 * DAY:
        return np.asarray((there - here + step // 2) // step - 1, dtype=np.int64)  # months are not all as long
    if calendar not in (None, "", ALWAYS):
        return _expected(ts, after, step, str(calendar))
    if calendar == ALWAYS or _has_weekends(ts):
        return np.asarray(_days(there) - _days(here), dtype=np.int64) - 1 if step == DAY else steps
    if step == DAY:
        between = np.busday_count(_days(here) + 1, _days(there))
        return np.where(between > HOLIDAYS, between, 0)
    return np.where(here // DAY == there // DAY, steps, 0)


def _days(ts: Times) -> NDArray[np.datetime64]:
    # Half a day on, a midnight of any zone between UTC-12 and UTC+12 lies in the day that it names.
    return ((ts + DAY // 2) // DAY).astype("datetime64[D]")


def _has_weekends(ts: Times) -> bool:
    return any(not np.is_busday(_days(ts[at : at + BLOCK])).all() for at in range(0, len(ts), BLOCK))


def _expected(ts: Times, after: Times, step: int, calendar: str) -> Times:
    """How many sessions, or bars within sessions, the calendar expects between two bars."""
    first, last = (day.item() for day in _days(ts[[0, -1]]))
    plan = sessions(calendar, first - timedelta(1), last + timedelta(1))
    if step == DAY:
        return _between(plan.days, _days(ts[after]), _days(ts[after + 1]))
    return _between(plan.slots(step, like=ts), ts[after], ts[after + 1])


def _between(expected: NDArray[Any], here: NDArray[Any], there: NDArray[Any]) -> Times:
    inside = np.searchsorted(expected, there) - np.searchsorted(expected, here, side="right")
    return np.asarray(np.maximum(inside, 0), dtype=np.int64)
