"""freqtrade's hyperopt on the sweep's bars, offline, run by the Python that has it: the number of epochs.

Its usual style: every average is made once, and an epoch picks two of them; an epoch is one pair and one backtest. It
chooses the pairs itself, also some with the fast average above the slow one, so its results cannot be laid beside ours.
Its list of markets is made up, so that it asks no exchange.
"""

import io
import json
import logging
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pandas as pd
from freqtrade.commands.optimize_commands import setup_optimize_configuration
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.exchange.exchange import Exchange
from freqtrade.optimize.hyperopt import Hyperopt

from benchmarks import data, measure

STRATEGY = """
from freqtrade.strategy import IntParameter, IStrategy
import pandas as pd


class Cross(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": 1000.0}
    stoploss = -0.99
    startup_candle_count = 0
    process_only_new_candles = True
    order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}
    fast = IntParameter(2, 101, default=10, space="buy")
    slow = IntParameter(2, 101, default=30, space="buy")

    def populate_indicators(self, df, metadata):
        made = {f"a{n}": df["close"].rolling(n).mean() for n in range(2, 102)}
        return pd.concat([df, pd.DataFrame(made)], axis=1)

    def populate_entry_trend(self, df, metadata):
        df.loc[df[f"a{self.fast.value}"] > df[f"a{self.slow.value}"], "enter_long"] = 1
        return df

    def populate_exit_trend(self, df, metadata):
        df.loc[~(df[f"a{self.fast.value}"] > df[f"a{self.slow.value}"]), "exit_long"] = 1
        return df
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
epochs = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    for name in ("data/binance", "strategies", "hyperopt_results"):
        (root / name).mkdir(parents=True)
    (root / "strategies" / "cross.py").write_text(STRATEGY)
    (root / "config.json").write_text(json.dumps(CONFIG))
    columns = data.for_sweep()
    frame = pd.DataFrame({"date": pd.DatetimeIndex(columns.pop("ts"), tz="UTC"), **columns})
    get_datahandler(root / "data" / "binance", "feather").ohlcv_store(PAIR, "1m", frame, CandleType.SPOT)
    asked = {
        "config": [str(root / "config.json")], "user_data_dir": folder, "strategy": "Cross", "epochs": epochs,
        "spaces": ["buy"], "hyperopt_loss": "SharpeHyperOptLoss", "hyperopt_jobs": 1, "hyperopt_random_state": 1,
        "hyperopt_min_trades": 1, "disableparamexport": True,
    }  # fmt: skip
    search = Hyperopt(setup_optimize_configuration(asked, RunMode.HYPEROPT))
    began = time.perf_counter()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        search.start()
    run_s = time.perf_counter() - began
done = search.num_epochs_saved
assert done == epochs, done
measure.tell(pairs=done, run_s=run_s, pairs_per_s=done / run_s)
