"""Many symbols: merged in time a part at a time, the same as all at once, in a memory that does not grow with them."""

from __future__ import annotations

import math
import pickle
import tempfile
import tracemalloc
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.bars import Bars, Provenance
from gpt_trader.core.market import DAY, SECOND, Timeframe
from gpt_trader.journal import barfile
from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading import merging
from gpt_trader.trading.account import Account
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.playback import Correlations, TypicalVolume, play
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import by_hand, drawn
from tests.trading.scripted import Scripted, buy

MADE = Provenance(origin="synthetic", source="a test")
HOUR = 3_600 * SECOND
COLUMNS = ("ts", "open", "high", "low", "close", "volume")
STEPS = {"1d": DAY, "1h": HOUR, "4h": 4 * HOUR}


def series(number, rows, *, start=0, timeframe="1d", holes=(), short=(), seed=0):
    """A symbol that begins somewhere, lacks some bars, has some that are shorter, and ends somewhere."""
    rng = np.random.default_rng([seed, number])
    kept = np.array([row for row in range(rows) if row not in holes], dtype=np.int64)
    sooner = np.cumsum(np.isin(np.arange(len(kept)), sorted(short))) * (STEPS[timeframe] // 4)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.03, len(kept))))
    opened = close * np.exp(rng.normal(0, 0.01, len(kept)))
    return Bars(
        symbol=f"S{number}",
        timeframe=Timeframe.parse(timeframe),
        ts=start * DAY + kept * STEPS[timeframe] - sooner,
        open=opened,
        high=np.maximum(opened, close) * 1.01,
        low=np.minimum(opened, close) * 0.99,
        close=close,
        volume=np.round(rng.uniform(100, 100_000, len(kept))),
        provenance=MADE,
    )


MARKETS = st.lists(
    st.tuples(
        st.integers(2, 60),
        st.integers(0, 40),
        st.sampled_from(["1d", "1h", "4h"]),
        st.sets(st.integers(1, 50)),
        st.sets(st.integers(1, 50)),
    ),
    min_size=2,
    max_size=6,
)


def market(drawn_series):
    return [
        series(number, rows, start=start, timeframe=timeframe, holes=holes, short=short)
        for number, (rows, start, timeframe, holes, short) in enumerate(drawn_series)
    ]


@pytest.fixture
def small_parts(monkeypatch):
    """So little is read at a time that a few bars take many rounds, and groups of rows end in the middle."""
    monkeypatch.setattr(merging, "ROUND", 8)
    monkeypatch.setattr(merging, "LEAST", 3)
    monkeypatch.setattr(merging, "AT_ONCE", 2)
    monkeypatch.setattr(barfile, "GROUP", 5)


def row_of(bar):
    return bar.symbol, bar.ns, bar.open, bar.high, bar.low, bar.price, bar.volume


def ends_of(bars):
    """When each bar is over, one by one."""
    whole = [int(begin) + bars.timeframe.ns for begin in bars.ts]
    return [min(end, int(begin)) for end, begin in zip(whole, bars.ts[1:], strict=False)] + whole[-1:]


def in_order(bars):
    """All bars by the moment in which each is known, sorted by Python."""
    rows = [
        (end, place, (b.symbol, *(getattr(b, name)[i] for name in COLUMNS)))
        for place, b in enumerate(bars)
        for i, end in enumerate(ends_of(b))
    ]
    return [row for _, _, row in sorted(rows, key=lambda r: r[:2])]


def on_disk(folder, bars):
    return ArtifactFolder(folder).put_bars(iter(bars), [b.symbol for b in bars])


@given(drawn_series=MARKETS)
@pytest.mark.usefixtures("small_parts")
def test_a_part_at_a_time_is_the_order_of_all_at_once(drawn_series):
    bars = market(drawn_series)
    assert [row_of(bar) for bar in play(bars)] == in_order(bars)


def told(report):
    return (
        report.fills, report.orders, report.ended, report.trades, report.times.tobytes(), report.equity.tobytes(),
        report.final_equity, report.metrics, report.provenance["data"], report.alerts,
    )  # fmt: skip


@given(drawn_series=MARKETS)
@pytest.mark.usefixtures("small_parts")
def test_trading_from_the_disk_is_trading_from_memory_fill_by_fill(drawn_series):
    bars = market(drawn_series)
    spec = StrategySpec("sma", SmaCross, {"fast": 2, "slow": 4})
    config = BacktestConfig(costs=Costs(fee=Fee(percent=Decimal("0.001"))), limits="standard", close_at_end="close")
    with tempfile.TemporaryDirectory() as folder:
        stored = run_backtest(spec, on_disk(Path(folder), bars), config)
        assert repr(told(stored)) == repr(told(run_backtest(spec, bars, config)))


def test_fills_are_the_same_where_there_are_some(monkeypatch, tmp_path):
    bars = [series(n, 400, start=30 * n, holes=set(range(n, 400, 17 + n))) for n in range(12)]
    spec = StrategySpec("sma", SmaCross, {"fast": 3, "slow": 9})
    whole = run_backtest(spec, bars)
    monkeypatch.setattr(merging, "ROUND", 100)
    monkeypatch.setattr(merging, "LEAST", 7)
    monkeypatch.setattr(barfile, "GROUP", 11)
    stored = run_backtest(spec, on_disk(tmp_path, bars))
    assert len(whole.fills) > 300
    assert (stored.fills, stored.equity.tobytes()) == (whole.fills, whole.equity.tobytes())


def peak_of(bars, monkeypatch):
    """The most that was held while all of it was played, in bytes."""
    monkeypatch.setattr(merging, "ROUND", 4_000)
    monkeypatch.setattr(merging, "LEAST", 100)
    count = sum(1 for _ in play(bars[:1]))  # what is imported and remembered once
    tracemalloc.start()
    try:
        count = sum(1 for _ in play(bars))
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_length_of_the_bars(monkeypatch, tmp_path):
    monkeypatch.setattr(barfile, "GROUP", 256)
    short, long = (on_disk(tmp_path / str(n), [series(i, n) for i in range(40)]) for n in (1_000, 4_000))
    count, little = peak_of(short, monkeypatch)
    assert count == 40_000
    count, much = peak_of(long, monkeypatch)
    assert count == 160_000
    held = 160_000 * 48
    assert much < 1.3 * little
    assert much < held / 3


def test_bars_are_written_one_symbol_after_the_other(tmp_path):
    alive, most = 0, 0

    class Counted(Bars):
        __slots__ = ("__weakref__",)

        def __del__(self):
            nonlocal alive
            alive -= 1

    def coming():
        nonlocal alive, most
        for number in range(30):
            b = series(number, 50)
            columns = {n: getattr(b, n) for n in COLUMNS}
            alive += 1
            most = max(most, alive)
            yield Counted(symbol=b.symbol, timeframe=b.timeframe, provenance=b.provenance, **columns)

    table = ArtifactFolder(tmp_path).put_bars(coming(), [f"S{n}" for n in range(30)])
    assert len(table) == 30
    assert most <= 2  # the next is made while the last is let go


def test_bars_on_the_disk_are_the_bars(tmp_path, monkeypatch):
    monkeypatch.setattr(barfile, "GROUP", 16)
    (bars,) = (series(3, 100, holes={4, 5}),)
    (stored,) = on_disk(tmp_path, [bars])
    for got, want in (
        (stored, bars),
        (stored[10:40], bars[10:40]),
        (stored[10:90][5:20], bars[15:30]),
        (stored[-1:], bars[-1:]),
        (stored[7:7], bars[7:7]),
        (stored.between(int(bars.ts[20]), int(bars.ts[50])), bars[20:50]),
        (pickle.loads(pickle.dumps(stored[3:9])), bars[3:9]),
    ):
        assert len(got) == len(want)
        for name in COLUMNS:
            right = getattr(want, name).tobytes()
            assert getattr(got, name).tobytes() == getattr(got.loaded(), name).tobytes() == right
        assert got.content_hash == want.content_hash
        assert got.ends.tolist() == want.ends.tolist() == (ends_of(want) if len(want) else [])
        assert (got.symbol, got.timeframe, got.provenance) == (want.symbol, want.timeframe, want.provenance)


def test_the_usual_volume_of_a_long_series_is_that_of_the_last_full_block(monkeypatch):
    from gpt_trader.trading import playback

    monkeypatch.setattr(playback, "BLOCKS", 3)
    bars = drawn(500)
    bars.ts.flags.writeable = True
    for row in (4, 16, 161, 400):  # the bar before opens less than a minute before
        bars.ts[row:] -= 20 * SECOND
    ends = np.array(ends_of(bars))
    usual = TypicalVolume(bars, block=4)
    moments = [int(t) for t in np.arange(bars.ts[0] - 2 * 60 * SECOND, bars.ts[-1] + 200 * SECOND, 30 * SECOND)]
    shuffled = sorted(moments, key=lambda ns: ns * 7919 % 10_007)
    for ns in [*moments, *shuffled]:
        ended = int((ends <= ns).sum()) // 4 * 4
        want = float(np.median(bars.volume[ended - 4 : ended])) if ended else math.nan
        assert repr(usual(ns)) == repr(want)


def test_correlations_look_as_far_back_as_they_must(monkeypatch):
    from gpt_trader.trading import playback

    monkeypatch.setattr(playback, "CHUNK", 64)
    one = series(1, 900, seed=5, short={64, 65, 300})
    two = series(2, 900, seed=6, holes={row for row in range(900) if row % 13})  # few bars in common
    rho = Correlations([one, two], length=20)
    for day in (100, 270, 290, 500, 899, 280, 700):
        known = [b[: int((np.array(ends_of(b)) <= day * DAY).sum())] for b in (one, two)]
        common, first, second = np.intersect1d(known[0].ts, known[1].ts, return_indices=True)
        a, b = np.diff(np.log(known[0].close[first[-21:]])), np.diff(np.log(known[1].close[second[-21:]]))
        want = np.corrcoef(a, b)[0, 1] if len(common) > 20 else math.nan
        assert rho("S1", "S2", day * DAY) == pytest.approx(want, nan_ok=True)


@pytest.mark.parametrize("invested", [0.5, 0.99, 1.4])
def test_the_quick_look_at_money_agrees_with_the_exact_one(monkeypatch, invested):
    bars = [series(n, 150, seed=9) for n in range(40)]
    size = Decimal(100_000) * Decimal(invested) / len(bars)
    from gpt_trader.trading.sizing import Value

    config = BacktestConfig(sizing=Value(size), costs=Costs(fee=Fee(percent=Decimal("0.002"))))
    spec = StrategySpec("sma", SmaCross, {"fast": 2, "slow": 5})
    quick = run_backtest(spec, bars, config)
    monkeypatch.setattr(Account, "surely_affords", lambda *_: False)
    exact = run_backtest(spec, bars, config)
    assert quick.fills == exact.fills
    assert [r.code for r in quick.refusals] == [r.code for r in exact.refusals]
    assert bool([e for e in quick.ended if e.code == "buying_power"] or quick.refusals) is (invested > 1)


def test_the_curve_is_the_ledger_at_the_last_prices_after_thousands_of_fills():
    bars = [series(n, 300, seed=3) for n in range(50)]
    report = run_backtest(StrategySpec("sma", SmaCross, {"fast": 2, "slow": 3}), bars)
    assert len(report.fills) > 3_000
    assert report.equity[-1] == pytest.approx(float(report.final_equity), rel=1e-12)


def test_a_bar_without_a_price_before_a_fill_does_not_spoil_the_curve():
    quiet, nothing = (100, 101, 99, 100), (math.nan,) * 4
    for others in ([], [by_hand([quiet] * 5, symbol="Y")]):
        bars = [by_hand([quiet, nothing, quiet, (110, 111, 109, 110), quiet]), *others]
        script = StrategySpec("s", lambda: Scripted({0: [buy(5)]}))
        report = run_backtest(script, bars, BacktestConfig(cash=Decimal(10_000)))
        assert report.equity.tolist() == [10_000, 10_000, 10_000, 10_050, 10_000]
