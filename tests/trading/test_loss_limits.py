"""A day and a session begin with the equity that was known before them, so that their first bar's loss is theirs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from gpt_trader.core.market import DAY, SECOND
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.guard import Guard
from gpt_trader.trading.guards import running
from gpt_trader.trading.limits import PRE_TRADE, WATCHES
from gpt_trader.trading.modes import build, drive
from gpt_trader.trading.playback import in_parts, play
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import by_hand
from tests.trading.scripted import Scripted, buy, sell
from tests.trading.test_guards import account

D = Decimal
MINUTE = 60 * SECOND
OFF: dict[str, Any] = {**dict.fromkeys(PRE_TRADE, "off"), **dict.fromkeys(WATCHES, "off")}
WAYS = ("walk", "stages")


def rows(*closes):
    """Bars that open where the last one closed."""
    opens = (closes[0], *closes)
    return [(o, max(o, c), min(o, c), c) for o, c in zip(opens, closes, strict=False)]


def session(bars, script, way, **limits):
    """A desk after its bars, by the quick walk or stage by stage; the account has 100,000."""
    told = {at: [signal] for at, signal in script.items()}
    limits = {**OFF, **limits}
    config = BacktestConfig(cash=D(100_000), limits=limits, costs=Costs(Fee(limits.pop("fee", D(0)))))
    bench = build([StrategySpec("script", lambda: Scripted(told))], [bars], config)
    if way == "walk":
        drive(bench, in_parts([bars]))
    else:
        for data in play([bars]):
            bench.desk.on_market_data(data)
    return bench.desk


def told(desk, step=DAY):
    """The alerts as (bar, code)."""
    return [(alert.ns // step, alert.code) for alert in desk.tape.alerts]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("limit", ["session_loss", "daily_loss"])
@pytest.mark.parametrize(("close", "acts"), [(97.01, False), (97.0, True), (96.99, True)])
def test_a_daily_bar_that_loses_three_per_cent_of_the_evening_before_flattens(close, acts, limit, way):
    bars = by_hand(rows(100, 100, 100, close, close, close))
    desk = session(bars, {0: buy(1000)}, way, **{limit: 0.03})
    assert told(desk) == ([(3, limit)] if acts else [])
    sold = [(f.ns // DAY, float(f.price)) for f in desk.tape.fills if f.side == "sell"]
    assert sold == ([(4, close)] if acts else [])


@pytest.mark.parametrize("way", WAYS)
def test_two_days_that_lose_less_than_the_limit_each_are_two_days(way):
    bars = by_hand(rows(100, 100, 97.01, 94.11, 91.3))
    assert told(session(bars, {0: buy(1000)}, way, daily_loss=0.03)) == []
    assert told(session(bars, {0: buy(1000)}, way, trailing_drawdown=0.05)) == [(3, "trailing_drawdown")]


@pytest.mark.parametrize("way", WAYS)
def test_the_day_after_a_weekend_begins_with_the_equity_of_friday(way):
    days = by_hand(rows(100, 100, 100, 96))
    bars = replace(days, ts=np.array([0, 1, 2, 5]) * DAY)
    assert told(session(bars, {0: buy(1000)}, way, daily_loss=0.03)) == [(5, "daily_loss")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("close", "acts"), [(106.71, False), (106.7, True), (106.69, True)])
def test_the_first_minute_of_a_day_is_measured_from_the_last_one_of_the_day_before(close, acts, way):
    """The price rose to 110 in the evening, and no mark made the guard look at it."""
    bars = by_hand(rows(*[100] * 1438, 105, 110, close), step=MINUTE, timeframe="1m")
    assert told(session(bars, {0: buy(1000)}, way, daily_loss=0.03), MINUTE) == ([(1440, "daily_loss")] if acts else [])


@pytest.mark.parametrize("way", WAYS)
def test_what_the_fills_of_the_first_bar_cost_is_lost_by_its_day(way):
    """A fee of 3 % at Tuesday's open: Tuesday has lost it, although no price moved."""
    bars = by_hand(rows(100, 100, 100, 100))
    desk = session(bars, {0: buy(900), 1: sell(900)}, way, daily_loss=0.027, fee=D("0.03"))
    assert told(desk) == [(1, "daily_loss"), (2, "daily_loss")]
    assert told(session(bars, {0: buy(900)}, way, daily_loss=0.02701, fee=D("0.03"))) == []


@pytest.mark.parametrize("way", WAYS)
def test_while_halted_a_sale_beside_the_flattening_one_turns_no_position(way):
    bars = by_hand(rows(100, 100, 96, 96, 96))
    desk = session(bars, {0: buy(1000), 2: sell(1000)}, way, daily_loss=0.03)
    assert [(f.ns // DAY, str(f.side), int(f.quantity)) for f in desk.tape.fills] == [
        (1, "buy", 1000),
        (3, "sell", 1000),
    ]
    assert desk.account.portfolio.held("X") == 0
    assert [ended.code for ended in desk.tape.ended] == ["position_closed"]


def test_the_days_of_an_exchange_end_by_its_own_clock():
    """In New York the day ends at 05:00 in UTC: the loss of 04:00 and that of 05:00 are of two days."""
    hour = 3600 * SECOND
    guard = Guard(account(), (), running=[running.DailyLoss(0.03)], session_offset_ns=-5 * hour)
    start = 100 * DAY
    guard.look(100_000.0, start + 4 * hour)
    assert not guard.look(98_000.0, start + 5 * hour, before=98_000.0)
    assert not guard.look(95_060.01, start + 6 * hour)
    assert guard.look(95_060.0, start + 7 * hour)


def test_money_that_comes_in_overnight_is_no_gain_of_the_new_day():
    guard = Guard(account(), (), running=[running.DailyLoss(0.03)])
    guard.look(100_000.0, DAY)
    guard.deposited(50_000)
    assert not guard.look(150_000.0, 2 * DAY, before=100_000.0)
    assert not guard.look(145_500.01, 2 * DAY + 1)
    assert guard.look(145_500.0, 2 * DAY + 2)


def test_a_new_session_forgets_its_counts_and_no_losses_in_a_row_and_no_open_matter():
    guard = Guard(account(), (), running=[running.SessionLoss()], session_offset_ns=0)
    guard.look(100_000.0, DAY)
    old = guard.memory
    old.trades, old.consecutive_losses, old.last_loss_ns = 7, 4, DAY + 1
    old.sent.append(DAY + 2)
    old.mismatched.add("X")
    guard.look(101_000.0, 2 * DAY, before=102_000.0)
    new = guard.memory
    assert (new.trades, new.consecutive_losses, new.start_equity, new.day_equity) == (0, 4, 102_000.0, 102_000.0)
    assert (new.last_loss_ns, list(new.sent), new.mismatched) == (DAY + 1, [DAY + 2], {"X"})
