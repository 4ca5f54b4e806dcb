"""Regimes by rules against statistics worked out apart, and markets of one kind."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist, mean, stdev

import numpy as np
import pytest
from pydantic import ValidationError

from gpt_trader.core.frames import frame_of
from gpt_trader.slices.market_regime.params import RegimeParams
from gpt_trader.slices.market_regime.slice import MarketRegime
from gpt_trader.slices.market_regime.states import states_of
from tests.slices.market import bars_from, walk


def params_for(bars, **more) -> RegimeParams:
    return RegimeParams(bars=frame_of([bars]), **more)


def states(bars, **more):
    return states_of(bars, params_for(bars, **more))


def test_a_crash_planted_in_the_future_changes_no_label():
    calm = walk(400, seed=8)
    crashed = bars_from([*calm.close[:300], *(calm.close[300:] * np.linspace(0.9, 0.3, 100))])
    same = bars_from(calm.close.tolist())
    assert states(crashed)[:300].equals(states(same)[:300])
    assert not states(crashed)["label"][300:].equals(states(same)["label"][300:])


def test_the_strength_is_the_t_statistic_of_the_mean_return():
    bars = walk(300, seed=5, drift=0.001)
    steps = [math.log(b / a) for a, b in zip(bars.close[:-1], bars.close[1:], strict=True)]
    last = steps[-63:]
    want = mean(last) / (stdev(last) / math.sqrt(63))
    row = states(bars).iloc[-1]
    assert row["strength"] == pytest.approx(want, rel=1e-9)
    if row["label"] == "range":
        assert row["confidence"] == pytest.approx(2 * (1 - NormalDist().cdf(abs(want))), rel=1e-9)


@pytest.mark.parametrize(("drift", "label"), [(0.01, "trend up"), (-0.002, "trend down")])
def test_a_steady_drift_is_a_trend_with_confidence(drift, label):
    rng = np.random.default_rng(1)
    steps = rng.normal(0, 0.004, 400)
    steps[300:] = drift + rng.normal(0, 0.002, 100)
    row = states(bars_from((100 * np.exp(np.cumsum(steps))).tolist())).iloc[-1]
    assert row["label"] == label
    assert row["confidence"] == pytest.approx(NormalDist().cdf(abs(row["strength"])), rel=1e-9)
    assert row["confidence"] > 0.99


def test_the_rank_of_volatility_is_its_place_among_its_past():
    bars = walk(300, seed=6)
    steps = np.diff(np.log(bars.close))
    spreads = [stdev(steps[i - 21 : i]) for i in range(21, len(steps) + 1)]
    want = sum(s <= spreads[-1] for s in spreads) / len(spreads)
    assert states(bars)["rank"].iloc[-1] == pytest.approx(want, abs=1e-12)


def test_a_deep_wild_fall_is_a_crisis_and_a_quiet_one_is_not():
    rng = np.random.default_rng(2)
    quiet = rng.normal(0, 0.005, 400)
    wild, slow = quiet.copy(), quiet.copy()
    wild[370:] = rng.normal(-0.02, 0.04, 30)
    slow[200:] -= 0.003
    last = [states(bars_from((100 * np.exp(np.cumsum(s))).tolist())).iloc[-1] for s in (wild, slow)]
    assert [row["label"] for row in last] == ["crisis", "trend down"]
    assert all(row["fall"] < -0.2 for row in last)


def test_before_there_is_enough_past_the_regime_is_unknown(ctx):
    got = MarketRegime().detect(params_for(walk(100, seed=1)), ctx)
    assert got.regime["AAA"] | {"at": ""} == {
        "label": "unknown", "trend": "unknown", "volatility": "unknown", "confidence": None,
        "since": "2000-01-01T00:00:00+00:00", "bars": 100, "at": "",
    }  # fmt: skip
    assert got.transitions == {"AAA": {}}


def test_a_flat_price_is_a_calm_range(ctx):
    got = MarketRegime().detect(params_for(bars_from([50.0] * 300)), ctx)
    assert (got.regime["AAA"]["label"], got.regime["AAA"]["confidence"]) == ("range", 1.0)


def test_the_present_regime_says_since_when_and_transitions_count_what_followed(ctx):
    bars = walk(500, seed=9, spread=0.015)
    got = MarketRegime().detect(params_for(bars), ctx)
    label = got.regimes["label"].tolist()
    run = next(i for i, x in enumerate(reversed(label)) if x != label[-1])
    assert got.regime["AAA"]["bars"] == run
    assert got.regime["AAA"]["since"] == got.regimes["time"].iloc[len(label) - run].isoformat()
    pairs = [(a, b) for a, b in pairwise(label) if a != "unknown"]
    for before, row in got.transitions["AAA"].items():
        after = [b for a, b in pairs if a == before]
        assert row == pytest.approx({name: after.count(name) / len(after) for name in row})
        assert sum(row.values()) == pytest.approx(1.0)


def test_a_market_cannot_be_calm_and_volatile_at_once():
    with pytest.raises(ValidationError, match=r"calm_below \(0.8\) is above volatile_above \(0.2\)"):
        RegimeParams(bars=None, calm_below=0.8, volatile_above=0.2)
