"""The equity of a position that is held: the sums of its returns, and how deep it fell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt_trader.trading.loops.kinds import summing

if TYPE_CHECKING:
    from gpt_trader.trading.loops.account import Book
    from gpt_trader.trading.loops.kinds import Floats


TINY = 1e-12
BLOCK = 64


class Run(NamedTuple):
    """The equity of one set so far: last value, peak, the smallest share of a peak that was left; sums of returns."""

    equity: float
    peak: float
    worst: float
    total: float
    squares: float


@summing
def add_returns(close: Floats, earlier: Floats, cash: float, held: float) -> tuple[float, float]:
    """Sum of the returns of bars whose position does not change, and sum of their squares."""
    total, squares = 0.0, 0.0
    for i in range(len(close)):
        r = held * (close[i] - earlier[i]) / (cash + held * earlier[i])
        total += r
        squares += r * r
    return total, squares


@summing
def reach(close: Floats, cash: float, held: float) -> tuple[float, float]:
    """Lowest and highest equity of bars whose position does not change."""
    low, high = np.inf, -np.inf
    for i in range(len(close)):
        low = min(low, close[i])
        high = max(high, close[i])
    if held > 0.0:
        return cash + held * low, cash + held * high
    return cash + held * high, cash + held * low


def worst_fall(close: Floats, cash: float, held: float, peak: float, worst: float) -> tuple[float, float]:
    """Follow the peak bar by bar: (peak, smallest share of a peak that was left)."""
    for i in range(len(close)):
        equity = cash + held * close[i]
        peak = max(peak, equity)
        if equity < worst * peak:
            worst = equity / peak
    return peak, worst


def follow(  # noqa: PLR0913, PLR0917
    close: Floats, returns: Floats, squared: Floats, at: int, until: int, book: Book, run: Run
) -> Run:
    """Hold a position through some bars: the run with their returns and falls added."""
    cash, held = book.cash, book.held
    equity = cash + held * close[at]
    r = equity / run.equity - 1.0
    total, squares = run.total + r, run.squares + r * r
    peak, worst = max(run.peak, equity), run.worst
    if equity < worst * peak:
        worst = equity / peak
    if held != 0.0 and until > at + 1:
        more, more_squares = returns[until - 1] - returns[at], squared[until - 1] - squared[at]
        if held < 0.0 or abs(cash) >= TINY * equity:
            more, more_squares = add_returns(close[at + 1 : until], close[at : until - 1], cash, held)
        total, squares = total + more, squares + more_squares
        for first in range(at + 1, until, BLOCK):
            kept = close[first : min(first + BLOCK, until)]
            low, high = reach(kept, cash, held)
            # Bar by bar only where the deepest fall could be in here.
            if low < worst * max(peak, high):
                peak, worst = worst_fall(kept, cash, held, peak, worst)
            peak = max(peak, high)
        equity = cash + held * close[until - 1]
    return Run(equity, peak, worst, total, squares)
