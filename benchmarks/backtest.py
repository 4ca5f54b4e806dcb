"""Event-driven backtest: our desk beside three other engines, in turns on the same work, in a process of its own each.

Run `python -m benchmarks.backtest [ROUNDS]`; the peers run in the Pythons that BENCH_BACKTESTING, BENCH_NAUTILUS and
BENCH_FREQTRADE name. The work: moving averages 10/30, long or flat, one unit, 0.1 % fee, fills at the next open or at
the same price. What is timed is the run from bars that lie ready to its figures. Ours has a Python callback for each
bar, an exact ledger and all limits on, set wide; backtesting.py has the callback and its figures, and averages that it
worked out before; nautilus_trader has the callback, without its risk engine and figures; freqtrade has columns instead
of a callback, and no figures.
"""

from __future__ import annotations

import gc
import statistics
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
COLUMNS = (
    "bars",
    "engine",
    "bars/s",
    "gpt-trader is faster, times",
    "by CPU time",
    "memory, MB",
    "fills",
    "final equity",
)
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


def backtest(count: int) -> tuple[Report, dict[str, float]]:
    """One backtest of so many bars with all its figures: its report, and the seconds of the imports and of the run."""
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
    reports: list[Report] = []

    def work() -> None:
        reports.append(run_backtest(spec, bars, config))
        assert len(reports[0].metrics) > 20

    figures = measure.timed(work)
    assert not reports[0].refusals, reports[0].refusals[0]
    return reports[0], {"import_s": import_s, **figures}


def run_ours(count: int) -> None:
    """Tell what one backtest took, and what came of it."""
    gc.set_threshold(100_000, 20, 20)  # as the command line does
    report, seconds = backtest(count)
    figures = {"fills": len(report.fills), "equity": float(report.final_equity)}
    measure.tell(**seconds, bars_per_s=count / seconds["run_s"], **figures)


def engines_of(count: int) -> dict[str, tuple[list[str] | None, int]]:
    """Who takes part with so many bars, and in how many rounds at most; what takes a minute and more is run once."""
    found = {
        "gpt-trader": (measure.ours("backtest", count), MANY),
        "backtesting.py": (measure.peer("BENCH_BACKTESTING", "backtesting_sma.py", count), MANY),
    }
    if count >= 100_000:
        most = 1 if count > 100_000 else MANY
        found["nautilus_trader"] = (measure.peer("BENCH_NAUTILUS", "nautilus_sma.py", count), most)
        found["freqtrade, by columns"] = (measure.peer("BENCH_FREQTRADE", "freqtrade_sma.py", count), most)
    return found


def table(rounds: int) -> str:
    """The figures as Markdown, by turns; engines that disagree on the result are an error."""
    from gpt_trader.trading.limits import PRE_TRADE, WATCHES, limits_of

    assert set(limits_of(WIDE).values) == {*PRE_TRADE, *WATCHES}, "every limit is on"
    rows = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for count in SIZES:
        engines = engines_of(count)
        often = {name: command for name, (command, most) in engines.items() if most >= rounds}
        once = {name: command for name, (command, most) in engines.items() if most < rounds}
        found = measure.every_round(often, rounds) | measure.every_round(once, 1)
        for name, told in found.items():
            rows.append(row(count, name, told, found["gpt-trader"]))
    return "\n".join(rows)


def row(count: int, name: str, told: list[dict[str, float]], ours: list[dict[str, float]]) -> str:
    """One engine: medians, and how many times as fast we were, at least and at most, round by round."""
    f = measure.medians(told)
    fills, equity = SAME.get(count, (f["fills"], f["equity"]))
    assert f["fills"] == fills, (name, f)
    assert abs(f["equity"] - equity) < 1e-3, (name, f)
    cells = [f"{count:,}", name, f"{f['bars_per_s']:,.0f}"]
    for seconds in ("run_s", "cpu_s"):
        times = [b[seconds] / a[seconds] for a, b in zip(ours, told, strict=False)]
        span = f" ({min(times):.1f} to {max(times):.1f})" if len(times) > 1 else ""
        cells.append("" if told is ours else f"{statistics.median(times):.1f}{span}")
    cells += [f"{f['memory_mb']:.0f}", f"{f['fills']:,.0f}", f"{f['equity']:,.3f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        run_ours(int(sys.argv[2]))
    else:
        print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
