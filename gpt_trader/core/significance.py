"""Whether a Sharpe ratio is skill or the luck of many trials: Bailey and Lopez de Prado's deflated Sharpe ratio.

Convention: Sharpe ratios here are of one period, not annualised, with a risk-free rate of zero unless the returns are
already excess returns; skewness and kurtosis are those of the sample (dividing by n); the kurtosis of a normal is 3.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EULER_GAMMA = 0.577_215_664_901_532_9
_NORMAL = NormalDist()


def probabilistic_sharpe(
    sharpe: float, *, observations: int, benchmark: float = 0.0, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Probability that the true Sharpe ratio of one period is above the benchmark, given the sample's shape."""
    variance = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if observations < 2 or not variance > 0.0:
        return math.nan
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((observations - 1) / variance))


def expected_best_sharpe(trials: int, *, variance: float) -> float:
    """The best Sharpe ratio that so many independent trials without skill are expected to show."""
    if trials < 2:
        return 0.0
    tail = (1.0 - EULER_GAMMA) * _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    return math.sqrt(variance) * (tail + EULER_GAMMA * _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e)))


def deflated_sharpe(returns: Floats, *, trial_sharpes: Floats) -> float:
    """Probability that returns chosen as the best of trials with these Sharpe ratios (of one period) have skill."""
    values = np.asarray(returns, dtype=np.float64)
    trials = np.asarray(trial_sharpes, dtype=np.float64)
    trials = trials[np.isfinite(trials)]
    if len(values) < 2 or np.ptp(values) == 0.0:
        return math.nan
    skewness, kurtosis = _shape(values)
    variance = float(trials.var(ddof=1)) if len(trials) > 1 else 0.0
    return probabilistic_sharpe(
        float(values.mean() / values.std(ddof=1)),
        observations=len(values),
        benchmark=expected_best_sharpe(len(trials), variance=variance),
        skewness=skewness,
        kurtosis=kurtosis,
    )


def _shape(values: Floats) -> tuple[float, float]:
    standard = (values - values.mean()) / values.std()
    return float(np.mean(standard**3)), float(np.mean(standard**4))
