"""The bundled sample, made-up bars, and their replay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gpt_trader.adapters.feeds.replay import Replay, rows_of
from gpt_trader.adapters.feeds.sample import SYMBOLS, SampleSource
from gpt_trader.adapters.feeds.synthetic import SyntheticSource
from gpt_trader.core.bars import Bars
from gpt_trader.core.errors import NoBars, NotFound, UsageError
from gpt_trader.core.market import Timeframe, time_of
from gpt_trader.trading.clocks import BarClock

MINUTE = Timeframe(1, "m")
WRITTEN_DOWN = [100.62928978463448, 104.42933772430902, 103.36853167531251]


def test_google_has_2148_days_and_nothing_is_wrong_with_them() -> None:
    loaded = SampleSource().load("GOOG")
    assert len(loaded.bars) == 2148
    assert loaded.quarantine.total == 0
    assert time_of(int(loaded.bars.ts[0])).isoformat() == "2004-08-19T04:00:00+00:00"
    assert time_of(int(loaded.bars.ts[-1])).isoformat() == "2013-03-01T05:00:00+00:00"
    assert loaded.bars.close[-1] == 806.19


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_sample_symbol_is_clean_and_says_where_it_comes_from(symbol: str) -> None:
    loaded = SampleSource().load(symbol)
    assert loaded.quarantine.counts == {}
    assert loaded.bars.provenance.origin == "sample"
    assert "bokeh_sampledata" in loaded.bars.provenance.source
    assert "raw" in loaded.bars.provenance.note


def test_apple_keeps_its_splits_because_prices_are_raw() -> None:
    close = SampleSource().load("AAPL").bars.close
    assert (close[1:] / close[:-1]).min() < 0.55


def test_a_range_of_the_sample_takes_its_last_day_with_it() -> None:
    assert len(SampleSource().load("GOOG", start="2004-08-19", end="2013-03-01").bars) == 2148
    assert len(SampleSource().load("IBM", start="2012-01-03", end="2012-01-05").bars) == 3


def test_the_sample_answers_an_unknown_symbol_and_an_empty_range() -> None:
    with pytest.raises(NotFound) as unknown:
        SampleSource().load("GOGO")
    assert "GOOG" in (unknown.value.hint or "")
    with pytest.raises(NoBars, match="weekend"):
        SampleSource().load("GOOG", start="2012-01-07", end="2012-01-08")
    with pytest.raises(NoBars) as late:
        SampleSource().load("GOOG", start="2020-01-01")
    assert late.value.hint == "there are bars from 2004-08-19 to 2013-03-01"
    with pytest.raises(NoBars, match="only one bar"):
        SampleSource().load("GOOG", start="2012-01-03", end="2012-01-03")


# --- synthetic


def test_a_seed_gives_the_same_bars_for_ever() -> None:
    """The first prices are written down, so that a change of the generator cannot pass unseen."""
    bars = SyntheticSource(seed=7).load("X").bars
    assert bars.content_hash == SyntheticSource(seed=7).load("X").bars.content_hash
    assert bars.close[:3] == pytest.approx(WRITTEN_DOWN, rel=1e-12)


@pytest.mark.parametrize("other", [SyntheticSource(seed=8), SyntheticSource(seed=7, timeframe=MINUTE)])
def test_another_seed_or_timeframe_gives_other_bars(other: SyntheticSource) -> None:
    ours = SyntheticSource(seed=7).load("X").bars
    assert not np.array_equal(other.load("X").bars.close, ours.close)
    assert not np.array_equal(SyntheticSource(seed=7).load("Y").bars.close, ours.close)


def test_made_up_bars_say_so() -> None:
    provenance = SyntheticSource(seed=7).load("X").bars.provenance
    assert (provenance.origin, provenance.source) == ("synthetic", "random walk, seed 7")


@pytest.mark.parametrize("timeframe", [Timeframe(1, "d"), MINUTE])
def test_made_up_bars_are_possible_bars(timeframe: Timeframe) -> None:
    bars = SyntheticSource(seed=1, bars=5_000, timeframe=timeframe, volatility=0.8).load("X").bars
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low > 0).all()
    assert len(bars) == 5_000
    assert (bars.open[1:] != bars.close[:-1]).all(), "an open equal to the close before cannot show a look-ahead"


def test_made_up_days_are_weekdays_and_move_as_asked() -> None:
    bars = SyntheticSource(seed=3, bars=20_000, volatility=0.3, drift=0.0).load("X").bars
    days = bars.ts.astype("datetime64[ns]").astype("datetime64[D]")
    assert np.is_busday(days).all()
    assert np.diff(np.log(bars.close)).std() * math.sqrt(252) == pytest.approx(0.3, rel=0.02)


def test_bars_are_made_up_to_the_end_of_time_and_not_beyond() -> None:
    """Nanoseconds in 64 bits end on 2262-04-11; a hundred thousand weekdays from 2020 on would reach 2403."""
    with pytest.raises(UsageError, match=r"100,000 bars of 1d end after 2262") as refused:
        SyntheticSource(seed=1, bars=100_000).load("A")
    most = int(str(refused.value.hint).split()[2].strip(";").replace(",", ""))
    made = SyntheticSource(seed=1, bars=most).load("A").bars
    assert len(made) == most
    assert time_of(int(made.ts[-1])).year == 2262
    assert len(SyntheticSource(seed=1, bars=100_000, timeframe=Timeframe(1, "m")).load("A").bars) == 100_000


def test_made_up_bars_obey_a_range() -> None:
    bars = SyntheticSource(seed=3).load("X", start="2024-01-01", end="2024-01-31").bars
    assert len(bars) == 23
    with pytest.raises(NoBars):
        SyntheticSource(seed=3).load("X", start="2024-01-06", end="2024-01-07")


@pytest.mark.parametrize(
    ("name", "value"),
    [("bars", 0), ("price", -1.0), ("volume", math.nan), ("volatility", -0.1), ("drift", math.inf)],
)
def test_impossible_wishes_are_refused(name: str, value: Any) -> None:
    with pytest.raises(UsageError):
        SyntheticSource(**{"seed": 1, name: value})


# --- replay


def minutes(symbol: str, count: int = 3, *, offset: int = 0) -> Bars:
    bars = SyntheticSource(seed=1, bars=max(count, 2), timeframe=MINUTE).load(symbol).bars[:count]
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return Bars(symbol=symbol, timeframe=MINUTE, ts=bars.ts + offset, provenance=bars.provenance, **columns)


def test_rows_carry_the_values_of_the_columns() -> None:
    bars = minutes("X", 12_000)
    rows = list(rows_of(bars))
    assert [row.ns for row in rows] == bars.ts.tolist()
    last = rows[-1]
    assert (last.open, last.high, last.low, last.price, last.volume) == tuple(
        float(getattr(bars, name)[-1]) for name in ("open", "high", "low", "close", "volume")
    )


def test_without_a_speed_nothing_is_waited_for() -> None:
    clock = BarClock()
    replay = Replay(bars=[minutes("X")], clock=clock)
    assert [bar.symbol for bar in replay.stream() if bar] == ["X"] * 3
    assert clock.monotonic() == 0.0


def test_several_symbols_come_in_time_order_and_equal_times_in_the_given_order() -> None:
    replay = Replay(bars=[minutes("B", 2), minutes("A", 2), minutes("C", 1, offset=1)], clock=BarClock())
    assert [bar.symbol for bar in replay.stream() if bar] == ["B", "A", "C", "B", "A"]


def test_a_long_bar_comes_after_the_short_ones_that_it_covers() -> None:
    hour = Bars(
        symbol="H",
        timeframe=Timeframe(1, "h"),
        ts=minutes("H", 1).ts,
        provenance=minutes("H").provenance,
        **{name: getattr(minutes("H", 1), name) for name in ("open", "high", "low", "close", "volume")},
    )
    seen = [bar.symbol for bar in Replay(bars=[hour, minutes("M", 61)], clock=BarClock()).stream() if bar]
    assert seen == ["M"] * 59 + ["H", "M", "M"]


def test_speed_divides_the_time_between_bars() -> None:
    clock = BarClock()
    seen = [(clock.monotonic(), bar is None) for bar in Replay(bars=[minutes("X")], clock=clock, speed=60.0).stream()]
    assert seen == [(0.0, False), (1.0, False), (2.0, False)]


def test_silence_is_reported_at_each_heartbeat() -> None:
    clock = BarClock()
    replay = Replay(bars=[minutes("X", 2)], clock=clock, speed=20.0, heartbeat=1.0)
    seen = [(clock.monotonic(), bar is None) for bar in replay.stream()]
    assert seen == [(0.0, False), (1.0, True), (2.0, True), (3.0, False)]


def test_a_slow_reader_does_not_make_the_replay_late() -> None:
    clock = BarClock()
    moments = []
    for bar in Replay(bars=[minutes("X")], clock=clock, speed=60.0).stream():
        moments.append((clock.monotonic(), bar))
        clock.sleep(0.9)
    assert [moment for moment, _ in moments] == pytest.approx([0.0, 1.0, 2.0])


def test_a_long_pause_can_be_cut_short() -> None:
    clock = BarClock()
    bars = minutes("X", 2)
    night = Bars(
        symbol="X",
        timeframe=MINUTE,
        ts=np.array([bars.ts[0], bars.ts[0] + 50_000_000_000_000]),
        provenance=bars.provenance,
        **{name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")},
    )
    list(Replay(bars=[night], clock=clock, speed=10.0, skip=60.0, heartbeat=100.0).stream())
    assert clock.monotonic() == pytest.approx(6.0)


@pytest.mark.parametrize("wrong", [{"speed": 0.0}, {"heartbeat": -1.0}, {"skip": math.nan}])
def test_impossible_speeds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Replay(bars=[], clock=BarClock(), **wrong)
