"""A target is what a strategy wants to hold: the newest one counts, and older ones that still wait are taken back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gpt_trader.core.orders import OrderType
from gpt_trader.trading.limits import PRE_TRADE, WATCHES
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.sizing import Share
from tests.trading.bars import by_hand
from tests.trading.scripted import buy, fills, sell, trade

FLAT = (100, 101, 99, 100)
LIMIT = OrderType.LIMIT


def ended(report):
    return [(e.order.side, e.order.aim, e.code) for e in report.ended]


def test_a_target_that_is_held_already_takes_back_the_order_that_waits_to_leave_it():
    """A sale to 0 waits at 105; the strategy wants its 10 again, and the bar that reaches 105 sells nothing."""
    rows = [FLAT, FLAT, FLAT, (100, 110, 99, 100)]
    script = {0: buy(10, target=True), 1: sell(0, target=True, type=LIMIT, limit=105), 2: buy(10, target=True)}
    report = trade(by_hand(rows), script)
    assert fills(report) == [(1, "buy", 10, 100)]
    assert ended(report) == [("sell", 0, "cancelled")]
    assert report.portfolio.held("X") == 10


def test_without_a_second_thought_the_waiting_order_fills():
    rows = [FLAT, FLAT, FLAT, (100, 110, 99, 100)]
    report = trade(by_hand(rows), {0: buy(10, target=True), 1: sell(0, target=True, type=LIMIT, limit=105)})
    assert fills(report) == [(1, "buy", 10, 100), (3, "sell", 10, 105)]


def test_a_target_on_the_other_side_is_reached_and_not_missed_by_what_waited():
    """Flat, 10 wanted below 95; then 5 short at market: at 90 no long order is there any more."""
    rows = [FLAT, FLAT, FLAT, (100, 101, 90, 95)]
    script = {0: buy(10, target=True, type=LIMIT, limit=95), 1: sell(5, target=True)}
    report = trade(by_hand(rows), script)
    assert fills(report) == [(2, "sell", 5, 100)]
    assert report.portfolio.held("X") == -5


def test_a_target_that_waits_is_not_asked_for_twice():
    """A tenth of the volume of 40 is 4: the first order works on, and keeps its place."""
    rows = [(*FLAT, 40)] * 6
    script = {0: buy(10, target=True), 1: buy(10, target=True), 2: buy(10, target=True)}
    report = trade(by_hand(rows), script, fill=FillRules(volume_share=Decimal("0.1")))
    assert fills(report) == [(1, "buy", 4, 100), (2, "buy", 4, 100), (3, "buy", 2, 100)]
    assert len(report.orders) == 1
    assert report.ended == ()


@pytest.mark.parametrize("again", [True, False])
def test_a_target_by_share_of_the_equity_waits_once_and_goes_when_it_is_no_longer_wanted(again):
    rows = [FLAT, (*FLAT[:3], 99), FLAT, FLAT]
    second = buy(None, target=True, type=LIMIT, limit=50) if again else sell(0, target=True)
    script = {0: buy(None, target=True, type=LIMIT, limit=50), 1: second}
    report = trade(by_hand(rows), script, sizing=Share(Decimal("0.5")))
    assert report.fills == ()
    assert [e.code for e in report.ended] == ([] if again else ["cancelled"])
    assert len(report.orders) == 1


def test_targets_leave_other_orders_alone():
    """A protecting stop, an order that is no target, and those of another symbol stay at work."""
    quiet = by_hand([FLAT] * 4, symbol="Y")
    rows = [FLAT, FLAT, FLAT, (100, 101, 80, 85)]
    script = {
        0: [buy(10, target=True, stop_loss=90), buy(3, type=LIMIT, limit=82), buy(7, symbol="Y", type=LIMIT, limit=50)],
        2: buy(10, target=True),
    }
    report = trade([by_hand(rows), quiet], script)
    assert [f[1:] for f in fills(report)] == [("buy", 10, 100), ("sell", 10, 90), ("buy", 3, 82)]
    assert report.ended == ()


@pytest.mark.parametrize(
    ("waits", "refused", "left"),
    [
        pytest.param(sell(0, target=True), sell(100_000, target=True), 0, id="an exit before a reversal"),
        pytest.param(sell(0, target=True), buy(100_000, target=True), 0, id="an exit before more of the same"),
        pytest.param(sell(5, target=True), sell(100_000, target=True), -5, id="a reversal before a larger one"),
        pytest.param(buy(20, target=True), buy(100_000, target=True), 20, id="an entry before a larger one"),
        pytest.param(buy(20, target=True), sell(100_000, target=True), 10, id="an entry before a reversal"),
    ],
)
def test_a_target_that_is_refused_takes_back_only_what_opens_the_other_way(waits, refused, left):
    """10 are held; what is ordered at the third bar waits through the fourth, which has no volume."""
    rows = [FLAT, FLAT, FLAT, (*FLAT, 0), FLAT, FLAT]
    report = trade(by_hand(rows), {0: buy(10, target=True), 2: waits, 3: refused}, cash=Decimal(10_000))
    assert [r.code for r in report.refusals] == ["buying_power"]
    assert report.portfolio.held("X") == left
    assert len(report.ended) == (left == 10)


def test_a_new_target_is_judged_as_if_the_one_that_it_replaces_were_gone():
    """At most 15 may be held: 12 of them wait, and 14 instead of them are no 26."""
    off = dict.fromkeys((*PRE_TRADE, *WATCHES), "off")
    rows = [FLAT, (*FLAT, 0), FLAT, FLAT]
    script = {0: buy(12, target=True), 1: buy(14, target=True)}
    report = trade(by_hand(rows), script, limits={**off, "max_position": 15})
    assert report.refusals == ()
    assert fills(report) == [(2, "buy", 14, 100)]
    assert ended(report) == [("buy", 12, "cancelled")]
