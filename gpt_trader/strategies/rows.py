"""The built-in strategies' decisions as arrays, for sweeps: the arithmetic of bar by bar, so the same decisions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.errors import ValidationError
from gpt_trader.trading.loops import targets
from gpt_trader.trading.native import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.kernel import Grid, TargetRows

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Targets = NDArray[np.int8]
    Score = Callable[[list[float]], float]


HAIR = 1e-7
"""Scores nearer than this to a level are worked out again by the sums of the strategy itself."""


def buy_and_hold(bars: Bars, grid: Grid) -> TargetRows:  # noqa: ARG001 - it needs to know nothing
    """Long after the first close."""

    def write(part: slice, out: Targets) -> None:  # noqa: ARG001 - every set is the same
        out[:] = 1

    return write


def sma_cross(bars: Bars, grid: Grid) -> TargetRows:
    """Long while the fast average is above the slow one; below it flat, or short."""
    fast, slow = grid.ints("fast", 10), grid.ints("slow", 30)
    _refuse(grid, (fast < 1) | (fast >= slow), "fast must be shorter than slow")
    lengths = np.unique(np.concatenate((fast, slow)))
    averages = np.empty((len(lengths), len(bars)))
    compiled(targets.running_averages)(np.ascontiguousarray(bars.close), lengths, averages)
    above = compiled(targets.above)
    at_fast, at_slow = np.searchsorted(lengths, fast), np.searchsorted(lengths, slow)
    begins = np.minimum(slow - 1, len(bars))
    below = -1 if grid.one("below", "flat") == "short" else 0
    wait = bool(grid.one("wait_for_cross", default=False))

    def write(part: slice, out: Targets) -> None:
        above(averages, at_fast[part], averages, at_slow[part], begins[part], below, out)
        if wait:
            _wait_for_change(out, begins[part])

    return write


def momentum(bars: Bars, grid: Grid) -> TargetRows:
    """Long after a rise over the look-back, flat or short after a fall, else as before."""
    lookback, threshold = grid.ints("lookback", 20), grid.floats("threshold", 0.0)
    _refuse(grid, (lookback < 1) | (threshold < 0), "lookback must be at least 1 and threshold not negative")
    lines = _Lines(len(bars))
    moves = {length: lines.add(_moves(bars.close, length)) for length in np.unique(lookback).tolist()}
    value = np.array([moves[length] for length in lookback.tolist()])
    never = (lines.level(-math.inf), lines.level(math.inf))
    rails = (value, lines.levels(threshold), lines.levels(-threshold), *(np.full(len(grid), n) for n in never))
    return lines.writer(rails, begins=lookback, low=-1 if grid.one("below", "flat") == "short" else 0)


def breakout(bars: Bars, grid: Grid) -> TargetRows:
    """Long above the entry channel, short below it where that is wanted, out beyond the exit channel."""
    entry, leave = grid.ints("entry", 20), grid.ints("exit", 10)
    _refuse(grid, (entry < 1) | (leave < 1), "entry and exit must be at least 1")
    lines, short = _Lines(len(bars)), bool(grid.one("short", default=False))
    lengths = np.unique(np.concatenate((entry, leave))).tolist()
    highs = {length: lines.add(_before(bars.high, length, np.max)) for length in lengths}
    lows = {length: lines.add(_before(bars.low, length, np.min)) for length in lengths}
    price, never = lines.add(bars.close), lines.level(-math.inf)
    rails = (
        np.full(len(grid), price),
        np.array([highs[length] for length in entry.tolist()]),
        np.array([lows[length] if short else never for length in entry.tolist()]),
        np.array([lows[length] for length in leave.tolist()]),
        np.array([highs[length] for length in leave.tolist()]),
    )
    return lines.writer(rails, begins=np.maximum(entry, leave), low=-1)


def mean_reversion(bars: Bars, grid: Grid, *, score: Score) -> TargetRows:
    """Long far below the mean, flat or short far above it, out near it; `score` is the strategy's own measure."""
    window, entry, leave = grid.ints("window", 20), grid.floats("entry", 2.0), grid.floats("exit", 0.5)
    _refuse(grid, (window < 2) | (leave >= entry) | (leave < 0), "window must be at least 2, and exit less than entry")
    lines, levels = _Lines(len(bars)), np.unique(np.concatenate((entry, -entry, leave, -leave)))
    scores = {
        length: lines.add(-_scores(bars.close, length, levels, score=score)) for length in np.unique(window).tolist()
    }
    # A level that counts when it is reached is passed by its neighbour.
    rails = (
        np.array([scores[length] for length in window.tolist()]),
        lines.levels(np.nextafter(entry, -math.inf)),
        lines.levels(np.nextafter(-entry, math.inf)),
        lines.levels(np.nextafter(leave, math.inf)),
        lines.levels(np.nextafter(-leave, -math.inf)),
    )
    return lines.writer(rails, begins=window - 1, low=-1 if grid.one("short", default=False) else 0)


class _Lines:
    """The lines that steer all sets, each kept once."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._rows: list[Floats] = []
        self._levels: dict[float, int] = {}

    def add(self, row: Floats) -> int:
        self._rows.append(row)
        return len(self._rows) - 1

    def level(self, value: float) -> int:
        if value not in self._levels:
            self._levels[value] = self.add(np.full(self._length, value))
        return self._levels[value]

    def levels(self, values: Floats) -> Ints:
        return np.array([self.level(value) for value in values.tolist()])

    def writer(self, rails: tuple[Ints, ...], *, begins: Ints, low: int) -> TargetRows:
        latched = compiled(targets.latched)
        table, first = np.array(self._rows), np.minimum(begins, self._length)

        def write(part: slice, out: Targets) -> None:
            latched(table, targets.Rails(*(numbers[part] for numbers in rails)), first[part], low, out)

        return write


def _moves(close: Floats, length: int) -> Floats:
    moves = np.full(len(close), np.nan)
    moves[length:] = close[length:] / close[:-length] - 1.0
    return moves


def _before(values: Floats, length: int, extreme: Callable[..., Floats]) -> Floats:
    """Take the extreme of so many bars before each; its own is not among them."""
    found = np.full(len(values), np.nan)
    if length < len(values):
        found[length:] = extreme(np.lib.stride_tricks.sliding_window_view(values[:-1], length), axis=1)
    return found


def _scores(close: Floats, length: int, levels: Floats, *, score: Score) -> Floats:
    """Score quickly, and exactly where a hair could turn a decision."""
    scores = np.full(len(close), np.nan)
    if length > len(close):
        return scores
    windows = np.lib.stride_tricks.sliding_window_view(close, length)
    spread = windows.std(axis=1, ddof=1)
    still = spread <= HAIR * np.abs(close[length - 1 :])
    scores[length - 1 :] = (close[length - 1 :] - windows.mean(axis=1)) / np.where(still, 1.0, spread)
    nearest = levels[np.clip(np.searchsorted(levels, scores[length - 1 :]), 1, len(levels) - 1)[:, None] - [0, 1]]
    close_call = np.abs(nearest - scores[length - 1 :, None]).min(axis=1) < HAIR
    for at in np.flatnonzero(still | close_call).tolist():
        scores[length - 1 + at] = score(windows[at].tolist())
    return scores


def _wait_for_change(out: Targets, begins: Ints) -> None:
    for row, begin in zip(out, begins.tolist(), strict=True):
        changed = np.flatnonzero(row[begin:] != row[begin : begin + 1])
        row[: begin + int(changed[0]) if len(changed) else None] = 0


def _refuse(grid: Grid, wrong: NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        raise ValidationError(f"{grid[int(np.argmax(wrong))]}: {why}", hint="leave such sets out of the grid")
