"""What a backtest is told, besides its data and its strategies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from gpt_trader.core.errors import ConfigError
from gpt_trader.trading.costs import Costs
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.sizing import Sizing

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import Action, Instrument
    from gpt_trader.core.portfolio import Costing


@dataclass(frozen=True, kw_only=True)
class BacktestConfig:
    """All that decides the result of a backtest, besides the data and the strategies."""

    cash: Decimal = Decimal(100_000)
    currency: str = "USD"
    costs: Costs = field(default_factory=Costs)
    fill: FillRules = field(default_factory=FillRules)
    sizing: Sizing | None = None
    """Without one, the money is shared evenly among all symbols and strategies; a signal takes its whole share."""
    limits: Literal["none", "standard"] | Mapping[str, Any] = "none"
    leverage: Decimal = Decimal(1)
    costing: Costing = "average"
    close_at_end: Literal["no", "close", "open"] = "no"
    borrow_rate: Decimal = Decimal(0)
    risk_free: float = 0.0
    periods: float | None = None
    seed: int = 0
    deadline: float = 10.0
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    actions: Sequence[Action] = ()
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    finer: Sequence[Bars] = ()
    benchmark: str | None = None

    def __post_init__(self) -> None:
        for name in ("cash", "leverage"):
            value = getattr(self, name)
            if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
                raise ConfigError(f"{name} must be a Decimal above 0, not {value!r}")
