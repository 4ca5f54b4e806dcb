"""Bars as tables: nothing is lost on the way there and back, through Parquet too, and what is not bars is refused."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.errors import BadData, NoBars, ValidationError
from gpt_trader.core.frames import bars_of, frame_of, ns_of, said_of
from gpt_trader.core.market import DAY
from tests.slices.market import FIRST, bars_from, walk


def through_parquet(frame: pd.DataFrame) -> pd.DataFrame:
    out = io.BytesIO()
    frame.to_parquet(out)
    return pd.read_parquet(io.BytesIO(out.getvalue()))


def test_bars_come_back_whole_with_their_origin_and_hash():
    sent = [walk(50, seed=1, symbol="ON"), walk(30, seed=2, symbol="BBB")]
    said = {b.symbol: said_of(b) for b in sent}
    for frame in (frame_of(sent), through_parquet(frame_of(sent))):
        got = bars_of(frame, said)
        assert [b.symbol for b in got] == ["ON", "BBB"]
        assert [b.content_hash for b in got] == [b.content_hash for b in sent]
        assert [b.provenance for b in got] == [b.provenance for b in sent]


def test_the_table_is_long_and_in_utc():
    frame = frame_of([bars_from([1.0, 2.0]), bars_from([3.0, 4.0, 5.0], symbol="BBB")])
    assert list(frame.columns) == ["symbol", "time", "open", "high", "low", "close", "volume"]
    assert frame["symbol"].tolist() == ["AAA", "AAA", "BBB", "BBB", "BBB"]
    assert frame["time"].iloc[1] == pd.Timestamp("2000-01-02", tz="UTC")
    assert frame["close"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_said_names_range_and_count():
    said = said_of(bars_from([1.0, 2.0, 3.0]))
    assert (said["bars"], said["timeframe"], said["from"], said["to"]) == (
        3, "1d", "2000-01-01T00:00:00+00:00", "2000-01-03T00:00:00+00:00",
    )  # fmt: skip


def test_values_that_were_changed_on_the_way_are_found_out():
    bars = walk(20, seed=3)
    frame = frame_of([bars])
    frame["close"] = frame["close"].where(frame.index != 7, 12.5)
    with pytest.raises(BadData, match="not those that their provenance speaks of"):
        bars_of(frame, {"AAA": said_of(bars)})


@pytest.mark.parametrize(
    ("step", "timeframe"), [("1D", "1d"), ("15min", "15m"), ("4h", "4h"), ("7D", "1w"), ("30s", "30s")]
)
def test_a_users_own_table_needs_no_provenance(step: str, timeframe: str):
    times = pd.date_range("2024-01-01", periods=5, freq=step, tz="America/New_York")
    columns = {name: np.arange(5.0) + 1 for name in ("open", "high", "low", "close", "volume")}
    (bars,) = bars_of(pd.DataFrame({"symbol": "X", "time": times, **columns}))
    assert str(bars.timeframe) == timeframe
    assert bars.ts[0] == pd.Timestamp("2024-01-01 05:00", tz="UTC").value
    assert "nothing is said" in bars.provenance.note


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_become_nanoseconds(unit: str):
    times = pd.Series(pd.DatetimeIndex(["2000-01-02"], tz="UTC").as_unit(unit))  # type: ignore[arg-type]
    assert ns_of(times).tolist() == [FIRST + DAY]


def test_what_is_no_table_of_bars_is_refused_in_words():
    frame = frame_of([walk(5, seed=1)])
    with pytest.raises(BadData, match="no column 'close'"):
        bars_of(frame.drop(columns="close"))
    with pytest.raises(BadData, match="no time zone"):
        bars_of(frame.assign(time=frame["time"].dt.tz_localize(None)))
    with pytest.raises(BadData, match="a table, not a list"):
        bars_of([1, 2])  # type: ignore[arg-type]
    with pytest.raises(NoBars, match="empty"):
        bars_of(frame.iloc[:0])
    with pytest.raises(NoBars, match="one bar"):
        bars_of(frame.iloc[:1])
    with pytest.raises(ValidationError, match="do not rise"):
        bars_of(frame.iloc[::-1])
    with pytest.raises(BadData, match="unknown origin"):
        bars_of(frame, {"AAA": {"origin": "dream", "source": "x"}})
