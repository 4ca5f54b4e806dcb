"""When a decision is made: at the end of its bar. What happens in a bar keeps the bar's own time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gpt_trader.core.market import DAY, SECOND
from gpt_trader.core.orders import OrderType
from gpt_trader.trading.limits import PRE_TRADE, WATCHES
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.playback import Correlations, TypicalVolume
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import by_hand, drawn
from tests.trading.scripted import Scripted, buy, fills, sell, trade

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
FLAT = (100, 101, 99, 100)
OFF: dict[str, Any] = {**dict.fromkeys(PRE_TRADE, "off"), **dict.fromkeys(WATCHES, "off")}


def codes(report, step=DAY):
    """The refusals as (bar at whose end they were decided, code)."""
    return [(refused.order.ns // step, refused.code) for refused in report.refusals]


def test_an_order_is_decided_at_the_end_of_its_bar_and_filled_at_the_open_of_the_next():
    report = trade(by_hand([FLAT] * 4), {1: buy()})
    assert [order.ns for order in report.orders] == [2 * DAY]
    assert [fill.ns for fill in report.fills] == [2 * DAY]


def test_over_a_weekend_the_decision_keeps_the_end_of_its_bar_and_the_fill_the_open_of_its_own():
    bars = by_hand([FLAT] * 4)
    bars.ts.flags.writeable = True
    bars.ts[2:] += 2 * DAY
    report = trade(bars, {1: buy()})
    assert ([order.ns // DAY for order in report.orders], [f.ns // DAY for f in report.fills]) == ([2], [4])


def test_the_exits_of_a_bracket_are_there_from_the_fill_of_their_entry():
    report = trade(by_hand([FLAT, FLAT, (100, 101, 90, 95)]), {0: buy(stop_loss=95)})
    assert fills(report) == [(1, "buy", 10, 100), (2, "sell", 10, 95)]


@pytest.mark.parametrize(("seconds", "refused"), [(86_400, []), (86_400.5, [(3, "cooldown")])])
def test_between_a_loss_at_an_open_and_the_decision_at_that_bars_close_lies_one_bar(seconds, refused):
    """Bought at 100 on day 1, sold at the open of day 2 for 90: at the end of day 2 the loss is a day old."""
    rows = [FLAT, FLAT, (90, 91, 89, 90), (90, 91, 89, 90), (90, 91, 89, 90)]
    report = trade(by_hand(rows), {0: buy(), 1: sell(), 2: buy()}, limits={**OFF, "cooldown": seconds})
    assert codes(report) == refused
    assert len(report.fills) == 3 - len(refused)


def test_a_cooldown_outlasts_the_day_on_which_it_began():
    rows = [FLAT, FLAT, (90, 91, 89, 90), *[(90, 91, 89, 90)] * 4]
    script = {0: buy(), 1: sell(), 2: buy(), 3: buy(), 4: buy()}
    report = trade(by_hand(rows), script, limits={**OFF, "cooldown": 3 * 86_400})
    assert codes(report) == [(3, "cooldown"), (4, "cooldown")]


@pytest.mark.parametrize(("seconds", "refused"), [(60, []), (60.5, [(2, "repeated_execution")])])
def test_decisions_of_bars_one_minute_apart_are_one_minute_apart(seconds, refused):
    bars = by_hand([FLAT] * 6, step=MINUTE, timeframe="1m")
    script = {0: buy(1), 1: buy(2), 2: buy(3)}
    report = trade(bars, script, limits={**OFF, "repeated_execution": {"limit": 1, "seconds": seconds}})
    assert codes(report, MINUTE) == refused


def test_a_decision_is_new_and_so_is_the_quote_it_was_made_on():
    limits = {**OFF, "time_to_live": 1e-6, "stale_quote": 1e-6}
    assert trade(by_hand([FLAT] * 3), {0: buy()}, limits=limits).refusals == ()


def test_the_quote_of_a_longer_bar_is_as_old_as_that_bar_has_been_over():
    """The day ended at midnight; at the end of the bar that opens at 09:00 its price is ten hours old."""
    daily = by_hand([FLAT] * 3, symbol="D")
    hourly = by_hand([FLAT] * 72, symbol="H", step=HOUR, timeframe="1h")
    script = {33: [("H", buy(symbol="D")[1])]}
    for hours, refused in ((10, []), (9.99, [(34, "stale_quote")])):
        report = trade([daily, hourly], script, limits={**OFF, "stale_quote": hours * 3600})
        assert codes(report, HOUR) == refused


@pytest.mark.parametrize(("bar", "filled"), [(22, 24), (23, 24), (24, 48)])
def test_what_is_decided_on_the_last_bar_of_a_day_is_there_for_the_next_open(bar, filled):
    bars = by_hand([(100 + i, 101 + i, 99 + i, 100 + i) for i in range(72)], step=HOUR, timeframe="1h")
    report = trade(bars, {bar: buy(type=OrderType.MARKET_ON_OPEN)})
    assert [f.ns // HOUR for f in report.fills] == [filled]


def test_a_bar_that_opens_at_the_moment_of_a_decision_is_not_known_to_it():
    rows = [(1, 1, 1, 1, volume) for volume in (5, 1, 9, 3)]
    usual = TypicalVolume(by_hand(rows), block=2)
    assert [usual(moment) for moment in (2 * DAY, 4 * DAY - 1, 4 * DAY)] == [3, 3, 6]
    assert math.isnan(usual(2 * DAY - 1))


def test_a_correlation_knows_no_bar_that_has_not_ended():
    """At the end of an hour within the day, that day's own bar is still open."""
    daily, other = (drawn(80, symbol=name, seed=seed, sigma=0.01) for name, seed in (("A", 1), ("B", 2)))
    a, b = (by_hand([(p, p, p, p) for p in bars.close], symbol=bars.symbol) for bars in (daily, other))
    changed = by_hand([(p, p, p, p) for p in [*daily.close[:-1], 500]], symbol="A")
    within, after = 79 * DAY + 10 * HOUR, 80 * DAY
    assert Correlations([a, b])("A", "B", within) == Correlations([changed, b])("A", "B", within)
    assert Correlations([a, b])("A", "B", after) != Correlations([changed, b])("A", "B", after)


def test_an_order_that_is_taken_back_ends_when_that_was_decided():
    """A limit far away waits; the strategy fails on day 2, at whose end its entry is cancelled."""

    class Failing(Scripted):
        def on_market_data(self, market_data):
            return super().on_market_data(market_data) if self.seen.get("X", 0) < 2 else 1 / 0

    script = {0: [buy(type=OrderType.LIMIT, limit=50)]}
    report = run_backtest(StrategySpec("s", lambda: Failing(script)), by_hand([FLAT] * 5))
    assert [(ended.code, ended.ns // DAY) for ended in report.ended] == [("cancelled", 3)]
