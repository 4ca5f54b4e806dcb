"""The candidates: which strategies, with which params, may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.metrics import returns_of
from gpt_trader.core.orders import exact
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.modes import simulate
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.ml_strategy.params import ChoiceParams

CASH = Decimal(1_000_000)
"""So much that whole lots hardly matter to a comparison."""
INVESTED = Share(Decimal("0.95"))
"""All but what pays for costs, and for an opening above the close that was decided on."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A strategy that may be chosen, or the baseline that it has to beat."""

    spec: StrategySpec
    baseline: bool = False

    @property
    def label(self) -> str:
        """Its name and the params that were given."""
        return " ".join([self.spec.name, *(f"{k}={v}" for k, v in self.spec.params.items())])


@dataclass(frozen=True, slots=True)
class Past:
    """How a candidate would have done: its return in each bar after the first, and its closed trades."""

    returns: NDArray[np.float64]
    trades: int
    failed: str = field(default="")


def candidates_of(
    named: Sequence[str | Mapping[str, Any]], catalog: StrategyCatalog, *, baseline: str
) -> list[Candidate]:
    """The named strategies, or all there are, and the baseline last."""
    listed = [(name, {}) if isinstance(name, str) else _read(name) for name in named or list(catalog)]
    specs = [StrategySpec(name, catalog[name], params) for name, params in listed if name != baseline]
    for spec in specs:
        spec.checked_params()
    return [*map(Candidate, specs), Candidate(StrategySpec(baseline, catalog[baseline]), baseline=True)]


def past_of(candidate: Candidate, bars: Bars, params: ChoiceParams) -> Past:
    """Trade the past on the backtest desk, with costs."""
    costs = Costs(fee=Fee(exact(params.fee)), slippage=Slippage("percent", exact(params.slippage)))
    bench = simulate([candidate.spec], [bars], BacktestConfig(cash=CASH, costs=costs, sizing=INVESTED))
    tape = bench.desk.tape
    failed = next((a.message for a in tape.alerts if a.severity == "critical"), "" if tape.fills else "it never traded")
    return Past(returns_of(np.array(bench.desk.curve)), len(tape.trips), failed)


def _read(named: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not isinstance(named.get("name"), str) or not set(named) <= {"name", "params"}:
        raise ValidationError(f"{dict(named)!r} is no strategy", hint="write a name, or {name: ..., params: {...}}")
    return named["name"], dict(named.get("params") or {})
