"""Splits: bars restated in the shares of the last day, and jumps that look like a split nobody named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from gpt_trader.core.bars import PRICES, Bars, Loaded
from gpt_trader.core.errors import UsageError
from gpt_trader.core.market import nanoseconds, time_of

KNOWN: Mapping[tuple[str, str], Mapping[str, float]] = {
    ("sample", "AAPL"): {"2000-06-21": 2, "2005-02-28": 2},
    ("sample", "MSFT"): {"2003-02-18": 2},
}
"""The splits within the bundled sample, as the companies announced them: the first day at the new price."""
USUAL = np.array([1.5, 2, 3, 4, 5, 7, 8, 10, 15, 20, 25, 50])
NEAR = 0.03
"""An opening so near to a usual ratio of the close before looks like a split; crashes are rarely so exact."""


class SplitDay(NamedTuple):
    """From this moment on, so many new shares for one old."""

    ns: int
    ratio: float
    day: str


def splits_of(bars: Bars, provider: str, *, named: Mapping[str, float]) -> list[SplitDay]:
    """The splits that a user named, else those known of the provider's symbol, as far as they lie in the bars."""
    if named and bars.provenance.prices == "adjusted":
        raise UsageError(f"the prices of {bars.symbol} are adjusted already", hint="leave its splits out")
    known = KNOWN.get((provider, bars.symbol), {}) if bars.provenance.prices == "raw" else {}
    days = [_split_day(bars, day, ratio) for day, ratio in sorted((named or known).items())]
    return [split for split in days if bars.ts[0] < split.ns <= bars.ts[-1]]


def adjusted(loaded: Loaded, splits: list[SplitDay]) -> Loaded:
    """Prices before a split divided by its ratio, volumes multiplied; dividends stay as they are."""
    if not splits:
        return loaded
    bars = loaded.bars
    ratio = np.ones(len(bars))
    for split in splits:
        ratio[bars.ts < split.ns] *= split.ratio
    told = "; ".join(f"{s.ratio:g} for 1 on {s.day}" for s in splits)
    note = "; ".join(filter(None, (bars.provenance.note, f"restated here for the splits {told}; without dividends")))
    columns = {name: getattr(bars, name) / ratio for name in PRICES}
    provenance = replace(bars.provenance, prices="adjusted", note=note)
    return replace(loaded, bars=replace(bars, **columns, volume=bars.volume * ratio, provenance=provenance))


def suspected(bars: Bars) -> list[tuple[str, float]]:
    """Days on which the price jumped as if by a split, with the ratio of the opening to the close before."""
    jump = bars.open[1:] / bars.close[:-1]
    size = np.maximum(jump, 1 / jump)
    near = np.abs(size[:, None] / USUAL - 1).min(axis=1) < NEAR
    zone = ZoneInfo(bars.provenance.zone)
    rows = np.flatnonzero(near & (size > 1.4))
    return [(time_of(int(bars.ts[i + 1])).astimezone(zone).date().isoformat(), float(jump[i])) for i in rows]


def _split_day(bars: Bars, day: str, ratio: float) -> SplitDay:
    try:
        first = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"'{day}' is no day of a split of {bars.symbol}", hint="write it like 2005-02-28") from None
    if not 0 < ratio < np.inf:
        raise UsageError(f"a split of {bars.symbol} cannot be {ratio:g} for 1", hint="2 means two new for one old")
    moment = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(bars.provenance.zone))
    return SplitDay(nanoseconds(moment), ratio, day)
