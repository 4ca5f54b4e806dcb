"""vectorbt on the event-driven work: its closed trades. Run by the Python that has it, with the number of bars."""

import json
import sys

import numpy as np
import pandas as pd
import vectorbt as vbt

from benchmarks import data

columns = data.for_backtest(int(sys.argv[1]))
close = pd.Series(columns["close"], index=pd.DatetimeIndex(columns["ts"]))
above = (close.rolling(10).mean() > close.rolling(30).mean()).to_numpy()
before = np.concatenate(([False], above[:-1]))
enters, leaves = (pd.Series(signal, index=close.index) for signal in (above & ~before, ~above & before))
folio = vbt.Portfolio.from_signals(close, enters, leaves, size=1.0, fees=data.FEE, init_cash=1_000_000.0, freq="1min")
trades = folio.trades.closed.records[["entry_price", "exit_price", "pnl"]]
print(json.dumps(trades.to_numpy().tolist()))
