"""Risk parity: the weights with which every position brings the same part of the portfolio's variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SWEEPS = 1_000
NEAR = 1e-13
RIDGE = 1e-10
"""Positions that hedge each other wholly would grow without end; so little of their variance stays."""


def equal_risk(covariance: Floats) -> Floats:
    """Weights above zero that add up to one, found one coordinate at a time; each step is a quadratic equation.

    They are where half the variance minus the mean logarithm of the weights is least: there, a weight times its
    marginal variance is the same for all.
    """
    spread = np.sqrt(np.diag(covariance))
    table = covariance / np.outer(spread, spread) + RIDGE * np.eye(len(spread))  # correlations are better scaled
    part = 1.0 / len(spread)
    weights = np.full(len(spread), part)
    for _ in range(SWEEPS):
        before = weights.copy()
        for i, own in enumerate(np.diag(table).tolist()):
            others = float(table[i] @ weights) - own * float(weights[i])
            weights[i] = (np.sqrt(others * others + 4.0 * own * part) - others) / (2.0 * own)
        if np.abs(weights - before).max() <= NEAR * weights.max():
            break
    weights /= spread
    weights /= weights.sum()
    return weights
