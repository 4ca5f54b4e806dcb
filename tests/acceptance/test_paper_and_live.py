"""From the shell: trading on paper over recorded data works, trading live is refused with all that is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpt_trader import TradingOrchestrator
from gpt_trader.app.settings import load_settings

COMMAND = Path(sys.executable).parent / "gpt-trader"
Told = subprocess.CompletedProcess[str]


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., Told]:
    """The installed command, with a home of its own."""

    def run(*words: str, **environment: str) -> Told:
        env = {**os.environ, "GPT_TRADER_HOME": str(tmp_path / "home"), **environment}
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=100, check=False
        )

    return run


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TradingOrchestrator]:
    settings = load_settings(env={"GPT_TRADER_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    with TradingOrchestrator(settings) as orchestrator:
        yield orchestrator


def test_the_literal_command_trades_on_paper_and_says_that_it_is_a_replay(call):
    done = call("run", "--mode", "paper", "--strategy", "momentum", "--symbols", "AAPL", "MSFT")
    assert done.returncode == 0, done.stderr
    assert "on paper: a replay of recorded data, as fast as it goes; no order left this machine" in done.stdout
    document = json.loads(call("runs", "show", "latest", "--json").stdout)
    assert (document["mode"], document["status"]) == ("paper", "SUCCEEDED")
    traded = document["steps"][1]["outputs"]
    assert traded["trade_count"] > 10
    assert traded["details"]["limits"] == "standard"
    page = Path(document["steps"][2]["outputs"]["report_path"]).read_text()
    assert "<title>Paper trading of momentum: a replay of recorded data</title>" in page


def test_a_speed_makes_the_data_take_its_time_and_changes_no_figure(house):
    span = {"symbols": ["AAPL"], "strategy": "momentum", "from": "2010-01-01", "to": "2010-03-15"}
    fast = house.execute_workflow("paper_replay", **span)
    slow = house.execute_workflow("paper_replay", **span, speed=100.0 * 86_400)  # a hundred days a second
    keys = ("final_equity", "trade_count", "metrics")
    assert [fast.outputs[k] for k in keys] == [slow.outputs[k] for k in keys]
    assert "8,640,000 times its own speed" in slow.outputs["period"]["words"]


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        ({"limits": "none"}, 3, "paper trading always has limits"),
        ({"limits": "nowhere.yaml"}, 2, "no such file"),
        ({"symbols": ["APPL"]}, 2, "did you mean 'AAPL'"),
        ({"params": {"lookbck": 3}}, 3, "lookbck"),
        ({"strategy": "momentun"}, 2, "momentun"),
    ],
)
def test_bad_input_ends_with_its_code_and_a_cure(house, inputs, code, said):
    result = house.execute_workflow("paper_replay", **{"strategy": "momentum", "from": "2012-01-01", **inputs})
    assert result.status == "FAILED"
    assert (result.error["exit_code"], said in f"{result.error['message']} {result.error.get('hint')}") == (code, True)


def test_live_trading_is_refused(call):
    plain = call("run", "--mode", "live", "--strategy", "momentum", "--symbols", "AAPL")
    assert (plain.returncode, "without --live" in plain.stderr) == (4, True)
    meant = call("run", "--mode", "live", "--live", "--strategy", "momentum", "--symbols", "AAPL")
    assert meant.returncode == 3
    for words in ("no venue is named", "no account is named", "this version has no venue to send orders to"):
        assert words in meant.stderr
    whole = call(
        "run", "--mode", "live", "--live", "--strategy", "momentum", "--symbols", "AAPL",
        "--venue", "alpaca", "--account", "mine",
    )  # fmt: skip
    assert whole.returncode == 4
    assert "the configuration is whole, but this version has no venue" in whole.stderr
