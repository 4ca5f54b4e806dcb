"""Market data: times are explicit, a bar reads what is asked for, instruments round to their steps."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import (
    DAY,
    Bar,
    Block,
    Instrument,
    MarketData,
    Timeframe,
    Window,
    bars_of,
    moment_of,
    nanoseconds,
    time_of,
)

D = Decimal
NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)


FIRST, LAST = datetime(1971, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis wants them naive


@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)))
def test_a_time_survives_the_way_to_nanoseconds_and_back(moment):
    assert time_of(nanoseconds(moment)) == moment


def test_a_time_of_another_zone_is_the_same_moment_and_one_of_no_zone_is_refused():
    assert nanoseconds(NOON.astimezone(timezone(timedelta(hours=-5)))) == nanoseconds(NOON)
    with pytest.raises(ValidationError, match="no time zone"):
        nanoseconds(NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("15m", 900), ("4h", 14_400), ("1d", 86_400), ("2w", 1_209_600)]
)
def test_a_timeframe_reads_as_it_is_written(text, seconds):
    assert Timeframe.parse(text).ns == seconds * 10**9
    assert str(Timeframe.parse(text)) == text


@pytest.mark.parametrize("text", ["", "m", "0m", "-1d", "1x", "1.5h", "d1", "1 d"])
def test_what_is_no_timeframe_is_refused(text):
    with pytest.raises(ValidationError, match="is not a timeframe"):
        Timeframe.parse(text)


def test_market_data_is_a_dataclass_and_one_price_makes_a_bar_of_it():
    data = MarketData("X", NOON, 101.5, 20.0)
    assert dataclasses.is_dataclass(data)
    assert (data.open, data.high, data.low, data.close) == (101.5,) * 4
    assert data.ns == nanoseconds(NOON)
    assert math.isnan(MarketData("X", NOON, 1.0).volume)


def test_a_bar_out_of_columns_is_the_same_bar():
    block = Block([1.0, 2.0], [3.0, 4.0], [0.5, 0.6], [10.0, 20.0])
    (lazy,) = bars_of(block, symbols=["X"], times=[DAY], closes=[2.5], rows=[1])
    plain = Bar("X", DAY, 2.5, 20.0, 2.0, 4.0, 0.6)
    for name in ("symbol", "ns", "price", "close", "open", "high", "low", "volume", "timestamp", "stale"):
        assert getattr(lazy, name) == getattr(plain, name)
    assert lazy.timestamp == datetime(1970, 1, 2, tzinfo=UTC)
    assert repr(lazy) == repr(plain)
    assert lazy.tradable()
    assert plain.tradable()


@pytest.mark.parametrize(
    "wrong", [{"volume": 0.0}, {"low": math.nan}, {"high": 0.5}, {"stale": True}, {"price": math.nan}]
)
def test_nothing_was_traded_in_a_dead_bar(wrong):
    sound: dict[str, Any] = {
        "symbol": "X",
        "timestamp": NOON,
        "price": 1.0,
        "volume": 5.0,
        "open": 1.0,
        "high": 1.1,
        "low": 0.9,
    }
    assert MarketData(**sound).tradable()
    assert not MarketData(**{**sound, **wrong}).tradable()


@given(st.decimals(0, 10_000, places=8), st.sampled_from([D(1), D("0.001"), D("0.25"), D(100)]))
def test_lots_are_cut_and_never_rounded_up(quantity, lot):
    whole = Instrument("X", lot=lot).whole_lots(quantity)
    assert whole <= quantity < whole + lot
    assert whole % lot == 0


@given(st.decimals(0, 10_000, places=8), st.sampled_from([D("0.01"), D("0.5"), D("0.0005")]))
def test_prices_go_to_the_nearest_tick(price, tick):
    assert abs(Instrument("X", tick=tick).on_tick(price) - price) <= tick / 2


@pytest.mark.parametrize(
    "wrong", [{"tick": D(0)}, {"lot": D(-1)}, {"tick": D("NaN")}, {"lot": 1.0}, {"multiplier": D("Infinity")}]
)
def test_an_instrument_has_steps_above_zero(wrong):
    with pytest.raises(ValidationError):
        Instrument("X", **wrong)


@given(st.lists(st.floats(-1e6, 1e6), max_size=40), st.integers(1, 10))
def test_a_window_holds_the_last_numbers_oldest_first(numbers, length):
    window = Window(length)
    left = [window.push(number) for number in numbers]
    assert window.values() == numbers[-length:]
    assert window.full is (len(numbers) >= length)
    assert left[length:] == numbers[: max(0, len(numbers) - length)]


def test_a_written_moment_is_read_with_its_offset():
    assert moment_of("2026-05-06T14:00:00+02:00") == nanoseconds(NOON)


@pytest.mark.parametrize(
    ("text", "problem"), [("yesterday", "'yesterday' is no moment"), ("2026-05-06", "no time zone")]
)
def test_a_written_moment_that_is_none_or_has_no_zone_is_refused_with_its_form(text, problem):
    with pytest.raises(ValidationError, match=problem) as error:
        moment_of(text)
    assert error.value.hint == "write it with its offset: 2010-01-04T00:00:00+00:00"
