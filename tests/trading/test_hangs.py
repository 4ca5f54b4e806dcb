"""A strategy that hangs is told of in time, wherever it hangs and whichever thread it has."""

from __future__ import annotations

import logging
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import drawn

DEADLINE = 0.2
LONG = 60.0
HELD = threading.Lock()
HELD.acquire()


class Hanging(TradingStrategyPlugin):
    """Hangs at its third bar."""

    def __init__(self, deed):
        self.deed = deed
        self.count = 0

    def on_market_data(self, market_data):
        self.count += 1
        if self.count == 3:
            self.deed()


def backtest(deed):
    return run_backtest(StrategySpec("it", lambda: Hanging(deed)), drawn(50), BacktestConfig(deadline=DEADLINE))


def search():
    """A search of about a second that lets no other thread run."""
    length, took = 16, 0.0
    while took < 3 * DEADLINE:
        length += 1
        began = time.perf_counter()
        re.match(r"(a+)+$", "a" * length + "b")
        took = time.perf_counter() - began


@pytest.mark.parametrize("deed", [lambda: time.sleep(LONG), lambda: HELD.acquire(timeout=LONG)])
def test_in_the_main_thread_a_call_that_blocks_is_ended_in_time(deed):
    began = time.monotonic()
    report = backtest(deed)
    assert [a.code for a in report.alerts] == ["strategy_stopped"]
    assert "Overdue" in report.alerts[0].message
    assert time.monotonic() - began < LONG / 3


def test_in_another_thread_a_call_that_blocks_is_told_of_while_it_lasts(caplog):
    caplog.set_level(logging.WARNING)
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(backtest, lambda: gate.wait(LONG))
        end = time.monotonic() + LONG / 3
        while not caplog.records and time.monotonic() < end:
            time.sleep(0.01)
        assert not running.done()
        gate.set()
        report = running.result(LONG)
    assert "does not come back" in caplog.text
    assert "threading.py" in caplog.text
    assert [a.code for a in report.alerts] == ["strategy_stopped"]


@pytest.mark.parametrize("in_main", [True, False])
def test_a_call_that_lets_no_thread_run_ends_its_strategy_when_it_returns(in_main):
    if in_main:
        report = backtest(search)
    else:
        with ThreadPoolExecutor(1) as pool:
            report = pool.submit(backtest, search).result(LONG)
    assert [a.code for a in report.alerts] == ["strategy_stopped"]
    assert len(report.equity) == 50


def test_who_is_slow_and_comes_back_in_time_is_left_alone(caplog):
    report = backtest(lambda: time.sleep(DEADLINE / 3))
    assert report.alerts == ()
    assert not caplog.records
