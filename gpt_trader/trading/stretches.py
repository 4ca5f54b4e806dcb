"""Stretches that were traded one after the other, as one account in the named outputs of a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core import metrics
from gpt_trader.core.frames import times_of
from gpt_trader.core.market import time_of
from gpt_trader.core.significance import probabilistic_sharpe
from gpt_trader.trading.facts import Outcome
from gpt_trader.trading.forward import figures_of, known, profits_of
from gpt_trader.trading.provenance import plain
from gpt_trader.trading.results import refusals_of, trips_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.trading.forward import Stretch
    from gpt_trader.trading.report import Report

    Floats = NDArray[np.float64]


def told_of(stretch: Stretch | None) -> dict[str, float | None]:
    """The figures of a stretch, with the probability that it shows skill."""
    if stretch is None:
        return {}
    periods = metrics.observed_periods(stretch.times)
    figures = figures_of(stretch.equity, profits_of(stretch.trades), periods=periods)
    return known({**figures, "probabilistic_sharpe": skill_of(stretch.equity)})


def skill_of(equity: Floats) -> float:
    """The probability that an account has skill, as the result of one try that nobody chose by its outcome."""
    returns = metrics.returns_of(equity)
    if len(returns) < 3 or np.ptp(returns) == 0.0:
        return math.nan
    standard = (returns - returns.mean()) / returns.std()
    return probabilistic_sharpe(
        float(returns.mean() / returns.std(ddof=1)),
        observations=len(returns),
        skewness=float(np.mean(standard**3)),
        kurtosis=float(np.mean(standard**4)),
    )


def account_of(stretches: Sequence[Stretch], base: Stretch | None, name: str) -> dict[str, Any]:
    """The account through all stretches, as a report on a backtest takes it; `base` is named so."""
    import pandas as pd

    times = np.concatenate([s.times for s in stretches])
    equity = np.concatenate([s.equity for s in stretches])
    trades = [trade for s in stretches for trade in s.trades]
    figures = figures_of(equity, profits_of(trades), periods=metrics.observed_periods(times))
    frame = pd.DataFrame({"time": times_of(times), "equity": equity, "drawdown": metrics.underwater(equity)})
    frame["exposure"] = np.concatenate([s.exposure[0] for s in stretches])
    frame["net_exposure"] = np.concatenate([s.exposure[1] for s in stretches])
    if base is not None:
        frame["baseline"] = base.equity[np.minimum(np.searchsorted(base.times, times), len(base.equity) - 1)]
    return {
        "final_equity": float(equity[-1]),
        "metrics": known({**figures, "probabilistic_sharpe": skill_of(equity)}),
        "baseline_metrics": {} if base is None else {"name": name, **told_of(base)},
        "period": period_of(times, len(stretches)),
        "equity": frame,
        "trades": trips_frame(trades),
        "details": {**_details([s.report for s in stretches]), "other_order_of_events": _otherwise(stretches)},
        "refusals": refusals_of(*(s.report for s in stretches)),
        "provenance": stretches[-1].report.provenance,
    }


def _details(reports: Sequence[Report]) -> dict[str, Any]:
    """What all stretches together cost, and what to be careful about."""
    names = dict.fromkeys(name for r in reports for name in r.costs)
    return {
        "costs": {name: str(sum(r.costs.get(name, Decimal(0)) for r in reports)) for name in names},
        "orders": sum(len(r.orders) for r in reports),
        "ambiguous_bars": sum(r.ambiguous_bars for r in reports),
        "optimistic": list(dict.fromkeys(rule for r in reports for rule in r.optimistic)),
    }


def _otherwise(stretches: Sequence[Stretch]) -> Any:
    """The account under the other order of events: the same choices, each with the money that it then has."""
    if not any(s.report.ambiguous_bars for s in stretches):
        return None
    start = cash = stretches[0].report.cash
    parts: list[Outcome] = []
    for stretch in stretches:
        parts.append(stretch.otherwise(cash))
        cash = parts[-1].final_equity
    trades = sum(part.trades for part in parts)
    return plain(Outcome(parts[-1].events, cash, float(cash / start - 1), trades))


def period_of(times: NDArray[np.int64], count: int) -> dict[str, Any]:
    """Over which bars, and in words that none of the choices had seen them."""
    first, last = time_of(int(times[0])), time_of(int(times[-1]))
    span = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "bars": len(times),
        "out_of_sample": True,
        "words": f"{span}, out of sample: {count} stretches, each traded with what was best before it",
    }
