"""freqtrade on the event-driven work, offline, run by the Python that has it: the number of bars.

Its usual style: columns of entries and exits, no Python callback per bar; fills at the next open. What is timed is its
backtest of one strategy, without the report.
"""

import sys
import tempfile
import time

began = time.perf_counter()
from freqtrade.commands.optimize_commands import setup_optimize_configuration
from freqtrade.enums import RunMode
from freqtrade.optimize.backtesting import Backtesting

import_s = time.perf_counter() - began

from benchmarks import data, measure
from benchmarks.peers.freqtrade_offline import lay_out

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

count = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    asked = lay_out(folder, STRATEGY, data.for_backtest(count), results="backtest_results")
    test = Backtesting(
        setup_optimize_configuration({**asked, "export": "none", "backtest_cache": "none"}, RunMode.BACKTEST)
    )
    bars, span = test.load_bt_data()
    timed = measure.timed(lambda: test.backtest_one_strategy(test.strategylist[0], bars, span))
    found = test.all_bt_content["Cross"]
fills, equity = 2 * len(found["results"]), found["final_balance"]
measure.tell(import_s=import_s, **timed, bars_per_s=count / timed["run_s"], fills=fills, equity=equity)
