"""Two prices that belong together: when their ratio has gone far, buy the cheap one and sell the dear one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.mean_reversion import z_score
from gpt_trader.strategies.params import StrategyParams

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData


class Pairs(TradingStrategyPlugin):
    """Trades the logarithm of first over second: enters `entry` deviations from its mean, leaves within `exit`."""

    class Params(StrategyParams):
        """The two symbols, the window, how far is far and how near is near."""

        first: str = Field("", description="the one symbol; the first two that are seen, if none is named")
        second: str = Field("", description="the other symbol")
        window: int = Field(30, ge=3, description="ratios in the mean and the deviation, the newest included")
        entry: float = Field(2.0, gt=0, description="deviations at which to enter")
        exit: float = Field(0.5, ge=0, description="deviations at which to leave")

        @model_validator(mode="after")
        def _ordered(self) -> Pairs.Params:
            if self.exit >= self.entry:
                raise ValueError("exit must be less than entry")
            if bool(self.first) != bool(self.second) or (self.first and self.first == self.second):
                raise ValueError("name two different symbols, or none")
            return self

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the parameters and know no price yet."""
        self.params = self.Params(**config)
        self.pair = [self.params.first, self.params.second] if self.params.first else []
        self.prices: dict[str, float] = {}
        self.moment: int | None = None
        self.ratios: deque[float] = deque(maxlen=self.params.window)
        self.state = 0

    def on_market_data(self, market_data: MarketData) -> list[TradeSignal] | None:
        """Signals for both when the ratio of one moment, seen whole, has gone far or has come back."""
        if not self._complete(market_data):
            return None
        first, second = (self.prices[symbol] for symbol in self.pair)
        self.ratios.append(math.log(first / second))
        if len(self.ratios) < self.params.window:
            return None
        state = self._wanted(z_score(self.ratios))
        if state == self.state:
            return None
        self.state = state
        return [self._be(symbol, sign * state) for symbol, sign in zip(self.pair, (1, -1), strict=True)]

    def _complete(self, data: MarketData) -> bool:
        if data.symbol not in self.pair:
            if len(self.pair) == 2:
                return False
            self.pair.append(data.symbol)
        if data.ns != self.moment:
            self.moment, self.prices = data.ns, {}
        if not data.price > 0.0:
            return False
        self.prices[data.symbol] = data.price
        return len(self.prices) == 2

    def _wanted(self, distance: float) -> int:
        if abs(distance) >= self.params.entry:
            return -1 if distance > 0 else 1
        near = distance >= -self.params.exit if self.state > 0 else distance <= self.params.exit
        return 0 if near else self.state

    def _be(self, symbol: str, state: int) -> TradeSignal:
        quantity = self.params.quantity if state else 0
        return TradeSignal(symbol, BUY if state > 0 else SELL, quantity, self.prices[symbol], target=True)
