"""Kills a replay on paper in the middle, as a power cut would, and goes on: the same orders, and none of them twice."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

WORDS = (
    "run", "--mode", "paper", "--strategy", "sma_cross", "--params", '{"fast": 5, "slow": 15}',
    "--symbols", "AAPL", "MSFT", "--from", "2011-01-01", "--to", "2011-12-31",
)  # fmt: skip
SLOW = str(30 * 86_400)
"""Thirty days in a second: the year takes about eight."""


def traded(document: dict) -> dict:
    (step,) = (s for s in document["steps"] if s["name"] == "trade_on_paper" and s["status"] == "SUCCEEDED")
    return {name: value for name, value in step["outputs"].items() if name not in ("period", "replay")}


@pytest.fixture
def place(project: Path):
    """Bars that the newest place on the disk tells of."""

    def bars() -> int:
        files = sorted((Path(os.environ["GPT_TRADER_HOME"]) / "artifacts").rglob("*.place"))
        return json.loads(files[-1].read_bytes())["bars"] if files else 0

    return bars


def test_a_replay_that_is_killed_twice_ends_with_the_orders_of_one_that_was_not(shell, begin, place):
    assert shell(*WORDS, "-q").code == 0
    whole = traded(shell("runs", "show", "latest", "--json").json)
    assert whole["trade_count"] > 10

    going = begin(*WORDS, "--speed", SLOW)
    killed_at = []
    for again in (None, ("runs", "resume", "latest")):
        going = going if again is None else begin(*again)
        start, end = place(), time.monotonic() + 60
        while place() < start + 100:
            assert time.monotonic() < end, going.end()
            time.sleep(0.02)
        going.signal(signal.SIGKILL)
        assert going.end().code == -signal.SIGKILL
        killed_at.append(place())

    last = shell("runs", "resume", "latest")
    assert last.code == 0, last.err
    document = shell("runs", "show", "latest", "--json").json
    assert traded(document) == whole
    facts = [json.loads(line) for line in shell("events", "tail", "paper_trade.*", "--json").out.splitlines()]
    told = [fact["payload"]["bars"] for fact in facts if fact.get("topic") == "paper_trade.continued"]
    assert told == killed_at[-1:]  # what an attempt says counts when it succeeds
    assert killed_at[1] >= killed_at[0] + 100
    assert place() == 0


def test_the_first_ctrl_c_stops_a_slow_replay_at_once_and_names_the_command_that_goes_on(shell, begin, place):
    going = begin(*WORDS, "--speed", "86400")
    end = time.monotonic() + 60
    while not place():
        assert time.monotonic() < end, going.end()
        time.sleep(0.02)
    going.signal(signal.SIGINT)
    told = going.end(20)
    assert told.code == 130
    assert "runs resume" in told.err
