"""The range a person asks for, as nanoseconds; and why nothing is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gpt_trader.core.errors import NoBars, UsageError
from gpt_trader.core.market import DAY, nanoseconds, time_of

FIRST, LAST = -(2**63) + 1, 2**63 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """From the start to before the end, in nanoseconds UTC; with the words that it was asked in."""

    start_ns: int
    end_ns: int
    asked: str

    @classmethod
    def of(cls, start: str | None, end: str | None, *, zone: str | None, exchange_zone: str) -> Range:
        """A date is a day in the exchange's zone, and as an end that day is included; a time needs a zone."""
        first = FIRST if start is None else _moment(start, zone, exchange_zone, after=0)
        last = LAST if end is None else _moment(end, zone, exchange_zone, after=1)
        asked = f"{start or 'the beginning'} to {end or 'the end'}"
        if first >= last:
            raise UsageError(f"the range {asked} is empty", hint="the start must be before the end")
        return cls(first, last, asked)

    def nothing(self, symbol: str, source: str, *, held: tuple[int, int] | None, exchange_zone: str) -> NoBars:
        """The error that says why the range holds no bars, and what the source does hold."""
        problem = f"{source}: no bars of {symbol} from {self.asked}"
        if self.only_weekend(exchange_zone):
            problem += ", which is a weekend"
        if held is None:
            return NoBars(problem, hint="the source holds no rows of it")
        first, last = (day_of(ns, exchange_zone) for ns in held)
        return NoBars(problem, hint=f"there are bars from {first} to {last}")

    def only_weekend(self, zone: str) -> bool:
        """Whether all of its days are Saturdays and Sundays."""
        if self.start_ns == FIRST or self.end_ns == LAST or self.end_ns - self.start_ns > 3 * DAY:
            return False
        day, last = day_of(self.start_ns, zone), day_of(self.end_ns - 1, zone)
        return all((day + timedelta(n)).weekday() >= 5 for n in range((last - day).days + 1))


def day_of(ns: int, zone: str) -> date:
    """The date of a moment in a zone."""
    return time_of(ns).astimezone(ZoneInfo(zone)).date()


def _moment(text: str, zone: str | None, exchange_zone: str, *, after: int) -> int:
    try:
        if len(text) <= 10:
            day = date.fromisoformat(text) + timedelta(after)
            return nanoseconds(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(exchange_zone)))
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "write a date (2024-01-31) or a time with its offset (2024-01-31T09:30-05:00)"
        raise UsageError(f"'{text}' is neither a date nor a time", hint=hint) from None
    if moment.tzinfo is None and zone is None:
        raise UsageError(f"the time '{text}' has no offset", hint=f"write {text}Z, or name a zone")
    return nanoseconds(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone or exchange_zone)))
