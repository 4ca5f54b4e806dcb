"""How much of what is invested goes to each symbol: plain rules, and those of skfolio, under the same caps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import GptTraderError, ValidationError
from gpt_trader.core.extras import needed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.slices.adaptive_portfolio.params import Allocation, Measure, Objective

    Floats = NDArray[np.float64]

MEASURES = {"variance": "VARIANCE", "semi_variance": "SEMI_VARIANCE", "cvar": "CVAR", "drawdown": "CDAR"}
OBJECTIVES = {"least_risk": "MINIMIZE_RISK", "best_ratio": "MAXIMIZE_RATIO"}
DUST = 1e-6


class NoWeights(GptTraderError):
    """An optimiser found no weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How to weigh, and what no weight passes; `cost` is that of changing a weight by 1, per bar until the next."""

    allocation: Allocation
    objective: Objective = "least_risk"
    measure: Measure = "variance"
    least: float = 0.0
    most: float = 1.0
    cost: float = 0.0


def weights_of(
    symbols: Sequence[str], returns: Floats, rule: Rule, *, total: float, held: Mapping[str, float]
) -> dict[str, float]:
    """Parts of the account, at most `total` together and none above the cap; what the caps leave over stays in cash."""
    if not symbols:
        return {}
    if rule.least * len(symbols) > total + 1e-9:
        raise ValidationError(
            f"{len(symbols)} symbols with at least {rule.least:g} each are more than the {total:g} that is invested",
            hint="lower least_weight",
        )
    shares = _shares(symbols, returns, rule, total=total, held=held)
    capped = capped_at(shares * total, rule.most, floor=rule.least)
    return dict(zip(symbols, np.where(capped < DUST, 0.0, capped).tolist(), strict=True))


def capped_at(wanted: Floats, most: float, *, floor: float = 0.0) -> Floats:
    """The same sum with nothing above the cap or below the floor, in proportion to what was wanted where it can."""
    total, found = float(wanted.sum()), np.maximum(wanted, min(floor, most))
    for _ in range(2 * len(found)):
        found = np.minimum(found, most)
        gap = total - float(found.sum())
        free = (found < most - 1e-15) if gap > 0 else (found > floor + 1e-15)
        if abs(gap) <= 1e-12 or not free.any():
            break
        base = np.where(free, np.maximum(found, 1e-12) if gap > 0 else found - floor, 0.0)
        found = np.maximum(found + gap * base / base.sum(), min(floor, most))
    return np.minimum(found, most)


def _shares(symbols: Sequence[str], returns: Floats, rule: Rule, *, total: float, held: Mapping[str, float]) -> Floats:
    """Weights that add up to 1."""
    count = len(symbols)
    if rule.allocation == "equal" or count == 1:
        return np.full(count, 1.0 / count)
    if rule.allocation == "inverse_volatility":
        inverse = 1.0 / returns.std(axis=0, ddof=1)
        return np.asarray(inverse / inverse.sum())
    return _optimised(symbols, returns, rule, total=total, held=held)


def _optimised(
    symbols: Sequence[str], returns: Floats, rule: Rule, *, total: float, held: Mapping[str, float]
) -> Floats:
    import pandas as pd

    table = pd.DataFrame(returns, columns=pd.Index(symbols))
    model = _model(rule, len(symbols), total=total, held=[held.get(s, 0.0) / total for s in symbols])
    try:
        model.fit(table)
    except Exception as fault:
        raise NoWeights(
            f"{rule.allocation} found no weights for {', '.join(symbols)}: {fault}",
            hint="take a longer window, other bounds, or inverse_volatility",
        ) from fault
    found = np.asarray(model.weights_, dtype=np.float64)
    positive = np.maximum(found, 0.0)
    return np.asarray(positive / positive.sum())


def _model(rule: Rule, count: int, *, total: float, held: Sequence[float]) -> Any:
    what = f"allocation by {rule.allocation}"
    skfolio = needed("skfolio", extra="portfolio", what=what)
    ways = needed("skfolio.optimization", extra="portfolio", what=what)
    measure = getattr(skfolio.RiskMeasure, MEASURES[rule.measure])
    most = min(1.0, max(rule.most / total, 1.0 / count))
    if rule.allocation == "hrp":
        return ways.HierarchicalRiskParity(risk_measure=measure, max_weights=most)
    if rule.allocation == "risk_parity":
        return ways.RiskBudgeting(risk_measure=measure)
    paid = rule.objective == "best_ratio" and rule.cost and any(held)  # the least risk is the same at any cost
    costs = {"transaction_costs": rule.cost, "previous_weights": np.array(held)} if paid else {}
    objective = getattr(ways.ObjectiveFunction, OBJECTIVES[rule.objective])
    least = min(rule.least / total, 1.0 / count)
    return ways.MeanRisk(
        objective_function=objective, risk_measure=measure, min_weights=least, max_weights=most, **costs
    )


def turned(held: Mapping[Any, float], target: Mapping[Any, float]) -> float:
    """How much of the account would be traded: the sum of all changes of weights."""
    return math.fsum(abs(target.get(k, 0.0) - held.get(k, 0.0)) for k in {*held, *target})


def softened(held: Mapping[Any, float], target: Mapping[Any, float], *, most: float) -> dict[Any, float]:
    """As far from what is held towards the target as the turnover allows."""
    whole = turned(held, target)
    part = 1.0 if whole <= most else most / whole
    keys = [*target, *(k for k in held if k not in target)]
    return {k: held.get(k, 0.0) + part * (target.get(k, 0.0) - held.get(k, 0.0)) for k in keys}
