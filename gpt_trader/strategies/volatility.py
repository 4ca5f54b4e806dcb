"""A move that is large for what is usual goes on: enter with it, and let a stop follow at the same measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from gpt_trader.core.orders import BUY, SELL, Terms, Trade, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.params import StrategyParams

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData


class Volatility(TradingStrategyPlugin):
    """Enters when a close moves more than `multiple` average true ranges (Wilder); a stop trails at `stop` of them."""

    per_symbol = True

    class Params(StrategyParams):
        """The length of the average range, how much is large, how far the stop, and whether to sell falls short."""

        window: int = Field(14, ge=1, description="bars in the average true range")
        multiple: float = Field(1.5, gt=0, description="average ranges that a close must move")
        stop: float = Field(3.0, gt=0, description="average ranges between the best price and the trailing stop")
        short: bool = Field(default=False, description="whether to sell a fall short")

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the parameters and know no range yet."""
        self.params = self.Params(**config)
        self.before = math.nan
        self.ranges: list[float] = []
        self.average = math.nan
        self.held = 0.0

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        """A signal when the close leaps; the range that measures it is the one before this bar."""
        move, usual = market_data.price - self.before, self.average
        self._measure(market_data)
        if not abs(move) > self.params.multiple * usual:
            return None
        side = BUY if move > 0 else SELL
        if (self.held > 0) if side is BUY else (self.held < 0):
            return None
        if side is SELL and not self.params.short:
            return TradeSignal(market_data.symbol, SELL, 0, market_data.price, target=True) if self.held else None
        terms = Terms(trailing_loss=max(self.params.stop * self.average, market_data.price * 1e-6))
        return TradeSignal(market_data.symbol, side, self.params.quantity, market_data.price, terms=terms, target=True)

    def on_trade_executed(self, trade: Trade) -> None:
        """Know what is held, because a stop may have closed it."""
        self.held = float(trade.position)

    def _measure(self, data: MarketData) -> None:
        reach = max(data.high, self.before) - min(data.low, self.before) if self.before == self.before else math.nan
        self.before = data.price
        if math.isnan(reach):
            return
        count = self.params.window
        if len(self.ranges) < count:
            self.ranges.append(reach)
            self.average = math.fsum(self.ranges) / count if len(self.ranges) == count else math.nan
        else:
            self.average += (reach - self.average) / count
