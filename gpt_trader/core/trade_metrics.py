"""Figures over closed trades: each takes one number per trade, its profit in money after costs or its return.

Conventions: a trade that ends at exactly zero is neither a win nor a loss; a figure that no trade defines is NaN;
deviations divide by n - 1; nothing is annualised and there is no risk-free rate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def win_rate(profits: Floats) -> float:
    """Share of the trades that ended above zero, of all trades."""
    return float(np.count_nonzero(np.asarray(profits) > 0.0)) / len(profits) if len(profits) else math.nan


def profit_factor(profits: Floats) -> float:
    """What the winners won over what the losers lost; infinite when nothing was lost."""
    values = np.asarray(profits, dtype=np.float64)
    won, lost = float(values[values > 0.0].sum()), float(-values[values < 0.0].sum())
    if lost > 0.0:
        return won / lost
    return math.inf if won > 0.0 else math.nan


def expectancy(profits: Floats) -> float:
    """Mean result of a trade, in the unit that was passed."""
    return float(np.mean(profits)) if len(profits) else math.nan


def best_trade(profits: Floats) -> float:
    """The highest result of a trade."""
    return float(np.max(profits)) if len(profits) else math.nan


def worst_trade(profits: Floats) -> float:
    """The lowest result of a trade."""
    return float(np.min(profits)) if len(profits) else math.nan


def system_quality(profits: Floats) -> float:
    """Van Tharp's SQN: sqrt(n) times mean over sample deviation of the results, n not capped at 100."""
    values = np.asarray(profits, dtype=np.float64)
    if len(values) < 2 or np.ptp(values) == 0.0:
        return math.nan
    return float(math.sqrt(len(values)) * values.mean() / values.std(ddof=1))


def longest_streak(profits: Floats, *, losing: bool = True) -> int:
    """The longest run of losses (or of wins) in the order of the trades; a zero ends either."""
    longest = run = 0
    for value in np.asarray(profits, dtype=np.float64).tolist():
        run = run + 1 if (value < 0.0 if losing else value > 0.0) else 0
        longest = max(longest, run)
    return longest


def slippage_paid(quantity: Floats, price: Floats, reference: Floats) -> float:
    """Money lost between reference and fill, quantities signed (sells negative); negative where fills were better."""
    return float(np.sum(np.asarray(quantity) * (np.asarray(price) - np.asarray(reference))))


def fees_paid(fees: Floats) -> float:
    """The sum of the fees of all fills; a rebate is a negative fee."""
    return math.fsum(np.asarray(fees, dtype=np.float64).tolist())
