"""A new high is bought, a new low is left: the channel of Donchian."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.params import StrategyParams

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.kernel import Grid, TargetRows


class Breakout(TradingStrategyPlugin):
    """Long above the highest high of `entry` bars, out below the lowest low of `exit` bars, the current one apart."""

    per_symbol = True

    class Params(StrategyParams):
        """The lengths of the two channels, and whether new lows are sold short."""

        entry: int = Field(20, ge=1, description="bars whose extreme must be passed to enter")
        exit: int = Field(10, ge=1, description="bars whose opposite extreme must be passed to leave")
        short: bool = Field(default=False, description="whether to sell new lows short")

    @classmethod
    def targets(cls, bars: Bars, grid: Grid) -> TargetRows:
        """The same decisions for all sets of a grid, for sweeps."""
        from gpt_trader.strategies import rows

        return rows.breakout(bars, grid)

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the parameters and remember no bar yet."""
        self.params = self.Params(**config)
        longest = max(self.params.entry, self.params.exit)
        self.highs: deque[float] = deque(maxlen=longest)
        self.lows: deque[float] = deque(maxlen=longest)
        self.state = 0

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        """A signal when the close leaves a channel."""
        state = self.state
        if len(self.highs) == self.highs.maxlen:
            state = self._wanted(market_data.price)
        self.highs.append(market_data.high)
        self.lows.append(market_data.low)
        if state == self.state:
            return None
        self.state = state
        quantity = self.params.quantity if state else 0
        return TradeSignal(market_data.symbol, BUY if state > 0 else SELL, quantity, market_data.price, target=True)

    def _wanted(self, price: float) -> int:
        entry, leave = self.params.entry, self.params.exit
        if price > max(_last(self.highs, entry)):
            return 1
        if price < min(_last(self.lows, entry)) and self.params.short:
            return -1
        if self.state > 0 and price < min(_last(self.lows, leave)):
            return 0
        if self.state < 0 and price > max(_last(self.highs, leave)):
            return 0
        return self.state


def _last(values: deque[float], count: int) -> list[float]:
    return list(values)[-count:]
