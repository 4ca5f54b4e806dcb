"""Indicators and candles against TA-Lib's own answers, pandas and charts drawn by hand."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.errors import BadData, ConfigError, NotFound, ValidationError
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.analyze.params import IndicatorParams, PatternParams
from gpt_trader.slices.analyze.slice import Analyze
from gpt_trader.slices.analyze.talibcandles import NAMES
from tests.slices.market import bars_from, day, walk

talib = pytest.importorskip("talib")
ALL = sorted(set(talib.get_functions()) - {"MAVP"})


@pytest.fixture
def work(ctx):
    return lambda *bars, indicators: Analyze().indicators(
        IndicatorParams(bars=frame_of(bars), indicators=indicators), ctx
    )


@pytest.fixture
def find(ctx):
    return lambda *bars: Analyze().find_patterns(PatternParams(bars=frame_of(bars), candle_set="ta-lib"), ctx)


def test_every_indicator_is_what_ta_lib_itself_makes_of_the_same_bars(work):
    bars = walk(150, seed=2)
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    got = work(bars, indicators=[name.lower() for name in ALL]).indicator_values
    for name in ALL:
        function = talib.abstract.Function(name)
        made = function(columns)
        outputs = made if isinstance(made, list) else [made]
        label = name.lower()
        labels = [label] if len(outputs) == 1 else [f"{label}_{o}" for o in function.output_names]
        for column, want in zip(labels, outputs, strict=True):
            np.testing.assert_array_equal(got[column].to_numpy(), want.astype(float), err_msg=column)


def test_a_moving_average_is_that_of_pandas_and_has_the_name_that_it_was_given(work):
    bars = walk(80, seed=4)
    got = work(bars, indicators=[{"name": "sma", "params": {"timeperiod": 20}}, {"name": "SMA", "as": "usual"}])
    frame = got.indicator_values
    want = pd.Series(bars.close).rolling(20).mean().to_numpy()
    np.testing.assert_allclose(frame["sma_20"].to_numpy(), want, rtol=1e-12)
    assert list(frame.columns) == ["symbol", "time", "sma_20", "usual"]
    assert got.indicator_last["AAA"]["sma_20"] == frame["sma_20"].iloc[-1]


def test_several_outputs_are_several_columns_and_too_few_bars_give_none(work, resumed):
    got = work(walk(12, seed=1), walk(60, seed=2, symbol="BBB"), indicators=["macd", "rsi"])
    assert list(got.indicator_last["AAA"]) == ["macd_macd", "macd_macdsignal", "macd_macdhist", "rsi"]
    assert set(got.indicator_last["AAA"].values()) == {None}
    assert all(np.isfinite(v) for v in got.indicator_last["BBB"].values())
    back = resumed(got)
    assert back["indicator_last"] == got.indicator_last
    assert back["indicator_values"].equals(got.indicator_values)


@pytest.mark.parametrize(
    ("wanted", "error", "said", "hint"),
    [
        (["smaa"], NotFound, "no indicator is called 'smaa'", "'sma'"),
        (["mavp"], NotFound, "no indicator is called 'mavp'", ""),
        ([{"name": "sma", "params": {"period": 3}}], ValidationError, "no param 'period'", "timeperiod"),
        ([{"name": "obv", "params": {"x": 3}}], ValidationError, "no param 'x'", "takes no params"),
        ([{"name": "sma", "params": {"timeperiod": 2.5}}], ValidationError, "must be a whole number", ""),
        ([{"name": "bbands", "params": {"nbdevup": "2"}}], ValidationError, "must be a number", ""),
        ([{"name": "sma", "params": {"timeperiod": -3}}], ValidationError, r"does not take sma\(timeperiod=-3\)", ""),
        ([{"nme": "sma"}], ValidationError, "is no indicator", "write a name"),
        (["sma", "sma"], ValidationError, "two indicators make the column 'sma'", "`as`"),
    ],
)
def test_a_wrong_indicator_is_an_error_that_names_the_cure(work, wanted, error, said, hint):
    with pytest.raises(error, match=said) as caught:
        work(walk(30, seed=1), indicators=wanted)
    assert hint in (caught.value.hint or "")


def test_an_indicator_of_volume_refuses_bars_without_one(work):
    quiet = bars_from([1.0, 2.0, 3.0], volume=float("nan"))
    assert work(quiet, indicators=["mom"]) is not None
    with pytest.raises(BadData, match="OBV reads volumes"):
        work(quiet, indicators=["obv"])


def test_without_ta_lib_an_indicator_is_an_error_with_the_line_that_installs_it(work, monkeypatch):
    monkeypatch.setitem(sys.modules, "talib", None)
    with pytest.raises(ConfigError, match="the indicator rsi needs talib") as caught:
        work(walk(30, seed=1), indicators=["rsi"])
    assert caught.value.hint == "pip install 'gpt-trader[ta]'"


def test_the_names_are_those_of_all_61_patterns():
    assert set(NAMES) == set(talib.get_function_groups()["Pattern Recognition"])
    assert len(set(NAMES.values())) == len(NAMES) == 61


def test_every_candle_is_where_ta_lib_itself_finds_it(find):
    bars = walk(400, seed=8)
    got = find(bars).candles
    times = pd.DatetimeIndex(bars.ts.astype("datetime64[ns]"), tz="UTC")
    for function, name in NAMES.items():
        codes = getattr(talib, function)(bars.open, bars.high, bars.low, bars.close)
        rows = got[got["name"] == name]
        assert rows["time"].tolist() == times[codes != 0].tolist()
        assert rows["value"].tolist() == codes[codes != 0].tolist()
    assert got["name"].nunique() > 20
    assert got["time"].is_monotonic_increasing


def test_an_engulfing_candle_drawn_by_hand_is_bullish_and_a_doji_is_undecided(find):
    days = [(10 - 0.1 * i, 10.1 - 0.1 * i, 9.8 - 0.1 * i, 9.9 - 0.1 * i) for i in range(15)]
    days += [(8.5, 8.6, 8.2, 8.3), (8.2, 9.0, 8.1, 8.9), (8.9, 9.4, 8.4, 8.9)]
    opens, highs, lows, closes = zip(*days, strict=True)
    found = find(bars_from(closes, opens=opens, highs=highs, lows=lows)).candles
    seen = {(name, direction) for name, direction, t in found[["name", "direction", "time"]].to_numpy() if t >= day(16)}
    assert ("engulfing", "bullish") in seen
    assert ("doji", "undecided") in seen


def test_the_set_is_named_with_its_version(find):
    assert find(walk(40, seed=1)).candles_by == f"61 patterns of TA-Lib {talib.__version__}"
