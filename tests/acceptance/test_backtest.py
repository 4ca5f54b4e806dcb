"""`gpt-trader backtest` as a user runs it: published figures, the same bytes twice, a new strategy, an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "gpt-trader"
Told = subprocess.CompletedProcess[str]
WAITS = """
import time
from pathlib import Path
import gpt_trader

class Waits(gpt_trader.TradingStrategyPlugin):
    def on_market_data(self, market_data):
        Path("begun").touch()
        time.sleep(0.05)
"""


@pytest.fixture
def world(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "GPT_TRADER_HOME": str(tmp_path / "home")}


@pytest.fixture
def call(tmp_path: Path, world: dict[str, str]) -> Callable[..., Told]:
    """The installed command, with a home of its own."""

    def run(*words: str) -> Told:
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, env=world, cwd=tmp_path, timeout=100, check=False
        )

    return run


def test_the_reversal_on_google_has_the_trades_that_backtesting_py_publishes(call):
    done = call(
        "backtest", "--symbols", "GOOG", "--cash", "10000", "--param", "below=short", "wait_for_cross=true",
        "--close-at-end", "open", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    figures = told["metrics"]
    assert told["bars"] == 2148
    assert figures["trades"] == 66
    assert figures["win_rate"] == pytest.approx(0.46969697)
    assert figures["best_trade"] == pytest.approx(0.5359595229)
    assert figures["worst_trade"] == pytest.approx(-0.1839887354)


def test_the_same_call_twice_gives_the_same_bytes(call, tmp_path):
    words = (
        "backtest",
        "--strategy",
        "volatility",
        "--symbols",
        "AAPL",
        "IBM",
        "--limits",
        "standard",
        "--fee",
        "0.1%",
    )
    for name in ("one", "two"):
        assert call(*words, "--out", name).returncode == 0
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_a_new_strategy_passes_its_test_and_the_checks_and_runs_by_its_name(call, tmp_path, world):
    made = call("strategies", "new", "trend")
    assert made.returncode == 0, made.stderr
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        capture_output=True, text=True, env=world, cwd=tmp_path, timeout=100, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout
    ran = call("backtest", "--strategy", "trend", "--symbols", "GOOG")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("trend on GOOG")
    for check in ("lookahead", "warmup"):
        checked = call("check", check, "--strategy", "trend", "--symbols", "GOOG")
        assert checked.returncode == 0, checked.stdout


def test_control_c_ends_quietly_and_leaves_nothing_half_written(tmp_path, world):
    (tmp_path / "waits.py").write_text(WAITS)
    with subprocess.Popen(
        [COMMAND, "backtest", "--strategy", "waits.py", "--symbols", "GOOG", "--out", "results"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=world, cwd=tmp_path,
    ) as going:  # fmt: skip
        end = time.monotonic() + 60
        while not (tmp_path / "begun").exists() and time.monotonic() < end:
            time.sleep(0.02)
        going.send_signal(signal.SIGINT)
        out, err = going.communicate(timeout=30)
    assert (going.returncode, out, err) == (130, "", "error: interrupted\n")
    assert sorted(f.name for f in tmp_path.iterdir() if f.name != "home") == ["begun", "waits.py"]
