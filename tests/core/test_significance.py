"""The deflated Sharpe ratio, against the worked example of the paper and a simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gpt_trader.core import significance as s

ANNUAL = 2.5 / math.sqrt(250)


@pytest.mark.parametrize(("trials", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_the_worked_example_of_bailey_and_lopez_de_prado(trials: int, expected: float) -> None:
    best = s.expected_best_sharpe(trials, variance=1 / (2 * 250))
    deflated = s.probabilistic_sharpe(ANNUAL, observations=1250, benchmark=best, skewness=-3, kurtosis=10)
    assert deflated == pytest.approx(expected, abs=5e-4)


def test_expected_best_of_a_hundred_trials_is_the_papers() -> None:
    assert s.expected_best_sharpe(100, variance=1 / (2 * 250)) == pytest.approx(0.1132, abs=1e-4)


def test_expected_best_agrees_with_a_simulation() -> None:
    best = np.random.default_rng(0).normal(0.0, 0.1, (20_000, 50)).max(axis=1).mean()
    assert s.expected_best_sharpe(50, variance=0.01) == pytest.approx(best, rel=0.02)


def test_one_trial_is_not_deflated() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, 500)
    alone = s.deflated_sharpe(returns, trial_sharpes=np.array([0.1]))
    sharpe = returns.mean() / returns.std(ddof=1)
    z = (returns - returns.mean()) / returns.std()
    by_hand = sharpe * math.sqrt(499) / math.sqrt(1 - (z**3).mean() * sharpe + ((z**4).mean() - 1) / 4 * sharpe**2)
    assert alone == pytest.approx(0.5 * (1 + math.erf(by_hand / math.sqrt(2))), rel=1e-12)


def test_more_trials_of_the_same_spread_deflate_more() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, 500)
    few, many = np.linspace(-0.1, 0.1, 10), np.linspace(-0.1, 0.1, 1000)
    assert s.deflated_sharpe(returns, trial_sharpes=many) < s.deflated_sharpe(returns, trial_sharpes=few)


def test_trials_that_have_no_sharpe_are_not_counted() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, 500)
    trials = np.array([-0.1, 0.0, 0.1])
    with_nan = np.append(trials, [np.nan, np.inf])
    assert s.deflated_sharpe(returns, trial_sharpes=with_nan) == s.deflated_sharpe(returns, trial_sharpes=trials)


def test_what_the_sample_does_not_define_is_nan() -> None:
    assert math.isnan(s.deflated_sharpe(np.zeros(10), trial_sharpes=np.array([0.1, 0.2])))
    assert math.isnan(s.probabilistic_sharpe(0.1, observations=1))
    assert math.isnan(s.probabilistic_sharpe(5.0, observations=100, skewness=4.0, kurtosis=1.0))
