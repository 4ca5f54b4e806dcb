"""When a bar is over: each by itself, so that one short bar tells no other's close too early; the same everywhere."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from gpt_trader.adapters.feeds import replay
from gpt_trader.core.market import DAY, SECOND
from gpt_trader.trading.clocks import BarClock
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.playback import play
from gpt_trader.trading.replays import run_replay
from gpt_trader.trading.results import exposures
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import by_hand
from tests.trading.scripted import Scripted, buy, fills, trade

HOUR = 3_600 * SECOND
FLAT = (100, 101, 99, 100)


def opened(moments, *, symbol="X", timeframe="1d", rows=None):
    """Bars that open at these moments."""
    bars = by_hand(rows or [FLAT] * len(moments), symbol=symbol, timeframe=timeframe)
    bars.ts.flags.writeable = True
    bars.ts[:] = moments
    return bars


def clocks_change(symbol, *, weekends):
    """Daily bars at midnights of which one comes an hour sooner and, weeks later, one an hour later: Sundays change."""
    first = date(2024, 1, 1)
    days = [day for day in range(70) if weekends or (first + timedelta(day)).weekday() < 5]
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
    rows = [(p, p * 1.01, p * 0.99, p) for p in close]
    return opened([day * DAY - HOUR * (21 <= day < 49) for day in days], symbol=symbol, rows=rows)


def test_a_row_too_soon_tells_no_day_to_its_hours():
    days = [day * DAY for day in range(5)]
    daily = opened([*days, days[-1] + 60 * SECOND], symbol="D")
    hourly = opened([hour * HOUR for hour in range(96)], symbol="H", timeframe="1h")
    order = [(b.symbol, b.ns // HOUR) for b in play([daily, hourly])]
    for day in range(4):
        assert order.index(("D", 24 * day)) == order.index(("H", 24 * day + 23)) - 1


def test_a_decision_at_the_end_of_a_short_day_is_filled_at_the_open_of_the_next():
    report = trade(opened([0, DAY, 2 * DAY - HOUR, 3 * DAY - HOUR]), {1: buy()})
    assert [order.ns for order in report.orders] == [2 * DAY - HOUR]
    assert [fill.ns for fill in report.fills] == [2 * DAY - HOUR]
    assert fills(report)[0][1:] == ("buy", 10, 100)


def test_days_that_two_symbols_share_are_one_point_of_the_curve_whatever_the_clocks_do():
    report = trade([clocks_change("A", weekends=True), clocks_change("B", weekends=False)], {1: buy(symbol="A")})
    assert len(report.times) == 70
    assert report.metrics["periods_per_year"] == pytest.approx(365.25, rel=0.02)


@pytest.mark.parametrize("months", ["1h", "31d"])
def test_the_curve_rises_in_time_where_lengths_differ(months):
    """A month beside its days: its close and that of its last day are one point, at that day."""
    daily = opened([day * DAY for day in range(91)], symbol="D")
    if months == "1h":
        other = opened([hour * HOUR for hour in range(91 * 24)], symbol="O", timeframe="1h")
    else:
        other = opened([0, 31 * DAY, 59 * DAY], symbol="O", timeframe="31d")
    report = trade([daily, other], {1: buy(symbol="D")})
    assert (np.diff(report.times) > 0).all()
    assert len(report.times) == (91 * 24 if months == "1h" else 91)


@pytest.mark.parametrize("turned", [False, True])
def test_a_replay_is_the_backtest_where_clocks_change(turned, monkeypatch):
    monkeypatch.setattr(replay, "CHUNK", 7)
    bars = [clocks_change("A", weekends=True), clocks_change("B", weekends=False)]
    bars = bars[::-1] if turned else bars
    script = {at: [buy(100, symbol="A"), buy(70, symbol="B")] for at in range(0, 45, 5)}
    spec = StrategySpec("script", lambda: Scripted(script))
    feed = replay.Replay(bars=bars, clock=BarClock())
    assert [(b.symbol, b.ns) for b in feed.stream() if b is not None] == [(b.symbol, b.ns) for b in play(bars)]
    config = BacktestConfig(limits="none")
    whole = run_backtest(spec, bars, config)
    again = run_replay([spec], bars, config, feed=feed, hear=lambda *_: None)
    assert whole.fills == again.fills
    assert whole.fills
    assert (whole.times.tolist(), whole.equity.tolist()) == (again.times.tolist(), again.equity.tolist())


def test_what_is_held_has_the_close_of_a_short_month_from_its_end():
    """February's close of 200 is known when March opens: at the point of February's last day, not three days later."""
    daily = opened([day * DAY for day in range(91)], symbol="D")
    rows = [FLAT, (100, 201, 99, 200), (200, 201, 199, 200)]
    monthly = opened([0, 31 * DAY, 59 * DAY], symbol="M", timeframe="31d", rows=rows)
    report = trade([daily, monthly], {0: buy(symbol="M")})
    held = exposures(report, [daily, monthly])[0] * report.equity
    at = np.searchsorted(report.times, np.array([57, 58]) * DAY)
    assert held[at].tolist() == pytest.approx([1_000, 2_000])
