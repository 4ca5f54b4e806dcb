"""What limits let through only because it reduces a position can do nothing else, whatever fills before it."""

from __future__ import annotations

import pytest

from tests.trading.bars import by_hand
from tests.trading.scripted import buy, fills, sell, trade

FLAT = (100, 101, 99, 100)
UP = (110, 112, 109, 111)
LIMITED = {"max_position": 10, "volume_share": "off", "price_collar": "off"}
AT_110 = {"type": "limit", "limit": 110}


@pytest.mark.parametrize(
    "exits",
    [
        pytest.param([sell(10), sell(9), sell(8)], id="at market"),
        pytest.param([sell(10, **AT_110), sell(9, **AT_110), sell(8, **AT_110)], id="waiting"),
        pytest.param([sell(9, **AT_110), sell(10)], id="one that waits behind one at market"),
        pytest.param([sell(10), sell(9, type="stop", stop=120)], id="one that was to come later"),
    ],
)
def test_exits_that_each_reduce_turn_no_position_together(exits):
    report = trade(by_hand([FLAT, FLAT, FLAT, UP, UP, FLAT]), {0: buy(10), 1: exits}, limits=LIMITED)
    sold = [quantity for _, side, quantity, _ in fills(report) if side == "sell"]
    assert sum(sold) == 10
    assert not report.refusals


def test_an_exit_at_market_that_nothing_can_come_before_stays_as_it_was_sent():
    report = trade(by_hand([FLAT] * 4), {0: buy(10), 1: sell(10)}, limits=LIMITED)
    assert [order.terms.reduce_only for order in report.orders] == [False, False]


def test_without_limits_nobody_asks_what_exits_do_together():
    report = trade(by_hand([FLAT] * 4), {0: buy(10), 1: [sell(10), sell(9)]})
    assert [quantity for _, side, quantity, _ in fills(report) if side == "sell"] == [10, 9]


def test_a_turn_that_the_limits_allow_goes_through_as_before():
    report = trade(by_hand([FLAT] * 4), {0: buy(10), 1: sell(15)}, limits=LIMITED)
    assert [quantity for _, side, quantity, _ in fills(report) if side == "sell"] == [15]
