"""A bar without a price leaves the last one standing, and an account without a value is no reason to go on."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from gpt_trader.core.market import DAY, SECOND, Dividend, Split
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.guard import Guard
from gpt_trader.trading.guards.running import SessionLoss
from gpt_trader.trading.modes import build, drive
from gpt_trader.trading.playback import in_parts, play
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.walk import walk
from tests.trading.bars import by_hand
from tests.trading.scripted import Scripted, buy, fills, trade
from tests.trading.test_guards import account, code, order

D = Decimal
HOUR = 3600 * SECOND
NOTHING = (math.nan,) * 4


def at(*prices):
    return [(price,) * 4 for price in prices]


EVENTS: dict[str, dict[str, Any]] = {
    "a dividend": {"actions": (Dividend("B", 3 * DAY, D("0.1")),)},
    "a split": {"actions": (Split("B", 3 * DAY, 2, 1),)},
    "borrowing": {"borrow_rate": D("0.01")},
}


@pytest.mark.parametrize("event", EVENTS)
def test_no_price_of_what_is_not_held_leaves_the_equity_a_number(event):
    """10 A fall from 100 to 20, so that 1100 become 300; nothing is held of B, whose third bar has no price."""
    a = by_hand(at(100, 100, 100, 100, 50, 40, 30, 20), symbol="A")
    b = by_hand([*at(50, 51), NOTHING, *at(53, 54, 55, 56, 57)], symbol="B")
    report = trade([a, b], {0: buy(10, symbol="A")}, cash=D(1100), **EVENTS[event])
    assert report.equity.tolist() == [1100, 1100, 1100, 1100, 600, 500, 400, 300]
    assert report.final_equity == 300
    assert report.metrics["max_drawdown"] == pytest.approx(300 / 1100 - 1)


@pytest.mark.parametrize("end", ["open", "close"])
def test_the_last_bar_of_what_is_not_held_may_have_no_price_when_all_is_closed(end):
    a = by_hand(at(100, 101, 102, 103), symbol="A")
    b = by_hand([*at(50, 51, 52), NOTHING], symbol="B")
    report = trade([a, b], {0: buy(10, symbol="A")}, close_at_end=end, cash=D(10_000))
    assert report.equity.tolist() == [10_000, 10_000, 10_010, 10_020]
    assert report.metrics["max_drawdown"] == 0.0


def test_a_loss_limit_sees_through_a_bar_without_a_price_in_another_symbol():
    """9 A of 1000 lose 3 % at 96.66; the guard closes them an hour later, not on the next day."""
    a = by_hand(at(*[100] * 5, 98, 96, 94, 92, 90), symbol="A", step=HOUR, timeframe="1h")
    b = by_hand([*at(50, 50), NOTHING, *at(*[50] * 7)], symbol="B", step=HOUR, timeframe="1h")
    off = dict.fromkeys(("risk_per_position", "volume_share", "correlation_cluster", "max_notional"), "off")
    report = trade(
        [a, b],
        {0: buy(9, symbol="A")},
        cash=D(1000),
        actions=(Dividend("B", 3 * HOUR, D("0.1")),),
        limits={**off, "gross_exposure": "off"},
    )
    assert [(x.code, x.ns // HOUR) for x in report.alerts][:2] == [("dividend", 3), ("session_loss", 6)]
    assert [(f.side, f.ns // HOUR, f.price) for f in report.fills] == [("buy", 1, 100), ("sell", 7, 94)]


@pytest.mark.parametrize("way", ["walk", "stages"])
def test_no_price_is_never_the_last_price(way):
    bars = by_hand([*at(100, 101), NOTHING])
    bench = build([StrategySpec("s", lambda: Scripted({}))], [bars], BacktestConfig())
    if way == "walk":
        drive(bench, in_parts([bars]))
    else:
        for data in play([bars]):
            bench.desk.on_market_data(data)
    lane = bench.desk.account.lanes["X"]
    assert (lane.price, lane.ns) == (101, DAY)


@pytest.mark.parametrize("equity", [math.nan, math.inf, -math.inf])
def test_an_equity_that_is_no_number_halts_at_once_and_leaves_the_heights(equity):
    guard = Guard(account(), running=(SessionLoss(0.03),))
    assert not guard.look(100_000.0, 1)
    (halt,) = guard.look(equity, 2, before=100_000.0)
    assert (halt.act, halt.code, halt.severity) == ("halt", "unknown_equity", "critical")
    assert not guard.look(equity, 3, before=equity)
    assert code(guard.check(order(), 4)) == "unknown_equity"
    (loss,) = guard.look(97_000.0, DAY - 1, before=equity)
    assert loss.code == "session_loss"


@pytest.mark.parametrize("way", ["walk", "stages"])
def test_the_desk_stops_entries_while_its_account_has_no_value(way):
    """The equity is lost after two bars, far below every mark and long before the guard would look again."""
    bars = by_hand(at(*[100] * 6), step=HOUR, timeframe="1h")
    limits = {"volume_share": "off", "risk_per_position": "off"}
    spec = StrategySpec("s", lambda: Scripted({3: [buy(1)]}))
    desk = build([spec], [bars], BacktestConfig(limits=limits)).desk

    for number, part in enumerate(in_parts([bars], size=2)):
        if number == 1:
            desk.account.equity = math.nan
        walk(desk, part if way == "walk" else iter(part))
    assert [(x.code, x.ns // HOUR) for x in desk.tape.alerts] == [("unknown_equity", 2)]
    assert [r.code for r in desk.tape.refusals] == ["unknown_equity"]
    assert desk.tape.fills == []


def test_the_first_price_may_come_late():
    bars = by_hand([NOTHING, *at(100, 102, 103)])
    assert fills(trade(bars, {1: buy(10)})) == [(2, "buy", 10, 102)]
