"""Costs: what cannot be a cost is refused, what is one is exact."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import ConfigError
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.rules import FillRules

D = Decimal
money = st.decimals(0, 100_000, places=4)
parts = st.decimals(0, D("0.1"), places=6)


@pytest.mark.parametrize("wrong", [D(-1), D("NaN"), D("Infinity")])
def test_a_cost_is_finite_and_not_negative(wrong):
    for make in (
        lambda: Fee(wrong),
        lambda: Fee(minimum=wrong),
        lambda: Slippage("fixed", wrong),
        lambda: Costs(spread=wrong),
    ):
        with pytest.raises(ConfigError):
            make()


def test_the_least_fee_is_not_above_the_most():
    assert Fee(minimum=D(5), maximum=D(5)).of(D(1), D(1)) == 5
    with pytest.raises(ConfigError, match="the minimum of 6 is above the maximum of 5"):
        Fee(minimum=D(6), maximum=D(5))


def test_a_maker_may_get_a_rebate():
    assert Fee(D("0.001"), maker=D("-0.0001")).of(D(1), D(1000), maker=True) == D("-0.1")


@given(parts, money, money, money)
def test_a_fee_stays_within_its_bounds(percent, least, most, value):
    least, most = sorted((least, most))
    fee = Fee(percent, minimum=least, maximum=most).of(D(1), value)
    assert least <= fee <= most
    assert fee in {least, most, value * percent}


@given(parts, money, st.integers(1, 50))
def test_a_part_of_the_value_does_not_care_how_a_fill_is_cut(percent, value, pieces):
    fee = Fee(percent)
    assert sum((fee.of(D(1), value) for _ in range(pieces)), D(0)) == fee.of(D(pieces), value * pieces)


@given(st.decimals(D("0.01"), 1000, places=2), st.integers(1, 10_000), st.floats(1, 1e6))
def test_slippage_by_volume_is_at_most_its_amount(price, quantity, volume):
    slip = Slippage("volume", D("0.1")).of(price, D(quantity), volume)
    assert 0 <= slip <= price * D("0.1")


def test_unknown_volume_counts_as_all_of_it():
    assert Slippage("volume", D("0.1")).of(D(100), D(1), float("nan")) == D(10)


@pytest.mark.parametrize("share", [D(0), D(-1), D("1.01"), D("NaN")])
def test_a_share_of_volume_is_above_zero_and_at_most_all(share):
    with pytest.raises(ConfigError):
        FillRules(volume_share=share)
