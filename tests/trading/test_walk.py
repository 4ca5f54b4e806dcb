"""Walking through parts of a stream does what the desk does bar by bar, whatever happens on the way."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from gpt_trader.core.market import DAY, SECOND
from gpt_trader.core.orders import TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading import modes
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.modes import build, drive
from gpt_trader.trading.playback import in_parts, play
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.walk import walk
from tests.trading.bars import by_hand, drawn
from tests.trading.scripted import Scripted, buy, sell

MINUTE = 60 * SECOND
SEEDS = 100
QUIET = (100, 101, 99, 100)
NOTHING = (math.nan, math.nan, math.nan, math.nan)


class Fails(TradingStrategyPlugin):
    """Buys, holds, and from then on raises, or answers what is no signal."""

    def __init__(self, answer):
        self.answer = answer
        self.count = 0

    def on_market_data(self, market_data):
        self.count += 1
        if self.count == 1:
            return [TradeSignal("X", "buy", 5)]
        if self.count >= 3:
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
    return parts, repr((desk.account.equity, desk.account.cash, lane.held, lane.value, lane.price, lane.ns))


@pytest.mark.parametrize("way", WAYS)
def test_a_walk_is_the_desk_bar_by_bar(way):
    make, bars, options = WAYS[way]
    config = BacktestConfig(cash=Decimal(10_000), **options)
    by_bar, at_once = (build([StrategySpec("s", make)], [bars], config).desk for _ in range(2))
    for data in play([bars]):
        by_bar.on_market_data(data)
    assert [walk(at_once, part) for part in in_parts([bars])] == [len(bars)]
    assert outcome(at_once) == outcome(by_bar)
    assert at_once.tape.fills
    assert bool(at_once.tape.alerts) is (way in {"raises", "no signal", "a loss ends it"})


TERMS: tuple[dict[str, Any], ...] = (
    *({},) * 4,
    {"type": "limit", "limit": 100.2},
    {"type": "stop", "stop": 100.8},
    {"stop_loss": 98.0},
    {"tif": "day"},
)
LIMITS = {
    "session_loss": 0.02,
    "daily_loss": 0.01,
    "trailing_drawdown": 0.015,
    "consecutive_losses": 2,
    "trades_per_session": 3,
    "gross_exposure": 0.5,
}


def any_bars(rng):
    """Prices that may be missing or no price at all, volumes that may be unknown or none, irregular times."""
    rows = []
    for _ in range(int(rng.integers(20, 60))):
        prices = rng.choice([95.0, 99.0, 100.0, 100.5, 101.0, 104.0], 4)
        row = (prices[0], prices.max(), prices.min(), prices[3])
        kind = rng.integers(0, 20)
        row = NOTHING if kind == 0 else (*row[:3], math.inf) if kind == 1 else row
        rows.append((*row, rng.choice([math.nan, 0.0, 40.0, 10_000.0], p=[0.2, 0.1, 0.3, 0.4])))
    steps = rng.choice([MINUTE, MINUTE // 2, DAY // 3], len(rows), p=[0.8, 0.1, 0.1])
    return by_hand(rows, timeframe="1m", ts=np.cumsum(steps))


def any_orders(rng):
    """Orders of any kind at some of the bars."""

    def one():
        quantity = (0, 1, 5, 60, 10_000, None)[rng.integers(0, 6)]
        make = (buy, sell)[rng.integers(0, 2)]
        return make(quantity, target=bool(rng.integers(0, 2)), **TERMS[rng.integers(0, len(TERMS))])

    return {int(at): [one() for _ in range(rng.integers(1, 3))] for at in rng.integers(0, 60, rng.integers(1, 16))}


def any_config(rng):
    """Tight limits, some or none, and a market that is more or less generous."""
    off = dict.fromkeys(("risk_per_position", "volume_share", "market_hours", "correlation_cluster"), "off")
    some = {name: value for name, value in LIMITS.items() if rng.integers(0, 2)}
    fill = FillRules(same_close=bool(rng.integers(0, 4) == 0), volume_share=(Decimal("0.1"), None)[rng.integers(0, 2)])
    return BacktestConfig(
        cash=Decimal(10_000),
        costs=Costs(Fee(Decimal("0.001"))),
        leverage=Decimal(int(rng.integers(1, 3))),
        fill=fill,
        limits={**off, **some} if rng.integers(0, 4) else "none",
    )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_comes_a_walk_is_the_desk_bar_by_bar(seed):
    rng = np.random.default_rng(seed)
    bars, script, config = any_bars(rng), any_orders(rng), any_config(rng)
    by_bar, in_part = (build([StrategySpec("s", lambda: Scripted(script))], [bars], config).desk for _ in range(2))
    for data in play([bars]):
        by_bar.on_market_data(data)
    for part in in_parts([bars], size=int(rng.integers(1, 70))):
        walk(in_part, part)
    assert outcome(in_part) == outcome(by_bar)


def test_a_pause_between_parts_is_heard():
    bars = by_hand([QUIET] * 6)
    desk = build([StrategySpec("s", lambda: Scripted({0: [buy()], 3: [buy()]}))], [bars], BacktestConfig()).desk
    for number, part in enumerate(in_parts([bars], size=2)):
        desk.paused = number >= 1
        assert walk(desk, part) == 2
    assert len(desk.tape.fills) == 1


def test_progress_is_told_after_the_parts_in_which_enough_was_done(monkeypatch):
    monkeypatch.setattr(modes, "TOLD_AFTER", 3)
    bars = [by_hand([QUIET] * 7), by_hand([QUIET] * 7, symbol="Y")]
    told: list[int] = []
    for group in (bars[:1], bars):
        bench = build([StrategySpec("s", lambda: Scripted({}))], group, BacktestConfig())
        drive(bench, in_parts(group, size=2), progress=told.append)
    assert told == [4, 7, 14]
