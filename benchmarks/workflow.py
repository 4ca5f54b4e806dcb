"""Seven trivial steps, results committed: our runner beside DBOS and Dagster, in turns on the same work.

Run `python -m benchmarks.workflow [ROUNDS]`. A peer runs in the Python that BENCH_DBOS or BENCH_DAGSTER names (`make bench`
makes them); one that is not there is skipped with a line. BENCH_TMP chooses the file system: in memory it hides the syncs.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS = 7
AT_ONCE = 100
WARM_SECONDS = 3.0
HERE = Path(__file__).parent
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
    (folder / "plugins" / "slices").mkdir(parents=True)
    (folder / "plugins" / "slices" / "count.py").write_text(SLICE)
    (folder / "workflows").mkdir()
    (folder / "workflows" / "seven.yaml").write_text(YAML)
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**env, "GPT_TRADER_HOME": str(folder / "home")}


def ours(folder: Path) -> dict[str, float]:
    """Warm, a hundred at once, a thousand at once, in this process."""
    from gpt_trader.app.settings import load_settings
    from gpt_trader.app.wiring import Application

    settings = load_settings(env=project(folder), cwd=folder)
    with Application(settings) as application:
        runner, workflow = application.runner, application.library.load("seven")

        def once() -> None:
            assert runner.start(workflow).result().outputs["v"] == STEPS

        def many(count: int) -> list[float]:
            began = time.perf_counter()
            handles = [runner.start(workflow) for _ in range(count)]
            times = []
            for handle in handles:
                assert handle.result().ok
                times.append(time.perf_counter() - began)
            return times

        return {**warm(once), **at_once(many, AT_ONCE), "thousand_s": many(1000)[-1]}


def warm(once: Any) -> dict[str, float]:
    for _ in range(5):
        once()
    times, end = [], time.perf_counter() + WARM_SECONDS
    while time.perf_counter() < end:
        began = time.perf_counter()
        once()
        times.append(time.perf_counter() - began)
    times.sort()
    return {"runs_per_s": len(times) / sum(times), "warm_p99_ms": 1e3 * times[int(0.99 * len(times))]}


def at_once(many: Any, count: int) -> dict[str, float]:
    many(count)
    rounds = [many(count) for _ in range(5)]
    best = sorted(rounds, key=lambda r: r[-1])[2]
    return {"hundred_s": best[-1], "hundred_p99_ms": 1e3 * sorted(best)[int(0.99 * count)]}


def cold(command: list[str], env: dict[str, str], folder: Path) -> float:
    """Seconds from the shell to the prompt; the first start, which makes the journal, is not counted."""
    times = []
    for _ in range(4):
        began = time.perf_counter()
        subprocess.run(command, env=env, cwd=folder, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def peer(python: str | None, script: str, folder: Path) -> dict[str, float] | None:
    """What a peer's script prints, run by that peer's own Python."""
    if not python or not Path(python).exists():
        return None
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [python, str(HERE / "peers" / script), str(folder)]
    told = subprocess.run([*command, "measure"], env=env, cwd=folder, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(told.stdout.strip().splitlines()[-1])
    found["cold_s"] = cold([*command, "once"], env, folder)
    return found


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """The median of each figure over the rounds, engines taking turns."""
    collected: dict[str, list[dict[str, float]]] = {}
    engines = {
        "gpt-trader": None,
        "DBOS (SQLite)": (os.environ.get("BENCH_DBOS"), "dbos_seven.py"),
        "Dagster (in process)": (os.environ.get("BENCH_DAGSTER"), "dagster_seven.py"),
    }
    for _ in range(rounds):
        for name, other in engines.items():
            with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP"), ignore_cleanup_errors=True) as text:
                folder = Path(text)
                if other is None:
                    found: dict[str, float] | None = ours(folder)
                    program = str(Path(sys.executable).parent / "gpt-trader")
                    found["cold_s"] = cold([program, "run", "seven"], project(folder / "cold"), folder / "cold")
                else:
                    found = peer(*other, folder)
                if found is None:
                    print(f"{name}: skipped, it is not installed", file=sys.stderr)
                else:
                    collected.setdefault(name, []).append(found)
    return {n: {k: statistics.median(f[k] for f in found) for k in found[0]} for n, found in collected.items()}


def table(found: dict[str, dict[str, float]]) -> str:
    """The figures as Markdown; a ratio is ours against theirs."""
    rows = [
        "| engine | cold process, s | warm, runs/s | 100 at once, s | p99 of these, ms | 1,000 at once, s |",
        "|---|---|---|---|---|---|",
    ]
    for name, f in found.items():
        thousand = f"{f['thousand_s']:.2f}" if "thousand_s" in f else "-"
        hundred = f"{f['hundred_s']:.3f}" if "hundred_s" in f else "-"
        p99 = f"{f['hundred_p99_ms']:.0f}" if "hundred_p99_ms" in f else "-"
        rows.append(f"| {name} | {f['cold_s']:.2f} | {f['runs_per_s']:,.0f} | {hundred} | {p99} | {thousand} |")
    mine = found["gpt-trader"]
    for name, f in found.items():
        if name != "gpt-trader":
            ratio = f"{f['hundred_s'] / mine['hundred_s']:.1f} times as fast" if "hundred_s" in f else "-"
            rows.append(
                f"| *gpt-trader against {name}* | *{f['cold_s'] / mine['cold_s']:.1f} times as fast* "
                f"| *{mine['runs_per_s'] / f['runs_per_s']:.1f} times* | *{ratio}* | | |"
            )
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3)))
