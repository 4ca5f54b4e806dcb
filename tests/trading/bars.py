"""Bars written by hand, and bars drawn from a seed."""

from __future__ import annotations

import math

import numpy as np

from gpt_trader.core.bars import Bars, Provenance
from gpt_trader.core.market import DAY, SECOND, Timeframe

MADE = Provenance(origin="synthetic", source="a test")


def by_hand(rows, *, symbol="X", step=DAY, timeframe="1d", start=0, ts=None, prices="raw"):
    """Bars from rows of open, high, low, close and, if known, volume; evenly in time, or at the times given."""
    table = np.array([[*row, math.nan][:5] for row in rows], dtype=float)
    return Bars(
        symbol=symbol,
        timeframe=Timeframe.parse(timeframe),
        ts=start + np.arange(len(table), dtype=np.int64) * step if ts is None else ts,
        open=table[:, 0],
        high=table[:, 1],
        low=table[:, 2],
        close=table[:, 3],
        volume=table[:, 4],
        provenance=Provenance(origin="synthetic", source="by hand", prices=prices),
    )


def drawn(count, *, symbol="X", seed=7, sigma=0.0005):
    """One-minute bars of a random walk; each opens where the last one closed, so that fill conventions agree."""
    rng = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, sigma, count))), 5)
    opened = np.concatenate(([100.0], close[:-1]))
    above = np.abs(rng.normal(0.0, sigma / 2, count))
    below = np.abs(rng.normal(0.0, sigma / 2, count))
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    return Bars(
        symbol=symbol,
        timeframe=Timeframe(1, "m"),
        ts=1_577_836_800 * SECOND + np.arange(count, dtype=np.int64) * 60 * SECOND,
        open=opened,
        high=np.maximum(np.round(top * (1 + above), 5), top),
        low=np.minimum(np.round(bottom * (1 - below), 5), bottom),
        close=close,
        volume=rng.integers(1_000, 10_000, count).astype(float),
        provenance=MADE,
    )
