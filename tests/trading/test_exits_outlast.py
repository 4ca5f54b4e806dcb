"""A strategy that fails, and a session that is halted, lose what would open something, and keep their ways out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gpt_trader.core.orders import AT_MARKET, BUY, SELL, Order, OrderType, TimeInForce
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.guards.running import Halt
from gpt_trader.trading.modes import build
from gpt_trader.trading.playback import play
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.waiting import leads_out
from tests.trading.bars import by_hand
from tests.trading.scripted import Scripted, buy, sell

D = Decimal
FLAT = (100, 101, 99, 100)
SILENT = (*FLAT, 0)
HALT = Halt("halt", "feed_silence", "nothing was heard", "critical")


def session(way: str, exits: list[Any], *after: Any) -> Any:
    """10 are held; after the second bar exits are sent, and at the third, without volume, it all ends."""
    return session_of(way, [FLAT, FLAT, SILENT, *after], exits)


def session_of(way: str, rows: list[Any], exits: list[Any]) -> Any:
    """The same, ending at the bar without volume, wherever it stands."""
    bars, last = by_hand(rows), rows.index(SILENT)

    class Fails(Scripted):
        def on_market_data(self, market_data):
            if way == "fails" and self.seen.get("X") == last:
                raise ValueError("enough")
            return super().on_market_data(market_data)

    spec = StrategySpec("s", lambda: Fails({0: [buy(10, target=True)], 1: exits}))
    desk = build([spec], [bars], BacktestConfig(cash=D(10_000))).desk
    for number, data in enumerate(play([bars])):
        desk.on_market_data(data)
        if way == "halts" and number == last:
            desk.guard.halts.append(HALT)
            desk.obey([HALT], data)
    return desk


def made(desk):
    return [(f.side, int(f.quantity), float(f.price)) for f in desk.tape.fills[1:]]


WAYS = pytest.mark.parametrize("way", ["fails", "halts"])
LIMIT, STOP, TRAILING = OrderType.LIMIT, OrderType.STOP, OrderType.TRAILING_STOP


@WAYS
@pytest.mark.parametrize(
    ("out", "left"),
    [(sell(0, target=True), 0), (buy(4, target=True), 4), (sell(10), 0), (sell(3), 7)],
    ids=["a target of nothing", "a smaller target", "a sale of all", "a sale of a part"],
)
def test_what_only_leads_out_goes_on(way, out, left):
    desk = session(way, [out], FLAT, FLAT)
    assert made(desk) == [("sell", 10 - left, 100)]
    assert desk.account.portfolio.held("X") == left


@WAYS
@pytest.mark.parametrize(
    "more",
    [buy(20, target=True), sell(5, target=True), buy(5), sell(11), buy(5, type=LIMIT, limit=99)],
    ids=["a larger target", "the other side", "more", "a sale of more than all", "a limit"],
)
def test_what_could_open_something_is_taken_back(way, more):
    desk = session(way, [more], FLAT, FLAT)
    assert made(desk) == []
    assert [e.code for e in desk.tape.ended] == ["cancelled"]


@WAYS
def test_two_ways_out_never_turn_the_position(way):
    """A stop at 90 and a limit at 110, each for all 10: the stop fills, and later 110 is reached."""
    desk = session(
        way,
        [sell(10, type=STOP, stop=90), sell(10, type=LIMIT, limit=110)],
        FLAT,
        (100, 101, 85, 95),
        (95, 115, 95, 112),
    )
    assert made(desk) == [("sell", 10, 90)]
    assert desk.account.portfolio.held("X") == 0
    assert [e.code for e in desk.tape.ended] == ["cancelled", "cancelled", "position_closed"]


@WAYS
@pytest.mark.parametrize(("terms", "level"), [({"trail": 5}, 105), ({"trail_percent": 0.05}, 104.5)])
def test_a_trailing_stop_keeps_the_height_that_it_has_reached(way, terms, level):
    """At 110 it stood 5 below; the end comes at 100, from where it would trail anew, at 95."""
    desk = session_of(
        way, [FLAT, FLAT, (100, 110, 99, 110), SILENT, (107, 107, 94, 96)], [sell(10, type=TRAILING, **terms)]
    )
    assert made(desk) == [("sell", 10, level)]


@WAYS
def test_a_stop_limit_that_was_triggered_goes_on_as_a_limit(way):
    """The bar before the end went through the stop, and not up to the limit; no bar after it goes to the stop."""
    bars = [FLAT, FLAT, (100, 102, 98, 100), SILENT, (100, 104, 100, 104)]
    desk = session_of(way, bars, [sell(10, type=OrderType.STOP_LIMIT, stop=99, limit=103)])
    assert made(desk) == [("sell", 10, 103)]


@WAYS
def test_an_order_for_a_day_lives_no_longer_than_its_day(way):
    desk = session(way, [sell(10, type=LIMIT, limit=110, tif=TimeInForce.DAY)], (100, 115, 100, 112))
    assert made(desk) == []
    assert [e.code for e in desk.tape.ended] == ["cancelled", "expired"]


@pytest.mark.parametrize(
    ("held", "side", "quantity", "aim", "expected"),
    [
        (10, SELL, 10, None, True),
        (10, SELL, 11, None, False),
        (10, BUY, 1, None, False),
        (0, SELL, 1, None, False),
        (-10, BUY, 10, None, True),
        (-10, BUY, 8, -2, True),
        (-10, BUY, 12, 2, False),
        (-10, SELL, 2, -12, False),
        (10, SELL, 10, 0, True),
    ],
)
def test_what_leads_out(held, side, quantity, aim, expected):
    order = Order("1", "s", "X", side, D(quantity), AT_MARKET, 100.0, 0, None if aim is None else D(aim))
    assert leads_out(order, D(held)) is expected
