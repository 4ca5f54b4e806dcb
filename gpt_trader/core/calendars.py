"""When an exchange trades: its sessions with holidays, early closes and pauses, by the name of its calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import ValidationError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Times = NDArray[np.int64]

ALWAYS = "24/7"
MARGIN = timedelta(days=12)
"""Asked so much wider, no range is without a session."""
SAMPLE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Trading days: when each opens, pauses, goes on and closes, in ns UTC; without a pause both are its close."""

    calendar: str
    zone: str
    days: NDArray[np.datetime64]
    opens: Times
    pauses: Times
    goes_on: Times
    closes: Times

    def __len__(self) -> int:
        return len(self.days)

    def holding(self, ts: Times, length: int) -> tuple[Times, NDArray[np.bool_]]:
        """For each bar the session in which it trades, and whether there is one: also bars that only reach into it."""
        at = np.searchsorted(self.opens, ts + length - 1, side="right") - 1
        return np.maximum(at, 0), (at >= 0) & (ts < self.closes[np.maximum(at, 0)])

    def slots(self, step: int, *, like: Times) -> Times:
        """When bars of this length should open: from each session's open on, or shifted as those given mostly are."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        first = self.opens - (-self._phase(step, like)) % step
        counts = -((first - self.closes) // step)
        which = np.repeat(np.arange(len(self)), counts)
        slots = first[which] + (np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)) * step
        resting = (slots >= self.pauses[which]) & (slots + step <= self.goes_on[which])
        return np.asarray(slots[~resting], dtype=np.int64)

    def _phase(self, step: int, like: Times) -> int:
        session, inside = self.holding(like[:SAMPLE], step)
        if not inside.any():
            return 0
        found, counts = np.unique((like[:SAMPLE] - self.opens[session])[inside] % step, return_counts=True)
        return int(found[np.argmax(counts)])


@lru_cache(maxsize=64)
def sessions(calendar: str, first: date, last: date) -> Sessions:
    """The sessions of these days, both included; an unknown calendar is answered with the nearest."""
    made = _calendar(calendar, first - MARGIN, last + MARGIN)
    days = made.schedule.index.to_numpy().astype("datetime64[D]")
    low, high = np.searchsorted(days, np.array([first, last + timedelta(1)], dtype="datetime64[D]"))
    plan = made.schedule.iloc[int(low) : int(high)]
    opens, closes = _ns(plan["open"]), _ns(plan["close"])
    pauses, goes_on = (_ns(plan[name]) for name in ("break_start", "break_end"))
    none = pauses == np.iinfo(np.int64).min
    return Sessions(
        calendar,
        str(made.tz),
        days[low:high],
        opens,
        np.where(none, closes, pauses),
        np.where(none, closes, goes_on),
        closes,
    )


def _calendar(name: str, first: date, last: date) -> Any:
    from exchange_calendars import get_calendar, get_calendar_names
    from exchange_calendars.errors import InvalidCalendarName

    try:
        return get_calendar(name, start=first.isoformat(), end=last.isoformat())
    except InvalidCalendarName:
        hint = did_you_mean(name, get_calendar_names(include_aliases=True))
        raise ValidationError(f"no calendar is called '{name}'", hint=hint) from None
    except ValueError as error:
        text = " ".join(str(error).split())
        raise ValidationError(f"calendar {name}: {text}", hint="narrow the range, or name another calendar") from None


def _ns(times: Any) -> Times:
    return np.asarray(times.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]").astype(np.int64), dtype=np.int64)
