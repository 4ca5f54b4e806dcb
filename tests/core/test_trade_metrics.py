"""Figures over closed trades, each by a calculation on paper."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from gpt_trader.core import trade_metrics as t

PROFITS = np.array([100.0, -50.0, 0.0, 30.0, -20.0, -10.0, -5.0, 60.0])
NONE = np.array([])


def test_win_rate_counts_a_zero_trade_as_no_win() -> None:
    assert t.win_rate(PROFITS) == 3 / 8


def test_profit_factor_is_winnings_over_losses() -> None:
    assert t.profit_factor(PROFITS) == pytest.approx(190 / 85)


def test_profit_factor_without_a_loss_is_infinite_and_without_a_win_zero() -> None:
    assert t.profit_factor(np.array([1.0, 2.0])) == math.inf
    assert t.profit_factor(np.array([-1.0])) == 0.0
    assert math.isnan(t.profit_factor(np.array([0.0])))


def test_expectancy_is_the_mean_trade() -> None:
    assert t.expectancy(PROFITS) == pytest.approx(105 / 8)


def test_best_and_worst_trade() -> None:
    assert (t.best_trade(PROFITS), t.worst_trade(PROFITS)) == (100.0, -50.0)


def test_system_quality_is_root_n_times_mean_over_deviation() -> None:
    by_hand = math.sqrt(8) * statistics.mean(PROFITS.tolist()) / statistics.stdev(PROFITS.tolist())
    assert t.system_quality(PROFITS) == pytest.approx(by_hand)


def test_longest_streaks_of_losses_and_wins() -> None:
    assert t.longest_streak(PROFITS) == 3
    assert t.longest_streak(PROFITS, losing=False) == 1


def test_slippage_is_what_the_fills_were_worse_than_the_reference() -> None:
    quantity, price, reference = np.array([10.0, -10.0, 5.0]), np.array([10.1, 9.8, 7.0]), np.array([10.0, 10.0, 7.5])
    assert t.slippage_paid(quantity, price, reference) == pytest.approx(1.0 + 2.0 - 2.5)


def test_fees_are_summed_without_rounding_and_rebates_count_against_them() -> None:
    assert t.fees_paid(np.array([0.1] * 10 + [-1.0])) == pytest.approx(0.0, abs=1e-16)


def test_no_trade_defines_nothing() -> None:
    figures = [t.win_rate, t.profit_factor, t.expectancy, t.best_trade, t.worst_trade, t.system_quality]
    assert all(math.isnan(figure(NONE)) for figure in figures)
    assert t.longest_streak(NONE) == 0
