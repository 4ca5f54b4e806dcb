"""Splits and dividends: bars restated in the shares of the last day, and jumps that look like a split nobody named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from gpt_trader.core.bars import PRICES, Bars, Loaded
from gpt_trader.core.errors import BadData, UsageError
from gpt_trader.core.market import Dividend, Split, nanoseconds, time_of

if TYPE_CHECKING:
    Named = Mapping[str, float]

Adjust = Literal["splits", "all", "none"]
USUAL = np.array([1.5, 2, 3, 4, 5, 7, 8, 10, 15, 20, 25, 50])
NEAR = 0.03
"""An opening so near to a usual ratio of the close before looks like a split; crashes are rarely so exact."""
PARTS = 1_000


def restated(loaded: Loaded, adjust: Adjust, *, splits: Named | None = None, dividends: Named | None = None) -> Loaded:
    """Prices before a split divided by its ratio, volumes multiplied; with `all`, dividends taken off, too.

    What a user names comes before what the source knows. The actions that remain are those that are not in the prices.
    """
    bars = loaded.bars
    if splits and bars.provenance.prices == "adjusted":
        raise UsageError(f"the prices of {bars.symbol} are adjusted already", hint="leave its splits out")
    if dividends and bars.provenance.prices == "adjusted" and bars.provenance.origin == "file":
        # By an adjusted close; venues that adjust, adjust for splits alone.
        problem = f"the prices of {bars.symbol} are read by their adjusted close, which has its dividends in it already"
        raise UsageError(problem, hint="leave its dividends out, or take the prices as they are: prices: raw")
    known: list[Split | Dividend] = [*_splits(loaded, splits), *_dividends(loaded, dividends)]
    inside = tuple(sorted((a for a in known if bars.ts[0] < a.ns <= bars.ts[-1]), key=lambda a: a.ns))
    loaded = replace(loaded, actions=inside)
    if adjust != "none":
        loaded = _without_splits(loaded)
    return _without_dividends(loaded) if adjust == "all" else loaded


def told(loaded: Loaded) -> list[dict[str, Any]]:
    """The splits and dividends that are not in the prices, as plain values."""
    zone = ZoneInfo(loaded.bars.provenance.zone)
    rows: list[dict[str, Any]] = []
    for action in loaded.actions:
        day = time_of(action.ns).astimezone(zone).date().isoformat()
        row: dict[str, Any] = {"symbol": action.symbol, "day": day, "ns": action.ns}
        if isinstance(action, Split):
            rows.append(row | {"kind": "split", "new": action.new, "old": action.old})
        else:
            rows.append(row | {"kind": "dividend", "amount": str(action.amount)})
    return rows


def suspected(bars: Bars) -> list[tuple[str, float]]:
    """Days on which the price jumped as if by a split, with the ratio of the opening to the close before."""
    jump = bars.open[1:] / bars.close[:-1]
    size = np.maximum(jump, 1 / jump)
    rows = np.flatnonzero(size > 1.4)
    near = np.abs(size[rows, None] / USUAL - 1).min(axis=1, initial=np.inf) < NEAR
    zone = ZoneInfo(bars.provenance.zone)
    return [(time_of(int(bars.ts[i + 1])).astimezone(zone).date().isoformat(), float(jump[i])) for i in rows[near]]


def _without_splits(loaded: Loaded) -> Loaded:
    bars = loaded.bars
    splits = [a for a in loaded.actions if isinstance(a, Split)]
    if not splits or bars.provenance.prices == "adjusted":
        return replace(loaded, actions=tuple(a for a in loaded.actions if isinstance(a, Dividend)))
    ratio = np.ones(len(bars))
    for split in splits:
        ratio[bars.ts < split.ns] *= split.new / split.old
    words = "; ".join(f"{s.new / s.old:g} for 1 on {_day(s.ns, bars)}" for s in splits)
    columns = {name: getattr(bars, name) / ratio for name in PRICES}
    made = _noted(bars, f"restated here for the splits {words}", **columns, volume=bars.volume * ratio)
    return replace(loaded, bars=made, actions=tuple(_in_new_shares(loaded.actions, splits)))


def _in_new_shares(actions: Sequence[Split | Dividend], splits: Sequence[Split]) -> list[Dividend]:
    """Dividends per share of the last day."""
    found = []
    for action in actions:
        if isinstance(action, Dividend):
            later = [Decimal(s.old) / s.new for s in splits if s.ns > action.ns]
            found.append(replace(action, amount=_product(action.amount, later)))
    return found


def _product(amount: Decimal, factors: Sequence[Decimal]) -> Decimal:
    for factor in factors:
        amount *= factor
    return amount


def _without_dividends(loaded: Loaded) -> Loaded:
    bars = loaded.bars
    paid = [a for a in loaded.actions if isinstance(a, Dividend)]
    if not paid:
        return loaded
    factor = np.ones(len(bars))
    for dividend in paid:
        first = int(np.searchsorted(bars.ts, dividend.ns))
        factor[:first] *= _left(bars, first - 1, dividend)
    columns = {name: getattr(bars, name) * factor for name in PRICES}
    return replace(loaded, bars=_noted(bars, f"restated here for {len(paid)} dividends", **columns), actions=())


def _left(bars: Bars, row: int, dividend: Dividend) -> float:
    """What a dividend leaves of the last price before it."""
    left = 1.0 - float(dividend.amount) / float(bars.close[row])
    if not 0.0 < left <= 1.0:
        day = _day(dividend.ns, bars)
        problem = f"a dividend of {dividend.amount} for {bars.symbol} on {day} at a price of {bars.close[row]:g}"
        raise BadData(problem, hint="is its sign or its currency another? adjust for splits alone")
    return left


def _noted(bars: Bars, words: str, **columns: Any) -> Bars:
    note = "; ".join(filter(None, (bars.provenance.note, words)))
    return replace(bars, **columns, provenance=replace(bars.provenance, prices="adjusted", note=note))


def _splits(loaded: Loaded, named: Named | None) -> list[Split]:
    if not named:
        return [a for a in loaded.actions if isinstance(a, Split)]
    return [_named_split(loaded.bars, day, ratio) for day, ratio in named.items()]


def _dividends(loaded: Loaded, named: Named | None) -> list[Dividend]:
    if not named:
        return [a for a in loaded.actions if isinstance(a, Dividend)]
    bars = loaded.bars
    return [Dividend(bars.symbol, _midnight(bars, day, "dividend"), Decimal(repr(n))) for day, n in named.items()]


def _named_split(bars: Bars, day: str, ratio: float) -> Split:
    ns = _midnight(bars, day, "split")
    if not 0 < ratio < np.inf:
        raise UsageError(f"a split of {bars.symbol} cannot be {ratio:g} for 1", hint="2 means two new for one old")
    part = Fraction(ratio).limit_denominator(PARTS)
    return Split(bars.symbol, ns, part.numerator, part.denominator)


def _midnight(bars: Bars, day: str, what: str) -> int:
    try:
        first = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"'{day}' is no day of a {what} of {bars.symbol}", hint="write it like 2005-02-28") from None
    return nanoseconds(datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(bars.provenance.zone)))


def _day(ns: int, bars: Bars) -> str:
    return time_of(ns).astimezone(ZoneInfo(bars.provenance.zone)).date().isoformat()
