"""Patterns against loops written out, charts drawn by hand, and the rule that the future changes nothing."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import BadData, ConfigError
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.analyze.candles import masks_of
from gpt_trader.slices.analyze.params import PatternParams
from gpt_trader.slices.analyze.picture import trend_of
from gpt_trader.slices.analyze.slice import Analyze
from gpt_trader.slices.analyze.swings import extremes
from tests.slices.market import bars_from, day, walk


@pytest.fixture
def find(ctx):
    return lambda *bars, **more: Analyze().find_patterns(PatternParams(bars=frame_of(bars), **more), ctx)


def written_out(values: list[float], side: int) -> list[int]:
    return [
        i
        for i in range(side, len(values) - side)
        if all(values[j] < values[i] for j in range(i - side, i))
        and all(values[j] <= values[i] for j in range(i + 1, i + side + 1))
    ]


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 4))
def test_extremes_are_those_of_a_loop_written_out(values, side):
    import numpy as np

    assert extremes(np.array(values, dtype=float), side).tolist() == written_out(values, side)


def test_a_swing_point_is_known_only_when_the_bars_after_it_are_there(find):
    got = find(bars_from([5, 6, 9, 7, 6, 4, 5, 6]), swing=2)
    rows = got.swings[["kind", "price", "time", "known_at"]].to_numpy().tolist()
    assert rows == [["high", 9.0, day(2), day(4)], ["low", 4.0, day(5), day(7)]]


@pytest.mark.parametrize("candles", ["plain", "ta-lib"])
def test_no_bar_of_the_future_changes_what_was_known(find, candles):
    bars = walk(300, seed=4)
    whole, part = find(bars, candle_set=candles), find(bars[:200], candle_set=candles)
    known = whole.swings[whole.swings["known_at"] <= day(199)]
    assert len(known) > 10
    assert known.reset_index(drop=True).equals(part.swings)
    candles = whole.candles[whole.candles["time"] <= day(199)]
    assert len(candles) > 10
    assert candles.reset_index(drop=True).equals(part.candles)


@pytest.mark.parametrize(
    ("highs", "lows", "trend"),
    [([1, 3], [0, 2], "up"), ([3, 1], [2, 0], "down"), ([1, 3], [2, 0], "sideways"), ([1], [0, 1], "sideways")],
)
def test_the_trend_is_that_of_highs_and_lows(highs, lows, trend):
    import numpy as np

    assert trend_of(np.array(highs), np.array(lows)) == trend


def test_support_and_resistance_are_where_the_price_turned_twice(find):
    turns = [10, 11, 12, 11, 10, 9, 10, 11, 12.1, 11, 10, 9.05, 10, 10.5, 11]
    got = find(bars_from(turns), swing=2).patterns["AAA"]
    assert [(round(x["price"], 3), x["touches"]) for x in got["resistance"]] == [(12.05, 2)]
    assert [(round(x["price"], 3), x["touches"]) for x in got["support"]] == [(9.025, 2)]
    assert (got["close"], got["swing_highs"], got["swing_lows"]) == (11.0, 2, 2)


def test_old_levels_are_forgotten(find):
    turns = [10, 11, 12, 11, 10, 9, 10, 11, 12.1, 11, 10, 9.05, 10, 10.5, 11] + [11 + 0.1 * i for i in range(20)]
    assert find(bars_from(turns), swing=2, memory=10).patterns["AAA"]["support"] == []


CANDLES = [
    ("doji", [(10, 12, 8, 10.1)]),
    ("hammer", [(14, 14, 13, 13), (13, 13, 12, 12), (12, 12, 11, 11), (11, 11.55, 9, 11.5)]),
    ("shooting_star", [(10, 11, 10, 11), (11, 12, 11, 12), (12, 13, 12, 13), (13, 15.5, 12.9, 13.5)]),
    ("bullish_engulfing", [(11, 11.2, 9.8, 10), (9.9, 12, 9.8, 11.5)]),
    ("bearish_engulfing", [(10, 11.2, 9.8, 11), (11.1, 11.2, 9, 9.5)]),
    ("inside_bar", [(10, 12, 8, 11), (10.5, 11.5, 9, 10)]),
]


@pytest.mark.parametrize(("name", "rows"), CANDLES)
def test_each_candle_is_found_where_it_was_drawn(name, rows):
    opens, highs, lows, closes = zip(*rows, strict=True)
    masks = masks_of(bars_from(closes, opens=opens, highs=highs, lows=lows))
    assert masks[name].tolist() == [False] * (len(rows) - 1) + [True]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("hammer", [(10, 11, 10, 11), (11, 12, 11, 12), (12, 13, 12, 13), (13, 13.55, 11, 13.5)]),  # after a rise
        ("hammer", [(14, 14, 13, 13), (13, 13, 12, 12), (12, 12, 11, 11), (11, 12.5, 9, 11.5)]),  # an upper shadow
        ("bullish_engulfing", [(10, 11.2, 9.8, 11), (9.9, 12, 9.8, 11.5)]),  # the first one rose too
        ("bullish_engulfing", [(11, 11.2, 9.8, 10), (10, 12, 9.8, 11)]),  # equal, so not larger
        ("doji", [(10, 10, 10, 10)]),  # nothing was traded at another price
        ("inside_bar", [(10, 12, 8, 11), (10.5, 12, 9, 10)]),  # the high was reached again
    ],
)
def test_what_only_looks_like_a_candle_is_none(name, rows):
    opens, highs, lows, closes = zip(*rows, strict=True)
    assert not masks_of(bars_from(closes, opens=opens, highs=highs, lows=lows))[name].any()


def test_each_symbol_has_its_own_picture(find):
    got = find(walk(80, seed=1), walk(80, seed=2, symbol="BBB"))
    assert list(got.patterns) == ["AAA", "BBB"]
    assert set(got.swings["symbol"]) == {"AAA", "BBB"}
    last = got.patterns["BBB"]["candles"][-1]
    rows = got.candles[got.candles["symbol"] == "BBB"]
    assert (last["name"], last["time"]) == (rows["name"].iloc[-1], rows["time"].iloc[-1].isoformat())


def test_without_ta_lib_the_plain_candles_are_used_and_it_is_said(find, monkeypatch):
    bars = walk(120, seed=3)
    plain = find(bars, candle_set="plain")
    assert plain.candles_by == "6 plain patterns"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    without = find(bars)
    assert (without.candles_by, without.candles.equals(plain.candles)) == ("6 plain patterns", True)


def test_asked_for_by_name_a_missing_ta_lib_is_an_error_with_the_line_that_installs_it(find, monkeypatch):
    monkeypatch.setitem(sys.modules, "talib", None)
    with pytest.raises(ConfigError, match="needs talib, which is not installed") as caught:
        find(walk(50, seed=1), candle_set="ta-lib")
    assert caught.value.hint == "pip install 'gpt-trader[ta]'"


def test_a_bar_without_a_price_is_refused_with_its_time(find):
    with pytest.raises(BadData, match="2 of the 4 bars of AAA have no usable price, the first one at 2000-01-03"):
        find(bars_from([1.0, 2.0, float("nan"), 2.0]))


def test_what_was_found_survives_the_journal(find, resumed):
    found = find(walk(120, seed=3))
    back = resumed(found)
    assert back["patterns"] == found.patterns
    assert all(back[name].equals(getattr(found, name)) for name in ("swings", "candles"))


def test_two_bars_have_no_pattern_and_break_nothing(find):
    got = find(bars_from([1, 2]))
    assert got.patterns["AAA"]["trend"] == "sideways"
    assert len(got.swings) == 0
