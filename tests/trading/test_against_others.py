"""The desk gives the figures that other engines publish or give for the same work."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gpt_trader.adapters.feeds.sample import SampleSource
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Units


@pytest.fixture(scope="module")
def goog():
    return SampleSource().load("GOOG", start="2004-08-19", end="2013-03-01").bars


@pytest.fixture(scope="module")
def reversal(goog):
    spec = StrategySpec("sma", SmaCross, {"fast": 10, "slow": 30, "below": "short", "wait_for_cross": True})
    return run_backtest(spec, goog, BacktestConfig(cash=Decimal(10_000), close_at_end="open"))


def test_the_data_is_the_published_stretch(goog):
    assert len(goog) == 2148


def test_the_reversal_on_google_ends_with_the_equity_that_backtesting_py_has_on_these_bars(reversal):
    assert reversal.final_equity == Decimal("51406.235")
    assert reversal.equity[-1] == pytest.approx(51406.235, abs=1e-6)


@pytest.mark.parametrize(
    ("figure", "theirs"),
    [
        ("trades", 66),
        ("win_rate", 0.46969697),
        ("best_trade", 0.5359595229),
        ("worst_trade", -0.1839887354),
        ("profit_factor_of_returns", 2.167143731516909),
        ("equity_peak", 75770.685),
        ("total_return", 4.1406235),
        ("max_drawdown", -0.4799074),
    ],
)
def test_each_figure_is_the_one_of_backtesting_py(reversal, figure, theirs):
    assert reversal.metrics[figure] == pytest.approx(theirs, rel=1e-6)


def test_eight_engines_agree_on_the_random_walk_and_so_do_we(drawn):
    spec = StrategySpec("sma", SmaCross, {"fast": 10, "slow": 30, "quantity": 1.0})
    config = BacktestConfig(cash=Decimal(1_000_000), costs=Costs(Fee(Decimal("0.001"))), sizing=Units())
    report = run_backtest(spec, drawn(100_000), config)
    assert len(report.fills) == 3780
    assert float(report.final_equity) == pytest.approx(999_660.421, abs=5e-4)
    assert report.equity[-1] == pytest.approx(float(report.final_equity), abs=1e-6)
