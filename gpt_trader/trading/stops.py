"""A stop for strategies that name none: sizing by risk means a loss at a stop, so the stop must be in the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import BUY, Side, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Trade


class WithStop:
    """Makes a strategy whose entries carry a stop so many average true ranges away, unless they carry one already."""

    def __init__(
        self, plugin: type[TradingStrategyPlugin], *, bars: int, distance: float, first: float | None = None
    ) -> None:
        self.__wrapped__ = plugin
        self.Params = plugin.Params
        self._bars, self._distance, self._first = bars, distance, first

    def __call__(self) -> TradingStrategyPlugin:
        return Stopped(self.__wrapped__(), Range(self._bars, self._first), self._distance)


class Range:
    """Wilder's average true range of one symbol; without a value to go on from, None until there are enough bars."""

    def __init__(self, length: int, value: float | None = None) -> None:
        self._length, self._spans = length, list[float]()
        self._close: float | None = None
        self.value = value

    def push(self, data: MarketData) -> None:
        """Take in a bar."""
        before, self._close = self._close, data.price
        if before is None:
            return
        span = max(data.high, before) - min(data.low, before)
        if self.value is not None:
            self.value += (span - self.value) / self._length
            return
        self._spans.append(span)
        if len(self._spans) == self._length:
            self.value = sum(self._spans) / self._length


class Stopped(TradingStrategyPlugin):
    """A strategy of one symbol with a stop at each of its entries."""

    def __init__(self, inner: TradingStrategyPlugin, ranged: Range, distance: float) -> None:
        self._inner, self._range, self._distance = inner, ranged, distance
        self._held = Decimal(0)

    def initialize(self, config: Mapping[str, Any]) -> None:
        self._inner.initialize(config)

    def on_market_data(self, market_data: MarketData) -> Sequence[TradeSignal] | None:
        self._range.push(market_data)
        answer = self._inner.on_market_data(market_data)
        if answer is None:
            return None
        signals = [answer] if isinstance(answer, TradeSignal) else answer
        return [self._protected(signal, market_data) for signal in signals]

    def on_trade_executed(self, trade: Trade) -> None:
        self._held = trade.position
        self._inner.on_trade_executed(trade)

    def cleanup(self) -> None:
        self._inner.cleanup()

    def _protected(self, signal: TradeSignal, data: MarketData) -> TradeSignal:
        buys = Side(signal.side) is BUY
        leaves = signal.quantity == 0 or (not signal.target and (self._held < 0 if buys else self._held > 0))
        distance = (self._range.value or 0.0) * self._distance
        if leaves or not distance or signal.terms.stop_loss is not None or signal.terms.trailing_loss is not None:
            return signal
        stop = data.price - distance if buys else data.price + distance
        return replace(signal, terms=replace(signal.terms, stop_loss=stop))
