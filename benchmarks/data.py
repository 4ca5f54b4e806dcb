"""One random walk for every engine, out of a seed; nothing but numpy, because the peers' Pythons read it, too.

Each bar opens where the last one closed: an engine that fills at the close of the signal's bar and one that fills at
the next open then agree, and their fills and final equity can be compared. So the data cannot show a look-ahead.
"""

from __future__ import annotations

import numpy as np

MINUTE_NS = 60_000_000_000
BEGIN_NS = 1_577_836_800_000_000_000  # 2020-01-01 in UTC
FEE = 0.001


def walk(count: int, *, seed: int, sigma: float) -> dict[str, np.ndarray]:
    """Columns of one-minute bars; five decimals keep exact ties of averages rare."""
    rng = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, sigma, count))), 5)
    opened = np.concatenate(([100.0], close[:-1]))
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    above, below = (np.abs(rng.normal(0.0, sigma / 2, count)) for _ in range(2))
    return {
        "ts": BEGIN_NS + MINUTE_NS * np.arange(count, dtype=np.int64),
        "open": opened,
        "high": np.maximum(np.round(top * (1 + above), 5), top),
        "low": np.minimum(np.round(bottom * (1 - below), 5), bottom),
        "close": close,
        "volume": rng.integers(1_000, 10_000, count).astype(np.float64),
    }


def for_backtest(count: int) -> dict[str, np.ndarray]:
    """The bars of the event-driven work."""
    return walk(count, seed=7, sigma=0.0005)


def for_sweep(count: int = 10_000) -> dict[str, np.ndarray]:
    """The bars of the sweep."""
    return walk(count, seed=11, sigma=0.001)
