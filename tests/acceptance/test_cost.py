"""What a whole backtest takes: memory has a bound, and bars that are known are not read again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "gpt-trader"
MOST_MB = 500
MANY = """
name: many
steps:
  - fetch:
      slice: data
      method: get_historical
      with: {provider: synthetic, symbols: SYMBOLS, held: 0, options: {seed: 1, bars: BARS}}
  - test:
      slice: backtest
      method: execute
      with: {strategy: sma_cross, params: {fast: 50, slow: 200}, baseline: ""}
"""
RUN = """
import os, resource, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
print("PEAK", used.ru_maxrss // 1024, status)
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[str, int]]:
    """The installed command in a home of its own: what it printed, and the most memory that it held, in MB."""
    env = {**os.environ, "GPT_TRADER_HOME": str(tmp_path / "home")}

    def called(*words: str) -> tuple[str, int]:
        command = [sys.executable, "-c", RUN, str(COMMAND), *words]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=200, check=True)
        told, _, peak = done.stdout.rpartition("PEAK ")
        megabytes, status = peak.split()
        assert status == "0", done.stderr
        return told, int(megabytes)

    return called


def cached(run: Callable[..., tuple[str, int]]) -> list[str]:
    """The steps of which the history says that their outputs came from the cache."""
    told, _ = run("events", "tail", "step.cached", "--count", "100", "--json")
    return [json.loads(line)["payload"]["path"] for line in told.splitlines()]


def test_a_whole_backtest_of_thirteen_years_holds_less_than_half_a_gigabyte(run):
    _, peak = run("run", "simple_backtest", "--symbols", "AAPL", "MSFT")
    assert peak < MOST_MB


def test_a_second_run_is_served_from_the_data_cache_while_the_files_are_the_same(run, tmp_path):
    days = [f"{year}-{month:02}-{day:02}" for year in (2022, 2023) for month in range(1, 13) for day in range(1, 29)]
    rows = [f"{day},{100 + n % 17},130,90,{101 + n % 16},1000" for n, day in enumerate(days)]
    file = tmp_path / "AAA.csv"

    def told(*lines: str) -> str:
        file.write_text("\n".join(["date,open,high,low,close,volume", *lines]) + "\n")
        return run("run", "simple_backtest", "--symbols", "AAA", "--provider", "csv", "--path", str(file))[0]

    first = told(*rows)
    assert cached(run) == []
    stamp = file.stat()
    assert run("run", "simple_backtest", "--symbols", "AAA", "--provider", "csv", "--path", str(file))[0]
    assert len(cached(run)) == 1
    assert file.stat().st_mtime_ns == stamp.st_mtime_ns
    assert f"{len(rows)}\n" in first
    assert f"{len(rows) - 1}\n" in told(*rows[:-1])  # the file changed: what it said before is not served
    assert len(cached(run)) == 1


@pytest.mark.soak
def test_memory_does_not_grow_with_the_bars_of_many_symbols(run, tmp_path):
    (tmp_path / "workflows").mkdir()
    peaks = []
    for bars in (1_000, 40_000):
        symbols = json.dumps([f"S{n}" for n in range(60)])
        (tmp_path / "workflows" / "many.yaml").write_text(MANY.replace("SYMBOLS", symbols).replace("BARS", str(bars)))
        peaks.append(run("run", "many")[1])
    held = 60 * 40_000 * 48 / 1e6
    assert peaks[1] - peaks[0] < held / 2
