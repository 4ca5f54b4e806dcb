"""Yahoo Finance through yfinance, without a key: prices that Yahoo restates for splits, and dividends beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.adapters.venues.reader import FIELDS, PATIENCE, Page, TryLater, down, too_often, waits
from gpt_trader.core.errors import GptTraderError, NoBars, NotFound
from gpt_trader.core.extras import needed
from gpt_trader.core.market import DAY, Dividend, Split, time_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Prices
    from gpt_trader.core.market import Timeframe

INTERVALS = {n: n for n in ("1m", "2m", "5m", "15m", "1h", "1d")} | {"1w": "1wk"}
BACK = {"m": 59 * DAY, "h": 729 * DAY}
MINUTES_BACK, MINUTES_AT_ONCE = 29 * DAY, 7 * DAY
"""Yahoo keeps minutes for thirty days, other minutes for sixty, hours for two years; and gives a week of minutes."""
PARTS = 1_000
COLUMNS = ("Open", "High", "Low", "Close", "Volume")


class YahooReader:
    """Bars of whatever Yahoo knows, for personal use; `cache` is a folder for what yfinance remembers."""

    name = "yfinance"
    zone = "America/New_York"
    calendar = ""
    prices: Prices = "adjusted"
    note = "adjusted for splits by Yahoo, not for dividends"
    timeframes = tuple(INTERVALS)

    def __init__(self, cache: Path, *, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._cache = cache
        self._actions: list[Split | Dividend] = []

    def first_ns(self, timeframe: Timeframe, now_ns: int) -> int:
        """Shorter bars are not kept for long; of longer ones there is all since 1970."""
        back = MINUTES_BACK if str(timeframe) == "1m" else BACK.get(timeframe.unit)
        return 0 if back is None else now_ns - back

    def page(self, symbol: str, timeframe: Timeframe, start_ns: int, end_ns: int) -> Page:
        """The whole range with one request, or a week of it."""
        until = min(end_ns, start_ns + MINUTES_AT_ONCE) if str(timeframe) == "1m" else end_ns
        frame = self._history(symbol, INTERVALS[str(timeframe)], start_ns, until)
        if frame is None or not len(frame):
            return Page.of([], until)
        self._actions += _actions(symbol, frame)
        columns = {n: frame[theirs].to_numpy(dtype=np.float64) for n, theirs in zip(FIELDS[1:], COLUMNS, strict=True)}
        ts = np.asarray(frame.index.as_unit("ns").asi8, dtype=np.int64)
        return Page({"ts": ts, **columns}, until, str(frame.index.tz))

    def actions(self, symbol: str, start_ns: int, end_ns: int) -> tuple[Split | Dividend, ...]:
        """What came with the bars."""
        return tuple(a for a in self._actions if a.symbol == symbol and start_ns <= a.ns < end_ns)

    def _history(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> Any:
        yfinance = needed("yfinance", extra="yahoo", what="provider yfinance")
        self._cache.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(self._cache))
        yfinance.config.debug.hide_exceptions = False
        first, last = (time_of(ns).astimezone(UTC) for ns in (start_ns, end_ns))
        try:
            return yfinance.Ticker(symbol).history(
                start=first, end=max(last, first + timedelta(seconds=1)), interval=interval, prepost=False,
                auto_adjust=False, actions=True, timeout=waits(self.patience),
            )  # fmt: skip
        except Exception as error:
            # The client remembers answers, bad ones as well.
            yfinance.data.YfData.cache_get.cache_clear()
            told = _told(error, symbol)
            if told is None:
                return None
            raise told from error


def _told(error: Exception, symbol: str) -> GptTraderError | TryLater | None:
    """An error of the client in our words; None where it says that the range is empty."""
    exceptions = needed("yfinance.exceptions", extra="yahoo", what="provider yfinance")
    text = " ".join(str(error).split())[:160]
    if isinstance(error, exceptions.YFRateLimitError):
        return too_often("yfinance", None)
    if isinstance(error, exceptions.YFPricesMissingError) and "doesn't exist for startDate" in text:
        return None
    if isinstance(error, exceptions.YFTzMissingError):
        return NotFound(f"yfinance knows no symbol {symbol}", hint="write it as Yahoo does: BRK-B, VOD.L, BTC-USD")
    if isinstance(error, exceptions.YFPricesMissingError):
        return NoBars(f"yfinance has no bars of {symbol}: {text}", hint="is the symbol right? shorten the range")
    return down("yfinance", f"{type(error).__name__}: {text}")


def _actions(symbol: str, frame: Any) -> Iterator[Split | Dividend]:
    for moment, row in frame[(frame["Stock Splits"] != 0) | (frame["Dividends"] != 0)].iterrows():
        ns = _midnight(moment)
        if row["Stock Splits"]:
            part = Fraction(float(row["Stock Splits"])).limit_denominator(PARTS)
            yield Split(symbol, ns, part.numerator, part.denominator)
        if row["Dividends"]:
            yield Dividend(symbol, ns, Decimal(repr(float(row["Dividends"]))))


def _midnight(moment: Any) -> int:
    day: datetime = moment.normalize()
    return int(day.timestamp()) * 1_000_000_000
