"""What a backtest is told is refused before it begins, where nothing sound can come of it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from gpt_trader.core.errors import ConfigError
from gpt_trader.trading.config import BacktestConfig

D = Decimal


@pytest.mark.parametrize("name", ["cash", "leverage"])
@pytest.mark.parametrize("value", [D(0), D(-1), D("nan"), D("inf"), D("1e400"), 1.0, "1", None])
def test_money_and_leverage_are_exact_and_above_zero(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be an exact .* above 0"):
        BacktestConfig(**{name: value})


@pytest.mark.parametrize("value", [D(-1), D("nan"), D("inf"), 0.1])
def test_a_borrow_rate_is_exact_and_not_negative(value: Any) -> None:
    with pytest.raises(ConfigError, match="borrow_rate must be an exact part"):
        BacktestConfig(borrow_rate=value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_risk_free_rate_is_finite(value: float) -> None:
    with pytest.raises(ConfigError, match="risk_free must be a finite part"):
        BacktestConfig(risk_free=value)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_there_are_bars_in_a_year(value: float) -> None:
    with pytest.raises(ConfigError, match="periods must be above 0"):
        BacktestConfig(periods=value)
