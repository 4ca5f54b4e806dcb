"""Markets made by hand or from a seed, as the tables that travel between steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gpt_trader.core.bars import Bars, Provenance
from gpt_trader.core.frames import frame_of
from gpt_trader.core.market import DAY, Timeframe

SAID = Provenance(origin="synthetic", source="made by hand")
FIRST = 10_957 * DAY  # 2000-01-01


def bars_from(
    closes: Sequence[float],
    *,
    symbol: str = "AAA",
    opens: Sequence[float] | None = None,
    highs: Sequence[float] | None = None,
    lows: Sequence[float] | None = None,
    volume: float = 1e9,
) -> Bars:
    close = np.array(closes, dtype=np.float64)
    first = np.array(opens, dtype=np.float64) if opens is not None else np.concatenate((close[:1], close[:-1]))
    return Bars(
        symbol=symbol,
        timeframe=Timeframe(1, "d"),
        ts=FIRST + np.arange(len(close), dtype=np.int64) * DAY,
        open=first,
        high=np.array(highs) if highs is not None else np.maximum(first, close),
        low=np.array(lows) if lows is not None else np.minimum(first, close),
        close=close,
        volume=np.full(len(close), volume),
        provenance=SAID,
    )


def table_from(closes: Sequence[float], **more: Any) -> pd.DataFrame:
    return frame_of([bars_from(closes, **more)])


def walk(count: int, *, seed: int, drift: float = 0.0, spread: float = 0.01, symbol: str = "AAA") -> Bars:
    """A random walk whose highs and lows reach beyond opens and closes."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(drift, spread, count)))
    opens = np.concatenate((close[:1], close[:-1])) * np.exp(rng.normal(0, spread / 4, count))
    wicks = np.exp(np.abs(rng.normal(0, spread / 3, (2, count))))
    highs, lows = np.maximum(opens, close) * wicks[0], np.minimum(opens, close) / wicks[1]
    return bars_from(close.tolist(), symbol=symbol, opens=opens.tolist(), highs=highs.tolist(), lows=lows.tolist())


def picked(bars: Bars, rows: NDArray[Any]) -> Bars:
    """Some of the bars: those that these rows name."""
    columns = {name: getattr(bars, name)[rows] for name in ("ts", "open", "high", "low", "close", "volume")}
    return replace(bars, **columns)


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp(FIRST + number * DAY, tz="UTC")
