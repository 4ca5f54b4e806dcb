"""Markets with planted regimes: why the rules are the default, and what the model is for."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_trader.slices.market_regime.hidden import hidden_states_of
from gpt_trader.slices.market_regime.params import RegimeParams
from gpt_trader.slices.market_regime.states import states_of
from tests.slices.market import bars_from

KINDS = {"trend up": (1, 0.010), "trend down": (-1, 0.014), "range": (0, 0.010), "crisis": (-2, 0.03)}
"""For each label the direction of the drift and the volatility of a bar."""
STRENGTH = 0.2
"""The drift of a trend is this part of its volatility: a Sharpe ratio of about three while it lasts."""
KNOWN_FROM = 800
"""From here on both methods have a label for every bar."""
SEEDS = range(4)


def market(seed: int):
    """Three thousand bars in stretches of known kind, with the fat tails of real returns; and their labels."""
    rng, returns, labels = np.random.default_rng(seed), list[float](), list[str]()
    while len(returns) < 3_000:
        kind = str(rng.choice([k for k in KINDS if not labels or k != labels[-1]]))
        length = int(rng.integers(30, 90) if kind == "crisis" else rng.integers(60, 250))
        sign, spread = KINDS[kind]
        noise = rng.standard_t(4, length) / np.sqrt(2)
        returns += (spread * (sign * STRENGTH + noise)).tolist()
        labels += [kind] * length
    return bars_from((1_000 * np.exp(np.cumsum(returns))).tolist()), np.array(labels)


def hits(found, truth) -> float:
    """The mean over labels of how many of their bars were called so: one fourth is chance."""
    got, known = found["label"].to_numpy()[KNOWN_FROM:], truth[KNOWN_FROM:]
    return float(np.mean([np.mean(got[known == label] == label) for label in np.unique(known)]))


def changes(found) -> float:
    label = found["label"].to_numpy()[KNOWN_FROM:]
    return float(np.mean(label[1:] != label[:-1]))


def test_the_rules_find_planted_regimes_twice_as_often_as_chance():
    for seed in SEEDS:
        bars, truth = market(seed)
        assert hits(states_of(bars, RegimeParams(bars=None)), truth) > 0.5


def test_the_rules_name_planted_regimes_better_than_the_model_which_changes_its_mind_less():
    pytest.importorskip("hmmlearn")
    assert RegimeParams(bars=None).method == "rules"
    rules, model = [], []
    for seed in SEEDS:
        bars, truth = market(seed)
        ours = states_of(bars, RegimeParams(bars=None))
        theirs = hidden_states_of(bars, RegimeParams(bars=None, method="hmm"))
        rules.append((hits(ours, truth), changes(ours)))
        model.append((hits(theirs, truth), changes(theirs)))
    assert all(a[0] > b[0] for a, b in zip(rules, model, strict=True))
    assert np.mean(rules, axis=0)[0] > np.mean(model, axis=0)[0] + 0.1
    assert all(b[1] < a[1] for a, b in zip(rules, model, strict=True))
