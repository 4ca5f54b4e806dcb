"""Buy once and keep it: what every other strategy has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from gpt_trader.core.orders import BUY, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.kernel import Grid, TargetRows


class BuyAndHold(TradingStrategyPlugin):
    """Buys each symbol at its first bar and never sells."""

    per_symbol = True

    class Params(BaseModel):
        """How many units; none leaves it to the session's sizing."""

        model_config = ConfigDict(extra="forbid", strict=True)

        quantity: float | None = Field(None, gt=0)

    @classmethod
    def targets(cls, bars: Bars, grid: Grid) -> TargetRows:
        """The same decisions for all sets of a grid, for sweeps."""
        from gpt_trader.strategies import rows

        return rows.buy_and_hold(bars, grid)

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the quantity; nothing is bought yet."""
        self.quantity = self.Params(**config).quantity
        self.bought = False

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        """One purchase, at the first bar."""
        if self.bought:
            return None
        self.bought = True
        return TradeSignal(market_data.symbol, BUY, self.quantity, market_data.price)
