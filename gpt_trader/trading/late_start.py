"""A start in the middle of the bars: a strategy that has seen what came before, and trades from a moment on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import SELL, Side, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Trade


class LateStart:
    """Makes a strategy that only watches before a moment; there it takes the position that it last wished for.

    That is its last target, or its last purchase if no sale came after it.
    """

    def __init__(self, make: Callable[[], TradingStrategyPlugin], start_ns: int) -> None:
        self.__wrapped__ = make
        self.Params = getattr(make, "Params", None)
        self.per_symbol = getattr(make, "per_symbol", False)
        self._start = start_ns

    def __call__(self) -> TradingStrategyPlugin:
        return _Watching(self.__wrapped__(), self._start)


class _Watching(TradingStrategyPlugin):
    def __init__(self, inner: TradingStrategyPlugin, start_ns: int) -> None:
        self._inner, self._start = inner, start_ns
        self.per_symbol = inner.per_symbol  # type: ignore[misc]
        self._wishes: dict[str, TradeSignal] = {}

    def initialize(self, config: Mapping[str, Any]) -> None:
        self._inner.initialize(config)

    def on_market_data(self, market_data: MarketData) -> Sequence[TradeSignal] | None:
        answer = self._inner.on_market_data(market_data)
        signals = () if answer is None else (answer,) if isinstance(answer, TradeSignal) else answer
        if market_data.ns < self._start:
            for signal in signals:
                self._wishes[signal.symbol] = signal
            return None
        if self._wishes:
            return [*self._left(market_data, {s.symbol for s in signals}), *signals]
        return list(signals) or None

    def on_trade_executed(self, trade: Trade) -> None:
        self._inner.on_trade_executed(trade)

    def cleanup(self) -> None:
        self._inner.cleanup()

    def _left(self, data: MarketData, decided: set[str]) -> list[TradeSignal]:
        """Give the wish from before for the symbol that trades now, unless there is a newer one."""
        for symbol in decided:
            self._wishes.pop(symbol, None)
        wish = self._wishes.pop(data.symbol, None)
        sold = wish is not None and not wish.target and Side(wish.side) is SELL
        if wish is None or wish.quantity == 0 or sold:
            return []
        return [replace(wish, price=data.price, timestamp=None)]
