"""Figures over returns and equity: each equals empyrical-reloaded on random series, or a calculation by hand."""

from __future__ import annotations

import math

import empyrical
import numpy as np
import pytest
from empyrical.stats import drawdown_series

from gpt_trader.core import metrics as m

PERIODS = 252
RISK_FREE = 0.03


@pytest.fixture(params=range(8))
def returns(request: pytest.FixtureRequest) -> np.ndarray:
    rng = np.random.default_rng(request.param)
    return rng.standard_t(4, size=rng.integers(40, 900)) * 0.01 + 0.0004


@pytest.fixture
def benchmark(returns: np.ndarray) -> np.ndarray:
    return 0.6 * returns + np.random.default_rng(99).normal(0.0002, 0.008, len(returns))


def test_total_return_equals_empyrical(returns: np.ndarray) -> None:
    assert m.total_return(returns) == pytest.approx(empyrical.cum_returns_final(returns), rel=1e-12)


def test_annual_return_equals_empyrical(returns: np.ndarray) -> None:
    assert m.annual_return(returns, periods=PERIODS) == pytest.approx(empyrical.annual_return(returns), rel=1e-12)


def test_volatility_equals_empyrical(returns: np.ndarray) -> None:
    assert m.volatility(returns, periods=PERIODS) == pytest.approx(empyrical.annual_volatility(returns), rel=1e-12)


def test_annualisation_follows_the_periods_that_are_named(returns: np.ndarray) -> None:
    theirs = empyrical.annual_volatility(returns, annualization=365)
    assert m.volatility(returns, periods=365) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("rate", [0.0, RISK_FREE])
def test_sharpe_equals_empyrical(returns: np.ndarray, rate: float) -> None:
    theirs = empyrical.sharpe_ratio(returns, risk_free=(1 + rate) ** (1 / PERIODS) - 1)
    assert m.sharpe(returns, periods=PERIODS, risk_free=rate) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("rate", [0.0, RISK_FREE])
def test_sortino_equals_empyrical(returns: np.ndarray, rate: float) -> None:
    theirs = empyrical.sortino_ratio(returns, required_return=(1 + rate) ** (1 / PERIODS) - 1)
    assert m.sortino(returns, periods=PERIODS, risk_free=rate) == pytest.approx(theirs, rel=1e-9)


def test_calmar_equals_empyrical(returns: np.ndarray) -> None:
    assert m.calmar(returns, periods=PERIODS) == pytest.approx(empyrical.calmar_ratio(returns), rel=1e-9)


def test_max_drawdown_equals_empyrical(returns: np.ndarray) -> None:
    assert m.max_drawdown(m.equity_of(returns)) == pytest.approx(empyrical.max_drawdown(returns), rel=1e-9)


def test_underwater_equals_empyrical(returns: np.ndarray) -> None:
    np.testing.assert_allclose(m.underwater(m.equity_of(returns))[1:], drawdown_series(returns), atol=1e-12)


@pytest.mark.parametrize("level", [0.01, 0.05])
def test_value_at_risk_equals_empyrical(returns: np.ndarray, level: float) -> None:
    assert m.value_at_risk(returns, level=level) == pytest.approx(empyrical.value_at_risk(returns, level), rel=1e-12)


@pytest.mark.parametrize("level", [0.01, 0.05])
def test_expected_shortfall_equals_empyrical(returns: np.ndarray, level: float) -> None:
    theirs = empyrical.conditional_value_at_risk(returns, level)
    assert m.conditional_value_at_risk(returns, level=level) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("rate", [0.0, RISK_FREE])
def test_alpha_and_beta_equal_empyrical(returns: np.ndarray, benchmark: np.ndarray, rate: float) -> None:
    alpha, beta = empyrical.alpha_beta_aligned(returns, benchmark, risk_free=(1 + rate) ** (1 / PERIODS) - 1)
    assert m.beta(returns, benchmark, periods=PERIODS, risk_free=rate) == pytest.approx(beta, rel=1e-9)
    assert m.alpha(returns, benchmark, periods=PERIODS, risk_free=rate) == pytest.approx(alpha, rel=1e-9)


def test_rolling_sharpe_equals_empyrical_window_by_window(returns: np.ndarray) -> None:
    ours = m.rolling_sharpe(returns, 20, periods=PERIODS)
    theirs = [empyrical.sharpe_ratio(returns[i - 20 : i]) for i in range(20, len(returns) + 1)]
    assert np.isnan(ours[:19]).all()
    np.testing.assert_allclose(ours[19:], theirs, rtol=1e-9)


def test_rolling_sharpe_is_the_same_when_it_is_computed_in_several_pieces() -> None:
    long = np.random.default_rng(1).normal(0.0, 0.01, 5_000)
    ours = m.rolling_sharpe(long, 900, periods=PERIODS)
    for at in (899, 2009, 2010, 4999):
        assert ours[at] == pytest.approx(m.sharpe(long[at - 899 : at + 1], periods=PERIODS), rel=1e-12)


def test_equity_and_returns_undo_one_another(returns: np.ndarray) -> None:
    np.testing.assert_allclose(m.returns_of(m.equity_of(returns, start=10_000.0)), returns, atol=1e-14)


def test_observed_periods_counts_intervals_over_julian_years() -> None:
    day = 86_400_000_000_000
    assert m.observed_periods(np.arange(0, 731, dtype=np.int64) * day) == pytest.approx(365.25)
    assert math.isnan(m.observed_periods(np.array([day])))


def test_risk_free_rate_is_spread_geometrically() -> None:
    assert m.per_period(0.1, 2) == pytest.approx(math.sqrt(1.1) - 1)


def test_exposure_is_the_share_of_periods_with_a_position() -> None:
    assert m.exposure(np.array([0.0, 1.0, -2.0, 0.0])) == 0.5


def test_turnover_counts_both_sides_for_a_year_over_mean_equity() -> None:
    traded, equity = np.array([0.0, 300.0, -300.0, 0.0]), np.array([100.0, 200.0, 200.0, 100.0])
    assert m.turnover(traded, equity, periods=8) == pytest.approx(600 / 150 * 8 / 4)


@pytest.mark.parametrize("flat", [np.full(30, 0.001), np.zeros(30)], ids=["constant", "zero"])
def test_ratios_without_spread_are_not_defined(flat: np.ndarray) -> None:
    assert math.isnan(m.sharpe(flat, periods=PERIODS))
    assert math.isnan(m.calmar(flat, periods=PERIODS))
    assert math.isnan(m.beta(flat, flat, periods=PERIODS))
    assert np.isnan(m.rolling_sharpe(flat, 10, periods=PERIODS)).all()


def test_sortino_without_a_shortfall_is_not_defined() -> None:
    assert math.isnan(m.sortino(np.array([0.01, 0.02]), periods=PERIODS))


def test_no_data_defines_nothing() -> None:
    none = np.array([])
    figures = [m.annual_return, m.volatility, m.sharpe, m.sortino]
    assert all(math.isnan(figure(none, periods=PERIODS)) for figure in figures)
    assert math.isnan(m.max_drawdown(none))
    assert math.isnan(m.value_at_risk(none))
    assert math.isnan(m.conditional_value_at_risk(none))
    assert math.isnan(m.exposure(none))
    assert math.isnan(m.turnover(none, none, periods=PERIODS))


def test_ruin_is_a_return_of_minus_one() -> None:
    assert m.annual_return(np.array([0.5, -1.0]), periods=PERIODS) == -1.0
