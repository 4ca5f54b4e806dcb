"""Parameter sweep, 4,950 pairs of moving averages on 10,000 bars: our kernel, vectorbt, and a loop made for this alone.

A whole process starts Python, imports, makes its data, compiles and sweeps once. Ours finishes its loops anew in each,
and keeps nothing; vectorbt's numba keeps what it compiled, so that all but the first of its processes only load it.

Run `python -m benchmarks.sweep [ROUNDS]`; vectorbt runs in the Python that BENCH_VECTORBT names. The work: long or flat
with all the money, fractions of a unit, 0.1 % fee; return, Sharpe, deepest fall and closed trades of each pair.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks import data, measure

FIRST, LAST = 2, 101
PEER = "vectorbt, chunks of 100"
PERIODS = 365.0 * 24 * 60
MEANS = {
    "mean_return": (-0.2484, 1e-3),
    "mean_sharpe": (-28.78, 2e-2),
    "mean_drawdown": (-0.2576, 1e-3),
    "mean_trades": (140.3, 1e-3),
}
"""The mean of each figure over the grid, and how far an engine may be off: vectorbt has another Sharpe of flat bars."""


def timed(work: Callable[[], Any], *, repeats: int) -> tuple[float, float, Any]:
    """Seconds of the first run, the median of the later ones, and the result."""
    times, result = [], None
    for _ in range(repeats + 1):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return times[0], statistics.median(times[1:] or times), result


def tell(pairs: int, import_s: float, work: Callable[[], Any], *, once: bool, repeats: int = 5) -> None:
    """Run the work and print what it took, with the means of its figures."""
    import numpy as np

    first, again, figures = timed(work, repeats=0 if once else repeats)
    means = np.nanmean(np.asarray(figures, dtype=float), axis=0)
    named = dict(zip(MEANS, means.tolist(), strict=True))
    measure.tell(import_s=import_s, first_s=first, run_s=again, pairs_per_s=pairs / again, **named)


def run_ours(threads: int, *, once: bool) -> None:
    """The sweep by the kernel, through the built-in strategy."""
    from decimal import Decimal

    began = time.perf_counter()
    import numpy as np

    from gpt_trader.core.bars import Bars, Provenance
    from gpt_trader.core.market import Instrument, Timeframe
    from gpt_trader.strategies.sma_cross import SmaCross
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.costs import Costs, Fee
    from gpt_trader.trading.kernel import Grid, sweep
    from gpt_trader.trading.rules import FillRules

    import_s = time.perf_counter() - began
    made = Provenance(origin="synthetic", source="benchmark")
    bars = Bars(symbol="X", timeframe=Timeframe(1, "m"), provenance=made, **data.for_sweep())
    config = BacktestConfig(
        cash=Decimal(1_000_000),
        costs=Costs(fee=Fee(percent=Decimal("0.001"))),
        fill=FillRules(volume_share=None),
        periods=PERIODS,
        instruments={"X": Instrument("X", lot=Decimal("1e-12"), tick=Decimal("1e-5"))},
    )
    windows = range(FIRST, LAST + 1)
    grid = Grid.of({"fast": windows, "slow": windows}, where=lambda fast, slow: fast < slow)

    def work() -> Any:
        found = sweep(SmaCross, bars, grid, config=config, threads=threads)
        return np.column_stack((found.total_return, found.sharpe, found.max_drawdown, found.trades))

    tell(len(grid), import_s, work, once=once, repeats=9)


def table(rounds: int) -> str:
    """The figures as Markdown; engines whose means differ did not do the same work, which is an error."""
    loop = [sys.executable, "benchmarks/peers/numba_loop.py"]
    engines = {
        "gpt-trader, 1 thread": measure.ours("sweep", 1),
        "gpt-trader, 2 threads": measure.ours("sweep", 2),
        PEER: measure.peer("BENCH_VECTORBT", "vectorbt_sweep.py"),
        "*a numba loop for this strategy alone*": loop,
    }
    found = measure.in_turns(engines, rounds)
    whole = measure.in_turns({name: command and [*command, "once"] for name, command in engines.items()}, rounds)
    rows = ["| engine | pairs/s | memory, MB | whole process, one sweep, s |", "|---|---|---|---|"]
    for name, f in found.items():
        for figure, (known, off) in MEANS.items():
            assert abs(f[figure] - known) <= off * abs(known), (name, f)
        process = whole[name]["process_s"]
        rows.append(f"| {name} | {f['pairs_per_s']:,.0f} | {f['memory_mb']:.0f} | {process:.2f} |")
    return "\n".join((*rows, *ratios(found, whole), "", counted(engines[PEER], whole["gpt-trader, 1 thread"])))


def counted(peer: list[str] | None, mine: dict[str, float]) -> str:
    """What is in a whole process, and how long the peer takes where it finds nothing that it compiled before."""
    told = (
        "A whole process starts Python, imports, makes the data, compiles and sweeps once. Each of ours\n"
        "compiles its loops anew and keeps nothing."
    )
    if peer is None:
        return told
    with tempfile.TemporaryDirectory() as nothing:
        first = measure.run(["env", f"NUMBA_CACHE_DIR={nothing}", *peer, "once"])["process_s"]
    more = f"that first one takes {first:.0f} s, {first / mine['process_s']:.0f} times as long as ours"
    return f"{told} vectorbt's load what the first of them compiled and kept;\n{more}."


def ratios(found: dict[str, dict[str, float]], whole: dict[str, dict[str, float]]) -> list[str]:
    """Ours against the others, all of the same minutes."""
    mine = "gpt-trader, 1 thread"
    rows = []
    for name in found:
        if not name.startswith("gpt-trader"):
            speed = found[mine]["pairs_per_s"] / found[name]["pairs_per_s"]
            process = whole[name]["process_s"] / whole[mine]["process_s"]
            rows.append(
                f"| *1 thread against {name.strip('*')}* | *{speed:.2f} times* | | *{process:.1f} times as fast* |"
            )
    scale = found["gpt-trader, 2 threads"]["pairs_per_s"] / found[mine]["pairs_per_s"]
    return [*rows, f"| *2 threads against 1* | *{scale:.2f} times* | | |"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        run_ours(int(sys.argv[2]), once=sys.argv[3:] == ["once"])
    else:
        print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
