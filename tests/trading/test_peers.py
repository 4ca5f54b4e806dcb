"""Where a peer is installed, the desk and the peer run the same strategy and agree trade by trade."""

from __future__ import annotations

import warnings
from decimal import Decimal

import numpy as np
import pytest

from gpt_trader.core.bars import Bars, Provenance
from gpt_trader.core.market import DAY, Timeframe
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec


@pytest.fixture(scope="module")
def theirs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backtesting = pytest.importorskip("backtesting", reason="the peer is not installed")
        from backtesting.lib import crossover
        from backtesting.test import GOOG, SMA

        class Reversal(backtesting.Strategy):
            def init(self):
                self.fast = self.I(SMA, self.data.Close, 10)
                self.slow = self.I(SMA, self.data.Close, 30)

            def next(self):
                if crossover(self.fast, self.slow):
                    self.position.close()
                    self.buy()
                elif crossover(self.slow, self.fast):
                    self.position.close()
                    self.sell()

        stats = backtesting.Backtest(GOOG, Reversal, cash=10_000, finalize_trades=True).run()
    return GOOG, stats


@pytest.fixture(scope="module")
def ours(theirs):
    frame = theirs[0]
    columns = {name.lower(): frame[name].to_numpy(dtype=float) for name in ("Open", "High", "Low", "Close", "Volume")}
    ts = frame.index.to_numpy().astype("datetime64[D]").astype(np.int64) * DAY
    made = Provenance(origin="sample", source="the peer")
    bars = Bars(symbol="GOOG", timeframe=Timeframe(1, "d"), ts=ts, provenance=made, **columns)
    spec = StrategySpec("sma", SmaCross, {"fast": 10, "slow": 30, "below": "short", "wait_for_cross": True})
    return run_backtest(spec, bars, BacktestConfig(cash=Decimal(10_000), close_at_end="open"))


def test_the_published_figures_are_reproduced(ours):
    figures = ours.metrics
    assert ours.final_equity == Decimal("51422.99")
    assert figures["trades"] == 66
    assert figures["win_rate"] == pytest.approx(0.46969697, abs=1e-8)
    assert figures["best_trade"] == pytest.approx(0.5359595229, abs=1e-10)
    assert figures["worst_trade"] == pytest.approx(-0.1839887354, abs=1e-10)
    assert figures["profit_factor_of_returns"] == pytest.approx(2.167945974, abs=1e-9)
    assert figures["equity_peak"] == pytest.approx(75_787.44, abs=1e-6)


def test_every_trade_is_the_peers_trade(ours, theirs):
    trades = theirs[1]["_trades"]
    sizes = [int(t.quantity) * (1 if t.side == "buy" else -1) for t in ours.trades]
    assert sizes == trades["Size"].tolist()
    assert [float(t.entry_price) for t in ours.trades] == trades["EntryPrice"].tolist()
    assert [float(t.exit_price) for t in ours.trades] == trades["ExitPrice"].tolist()
    assert [float(t.profit) for t in ours.trades] == pytest.approx(trades["PnL"].tolist(), abs=1e-6)


def test_the_equity_curve_is_the_peers_curve(ours, theirs):
    assert ours.equity.tolist() == pytest.approx(theirs[1]["_equity_curve"]["Equity"].tolist(), abs=1e-6)
