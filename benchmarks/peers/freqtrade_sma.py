"""freqtrade on the event-driven work, offline, run by the Python that has it: the number of bars.

Its usual style: columns of entries and exits, no Python callback per bar; fills at the next open. What is timed is its
backtest of one strategy, without the report. Its list of markets is made up, so that it asks no exchange.
"""

import json
import logging
import sys
import tempfile
import time
from pathlib import Path

began = time.perf_counter()
from freqtrade.commands.optimize_commands import setup_optimize_configuration
from freqtrade.enums import CandleType, RunMode
from freqtrade.exchange.exchange import Exchange
from freqtrade.optimize.backtesting import Backtesting

import_s = time.perf_counter() - began

import pandas as pd
from freqtrade.data.history import get_datahandler

from benchmarks import data, measure

STRATEGY = """
from freqtrade.strategy import IStrategy


class Cross(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": 1000.0}
    stoploss = -0.99
    startup_candle_count = 0
    process_only_new_candles = True
    order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}

    def populate_indicators(self, df, metadata):
        df["fast"] = df["close"].rolling(10).mean()
        df["slow"] = df["close"].rolling(30).mean()
        return df

    def populate_entry_trend(self, df, metadata):
        df.loc[df["fast"] > df["slow"], "enter_long"] = 1
        return df

    def populate_exit_trend(self, df, metadata):
        df.loc[~(df["fast"] > df["slow"]), "exit_long"] = 1
        return df

    def custom_stake_amount(self, pair, current_time, current_rate, proposed_stake, *args, **kwargs):
        return current_rate
"""
PAIR = "BTC/USDT"
SIDE = {"price_side": "other", "use_order_book": False}
NONE = {"min": None, "max": None}
CONFIG = {
    "stake_currency": "USDT",
    "stake_amount": 100,
    "dry_run": True,
    "dry_run_wallet": 1_000_000,
    "max_open_trades": 1,
    "tradable_balance_ratio": 1.0,
    "fee": data.FEE,
    "trading_mode": "spot",
    "margin_mode": "",
    "exchange": {"name": "binance", "pair_whitelist": [PAIR], "pair_blacklist": []},
    "pairlists": [{"method": "StaticPairList"}],
    "entry_pricing": SIDE,
    "exit_pricing": SIDE,
    "dataformat_ohlcv": "feather",
}
MARKET = {
    "id": "BTCUSDT",
    "symbol": PAIR,
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "active": True,
    "spot": True,
    "swap": False,
    "future": False,
    "option": False,
    "margin": False,
    "contract": False,
    "type": "spot",
    "linear": None,
    "inverse": None,
    "contractSize": None,
    "info": {},
    "taker": data.FEE,
    "maker": data.FEE,
    "precision": {"amount": 1e-8, "price": 1e-5},
    "limits": {"amount": NONE, "cost": NONE, "price": NONE, "leverage": {}},
}

logging.disable(logging.WARNING)


def made_up(exchange, reload=False):  # noqa: ARG001, FBT002 - as the exchange has it
    exchange._api_async.set_markets([MARKET])  # noqa: SLF001


Exchange._load_async_markets = made_up  # noqa: SLF001
count = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    for name in ("data/binance", "strategies", "backtest_results"):
        (root / name).mkdir(parents=True)
    (root / "strategies" / "cross.py").write_text(STRATEGY)
    (root / "config.json").write_text(json.dumps(CONFIG))
    columns = data.for_backtest(count)
    frame = pd.DataFrame({"date": pd.DatetimeIndex(columns.pop("ts"), tz="UTC"), **columns})
    get_datahandler(root / "data" / "binance", "feather").ohlcv_store(PAIR, "1m", frame, CandleType.SPOT)
    asked = {"config": [str(root / "config.json")], "user_data_dir": folder, "strategy": "Cross"}
    test = Backtesting(
        setup_optimize_configuration({**asked, "export": "none", "backtest_cache": "none"}, RunMode.BACKTEST)
    )
    bars, span = test.load_bt_data()
    timed = measure.timed(lambda: test.backtest_one_strategy(test.strategylist[0], bars, span))
    found = test.all_bt_content["Cross"]
fills, equity = 2 * len(found["results"]), found["final_balance"]
measure.tell(import_s=import_s, **timed, bars_per_s=count / timed["run_s"], fills=fills, equity=equity)
