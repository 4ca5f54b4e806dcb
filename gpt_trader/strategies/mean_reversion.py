"""What has gone far comes back: buy well below the average, sell well above it, leave when it is near again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.params import StrategyParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.kernel import Grid, TargetRows


class MeanReversion(TradingStrategyPlugin):
    """Enters when the close is `entry` sample deviations from the mean of its window, leaves within `exit` of it."""

    per_symbol = True

    class Params(StrategyParams):
        """The window, how far is far, how near is near, and whether to sell short above."""

        window: int = Field(20, ge=2, description="closes in the mean and the deviation, the newest included")
        entry: float = Field(2.0, gt=0, description="deviations from the mean at which to enter")
        exit: float = Field(0.5, ge=0, description="deviations from the mean at which to leave")
        short: bool = Field(default=False, description="whether to sell short what is far above")

        @model_validator(mode="after")
        def _ordered(self) -> MeanReversion.Params:
            if self.exit >= self.entry:
                raise ValueError("exit must be less than entry")
            return self

    @classmethod
    def targets(cls, bars: Bars, grid: Grid) -> TargetRows:
        """The same decisions for all sets of a grid, for sweeps."""
        from gpt_trader.strategies import rows

        return rows.mean_reversion(bars, grid, score=z_score)

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the parameters and remember no price yet."""
        params = self.Params(**config)
        self.params = params
        self.closes: deque[float] = deque(maxlen=params.window)
        self.state = 0

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        """A signal when the price has gone far, or has come back."""
        self.closes.append(market_data.price)
        if len(self.closes) < self.params.window:
            return None
        distance = z_score(self.closes)
        state = self._wanted(distance)
        if state == self.state:
            return None
        self.state = state
        quantity = self.params.quantity if state else 0
        return TradeSignal(market_data.symbol, BUY if state > 0 else SELL, quantity, market_data.price, target=True)

    def _wanted(self, distance: float) -> int:
        params = self.params
        if distance <= -params.entry:
            return 1
        if distance >= params.entry:
            return -1 if params.short else 0
        near = distance >= -params.exit if self.state > 0 else distance <= params.exit
        return 0 if near else self.state


def z_score(values: Sequence[float] | deque[float]) -> float:
    """How many sample deviations the newest value lies from the mean of all; 0 where nothing moves."""
    count = len(values)
    mean = math.fsum(values) / count
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (count - 1))
    return (values[-1] - mean) / spread if spread > 0.0 else 0.0
