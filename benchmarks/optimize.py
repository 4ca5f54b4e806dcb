"""What a whole search costs beside the kernel that does its work: 4,950 SMA pairs on 10,000 bars, in turns.

Run `python -m benchmarks.optimize [ROUNDS]`. The kernel alone keeps nothing and proves nothing; `search` also keeps
every trial on the disk, trades its best again on the desk and counts luck; by default it also holds bars back.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import data, measure

ENGINES = ("kernel", "search of all bars", "search with a holdout")
REPEATS = 7
DESK_SETS = 60
PAIRS, STEP, EPOCHS = 4_950, 10, 50
THIN = 45
"""backtesting.py tries every tenth length, freqtrade so many epochs: all pairs would take them minutes and hours."""
NEAR = 2e-3
"""The mean returns of backtesting.py and ours may differ by this: it sells what is left at the end, and pays for it."""
STEPS = count()
CASH = 5_000.0
"""So little that the volume of a bar is enough for every order, which the kernel takes for granted."""


def run_ours(threads: int) -> None:
    """Each of ours in turns in one process, so that all have the same minutes; pairs/s of each."""

    from gpt_trader.slices.optimize import plan

    plan.threads_of = lambda engine: threads if engine == "kernel" else 1  # type: ignore[attr-defined]
    from gpt_trader.slices.optimize import hunt

    hunt.threads_of = plan.threads_of  # type: ignore[attr-defined]
    works = _works(threads)
    wall: dict[str, list[float]] = {name: [] for name in works}
    cpu: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(REPEATS + 1):
        for name, (work, pairs) in works.items():
            took = measure.timed(work)
            if round_:
                wall[name].append(took["run_s"] / pairs)
                cpu[name].append(took["cpu_s"] / pairs)
    told = {}
    for name in works:
        key = name.replace(" ", "_")
        told[key] = 1.0 / median(wall[name])
        # Of the same minute each, because another process on the machine slows both.
        told[f"wall_{key}"] = median(k / n for k, n in zip(wall["kernel"], wall[name], strict=True))
        told[f"cpu_{key}"] = median(k / n for k, n in zip(cpu["kernel"], cpu[name], strict=True))
    measure.tell(**told)


def _works(threads: int) -> dict[str, tuple[Any, int]]:
    from gpt_trader.core.bars import Bars, Provenance
    from gpt_trader.core.frames import frame_of, said_of
    from gpt_trader.core.market import Timeframe
    from gpt_trader.slices.optimize.job import Job
    from gpt_trader.strategies.sma_cross import SmaCross
    from gpt_trader.trading.kernel import Grid, sweep

    made = Provenance(origin="synthetic", source="benchmark")
    bars = Bars(symbol="X", timeframe=Timeframe(1, "m"), provenance=made, **data.for_sweep())
    grid = Grid.of({"fast": range(2, 102), "slow": range(2, 102)}, where=lambda fast, slow: fast < slow)
    job = Job(source=SmaCross, name="s", bars=(bars,), engine="kernel", objective="sharpe", fee=0.001, cash=CASH)
    frame, said = frame_of([bars]), {"X": said_of(bars)}
    space, place = {"fast": "2:101", "slow": "2:101"}, Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place)

    def search(sets: int, **more: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
            found = _searched(
                Path(folder), pool, bars=frame, data_provenance=said, fee=0.001, slippage=0.0, cash=CASH, **more
            )
            assert found.tried["trials"] == sets
            return found

    few = {"fast": "2:12:2", "slow": "20:110:10"}
    return {
        "kernel": (lambda: sweep(SmaCross, bars, grid, config=job.config(), threads=threads), len(grid)),
        "search of all bars": (lambda: search(4950, space=space, holdout=0.0), len(grid)),
        "search with a holdout": (lambda: search(4950, space=space), len(grid)),
        "desk": (lambda: search(DESK_SETS, space=few, holdout=0.0, engine="desk", executor="here"), DESK_SETS),
    }


def _searched(folder: Path, pool: Any, **params: Any) -> Any:
    from gpt_trader.core.catalog import Catalog
    from gpt_trader.core.context import StepContext
    from gpt_trader.journal.artifacts import ArtifactFolder
    from gpt_trader.slices.optimize.params import SearchParams
    from gpt_trader.slices.optimize.slice import Optimize
    from gpt_trader.strategies.buy_and_hold import BuyAndHold
    from gpt_trader.strategies.sma_cross import SmaCross
    from gpt_trader.trading.clocks import WallClock

    catalog: Any = Catalog("strategy")
    catalog.add("sma_cross", lambda: SmaCross)
    catalog.add("buy_and_hold", lambda: BuyAndHold)
    ctx = StepContext(
        run_id="bench", path=f"steps[{next(STEPS)}]", attempt=1, mode="backtest", clock=WallClock(),
        artifacts=ArtifactFolder(folder), executor=pool,
    )  # fmt: skip
    return Optimize(catalog, None).search(SearchParams(strategy="sma_cross", **params), ctx)  # type: ignore[arg-type]


def table(rounds: int) -> str:
    """The figures as Markdown: a search beside the kernel that does its work, and beside the searches of others."""
    found = measure.in_turns({"1": measure.ours("optimize", 1), "2": measure.ours("optimize", 2)}, rounds)
    rows = [
        "| what | pairs/s, 1 thread | of the kernel, processor | pairs/s, 2 threads | of the kernel, by the clock |",
        "|---|---|---|---|---|",
    ]
    for name in ENGINES:
        key = name.replace(" ", "_")
        one, two = found["1"], found["2"]
        shares = f"{one[key]:,.0f} | {one[f'cpu_{key}']:.2f} | {two[key]:,.0f} | {two[f'wall_{key}']:.2f}"
        rows.append(f"| {name} | {shares} |")
    return "\n".join([*rows, "", *_beside(found["1"], rounds)])


def _beside(ours: dict[str, float], rounds: int) -> list[str]:
    """The searches of others on the same bars; those that take long try fewer pairs."""
    peers = {
        "vectorbt, all pairs in chunks": (PAIRS, measure.peer("BENCH_VECTORBT", "vectorbt_sweep.py", "once")),
        "backtesting.py optimise": (THIN, measure.peer("BENCH_BACKTESTING", "backtesting_optimize.py", STEP)),
        "freqtrade hyperopt": (EPOCHS, measure.peer("BENCH_FREQTRADE", "freqtrade_hyperopt.py", EPOCHS)),
    }
    found = measure.in_turns({name: command for name, (_, command) in peers.items()}, rounds)
    if "backtesting.py optimise" in found:
        theirs, own = found["backtesting.py optimise"]["mean_return"], _thin_return()
        assert abs(theirs - own) < NEAR, (theirs, own)
    speed = ours["search_of_all_bars"]
    rows = ["| search | pairs | pairs/s, 1 thread | our search is |", "|---|---|---|---|"]
    rows.append(f"| gpt-trader optimize, every trial kept and the best proved | {PAIRS:,} | {speed:,.0f} | |")
    for name, figures in found.items():
        theirs = figures["pairs_per_s"]
        rows.append(f"| {name} | {peers[name][0]:,} | {theirs:,.1f} | {speed / theirs:,.0f} times as fast |")
    return rows


def _thin_return() -> float:
    """The mean return of the pairs that backtesting.py tries, by the kernel with as much money."""
    from decimal import Decimal

    from benchmarks.sweep import FIRST, LAST
    from gpt_trader.core.bars import Bars, Provenance
    from gpt_trader.core.market import Timeframe
    from gpt_trader.strategies.sma_cross import SmaCross
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.costs import Costs, Fee
    from gpt_trader.trading.kernel import Grid, sweep
    from gpt_trader.trading.rules import FillRules

    made = Provenance(origin="synthetic", source="benchmark")
    bars = Bars(symbol="X", timeframe=Timeframe(1, "m"), provenance=made, **data.for_sweep())
    costs = Costs(fee=Fee(percent=Decimal(str(data.FEE))))
    config = BacktestConfig(cash=Decimal(1_000_000), costs=costs, fill=FillRules(volume_share=None))
    windows = range(FIRST, LAST + 1, STEP)
    grid = Grid.of({"fast": windows, "slow": windows}, where=lambda fast, slow: fast < slow)
    return float(sweep(SmaCross, bars, grid, config=config).total_return.mean())


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        run_ours(int(sys.argv[2]))
    else:
        print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
