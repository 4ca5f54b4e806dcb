"""Stops that sizing by risk adds: beside the true range of the other slice, and only where an entry has none."""

from __future__ import annotations

from typing import Any

import pytest

from gpt_trader.core.market import Bar
from gpt_trader.core.orders import BUY, SELL, Terms, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.slices.position_sizing.ranges import average_true_range
from gpt_trader.trading.stops import Range, WithStop
from tests.slices.market import walk


def bars_of(bars: Any) -> list[Bar]:
    columns = (bars.ts, bars.close, bars.volume, bars.open, bars.high, bars.low)
    return [Bar(bars.symbol, *row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def answering(*answers: Any) -> TradingStrategyPlugin:
    """A strategy that gives these answers, one a bar, with stops two average ranges of 1.5 away."""

    class Scripted(TradingStrategyPlugin):
        def __init__(self) -> None:
            self.left = list(answers)

        def on_market_data(self, market_data: Any) -> Any:
            return self.left.pop(0)

    plugin = WithStop(Scripted, bars=1_000_000, distance=2.0, first=1.5)()
    plugin.initialize({})
    return plugin


FLAT = Bar("A", 0, 100.0, 1.0, 100.0, 100.75, 99.25)


def stops(plugin: TradingStrategyPlugin) -> list[Any]:
    return [signal.terms.stop_loss for signal in plugin.on_market_data(FLAT) or ()]  # type: ignore[union-attr]


@pytest.mark.parametrize("length", [2, 14])
def test_the_range_bar_by_bar_is_that_of_the_sizing(length):
    bars = walk(80, seed=3)
    ranged = Range(length)
    for number, bar in enumerate(bars_of(bars), 1):
        ranged.push(bar)
        if number <= length:
            assert ranged.value is None
        else:
            assert ranged.value == pytest.approx(average_true_range(bars[:number], length), rel=1e-12)


def test_a_long_entry_has_its_stop_below_and_a_short_one_above():
    assert stops(answering(TradeSignal("A", BUY, None, target=True))) == [pytest.approx(97.0)]
    assert stops(answering(TradeSignal("A", "sell", 5.0))) == [pytest.approx(103.0)]


def test_exits_and_entries_with_a_stop_of_their_own_stay_as_they_are():
    leave = TradeSignal("A", SELL, 0, target=True)
    own = TradeSignal("A", BUY, None, terms=Terms(stop_loss=90.0))
    trailing = TradeSignal("A", BUY, None, terms=Terms(trailing_loss=5.0))
    assert answering([leave, own, trailing]).on_market_data(FLAT) == [leave, own, trailing]
    assert answering(None).on_market_data(FLAT) is None


def test_a_sale_of_what_is_held_is_no_entry():
    from decimal import Decimal

    from gpt_trader.core.market import time_of
    from gpt_trader.core.orders import Trade

    plugin = answering(TradeSignal("A", SELL, 5.0), TradeSignal("A", BUY, 5.0))
    plugin.on_trade_executed(Trade("A", BUY, Decimal(5), Decimal(100), time_of(0), Decimal(0), Decimal(5), "1"))
    assert stops(plugin) == [None]
    assert stops(plugin) == [pytest.approx(97.0)]


def test_without_enough_bars_for_a_range_there_is_no_stop():
    class Buyer(TradingStrategyPlugin):
        def on_market_data(self, market_data: Any) -> TradeSignal:
            return TradeSignal("A", BUY)

    assert stops(WithStop(Buyer, bars=14, distance=2.0)()) == [None]
