"""Bars that come later change no label of the past, by any method; and a method that smooths is caught at it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.frames import frame_of
from gpt_trader.slices.market_regime.hidden import features_of, filtered, fitted, hidden_states_of
from gpt_trader.slices.market_regime.measures import measured
from gpt_trader.slices.market_regime.params import RegimeParams
from gpt_trader.slices.market_regime.slice import MarketRegime
from gpt_trader.slices.market_regime.states import states_of
from tests.slices.market import bars_from, walk

QUICK: dict[str, Any] = {"states": 3, "first_fit": 120, "refit": 60, "memory_bars": 126, "trend_bars": 30}


def by_rules(bars):
    return states_of(bars, RegimeParams(bars=None))


def by_model(bars, **more):
    pytest.importorskip("hmmlearn")
    return hidden_states_of(bars, RegimeParams(bars=None, method="hmm", **{**QUICK, **more}))


def by_rolling_model(bars):
    return by_model(bars, fit_bars=100)


def smoothed_after_one_fit(bars):
    """The planted mistake: one fit over everything, and probabilities given everything."""
    hmm = pytest.importorskip("hmmlearn.hmm")
    rows = features_of(measured(bars, RegimeParams(bars=None, **QUICK)))
    rows = rows[np.isfinite(rows).all(axis=1)]
    model = hmm.GaussianHMM(3, covariance_type="diag", n_iter=20, random_state=0).fit(rows)
    return pd.DataFrame(model.predict_proba(rows))


def smoothed_with_a_fixed_model(bars):
    """The same, more finely: the model is fixed early, but its probabilities look back from the end."""
    pytest.importorskip("hmmlearn")
    params = RegimeParams(bars=None, **QUICK)
    rows = features_of(measured(bars, params))
    rows = rows[np.isfinite(rows).all(axis=1)]
    model = fitted(rows[:100], params)
    likely, ahead = model.likelihoods(rows), filtered(model, rows)
    behind = np.ones_like(ahead)
    for at in range(len(rows) - 2, -1, -1):
        behind[at] = model.transitions @ (likely[at + 1] * behind[at + 1])
        behind[at] /= behind[at].sum()
    whole = ahead * behind
    return pd.DataFrame(whole / whole.sum(axis=1, keepdims=True))


def rewritten(states_by, bars, cut: int, *, also=None) -> bool:
    """Whether bars after the cut, or other bars in their place, change a row up to the cut."""
    gone = len(bars) - cut
    others = [bars[:cut]] if also is None else [bars[:cut], also]
    whole = states_by(bars)
    rows = len(whole) - gone
    return not all(whole[:rows].equals(states_by(other)[:rows]) for other in others)


@given(st.integers(0, 1_000_000), st.integers(150, 398))
def test_by_rules_no_bar_of_the_future_changes_a_label(seed, cut):
    assert not rewritten(by_rules, walk(400, seed=seed, spread=0.02), cut)


@pytest.mark.parametrize("method", [by_model, by_rolling_model])
@given(seed=st.integers(0, 1_000_000), cut=st.integers(160, 298))
@settings(max_examples=6)
def test_by_the_model_no_bar_of_the_future_changes_a_label_or_a_probability(method, seed, cut):
    bars = walk(300, seed=seed, spread=0.02)
    assert by_model(bars)["label"].ne("unknown").any()
    assert not rewritten(method, bars, cut)


@pytest.mark.parametrize("method", [by_rules, by_model, by_rolling_model])
def test_a_crash_planted_in_the_future_changes_no_label_before_it(method):
    calm = walk(400, seed=8)
    crashed = bars_from([*calm.close[:300], *(calm.close[300:] * np.linspace(0.9, 0.3, 100))])
    same = bars_from(calm.close.tolist())
    assert not rewritten(method, same, 300, also=crashed)
    assert not method(crashed)["label"][300:].equals(method(same)["label"][300:])


@pytest.mark.parametrize("mistaken", [smoothed_after_one_fit, smoothed_with_a_fixed_model])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_smoother_is_caught(mistaken, seed):
    assert rewritten(mistaken, walk(300, seed=seed, spread=0.02), 250)


@pytest.mark.parametrize("method", ["rules", "hmm"])
def test_two_runs_and_a_resumed_one_say_the_same(method, ctx, resumed):
    if method == "hmm":
        pytest.importorskip("hmmlearn")
    params = RegimeParams(bars=frame_of([walk(300, seed=5, spread=0.02)]), method=method, **QUICK)
    first, second = (MarketRegime().detect(params, ctx) for _ in range(2))
    assert first.regimes.equals(second.regimes)
    back = resumed(first)
    assert back["regimes"].equals(first.regimes)
    assert (back["regime"], back["transitions"]) == (second.regime, second.transitions)
