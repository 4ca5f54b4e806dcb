"""Walking forward: before each stretch the past chooses among the candidates, and the choice trades what comes next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core import metrics
from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import time_of
from gpt_trader.core.orders import exact
from gpt_trader.slices.backtest.desk import wanted
from gpt_trader.trading.forward import Fold, Stretch, cut, folds_of, moments_of, trade_from
from gpt_trader.trading.modes import simulate
from gpt_trader.trading.requests import config_of
from gpt_trader.trading.stretches import account_of, told_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.backtest.params import ForwardParams


@dataclass(frozen=True, slots=True)
class Walk:
    """One stretch: the score of each candidate before it, the choice, and what it did."""

    fold: Fold
    scores: list[float]
    chosen: int
    stretch: Stretch


def forwarded(
    params: ForwardParams, catalog: StrategyCatalog, bars: Sequence[Bars], *, told: Callable[[int, int], None]
) -> dict[str, Any]:
    """Every output of a walk forward by its name."""
    asked = _candidates(params)
    folds = folds_of(
        moments_of(bars), params.folds, first=params.first, rolling=params.window == "rolling", gap=params.gap
    )
    walks, cash = list[Walk](), params.cash
    for number, fold in enumerate(folds):
        told(number, len(folds))
        walks.append(_walk(asked, catalog, bars, fold, cash=cash))
        cash = float(walks[-1].stretch.equity[-1])
    base = _baseline(params, catalog, bars, folds[0].test[0])
    account = account_of([w.stretch for w in walks], base, params.baseline)
    rows = [_row(walk, asked) for walk in walks]
    return {**account, "walks": rows, "score": account["metrics"]["sharpe"] or 0.0}


def _candidates(params: ForwardParams) -> list[ForwardParams]:
    """The same request once for each candidate."""
    found = []
    for candidate in params.candidates:
        named: Mapping[str, Any] = {"name": candidate} if isinstance(candidate, str) else candidate
        if not isinstance(named.get("name"), str) or not set(named) <= {"name", "params"}:
            raise ValidationError(
                f"{dict(named)!r} is no candidate", hint="write a name, or {name: ..., params: {...}}"
            )
        update = {"strategy": named["name"], "params": dict(named.get("params") or {}), "mix": []}
        found.append(params.model_copy(update=update))
    return found or [params]


def _walk(
    asked: Sequence[ForwardParams], catalog: StrategyCatalog, bars: Sequence[Bars], fold: Fold, *, cash: float
) -> Walk:
    train, until = cut(bars, *fold.train), cut(bars, fold.train[0], fold.test[1])
    scores = [_score(one, catalog, train) for one in asked] if len(asked) > 1 else [math.nan]
    chosen = max(range(len(scores)), key=lambda i: (scores[i] if math.isfinite(scores[i]) else -math.inf, -i))
    choice = asked[chosen].model_copy(update={"cash": cash})
    specs = wanted(choice, catalog, [b.symbol for b in until])
    return Walk(
        fold, scores, chosen, trade_from(specs, until, fold.test[0], config=config_of(choice, until, choice.limits))
    )


def _score(asked: ForwardParams, catalog: StrategyCatalog, bars: Sequence[Bars]) -> float:
    """The Sharpe ratio of a candidate over its past; one that never traded has none."""
    specs = wanted(asked, catalog, [b.symbol for b in bars])
    desk = simulate(specs, bars, config_of(asked, bars, asked.limits)).desk
    if not desk.tape.fills:
        return math.nan
    equity = np.array(desk.curve, dtype=np.float64)
    return metrics.sharpe(metrics.returns_of(equity), periods=metrics.observed_periods(moments_of(bars)))


def _baseline(params: ForwardParams, catalog: StrategyCatalog, bars: Sequence[Bars], start: int) -> Stretch | None:
    if not params.baseline:
        return None
    asked = params.model_copy(update={"strategy": params.baseline, "params": {}, "mix": [], "sizes": {}})
    specs = wanted(asked, catalog, [b.symbol for b in bars])
    config = replace(config_of(asked, bars, "none"), cash=exact(params.cash))
    return trade_from(specs, bars, start, config=config)


def _row(walk: Walk, asked: Sequence[ForwardParams]) -> dict[str, Any]:
    choice = asked[walk.chosen]
    return {
        "train_from": time_of(walk.fold.train[0]).isoformat(),
        "train_to": time_of(walk.fold.train[1]).isoformat(),
        "test_from": time_of(int(walk.stretch.times[0])).isoformat(),
        "test_to": time_of(int(walk.stretch.times[-1])).isoformat(),
        "strategy": choice.strategy,
        "params": dict(choice.params),
        "scores": [score if math.isfinite(score) else None for score in walk.scores],
        "out_of_sample": told_of(walk.stretch),
    }
