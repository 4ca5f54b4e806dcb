"""Orders and fills are values: they cannot change, and numbers in them are what a person would write."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.orders import (
    AT_MARKET,
    BUY,
    SELL,
    Fill,
    Order,
    OrderType,
    RoundTrip,
    Side,
    Terms,
    TimeInForce,
    TradeSignal,
    exact,
)

D = Decimal


@pytest.mark.parametrize("word", ["buy", "BUY", "Buy"])
def test_a_side_is_read_in_any_case(word):
    assert Side(word) is BUY
    assert BUY.opposite is SELL


def test_a_side_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="sideways"):
        Side("sideways")


def test_orders_and_fills_cannot_change():
    order = Order("1", "s", "X", BUY, D(1), AT_MARKET, 100.0, 2)
    fill = Fill("1", "1", "s", "X", BUY, D(1), D(100), D(0), 2)
    for value, name in ((order, "quantity"), (fill, "price")):
        with pytest.raises(AttributeError):
            setattr(value, name, D(5))
    with pytest.raises(dataclasses.FrozenInstanceError):
        AT_MARKET.limit = 5  # type: ignore[misc]


def test_a_signal_is_a_dataclass_with_the_fields_of_the_interface_first():
    names = [f.name for f in dataclasses.fields(TradeSignal)]
    assert names[:5] == ["symbol", "side", "quantity", "price", "timestamp"]
    assert TradeSignal("X", BUY).terms == Terms()


@given(st.decimals(D("0.00001"), 10**9, places=5))
def test_a_float_becomes_the_number_that_was_written(number):
    assert exact(float(number)) == number


def test_an_exact_number_stays_as_it_is():
    number = D("1.10")
    assert exact(number) is number
    assert exact(3) == 3


def test_a_round_trip_knows_its_prices_and_its_gain():
    trip = RoundTrip("s", "X", BUY, D(10), D(2000), 1, D(2200), 2, D(190), D(10), D(2))
    assert (trip.entry_price, trip.exit_price) == (D(100), D(110))
    assert trip.gain == pytest.approx(0.095)


def test_the_kind_and_the_life_of_an_order_may_be_written_as_words():
    terms = Terms(type="stop_limit", tif="day")  # type: ignore[arg-type]
    assert terms.type is OrderType.STOP_LIMIT
    assert terms.tif is TimeInForce.DAY


@pytest.mark.parametrize("wrong", [{"type": "limmit"}, {"tif": "week"}, {"type": None}])
def test_a_kind_or_a_life_that_there_is_not_is_an_error(wrong):
    with pytest.raises(ValueError, match="is not a valid"):
        Terms(**wrong)
