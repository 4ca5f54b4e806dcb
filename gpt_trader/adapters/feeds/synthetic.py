"""Bars out of a seed, for trials and tests: they are labelled synthetic wherever they go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.adapters.feeds.ranges import FIRST, LAST, Range
from gpt_trader.core.bars import Bars, Loaded, Provenance, Quarantine
from gpt_trader.core.errors import NoBars, UsageError
from gpt_trader.core.market import DAY, Timeframe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]

YEAR, TRADING_YEAR = 365.25 * DAY, 252 * DAY
DAILY = Timeframe(1, "d")
START = "2020-01-01"
CALM = 0.25
"""The share of a bar's variance that happens between its close and the next open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSource:
    """A geometric random walk for any symbol: the same seed, symbol and start give the same bars, on every machine.

    `drift` and `volatility` are yearly; days are weekdays only, shorter bars run round the clock.
    """

    seed: int
    bars: int = 1_000
    timeframe: Timeframe = DAILY
    price: float = 100.0
    drift: float = 0.05
    volatility: float = 0.2
    volume: float = 1_000_000.0

    def __post_init__(self) -> None:
        for name in ("bars", "price", "volume"):
            if not 0 < getattr(self, name) < np.inf:
                raise UsageError(f"{name} must be above zero and finite")
        if not 0 <= self.volatility < np.inf or not np.isfinite(self.drift):
            raise UsageError("volatility must be zero or more, and drift finite")

    def symbols(self) -> tuple[str, ...]:
        """Empty: any symbol can be made up."""
        return ()

    def load(self, symbol: str, *, start: str | None = None, end: str | None = None) -> Loaded:
        """So many bars from the start on, or those up to the end."""
        within = Range.of(start or START, end, zone="UTC", exchange_zone="UTC")
        self._refuse_what_ends_after_time(within.start_ns)
        ts = self._times(within)
        if len(ts) < 2:
            raise NoBars(f"from {within.asked} there is room for {len(ts)} bars of {self.timeframe}", hint="widen it")
        columns = self._walk(len(ts), np.random.default_rng(_entropy(self.seed, symbol, self.timeframe)))
        provenance = Provenance(origin="synthetic", source=f"random walk, seed {self.seed}", note="made up, not traded")
        return Loaded(
            Bars(symbol=symbol, timeframe=self.timeframe, ts=ts, provenance=provenance, **columns), Quarantine()
        )

    def _refuse_what_ends_after_time(self, start_ns: int) -> None:
        """Nanoseconds are counted up to the year 2262; what is counted beyond it would begin again before 1678."""
        room = (LAST - start_ns) // self.timeframe.ns
        if self.timeframe.ns == DAY:
            room = room * 5 // 7 - 1
        if self.bars > room:
            raise UsageError(
                f"{self.bars:,} bars of {self.timeframe} end after 2262, which is the end of time here",
                hint=f"at most {room:,}; or shorter bars: --timeframe 1m",
            )

    def _times(self, within: Range) -> Times:
        step = self.timeframe.ns
        first = 0 if within.start_ns == FIRST else within.start_ns
        if step != DAY:
            ts = first + np.arange(self.bars, dtype=np.int64) * step
        else:
            days = np.arange(first // DAY, first // DAY + self.bars * 2 + 7, dtype=np.int64)
            ts = days[np.is_busday(days.astype("datetime64[D]"))][: self.bars] * DAY
        return ts if within.end_ns == LAST else ts[ts < within.end_ns]

    def _walk(self, count: int, rng: np.random.Generator) -> dict[str, Floats]:
        years = self.timeframe.ns / (TRADING_YEAR if self.timeframe.ns == DAY else YEAR)
        spread = self.volatility * np.sqrt(years)
        jumps = rng.normal(0.0, spread * np.sqrt(CALM), count)
        moves = rng.normal((self.drift - self.volatility**2 / 2) * years, spread * np.sqrt(1 - CALM), count)
        jumps[0] = 0.0
        closes = np.cumsum(jumps + moves) + np.log(self.price)
        opens = closes - moves
        wicks = np.abs(rng.normal(0.0, spread / 2, (2, count)))
        return {
            "open": np.exp(opens),
            "high": np.exp(np.maximum(opens, closes) + wicks[0]),
            "low": np.exp(np.minimum(opens, closes) - wicks[1]),
            "close": np.exp(closes),
            "volume": np.round(self.volume * np.exp(rng.normal(0.0, 0.3, count))),
        }


def _entropy(seed: int, symbol: str, timeframe: Timeframe) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{symbol}\0{timeframe}".encode()).digest()[:16], "big")
