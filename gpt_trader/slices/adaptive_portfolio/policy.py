"""The policy: from what is known at a moment, and the account as it is, to a weight for every symbol and strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import exact
from gpt_trader.slices.adaptive_portfolio.mix import Mix, specs_of
from gpt_trader.slices.adaptive_portfolio.past import Past
from gpt_trader.slices.adaptive_portfolio.tiers import tier_of, tiers_of
from gpt_trader.slices.adaptive_portfolio.weights import Rule, softened, turned, weights_of
from gpt_trader.trading.costs import Costs, Fee, Slippage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.adaptive_portfolio.params import AllocateParams, RebalanceParams
    from gpt_trader.slices.adaptive_portfolio.tiers import Tier

MONTH = 21
"""So many bars an allocation is thought to be held, where nothing says when weights are set anew."""
Key = tuple[str, str]
"""A strategy and a symbol."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The weights of one decision, and how they came about."""

    weights: dict[Key, float]
    tier: Tier
    labels: dict[str, str]
    shares: dict[str, dict[str, float]]
    turnover: float
    left_out: dict[str, str] = field(default_factory=dict)
    note: str = ""

    def by_symbol(self) -> dict[str, float]:
        """The weight of each symbol, over all strategies."""
        found: dict[str, float] = {}
        for (_, symbol), weight in self.weights.items():
            found[symbol] = found.get(symbol, 0.0) + weight
        return found

    def told(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "tier": self.tier.name,
            "weights": self.by_symbol(),
            "strategies": self.shares,
            "regimes": self.labels,
            "turnover": self.turnover,
            "left_out": self.left_out,
            "note": self.note,
        }


class Policy:
    """Decides; what it sees of the market is what its `past` gives it, and that is cut at the moment asked about."""

    def __init__(
        self, params: AllocateParams | RebalanceParams, bars: Sequence[Bars], catalog: StrategyCatalog
    ) -> None:
        self._params = params
        self._tiers = tiers_of(params.tiers)
        self.past = Past(bars)
        self.specs = specs_of(params.strategies, catalog)
        self.mix = Mix(self.specs, bars, costs=costs_of(params), regimes=params.regimes)

    def plan(
        self, now: int, equity: float, held: Mapping[Key, float], *, inside: Callable[[Key], bool] = lambda _: True
    ) -> Plan:
        """The weights for an account of this value that holds these weights, by what is known at this moment.

        Of a strategy that is not `inside` the market no weight is traded now, so it is no turnover.
        """
        params, tier = self._params, tier_of(self._tiers, equity)
        known = self.past.at(now, params.window)
        chosen, crowded = _best(known.symbols, known.returns, tier.most_positions)
        columns = [known.symbols.index(symbol) for symbol in chosen]
        totals = weights_of(
            chosen,
            known.returns[:, columns],
            self._rule(tier, equity),
            total=min(params.invested, 1.0 - tier.reserve),
            held=_symbols(held),
        )
        labels = {symbol: self.mix.label(symbol, now) for symbol in chosen}
        shares = {symbol: self.mix.shares(labels[symbol], now, window=params.window) for symbol in chosen}
        target = {
            (name, symbol): total * params.caution.get(labels[symbol], 1.0) * part
            for symbol, total in totals.items()
            for name, part in shares[symbol].items()
        }
        traded = {key: weight for key, weight in target.items() if key in held or inside(key)}
        soft = softened(held, traded, most=params.most_turnover)
        return Plan(target | soft, tier, labels, shares, turned(held, soft), {**known.left_out, **crowded})

    def _rule(self, tier: Tier, equity: float) -> Rule:
        params = self._params
        most = min(params.most_weight, tier.most_weight)
        if params.max_notional is not None and equity > 0:
            most = min(most, params.max_notional / equity)
        return Rule(
            allocation=params.allocation,
            objective=params.objective,
            measure=params.risk_measure,
            least=min(params.least_weight, most),
            most=most,
            cost=(params.fee + params.slippage + params.spread / 2) / getattr(params, "every", MONTH),
        )


def costs_of(params: AllocateParams | RebalanceParams) -> Costs:
    """What trading costs, as the desk takes it."""
    return Costs(
        fee=Fee(percent=exact(params.fee)),
        slippage=Slippage("percent", exact(params.slippage)),
        spread=exact(params.spread),
    )


def momentum_of(returns: NDArray[np.float64]) -> float:
    """The mean return over its deviation: which symbols an account holds that has room for few."""
    return float(returns.mean() / returns.std(ddof=1))


def _best(symbols: list[str], returns: NDArray[np.float64], count: int) -> tuple[list[str], dict[str, str]]:
    """The best so many symbols in their own order, and why the others are left out."""
    scores = {symbol: momentum_of(returns[:, i]) for i, symbol in enumerate(symbols)}
    best = set(sorted(symbols, key=lambda s: -scores[s])[:count])
    why = f"an account of this size holds at most {count}"
    return [s for s in symbols if s in best], {s: why for s in symbols if s not in best}


def _symbols(held: Mapping[Key, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for (_, symbol), weight in held.items():
        found[symbol] = found.get(symbol, 0.0) + abs(weight)
    return found
