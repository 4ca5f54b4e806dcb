"""How long commands take from the shell to the prompt, whole processes in turns, beside `freqtrade --version`.

Run `python -m benchmarks.startup [ROUNDS]`. BENCH_FREQTRADE names the Python that freqtrade is installed for; without
it that line is skipped with a word. Times are medians with warm files; quote ratios of one run, for machines are noisy.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import environment
from benchmarks.workflow import SLICE, YAML

PROGRAM = str(Path(sys.executable).parent / "gpt-trader")
FREQTRADE = "freqtrade --version"
GOALS = {"--help": 150, "complete": 150, "validate": 250, "status": 400, "run, seven steps": 600}
"""Milliseconds, as the project's goals have them."""


def commands() -> dict[str, list[str] | None]:
    """What is measured; None for what is not installed."""
    python = os.environ.get("BENCH_FREQTRADE", "")
    program = Path(python).parent / "freqtrade" if python else Path("freqtrade is nowhere")
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "--help": [PROGRAM, "--help"],
        "complete": [PROGRAM, "__complete", "workflows"],
        "validate": [PROGRAM, "validate", "seven"],
        "status": [PROGRAM, "status"],
        "run, seven steps": [PROGRAM, "run", "seven"],
        FREQTRADE: [str(program), "--version"] if program.exists() else None,
    }


def project(folder: Path) -> None:
    """A project with one workflow and one slice."""
    for name, text in {
        "gpt-trader.yaml": "plugins: plugins\n",
        "workflows/seven.yaml": YAML,
        "plugins/slices/count.py": SLICE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def once(command: list[str], folder: Path) -> float:
    """The milliseconds of one process."""
    world = {**environment(), "GPT_TRADER_HOME": str(folder / "home")}
    world.pop("PYTHONPATH")
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=world, check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000


def measure(rounds: int) -> dict[str, float]:
    """The median of each command over the rounds, after one that warms the files up."""
    taken: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as text:
        folder = Path(text)
        project(folder)
        for number in range(rounds + 1):
            for name, command in commands().items():
                if command is None:
                    if number == 0:
                        print(f"{name}: skipped, it is not installed (BENCH_FREQTRADE)", file=sys.stderr)
                    continue
                found = once(command, folder)
                if number:
                    taken.setdefault(name, []).append(found)
    return {name: statistics.median(found) for name, found in taken.items()}


def table(rounds: int = 3) -> str:
    """The figures as Markdown; with freqtrade at hand, how many times as fast ours are."""
    found = measure(3 * rounds)
    rows = ["| command, whole process | ms | goal, ms | against `freqtrade --version` |", "|---|---|---|---|"]
    peer = found.get(FREQTRADE)
    for name, ms in found.items():
        shown = f"gpt-trader {name}" if name in GOALS else name
        ratio = f"{peer / ms:.1f} times as fast" if peer and name in GOALS else ""
        rows.append(f"| `{shown}` | {ms:.0f} | {GOALS.get(name, '')} | {ratio} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
