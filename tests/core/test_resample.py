"""Longer bars out of shorter ones, against pandas; at session borders, weekends and changes of clocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.bars import PRICES, Bars, Provenance
from gpt_trader.core.errors import NoBars, UsageError
from gpt_trader.core.market import SECOND, Timeframe, nanoseconds
from gpt_trader.core.resample import resampled

MINUTE = Timeframe(1, "m")
RULES = {"open": "first", "high": "max", "low": "min", "close": "last"}


def bars_at(times: Any, *, zone: str, timeframe: Timeframe = MINUTE) -> Bars:
    rng = np.random.default_rng(len(times))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.001, len(times))))
    opens = close * np.exp(rng.normal(0, 0.0005, len(times)))
    high, low = np.maximum(opens, close) * 1.001, np.minimum(opens, close) * 0.999
    return Bars(
        symbol="X", timeframe=timeframe, ts=times.as_unit("ns").asi8, open=opens, high=high, low=low, close=close,
        volume=rng.integers(1, 1_000, len(times)).astype(float),
        provenance=Provenance(origin="synthetic", source="test", zone=zone),
    )  # fmt: skip


def frame(bars: Bars) -> Any:
    index = pd.DatetimeIndex(bars.ts.astype("datetime64[ns]"), tz="UTC").tz_convert(bars.provenance.zone)
    return pd.DataFrame({name: getattr(bars, name) for name in (*PRICES, "volume")}, index=index)


def by_pandas(table: Any, rule: str, **more: Any) -> Any:
    grouped = table.resample(rule, label="left", closed="left", **more)
    return grouped.agg({**RULES, "volume": lambda v: v.sum(min_count=1)}).dropna(subset=["open"])


def same(ours: Bars, theirs: Any) -> None:
    assert ours.ts.tolist() == theirs.index.as_unit("ns").asi8.tolist()
    for name in PRICES:
        assert getattr(ours, name).tolist() == theirs[name].tolist()
    assert ours.volume == pytest.approx(theirs["volume"].to_numpy(), nan_ok=True)


def utc(text: str) -> int:
    return nanoseconds(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("length", "rule"), [("5m", "5min"), ("1h", "1h"), ("4h", "4h"), ("1d", "1D"), ("1w", "W-MON")]
)
def test_round_the_clock_it_is_what_pandas_makes_of_it(length: str, rule: str) -> None:
    bars = bars_at(pd.date_range("2024-02-26 00:03", "2024-03-12 17:41", freq="1min", tz="UTC"), zone="UTC")
    same(resampled(bars, Timeframe.parse(length)), by_pandas(frame(bars), rule))


@pytest.mark.parametrize(("length", "rule"), [("1h", "1h"), ("1d", "1D"), ("1w", "W-MON")])
@pytest.mark.parametrize("around", ["2024-03-10", "2024-11-03"])
def test_days_of_23_and_25_hours_are_whole_days_and_keep_every_hour(around: str, length: str, rule: str) -> None:
    day = pd.Timestamp(around, tz="America/New_York")
    times = pd.date_range(day - pd.Timedelta("3D"), day + pd.Timedelta("3D"), freq="1min")
    bars = bars_at(times, zone="America/New_York")
    same(resampled(bars, Timeframe.parse(length)), by_pandas(frame(bars), rule))


@pytest.mark.parametrize("around", ["2024-03-10", "2024-11-03"])
def test_several_hours_are_counted_from_each_midnight(around: str) -> None:
    """pandas counts from the first midnight alone; day by day it says the same."""
    day = pd.Timestamp(around, tz="America/New_York")
    times = pd.date_range(day - pd.Timedelta("1D"), day + pd.Timedelta("2D"), freq="1min", inclusive="left")
    bars = bars_at(times, zone="America/New_York")
    table = frame(bars)
    parts = [by_pandas(part, "4h") for _, part in table.groupby(table.index.date)]
    same(resampled(bars, Timeframe(4, "h")), pd.concat(parts))


def session_minutes(first: str, last: str) -> Any:
    days = pd.bdate_range(first, last)
    parts = [pd.date_range(f"{d:%Y-%m-%d} 08:00", f"{d:%Y-%m-%d} 17:59", freq="1min") for d in days]
    return pd.DatetimeIndex(np.concatenate(parts)).tz_localize("America/New_York")


def test_a_day_of_the_calendar_is_its_session_alone() -> None:
    """Minutes before the open, after the close, and after an early close are no part of the day's bar."""
    bars = bars_at(session_minutes("2012-07-02", "2012-07-06"), zone="America/New_York")
    made = resampled(bars, Timeframe(1, "d"), calendar="XNYS")
    table = frame(bars)
    closes = {"2012-07-02": "15:59", "2012-07-03": "12:59", "2012-07-05": "15:59", "2012-07-06": "15:59"}
    regular = [table.loc[day].between_time("09:30", close) for day, close in closes.items()]
    same(made, by_pandas(pd.concat(regular), "1D"))
    assert "outside left out" in made.provenance.note


def test_hours_of_the_calendar_begin_at_the_open_and_never_reach_over_the_close() -> None:
    bars = bars_at(session_minutes("2024-03-08", "2024-03-11"), zone="America/New_York")
    made = resampled(bars, Timeframe(1, "h"), calendar="XNYS")
    regular = frame(bars).between_time("09:30", "15:59")
    parts = [by_pandas(part, "1h", origin="start") for _, part in regular.groupby(regular.index.date)]
    same(made, pd.concat(parts))
    assert len(made) == 14
    assert made.ts[0] == utc("2024-03-08T14:30Z")
    assert made.ts[7] == utc("2024-03-11T13:30Z")


def test_a_session_that_begins_on_the_evening_before_is_one_day() -> None:
    """The futures of Chicago that trade on Monday begin on Sunday at six."""
    times = pd.date_range("2024-03-03 18:00", "2024-03-05 15:59", freq="1min", tz="America/New_York")
    made = resampled(bars_at(times, zone="America/New_York"), Timeframe(1, "d"), calendar="CMES")
    assert [str(np.datetime64(int(t), "ns"))[:10] for t in made.ts] == ["2024-03-04", "2024-03-05"]
    assert made.provenance.zone == "America/Chicago"


def test_minutes_to_hours_to_days_is_minutes_to_days() -> None:
    bars = bars_at(session_minutes("2012-07-02", "2012-07-13"), zone="America/New_York")
    straight = resampled(bars, Timeframe(1, "d"), calendar="XNYS")
    by_hours = resampled(resampled(bars, Timeframe(1, "h"), calendar="XNYS"), Timeframe(1, "d"), calendar="XNYS")
    assert straight.content_hash == by_hours.content_hash


def test_a_week_begins_on_monday_also_where_monday_is_a_holiday() -> None:
    days = pd.DatetimeIndex(["2024-01-12", "2024-01-16", "2024-01-17", "2024-01-22"]).tz_localize("America/New_York")
    made = resampled(bars_at(days, zone="America/New_York", timeframe=Timeframe(1, "d")), Timeframe(1, "w"))
    assert [str(np.datetime64(int(t), "ns"))[:10] for t in made.ts] == ["2024-01-08", "2024-01-15", "2024-01-22"]


def test_volume_is_unknown_only_where_all_of_it_is() -> None:
    bars = bars_at(pd.date_range("2024-01-02", periods=180, freq="1min", tz="UTC"), zone="UTC")
    volume = bars.volume.copy()
    volume[:60] = np.nan
    volume[70] = np.nan
    known = Bars(**{n: getattr(bars, n) for n in ("symbol", "timeframe", "ts", *PRICES, "provenance")}, volume=volume)
    same(resampled(known, Timeframe(1, "h")), by_pandas(frame(known), "1h"))


def test_no_bar_is_made_where_there_was_none() -> None:
    first = pd.date_range("2024-01-02 10:00", periods=60, freq="1min", tz="UTC")
    bars = bars_at(first.append(first + pd.Timedelta("5h")), zone="UTC")
    assert len(resampled(bars, Timeframe(1, "h"))) == 2


def test_shorter_bars_cannot_be_made_and_bars_never_straddle() -> None:
    hours = bars_at(
        pd.date_range("2024-01-02", periods=5, freq="1h", tz="UTC"), zone="UTC", timeframe=Timeframe(1, "h")
    )
    for wrong in (MINUTE, Timeframe(90, "m")):
        with pytest.raises(UsageError, match="bars of X are of 1h") as caught:
            resampled(hours, wrong)
        assert "multiple of 1h" in (caught.value.hint or "")
    assert resampled(hours, Timeframe(1, "h")) is hours


def test_bars_outside_every_session_are_an_error_with_a_cure() -> None:
    bars = bars_at(pd.date_range("2024-01-06", periods=300, freq="1min", tz="UTC"), zone="UTC")
    with pytest.raises(NoBars, match="no bar of X lies in a session of XNYS"):
        resampled(bars, Timeframe(1, "d"), calendar="XNYS")


def test_a_day_is_told_by_its_first_nanosecond_in_the_zone() -> None:
    bars = bars_at(
        pd.date_range("2024-03-10 12:00", periods=3, freq="1min", tz="America/New_York"), zone="America/New_York"
    )
    assert resampled(bars, Timeframe(1, "d")).ts.tolist() == [utc("2024-03-10T05:00Z")]
    assert resampled(bars, Timeframe(1, "d")).ts[0] % SECOND == 0
