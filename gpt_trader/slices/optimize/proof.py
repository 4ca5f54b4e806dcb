"""The proof of a choice: the desk trades it again, also on bars that the search never saw, and luck is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core import metrics
from gpt_trader.core.orders import exact
from gpt_trader.core.significance import deflated_sharpe
from gpt_trader.slices.optimize.engines import evaluate
from gpt_trader.slices.optimize.job import INVESTED
from gpt_trader.slices.optimize.space import set_at
from gpt_trader.trading.forward import Stretch, trade_from
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.optimize.plan import Plan
    from gpt_trader.slices.optimize.trials import Trials
    from gpt_trader.trading.report import Report

CLOSE = 1e-6
"""Figures of desk and kernel that differ by less than this part of them agree."""
LOOKED_AT = 10
"""So many of the best are traded again on the desk when it does not agree with the kernel on the first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The set that was chosen: its number, its figures in the search, and whether the desk agrees with them."""

    number: int
    params: dict[str, Any]
    figures: dict[str, float]
    agrees: bool


def choose(plan: Plan, trials: Trials, ranking: Sequence[int], bars: Sequence[Bars]) -> Choice:
    """The best trial; where the kernel found it, the desk has the last word."""
    best = ranking[0]
    if plan.engine == "desk" or _agrees(plan, trials, best, bars):
        return _choice(trials, best, agrees=True)
    job = plan.job(bars, engine="desk")
    rows = list(ranking[:LOOKED_AT])
    again = evaluate(job, {name: [column[i] for i in rows] for name, column in trials.sets.items()})
    table = type(trials)()
    table.add(list(range(len(rows))), {name: [column[i] for i in rows] for name, column in trials.sets.items()}, again)
    best = rows[(plan.judge.ranking(table) or [0])[0]]
    return _choice(trials, best, agrees=False)


def _choice(trials: Trials, at: int, *, agrees: bool) -> Choice:
    figures = {name: column[at] for name, column in trials.figures.items()}
    return Choice(trials.numbers[at], set_at(trials.sets, at), figures, agrees)


def _agrees(plan: Plan, trials: Trials, at: int, bars: Sequence[Bars]) -> bool:
    found = evaluate(plan.job(bars, engine="desk"), {name: [column[at]] for name, column in trials.sets.items()})[
        "figures"
    ]
    return all(
        math.isclose(found[name][0], column[at], rel_tol=CLOSE, abs_tol=1e-9)
        or (math.isnan(found[name][0]) and math.isnan(column[at]))
        for name, column in trials.figures.items()
    )


def specs_of(plan: Plan, params: dict[str, Any], bars: Sequence[Bars]) -> list[StrategySpec]:
    """The strategy in one account: an even share for each symbol."""
    sizing, given = Share(exact(INVESTED / len(bars))), {**plan.params.fixed, **params}
    name = plan.params.strategy
    if plan.together:
        return [StrategySpec(name, plan.make, given, tuple(b.symbol for b in bars), sizing)]
    return [StrategySpec(f"{name}:{b.symbol}", plan.make, given, (b.symbol,), sizing) for b in bars]


def traded(plan: Plan, params: dict[str, Any], bars: Sequence[Bars]) -> Report:
    """One account with these parameters over these bars."""
    return run_backtest(specs_of(plan, params, bars), bars, plan.job(bars).config())


def ahead(plan: Plan, params: dict[str, Any], bars: Sequence[Bars], start_ns: int, *, cash: float) -> Stretch:
    """The account from a moment on; the strategies have seen the bars before it."""
    from dataclasses import replace

    config = replace(plan.job(bars).config(), cash=exact(cash))
    return trade_from(specs_of(plan, params, bars), bars, start_ns, config=config)


def baseline(plan: Plan, catalog: StrategyCatalog, bars: Sequence[Bars], start_ns: int) -> Stretch | None:
    """What it is compared with, over the same bars."""
    name = plan.params.baseline
    if not name:
        return None
    make, share = catalog[name], Share(exact(INVESTED / len(bars)))
    specs = [StrategySpec(f"{name}:{b.symbol}", make, {}, (b.symbol,), share) for b in bars]
    return trade_from(specs, bars, start_ns, config=plan.job(bars).config())


def luck(plan: Plan, trials: Trials, report: Report) -> float | None:
    """The deflated Sharpe ratio of the choice: the probability of skill, all trials considered."""
    sharpes = trials.figure("sharpe")
    if plan.judge.objectives[0] == "sharpe":
        for at, number in enumerate(trials.numbers):
            if number in trials.rungs and not np.isfinite(sharpes[at]):
                sharpes[at] = trials.rungs[number][-1]
    periods = metrics.observed_periods(report.times)
    value = deflated_sharpe(metrics.returns_of(report.equity), trial_sharpes=sharpes / math.sqrt(periods))
    return value if math.isfinite(value) else None
