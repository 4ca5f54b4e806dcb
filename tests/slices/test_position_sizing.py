"""Sizes by hand, risk parity against an optimiser, and limits that no rule passes whatever the prices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.errors import NoBars, ValidationError
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.backtest.params import BacktestParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.slices.position_sizing.params import SizeParams
from gpt_trader.slices.position_sizing.parity import equal_risk
from gpt_trader.slices.position_sizing.ranges import average_true_range
from gpt_trader.slices.position_sizing.rules import sizes_of
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
        "share": 0.45, "lot": 1.0, "sizing": "fraction", "rule": "sleeve:0.45", "limited_by": [],
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
        "risk:0.01,sleeve:0.95",
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


def swinging(down: float, up: float, *, count: int = 61, symbol: str = "AAA"):
    """A price that returns `up` and `down` by turns, so that mean and variance are plain."""
    steps = [up if i % 2 else down for i in range(count - 1)]
    return bars_from((100 * np.cumprod([1.0, *(1 + s for s in steps)])).tolist(), symbol=symbol)


def test_the_target_of_volatility_is_met_if_all_moved_as_one(size):
    """60 returns of +1 % and -1 %: a sample deviation of 0.01 * sqrt(60/59), and 365.25 of them in a year."""
    bars = swinging(-0.01, 0.01), swinging(-0.02, 0.02, symbol="BBB")
    got = size(*bars, sizing="volatility", volatility_bars=60, target_volatility=0.1, lots={"AAA": 1e-6, "BBB": 1e-6})
    yearly = 0.01 * math.sqrt(60 / 59) * math.sqrt(365.25)
    assert got["AAA"]["volatility"] == pytest.approx(yearly, rel=1e-9)
    assert got["AAA"]["share"] == pytest.approx(0.05 / yearly, rel=1e-9)
    assert got["BBB"]["share"] == pytest.approx(0.025 / yearly, rel=1e-9)
    assert sum(s["share"] * s["volatility"] for s in got.values()) == pytest.approx(0.1, rel=1e-9)


def test_a_quiet_market_asks_for_more_than_there_is_and_gets_the_fraction(size):
    got = size(swinging(-0.001, 0.001), sizing="volatility", volatility_bars=60, target_volatility=0.5)["AAA"]
    assert (got["share"], got["limited_by"]) == (0.95, ["gross"])


def test_kelly_is_mean_over_variance_halved_and_capped_by_confidence(size):
    """Returns of +3 % and -2 % by turns: a mean of 0.005, a sample variance of 0.025**2 * 60/59."""
    bars = swinging(-0.02, 0.03)
    full = 0.005 / (0.025**2 * 60 / 59)
    sure = size(bars, sizing="kelly", kelly_bars=60, confidence={"AAA": 0.6})["AAA"]
    assert sure["kelly"] == pytest.approx(full, rel=1e-9)
    assert sure["share"] == pytest.approx(0.25 * 0.6)  # half of 7.9 is far above the cap
    small = size(bars, sizing="kelly", kelly_bars=60, kelly_fraction=0.02, confidence={"AAA": 1.0})["AAA"]
    assert small["share"] == pytest.approx(0.02 * full, rel=1e-9)


def test_kelly_of_odds_is_the_textbooks(size):
    """A bet won in 60 % of the cases at even money: 0.6 - 0.4 / 1 = 0.2, of which a quarter is taken."""
    odds = {"AAA": {"win_rate": 0.6, "payoff": 1.0}}
    got = size(swinging(-0.02, 0.03), sizing="kelly", kelly_fraction=0.25, odds=odds, confidence={"AAA": 1.0})["AAA"]
    assert (got["kelly"], got["share"]) == (pytest.approx(0.2), pytest.approx(0.05))
    losing = {"AAA": {"win_rate": 0.4, "payoff": 1.0}}
    assert size(swinging(-0.02, 0.03), sizing="kelly", odds=losing, confidence={"AAA": 1.0})["AAA"]["units"] == 0.0


def test_kelly_takes_the_confidence_of_the_selection_and_asks_for_one_where_there_is_none(size):
    chosen = {"AAA": {"strategy": "sma_cross", "confidence": 0.4}}
    got = size(swinging(-0.02, 0.03), sizing="kelly", kelly_bars=60, selection=chosen)["AAA"]
    assert (got["confidence"], got["share"]) == (0.4, pytest.approx(0.1))
    own = size(swinging(-0.02, 0.03), sizing="kelly", kelly_bars=60, selection=chosen, confidence={"AAA": 0.8})
    assert own["AAA"]["share"] == pytest.approx(0.2)
    with pytest.raises(ValidationError, match="nothing says how sure one is of AAA") as caught:
        size(swinging(-0.02, 0.03), sizing="kelly", kelly_bars=60)
    assert "confidence: {AAA: 0.6}" in str(caught.value.hint)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_confidence_that_is_none_is_refused(size, wrong):
    with pytest.raises(ValidationError, match="the confidence in AAA is"):
        size(swinging(-0.02, 0.03), sizing="kelly", kelly_bars=60, confidence={"AAA": wrong})


@pytest.mark.parametrize(
    "odds", [{"win_rate": 1.2, "payoff": 1.0}, {"win_rate": 0.5}, {"win_rate": 0.5, "payoff": 0.0}]
)
def test_odds_that_are_none_are_refused(size, odds):
    with pytest.raises(ValidationError, match="are no odds of AAA"):
        size(swinging(-0.02, 0.03), sizing="kelly", odds={"AAA": odds}, confidence={"AAA": 1.0})


def test_with_two_symbols_risk_parity_is_by_the_inverse_of_their_volatility(size):
    bars = walk(100, seed=1, spread=0.01), walk(100, seed=2, spread=0.03, symbol="BBB")
    got = size(*bars, sizing="parity", fraction=0.9)
    spreads = [np.diff(b.close)[-63:] / b.close[-64:-1] for b in bars]
    inverse = [1 / s.std(ddof=1) for s in spreads]
    assert got["AAA"]["share"] == pytest.approx(0.9 * inverse[0] / sum(inverse), rel=1e-7)
    assert got["AAA"]["share"] + got["BBB"]["share"] == pytest.approx(0.9)
    assert [s["part_of_risk"] for s in got.values()] == pytest.approx([0.5, 0.5], rel=1e-7)


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=15)
def test_risk_parity_is_what_an_optimiser_finds(seed, count):
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(seed)
    mixed = rng.normal(0, 1, (count, count)) * 0.5 + np.eye(count)
    covariance = mixed @ mixed.T * np.outer(*[rng.uniform(0.5, 3, count)] * 2)
    weights = equal_risk(covariance)
    found = optimize.minimize(
        lambda x: x @ covariance @ x / 2 - np.log(x).sum() / count,
        np.ones(count) / np.sqrt(np.diag(covariance)),
        jac=lambda x: covariance @ x - 1 / x / count,
        bounds=[(1e-9, None)] * count,
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5_000},
    ).x
    np.testing.assert_allclose(weights, found / found.sum(), rtol=2e-3, atol=1e-6)
    part = weights * (covariance @ weights)
    np.testing.assert_allclose(part / part.sum(), 1 / count, rtol=1e-6)


def test_positions_that_hedge_each_other_wholly_get_finite_weights():
    weights = equal_risk(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    np.testing.assert_allclose(weights, [0.5, 0.5], rtol=1e-2)


def test_a_limit_of_money_and_one_of_exposure_make_positions_smaller_and_are_named(size):
    bars = bars_from([10, 20, 30]), bars_from([5, 7, 7], symbol="BBB")
    got = size(*bars, cash=1000.0, fraction=0.9, max_notional=100.0)
    assert got["AAA"] | {"rule": ""} == {
        "share": 0.1, "lot": 1.0, "sizing": "fraction", "rule": "", "limited_by": ["max_notional"],
        "units": 3.0, "price": 30.0, "value": 90.0,
    }  # fmt: skip
    halved = size(*bars, cash=1000.0, fraction=0.9, max_gross=0.45)
    assert [s["share"] for s in halved.values()] == pytest.approx([0.225, 0.225])
    assert halved["BBB"]["limited_by"] == ["gross"]


def test_the_limits_hold_at_every_entry_also_where_the_market_is_calmer_by_then(size, strategies, ctx):
    wild = [100.0 * (1.05 if i % 2 else 1.0) for i in range(40)]
    calm = [100.0 + (i // 10 % 2) * 0.4 for i in range(60)]  # after the decision it hardly moves
    bars = [bars_from(wild + calm, symbol=name) for name in ("AAA", "BBB")]
    asked: dict[str, Any] = {"cash": 100_000.0, "decided_at": day(40).isoformat()}
    traded: dict[str, Any] = {
        "strategy": "sma_cross",
        "params": {"fast": 2, "slow": 4},
        "fee": 0.0,
        "slippage": 0.0,
        "baseline": "",
    }
    cases: list[tuple[dict[str, Any], float]] = [
        ({}, 47_500.0),
        ({"max_gross": 0.4}, 20_000.0),
        ({"max_notional": 9_000.0}, 9_000.0),
    ]
    for limits, most in cases:
        sizes = size(*bars, sizing="risk", atr_bars=14, stop_atrs=0.5, **asked, **limits)
        params = BacktestParams(bars=frame_of(bars), sizes=sizes, **asked, **traded)
        trades = Backtest(strategies).execute(params, ctx).trades
        worth = trades["quantity"] * trades["entry_price"]
        assert len(worth) > 3
        assert 0.9 * most < worth.max() <= most * 1.02  # the order is sized by the close before


WAYS = ["fraction", "risk", "volatility", "kelly", "parity"]


@given(
    st.sampled_from(WAYS), st.integers(0, 10_000), st.integers(1, 4), st.floats(0.001, 0.2),
    st.floats(0.05, 1), st.floats(0.05, 1), st.floats(100, 1e6), st.floats(0, 1), st.sampled_from([1.0, 0.001, 7.0]),
)  # fmt: skip
@settings(max_examples=80)
def test_no_rule_ever_passes_a_limit(  # noqa: PLR0917
    way, seed, count, spread, fraction, gross, notional, confidence, lot
):
    bars = [walk(80, seed=seed + i, spread=spread, symbol=f"S{i}") for i in range(count)]
    names = [b.symbol for b in bars]
    params = SizeParams(
        bars=None, sizing=way, fraction=fraction, max_gross=gross, max_notional=notional, kelly_bars=60,
        confidence=dict.fromkeys(names, confidence), lots=dict.fromkeys(names, lot),
    )  # fmt: skip
    sizes = sizes_of(bars, params)
    near = 1 + 1e-9
    assert all(0 <= s["value"] <= min(notional, 100_000 * s["share"]) * near for s in sizes.values())
    assert sum(s["value"] for s in sizes.values()) <= 100_000 * min(fraction, gross) * near
    assert all(abs(s["units"] / lot - round(s["units"] / lot)) < 1e-6 for s in sizes.values())
    if way == "kelly":
        assert all(s["share"] <= 0.25 * confidence * near for s in sizes.values())
    if way == "risk":
        assert all(s["at_risk"] <= 1_000 * near for s in sizes.values())


@given(st.integers(0, 10_000), st.floats(0.001, 0.2), st.floats(-0.01, 0.03))
def test_without_confidence_kelly_takes_nothing(seed, spread, drift):
    bars = walk(80, seed=seed, spread=spread, drift=drift)
    params = SizeParams(bars=None, sizing="kelly", kelly_bars=60, confidence={"AAA": 0.0})
    got = sizes_of([bars], params)["AAA"]
    assert (got["share"], got["units"], got["value"]) == (0.0, 0.0, 0.0)


@given(st.sampled_from(WAYS), st.integers(0, 10_000), st.floats(0.2, 5))
def test_nothing_from_the_decision_on_changes_a_size(way, seed, factor):
    bars = walk(120, seed=seed), walk(120, seed=seed + 1, symbol="BBB")
    after = [bars_from([*b.close[:90], *(b.close[90:] * factor)], symbol=b.symbol) for b in bars]
    same = [bars_from(b.close.tolist(), symbol=b.symbol) for b in bars]
    sure = {"AAA": 0.5, "BBB": 0.5}
    params = SizeParams(bars=None, sizing=way, kelly_bars=60, confidence=sure, decided_at=day(90).isoformat())
    assert sizes_of(after, params) == sizes_of(same, params)


@pytest.mark.parametrize("way", ["volatility", "kelly", "parity"])
def test_too_short_or_still_a_past_is_an_error_with_a_cure(size, way):
    sure = {"sizing": way, "confidence": {"AAA": 1.0, "BBB": 1.0}}
    with pytest.raises(NoBars, match="are needed") as caught:
        size(walk(20, seed=1), **sure)
    assert "size by fraction" in str(caught.value.hint)
    with pytest.raises(NoBars, match="AAA did not move"):
        size(bars_from([10.0] * 300), **sure)
    late = bars_from([1.0] * 400, symbol="BBB")[350:]
    with pytest.raises(NoBars, match="BBB has no bars before"):
        size(walk(340, seed=1), late, decided_at=day(345).isoformat(), **sure)


def test_the_desk_trades_what_every_rule_says_and_nothing_where_it_says_nothing(size, ctx, strategies):
    bars = walk(300, seed=3, drift=0.001), walk(300, seed=4, drift=0.001, symbol="BBB")
    for way in WAYS:
        sizes = size(*bars, sizing=way, confidence={"AAA": 1.0, "BBB": 0.0})
        params = BacktestParams(bars=frame_of(bars), strategy="buy_and_hold", sizes=sizes, fee=0.0, slippage=0.0)
        held = {p["symbol"] for p in Backtest(strategies).execute(params, ctx).positions}
        if way != "risk":  # its stops may have closed them
            assert held == {symbol for symbol, row in sizes.items() if row["share"] > 0}


def test_sizes_survive_the_journal(ctx, resumed):
    params = SizeParams(bars=frame_of([walk(100, seed=1)]), sizing="parity")
    made = PositionSizing().calculate(params, ctx)
    assert resumed(made)["sizes"] == made.sizes
