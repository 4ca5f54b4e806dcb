"""How symbols move together: the correlation of log returns between bars in common, over trailing windows."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import UsageError
from gpt_trader.core.frames import times_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]
    Pair = tuple[str, str]

MOST_ROWS = 5_000_000
CHUNK = 1_000_000


def pearson(one: Floats, other: Floats) -> Floats:
    """The correlation of each row of one table with the same row of another; NaN where one does not vary."""
    first, second = (rows - rows.mean(axis=1, keepdims=True) for rows in (one, other))
    flat = (np.ptp(one, axis=1) == 0) | (np.ptp(other, axis=1) == 0)
    spread = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    found: Floats = (first * second).sum(axis=1) / np.where(flat | (spread == 0), np.nan, spread)
    return np.clip(found, -1.0, 1.0, out=found)


def history_of(
    bars: Sequence[Bars], window: int, *, step: int, check: Callable[[], None] = lambda: None
) -> pd.DataFrame:
    """A row for each pair and each moved window: time, first, second, correlation; by pair, then by time."""
    import pandas as pd

    pairs = len(bars) * (len(bars) - 1) // 2
    if pairs * (max(len(b) for b in bars) // step) > MOST_ROWS:
        raise UsageError(
            f"{pairs} pairs of {len(bars)} symbols make too long a history", hint="raise `step`, or name fewer symbols"
        )
    times, names, values = [], list[tuple[str, str, int]](), []
    for one, other in combinations(bars, 2):
        check()
        ts, a, b = common_returns(one, other)
        ends = np.arange(len(ts) - 1, window - 2, -step)[::-1]
        times.append(ts[ends])
        values.append(_rolled(a, b, ends, window))
        names.append((one.symbol, other.symbol, len(ends)))
    counts = [count for _, _, count in names]
    return pd.DataFrame(
        {
            "time": times_of(np.concatenate(times)),
            "first": np.repeat(np.array([a for a, _, _ in names], dtype=object), counts),
            "second": np.repeat(np.array([b for _, b, _ in names], dtype=object), counts),
            "correlation": np.concatenate(values),
        }
    )


def present_of(bars: Sequence[Bars], window: int) -> dict[Pair, float]:
    """The correlation of each pair over its last window; NaN where there are too few bars in common."""
    found: dict[Pair, float] = {}
    for group, rows in _alike(bars, window):
        for i, symbol in enumerate(group[:-1]):
            against = np.ascontiguousarray(np.broadcast_to(rows[i], rows[i + 1 :].shape))
            values = pearson(against, rows[i + 1 :]).tolist()
            found.update(((symbol, other), value) for other, value in zip(group[i + 1 :], values, strict=True))
    for one, other in combinations(bars, 2):
        if (one.symbol, other.symbol) not in found:
            _, a, b = common_returns(one, other)
            full = len(a) >= window
            found[one.symbol, other.symbol] = (
                float(pearson(a[None, -window:], b[None, -window:])[0]) if full else np.nan
            )
    return found


def common_returns(one: Bars, other: Bars) -> tuple[Times, Floats, Floats]:
    """The log returns of both between the bars that both have, and when those bars began."""
    if len(one) == len(other) and np.array_equal(one.ts, other.ts):
        return one.ts[1:], np.diff(np.log(one.close)), np.diff(np.log(other.close))
    ts, first, second = np.intersect1d(one.ts, other.ts, return_indices=True)
    return ts[1:], np.diff(np.log(one.close[first])), np.diff(np.log(other.close[second]))


def matrix_of(symbols: Sequence[str], found: Mapping[Pair, float]) -> dict[str, dict[str, float | None]]:
    """Every symbol against every other one; none where it is not known."""
    table: dict[str, dict[str, float | None]] = {s: {} for s in symbols}
    for one in symbols:
        for other in symbols:
            value = 1.0 if one == other else found.get((one, other), found.get((other, one), np.nan))
            table[one][other] = float(value) if np.isfinite(value) else None
    return table


def clusters_of(symbols: Sequence[str], found: Mapping[Pair, float], *, threshold: float) -> list[list[str]]:
    """Symbols chained by pairs correlated so much, either way; as for the guard, an unknown one counts as 1."""
    home = {symbol: symbol for symbol in symbols}

    def root(symbol: str) -> str:
        while home[symbol] != symbol:
            home[symbol] = symbol = home[home[symbol]]
        return symbol

    for (one, other), value in found.items():
        if not abs(value) < threshold:
            home[root(other)] = root(one)
    groups: dict[str, list[str]] = {}
    for symbol in symbols:
        groups.setdefault(root(symbol), []).append(symbol)
    return list(groups.values())


def _rolled(one: Floats, other: Floats, ends: NDArray[np.intp], window: int) -> Floats:
    if len(ends) == 0:
        return np.zeros(0)
    views = [np.lib.stride_tricks.sliding_window_view(values, window) for values in (one, other)]
    rows = max(1, CHUNK // window)
    parts = [ends[at : at + rows] - window + 1 for at in range(0, len(ends), rows)]
    return np.concatenate([pearson(views[0][part], views[1][part]) for part in parts])


def _alike(bars: Sequence[Bars], window: int) -> Iterator[tuple[list[str], Floats]]:
    """Symbols with the very same bars, and the last returns of each as one table."""
    groups: dict[bytes, list[Bars]] = {}
    for b in bars:
        groups.setdefault(b.ts.tobytes(), []).append(b)
    for group in groups.values():
        if len(group) > 1 and len(group[0]) > window:
            rows: Any = np.stack([np.diff(np.log(b.close))[-window:] for b in group])
            yield [b.symbol for b in group], rows
