"""What a whole search costs beside the kernel that does its work: 4,950 SMA pairs on 10,000 bars, in turns.

Run `python -m benchmarks.optimize [ROUNDS]`. The kernel alone keeps nothing and proves nothing; `search` also keeps
every trial on the disk, trades its best again on the desk and counts luck; by default it also holds bars back.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import data, measure

ENGINES = ("kernel", "search of all bars", "search with a holdout", "desk")
REPEATS = 7
DESK_SETS = 60
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
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(REPEATS + 1):
        for name, (work, _) in works.items():
            began = time.perf_counter()
            work()
            if round_:
                times[name].append(time.perf_counter() - began)
    speeds = {name.replace(" ", "_"): works[name][1] / median(times[name]) for name in works}
    measure.tell(**speeds)


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
    """The figures as Markdown; a search that is less than half as fast as its kernel is told as such."""
    rows = [
        "| what | pairs/s, 1 thread | of the kernel | pairs/s, 2 threads | of the kernel |",
        "|---|---|---|---|---|",
    ]
    found = measure.in_turns({"1": measure.ours("optimize", 1), "2": measure.ours("optimize", 2)}, rounds)
    for name in ENGINES:
        key = name.replace(" ", "_")
        cells = [f"{found[t][key]:,.0f} | {found[t][key] / found[t]['kernel']:.2f}" for t in ("1", "2")]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        run_ours(int(sys.argv[2]))
    else:
        print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
