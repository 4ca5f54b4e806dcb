"""The front door: the bundled workflows run whole, from the shell and from Python, and a crash changes no result."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpt_trader import TradingOrchestrator
from gpt_trader.app.settings import load_settings

COMMAND = Path(sys.executable).parent / "gpt-trader"
STEPS = [
    ("fetch_data", "data", "get_historical"),
    ("analyze_market", "analyze", "find_patterns"),
    ("detect_regime", "market_regime", "detect"),
    ("select_strategy", "ml_strategy", "predict_best"),
    ("size_position", "position_sizing", "calculate"),
    ("run_backtest", "backtest", "execute"),
    ("generate_report", "monitor", "create_report"),
]
Told = subprocess.CompletedProcess[str]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def outputs_of(document: dict[str, Any]) -> dict[str, Any]:
    return {step["name"]: step["outputs"] for step in document["steps"] if step["status"] == "SUCCEEDED"}


def test_from_python_without_network_it_ends_with_what_a_trader_wants_to_know(house, offline):
    result = house.execute_workflow("simple_backtest", symbols=["AAPL"])
    assert result.status == "SUCCEEDED"
    out = result.outputs
    assert out["final_equity"] == pytest.approx(out["equity"]["equity"].iloc[-1])
    assert out["total_return"] == pytest.approx(out["final_equity"] / 100_000 - 1)
    assert out["trade_count"] == len(out["trades"])
    assert out["period"]["out_of_sample"]
    assert out["equity"]["time"].iloc[0].isoformat() == out["decided_at"]
    page = Path(out["report_path"]).read_text()
    assert page.startswith("<!doctype html>")
    assert f"{out['final_equity']:,.2f}" in page
    assert Path(out["report_markdown_path"]).read_text().startswith("# Backtest of AAPL")


def test_from_the_shell_it_runs_the_seven_steps(installed):
    done = installed("run", "simple_backtest", "--symbols", "AAPL", "MSFT", "--json", "-q")
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["steps"]
    assert [(s["name"], s["slice"], s["method"]) for s in steps] == STEPS
    assert {s["status"] for s in steps} == {"SUCCEEDED"}
    last = steps[-1]["outputs"]
    assert Path(last["report_path"]).stat().st_size > 10_000
    assert list(steps[3]["outputs"]["selection"]) == ["AAPL", "MSFT"]


def test_the_demo_ends_with_the_summary_and_the_path_of_a_report(installed):
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    words = ("run", "simple_backtest", "--symbols", "AAPL", "MSFT")
    assert f"gpt-trader {' '.join(words)}\n" in makefile.partition("\ndemo: ")[2].partition("\n\n")[0] + "\n"
    done = installed(*words)
    assert done.returncode == 0, done.stderr
    report = re.search(r"^  report_path +(\S+\.html)$", done.stdout, re.MULTILINE)
    assert report is not None
    page = Path(report[1]).read_text()
    summary = re.search(r"^  summary +(100,000\.00 became .*\.)$", done.stdout, re.MULTILINE)
    assert summary is not None
    assert summary[1] in page


@pytest.mark.parametrize("step", [2, 6])
def test_a_run_that_was_killed_ends_with_the_same_outputs(installed, step):
    whole = json.loads(installed("run", "simple_backtest", "--json", "-q").stdout)
    killed = installed("run", "simple_backtest", GPT_TRADER_FAILPOINTS=f"step.called=kill@{step}")
    assert killed.returncode == -9
    (left,) = [r for r in json.loads(installed("runs", "list", "--json").stdout)["runs"] if r["status"] == "RUNNING"]
    resumed = installed("runs", "resume", left["id"])
    assert resumed.returncode == 0, resumed.stderr
    after = json.loads(installed("runs", "show", left["id"], "--json").stdout)
    assert outputs_of(after) == outputs_of(whole)
    attempts = {s["name"]: s["attempt"] for s in after["steps"]}
    assert attempts == {name: 1 + (number == step) for number, (name, _, _) in enumerate(STEPS, 1)}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--symbols", "APPL"], 2, "did you mean 'AAPL'"),
        (["--from", "2030-01-01"], 3, "there are bars from"),
        (["--from", "2010-01-05", "--to", "2010-01-05"], 3, "one bar is no series"),
        (["--provider", "csv", "--path", "nowhere"], 2, "there is no file"),
        (["--train", "2"], 3, "train"),
    ],
)
def test_bad_input_ends_with_its_code_and_a_cure(installed, words, code, said):
    done = installed("run", "simple_backtest", *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_it_runs_on_a_users_own_files_and_sizes_by_risk(house, tmp_path):
    from tests.slices.market import walk

    bars = walk(400, seed=1)
    rows = [
        f"{day},{o},{h},{low},{c},{v:.0f}"
        for day, o, h, low, c, v in zip(
            bars.ts.astype("datetime64[ns]").astype("datetime64[D]"),
            bars.open, bars.high, bars.low, bars.close, bars.volume,
            strict=True,
        )
    ]  # fmt: skip
    (tmp_path / "ACME.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]))
    inputs = {
        "provider": "csv",
        "path": str(tmp_path / "ACME.csv"),
        "symbols": ["ACME"],
        "sizing": "risk",
        "cash": 50_000.0,
    }
    result = house.execute_workflow("simple_backtest", **inputs)
    assert result.status == "SUCCEEDED", result.error
    size = result.outputs["sizes"]["ACME"]
    assert size["at_risk"] <= 500.0
    assert result.outputs["provenance"]["data"][0]["source"] == "ACME.csv"


def test_a_symbol_that_was_listed_late_is_traded_and_nothing_breaks(house):
    result = house.execute_workflow("simple_backtest", symbols=["IBM", "FB"])
    assert result.status == "SUCCEEDED", result.error
    assert result.outputs["selection"]["FB"]["strategy"] == "buy_and_hold"


def test_data_check_shows_the_picture_of_data_in_order_and_stops_at_data_that_is_not(house, tmp_path):
    good = house.execute_workflow("data_check")
    assert (good.status, good.outputs["ok"]) == ("SUCCEEDED", True)
    assert list(good.outputs["patterns"]) == list(good.outputs["regime"]) == ["AAPL", "MSFT"]
    (tmp_path / "BAD.csv").write_text(
        "date,open,high,low,close\n2024-01-02,1,2,1,2\n2024-01-03,2,3,1,0\n2024-01-04,2,3,1,2\n"
    )
    bad = house.execute_workflow("data_check", symbols=["BAD"], provider="csv", path=str(tmp_path))
    assert (bad.status, bad.outputs["ok"]) == ("SUCCEEDED", False)
    assert "patterns" not in bad.outputs


def test_compare_strategies_reports_on_the_best_or_on_the_baseline(house):
    best = house.execute_workflow("compare_strategies")
    assert best.status == "SUCCEEDED", best.error
    scores = [item["score"] for item in best.outputs["items"]]
    assert best.outputs["best"] == max(scores) == best.outputs["score"]
    assert best.outputs["trade_count"] > 0
    none = house.execute_workflow(
        "compare_strategies", symbols=["MSFT"], candidates=[{"name": "sma_cross", "params": {"fast": 2, "slow": 3}}]
    )
    assert none.outputs["score"] > none.outputs["best"]
    assert none.outputs["metrics"] == none.steps["run_baseline"]["metrics"]


PLUGIN = """
from gpt_trader.core.orders import TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin

class NewHigh(TradingStrategyPlugin):
    def initialize(self, config):
        self.top = 0.0

    def on_market_data(self, market_data):
        higher, self.top = market_data.price > self.top, max(market_data.price, self.top)
        return TradeSignal(market_data.symbol, "buy" if higher else "sell", None if higher else 0, target=True)
"""


def test_a_users_own_strategy_is_found_in_the_plugin_folder_and_can_be_chosen(tmp_path):
    folder = tmp_path / "plugins" / "strategies"
    folder.mkdir(parents=True)
    (folder / "new_high.py").write_text(PLUGIN)
    settings = load_settings(env={"GPT_TRADER_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    with TradingOrchestrator(settings) as orchestrator:
        result = orchestrator.execute_workflow("simple_backtest", symbols=["IBM"], strategies=["new_high"])
    assert result.status == "SUCCEEDED", result.error
    assert {row["strategy"] for row in result.outputs["scores"]} == {"new_high", "buy_and_hold"}
    assert all(row["failed"] == "" for row in result.outputs["scores"])
