"""backtesting.py on the event-driven work, run by the Python that has it: the number of bars, or `trades` for these."""

import json
import sys
import time

began = time.perf_counter()
from backtesting import Backtest, Strategy

import_s = time.perf_counter() - began

import pandas as pd

from benchmarks import data, measure


def average(values, length):
    """Precomputed, as its users do: the callback then only compares."""
    return pd.Series(values).rolling(length).mean()


class Cross(Strategy):
    def init(self):
        self.fast = self.I(average, self.data.Close, 10)
        self.slow = self.I(average, self.data.Close, 30)

    def next(self):
        above = self.fast[-1] > self.slow[-1]
        if above and not self.position:
            self.buy(size=1)
        elif self.position and not above:
            self.position.close()


count = int(sys.argv[1])
columns = data.for_backtest(count)
index = pd.DatetimeIndex(columns.pop("ts"))
frame = pd.DataFrame({name.title(): column for name, column in columns.items()}, index=index)
# A trade that is open at the end stays open, as at our desk.
test = Backtest(frame, Cross, cash=1_000_000, commission=data.FEE, finalize_trades=False)
ended = []
timed = measure.timed(lambda: ended.append(test.run()))
stats = ended[0]
fills = 2 * int(stats["# Trades"]) + len(stats["_strategy"].trades)
equity = float(stats["Equity Final [$]"])
if sys.argv[2:] == ["trades"]:
    trades = stats["_trades"][["EntryPrice", "ExitPrice", "PnL"]]
    print(json.dumps(trades.to_numpy().tolist()))
    sys.exit()
measure.tell(import_s=import_s, **timed, bars_per_s=count / timed["run_s"], fills=fills, equity=equity)
