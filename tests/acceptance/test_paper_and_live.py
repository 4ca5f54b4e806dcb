"""From the shell: trading on paper over recorded data works, trading live is refused with all that is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gpt_trader.core.errors import NotFound

COMMAND = Path(sys.executable).parent / "gpt-trader"
Told = subprocess.CompletedProcess[str]


def test_the_literal_command_trades_on_paper_and_says_that_it_is_a_replay(installed):
    done = installed("run", "--mode", "paper", "--strategy", "momentum", "--symbols", "AAPL", "MSFT")
    assert done.returncode == 0, done.stderr
    assert "on paper: a replay of recorded data, as fast as it goes; no order left this machine" in done.stdout
    document = json.loads(installed("runs", "show", "latest", "--json").stdout)
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
    ],
)
def test_bad_input_ends_with_its_code_and_a_cure(house, inputs, code, said):
    result = house.execute_workflow("paper_replay", **{"strategy": "momentum", "from": "2012-01-01", **inputs})
    assert result.status == "FAILED"
    assert (result.error["exit_code"], said in f"{result.error['message']} {result.error.get('hint')}") == (code, True)


def test_a_strategy_that_does_not_exist_is_told_before_there_is_a_run(house, installed):
    with pytest.raises(NotFound) as told:
        house.execute_workflow("paper_replay", strategy="momentun", symbols=["AAPL"])
    assert (told.value.exit_code, told.value.hint) == (2, "did you mean 'momentum'?")
    assert json.loads(installed("runs", "list", "--json").stdout)["runs"] == []


def test_live_trading_is_refused(installed):
    plain = installed("run", "--mode", "live", "--strategy", "momentum", "--symbols", "AAPL")
    assert (plain.returncode, "without --live" in plain.stderr) == (4, True)
    meant = installed("run", "--mode", "live", "--live", "--strategy", "momentum", "--symbols", "AAPL")
    assert meant.returncode == 3
    for words in ("no venue is named", "no account is named", "this version has no venue to send orders to"):
        assert words in meant.stderr
    whole = installed(
        "run", "--mode", "live", "--live", "--strategy", "momentum", "--symbols", "AAPL",
        "--venue", "alpaca", "--account", "mine",
    )  # fmt: skip
    assert whole.returncode == 4
    assert "the configuration is whole, but this version has no venue" in whole.stderr
