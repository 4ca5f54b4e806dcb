"""The figures of a report, worked out from its curve, its trades and its ledger by the formulas of the core."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gpt_trader.core import metrics, trade_metrics
from gpt_trader.core.drawdowns import longest_drawdown
from gpt_trader.core.market import Dividend, Split
from gpt_trader.core.orders import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import Action
    from gpt_trader.core.orders import RoundTrip
    from gpt_trader.core.portfolio import Position
    from gpt_trader.trading.facts import Facts

    Floats = NDArray[np.float64]

COLUMNS = ("realised", "fees", "funding", "borrow", "dividends")


def all_of(report: Facts) -> dict[str, float]:
    """Every figure of a report, by name."""
    returns = metrics.returns_of(report.equity)
    periods = report.periods or metrics.observed_periods(report.times)
    return {
        **_return_figures(returns, report, periods),
        **_trade_figures(report, report.trades),
        **_activity_figures(report, periods),
        **_benchmark_figures(returns, report, periods),
    }


def _return_figures(returns: Floats, report: Facts, periods: float) -> dict[str, float]:
    rate = report.risk_free
    longest = longest_drawdown(report.equity, report.times)
    annual = metrics.annual_return(returns, periods=periods)
    deepest = metrics.max_drawdown(report.equity)
    value_at_risk, shortfall = metrics.tail_risk(returns)
    return {
        "total_return": float(report.final_equity / report.cash - 1),
        "annual_return": annual,
        "volatility": metrics.volatility(returns, periods=periods),
        "sharpe": metrics.sharpe(returns, periods=periods, risk_free=rate),
        "sortino": metrics.sortino(returns, periods=periods, risk_free=rate),
        "calmar": annual / -deepest if deepest < 0.0 else math.nan,
        "max_drawdown": deepest,
        "max_drawdown_days": longest.duration_ns / 86_400e9 if longest else 0.0,
        "value_at_risk": value_at_risk,
        "conditional_value_at_risk": shortfall,
        "equity_peak": float(report.equity.max()) if len(report.equity) else math.nan,
        "periods_per_year": periods,
    }


def _trade_figures(report: Facts, trades: Iterable[RoundTrip]) -> dict[str, float]:
    closed = list(trades)
    rate_of = {key: float(_rate(report, *key)) for key in report.portfolio.positions}
    rates = np.array([rate_of[t.strategy, t.symbol] for t in closed])
    profits = np.array([float(t.profit) for t in closed]) * rates
    entries = np.array([float(t.entry_value) for t in closed]) * rates
    gains = np.divide(profits, entries, out=np.zeros_like(profits), where=entries != 0.0)
    return {
        "trades": float(len(closed)),
        "win_rate": trade_metrics.win_rate(profits),
        "profit_factor": trade_metrics.profit_factor(profits),
        "profit_factor_of_returns": trade_metrics.profit_factor(gains),
        "expectancy": trade_metrics.expectancy(profits),
        "best_trade": trade_metrics.best_trade(gains),
        "worst_trade": trade_metrics.worst_trade(gains),
        "system_quality": trade_metrics.system_quality(profits),
        "longest_losing_streak": float(trade_metrics.longest_streak(profits)),
    }


def _activity_figures(report: Facts, periods: float) -> dict[str, float]:
    units = {key: _unit(report, *key) for key in report.portfolio.positions}
    worth = (f.quantity * f.price * units[f.strategy, f.symbol] for f in report.fills)
    traded = float(sum(worth, ZERO))  # one exact sum is quicker than a float of each
    return {
        "fills": float(len(report.fills)),
        "exposure": metrics.exposure(positions_held(report)),
        "turnover": float(traded / report.equity.mean() * periods / len(report.equity)) if traded else 0.0,
    }


def _benchmark_figures(returns: Floats, report: Facts, periods: float) -> dict[str, float]:
    if report.benchmark is None:
        return {}
    theirs = metrics.returns_of(report.benchmark)
    known = np.isfinite(theirs)
    rate = report.risk_free
    return {
        "benchmark_return": float(report.benchmark[-1] / report.benchmark[0] - 1.0),
        "alpha": metrics.alpha(returns[known], theirs[known], periods=periods, risk_free=rate),
        "beta": metrics.beta(returns[known], theirs[known], periods=periods, risk_free=rate),
    }


def positions_held(report: Facts) -> Floats:
    """At each time of the curve, how many strategies hold something."""
    opened = [p.opened_ns for p in report.portfolio.positions.values() if p.quantity]
    began = [*(trip.entry_ns for trip in report.trades), *opened]
    ended = [trip.exit_ns for trip in report.trades]
    changes = np.zeros(len(report.times) + 1)
    for moments, step in ((began, 1), (ended, -1)):
        np.add.at(changes, np.searchsorted(report.times, np.array(moments, dtype=np.int64)), step)
    return np.cumsum(changes, out=changes)[:-1]


def positions_of(report: Facts) -> list[dict[str, Any]]:
    """What is still held at the end."""
    held = [p for p in report.portfolio.positions.values() if p.quantity]
    return [
        {"strategy": p.strategy, "symbol": p.symbol, "quantity": str(p.quantity), "average": f"{p.average:.12g}"}
        for p in held
    ]


def costs_of(report: Facts) -> dict[str, Decimal]:
    """Fees, slippage, funding and borrow in the account's currency."""
    rate = report.portfolio.rate
    positions = report.portfolio.positions.values()
    total = {
        name: sum((getattr(p, name) * rate(p.currency) for p in positions), ZERO)
        for name in ("fees", "funding", "borrow")
    }
    slipped = (f.slippage * _unit(report, f.strategy, f.symbol) for f in report.fills)
    total["slippage"] = sum(slipped, ZERO)
    return total


def parts_of(report: Facts, by: Literal["symbol", "strategy"], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """The columns of the ledger, and the trades, of each symbol or each strategy."""
    positions: dict[str, list[Position]] = {name: [] for name in names}
    trades: dict[str, list[RoundTrip]] = {name: [] for name in positions}
    for position in report.portfolio.positions.values():
        positions[getattr(position, by)].append(position)
    for trade in report.trades:
        trades[getattr(trade, by)].append(trade)
    return {name: _part(report, positions[name], trades[name]) for name in positions}


def _part(report: Facts, inside: Sequence[Position], trades: Sequence[RoundTrip]) -> dict[str, float]:
    rate = report.portfolio.rate
    sums = {c: float(sum((getattr(p, c) * rate(p.currency) for p in inside), ZERO)) for c in COLUMNS}
    figures = _trade_figures(report, trades)
    kept = ("trades", "win_rate", "profit_factor", "best_trade", "worst_trade")
    return {**{name: figures[name] for name in kept}, **sums, "net": float(_net(report, inside))}


def kept(bars: Bars, actions: Iterable[Action], times: NDArray[np.int64]) -> Floats:
    """The worth at these times of one unit bought first and kept; splits and dividends outside the prices count."""
    units, cash = np.ones(len(bars)), np.zeros(len(bars))
    booked = (a for a in actions if isinstance(a, Split | Dividend) and a.symbol == bars.symbol)
    for action in sorted(booked, key=lambda a: a.ns):
        first = int(np.searchsorted(bars.ts, action.ns))
        if isinstance(action, Dividend):
            cash[first:] += units[first:] * float(action.amount)
        elif bars.provenance.prices == "raw":
            units[first:] *= action.new / action.old
    at = np.searchsorted(bars.ts, times, side="right") - 1
    return np.where(at >= 0, (units * bars.close + cash)[np.maximum(at, 0)], np.nan)


def _net(report: Facts, positions: Iterable[Position]) -> Decimal:
    rate = report.portfolio.rate
    return sum((p.net * rate(p.currency) for p in positions), ZERO)


def _rate(report: Facts, strategy: str, symbol: str) -> Decimal:
    """What the money of a position is worth in the account's, at the last rate."""
    return report.portfolio.rate(report.portfolio.positions[strategy, symbol].currency)


def _unit(report: Facts, strategy: str, symbol: str) -> Decimal:
    return report.portfolio.positions[strategy, symbol].multiplier * _rate(report, strategy, symbol)
