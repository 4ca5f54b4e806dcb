"""What a bar costs does not depend on how many symbols there are, and sums that run along change no verdict."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from gpt_trader.core.orders import TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading import account
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.modes import build, drive, run_backtest
from gpt_trader.trading.playback import in_parts
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Value
from gpt_trader.trading.stops import WithStop
from tests.trading.test_many_symbols import series, told

CASH = Decimal(10_000_000)
WIDE = {
    "trades_per_session": 10**6, "max_open_positions": 10**4, "max_open_orders": 10**4, "order_rate": 10**5,
    "message_budget": {"limit": 10**6}, "session_loss": 0.9, "daily_loss": 0.9, "trailing_drawdown": 0.9,
    "consecutive_losses": 10**6, "cooldown": 1e-3, "risk_per_position": 0.5, "gross_exposure": 3.0, "net_exposure": 3.0,
    "correlation_cluster": 3.0,
}  # fmt: skip
"""The standard limits, each of them at work, and none of them in the way."""
TIGHT = WIDE | {"gross_exposure": 0.8, "net_exposure": 0.4, "correlation_cluster": 0.3}
SHORT = {"fast": 3, "slow": 9, "below": "short"}


def config(limits, **options):
    costs = Costs(fee=Fee(percent=Decimal("0.001")), slippage=Slippage("percent", Decimal("0.0005")))
    return BacktestConfig(cash=CASH, costs=costs, limits=limits, **options)


def sma(params=SHORT, *, sizing=None, stop=False):
    make = WithStop(SmaCross, bars=5, distance=3.0) if stop else SmaCross
    return StrategySpec("sma", make, params, sizing=sizing)


def steps(work):
    """How many instructions of Python a piece of work takes, which no other process can change."""
    count = 0

    def local(frame, event, arg):
        nonlocal count
        count += event == "opcode"
        return local

    def begin(frame, event, arg):
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return local

    before = sys.gettrace()
    sys.settrace(begin)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def steps_of_a_bar(symbols, spec, limits):
    bars = [series(number, 60, seed=3) for number in range(symbols)]
    bench = build([spec], bars, config(limits))
    found = steps(lambda: drive(bench, in_parts(bars))) / (symbols * 60)
    assert len(bench.desk.tape.fills) > symbols
    return found


@pytest.mark.parametrize("limits", ["none", WIDE], ids=["none", "wide"])
@pytest.mark.parametrize(
    "spec",
    [
        sma({"fast": 3, "slow": 9}),
        sma(),
        sma(sizing=Value(CASH / 1000)),
        sma({"fast": 3, "slow": 9}, sizing=Value(CASH / 1000), stop=True),
    ],
    ids=["shares", "long and short", "values", "stops"],
)
def test_a_bar_takes_as_many_steps_among_many_symbols_as_among_few(spec, limits):
    assert steps_of_a_bar(240, spec, limits) < 1.15 * steps_of_a_bar(40, spec, limits)


class Turns(TradingStrategyPlugin):
    """Asks for targets and for more by turns, on either side, so that orders and money run short."""

    per_symbol = True

    def initialize(self, config):
        self.count = 0

    def on_market_data(self, market_data):
        self.count += 1
        turn = (self.count * 7 + int(market_data.symbol[1:]) * 3) % 11
        if turn in {2, 5}:
            return TradeSignal(market_data.symbol, "buy" if turn == 2 else "sell", None, target=True)
        return TradeSignal(market_data.symbol, "buy" if turn < 5 else "sell", 900 + turn) if turn in {0, 9} else None


MIXED = [
    series(
        number, 150, start=7 * (number % 3), timeframe="4h" if number % 4 == 3 else "1d", seed=6,
        holes=set(range(number, 150, 17 + number)), short=set(range(number, 150, 23)) if number % 3 == 0 else (),
    )
    for number in range(12)
]  # fmt: skip


@pytest.mark.parametrize("limits", ["none", "standard", WIDE, TIGHT], ids=["none", "standard", "wide", "tight"])
@pytest.mark.parametrize("leverage", [1, 2])
@pytest.mark.parametrize("same_close", [False, True], ids=["next open", "same close"])
@pytest.mark.parametrize("spec", [sma(), sma(stop=True), StrategySpec("turns", Turns)], ids=["sma", "stops", "turns"])
def test_sums_that_run_along_change_no_fill_and_no_verdict(spec, limits, leverage, same_close, monkeypatch):
    asked = config(limits, leverage=Decimal(leverage), fill=FillRules(same_close=same_close))
    quick = run_backtest(spec, MIXED, asked)
    monkeypatch.setattr(account, "HAIR", 1e9)  # nothing is certain: every lane is added up for every order
    exact = run_backtest(spec, MIXED, asked)
    assert repr((told(quick), quick.refusals)) == repr((told(exact), exact.refusals))
