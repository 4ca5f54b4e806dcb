"""Which series is meant: its provider, symbol and length, its file, and the time that can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gpt_trader.adapters.feeds.ranges import FIRST, Range, day_of
from gpt_trader.adapters.store import sheet as sheets
from gpt_trader.adapters.store.complete import complete
from gpt_trader.adapters.store.place import named, path_of
from gpt_trader.adapters.store.sheet import Label, Sheet
from gpt_trader.core.calendars import ALWAYS, sessions
from gpt_trader.core.errors import BadData, NoBars, NotFound, did_you_mean
from gpt_trader.core.feeds import Refreshed
from gpt_trader.core.market import DAY, Timeframe, nanoseconds, time_of

if TYPE_CHECKING:
    from gpt_trader.adapters.store.download import Download
    from gpt_trader.adapters.store.spans import Span
    from gpt_trader.adapters.venues.reader import Reader
    from gpt_trader.core.ports import Clock

SHORT = 7 * DAY
"""A range so short is looked up in the calendar before anybody is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One symbol's bars of one length from one provider, and who can be asked for more."""

    provider: str
    symbol: str
    timeframe: Timeframe
    path: Path
    zone: str
    calendar: str = ""
    reader: Reader | None = None

    @classmethod
    def of(
        cls, folder: Path, provider: str, symbol: str, timeframe: Timeframe, *, reader: Reader, calendar: str
    ) -> Self:
        """A series of a venue."""
        path = path_of(folder, provider, symbol, str(timeframe))
        try:
            zone = sheets.label(path).label.zone if path.exists() else reader.zone
        except BadData:  # whoever asks for it all again needs no stored zone; others meet the error soon enough
            zone = reader.zone
        return cls(
            provider=provider,
            symbol=symbol,
            timeframe=timeframe,
            path=path,
            zone=zone,
            calendar=calendar,
            reader=reader,
        )

    @classmethod
    def found(cls, folder: Path, provider: str, symbol: str, wanted: Timeframe | None) -> Self:
        """A stored series: of the wanted length, or the longest that is shorter, for longer bars can be made of it."""
        place = path_of(folder, provider, symbol, "any").parent
        there = {path.stem: path for path in place.glob("*.parquet") if not path.name.startswith(".")}
        fitting = sorted((t for t in map(Timeframe.parse, there) if wanted is None or _makes(t, wanted)), key=_length)
        if not fitting:
            raise _nothing_stored(folder, provider, symbol, wanted, there)
        path = there[str(fitting[-1])]
        label = sheets.label(path).label
        return cls(
            provider=provider, symbol=symbol, timeframe=fitting[-1], path=path, zone=label.zone, calendar=label.calendar
        )

    def within(self, start: str, end: str) -> Range:
        """The range that a person asks for."""
        return Range.of(start or None, end or None, zone=None, exchange_zone=self.zone)

    def label(self) -> Label:
        """What will be said of it when its first bars are stored."""
        assert self.reader is not None
        return Label(zone=self.zone, prices=self.reader.prices, calendar=self.calendar, note=self.reader.note)

    def held(self) -> Span | None:
        """The first and the last time that is stored."""
        return sheets.label(self.path).held if self.path.exists() else None


def span_of(series: Series, within: Range, clock: Clock, *, since: int | None = None) -> Span:
    """What can be asked for: not before the provider has any, not after bars are over, not while nobody trades."""
    assert series.reader is not None
    now = nanoseconds(clock.now())
    over = complete(now, series.timeframe, zone=series.zone, calendar=series.calendar)
    earliest = series.reader.first_ns(series.timeframe, now) if since is None else since
    first, last = max(within.start_ns, earliest), min(within.end_ns, over)
    if series.calendar != ALWAYS and within.only_weekend(series.zone):
        raise within.nothing(series.symbol, series.provider, held=series.held(), exchange_zone=series.zone)
    if first >= last:
        problem = f"{series.provider}: no bars of {series.symbol} from {within.asked}"
        if within.end_ns <= earliest:
            raise NoBars(problem, hint=f"its first bars of {series.timeframe} are of {day_of(earliest, series.zone)}")
        raise NoBars(f"{problem}: none of them is over yet", hint=f"ask for bars before {day_of(now, series.zone)}")
    _trades(series, within)
    return first, last


def _trades(series: Series, within: Range) -> None:
    """Raise where a short range has no session at all, such as a holiday."""
    if series.calendar in ("", ALWAYS) or within.start_ns == FIRST or within.end_ns - within.start_ns > SHORT:
        return
    first, last = (day_of(ns, series.zone) for ns in (within.start_ns, within.end_ns - 1))
    if not len(sessions(series.calendar, first, last)):
        problem = f"{series.provider}: no bars of {series.symbol} from {within.asked}"
        raise NoBars(f"{problem}: {series.calendar} has no session then", hint="name a day on which it trades")


def told(
    series: Series, sheet: Sheet | None, *, download: Download | None = None, missing: Sequence[Span] = ()
) -> Refreshed:
    """What was done, or would be, in words and counts."""
    held = None
    if sheet is not None:
        held = (int(sheet.columns["ts"][0]), int(sheet.columns["ts"][-1])) if sheet.count else sheet.held
    return Refreshed(
        provider=series.provider,
        symbol=series.symbol,
        timeframe=str(series.timeframe),
        added=download.added if download else 0,
        revised=download.revised if download else 0,
        bars=int(sheet.changes[-1]["bars"]) if sheet is not None and sheet.changes else 0,
        first=iso(held[0]) if held else "",
        last=iso(held[1]) if held else "",
        requests=download.requests if download else 0,
        missing=", ".join(f"{iso(a)} to {iso(b)}" for a, b in missing),
        note="; ".join(download.notes) if download else "",
    )


def iso(ns: int) -> str:
    """A moment as people write it in files: UTC, to the second."""
    return time_of(ns).isoformat(timespec="seconds").replace("+00:00", "Z")


def _makes(timeframe: Timeframe, wanted: Timeframe) -> bool:
    return timeframe == wanted or (timeframe.ns < wanted.ns and (wanted.ns >= DAY or wanted.ns % timeframe.ns == 0))


def _length(timeframe: Timeframe) -> int:
    return timeframe.ns


def _nothing_stored(
    folder: Path, provider: str, symbol: str, wanted: Timeframe | None, there: dict[str, Path]
) -> NotFound:
    if there:
        problem = f"of {provider} {symbol} no bars are stored that {wanted} could be made of"
        return NotFound(problem, hint=f"there are: {', '.join(there)}")
    known = {named(path)[1] for path in folder.glob(f"{provider}/*/*.parquet")}
    near = did_you_mean(symbol, known)
    fetch = f"gpt-trader data fetch {symbol} --provider {provider}"
    hint = near if near and near.startswith("did you") else f"download it first: {fetch}"
    return NotFound(f"nothing of {provider} {symbol} is stored", hint=hint)
