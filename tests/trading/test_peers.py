"""The desk and two peers run the same strategies and agree trade by trade."""

from __future__ import annotations

import importlib
import warnings
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gpt_trader.core.bars import Bars, Provenance
from gpt_trader.core.market import DAY, Timeframe
from gpt_trader.core.orders import BUY
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Units
from tests.trading.bars import drawn


def quietly(*names: str) -> list[Any]:
    """The modules of a peer, whose own warnings are its own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [importlib.import_module(name) for name in names]


@pytest.fixture(scope="module")
def theirs():
    backtesting, lib, data = quietly("backtesting", "backtesting.lib", "backtesting.test")

    base: Any = backtesting.Strategy

    class Reversal(base):
        def init(self):
            self.fast = self.I(data.SMA, self.data.Close, 10)
            self.slow = self.I(data.SMA, self.data.Close, 30)

        def next(self):
            if lib.crossover(self.fast, self.slow):
                self.position.close()
                self.buy()
            elif lib.crossover(self.slow, self.fast):
                self.position.close()
                self.sell()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = backtesting.Backtest(data.GOOG, Reversal, cash=10_000, finalize_trades=True).run()
    return SimpleNamespace(frame=data.GOOG, stats=stats)


@pytest.fixture(scope="module")
def ours(theirs):
    frame = theirs.frame
    columns = {name.lower(): frame[name].to_numpy(dtype=float) for name in ("Open", "High", "Low", "Close", "Volume")}
    ts = frame.index.to_numpy().astype("datetime64[D]").astype(np.int64) * DAY
    made = Provenance(origin="sample", source="the peer")
    bars = Bars(symbol="GOOG", timeframe=Timeframe(1, "d"), ts=ts, provenance=made, **columns)
    spec = StrategySpec("sma", SmaCross, {"fast": 10, "slow": 30, "below": "short", "wait_for_cross": True})
    return run_backtest(spec, bars, BacktestConfig(cash=Decimal(10_000), close_at_end="open"))


def test_the_figures_that_backtesting_py_publishes_are_reproduced(ours):
    figures = ours.metrics
    assert ours.final_equity == Decimal("51422.99")
    assert figures["trades"] == 66
    assert figures["win_rate"] == pytest.approx(0.46969697, abs=1e-8)
    assert figures["best_trade"] == pytest.approx(0.5359595229, abs=1e-10)
    assert figures["worst_trade"] == pytest.approx(-0.1839887354, abs=1e-10)
    assert figures["profit_factor_of_returns"] == pytest.approx(2.167945974, abs=1e-9)
    assert figures["equity_peak"] == pytest.approx(75_787.44, abs=1e-6)


def test_every_trade_is_the_trade_of_backtesting_py(ours, theirs):
    trades = theirs.stats["_trades"]
    sizes = [int(t.quantity) * (1 if t.side is BUY else -1) for t in ours.trades]
    assert sizes == trades["Size"].tolist()
    assert [float(t.entry_price) for t in ours.trades] == trades["EntryPrice"].tolist()
    assert [float(t.exit_price) for t in ours.trades] == trades["ExitPrice"].tolist()
    assert [float(t.profit) for t in ours.trades] == pytest.approx(trades["PnL"].tolist(), abs=1e-6)


def test_the_equity_curve_is_the_one_of_backtesting_py(ours, theirs):
    assert ours.equity.tolist() == pytest.approx(theirs.stats["_equity_curve"]["Equity"].tolist(), abs=1e-6)


def test_every_fill_is_the_fill_of_backtrader():
    (backtrader,) = quietly("backtrader")
    pandas = pytest.importorskip("pandas")
    bars, seen = drawn(3000), list[Any]()

    base: Any = backtrader.Strategy

    class Cross(base):
        def __init__(self):
            self.fast = backtrader.indicators.SMA(period=10)
            self.slow = backtrader.indicators.SMA(period=30)

        def next(self):
            if self.fast[0] > self.slow[0] and not self.position:
                self.buy(size=1)
            elif self.fast[0] <= self.slow[0] and self.position:
                self.sell(size=1)

        def notify_order(self, order):
            if order.status == order.Completed:
                seen.append((order.executed.size, order.executed.price, order.executed.comm))

    index = pandas.DatetimeIndex(bars.ts.astype("datetime64[ns]"))
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    engine = backtrader.Cerebro(stdstats=False)
    engine.adddata(backtrader.feeds.PandasData(dataname=pandas.DataFrame(columns, index=index)))
    engine.addstrategy(Cross)
    engine.broker.setcash(1_000_000)
    engine.broker.setcommission(commission=0.001)
    engine.run()
    config = BacktestConfig(cash=Decimal(1_000_000), costs=Costs(Fee(Decimal("0.001"))), sizing=Units())
    report = run_backtest(StrategySpec("sma", SmaCross, {"quantity": 1.0}), bars, config)
    mine = [(int(f.quantity) * (1 if f.side is BUY else -1), float(f.price), float(f.fee)) for f in report.fills]
    assert len(mine) == len(seen) > 100
    assert np.array(mine) == pytest.approx(np.array(seen), abs=1e-9)
    assert float(report.final_equity) == pytest.approx(engine.broker.getvalue(), abs=1e-6)
