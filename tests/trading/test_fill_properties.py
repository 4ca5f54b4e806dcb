"""Orders of every kind, drawn at random over random bars and across splits: what no fill may ever be."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.market import DAY, Split
from gpt_trader.core.orders import BUY, OrderType, TimeInForce
from gpt_trader.trading.rules import FillRules
from tests.trading.bars import by_hand
from tests.trading.scripted import buy, sell, trade

D = Decimal
BARS = 12
CENT = 0.01
HAIR = 1e-9


class Market:
    """Random bars, some without volume and some with little, and a split somewhere or nowhere."""

    def __init__(self, seed: int) -> None:
        self.draw = draw = random.Random(seed)
        self.split = draw.choice([None, draw.randrange(2, BARS)])
        self.new, self.old = draw.choice([(2, 1), (1, 2), (3, 2)])
        self.rows, price = [], 100.0
        for number in range(BARS):
            opened = price + draw.choice([0, 0, draw.uniform(-3, 3)])
            price = opened + draw.uniform(-3, 3)
            high, low = (draw.choice([0, draw.uniform(0, 3)]) for _ in range(2))
            row = (opened, max(opened, price) + high, min(opened, price) - low, price)
            self.rows.append(
                (*(round(p * self.part(number), 2) for p in row), draw.choice([0, 30, 1000, math.nan, 1e6]))
            )

    def part(self, number: int) -> float:
        """What a price of the first bar has become by this one."""
        return self.old / self.new if self.split is not None and number >= self.split else 1.0

    def script(self) -> dict[int, list[Any]]:
        """What is asked for at each bar."""
        return {n: [self._signal(n) for _ in range(self.draw.choice([1, 1, 2, 3]))] for n in range(BARS) if n % 2}

    def _signal(self, number: int) -> Any:
        draw, close = self.draw, self.rows[number][3]
        side, kind = draw.choice([buy, sell]), draw.choice(list(OrderType))
        sign = 1 if side is buy else -1
        terms: dict[str, Any] = {"type": kind, "tif": draw.choice(list(TimeInForce))}
        if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}:
            terms["limit"] = round(close + draw.uniform(-4, 4), draw.choice([2, 3]))
        if kind in {OrderType.STOP, OrderType.STOP_LIMIT}:
            terms["stop"] = round(close + draw.uniform(-4, 4), 2)
        if kind is OrderType.TRAILING_STOP:
            terms |= draw.choice(
                [{"trail": round(draw.uniform(0.5, 4), 2)}, {"trail_percent": draw.uniform(0.005, 0.04)}]
            )
        if terms["tif"] is TimeInForce.GTD:
            terms["good_till"] = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=number + draw.randrange(1, 4))
        exits = {
            "stop_loss": round(close - sign * draw.uniform(1, 6), 2),
            "take_profit": round(close + sign * draw.uniform(1, 6), 2),
            "trailing_loss": round(draw.uniform(1, 5), 2),
        }
        terms |= {name: value for name, value in exits.items() if draw.random() < 0.3}
        return side(draw.randrange(1, 20), target=draw.random() < 0.2, **terms)


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_no_fill_is_better_than_its_bar_its_terms_or_its_volume_allow(seed):
    market = Market(seed)
    actions = [] if market.split is None else [Split("X", market.split * DAY, market.new, market.old)]
    rules = FillRules(events=market.draw.choice(["adverse", "favourable"]))
    report = trade(by_hand(market.rows), market.script(), actions=actions, fill=rules, cash=D(100_000))
    orders, taken, begun = {order.id: order for order in report.orders}, dict.fromkeys(range(BARS), 0.0), set[str]()
    for fill in report.fills:
        number, price = fill.ns // DAY, float(fill.price)
        _, high, low, _, volume = market.rows[number]
        assert volume != 0
        assert low - HAIR <= price <= high + HAIR
        assert fill.price % D("0.01") == 0
        taken[number] += float(fill.quantity)
        assert not taken[number] > 0.1 * volume + HAIR
        if fill.order_id in orders:
            order = orders[fill.order_id]
            decided = order.ns // DAY
            assert number >= decided
            _keeps_its_terms(fill, order, market.part(number) / market.part(decided - 1), first=order.id not in begun)
        begun.add(fill.order_id)
    assert _held(report) == _folded(report, market)


def _keeps_its_terms(fill: Any, order: Any, part: float, *, first: bool) -> None:
    """Never worse than the limit, and a stop's first fill never better than the stop; a split moves both by a cent."""
    sign, price, room = (1 if fill.side is BUY else -1), float(fill.price), HAIR + (CENT if part != 1.0 else 0.0)
    if order.terms.limit is not None:
        assert sign * (price - float(order.terms.limit) * part) <= room
    if order.terms.type is OrderType.STOP and first:
        assert sign * (price - float(order.terms.stop) * part) >= -room


def _held(report: Any) -> Decimal:
    position = report.portfolio.positions.get(("script", "X"))
    return D(0) if position is None else position.quantity


def _folded(report: Any, market: Market) -> Decimal:
    """The sum of the fills, those before the split in whole new shares."""
    sides = [(fill.ns // DAY, fill.quantity if fill.side is BUY else -fill.quantity) for fill in report.fills]
    split = BARS if market.split is None else market.split
    before = sum((quantity for number, quantity in sides if number < split), D(0))
    if market.split is not None:
        before = D(int(before * market.new / market.old))
    return before + sum((quantity for number, quantity in sides if number >= split), D(0))


def test_the_bars_of_the_property_have_fills_of_every_kind():
    """So that the property above says something."""
    kinds, exits = set(), set()
    for seed in range(150):
        market = Market(seed)
        report = trade(by_hand(market.rows), market.script(), cash=D(100_000))
        orders = {order.id: order.terms.type for order in report.orders}
        kinds |= {orders[fill.order_id] for fill in report.fills if fill.order_id in orders}
        exits |= {fill.order_id.rpartition(".")[2] for fill in report.fills if "." in fill.order_id}
    assert kinds == set(OrderType)
    assert exits >= {"stop", "target", "trail"}


@pytest.mark.parametrize(
    ("order", "row", "price"),
    [
        (buy(type="stop_limit", stop=105, limit=112), (100, 108, 99, 107), 105),
        (sell(type="stop_limit", stop=95, limit=88), (100, 101, 92, 93), 95),
        (buy(type="stop_limit", stop=105, limit=108), (100, 108, 99, 107), 105),
        (buy(type="stop_limit", stop=105, limit=107.99), (100, 108, 99, 107), 107.99),
        (buy(type="stop_limit", stop=105, limit=107), (100, 108, 99, 107), None),
    ],
    ids=["a buy", "a sale", "the limit is the high", "beyond and back", "beyond and not back"],
)
def test_a_stop_limit_whose_limit_the_bar_never_passed_fills_at_its_stop(order, row, price):
    report = trade(by_hand([(100, 101, 99, 100), row]), {0: order})
    assert [float(fill.price) for fill in report.fills] == ([] if price is None else [price])


def test_a_target_that_its_entry_left_behind_is_taken_where_the_entry_was():
    """The trail of the short entry is reached at 92, below its target of 94: no bar had 94 any more."""
    entry = sell(type="trailing_stop", trail=8, take_profit=94)
    report = trade(by_hand([(100, 101, 99, 100), (93, 93.5, 91, 91.5)]), {0: entry})
    assert [(str(f.side), float(f.price)) for f in report.fills] == [("sell", 92), ("buy", 92)]
