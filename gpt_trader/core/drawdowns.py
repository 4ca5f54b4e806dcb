"""Drawdowns with their dates, and returns by month: the two tables of a report that are about when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.metrics import underwater

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One stay below a peak; times are nanoseconds UTC, and `recovered_at` is None while it lasts."""

    depth: float
    peak_at: int
    trough_at: int
    recovered_at: int | None
    until: int
    bars: int

    @property
    def duration_ns(self) -> int:
        """From the peak to the recovery, or to the end of the data."""
        return self.until - self.peak_at


@dataclass(frozen=True, slots=True)
class MonthlyRow:
    """Compounded returns of one calendar year: twelve months (NaN where there is no data) and the whole year."""

    year: int
    months: tuple[float, ...]
    total: float


def drawdowns(equity: Floats, ts: Times) -> tuple[Drawdown, ...]:
    """Every drawdown in order of time, from its peak until the equity is at or above that peak again."""
    depth = underwater(equity)
    below = np.concatenate(([False], depth < 0.0, [False]))
    edges = np.flatnonzero(below[1:] != below[:-1])
    return tuple(_drawdown(depth, ts, int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True))


def worst_drawdown(equity: Floats, ts: Times) -> Drawdown | None:
    """The deepest drawdown, the earliest of equals; None when the equity never fell."""
    return min(drawdowns(equity, ts), key=lambda d: d.depth, default=None)


def longest_drawdown(equity: Floats, ts: Times) -> Drawdown | None:
    """The drawdown that lasted longest in time, the earliest of equals; None when the equity never fell."""
    return max(drawdowns(equity, ts), key=lambda d: d.duration_ns, default=None)


def monthly_table(equity: Floats, ts: Times) -> tuple[MonthlyRow, ...]:
    """Returns by calendar month of UTC, from the last value before the month (at first, the first) to its own."""
    if len(equity) == 0:
        return ()
    months = np.asarray(ts).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = np.flatnonzero(np.append(months[1:] != months[:-1], True))
    ends = np.asarray(equity, dtype=np.float64)[last]
    starts = np.concatenate((np.asarray(equity, dtype=np.float64)[:1], ends[:-1]))
    return _rows(months[last] + 1970 * 12, ends / starts)


def _drawdown(depth: Floats, ts: Times, first: int, end: int) -> Drawdown:
    peak, trough, recovered = first - 1, first + int(np.argmin(depth[first:end])), end < len(depth)
    until = end if recovered else end - 1
    return Drawdown(
        depth=float(depth[trough]),
        peak_at=int(ts[peak]),
        trough_at=int(ts[trough]),
        recovered_at=int(ts[until]) if recovered else None,
        until=int(ts[until]),
        bars=until - peak,
    )


def _rows(months: Times, growth: Floats) -> tuple[MonthlyRow, ...]:
    rows = []
    for year in range(int(months[0]) // 12, int(months[-1]) // 12 + 1):
        cells = np.full(12, np.nan)
        here = months // 12 == year
        cells[months[here] % 12] = growth[here] - 1.0
        rows.append(MonthlyRow(year, tuple(cells.tolist()), float(np.prod(growth[here]) - 1.0)))
    return tuple(rows)
