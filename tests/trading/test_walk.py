"""Walking through a stream at once does what the desk does bar by bar, whatever happens on the way."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from gpt_trader.core.orders import TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.modes import build, drive
from gpt_trader.trading.playback import play
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.walk import walk
from tests.trading.bars import by_hand, drawn
from tests.trading.scripted import Scripted, buy, sell

QUIET = (100, 101, 99, 100)
NOTHING = (math.nan, math.nan, math.nan, math.nan)


class Fails(TradingStrategyPlugin):
    """Buys, holds, and then raises, or answers what is no signal."""

    def __init__(self, answer):
        self.answer = answer
        self.count = 0

    def on_market_data(self, market_data):
        self.count += 1
        if self.count == 1:
            return [TradeSignal("X", "buy", 5)]
        if self.count == 3:
            if self.answer is None:
                raise RuntimeError("no more")
            return self.answer
        return None


WAYS: dict[str, Any] = {
    "crosses": (SmaCross, drawn(300), {}),
    "exits": (lambda: Scripted({0: [buy(50)], 2: [sell(70)], 5: [buy(20)]}), by_hand([QUIET] * 9), {}),
    "no price": (
        lambda: Scripted({0: [buy(5)], 4: [sell(5)]}),
        by_hand([QUIET, QUIET, NOTHING, QUIET, QUIET, QUIET]),
        {},
    ),
    "raises": (lambda: Fails(None), by_hand([QUIET] * 6), {}),
    "no signal": (lambda: Fails(7), by_hand([QUIET] * 6), {}),
    "an empty list": (lambda: Fails([]), by_hand([QUIET] * 6), {"fill": FillRules(same_close=True)}),
    "a loss ends it": (
        lambda: Scripted({0: [buy(90)]}),
        by_hand([(100 - i, 101 - i, 99 - i, 100 - i) for i in range(9)]),
        {
            "limits": {
                "trailing_drawdown": 0.03,
                "risk_per_position": "off",
                "volume_share": "off",
                "market_hours": "off",
            }
        },
    ),
}


def outcome(desk):
    told = [(a.code, a.message, a.ns) for a in desk.tape.alerts]
    lane = next(iter(desk.account.lanes.values()))
    parts = (desk.curve.tobytes(), desk.tape.fills, desk.tape.orders, desk.tape.ended, desk.tape.trips, told)
    return parts, (desk.account.equity, desk.account.cash, lane.held, lane.value, repr(lane.price), lane.ns)


@pytest.mark.parametrize("way", WAYS)
def test_a_walk_is_the_desk_bar_by_bar(way):
    make, bars, options = WAYS[way]
    config = BacktestConfig(cash=Decimal(10_000), **options)
    by_bar, at_once = (build([StrategySpec("s", make)], [bars], config).desk for _ in range(2))
    for data in play([bars]):
        by_bar.on_market_data(data)
    assert walk(at_once, play([bars])) == len(bars)
    assert outcome(at_once) == outcome(by_bar)
    assert at_once.tape.fills
    assert bool(at_once.tape.alerts) is (way in {"raises", "no signal", "a loss ends it"})


def test_a_pause_on_the_way_is_heard():
    bars = by_hand([QUIET] * 6)
    bench = build([StrategySpec("s", lambda: Scripted({0: [buy()], 3: [buy()]}))], [bars], BacktestConfig())

    def pausing():
        for number, data in enumerate(play([bars])):
            bench.desk.paused = number >= 2
            yield data

    assert walk(bench.desk, pausing()) == 6
    assert len(bench.desk.tape.fills) == 1


def test_progress_is_told_after_each_full_part_of_the_stream():
    bars = [by_hand([QUIET] * 7), by_hand([QUIET] * 7, symbol="Y")]
    for group, parts in (([bars[0]], [3, 6]), (bars, [3, 6, 9, 12])):
        told: list[int] = []
        bench = build([StrategySpec("s", lambda: Scripted({}))], group, BacktestConfig())
        drive(bench, play(group), every=3, progress=told.append)
        assert told == parts
