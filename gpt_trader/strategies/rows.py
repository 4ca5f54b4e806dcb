"""The built-in strategies' decisions as arrays, for sweeps: the arithmetic of bar by bar, so the same decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.errors import ValidationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.kernel import Grid, TargetRows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Targets = NDArray[np.int8]


def buy_and_hold(bars: Bars, grid: Grid) -> TargetRows:  # noqa: ARG001 - it needs to know nothing
    """Long after the first close."""

    def write(part: slice, out: Targets) -> None:  # noqa: ARG001 - every set is the same
        out[:] = 1

    return write


def sma_cross(bars: Bars, grid: Grid) -> TargetRows:
    """Long while the fast average is above the slow one; below it flat, or short."""
    from gpt_trader.trading.compiled import above

    fast, slow = grid.ints("fast", 10), grid.ints("slow", 30)
    _refuse(grid, (fast < 1) | (fast >= slow), "fast must be shorter than slow")
    lengths = np.unique(np.concatenate((fast, slow)))
    averages = moving_averages(bars.close, lengths)
    at_fast, at_slow = np.searchsorted(lengths, fast), np.searchsorted(lengths, slow)
    begins = np.minimum(slow - 1, len(bars))
    below = -1 if grid.one("below", "flat") == "short" else 0
    wait = bool(grid.one("wait_for_cross", default=False))

    def write(part: slice, out: Targets) -> None:
        above(averages, at_fast[part], averages, at_slow[part], begins[part], below, out)
        if wait:
            _wait_for_change(out, begins[part])

    return write


def moving_averages(values: Floats, lengths: Ints) -> Floats:
    """One row for each length: running sums `sum = sum + newest - oldest` over the length, from the first value on."""
    rows = np.empty((len(lengths), len(values)))
    steps = np.empty(2 * len(values))
    steps[0::2] = values
    for row, length in zip(rows, lengths.tolist(), strict=True):
        steps[1::2] = 0.0
        steps[2 * length + 1 :: 2] = -values[:-length]
        np.divide(np.cumsum(steps)[1::2], length, out=row)
    return rows


def _wait_for_change(out: Targets, begins: Ints) -> None:
    for row, begin in zip(out, begins.tolist(), strict=True):
        changed = np.flatnonzero(row[begin:] != row[begin : begin + 1])
        row[: begin + int(changed[0]) if len(changed) else None] = 0


def _refuse(grid: Grid, wrong: NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        raise ValidationError(f"{grid[int(np.argmax(wrong))]}: {why}", hint="leave such sets out of the grid")
