"""Walking forward: the time is cut into folds, each with a past to choose on and a next stretch to be judged by."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core import metrics, trade_metrics
from gpt_trader.core.errors import NoBars
from gpt_trader.core.market import Split
from gpt_trader.trading.late_start import LateStart
from gpt_trader.trading.modes import other_order, run_backtest
from gpt_trader.trading.results import exposures

if TYPE_CHECKING:
    from decimal import Decimal

    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.orders import RoundTrip
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.facts import Outcome
    from gpt_trader.trading.report import Report
    from gpt_trader.trading.seats import StrategySpec

    Floats = NDArray[np.float64]

LEAST = 2
"""A stretch with fewer bars than this cannot be traded."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A past to choose on and the stretch behind it, in nanoseconds; an end is no part of its stretch."""

    train: tuple[int, int]
    test: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened from a moment on: times, equity at each of them, the trades, and the whole report behind it.

    The exposures, gross and net, are what was held as a part of the equity. `otherwise` trades it again with so much
    money and the other order of events within ambiguous bars.
    """

    times: NDArray[np.int64]
    equity: Floats
    trades: tuple[RoundTrip, ...]
    report: Report
    exposure: tuple[Floats, Floats]
    otherwise: Callable[[Decimal], Outcome]


def moments_of(bars: Sequence[Bars]) -> NDArray[np.int64]:
    """All times at which any symbol has a bar."""
    return np.unique(np.concatenate([b.ts for b in bars]))


def folds_of(
    moments: NDArray[np.int64], count: int, *, first: float = 0.5, rolling: bool = False, gap: int = 0
) -> list[Fold]:
    """Equal stretches behind the first share of the time; a past begins at the start, or is as long as the first one.

    The last `gap` moments before a stretch are left out of its past.
    """
    begin = int(len(moments) * first)
    bounds = np.linspace(begin, len(moments), count + 1).astype(np.int64).tolist()
    if begin - gap < LEAST or min(np.diff(bounds)) < LEAST:
        raise NoBars(
            f"{len(moments)} bars cannot be cut into {count} folds", hint="take fewer folds, or a longer range"
        )
    ends = [*moments[bounds[1:-1]].tolist(), int(moments[-1]) + 1]
    return [
        Fold(
            train=(int(moments[at - begin if rolling else 0]), int(moments[at - gap])),
            test=(int(moments[at]), end),
        )
        for at, end in zip(bounds[:-1], ends, strict=True)
    ]


def cut(bars: Sequence[Bars], start_ns: int | None, end_ns: int | None) -> list[Bars]:
    """The bars of a stretch; symbols without two of them are left out."""
    parts = [b.between(start_ns, end_ns) for b in bars]
    found = [b for b in parts if len(b) >= LEAST]
    if not found:
        raise NoBars("no symbol has two bars in this stretch", hint="take fewer folds, or a longer range")
    return found


def trade_from(
    specs: Sequence[StrategySpec], bars: Sequence[Bars], start_ns: int, *, config: BacktestConfig
) -> Stretch:
    """Trade from a moment on, with what is held sold at the end; the strategies have seen the bars before it."""
    warm = [replace(spec, make=LateStart(spec.make, start_ns)) for spec in specs]
    config = replace(config, close_at_end="close")
    report = run_backtest(warm, bars, config)
    at = int(np.searchsorted(report.times, start_ns))
    splits = [{"kind": "split", **asdict(a)} for a in config.actions if isinstance(a, Split)]
    lots = {symbol: float(instrument.lot) for symbol, instrument in config.instruments.items()}
    gross, net = exposures(report, bars, splits, lots=lots)

    def otherwise(cash: Decimal) -> Outcome:
        return other_order(warm, bars, replace(config, cash=cash))

    return Stretch(report.times[at:], report.equity[at:], report.trades, report, (gross[at:], net[at:]), otherwise)


def figures_of(equity: Floats, profits: Sequence[float], *, periods: float) -> dict[str, float]:
    """The main figures of an account whose first value is the money at the start; those not defined are NaN."""
    returns = metrics.returns_of(equity)
    gained = np.array(profits, dtype=np.float64)
    return {
        "total_return": float(equity[-1] / equity[0] - 1.0),
        "annual_return": metrics.annual_return(returns, periods=periods),
        "volatility": metrics.volatility(returns, periods=periods),
        "sharpe": metrics.sharpe(returns, periods=periods),
        "sortino": metrics.sortino(returns, periods=periods),
        "calmar": metrics.calmar(returns, periods=periods),
        "max_drawdown": metrics.max_drawdown(equity),
        "trades": float(len(gained)),
        "win_rate": trade_metrics.win_rate(gained),
        "profit_factor": trade_metrics.profit_factor(gained),
        "expectancy": trade_metrics.expectancy(gained),
    }


def profits_of(trades: Iterable[RoundTrip]) -> list[float]:
    """What each closed trade earned after fees."""
    return [float(trade.profit) for trade in trades]


def known(figures: dict[str, float]) -> dict[str, float | None]:
    """Figures as a journal keeps them: what is not defined is null."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
