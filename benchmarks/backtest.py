"""Event-driven backtest with a Python callback for each bar: our desk beside backtesting.py, in turns on the same work.

Run `python -m benchmarks.backtest [ROUNDS]`; backtesting.py runs in the Python that BENCH_BACKTESTING names. The work:
moving averages 10/30, long or flat, one unit, 0.1 % fee, fills at the next open; the guard has all limits on, set wide.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from benchmarks import data, measure

if TYPE_CHECKING:
    from gpt_trader.trading.report import Report

SIZES = (10_000, 100_000, 1_000_000)
SAME = {100_000: (3_780, 999_660.421), 1_000_000: (38_580, 995_589.7505)}
"""What eight engines agree on: fills and final equity."""
MANY = 10**9
WIDE: dict[str, Any] = {
    "market_hours": 1.0,  # a recording is its own calendar, so its market never closes
    "stale_quote": MANY,
    "clock_drift": MANY,
    "time_to_live": MANY,
    "max_open_orders": MANY,
    "trades_per_session": MANY,
    "order_rate": MANY,
    "message_budget": {"limit": MANY, "reserve": 1},
    "repeated_execution": {"limit": MANY, "seconds": 60.0},
    "duplicate": 1e-9,
    "cooldown": 60.0,  # a loss at the open of a minute is a minute old when that minute ends
    "volume_share": 1.0,
    "gross_exposure": 1.0,
    "risk_per_position": 1.0,
    "correlation_cluster": {"limit": 1.0, "rho": 0.8},
    "session_loss": 0.99,
    "daily_loss": 0.99,
    "trailing_drawdown": 0.99,
    "consecutive_losses": MANY,
    "reject_storm": {"limit": MANY, "seconds": 60.0},
    "slippage_anomaly": 0.99,
    "latency_anomaly": MANY,
    "unprotected_position": MANY,
    "feed_silence": MANY,
    "margin_buffer": 1e-6,
    "session_duration": MANY,
}


def backtest(count: int) -> tuple[Report, float, float]:
    """One backtest of so many bars: its report, and the seconds of the imports and of the run."""
    began = time.perf_counter()
    from gpt_trader.core.bars import Bars, Provenance
    from gpt_trader.core.market import Timeframe
    from gpt_trader.strategies.sma_cross import SmaCross
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.costs import Costs, Fee
    from gpt_trader.trading.modes import run_backtest
    from gpt_trader.trading.seats import StrategySpec
    from gpt_trader.trading.sizing import Units

    import_s = time.perf_counter() - began
    made = Provenance(origin="synthetic", source="benchmark")
    bars = Bars(symbol="X", timeframe=Timeframe(1, "m"), provenance=made, **data.for_backtest(count))
    spec = StrategySpec("sma", SmaCross, {"fast": 10, "slow": 30, "quantity": 1.0})
    costs = Costs(fee=Fee(percent=Decimal("0.001")))
    config = BacktestConfig(cash=Decimal(1_000_000), costs=costs, sizing=Units(), limits=WIDE)
    began = time.perf_counter()
    report = run_backtest(spec, bars, config)
    run_s = time.perf_counter() - began
    assert not report.refusals, report.refusals[0]
    return report, import_s, run_s


def run_ours(count: int) -> None:
    """Tell what one backtest took, and what came of it."""
    report, import_s, run_s = backtest(count)
    figures = {"fills": len(report.fills), "equity": float(report.final_equity)}
    measure.tell(import_s=import_s, run_s=run_s, bars_per_s=count / run_s, **figures)


def table(rounds: int) -> str:
    """The figures as Markdown, the peer's and ours by turns; engines that disagree on the result are an error."""
    rows = ["| bars | engine | bars/s | memory, MB | fills | final equity |", "|---|---|---|---|---|---|"]
    for count in SIZES:
        engines = {
            "gpt-trader": measure.ours("backtest", count),
            "backtesting.py": measure.peer("BENCH_BACKTESTING", "backtesting_sma.py", count),
        }
        found = measure.in_turns(engines, rounds)
        for name, f in found.items():
            fills, equity = SAME.get(count, (f["fills"], f["equity"]))
            assert f["fills"] == fills, (name, f)
            assert abs(f["equity"] - equity) < 1e-3, (name, f)
            figures = f"{f['bars_per_s']:,.0f} | {f['memory_mb']:.0f} | {f['fills']:,.0f} | {f['equity']:,.3f}"
            rows.append(f"| {count:,} | {name} | {figures} |")
        if "backtesting.py" in found:
            mine, theirs = found["gpt-trader"], found["backtesting.py"]
            ratio = mine["bars_per_s"] / theirs["bars_per_s"]
            rows.append(f"| | *gpt-trader is* | *{ratio:.1f} times as fast* | | | |")
    return "\n".join(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        run_ours(int(sys.argv[2]))
    else:
        print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
