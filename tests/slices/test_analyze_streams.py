"""One bar at a time gives on every prefix what the batch gives of it, to the last bit."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.errors import BadData
from gpt_trader.core.frames import frame_of
from gpt_trader.core.market import MarketData
from gpt_trader.slices.analyze.candles import plain_candles
from gpt_trader.slices.analyze.correlations import clusters_of, matrix_of, present_of
from gpt_trader.slices.analyze.indicators import indicators_of, values_of
from gpt_trader.slices.analyze.params import PatternParams
from gpt_trader.slices.analyze.slice import Analyze
from gpt_trader.slices.analyze.streams import CorrelationStream, IndicatorStream, PatternStream
from gpt_trader.slices.analyze.talibcandles import talib_candles
from gpt_trader.trading.playback import play
from tests.slices.market import bars_from, picked, walk

talib = pytest.importorskip("talib")
abstract = pytest.importorskip("talib.abstract")

seeds = st.integers(0, 1_000_000)
NAMES = [name.lower() for name in sorted(set(talib.get_functions()) - {"MAVP"})]
NOTHING: Any = SimpleNamespace(check=lambda: None)  # a context that lets the step go on


def stepped(bars, *, grid: float):
    """The same bars on a coarse grid, so that prices tie and bars are flat."""
    rounded = {name: np.round(getattr(bars, name) / grid) * grid for name in ("open", "high", "low", "close")}
    return replace(bars, **rounded)


@given(seeds, st.sampled_from(NAMES), st.integers(2, 30), st.sampled_from([0.01, 1.0]))
@settings(max_examples=120)
def test_an_indicator_is_the_same_bar_by_bar(seed, name, length, grid):
    bars = stepped(walk(130, seed=seed, spread=0.02), grid=grid)
    takes_length = "timeperiod" in abstract.Function(name).parameters
    call = {"name": name, "params": {"timeperiod": length} if takes_length else {}}
    batch = values_of(bars, indicators_of([call]))
    stream = IndicatorStream([call])
    rows = [stream.push(data) for data in play([bars])]
    for column, values in batch.items():
        np.testing.assert_array_equal([row[column] for row in rows], values, err_msg=column)


def test_every_indicator_is_the_same_bar_by_bar_with_its_own_params():
    bars = walk(250, seed=3)
    batch, stream = values_of(bars, indicators_of(NAMES)), IndicatorStream(NAMES)
    rows = [stream.push(data) for data in play([bars])]
    for name, column in batch.items():
        np.testing.assert_array_equal([row[name] for row in rows], column, err_msg=name)


@given(
    seeds, st.integers(20, 90), st.integers(1, 4), st.sampled_from(["plain", "ta-lib"]), st.sampled_from([0.01, 2.0])
)
@settings(max_examples=25)
def test_patterns_are_the_same_on_every_prefix(seed, count, swing, candles, grid):
    bars = stepped(walk(count, seed=seed, spread=0.02), grid=grid)
    stream = PatternStream(swing=swing, memory=30, candle_set=candles)
    finder = plain_candles if candles == "plain" else talib_candles
    known: list[tuple[int, str, float]] = []
    found = finder(bars)
    batch_candles = list(zip(found.bar, found.name, found.direction, found.value, strict=True))
    for at, data in enumerate(play([bars])):
        turns, seen = stream.push(data)
        known += turns
        assert [(at, *candle) for candle in seen] == [c for c in batch_candles if c[0] == at]
        if at and at % 7 == 0:
            params = PatternParams(bars=frame_of([bars[: at + 1]]), swing=swing, memory=30, candle_set=candles)
            batch = Analyze().find_patterns(params, NOTHING)
            assert stream.picture() == batch.patterns["AAA"]
            rows = batch.swings[["kind", "price"]].to_numpy().tolist()
            assert rows == [[kind, price] for _, kind, price in sorted(known, key=lambda t: (t[0], t[1]))]


def test_the_picture_is_the_same_at_the_end_of_a_long_walk():
    bars = walk(400, seed=12)
    stream = PatternStream()
    for data in play([bars]):
        stream.push(data)
    batch = Analyze().find_patterns(PatternParams(bars=frame_of([bars])), NOTHING)
    assert stream.picture() == batch.patterns["AAA"]


@given(seeds, st.integers(3, 20), st.data())
@settings(max_examples=20)
def test_correlations_are_the_same_on_every_prefix_also_where_bars_are_missing(seed, window, data):
    count = 60
    whole = [walk(count, seed=seed + i, symbol=symbol) for i, symbol in enumerate("ABC")]
    gone = data.draw(st.sets(st.integers(0, count - 1), max_size=10))
    kept = np.array([i for i in range(count) if i not in gone])
    symbols = [whole[0], whole[1], picked(whole[2], kept)]
    stream = CorrelationStream(["A", "B", "C"], window=window)
    for bar in play(symbols):
        stream.push(bar)
        if bar.symbol == "B" and (bar.ns // 86_400_000_000_000) % 9 == 0:
            prefix = [b.between(None, bar.ns + 1) for b in symbols]
            prefix[2] = prefix[2].between(None, bar.ns)  # its bar of this moment comes after B's
            want = present_of(prefix, window)
            got = stream.present()
            assert set(got) == set(want)
            same_moment = {pair: v for pair, v in got.items() if "C" not in pair}
            for pair in same_moment:
                np.testing.assert_array_equal(got[pair], want[pair])
    want = present_of(symbols, window)
    for pair, value in stream.present().items():
        np.testing.assert_array_equal(value, want[pair], err_msg=str(pair))
    assert stream.matrix() == matrix_of(["A", "B", "C"], want)
    assert stream.clusters(threshold=0.3) == clusters_of(["A", "B", "C"], want, threshold=0.3)


def test_a_bar_without_a_price_is_refused_and_changes_nothing():
    bars = walk(60, seed=1)
    stream, other = IndicatorStream(["rsi"]), IndicatorStream(["rsi"])
    data = list(play([bars]))
    for bar in data[:40]:
        stream.push(bar)
        other.push(bar)
    with pytest.raises(BadData, match="has no usable price"):
        stream.push(MarketData("AAA", data[40].timestamp, math.nan))
    assert stream.push(data[40]) == other.push(data[40])


def test_what_is_not_known_yet_is_what_ta_lib_writes():
    stream = IndicatorStream(["rsi", "cdldoji"])
    row = stream.push(next(play([bars_from([1.0, 2.0])])))
    assert math.isnan(row["rsi"])
    assert row["cdldoji"] == 0.0
