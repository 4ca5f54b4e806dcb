"""A strategy's place at the desk: what it is called, which symbols it listens to, and how its signals are sized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.sizing import Sizing


@dataclass(frozen=True)
class StrategySpec:
    """A strategy to run: its name, what makes it, its parameters; no symbols means all, no sizing the session's."""

    name: str
    make: Callable[[], TradingStrategyPlugin]
    params: Mapping[str, Any] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    sizing: Sizing | None = None

    def checked_params(self) -> dict[str, Any]:
        """The parameters with their defaults, or every fault that they have."""
        model = getattr(self.make, "Params", None)
        if model is None:
            return dict(self.params)
        from pydantic import ValidationError as Invalid

        try:
            return dict(model.model_validate(dict(self.params)).model_dump())
        except Invalid as fault:
            faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'params'}: {e['msg']}" for e in fault.errors())
            raise ValidationError(f"{self.name}: {faults}", hint=f"it takes {', '.join(model.model_fields)}") from None


class Seat:
    """A running strategy as the desk sees it."""

    __slots__ = ("ask", "name", "plugin", "sizing", "stopped", "symbols", "wants_trades")

    def __init__(
        self, name: str, plugin: TradingStrategyPlugin, *, symbols: tuple[str, ...] = (), sizing: Sizing
    ) -> None:
        self.name = name
        self.plugin = plugin
        self.symbols = symbols
        self.sizing = sizing
        self.ask = plugin.on_market_data
        self.wants_trades = type(plugin).on_trade_executed is not TradingStrategyPlugin.on_trade_executed
        self.stopped = False

    def listens(self, symbol: str) -> bool:
        """Whether it wants the market data of this symbol."""
        return not self.symbols or symbol in self.symbols


def seat(spec: StrategySpec, sizing: Sizing) -> Seat:
    """Make a strategy, give it its parameters, and sit it down."""
    plugin = spec.make()
    if not isinstance(plugin, TradingStrategyPlugin):
        raise ValidationError(
            f"{spec.name} is no TradingStrategyPlugin", hint="derive it from gpt_trader.TradingStrategyPlugin"
        )
    plugin.initialize(spec.checked_params())
    return Seat(spec.name, plugin, symbols=spec.symbols, sizing=spec.sizing or sizing)
