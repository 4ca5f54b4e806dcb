"""The same strategy on our desk and on two peers, compared trade by trade: `python -m benchmarks.trades [BARS]`.

Each trade must have the same entry price, exit price and profit after fees, to the eighth digit behind the point.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import measure
from benchmarks.backtest import backtest

PEERS = {
    "backtesting.py": ("BENCH_BACKTESTING", "backtesting_sma.py", "trades"),
    "vectorbt": ("BENCH_VECTORBT", "vectorbt_trades.py"),
}
Trades = list[list[float]]


def ours(count: int) -> Trades:
    """The closed trades of the desk."""
    report = backtest(count)[0]
    return [[float(t.entry_price), float(t.exit_price), float(t.profit)] for t in report.trades]


def theirs(command: list[str]) -> Trades:
    """The closed trades of a peer."""
    told = subprocess.run(
        command, env=measure.environment(), cwd=measure.ROOT, check=True, capture_output=True, text=True
    )
    found: Trades = json.loads(told.stdout.strip().splitlines()[-1])
    return found


def compare(count: int) -> str:
    """One line for each peer: how many trades are the same; a trade that differs is an error."""
    mine, lines = ours(count), []
    for name, (variable, script, *options) in PEERS.items():
        command = measure.peer(variable, script, count, *options)
        if command is None:
            lines.append(f"{name}: skipped, it is not installed")
            continue
        found = theirs(command)
        assert len(found) == len(mine), (name, len(found), len(mine))
        for number, (a, b) in enumerate(zip(mine, found, strict=True)):
            assert all(abs(x - y) < 1e-8 for x, y in zip(a, b, strict=True)), (name, number, a, b)
        lines.append(f"{name}: {len(mine)} trades, each the same")
    return "\n".join(lines)


if __name__ == "__main__":
    print(compare(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
