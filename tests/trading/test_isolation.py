"""Whatever a strategy does ends that strategy at most: the desk, its arithmetic and the other strategies go on."""

from __future__ import annotations

import decimal
import sys
from decimal import Decimal
from typing import Any

import pytest

from gpt_trader.core.errors import ConfigError, ValidationError
from gpt_trader.core.orders import Terms, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import by_hand
from tests.trading.scripted import Scripted, buy, sell

FLAT = (100, 101, 99, 100)


def beside(bad: Any, **config: Any) -> Any:
    """A report of a bad strategy and a good one, which buys at the second bar's open and sells at the fourth's."""
    good = StrategySpec("good", lambda: Scripted({0: [buy(1)], 2: [sell(1)]}))
    return run_backtest([StrategySpec("bad", bad), good], by_hand([FLAT] * 5), BacktestConfig(deadline=1.0, **config))


def of(report, strategy):
    return [(str(fill.side), float(fill.price)) for fill in report.fills if fill.strategy == strategy]


class Exits(TradingStrategyPlugin):
    def on_market_data(self, market_data):
        yield sys.exit(3)


class Hangs(TradingStrategyPlugin):
    def on_market_data(self, market_data):
        yield from (zero for zero in iter(int, 1) if zero)


class Fails(TradingStrategyPlugin):
    def on_market_data(self, market_data):
        yield TradeSignal("X", "buy", 1)
        raise RuntimeError("no more")


@pytest.mark.parametrize(
    ("bad", "said"), [(Exits, "SystemExit: 3"), (Hangs, "Overdue"), (Fails, "RuntimeError: no more")]
)
def test_an_answer_that_is_code_may_fail_exit_or_hang_while_it_is_read(bad, said):
    report = beside(bad)
    assert [(a.code, a.strategy, a.message) for a in report.alerts] == [
        ("strategy_stopped", "bad", f"bad was stopped: {said}")
    ]
    assert (of(report, "good"), of(report, "bad")) == ([("buy", 100), ("sell", 100)], [])


def signalling(**signal: Any) -> Any:
    class Signals(TradingStrategyPlugin):
        def on_market_data(self, market_data):
            return TradeSignal(**{"symbol": "X", "side": "buy", "quantity": 1, **signal})

    return Signals


@pytest.mark.parametrize(
    ("signal", "code"),
    [
        ({"symbol": ["X"]}, "unknown_instrument"),
        ({"symbol": None}, "unknown_instrument"),
        ({"terms": None}, "bad_signal"),
        ({"terms": "limit"}, "bad_signal"),
        ({"side": None}, "bad_signal"),
        ({"quantity": "many"}, "bad_signal"),
        ({"quantity": Decimal("sNaN")}, "bad_signal"),
        ({"quantity": float("nan"), "target": True}, "bad_signal"),
        ({"quantity": float("inf")}, "bad_number"),
        ({"terms": Terms("limit", limit="low")}, "bad_signal"),  # type: ignore[arg-type]
        ({"terms": Terms("trailing_stop", trail="5")}, "bad_number"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_a_signal_that_is_none_is_refused_with_a_code(signal, code):
    report = beside(signalling(**signal))
    assert {refused.code for refused in report.refusals} == {code}
    assert (of(report, "good"), report.alerts) == ([("buy", 100), ("sell", 100)], ())


def careless(**context: Any) -> Any:
    """Buys a share at each bar, and leaves the thread's arithmetic as it likes it wherever it has the word."""

    class Careless(TradingStrategyPlugin):
        def on_market_data(self, market_data):
            for name, value in context.items():
                setattr(decimal.getcontext(), name, value)
            return TradeSignal("X", "buy", 1)

        def on_trade_executed(self, trade):
            for name, value in context.items():
                setattr(decimal.getcontext(), name, value)

        def cleanup(self):
            self.on_trade_executed(None)

    return Careless


@pytest.mark.parametrize("context", [{"prec": 2}, {"prec": 3, "rounding": decimal.ROUND_UP}])
def test_the_arithmetic_of_a_strategy_is_not_that_of_the_ledger(context):
    costs = Costs(Fee(Decimal("0.0012345")), spread=Decimal("0.001"))
    bars = by_hand([(123.45, 124, 122, 123.45)] * 6)
    config = BacktestConfig(costs=costs, close_at_end="close")
    found = run_backtest(StrategySpec("s", careless(**context)), bars, config)
    expected = run_backtest(StrategySpec("s", careless()), bars, config)
    assert found.fills == expected.fills
    assert found.fills[0].fee == Decimal("123.52") * Decimal("0.0012345")
    assert found.final_equity == expected.final_equity
    assert found.metrics == pytest.approx(expected.metrics, nan_ok=True)
    assert found.costs == expected.costs


def getting_ready(act: Any) -> Any:
    class GettingReady(TradingStrategyPlugin):
        def initialize(self, config):
            act()

        def on_market_data(self, market_data):
            return None

    return GettingReady


def forever() -> None:
    while True:
        pass


def failing() -> None:
    raise KeyError("length")


@pytest.mark.parametrize(
    ("act", "said"),
    [(failing, "KeyError: 'length'"), (lambda: sys.exit(0), "SystemExit: 0"), (forever, "Overdue")],
    ids=["fails", "exits", "hangs"],
)
def test_a_strategy_that_does_not_get_ready_is_an_error_that_names_it(act, said):
    with pytest.raises(ValidationError, match=f"bad could not get ready: {said}"):
        beside(getting_ready(act))


def test_what_a_strategy_says_of_its_params_is_passed_on():
    def strict() -> None:
        raise ConfigError("fast must be below slow", hint="fast=10")

    with pytest.raises(ConfigError, match=r"^fast must be below slow$"):
        beside(getting_ready(strict))


def test_a_strategy_that_cannot_even_be_made_is_an_error_that_names_it():
    class Broken(TradingStrategyPlugin):
        def __init__(self):
            raise RuntimeError("no model")

        def on_market_data(self, market_data):
            return None

    with pytest.raises(ValidationError, match="bad could not get ready: RuntimeError: no model"):
        beside(Broken)


def writing(**values: Any) -> Any:
    """A strategy that writes to the first bar that it is shown, and wants to buy then."""

    class Writes(TradingStrategyPlugin):
        def on_market_data(self, market_data):
            for name, value in values.items():
                setattr(market_data, name, value)
            return TradeSignal("X", "buy", 1)

    return Writes


@pytest.mark.parametrize("values", [{"symbol": "Y"}, {"symbol": []}, {"price": 0.01}, {"price": "a"}, {"ns": 1}])
@pytest.mark.parametrize("fill", [FillRules(), FillRules(same_close=True)])
def test_on_market_data_that_was_written_to_nothing_is_traded(values, fill):
    """Not at a price of the strategy's own, nor at a time of its own; whoever may have written is stopped."""
    report = run_backtest(StrategySpec("bad", writing(**values)), by_hand([FLAT] * 5), BacktestConfig(fill=fill))
    assert [(a.code, a.message) for a in report.alerts] == [
        ("strategy_stopped", "bad was stopped: ValidationError: market data that it was shown has been written to")
    ]
    assert report.fills == ()


def test_who_was_shown_the_same_market_data_may_have_written_to_it():
    report = beside(writing(price=1.0))
    assert sorted(a.strategy for a in report.alerts) == ["bad", "good"]
    assert report.fills == ()


def test_a_bar_without_a_price_is_as_it_was():
    nan = float("nan")
    bars = by_hand([FLAT, (nan, nan, nan, nan), FLAT, FLAT, FLAT])
    report = run_backtest(StrategySpec("good", lambda: Scripted({1: [buy(1)]})), bars, BacktestConfig())
    assert ([(a.code) for a in report.alerts], len(report.fills)) == ([], 1)
