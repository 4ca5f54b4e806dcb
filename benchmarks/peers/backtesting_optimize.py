"""backtesting.py's optimise on every tenth length of the sweep's grid, run by the Python that has it."""

import sys
import time

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from benchmarks import data, measure, sweep


def average(values, length):
    """As running sums, which is the fastest that its users can have."""
    sums = np.cumsum(np.insert(np.asarray(values, dtype=float), 0, 0.0))
    found = np.full(len(sums) - 1, np.nan)
    found[length - 1 :] = (sums[length:] - sums[:-length]) / length
    return found


class Cross(Strategy):
    fast, slow = 10, 30

    def init(self):
        self.short = self.I(average, self.data.Close, self.fast)
        self.long = self.I(average, self.data.Close, self.slow)

    def next(self):
        if self.short[-1] > self.long[-1]:
            if not self.position:
                self.buy()
        elif self.position:
            self.position.close()


if __name__ == "__main__":
    columns = data.for_sweep()
    index = pd.DatetimeIndex(columns.pop("ts"))
    frame = pd.DataFrame({name.title(): column for name, column in columns.items()}, index=index)
    test = Backtest(frame, Cross, cash=1_000_000, commission=data.FEE, finalize_trades=True)
    windows = range(sweep.FIRST, sweep.LAST + 1, int(sys.argv[1]))
    began = time.perf_counter()
    _, found = test.optimize(
        fast=windows,
        slow=windows,
        constraint=lambda p: p.fast < p.slow,
        maximize="Return [%]",
        return_heatmap=True,
    )
    run_s = time.perf_counter() - began
    pairs = len(windows) * (len(windows) - 1) // 2
    mean = float(found.dropna().mean()) / 100
    assert found.notna().sum() == pairs
    measure.tell(pairs=pairs, run_s=run_s, pairs_per_s=pairs / run_s, mean_return=mean)
