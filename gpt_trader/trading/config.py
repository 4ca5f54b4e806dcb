"""What a backtest is told, besides its data and its strategies."""

from __future__ import annotations

import math
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


WANTED = {
    "cash": "an exact amount of money above 0",
    "leverage": "an exact number above 0: 1 buys for the equity, 2 for twice as much",
    "borrow_rate": "an exact part of the value a year, 0 or more",
}


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
        for name, wanted in WANTED.items():
            value = getattr(self, name)
            zero_is_fine = name == "borrow_rate"
            # What is finite as a Decimal may be more than a float, which marks are, can hold.
            finite = isinstance(value, Decimal) and value.is_finite() and math.isfinite(float(value))
            if not finite or value < 0 or not (value or zero_is_fine):
                raise ConfigError(f"{name} must be {wanted}, not {value}")
        if not math.isfinite(self.risk_free):
            raise ConfigError(f"risk_free must be a finite part a year, not {self.risk_free}")
        if self.periods is not None and not 0 < self.periods < math.inf:
            raise ConfigError(f"periods must be above 0 and finite, not {self.periods}", hint="bars in a year: 252")
