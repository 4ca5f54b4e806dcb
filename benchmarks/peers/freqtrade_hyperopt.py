"""freqtrade's hyperopt on the sweep's bars, offline, run by the Python that has it: the number of epochs.

Its usual style: every average is made once, and an epoch picks two of them; an epoch is one pair and one backtest. It
chooses the pairs itself, also some with the fast average above the slow one, so its results cannot be laid beside ours.
"""

import io
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout

from freqtrade.commands.optimize_commands import setup_optimize_configuration
from freqtrade.enums import RunMode
from freqtrade.optimize.hyperopt import Hyperopt

from benchmarks import data, measure
from benchmarks.peers.freqtrade_offline import lay_out

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

epochs = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    asked = lay_out(folder, STRATEGY, data.for_sweep(), results="hyperopt_results") | {
        "epochs": epochs, "spaces": ["buy"], "hyperopt_loss": "SharpeHyperOptLoss", "hyperopt_jobs": 1,
        "hyperopt_random_state": 1, "hyperopt_min_trades": 1, "disableparamexport": True,
    }  # fmt: skip
    search = Hyperopt(setup_optimize_configuration(asked, RunMode.HYPEROPT))
    began = time.perf_counter()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        search.start()
    run_s = time.perf_counter() - began
done = search.num_epochs_saved
assert done == epochs, done
measure.tell(pairs=done, run_s=run_s, pairs_per_s=done / run_s)
