"""How each engine is run: a process of its own, in turns with the others, and the median of what it tells."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def tell(**figures: Any) -> None:
    """Print the figures of one run, and the most memory that the process held, as one line of JSON."""
    print(json.dumps({**figures, "memory_mb": most_memory_mb()}))


def most_memory_mb() -> float:
    """The most that this process held; what the system counts also holds what its parent had when it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(work: Callable[[], object]) -> dict[str, float]:
    """The seconds that this work takes, by the wall and by the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"run_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def environment() -> dict[str, str]:
    """Ours, but that compiled Python files may be kept, as on a user's machine."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT)}


def run(command: list[str]) -> dict[str, float]:
    """What a process tells in its last line, and how long it took as a whole."""
    began = time.perf_counter()
    told = subprocess.run(command, env=environment(), cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(told.stdout.strip().splitlines()[-1])
    return {**found, "process_s": time.perf_counter() - began}


def in_turns(engines: Mapping[str, list[str] | None], rounds: int) -> dict[str, dict[str, float]]:
    """The median of each figure over the rounds."""
    return {name: medians(found) for name, found in every_round(engines, rounds).items()}


def medians(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: statistics.median(f[name] for f in found) for name in found[0]}


def every_round(engines: Mapping[str, list[str] | None], rounds: int) -> dict[str, list[dict[str, float]]]:
    """What each engine told, round by round; one whose Python is not there is skipped with a line."""
    collected: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name, command in engines.items():
            if command is None:
                print(f"{name}: skipped, it is not installed", file=sys.stderr)
            else:
                collected.setdefault(name, []).append(run(command))
    return collected


def peer(variable: str, script: str, *arguments: object) -> list[str] | None:
    """The command of a peer's script for the Python that a variable names, such as BENCH_BACKTESTING."""
    python = os.environ.get(variable)
    if not python or not Path(python).exists():
        return None
    return [python, f"benchmarks/peers/{script}", *map(str, arguments)]


def ours(module: str, *arguments: object) -> list[str]:
    """The command of our own part of a benchmark."""
    return [sys.executable, "-m", f"benchmarks.{module}", "ours", *map(str, arguments)]
