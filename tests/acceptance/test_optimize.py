"""`gpt-trader optimize` and the workflows that search: run whole, killed, interrupted, and looked at on a terminal."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.slices.optimize.log import KIND, Tail
from tests.acceptance.conftest import Answer, call
from tests.acceptance.test_signals import Terminal

__all__ = ["call"]
SMALL = ("--symbols", "GOOG", "--param", "fast=5:20:5", "slow=30:90:30")
LEARN = (*SMALL[:2], "--param", "fast=5:40", "slow=20:200", "--sampler", "tpe", "--trials", "24", "--engine", "desk",
         "--executor", "here", "--folds", "0")  # fmt: skip
NAP = """
import time
from pydantic import BaseModel
from gpt_trader.strategies.sma_cross import SmaCross

class Nap(SmaCross):
    def initialize(self, config):
        time.sleep(0.05)
        super().initialize(config)
"""


def outputs(document: dict, name: str) -> dict:
    """The outputs of the last attempt of a step."""
    return [s["outputs"] for s in document["steps"] if s["name"] == name and s["status"] == "SUCCEEDED"][-1]


def log_of(home: Path) -> Path:
    """The only log of trials that there is."""
    (found,) = home.glob(f"artifacts/*/*.{KIND}")
    return found


def numbers(log: Path) -> list[int]:
    return [n for row in Tail(log).rows() for n in row.get("numbers", ())]


@pytest.fixture
def home(project: Path, tmp_path: Path) -> Path:
    """Where this test's journal and artifacts are."""
    return tmp_path / "home"


def test_a_grid_walks_forward_and_ends_with_its_proof_its_map_and_a_report(home, call: Callable[..., Answer]):
    done = call("optimize", *SMALL)
    assert done.code == 0, done.err
    for words in ("best", "walking forward", "held back", "deflated Sharpe", "buy_and_hold", "what mattered"):
        assert words in done.out
    assert "mean sharpe by fast (across) and slow (up)" in done.out
    assert len(re.findall(r"^\d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +fast=\d+ slow=\d+", done.out, re.MULTILINE)) == 4
    report = Path(re.search(r"report: (\S+)", done.out)[1])  # type: ignore[index]
    assert report.read_text().startswith("<!doctype html>")


def test_its_document_holds_the_whole_result(home, call):
    found = call("optimize", *SMALL, "--folds", "2", "--json", "-q").json
    assert (found["status"], found["exit_code"], found["version"]) == ("SUCCEEDED", 0, 1)
    told = found["outputs"]
    assert told["tried"]["trials"] == 12
    assert len(told["walks"]) == 2
    assert sum(told["importance"].values()) == pytest.approx(1)
    assert told["selection"]["GOOG"]["params"] == told["best"]["params"]
    assert 0 <= told["deflated_sharpe"] <= 1
    assert 0 <= told["risk_of_ruin"] <= 1


@pytest.mark.parametrize("place", ["optimize.tried=kill@3", "optimize.kept=kill@2"])
def test_kill_9_in_the_middle_loses_no_finished_trial_and_doubles_none(home, shell, call, place):
    whole = call("optimize", *LEARN, "--json", "-q").json
    (home / "artifacts").rename(home / "others")
    assert shell("optimize", *LEARN, GPT_TRADER_FAILPOINTS=place).code == -signal.SIGKILL
    log = log_of(home)
    kept, bytes_kept = numbers(log), log.read_bytes()
    assert 0 < len(kept) < 24
    resumed = call("runs", "resume", "latest", "--json", "-q")
    assert resumed.code == 0, resumed.err
    assert log.read_bytes().startswith(bytes_kept)
    assert numbers(log)[: len(kept)] == kept
    assert sorted(numbers(log)) == list(range(24))
    assert outputs(resumed.json, "search_once") == outputs(whole, "search_once")


def slow_project(project: Path) -> tuple[str, ...]:
    folder = project / "plugins" / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nap.py").write_text(NAP)
    return ("--strategy", "nap", *LEARN)


def until_kept(home: Path, count: int) -> list[int]:
    """Wait until so many trials are kept."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        logs = list(home.glob(f"artifacts/*/*.{KIND}"))
        if logs and len(found := numbers(logs[0])) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError("no trial was kept")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_search_that_is_stopped_at_any_moment_goes_on_with_what_it_had(home, project, begin, call, number, code):
    going = begin("optimize", *slow_project(project))
    kept = until_kept(home, 3)
    going.signal(number)
    ended = going.end()
    assert ended.code == code
    if number == signal.SIGINT:
        assert "was interrupted" in ended.err
        assert "gpt-trader runs resume" in ended.err
    left = numbers(log_of(home))
    assert left[: len(kept)] == kept
    assert len(left) < 24
    assert call("runs", "resume", "latest", "-q").code == 0
    assert numbers(log_of(home))[: len(left)] == left
    assert sorted(numbers(log_of(home))) == list(range(24))


def test_a_terminal_shows_the_best_trials_while_the_search_goes_on(home, project):
    terminal = Terminal(project, "optimize", *slow_project(project))
    assert terminal.read_all() == 0
    assert "best so far, each kept on the disk" in terminal.text
    assert re.search(r"trial +fast +slow +sharpe +total_return", terminal.text)
    assert "what mattered" in terminal.text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--param", "fats=5:50"], 3, "did you mean 'fast'"),
        (["--param", "fast=50:5"], 3, "there is no range from 50 to 5"),
        (["--param", "fast"], 2, "--param takes NAME=RANGE"),
        (["--param", "fast=5"], 2, "nothing to search"),
        ([], 2, "no parameter is named"),
        (["--param", "fast=5:9", "--objective", "sharp"], 3, "did you mean 'sharpe'"),
        (["--param", "fast=5:9", "--sampler", "tpee"], 3, "sampler"),
        (["--param", "fast=5:9", "--trails", "9"], 2, "--trials"),
        (["--param", "fast=5:9", "--constraint", "trades >= 99999"], 3, "none of 5 sets keeps the constraints"),
        (["--param", "fast=5:9", "--symbols", "GOGO"], 2, "GOOG"),
        (["--param", "fast=5:9", "--cluster", "127.0.0.1:bad"], 2, "no Dask scheduler answers"),
    ],
)
def test_bad_input_ends_with_its_code_and_a_cure(home, call, words, code, said):
    done = call("optimize", *words)
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_dry_run_shows_the_plan_and_runs_nothing(home, call):
    done = call("optimize", *SMALL, "--dry-run")
    assert done.code == 0
    assert "walk_forward" in done.out
    assert not (home / "artifacts").exists()


# --- workflows --------------------------------------------------------------------------------------------------------


def test_walk_forward_optimize_reports_on_the_account_that_walked(house):
    result = house.execute_workflow(
        "walk_forward_optimize", symbols=["AAPL"], space={"fast": "5:20:5", "slow": "30:90:30"}
    )
    assert result.status == "SUCCEEDED", result.error
    out = result.outputs
    assert len(out["walks"]) == 4
    assert out["luck"]["trades"] == len(out["trades"])
    page = Path(out["report_path"]).read_text()
    assert f"{out['final_equity']:,.2f}" in page
    assert "Walking forward with sma_cross" in page


def test_without_folds_the_choice_trades_what_was_held_back(house):
    space = {"fast": "5:20:5", "slow": "30:90:30"}
    result = house.execute_workflow("walk_forward_optimize", symbols=["AAPL", "MSFT"], space=space, folds=0)
    assert result.status == "SUCCEEDED", result.error
    out = result.outputs
    assert out["period"]["out_of_sample"]
    assert out["equity"]["time"].iloc[0].isoformat() == out["decided_at"]


def test_the_winner_of_the_tournament_trades_the_bars_that_no_search_saw(house):
    result = house.execute_workflow("strategy_tournament", folds=2)
    assert result.status == "SUCCEEDED", result.error
    rounds = {name: result.steps[name] for name in ("averages", "momentum", "breakout")}
    winner = max(rounds, key=lambda name: rounds[name]["score"])
    assert rounds[winner]["beats_baseline"]
    traded = result.steps[f"trade_{winner}"]
    assert traded["period"]["out_of_sample"]
    assert traded["equity"]["time"].iloc[0].isoformat() == rounds[winner]["decided_at"]
    names = {s["name"] for s in traded["provenance"]["strategies"]}
    assert names == {f"{rounds[winner]['selection']['AAPL']['strategy']}:AAPL"}
    assert winner in Path(result.steps[f"report_{winner}"]["report_path"]).read_text()


def test_where_no_strategy_beats_the_baseline_the_baseline_trades(house):
    result = house.execute_workflow("strategy_tournament", symbols=["UP"], folds=1, fee=0.05, provider="synthetic",
                                    options={"drift": 0.9, "volatility": 0.05, "bars": 700})  # fmt: skip
    assert result.status == "SUCCEEDED", result.error
    assert not any(result.steps[name]["beats_baseline"] for name in ("averages", "momentum", "breakout"))
    assert "trade_baseline" in result.steps


def test_old_logs_of_trials_are_cleared_away_with_the_artifacts(home, call):
    assert call("optimize", *SMALL, "--folds", "0").code == 0
    log = log_of(home)
    artifacts = ArtifactFolder(home / "artifacts")
    named = {f.stem for f in (home / "artifacts").glob("*/*") if f != log}
    gone, _ = artifacts.sweep(named, before=time.time() + 10)
    assert gone == 1
    assert not log.exists()
    assert json.loads(call("runs", "show", "latest", "--json").out)["status"] == "SUCCEEDED"
