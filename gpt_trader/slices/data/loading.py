"""From what a step asks for to what the archive is asked for, and from its bars to those of the wanted length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gpt_trader.core.feeds import Keeping, Request
from gpt_trader.core.market import Timeframe

if TYPE_CHECKING:
    from gpt_trader.core.bars import Loaded
    from gpt_trader.core.feeds import Archive, Watch
    from gpt_trader.slices.data.params import Series, Wanted

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Part:
    """The watch of one symbol among several."""

    check: Callable[[], None]
    progress: Callable[[float, float, str], None]


def at(watch: Watch, done: int, total: int) -> Watch:
    """A watch that counts the part of one symbol into the progress of all."""

    def progress(part: float, whole: float, text: str) -> None:
        watch.progress(done + part / max(whole, 1.0), total, text)

    return Part(watch.check, progress)


def loaded_of(archive: Archive, symbol: str, params: Wanted, watch: Watch) -> Loaded:
    """One symbol's bars: out of the archive, restated, and in the wanted length."""
    from gpt_trader.slices.data.splits import restated

    loaded = archive.load(request_of(symbol, params, keeping=params.store, as_of=params.as_of), watch)
    named, paid = params.splits.get(symbol), params.dividends.get(symbol)
    return in_timeframe(
        restated(loaded, params.adjust, splits=named, dividends=paid), params.timeframe, params.calendar
    )


def request_of(symbol: str, params: Series, *, keeping: Keeping = "first", as_of: str = "") -> Request:
    """What the archive is asked for."""
    return Request(
        provider=params.provider,
        symbol=symbol,
        timeframe=params.made_of or params.timeframe,
        start=params.start,
        end=params.end,
        calendar=params.calendar,
        options=params.options | ({"path": params.path} if params.path else {}),
        keeping=keeping,
        as_of=as_of,
    )


def in_timeframe(loaded: Loaded, timeframe: str, calendar: str) -> Loaded:
    """The bars in the wanted length, made of shorter ones where they are not of it."""
    if not timeframe or str(loaded.bars.timeframe) == timeframe:
        return loaded
    from gpt_trader.core.resample import resampled

    hours = None if calendar in ("", AUTO) else calendar
    return replace(loaded, bars=resampled(loaded.bars, Timeframe.parse(timeframe), calendar=hours))
