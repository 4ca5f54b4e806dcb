"""Losses in a row lock entries for as long as they took, on bars of a day as on bars of a minute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gpt_trader.core.market import DAY, SECOND
from gpt_trader.core.orders import OrderType
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.guard import Guard
from gpt_trader.trading.guards import pace, running
from gpt_trader.trading.limits import PRE_TRADE, WATCHES
from gpt_trader.trading.modes import build, drive
from gpt_trader.trading.playback import in_parts
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import by_hand
from tests.trading.scripted import Scripted, buy, sell
from tests.trading.test_guards import NOW, account, code, order, trip

MINUTE = 60 * SECOND
STEPS = {"1d": DAY, "1m": MINUTE}
OFF: dict[str, Any] = {**dict.fromkeys(PRE_TRADE, "off"), **dict.fromkeys(WATCHES, "off")}


def session(bars, script, **limits):
    """A desk after its bars, on which one strategy does what the script says."""
    told = {at: signals if isinstance(signals, list) else [signals] for at, signals in script.items()}
    config = BacktestConfig(limits={**OFF, **limits})
    bench = build([StrategySpec("script", lambda: Scripted(told))], bars if isinstance(bars, list) else [bars], config)
    drive(bench, in_parts(bars if isinstance(bars, list) else [bars]))
    return bench.desk


def falling(count, timeframe, *, start=0):
    """Bars that fall by 1 from each open to the next: whoever buys loses."""
    rows = [(1000 - n, 1000 - n, 999 - n, 999 - n) for n in range(count)]
    return by_hand(rows, step=STEPS[timeframe], timeframe=timeframe, start=start)


def losing(trades):
    """Bought and sold again so many times: the n-th trade is bought at the open of bar 2n + 1 and sold at the next."""
    return {bar: (buy if bar % 2 == 0 else sell)(1) for bar in range(2 * trades)}


def bought(desk, step):
    return [fill.ns // step for fill in desk.tape.fills if fill.side == "buy"]


@pytest.mark.parametrize(("trades", "locked"), [(4, False), (5, True)])
@pytest.mark.parametrize("timeframe", ["1d", "1m"])
def test_five_losses_in_a_row_lock_entries_on_bars_of_a_day_and_of_a_minute(timeframe, trades, locked):
    """The last of them is sold at the open of bar 2n, and at its close a new entry is asked for."""
    last = 2 * trades
    desk = session(falling(last + 3, timeframe), {**losing(trades), last: buy(1)}, consecutive_losses=5)
    step = STEPS[timeframe]
    assert [(a.ns // step, a.code) for a in desk.tape.alerts] == ([(last, "consecutive_losses")] if locked else [])
    assert [refused.code for refused in desk.tape.refusals] == (["consecutive_losses"] if locked else [])
    assert bought(desk, step)[trades:] == ([] if locked else [last + 1])


def test_on_daily_bars_the_lock_lasts_as_many_days_as_the_losses_took_and_then_they_count_anew():
    """The losses of bars 2, 4, 6, 8 and 10 took 9 days: bars 10 to 18 are locked, and it opens again on bar 19."""
    asked = {bar: buy(1, target=True) for bar in range(10, 24)}
    desk = session(falling(26, "1d"), {**losing(5), **asked}, consecutive_losses=5)
    assert {refused.order.ns // DAY - 1 for refused in desk.tape.refusals} == set(range(10, 19))
    assert bought(desk, DAY)[5:] == [20]
    assert desk.guard.memory.consecutive_losses == 0
    assert desk.tape.alerts[0].message == "5 trades in a row lost within 9 sessions: no entries for as long"


def test_on_minute_bars_losses_of_one_day_lock_the_rest_of_that_day():
    """It asks at each minute; the first one that may buy decides at the first close of the next day."""
    first = 1440 - 15
    bars = falling(20, "1m", start=first * MINUTE)
    asked = {bar: buy(1, target=True) for bar in range(10, 18)}
    desk = session(bars, {**losing(5), **asked}, consecutive_losses=5)
    assert [b - first for b in bought(desk, MINUTE)][5:] == [16]
    assert [r.code for r in desk.tape.refusals] == ["consecutive_losses"] * 5


def test_losses_of_two_days_are_in_a_row_and_lock_two_days():
    """Three losses on the first evening, two on the next morning: that day is locked, and the one after it."""
    moments = [1433 + n for n in range(7)] + [1440 * day + n for day in (1, 2, 3) for n in range(5)]
    bars = replace(falling(len(moments), "1m"), ts=np.array(moments) * MINUTE)
    asked = {bar: buy(1, target=True) for bar in range(10, 22)}
    desk = session(bars, {**losing(5), **asked}, consecutive_losses=5)
    assert [alert.ns // DAY for alert in desk.tape.alerts] == [1]
    assert [bar // 1440 for bar in bought(desk, MINUTE)][5:] == [3]


@pytest.mark.parametrize(("trades", "locked"), [(6, False), (7, True)])
def test_a_gain_in_between_ends_the_row_whatever_day_it_is(trades, locked):
    """The second trade is bought at 997 and sold at 1005: what came before it counts no more."""
    opens = [1000, 999, 998, 997, *(1009 - n for n in range(4, 20))]
    bars = by_hand([(o, o, o - 1, o - 1) for o in opens])
    desk = session(bars, losing(trades), consecutive_losses=5)
    assert [trip.profit > 0 for trip in desk.tape.trips] == [number == 1 for number in range(trades)]
    assert [(a.ns // DAY, a.code) for a in desk.tape.alerts] == ([(14, "consecutive_losses")] if locked else [])


def test_a_lock_takes_back_entries_that_wait_and_leaves_the_ways_out():
    """A limit far below would buy long after the lock; a stop for what is held stays."""
    bars = [falling(14, "1m"), by_hand([(100, 101, 99, 100)] * 14, symbol="Y", step=MINUTE, timeframe="1m")]
    far = buy(1, type=OrderType.LIMIT, limit=988)
    script = {**losing(5)}
    script[0] = [script[0], buy(1, symbol="Y")]
    script[2] = [script[2], far, sell(1, symbol="Y", type=OrderType.STOP, stop=90)]
    desk = session(bars, script, consecutive_losses=5)
    assert bought(desk, MINUTE) == [1, 1, 3, 5, 7, 9]
    assert [ended.order.terms.limit for ended in desk.tape.ended if ended.order.side == "buy"] == [988]
    (left,) = desk.broker.open_orders()
    assert (left.symbol, left.terms.stop, left.terms.reduce_only) == ("Y", 90, True)


def test_clearing_the_lock_counts_anew():
    guard = Guard(account(), (), running=[running.ConsecutiveLosses(2)])
    guard.look(100_000.0, NOW)
    guard.closed(trip(-1))
    guard.closed(trip(-1))
    guard.look(100_000.0, NOW + 1)
    assert code(guard.check(order(), NOW)) == "consecutive_losses"
    guard.clear("consecutive_losses", person="Ada", reason="seen")
    guard.closed(trip(-1))
    guard.look(100_000.0, NOW + 2)
    assert code(guard.check(order(), NOW)) is None


@pytest.mark.parametrize(("limit", "may"), [(3, False), (4, True)])
def test_trades_that_close_at_the_open_of_a_day_are_trades_of_that_day(limit, may):
    """Three symbols are sold at the open of bar 2; at its close a fourth trade of that day is asked for."""
    flat = [(100, 101, 99, 100)] * 5
    bars = [by_hand(flat, symbol=symbol) for symbol in "XYZ"]
    script = {
        0: [buy(1, symbol=symbol) for symbol in "XYZ"],
        1: [sell(1, symbol=symbol) for symbol in "XYZ"],
        2: buy(1, symbol="Z"),
        3: buy(1, symbol="Y"),
    }
    desk = session(bars, script, trades_per_session=limit)
    assert [(r.code, r.order.symbol) for r in desk.tape.refusals] == ([] if may else [("trades_per_session", "Z")])


def test_trades_are_counted_by_day_where_no_other_limit_is_on():
    guard = Guard(account(), [pace.TradesPerSession(1)], session_offset_ns=0)
    guard.look(100_000.0, DAY)
    guard.closed(trip(-1, DAY + 1))
    assert code(guard.check(order(), NOW)) == "trades_per_session"
    assert guard.wake == 2 * DAY
    guard.look(100_000.0, 2 * DAY)
    assert code(guard.check(order(), NOW)) is None
