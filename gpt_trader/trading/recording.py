"""A strategy whose answers are written down, so that two runs of it can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import AT_MARKET, BUY, Side, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.modes import simulate

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Trade
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.seats import StrategySpec

FAILS = "fails with"
Key = tuple[str, int]
"""A bar: its symbol, and when it opens."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a strategy said about one bar: signals in words, which way entries bet, and its indicators."""

    words: tuple[str, ...]
    bets: tuple[int, ...]
    indicators: Mapping[str, float]


class Recorder(TradingStrategyPlugin):
    """A strategy whose answers are written down."""

    def __init__(self, inner: TradingStrategyPlugin, answers: dict[Key, Answer]) -> None:
        self._inner, self._answers = inner, answers
        self.per_symbol = inner.per_symbol  # type: ignore[misc]

    def initialize(self, config: Mapping[str, Any]) -> None:
        self._inner.initialize(config)

    def on_market_data(self, market_data: MarketData) -> TradeSignal | Sequence[TradeSignal] | None:
        key = (market_data.symbol, market_data.ns)
        try:
            answer = self._inner.on_market_data(market_data)
            signals = [answer] if isinstance(answer, TradeSignal) else list(answer or ())
        except Exception as fault:
            self._answers[key] = Answer((f"{FAILS} {type(fault).__name__}: {fault}",), (), {})
            raise
        indicators = indicators_of(self._inner)
        if signals or indicators:
            self._answers[key] = Answer(tuple(map(said, signals)), tuple(map(_bet, signals)), indicators)
        return signals or None

    def on_trade_executed(self, trade: Trade) -> None:
        self._inner.on_trade_executed(trade)

    def cleanup(self) -> None:
        self._inner.cleanup()


class Recorded:
    """Makes recorders of a strategy; the desk sees its parameters as ever."""

    def __init__(self, make: Callable[[], TradingStrategyPlugin]) -> None:
        self.__wrapped__ = make
        self.Params = getattr(make, "Params", None)
        self.answers: dict[Key, Answer] = {}

    def __call__(self) -> TradingStrategyPlugin:
        return Recorder(self.__wrapped__(), self.answers)


def said(signal: TradeSignal) -> str:
    """A signal in words that are equal only where the signals are."""
    size = "as sized by the session" if signal.quantity is None else str(signal.quantity)
    words = [str(Side(signal.side)), signal.symbol, size] + ["as target"] * signal.target
    words += [f"at {signal.price!r}"] * (signal.price is not None)
    terms = [(f.name, getattr(signal.terms, f.name)) for f in fields(signal.terms)]
    return " ".join([*words, *(f"{name}={v}" for name, v in terms if v != getattr(AT_MARKET, name))])


def _bet(signal: TradeSignal) -> int:
    """Which way an entry bets; 0 for what leaves a position."""
    return 0 if signal.quantity == 0 else 1 if Side(signal.side) is BUY else -1


def indicators_of(plugin: TradingStrategyPlugin) -> dict[str, float]:
    """What a strategy shows of its inside: `indicators`, a mapping or a method that gives one."""
    found = getattr(plugin, "indicators", None)
    table = found() if callable(found) else found
    return {str(name): float(v) for name, v in table.items()} if isinstance(table, Mapping) else {}


def answers_of(spec: StrategySpec, bars: Sequence[Bars], config: BacktestConfig) -> dict[Key, Answer]:
    """What a strategy says about each bar, on a desk of its own; bars about which it says nothing are left out."""
    recorded = Recorded(spec.make)
    simulate([replace(spec, make=recorded)], bars, config)
    return recorded.answers
