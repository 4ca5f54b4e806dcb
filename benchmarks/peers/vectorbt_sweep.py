"""vectorbt on the sweep, in chunks, because all pairs at once take 17 GB; run by the Python that has it."""

import gc
import sys
import time

began = time.perf_counter()
import vectorbt as vbt

import_s = time.perf_counter() - began

import numpy as np
import pandas as pd

from benchmarks import data, sweep

CHUNK = 100
columns = data.for_sweep()
close = pd.Series(columns["close"], index=pd.DatetimeIndex(columns["ts"]))
windows = list(range(sweep.FIRST, sweep.LAST + 1))
pairs = [(i, j) for i in range(len(windows)) for j in range(i + 1, len(windows))]


def one_chunk(averages, part):
    fast, slow = (averages[:, [pair[side] for pair in part]] for side in (0, 1))
    above = fast > slow
    before = np.zeros_like(above)
    before[1:] = above[:-1]
    enters, leaves = (pd.DataFrame(signal, index=close.index) for signal in (above & ~before, ~above & before))
    folio = vbt.Portfolio.from_signals(close, enters, leaves, fees=data.FEE, freq="1min")
    trades = folio.trades.closed.count()
    return np.column_stack((folio.total_return(), folio.sharpe_ratio(), folio.max_drawdown(), trades))


def work():
    averages = vbt.MA.run(close, window=windows).ma.to_numpy()
    figures = []
    for at in range(0, len(pairs), CHUNK):
        figures.append(one_chunk(averages, pairs[at : at + CHUNK]))
        # Its portfolios hold one another: without this it takes 3 GB.
        gc.collect()
    return np.vstack(figures)


sweep.tell(len(pairs), import_s, work, once=sys.argv[1:] == ["once"], repeats=1)
