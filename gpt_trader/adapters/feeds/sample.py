"""The bundled sample: real daily bars of five shares, so that the first backtest needs no file and no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from gpt_trader.adapters.feeds.quality import Rows, Rules, inspect
from gpt_trader.adapters.feeds.ranges import Range
from gpt_trader.core.bars import PRICES, Loaded, Provenance, Quarantine
from gpt_trader.core.errors import NotFound
from gpt_trader.core.market import Split, Timeframe, nanoseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
ZONE = "America/New_York"
SPLITS = {
    "AAPL": (("2000-06-21", 2), ("2005-02-28", 2)),
    "MSFT": (("2003-02-18", 2),),
}
"""The splits within these years, as the companies announced them: first day at the new price, new shares for one."""
NOTE = (
    "Quandl WIKI prices, declared public domain by their publisher, as shipped in the package bokeh_sampledata; "
    "raw, neither split- nor dividend-adjusted; for demonstration, not for decisions"
)


@dataclass(frozen=True, slots=True)
class SampleSource:
    """AAPL, FB, GOOG, IBM and MSFT by the day, at the longest from 2000-03-01 to 2013-03-01."""

    rules: Rules = field(default_factory=lambda: Rules(timeframe=Timeframe(1, "d")))

    def symbols(self) -> tuple[str, ...]:
        """The five symbols."""
        return SYMBOLS

    def load(self, symbol: str, *, start: str | None = None, end: str | None = None) -> Loaded:
        """The symbol's daily bars; each opens at midnight of its day in New York."""
        if symbol not in SYMBOLS:
            raise NotFound.among("sample symbol", symbol, SYMBOLS)
        within = Range.of(start, end, zone=None, exchange_zone=ZONE)
        rows, version = _read(symbol)
        inside = (rows.ts >= within.start_ns) & (rows.ts < within.end_ns)
        source = f"bokeh_sampledata {version}"
        if not inside.any():
            held = (int(rows.ts[0]), int(rows.ts[-1]))
            raise within.nothing(symbol, source, held=held, exchange_zone=ZONE)
        provenance = Provenance(origin="sample", source=source, zone=ZONE, note=NOTE)
        rows = rows.pick(inside)
        found = inspect(rows, symbol=symbol, provenance=provenance, rules=self.rules, refused=Quarantine())
        return replace(found, actions=tuple(_splits(symbol)))


def _splits(symbol: str) -> Iterator[Split]:
    for day, new in SPLITS.get(symbol, ()):
        yield Split(symbol, int(_midnights([day])[0]), new)


def _read(symbol: str) -> tuple[Rows, str]:
    import bokeh_sampledata
    from bokeh_sampledata import stocks

    columns = getattr(stocks, symbol)
    values = {name: np.array(columns[name], dtype=np.float64) for name in (*PRICES, "volume")}
    ts = _midnights(columns["date"])
    return Rows(row=np.arange(1, len(ts) + 1), ts=ts, **values), bokeh_sampledata.__version__


def _midnights(dates: list[str]) -> NDArray[np.int64]:
    zone = ZoneInfo(ZONE)
    return np.array([nanoseconds(datetime.fromisoformat(day).replace(tzinfo=zone)) for day in dates], dtype=np.int64)
