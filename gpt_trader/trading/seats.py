"""A strategy's place at the desk: what it is called, which symbols it listens to, and how its signals are sized."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gpt_trader.core.errors import GptTraderError, ValidationError
from gpt_trader.core.faults import fault_of
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.sizing import Sizing
from gpt_trader.trading.watchdog import Watchdog, codes_of


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
            faults = "; ".join(fault_of(found) for found in fault.errors())
            raise ValidationError(f"{self.name}: {faults}", hint=f"it takes {', '.join(model.model_fields)}") from None


class Seat:
    """A running strategy, or its instance for one symbol, as the desk sees it."""

    __slots__ = ("ask", "name", "plugin", "sizing", "stopped", "symbols", "wants_trades")

    def __init__(self, name: str, plugin: TradingStrategyPlugin, *, symbols: tuple[str, ...], sizing: Sizing) -> None:
        self.name = name
        self.plugin = plugin
        self.symbols = symbols
        self.sizing = sizing
        self.ask = plugin.on_market_data
        self.wants_trades = type(plugin).on_trade_executed is not TradingStrategyPlugin.on_trade_executed
        self.stopped = False


def seats_of(spec: StrategySpec, symbols: Sequence[str], sizing: Sizing, *, deadline: float) -> list[Seat]:
    """Make a strategy, or one for each symbol if it wants that, give it its parameters, and sit it down.

    One that fails, exits or hangs before the first bar is an error: no session starts without what was asked for.
    """
    params = spec.checked_params()
    wanted = tuple(symbol for symbol in symbols if not spec.symbols or symbol in spec.symbols)
    if not wanted:
        raise ValidationError(f"{spec.name} wants {', '.join(spec.symbols)}, and there is none of it")
    with _getting_ready(spec.name):
        first = _made(spec)
        groups = [(symbol,) for symbol in wanted] if first.per_symbol else [wanted]
        plugins = [first, *(_made(spec) for _ in groups[1:])]
        with Watchdog(lambda: None, codes_of(plugins), deadline=deadline):
            for plugin in plugins:
                plugin.initialize(params)
    size = spec.sizing or sizing
    return [Seat(spec.name, plugin, symbols=group, sizing=size) for plugin, group in zip(plugins, groups, strict=True)]


def told(fault: BaseException) -> str:
    """What went wrong, in a few words for the user."""
    words = str(fault)
    return f"{type(fault).__name__}: {words}" if words else type(fault).__name__


@contextmanager
def _getting_ready(name: str) -> Iterator[None]:
    try:
        yield
    except (GptTraderError, KeyboardInterrupt):
        raise
    except BaseException as fault:
        problem = f"{name} could not get ready: {told(fault)}"
        raise ValidationError(problem, hint="mend its `initialize`, or give it other params") from fault


def _made(spec: StrategySpec) -> TradingStrategyPlugin:
    plugin = spec.make()
    if not isinstance(plugin, TradingStrategyPlugin):
        raise ValidationError(f"{spec.name} is no TradingStrategyPlugin", hint="derive it from that class")
    return plugin
