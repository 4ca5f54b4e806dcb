"""The job of trying sets of parameters, with all that another process or machine needs to do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from gpt_trader.core.orders import exact
from gpt_trader.slices.optimize.source import Source
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.ports import TradingStrategyPlugin

INVESTED = 0.95
"""The share of the money that trades: the rest pays for costs, and for an opening above the close decided on."""
SWEPT = ("total_return", "annual_return", "sharpe", "calmar", "max_drawdown", "trades", "fills", "fees")
"""The figures that the kernel knows."""
FIGURES = (*SWEPT, "volatility", "sortino", "win_rate", "profit_factor", "expectancy")
"""The figures that the desk knows."""
LOW_IS_GOOD = frozenset({"volatility", "fees", "fills"})
SUMMED = frozenset({"trades", "fills", "fees"})
Bound = float | None


class Outcome(TypedDict):
    """The figures of a job's sets; errors and early ends by their place in the job, and how long it took."""

    figures: dict[str, list[float]]
    errors: dict[int, str]
    rungs: dict[int, list[float]]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that a process needs to try sets of parameters."""

    source: Source | type[TradingStrategyPlugin]
    name: str
    bars: tuple[Bars, ...]
    engine: str
    objective: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    together: bool = False
    cash: float = 100_000.0
    fee: float = 0.0
    slippage: float = 0.0
    spread: float = 0.0
    rungs: tuple[float, ...] = ()
    threads: int = 1

    def config(self) -> BacktestConfig:
        """The desk's configuration, one for both engines."""
        costs = Costs(
            fee=Fee(percent=exact(self.fee)),
            slippage=Slippage("percent", exact(self.slippage)),
            spread=exact(self.spread),
        )
        return BacktestConfig(cash=exact(self.cash), costs=costs, sizing=Share(exact(INVESTED)))

    def groups(self) -> list[list[Bars]]:
        """What has an account of its own: each symbol, or all where the strategy wants to see them together."""
        return [list(self.bars)] if self.together else [[b] for b in self.bars]

    def spec(self, params: Mapping[str, Any], symbols: int = 1) -> StrategySpec:
        """The strategy with these parameters."""
        sizing = Share(exact(INVESTED / symbols))
        return StrategySpec(self.name, self.strategy(), {**self.fixed, **params}, sizing=sizing)

    def strategy(self) -> Any:
        """The strategy's class."""
        return self.source.load() if isinstance(self.source, Source) else self.source
