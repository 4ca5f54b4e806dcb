"""Stored rows as checked bars: the same checks as for files, at any moment's knowledge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.adapters.feeds.quality import Rows, Rules, inspect
from gpt_trader.adapters.feeds.ranges import Range
from gpt_trader.adapters.store import sheet as sheets
from gpt_trader.adapters.store.ask import ALWAYS as KNOWN_ALWAYS
from gpt_trader.adapters.store.ask import bars_known
from gpt_trader.adapters.store.series import iso
from gpt_trader.adapters.store.spans import joined
from gpt_trader.core.bars import PRICES, Loaded, Provenance, Quarantine
from gpt_trader.core.calendars import ALWAYS
from gpt_trader.core.errors import NoBars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.adapters.store.series import Series
    from gpt_trader.adapters.store.sheet import Sheet
    from gpt_trader.adapters.store.spans import Span

MOST_GAPS = 50


def view(series: Series, within: Range, *, calendar: str, as_of: str = "", note: str = "") -> Loaded:
    """The stored bars of the range as they are known, or were known then."""
    sheet = sheets.label(series.path)
    known = _moment(as_of, series.zone)
    needed = known if as_of or sheet.superseded else None
    columns = bars_known(series.path, within.start_ns, within.end_ns, known=needed)
    if not len(columns["ts"]):
        _explain(sheet, known, as_of)
        raise within.nothing(series.symbol, series.provider, held=sheet.held, exchange_zone=series.zone)
    chosen = series.calendar if calendar in ("", "auto") else calendar
    if not calendar and chosen != ALWAYS:
        chosen = ""  # to look sessions up takes a second: whoever wants that names a calendar, or says auto
    loaded = _checked(columns, series, sheet, calendar=chosen, words=_words(sheet, as_of, note), notes=note)
    return replace(loaded, actions=sheet.actions)


def gaps_of(series: Series, sheet: Sheet) -> Iterator[Span]:
    """The spans in which bars are missing by the provider's own calendar, the longest fifty."""
    found = _checked(sheet.current(), series, sheet, calendar=series.calendar, words="", notes="").quarantine
    longest = sorted(found.gaps, key=lambda gap: -gap.missing)[:MOST_GAPS]
    return iter(joined((gap.after + 1, gap.before) for gap in longest))


def _checked(
    columns: Mapping[str, NDArray[Any]], series: Series, sheet: Sheet, *, calendar: str, words: str, notes: str
) -> Loaded:
    rows = Rows(row=np.arange(1, len(columns["ts"]) + 1), **{name: columns[name] for name in ("ts", *PRICES, "volume")})
    provenance = Provenance(
        origin=sheet.label.origin,
        source=f"{series.provider}, stored",
        prices=sheet.label.prices,
        zone=sheet.label.zone,
        note=words,
    )
    rules = Rules(timeframe=series.timeframe, calendar=calendar or None)
    refused = Quarantine(notes=tuple(filter(None, (notes,))))
    return inspect(rows, symbol=series.symbol, provenance=provenance, rules=rules, refused=refused)


def _words(sheet: Sheet, as_of: str, note: str) -> str:
    last = f"as known on {as_of}" if as_of else f"last changed {iso(int(sheet.changes[-1]['at']))}"
    return "; ".join(filter(None, (sheet.label.note, last, note)))


def _moment(as_of: str, zone: str) -> int:
    """A day is meant with its last moment, a time exactly."""
    if not as_of:
        return KNOWN_ALWAYS
    end = Range.of(None, as_of, zone=zone, exchange_zone=zone).end_ns
    return end - 1 if len(as_of) <= 10 else end


def _explain(sheet: Sheet, known: int, as_of: str) -> None:
    first = int(sheet.changes[0]["at"]) if sheet.changes else 0
    if as_of and known < first:
        raise NoBars(f"nothing of it was known on {as_of}", hint=f"the first bars were stored at {iso(first)}")
