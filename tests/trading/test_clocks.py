"""The clocks: one is the machine's, one stands still until the data moves it."""

from __future__ import annotations

from datetime import UTC, datetime

import time_machine

from gpt_trader.trading.clocks import BarClock, WallClock


def test_the_wall_clock_tells_aware_time():
    with time_machine.travel(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), tick=False):
        assert WallClock().now() == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_wall_clock_sleeps_and_never_runs_backwards():
    clock = WallClock()
    before = clock.monotonic()
    clock.sleep(0.01)
    clock.sleep(-1)
    assert clock.monotonic() - before >= 0.009


def test_the_clock_of_the_data_stands_until_it_is_moved_and_never_goes_back():
    clock = BarClock(5_000_000_000)
    assert clock.now() == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    clock.move_to(9_000_001_000)
    clock.move_to(7_000_000_000)
    assert clock.now() == datetime(1970, 1, 1, 0, 0, 9, 1, tzinfo=UTC)
    clock.sleep(1)
    clock.sleep(-1)
    assert clock.monotonic() == 10.000001
