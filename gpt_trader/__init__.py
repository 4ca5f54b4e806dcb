"""gpt-trader: trading workflows in YAML, one order path for backtest, paper and live, and a journal that remembers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_trader.app.orchestrator import EventBus, TradingOrchestrator
    from gpt_trader.core.context import StepContext
    from gpt_trader.core.errors import GptTraderError
    from gpt_trader.core.events import Event
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import OrderType, Side, Terms, TimeInForce, Trade, TradeSignal
    from gpt_trader.core.ports import TradingStrategyPlugin
    from gpt_trader.core.slices import Frame, Outputs, Params, Slice, method

_HOMES = {
    "EventBus": "app.orchestrator",
    "TradingOrchestrator": "app.orchestrator",
    "StepContext": "core.context",
    "GptTraderError": "core.errors",
    "Event": "core.events",
    "MarketData": "core.market",
    "OrderType": "core.orders",
    "Side": "core.orders",
    "Terms": "core.orders",
    "TimeInForce": "core.orders",
    "Trade": "core.orders",
    "TradeSignal": "core.orders",
    "TradingStrategyPlugin": "core.ports",
    "Frame": "core.slices",
    "Outputs": "core.slices",
    "Params": "core.slices",
    "Slice": "core.slices",
    "method": "core.slices",
}

__all__ = [
    "Event",
    "EventBus",
    "Frame",
    "GptTraderError",
    "MarketData",
    "OrderType",
    "Outputs",
    "Params",
    "Side",
    "Slice",
    "StepContext",
    "Terms",
    "TimeInForce",
    "Trade",
    "TradeSignal",
    "TradingOrchestrator",
    "TradingStrategyPlugin",
    "method",
]


def __getattr__(name: str) -> Any:
    """Import a public word when it is first used, so that `import gpt_trader` costs nothing."""
    if name in _HOMES:
        return getattr(import_module(f"gpt_trader.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'gpt_trader' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
