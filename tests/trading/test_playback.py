"""Recorded bars as a stream: in the order in which they are known, and with nothing known too early."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gpt_trader.core.market import DAY, SECOND
from gpt_trader.trading.playback import Correlations, TypicalVolume, instrument_of, play
from tests.trading.bars import by_hand, drawn

HOUR = 3600 * SECOND


def test_one_symbol_comes_as_it_is():
    bars = drawn(40_000)
    rows = [(b.ns, b.open, b.high, b.low, b.price, b.volume) for b in play([bars])]
    assert (
        pytest.approx(np.array([bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume]), abs=0)
        == np.array(rows).T
    )


def test_several_symbols_come_in_the_order_in_which_they_are_known():
    daily = by_hand([(1, 1, 1, 1)] * 2, symbol="D")
    hourly = by_hand([(2, 2, 2, 2)] * 48, symbol="H", step=HOUR, timeframe="1h")
    order = [(b.symbol, b.ns // HOUR) for b in play([daily, hourly])]
    assert order.index(("D", 0)) == order.index(("H", 23)) - 1
    known = [ns * HOUR + (DAY if symbol == "D" else HOUR) for symbol, ns in order]
    assert known == sorted(known)


def test_the_usual_volume_is_the_median_of_the_last_full_block():
    rows = [(1, 1, 1, 1, volume) for volume in (5, 1, 9, 3, 100, 200, math.nan, 7)]
    usual = TypicalVolume(by_hand(rows), block=2)
    assert [usual(day * DAY) for day in range(1, 9)] == pytest.approx(
        [math.nan, 3, 3, 6, 6, 150, 150, math.nan], nan_ok=True
    )


def test_correlation_is_measured_on_what_was_known():
    rng = np.random.default_rng(2)
    shared, own = rng.normal(0, 0.01, (2, 200))
    one = by_hand([(p, p, p, p) for p in np.exp(np.cumsum(shared))], symbol="A")
    two = by_hand([(p, p, p, p) for p in np.exp(np.cumsum(shared + own))], symbol="B")
    rho = Correlations([one, two], length=60)
    expected = np.corrcoef(np.diff(np.log(one.close[39:100])), np.diff(np.log(two.close[39:100])))[0, 1]
    assert rho("A", "B", 100 * DAY) == pytest.approx(expected)
    assert rho("A", "B", 100 * DAY - 1) != rho("A", "B", 100 * DAY)
    assert math.isnan(rho("A", "B", 31 * DAY))


@pytest.mark.parametrize(("price", "tick"), [(100, "0.01"), (100.125, "0.001"), (0.12345678, "1E-8")])
def test_the_tick_is_read_from_the_prices(price, tick):
    assert str(instrument_of(by_hand([(price,) * 4] * 3)).tick) == tick


def test_the_typical_volume_is_the_same_whichever_moment_was_asked_for_before():
    bars = drawn(200)
    moments = [int(ns) for ns in bars.ts] + [int(bars.ts[0]) - 1, int(bars.ts[-1]) + 1]
    fresh = {ns: TypicalVolume(bars)(ns) for ns in moments}
    used = TypicalVolume(bars)
    for ns in [*moments, *reversed(moments), *sorted(moments, key=lambda ns: ns * 7919 % 10_007)]:
        assert repr(used(ns)) == repr(fresh[ns])
