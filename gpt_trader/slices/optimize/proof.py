"""The proof of a choice: the desk trades it again, also on bars that the search never saw, and luck is counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core import metrics
from gpt_trader.core.orders import exact
from gpt_trader.core.significance import deflated_sharpe
from gpt_trader.slices.optimize.engines import evaluate
from gpt_trader.slices.optimize.job import INVESTED
from gpt_trader.slices.optimize.space import chosen, set_at
from gpt_trader.slices.optimize.trials import Trials
from gpt_trader.trading.forward import Stretch, trade_from
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.optimize.plan import Plan
    from gpt_trader.trading.report import Report

CLOSE = 1e-6
"""Figures of desk and kernel that differ by less than this part of them agree."""
LOOKED_AT = 10
"""So many of the best are traded again on the desk when it does not agree with the kernel on the first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The set that was chosen, its figures in the search, whether the desk agrees, and one account that trades it."""

    number: int
    params: dict[str, Any]
    figures: dict[str, float]
    agrees: bool
    report: Report


def choose(plan: Plan, trials: Trials, ranking: Sequence[int], bars: Sequence[Bars]) -> Choice:
    """The best trial; where the kernel found it, the desk has the last word."""
    best = ranking[0]
    report = traded(plan, set_at(trials.sets, best), bars)
    if plan.engine == "desk" or _agree(trials, best, _desk_figures(plan, trials, best, bars, report)):
        return _choice(trials, best, report, agrees=True)
    rows = list(ranking[:LOOKED_AT])
    sets = chosen(trials.sets, rows)
    again = Trials()
    again.add(list(range(len(rows))), sets, evaluate(plan.job(bars, engine="desk"), sets))
    best = rows[(plan.judge.ranking(again) or [0])[0]]
    return _choice(trials, best, traded(plan, set_at(trials.sets, best), bars), agrees=False)


def _choice(trials: Trials, at: int, report: Report, *, agrees: bool) -> Choice:
    figures = {name: column[at] for name, column in trials.figures.items()}
    return Choice(trials.numbers[at], set_at(trials.sets, at), figures, agrees, report)


def _desk_figures(plan: Plan, trials: Trials, at: int, bars: Sequence[Bars], report: Report) -> dict[str, float]:
    """What the desk makes of a set: for one symbol that is in the account's report already."""
    if len(bars) == 1:
        fees = math.fsum(float(fill.fee) for fill in report.fills)
        return {**report.metrics, "fills": float(len(report.fills)), "fees": fees}
    found = evaluate(plan.job(bars, engine="desk"), chosen(trials.sets, [at]))
    return {name: values[0] for name, values in found["figures"].items()}


def _agree(trials: Trials, at: int, desk: Mapping[str, float]) -> bool:
    pairs = [(desk[name], column[at]) for name, column in trials.figures.items()]
    return all(math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9) or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


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
