"""Walking forward: a search on each past, its choice traded on what came next, one account through all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpt_trader.core.market import time_of
from gpt_trader.slices.optimize import proof
from gpt_trader.slices.optimize.hunt import Found, Told, hunt
from gpt_trader.trading.forward import Fold, Stretch, cut, folds_of, known, moments_of
from gpt_trader.trading.stretches import told_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.context import StepContext
    from gpt_trader.slices.optimize.drive import Crew
    from gpt_trader.slices.optimize.params import WalkParams
    from gpt_trader.slices.optimize.plan import Plan


@dataclass(frozen=True, slots=True)
class Walk:
    """One stretch: what was chosen before it, and what the account did in it."""

    fold: Fold
    found: Found
    stretch: Stretch
    skill: float | None


def walk(
    plan: Plan, params: WalkParams, bars: Sequence[Bars], crew: Crew, ctx: StepContext, *, told: Told
) -> list[Walk]:
    """Every stretch in its turn, each with the money that the one before it left."""
    folds = folds_of(
        moments_of(bars), params.folds, first=params.first, rolling=params.window == "rolling", gap=params.gap
    )
    walks, cash = list[Walk](), params.cash
    for part, fold in enumerate(folds, 1):
        found = hunt(plan, cut(bars, *fold.train), crew, ctx, part=part, told=told)
        until = cut(bars, fold.train[0], fold.test[1])
        stretch = proof.ahead(plan, found.choice.params, until, fold.test[0], cash=cash)
        skill = proof.luck(plan, found.trials, found.choice.report)
        walks.append(Walk(fold, found, stretch, skill))
        cash = float(stretch.equity[-1])
    return walks


def rows_of(plan: Plan, walks: Sequence[Walk]) -> list[dict[str, Any]]:
    """Each stretch in plain values."""
    return [
        {
            "train_from": time_of(w.fold.train[0]).isoformat(),
            "train_to": time_of(w.fold.train[1]).isoformat(),
            "test_from": time_of(int(w.stretch.times[0])).isoformat(),
            "test_to": time_of(int(w.stretch.times[-1])).isoformat(),
            "params": w.found.choice.params,
            "in_sample": known({n: w.found.choice.figures[n] for n in shown(plan)}),
            "out_of_sample": told_of(w.stretch),
            "deflated_sharpe": w.skill,
            "trials": len(w.found.trials),
        }
        for w in walks
    ]


def shown(plan: Plan) -> tuple[str, ...]:
    """The figures of a choice that are worth showing beside those of its stretch."""
    return tuple(dict.fromkeys((*plan.judge.objectives, "sharpe", "total_return", "max_drawdown", "trades")))
