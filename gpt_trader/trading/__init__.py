"""The one order path: backtest, paper and live are the same code."""
