"""Sizes by hand, and the average true range against pandas."""

from __future__ import annotations

import pandas as pd
import pytest

from gpt_trader.core.errors import NoBars
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.position_sizing.params import SizeParams
from gpt_trader.slices.position_sizing.rules import average_true_range
from gpt_trader.slices.position_sizing.slice import PositionSizing
from tests.slices.market import bars_from, day, walk


@pytest.fixture
def size(ctx):
    def sizes(*bars, **more):
        return PositionSizing().calculate(SizeParams(bars=frame_of(bars), **more), ctx).sizes

    return sizes


def test_equal_shares_in_whole_lots(size):
    bars = bars_from([10, 20, 30]), bars_from([5, 7, 7], symbol="BBB")
    got = size(*bars, cash=1000.0, fraction=0.9, lots={"BBB": 10})
    assert got["AAA"] == {
        "share": 0.45, "lot": 1.0, "sizing": "fraction", "rule": "sleeve:0.45",
        "units": 15.0, "price": 30.0, "value": 450.0,
    }  # fmt: skip
    assert (got["BBB"]["units"], got["BBB"]["value"]) == (60.0, 420.0)  # 450 / 7 = 64.2, lots of ten


def test_a_share_of_a_coin_is_a_lot_too(size):
    assert size(bars_from([30_000, 40_000]), cash=1000.0, fraction=1.0, lots={"AAA": 0.001})["AAA"]["units"] == 0.025


@pytest.mark.parametrize("length", [2, 5, 14])
def test_the_average_true_range_is_wilders(length):
    bars = walk(120, seed=length)
    frame = pd.DataFrame({"h": bars.high, "l": bars.low, "c": bars.close})
    before = frame["c"].shift()
    ranges = pd.concat([frame["h"] - frame["l"], (frame["h"] - before).abs(), (frame["l"] - before).abs()], axis=1).max(
        axis=1
    )[1:]
    seeded = pd.concat([pd.Series([ranges[:length].mean()]), ranges[length:]])
    want = seeded.ewm(alpha=1 / length, adjust=False).mean().iloc[-1]
    assert average_true_range(bars, length) == pytest.approx(want, rel=1e-12)


def test_one_percent_is_lost_at_the_stop(size):
    bars = bars_from([100] * 20, highs=[101] * 20, lows=[99] * 20)  # a true range of 2, each day
    got = size(bars, cash=100_000.0, sizing="risk", atr_bars=14, stop_atrs=2.0)["AAA"]
    assert (got["atr"], got["stop"], got["units"], got["at_risk"], got["rule"]) == (
        2.0,
        96.0,
        250.0,
        1000.0,
        "risk:0.01",
    )
    assert not got["capped"]


def test_a_near_stop_never_asks_for_more_than_the_share(size):
    bars = bars_from([100] * 20, highs=[100.05] * 20, lows=[99.95] * 20)
    got = size(bars, cash=100_000.0, sizing="risk", fraction=0.5)["AAA"]
    assert got["units"] == 500.0  # half the account, where the risk alone would allow 5,000
    assert got["capped"]


def test_only_bars_before_the_decision_count(size):
    bars = bars_from([10, 20, 40, 80])
    got = size(bars, cash=1000.0, fraction=1.0, decided_at=day(2).isoformat())
    assert (got["AAA"]["price"], got["AAA"]["units"]) == (20.0, 50.0)


def test_a_symbol_that_was_not_listed_yet_has_a_rule_but_no_units(size):
    got = size(bars_from([10, 20]), decided_at=day(0).isoformat())["AAA"]
    assert (got["rule"], got["units"]) == ("sleeve:0.95", None)
    with pytest.raises(NoBars, match="no bars before"):
        size(bars_from([10, 20]), sizing="risk", decided_at=day(0).isoformat())


def test_a_price_that_never_moves_has_no_stop(size):
    with pytest.raises(NoBars, match="did not move"):
        size(bars_from([10] * 30), sizing="risk")
    with pytest.raises(NoBars, match="no average true range of 14"):
        size(bars_from([10, 11, 12]), sizing="risk")
