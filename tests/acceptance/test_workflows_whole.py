"""Each shipped workflow from the shell: its plan, its document, and Ctrl-C in the middle, after which it goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import COMMAND

WHOLE = {
    "simple_backtest": ("--symbols", "AAPL"),
    "walk_forward_optimize": ("--symbols", "AAPL", "--space", '{"fast": "5:20:5", "slow": "30:90:30"}', "--folds", "2"),
    "portfolio_rebalance": ("--symbols", "AAPL", "IBM", "--from", "2009-01-01", "--every", "63"),
    "strategy_tournament": ("--from", "2008-01-01", "--folds", "1"),
    "data_refresh": ("--symbols", "IBM"),
    "compare_strategies": ("--from", "2010-01-01"),
    "data_check": ("--symbols", "IBM"),
}


def outputs(document: dict[str, Any]) -> dict[str, Any]:
    return {step["name"]: step["outputs"] for step in document["steps"] if step["status"] == "SUCCEEDED"}


def interrupted(words: tuple[str, ...], folder: Path) -> tuple[int, str]:
    """The command, which stands still inside its first step until Ctrl-C was pressed."""
    env = {**os.environ, "GPT_TRADER_FAILPOINTS": "step.begun=stop@1"}
    with subprocess.Popen([COMMAND, *words], cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as process:
        _, state = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(state)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize("name", WHOLE)
def test_it_ends_the_same_with_ctrl_c_in_the_middle_and_without(name, call, project, monkeypatch, tmp_path):
    monkeypatch.setenv("NO_COLOR", "1")
    plan = call("plan", name, "--json")
    assert plan.code == 0, plan.err
    assert plan.json["version"] == 1
    dry = call("run", name, *WHOLE[name], "--dry-run")
    assert (dry.code, (tmp_path / "home" / "artifacts").exists()) == (0, False), dry.err

    monkeypatch.setenv("GPT_TRADER_HOME", str(tmp_path / "other"))
    code, err = interrupted(("run", name, *WHOLE[name]), project)
    assert code == 130, err
    assert "was interrupted" in err
    (left,) = call("runs", "list", "--json").json["runs"]
    assert f"gpt-trader runs resume {left['id']}" in err
    half = call("runs", "show", left["id"], "--json").json
    assert half["status"] == "WAITING"
    assert set(outputs(half)) < {s["name"] for s in call("runs", "resume", left["id"], "--json").json["steps"]}
    resumed = call("runs", "show", left["id"], "--json").json
    again = [s["name"] for s in resumed["steps"] if s["attempt"] > 1]
    assert not set(again) & set(outputs(half))

    monkeypatch.setenv("GPT_TRADER_HOME", str(tmp_path / "home"))
    done = call("run", name, *WHOLE[name], "--json", "-q")
    assert done.code == 0, done.err
    assert (done.json["version"], done.json["workflow"], done.json["status"]) == (1, name, "SUCCEEDED")
    ours, theirs = (
        json.dumps(outputs(d)).replace(str(tmp_path / home), "HOME")
        for d, home in ((resumed, "other"), (done.json, "home"))
    )
    assert json.loads(ours) == json.loads(theirs)


def test_every_workflow_names_the_providers_that_it_may_be_given(call, project):
    told = call("data", "fetch", "AAPL", "--provider", "nobody").err
    providers = re.findall(r"[a-z]+", told.split("there are: ")[1])
    assert {"sample", "alpaca"} < set(providers)
    shown = [call("workflows", "show", name, "--json").json["text"] for name in WHOLE]
    described = [words for text in shown for words in re.findall(r"  provider: .*description: (.*)", text)]
    assert len(described) == len(WHOLE)
    assert not [p for p in providers for words in described if p not in words]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("walk_forward_optimize", "--symbols", "GOGO"), 2, "did you mean 'GOOG'?"),
        (("walk_forward_optimize", "--space", '{"fats": "5:50"}'), 3, "did you mean 'fast'"),
        (("walk_forward_optimize", "--sampler", "grd"), 3, "sampler"),
        (("walk_forward_optimize", "--from", "2013-02-01"), 3, "hint"),
        (("portfolio_rebalance", "--symbols", "APPL"), 2, "did you mean 'AAPL'?"),
        (("portfolio_rebalance", "--allocation", "hpr"), 3, "allocation"),
        (("portfolio_rebalance", "--from", "2012-06-01"), 3, "leave none to trade after the 252"),
        (("strategy_tournament", "--symbols", "APPL"), 2, "did you mean 'AAPL'?"),
        (("strategy_tournament", "--folds", "0"), 3, "folds"),
        (("strategy_tournament", "--baseline", "buy_and_hld"), 2, "buy_and_hold"),
        (("data_refresh", "--provider", "alpca"), 2, "did you mean 'alpaca'"),
        (("data_refresh", "--symbols", "IBMM"), 2, "did you mean 'IBM'?"),
        (("data_refresh", "--calendar", "XNYSE"), 3, "XNYS"),
        (("simple_backtest", "--sizing", "rsik"), 3, "sizing"),
        (("simple_backtest", "--cash", "-5"), 3, "cash"),
        (("simple_backtest", "--symbls", "AAPL"), 2, "--symbols"),
        (("simple_backtst",), 2, "simple_backtest"),
        (("compare_strategies", "--candidates", '[{"name": "sma_cros", "params": {}}]'), 2, "sma_cross"),
    ],
)
def test_bad_input_ends_with_its_code_and_a_cure(call, project, monkeypatch, words, code, said):
    done = call("run", *words)
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err
