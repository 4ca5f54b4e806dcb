"""A venue in memory that counts its requests, and an archive with a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gpt_trader.adapters.store.archive import LocalArchive, Nobody
from gpt_trader.adapters.venues.reader import Page
from gpt_trader.app.feeds import feed_catalog
from gpt_trader.core.bars import Prices
from gpt_trader.core.catalog import Catalog
from gpt_trader.core.feeds import Refreshed, Request
from gpt_trader.core.market import DAY, Dividend, Split, Timeframe, nanoseconds
from gpt_trader.trading.clocks import BarClock


def ns(text: str) -> int:
    return nanoseconds(datetime.fromisoformat(text))


FIRST = ns("2024-01-01T00:00Z")


@dataclass
class Venue:
    """Bars in UTC round the clock from 2024 on, `size` to a page; `on_page` may change an answer, or fail."""

    name: str = "venue"
    zone: str = "UTC"
    patience: float = 4.0
    calendar: str = "24/7"
    prices: Prices = "raw"
    note: str = "made for a test"
    timeframes: tuple[str, ...] = ("1m", "1h", "1d")
    size: int = 10
    first: int = FIRST
    last: int = ns("2025-01-01T00:00Z")
    symbols: tuple[str, ...] = ("X", "Y")
    price: Callable[[int], float] = field(default=lambda at: 100.0 + at // DAY % 97)
    on_page: Callable[[int], None] = field(default=lambda count: None)
    events: tuple[Split | Dividend, ...] = ()
    asked: list[tuple[int, int]] = field(default_factory=list)

    def first_ns(self, timeframe: Timeframe, now_ns: int) -> int:
        return FIRST

    def page(self, symbol: str, timeframe: Timeframe, start_ns: int, end_ns: int) -> Page:
        self.asked.append((start_ns, end_ns))
        self.on_page(len(self.asked))
        step = timeframe.ns
        first = max(-(-(start_ns - self.first) // step) * step + self.first, self.first)
        times = range(first, min(end_ns, self.last), step)[: self.size] if symbol in self.symbols else range(0)
        rows = [[t, self.price(t), self.price(t) + 1, self.price(t) - 1, self.price(t) + 0.5, 1_000.0] for t in times]
        return Page.of(rows, times[-1] + step if len(times) == self.size else end_ns)

    def actions(self, symbol: str, start_ns: int, end_ns: int) -> Sequence[Split | Dividend]:
        return [e for e in self.events if e.symbol == symbol and start_ns <= e.ns < end_ns]

    def days(self) -> list[tuple[str, str]]:
        """What was asked for, as dates."""
        return [(_date(a), _date(b)) for a, b in self.asked]


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1e9).astimezone(None).isoformat()[:10]


@dataclass
class House:
    """An archive with that venue, on a clock."""

    folder: Path
    venue: Venue = field(default_factory=Venue)
    clock: BarClock = field(default_factory=lambda: BarClock(ns("2024-06-01T12:00Z")))

    @property
    def archive(self) -> LocalArchive:
        venues: Catalog[Any] = Catalog("provider")
        venues.add("venue", lambda: lambda options: self.venue)
        return LocalArchive(folder=self.folder, clock=self.clock, feeds=feed_catalog(), venues=venues)

    def load(self, symbol: str = "X", **given: Any) -> Any:
        return self.archive.load(self.request(symbol, **given), Nobody())

    def refresh(
        self, symbol: str = "X", *, again: bool = False, gaps: bool = False, dry: bool = False, **given: Any
    ) -> Refreshed:
        return self.archive.refresh(self.request(symbol, **given), Nobody(), again=again, gaps=gaps, dry_run=dry)

    def request(self, symbol: str, **given: Any) -> Request:
        return Request(**{"provider": "venue", "symbol": symbol, **given})

    def file(self, symbol: str = "X", timeframe: str = "1d") -> Path:
        return self.folder / "venue" / symbol / f"{timeframe}.parquet"
