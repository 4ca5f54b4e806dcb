"""Seven trivial steps, results committed: our runner beside DBOS and Dagster, in turns on the same work.

Run `python -m benchmarks.workflow [ROUNDS]`. Peers run in the Pythons that BENCH_DBOS and BENCH_DAGSTER name; one that
is not there is skipped with a line. BENCH_TMP chooses the file system: one in memory would hide the syncs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks import measure

STEPS = 7
AT_ONCE = 100
WARM_SECONDS = 3.0
YAML = "name: seven\nsteps:\n" + "".join(f"  - s{i}: {{slice: count, method: inc}}\n" for i in range(STEPS))
SLICE = '''
from gpt_trader import Outputs, Params, Slice, StepContext, method

class Number(Params):
    v: int = 0

class Value(Outputs):
    v: int

class Count(Slice):
    """Counts."""
    name = "count"

    @method()
    def inc(self, params: Number, ctx: StepContext) -> Value:
        """One more."""
        return Value(v=params.v + 1)
'''


def project(folder: Path) -> dict[str, str]:
    """A project with the slice and the workflow, and the environment that points to it."""
    (folder / "plugins" / "slices").mkdir(parents=True, exist_ok=True)
    (folder / "plugins" / "slices" / "count.py").write_text(SLICE)
    (folder / "workflows").mkdir(exist_ok=True)
    (folder / "workflows" / "seven.yaml").write_text(YAML)
    return {**measure.environment(), "GPT_TRADER_HOME": str(folder / "home")}


def ours(folder: Path) -> None:
    """Tell our figures: one after the other, a hundred at once, a thousand at once."""
    from gpt_trader.app.settings import load_settings
    from gpt_trader.app.wiring import Application

    with Application(load_settings(env=project(folder), cwd=folder)) as application:
        runner, workflow = application.runner, application.library.load("seven")

        def once() -> None:
            assert runner.start(workflow).result().outputs["v"] == STEPS

        def many(count: int) -> list[float]:
            began = time.perf_counter()
            times = []
            for handle in [runner.start(workflow) for _ in range(count)]:
                assert handle.result().ok
                times.append(time.perf_counter() - began)
            return times

        bare = bare_commits(folder / "bare.db")
        measure.tell(**warm(once), bare_runs_per_s=bare, **at_once(many), thousand_s=many(1000)[-1])


def bare_commits(file: Path) -> float:
    """Runs per second if nothing but the commits of a run took time: one before the first step, one after each."""
    from gpt_trader.journal.drivers import SqliteDriver

    with closing(SqliteDriver(file).connect()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (body TEXT)")

        def once() -> None:
            for _ in range(STEPS + 1):
                connection.execute("INSERT INTO t VALUES (?)", ("x" * 300,))

        return warm(once)["runs_per_s"]


def warm(once: Callable[[], None]) -> dict[str, float]:
    for _ in range(5):
        once()
    times, end = [], time.perf_counter() + WARM_SECONDS
    while time.perf_counter() < end:
        began = time.perf_counter()
        once()
        times.append(time.perf_counter() - began)
    times.sort()
    return {"runs_per_s": 1 / statistics.median(times), "warm_p99_ms": 1e3 * times[int(0.99 * len(times))]}


def at_once(many: Callable[[int], list[float]]) -> dict[str, float]:
    many(AT_ONCE)
    middle = sorted((many(AT_ONCE) for _ in range(5)), key=max)[2]
    return {"hundred_s": max(middle), "hundred_p99_ms": 1e3 * sorted(middle)[int(0.99 * AT_ONCE) - 1]}


def cold(command: list[str], env: dict[str, str], folder: Path) -> float:
    """Seconds from the shell to the prompt; the first start, which makes the journal, is not counted."""
    times = []
    for _ in range(6):
        began = time.perf_counter()
        subprocess.run(command, env=env, cwd=folder, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def figures(rounds: int, folder: Path) -> dict[str, dict[str, float]]:
    """The medians of every engine that is there."""
    engines = {
        "gpt-trader": measure.ours("workflow", folder / "ours"),
        "DBOS on SQLite": measure.peer("BENCH_DBOS", "dbos_seven.py", folder),
        "Dagster in process": measure.peer("BENCH_DAGSTER", "dagster_seven.py", folder),
    }
    (folder / "cold").mkdir()
    program = str(Path(sys.executable).parent / "gpt-trader")
    starts = {"gpt-trader": ([program, "run", "seven"], project(folder / "cold"), folder / "cold")} | {
        name: ([*command, "once"], measure.environment(), measure.ROOT)
        for name, command in engines.items()
        if command and name != "gpt-trader"
    }
    found = measure.in_turns(
        {n: c and ([*c, "measure"] if n != "gpt-trader" else c) for n, c in engines.items()}, rounds
    )
    return {name: {**f, "cold_s": cold(*starts[name])} for name, f in found.items()}


def table(rounds: int) -> str:
    """The figures as Markdown; the lines in italics set ours against theirs."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP"), ignore_cleanup_errors=True) as folder:
        found = figures(rounds, Path(folder))
    mine = found["gpt-trader"]
    rows = [
        "| seven steps, committed and synced | cold process, s | warm, runs/s | 100 at once, s | p99 of these, ms |",
        "|---|---|---|---|---|",
    ]
    for name, f in found.items():
        many = f"{f['hundred_s']:.3f} | {f['hundred_p99_ms']:,.0f}" if "hundred_s" in f else "- | -"
        rows.append(f"| {name} | {f['cold_s']:.2f} | {f['runs_per_s']:,.0f} | {many} |")
    rows.append(f"| *limit: the eight commits of a run, nothing else* | - | {mine['bare_runs_per_s']:,.0f} | - | - |")
    rows.append(f"| *gpt-trader against that limit* | - | {mine['runs_per_s'] / mine['bare_runs_per_s']:.2f} | - | - |")
    for name, f in found.items():
        if name != "gpt-trader":
            many = f"{f['hundred_s'] / mine['hundred_s']:.1f} times" if "hundred_s" in f else "-"
            ratios = (
                f"{f['cold_s'] / mine['cold_s']:.1f} times | {mine['runs_per_s'] / f['runs_per_s']:.1f} times | {many}"
            )
            rows.append(f"| *faster than {name}* | {ratios} | |")
    rows.append(f"\n1,000 runs at once end without error in {mine['thousand_s']:.1f} s.")
    return "\n".join(rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        ours(Path(sys.argv[2]))
    else:
        print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
