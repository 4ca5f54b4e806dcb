"""Figures that judge a strategy: pure functions over arrays, so that all who report one compute the same thing.

Conventions that hold throughout:

* `returns` are simple returns per period (0.01 is one per cent), without NaN; `equity` is the account's value
  at the end of each period.
* `periods` is the number of periods in a year; `risk_free` is a yearly rate, spread geometrically over the periods.
* Deviations of a sample divide by n - 1.
* A figure that the data does not define (too few values, no spread, no trade) is NaN, never zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

YEAR_NS = 31_557_600_000_000_000
"""A Julian year (365.25 days) in nanoseconds."""


def observed_periods(ts: NDArray[np.int64]) -> float:
    """Periods in a year as the timestamps (ns) show them: intervals divided by elapsed Julian years."""
    if len(ts) < 2 or ts[-1] <= ts[0]:
        return math.nan
    return float((len(ts) - 1) * YEAR_NS / int(ts[-1] - ts[0]))


def per_period(rate: float, periods: float) -> float:
    """The rate of one period that compounds to this yearly rate."""
    return float((1.0 + rate) ** (1.0 / periods) - 1.0)


def returns_of(equity: Floats) -> Floats:
    """Simple returns between neighbouring values, one fewer than there are values."""
    values = np.asarray(equity, dtype=np.float64)
    returns = values[1:] / values[:-1]
    returns -= 1.0
    return returns


def total_return(returns: Floats) -> float:
    """Compounded return over all periods; nothing is annualised."""
    return float(np.prod(1.0 + np.asarray(returns, dtype=np.float64)) - 1.0)


def annual_return(returns: Floats, *, periods: float) -> float:
    """Compound yearly growth: (1 + total return) ** (periods / n) - 1; a ruined account is -1."""
    if len(returns) == 0:
        return math.nan
    growth = 1.0 + total_return(returns)
    return growth ** (periods / len(returns)) - 1.0 if growth > 0.0 else -1.0


def volatility(returns: Floats, *, periods: float) -> float:
    """Sample deviation of the returns, annualised by the square root of time."""
    return _deviation(returns) * math.sqrt(periods)


def sharpe(returns: Floats, *, periods: float, risk_free: float = 0.0) -> float:
    """Mean excess return over its sample deviation, annualised by the square root of time."""
    excess = _excess(returns, periods, risk_free)
    spread = _deviation(excess)
    return float(excess.mean() / spread * math.sqrt(periods)) if spread > 0.0 else math.nan


def sortino(returns: Floats, *, periods: float, risk_free: float = 0.0) -> float:
    """Mean excess return over downside deviation (root mean square of shortfalls over all n), annualised as Sharpe."""
    excess = _excess(returns, periods, risk_free)
    if len(excess) == 0:
        return math.nan
    shortfalls = np.minimum(excess, 0.0)
    shortfalls *= shortfalls
    downside = math.sqrt(float(shortfalls.mean()))
    return float(excess.mean() / downside * math.sqrt(periods)) if downside > 0.0 else math.nan


def calmar(returns: Floats, *, periods: float) -> float:
    """Annual return over the size of the maximum drawdown; without a drawdown it is not defined."""
    depth = max_drawdown(equity_of(returns))
    return annual_return(returns, periods=periods) / -depth if depth < 0.0 else math.nan


def equity_of(returns: Floats, *, start: float = 1.0) -> Floats:
    """The value at the start and after each period, one more than there are returns."""
    growth = np.empty(len(returns) + 1, dtype=np.float64)
    growth[0] = start
    growth[1:] = start * np.cumprod(1.0 + np.asarray(returns, dtype=np.float64))
    return growth


def underwater(equity: Floats) -> Floats:
    """At each period, how far the equity is below its highest value so far: 0 at a peak, -0.2 is a fifth below."""
    values = np.asarray(equity, dtype=np.float64)
    depth = np.maximum.accumulate(values)
    np.divide(values, depth, out=depth)
    depth -= 1.0
    return depth


def max_drawdown(equity: Floats) -> float:
    """The deepest fall from a peak, as a negative share of that peak; 0 when it never fell."""
    return float(underwater(equity).min()) if len(equity) else math.nan


def value_at_risk(returns: Floats, *, level: float = 0.05) -> float:
    """Historical value at risk: the `level` quantile of the returns of one period, interpolated, with its sign."""
    return tail_risk(returns, level=level)[0]


def conditional_value_at_risk(returns: Floats, *, level: float = 0.05) -> float:
    """Expected shortfall: the mean of the worst int(level * (n - 1)) + 1 returns of one period, with its sign."""
    return tail_risk(returns, level=level)[1]


def tail_risk(returns: Floats, *, level: float = 0.05) -> tuple[float, float]:
    """Value at risk and expected shortfall together, for which the returns are ranked once."""
    values = np.asarray(returns, dtype=np.float64)
    if len(values) == 0:
        return math.nan, math.nan
    place = level * (len(values) - 1)  # numpy's own percentile would import its masked arrays first
    low = int(place)
    ranked = np.partition(values, low)
    shortfall = float(ranked[: low + 1].mean())
    below, part = float(ranked[low]), place - low
    above = float(ranked[low + 1 :].min()) if low + 1 < len(values) else below
    if np.isnan(above):
        return math.nan, shortfall
    return above - (above - below) * (1.0 - part) if part >= 0.5 else below + (above - below) * part, shortfall


def beta(returns: Floats, benchmark: Floats, *, periods: float, risk_free: float = 0.0) -> float:
    """Slope of the least-squares line of excess returns on the benchmark's excess returns."""
    rate = per_period(risk_free, periods)
    theirs = np.asarray(benchmark, dtype=np.float64) - rate
    if len(theirs) < 2 or np.ptp(theirs) == 0.0:
        return math.nan
    deviations = theirs - theirs.mean()
    ours = np.asarray(returns, dtype=np.float64) - rate
    return float(deviations @ (ours - ours.mean()) / (deviations @ deviations))


def alpha(returns: Floats, benchmark: Floats, *, periods: float, risk_free: float = 0.0) -> float:
    """Mean excess return that beta does not explain, compounded to a year."""
    rate = per_period(risk_free, periods)
    slope = beta(returns, benchmark, periods=periods, risk_free=risk_free)
    unexplained = (np.asarray(returns) - rate) - slope * (np.asarray(benchmark) - rate)
    return float((1.0 + unexplained.mean()) ** periods - 1.0) if len(unexplained) else math.nan


def rolling_sharpe(returns: Floats, window: int, *, periods: float, risk_free: float = 0.0) -> Floats:
    """Sharpe of each trailing window, annualised as `sharpe`; NaN until the first window is full."""
    values = np.asarray(returns, dtype=np.float64) - per_period(risk_free, periods)
    out = np.full(len(values), np.nan)
    if window < 2 or len(values) < window:
        return out
    views = np.lib.stride_tricks.sliding_window_view(values, window)
    rows = max(1, 1_000_000 // window)
    for first in range(0, len(views), rows):
        part = views[first : first + rows]
        spread = np.where(np.ptp(part, axis=1) > 0.0, part.std(axis=1, ddof=1), np.nan)
        out[window - 1 + first : window - 1 + first + len(part)] = part.mean(axis=1) / spread * math.sqrt(periods)
    return out


def exposure(position: Floats) -> float:
    """Share of the periods that ended with an open position."""
    return float(np.count_nonzero(position)) / len(position) if len(position) else math.nan


def turnover(traded: Floats, equity: Floats, *, periods: float) -> float:
    """Notional traded in a year, buys and sells both counted, over the mean equity."""
    if len(equity) == 0 or np.mean(equity) <= 0.0:
        return math.nan
    return float(np.abs(traded).sum() / np.mean(equity) * periods / len(equity))


def _excess(returns: Floats, periods: float, risk_free: float) -> Floats:
    values, rate = np.asarray(returns, dtype=np.float64), per_period(risk_free, periods)
    return values - rate if rate else values


def _deviation(values: Floats) -> float:
    if len(values) < 2:
        return math.nan
    return float(np.std(values, ddof=1)) if np.ptp(values) > 0.0 else 0.0
