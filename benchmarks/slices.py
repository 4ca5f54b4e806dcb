"""The slices as a user runs them: the whole of simple_backtest, and what a symbol costs where there are many.

Run `python -m benchmarks.slices [ROUNDS]`. Thirteen years of days, real for two symbols and else synthetic; and minutes
that would not fit.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import measure

if TYPE_CHECKING:
    from gpt_trader.core.context import StepContext

DAYS = 3_276
"""Thirteen years of them."""
MANY = (2, 10, 50, 200, 500)
MINUTES = (100, 100_000)
BYTES = 48
"""Of one bar: time, four prices, volume."""
WORDS = ["run", "simple_backtest", "--symbols", "AAPL", "MSFT", "--quiet"]
WARM = 9


def run_many(symbols: int, bars: int, timeframe: str, held: int) -> None:
    """Fetch so many symbols and trade them: microseconds for each bar of a symbol, by slice."""
    names = [f"S{number:03}" for number in range(symbols)]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as folder, ThreadPoolExecutor(1) as pool:
        ctx = _context(Path(folder), pool)
        fetch, trade = _methods()
        trade(fetch(names[:2], 400, "1d", 0, ctx), ctx, 10, 30)  # what is imported once is not the cost of a symbol
        lengths = (10, 30) if timeframe == "1d" else (390, 1_950)
        began = time.process_time()
        fetched = fetch(names, bars, timeframe, held, ctx)
        between = time.process_time()
        traded = trade(fetched, ctx, *lengths)
        ended = time.process_time()
    count = symbols * bars
    measure.tell(
        fetch_us=(between - began) / count * 1e6,
        trade_us=(ended - between) / count * 1e6,
        fills=traded.metrics["fills"],
        bars=count,
    )


def _methods() -> tuple[Any, Any]:
    from gpt_trader.app.wiring import Application
    from gpt_trader.slices.backtest.params import BacktestParams
    from gpt_trader.slices.data.params import Table

    catalog = Application().catalog
    data, backtest = catalog.instance("data"), catalog.instance("backtest")

    def fetch(names: list[str], bars: int, timeframe: str, held: int, ctx: StepContext) -> Any:
        options = {"bars": bars, "seed": 1}
        asked = Table(symbols=names, provider="synthetic", timeframe=timeframe, options=options, held=held)
        return data.get_historical(asked, ctx)  # type: ignore[attr-defined]

    def trade(fetched: Any, ctx: StepContext, fast: int, slow: int) -> Any:
        asked = BacktestParams(
            bars=fetched.bars, data_provenance=fetched.data_provenance, strategy="sma_cross", cash=10_000_000.0,
            params={"fast": fast, "slow": slow}, baseline="",
        )  # fmt: skip
        return backtest.execute(asked, ctx)  # type: ignore[attr-defined]

    return fetch, trade


def _context(folder: Path, pool: ThreadPoolExecutor) -> StepContext:
    from gpt_trader.core.context import StepContext
    from gpt_trader.journal.artifacts import ArtifactFolder
    from gpt_trader.trading.clocks import WallClock

    return StepContext(
        run_id="bench", path="steps[0]", attempt=1, mode="backtest", clock=WallClock(),
        artifacts=ArtifactFolder(folder), executor=pool,
    )  # fmt: skip


def run_warm() -> None:
    """The whole workflow again and again in one process: a run with everything new, and one from the data cache."""
    from gpt_trader.app.settings import load_settings
    from gpt_trader.app.wiring import Application

    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as folder:
        os.environ["GPT_TRADER_HOME"] = folder
        with Application(load_settings()) as app:
            workflow = app.library.load("simple_backtest")
            times, cpu = [], []
            for number in range(WARM + 1):
                inputs = {"symbols": ["AAPL", "MSFT"], "cash": 100_000.0 + number // 2}
                took = measure.timed(lambda given=inputs: _run(app, workflow, given))  # type: ignore[misc]
                times.append(took["run_s"])
                cpu.append(took["cpu_s"])
    measure.tell(first_s=times[0], warm_s=median(times[1:]), cpu_s=median(cpu[1:]))


def _run(app: Any, workflow: Any, inputs: dict[str, Any]) -> None:
    assert app.runner.start(workflow, inputs).result().ok


def run_cold() -> None:
    """One run from the shell, in a new home."""
    import resource
    import subprocess

    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as folder:
        command = [str(Path(sys.executable).with_name("gpt-trader")), *WORDS]
        environment = {**measure.environment(), "GPT_TRADER_HOME": folder}
        told = {}
        for name in ("cold", "again"):
            before = _children()
            began = time.perf_counter()
            subprocess.run(command, env=environment, check=True, capture_output=True, cwd=folder)
            told |= {f"{name}_s": time.perf_counter() - began, f"{name}_cpu_s": _children() - before}
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    measure.tell(**told, peak_mb=peak)


def _children() -> float:
    """The processor time of all processes that were run from here."""
    used = os.times()
    return used.children_user + used.children_system


def table(rounds: int) -> str:
    """The figures as Markdown: two tables."""
    whole = measure.in_turns({name: measure.ours("slices", name) for name in ("cold", "warm")}, rounds)
    cold, warm = whole["cold"], whole["warm"]
    rows = [
        "| simple_backtest, 2 symbols, 13 years of days | s | of them processor | memory, MB |",
        "|---|---|---|---|",
        *(
            f"| {name} | {wall:.2f} | {cpu:.2f} | {memory:.0f} |"
            for name, wall, cpu, memory in (
                ("from the shell, first run", cold["cold_s"], cold["cold_cpu_s"], cold["peak_mb"]),
                ("from the shell, again, bars cached", cold["again_s"], cold["again_cpu_s"], cold["peak_mb"]),
                ("in a running process", warm["warm_s"], warm["cpu_s"], warm["memory_mb"]),
            )
        ),
        "",
        "| fetched and traded, one process each | bars | µs a bar, fetch | µs a bar, trade | memory, MB |",
        "|---|---|---|---|---|",
    ]
    works = {f"{n} symbols, days": (n, DAYS, "1d", 0) for n in MANY}
    works |= {f"{MANY[-1]} symbols, days, all held": (MANY[-1], DAYS, "1d", 10**9)}
    works |= {f"{MINUTES[0]} symbols, minutes": (*MINUTES, "1m", 0)}
    found = measure.in_turns({name: measure.ours("slices", "many", *work) for name, work in works.items()}, rounds)
    for name, f in found.items():
        size = f"{f['bars']:,.0f} ({f['bars'] * BYTES / 1e6:,.0f} MB)"
        rows.append(f"| {name} | {size} | {f['fetch_us']:.2f} | {f['trade_us']:.2f} | {f['memory_mb']:.0f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    if sys.argv[1:3] == ["ours", "many"]:
        run_many(int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], int(sys.argv[6]))
    elif sys.argv[1:2] == ["ours"]:
        {"warm": run_warm, "cold": run_cold}[sys.argv[2]]()
    else:
        print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
