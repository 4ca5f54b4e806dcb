"""What has risen goes on rising: be long while the price is above where it was, and flat or short while it is below."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.params import Below, StrategyParams

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.kernel import Grid, TargetRows


class Momentum(TradingStrategyPlugin):
    """Long when the close is more than `threshold` above the close `lookback` bars ago, out when it is as far below."""

    per_symbol = True

    class Params(StrategyParams):
        """How far to look back, how much counts as a move, and what to do below."""

        lookback: int = Field(20, ge=1, description="bars between the two closes that are compared")
        threshold: float = Field(0.0, ge=0, lt=1, description="the least move, as a part of the price")
        below: Below = Field("flat", description="what to be when the price has fallen")

    @classmethod
    def targets(cls, bars: Bars, grid: Grid) -> TargetRows:
        """The same decisions for all sets of a grid, for sweeps."""
        from gpt_trader.strategies import rows

        return rows.momentum(bars, grid)

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the parameters and remember no price yet."""
        params = self.Params(**config)
        self.quantity, self.threshold, self.short = params.quantity, params.threshold, params.below == "short"
        self.closes: deque[float] = deque(maxlen=params.lookback)
        self.state = 0

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        """A signal when the move since `lookback` bars ago changes its sign."""
        closes, price = self.closes, market_data.price
        if len(closes) < (closes.maxlen or 0):
            closes.append(price)
            return None
        move = price / closes[0] - 1.0
        closes.append(price)
        if move > self.threshold:
            return self._be(1, market_data)
        return self._be(-1 if self.short else 0, market_data) if move < -self.threshold else None

    def _be(self, state: int, data: MarketData) -> TradeSignal | None:
        if state == self.state:
            return None
        self.state = state
        quantity = self.quantity if state else 0
        return TradeSignal(data.symbol, BUY if state > 0 else SELL, quantity, data.price, target=True)
