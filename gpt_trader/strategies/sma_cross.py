"""Two moving averages: be long while the fast one is above the slow one, and flat or short while it is below."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.kernel import Grid, TargetRows


class SmaCross(TradingStrategyPlugin):
    """Moving averages of closes as running sums: `sum = sum + newest - oldest`, `average = sum / length`."""

    per_symbol = True

    class Params(BaseModel):
        """Lengths, what to do below, and whether to wait for a cross before the first entry."""

        model_config = ConfigDict(extra="forbid", strict=True)

        fast: int = Field(10, ge=1)
        slow: int = Field(30, ge=2)
        below: Literal["flat", "short"] = "flat"
        wait_for_cross: bool = False
        quantity: float | None = Field(None, gt=0)

        @model_validator(mode="after")
        def _ordered(self) -> SmaCross.Params:
            if self.fast >= self.slow:
                raise ValueError("fast must be shorter than slow")
            return self

    @classmethod
    def targets(cls, bars: Bars, grid: Grid) -> TargetRows:
        """The same decisions for all sets of a grid, for sweeps."""
        from gpt_trader.strategies import rows

        return rows.sma_cross(bars, grid)

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the lengths and start with empty sums."""
        params = self.Params(**config)
        self.fast = float(params.fast)
        self.slow = float(params.slow)
        self.newest = -params.fast
        self.quantity = params.quantity
        self.short = params.below == "short"
        self.prices = deque([0.0] * params.slow, maxlen=params.slow)
        self.fast_sum = 0.0
        self.slow_sum = 0.0
        self.missing = params.slow
        self.above: bool | None = None
        self.waiting = params.wait_for_cross

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        """A signal at the close of the bar in which the averages change places."""
        price = market_data.price
        prices = self.prices
        self.slow_sum = slow_sum = self.slow_sum + price - prices[0]
        self.fast_sum = fast_sum = self.fast_sum + price - prices[self.newest]
        prices.append(price)
        if self.missing:
            self.missing -= 1
            if self.missing:
                return None
        above = fast_sum / self.fast > slow_sum / self.slow
        if above is self.above:
            return None
        return self._turn(market_data, above=above)

    def _turn(self, data: MarketData, *, above: bool) -> TradeSignal | None:
        first, self.above = self.above is None, above
        if first and (self.waiting or not (above or self.short)):
            return None
        if above:
            return TradeSignal(data.symbol, BUY, self.quantity, data.price, None, target=True)
        quantity = self.quantity if self.short else 0
        return TradeSignal(data.symbol, SELL, quantity, data.price, None, target=True)
