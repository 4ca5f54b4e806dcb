"""The hidden Markov model: its filter against the library's and a sum over all paths, its words in planted markets."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.market_regime.hidden import Model, filtered, fitted, hidden_states_of
from gpt_trader.slices.market_regime.params import RegimeParams
from gpt_trader.slices.market_regime.slice import MarketRegime
from gpt_trader.slices.market_regime.states import states_of
from tests.slices.market import bars_from, walk

hmm = pytest.importorskip("hmmlearn.hmm")


def params_for(**more) -> RegimeParams:
    return RegimeParams(bars=None, method="hmm", **more)


def made(states: int, features: int, *, seed: int) -> Model:
    rng = np.random.default_rng(seed)
    words = np.array(["range"] * states, dtype=object)
    return Model(
        centre=np.zeros(features), scale=np.ones(features), means=rng.normal(0, 1, (states, features)),
        variances=rng.uniform(0.5, 2, (states, features)), transitions=rng.dirichlet(np.ones(states), states),
        start=rng.dirichlet(np.ones(states)), label=words, trend=words, volatility=words,
    )  # fmt: skip


def test_the_filter_is_the_sum_over_all_paths_so_far():
    model, rows = made(3, 2, seed=1), np.random.default_rng(2).normal(0, 1.5, (5, 2))
    likely, got = model.likelihoods(rows), filtered(model, rows)
    for end in range(len(rows)):
        weight = np.zeros(3)
        for path in product(range(3), repeat=end + 1):
            steps = [model.transitions[a, b] for a, b in pairwise(path)]
            weight[path[-1]] += model.start[path[0]] * np.prod(steps) * likely[range(end + 1), path].prod()
        np.testing.assert_allclose(got[end], weight / weight.sum(), rtol=1e-9)


def test_the_filter_is_what_the_library_says_of_the_last_row_of_each_prefix():
    model, rows = made(4, 3, seed=3), np.random.default_rng(4).normal(0, 1.5, (60, 3))
    library = hmm.GaussianHMM(4, covariance_type="diag")
    library.startprob_, library.transmat_ = model.start, model.transitions
    library.means_, library.covars_ = model.means, model.variances
    want = [library.predict_proba(rows[: end + 1])[-1] for end in range(60)]
    np.testing.assert_allclose(filtered(model, rows), want, rtol=1e-7, atol=1e-12)


def test_rows_that_no_state_expected_leave_probabilities_that_are_some():
    found = filtered(made(3, 2, seed=5), np.array([[0.0, 0.0], [1e6, -1e6], [0.0, 0.0]]))
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def planted() -> np.ndarray:
    """Quiet rises of 200 days, then wild falls of 60, four times over."""
    rng = np.random.default_rng(7)
    quiet, wild = (lambda: rng.normal(0.0015, 0.004, 200)), (lambda: rng.normal(-0.01, 0.03, 60))
    return np.concatenate([part() for _ in range(4) for part in (quiet, wild)])


def test_planted_regimes_get_their_words_within_a_few_weeks():
    bars = bars_from((100 * np.exp(np.cumsum(planted()))).tolist())
    states = hidden_states_of(bars, params_for(states=3, first_fit=260, refit=60, memory_bars=252))
    label = states["label"].to_numpy()
    late_quiet = np.r_[600:720, 860:980]
    late_wild = np.r_[750:780, 1010:1040]
    assert np.mean(label[late_quiet] == "trend up") > 0.8
    assert np.mean(label[late_wild] == "crisis") > 0.9
    assert set(states["volatility"][late_wild]) == {"volatile"}
    assert states["confidence"][late_wild].mean() > 0.9


def test_the_probabilities_of_the_labels_add_up_to_one_and_the_greatest_is_the_confidence():
    states = hidden_states_of(walk(400, seed=3, spread=0.02), params_for(first_fit=150, memory_bars=126))
    known = states[states["label"] != "unknown"]
    shares = known[[c for c in states.columns if c.startswith("p_")]]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(shares.max(axis=1), known["confidence"])
    named = [str(column).removeprefix("p_").replace("_", " ") for column in shares.idxmax(axis=1)]
    assert named == known["label"].tolist()
    assert states["label"].iloc[:200].eq("unknown").all()


def test_a_flat_price_is_a_range_and_a_short_past_is_unknown(ctx):
    flat = hidden_states_of(bars_from([50.0] * 700), params_for())
    assert (flat["label"].iloc[-1], flat["confidence"].iloc[-1]) == ("range", pytest.approx(1.0))
    few = RegimeParams(bars=frame_of([walk(100, seed=1)]), method="hmm")
    assert MarketRegime().detect(few, ctx).regime["AAA"]["label"] == "unknown"


@pytest.mark.parametrize("states", [2, 3, 5, 8])
def test_any_number_of_states_has_its_own_rows_to_begin_with(states):
    rng = np.random.default_rng(states)
    model = fitted(rng.normal(0, 1, (300, 3)), params_for(states=states))
    assert model.means.shape == (states, 3)
    np.testing.assert_allclose(model.transitions.sum(axis=1), 1.0)
    assert (model.variances > 0).all()


def test_without_the_extra_the_line_that_installs_it_is_named(ctx, monkeypatch):
    monkeypatch.setitem(sys.modules, "hmmlearn", None)
    monkeypatch.setitem(sys.modules, "hmmlearn.hmm", None)
    params = RegimeParams(bars=frame_of([walk(300, seed=1)]), method="hmm", first_fit=100)
    with pytest.raises(ConfigError, match="the regime method `hmm` needs hmmlearn") as caught:
        MarketRegime().detect(params, ctx)
    assert caught.value.hint == "pip install 'gpt-trader[ml]'"


def test_the_method_is_named(ctx):
    bars = frame_of([walk(300, seed=1)])
    rules = MarketRegime().detect(RegimeParams(bars=bars), ctx)
    model = MarketRegime().detect(RegimeParams(bars=bars, method="hmm", first_fit=100, refit=50), ctx)
    assert "rules" in rules.regime_method
    assert "every 50 bars; filtered probabilities only" in model.regime_method


def foreseen(labels: np.ndarray, returns: np.ndarray, start: int) -> float:
    """The mean log score of each return under a normal with the moments of the earlier returns of its label."""
    total, seen = [0, 0.0, 0.0], dict[str, list[float]]()
    scores = []
    for at, (label, value) in enumerate(zip(labels, returns, strict=True)):
        mine = seen.setdefault(label, [0, 0.0, 0.0])
        count, first, second = mine if mine[0] >= 60 else total
        if at >= start:
            mean = first / count
            variance = max(second / count - mean**2, 1e-10)
            scores.append(-0.5 * (np.log(2 * np.pi * variance) + (value - mean) ** 2 / variance))
        for row in (mine, total):
            row[0], row[1], row[2] = row[0] + 1, row[1] + value, row[2] + value**2
    return float(np.mean(scores))


def restated(bars):
    """Without the jumps of splits."""
    jumps = np.r_[1.0, bars.open[1:] / bars.close[:-1]]
    held = np.cumprod(np.where(np.abs(jumps - 0.5) < 0.03, 2.0, 1.0))
    factor = held / held[-1]
    return replace(bars, **{name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")})


@pytest.mark.soak
def test_measured_out_of_sample_the_model_foresees_the_next_return_better_on_most_shares():
    """What the module says of both methods, measured anew."""
    from gpt_trader.adapters.feeds.sample import SampleSource

    better = []
    for symbol in ("AAPL", "GOOG", "IBM", "MSFT"):
        bars = restated(SampleSource().load(symbol).bars)
        tables = [states_of(bars, RegimeParams(bars=None)), hidden_states_of(bars, params_for())]
        start = int(np.argmax(tables[1]["label"] != "unknown")) + 250
        words = [(t["label"] + t["volatility"]).to_numpy()[:-1] for t in tables]
        by_rules, by_model = (foreseen(w, np.diff(np.log(bars.close)), start) for w in words)
        better.append(by_model > by_rules)
    assert sum(better) >= 3
