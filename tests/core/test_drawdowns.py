"""Drawdowns with their dates and the monthly table, on series short enough to read."""

from __future__ import annotations

import math

import empyrical
import numpy as np
import pandas as pd
import pytest

from gpt_trader.core import drawdowns as d
from gpt_trader.core.metrics import equity_of, max_drawdown

DAY = 86_400_000_000_000
EQUITY = np.array([100.0, 90.0, 100.0, 110.0, 99.0, 88.0, 120.0, 119.0])
TS = np.arange(8, dtype=np.int64) * DAY


def test_every_drawdown_has_its_peak_trough_and_recovery() -> None:
    first, second, third = d.drawdowns(EQUITY, TS)
    assert (first.peak_at, first.trough_at, first.recovered_at, first.bars) == (0, DAY, 2 * DAY, 2)
    assert (second.peak_at, second.trough_at, second.recovered_at, second.bars) == (3 * DAY, 5 * DAY, 6 * DAY, 3)
    assert second.depth == pytest.approx(-0.2)
    assert second.duration_ns == 3 * DAY
    assert (third.recovered_at, third.until, third.bars) == (None, 7 * DAY, 1)


def test_the_worst_and_the_longest_are_found_and_equal_the_maximum_drawdown() -> None:
    equity = equity_of(np.random.default_rng(3).normal(0.0, 0.02, 400))
    ts = np.arange(401, dtype=np.int64) * DAY
    worst, longest = d.worst_drawdown(equity, ts), d.longest_drawdown(equity, ts)
    assert worst is not None
    assert longest is not None
    assert worst.depth == max_drawdown(equity)
    assert longest.bars == max(x.bars for x in d.drawdowns(equity, ts))


def test_equity_that_never_falls_has_no_drawdown() -> None:
    assert d.drawdowns(np.array([1.0, 1.0, 2.0]), TS[:3]) == ()
    assert d.worst_drawdown(np.array([1.0]), TS[:1]) is None
    assert d.longest_drawdown(np.array([]), TS[:0]) is None


def test_monthly_returns_equal_empyrical() -> None:
    index = pd.date_range("2019-12-31", "2021-03-15", freq="D", tz="UTC")
    returns = pd.Series(np.random.default_rng(5).normal(0.0, 0.01, len(index) - 1), index=index[1:])
    values = np.asarray(returns, dtype=np.float64)
    theirs = empyrical.aggregate_returns(returns.tz_localize(None), "monthly")
    rows = d.monthly_table(equity_of(values), index.as_unit("ns").asi8)
    assert [row.year for row in rows] == [2019, 2020, 2021]
    for (year, month), value in theirs.items():
        row = next(row for row in rows if row.year == year)
        assert row.months[month - 1] == pytest.approx(value, rel=1e-9)


def test_a_year_compounds_its_months_and_missing_months_are_not_zero() -> None:
    ts = np.array(["2021-11-30", "2021-12-31", "2022-02-28"], dtype="datetime64[ns]").astype(np.int64)
    first, second = d.monthly_table(np.array([100.0, 110.0, 99.0]), ts)
    assert first.months[10] == 0.0
    assert first.months[11] == pytest.approx(0.1)
    assert first.total == pytest.approx(0.1)
    assert math.isnan(second.months[0])
    assert second.months[1] == pytest.approx(-0.1)
    assert second.total == pytest.approx(-0.1)


def test_no_equity_is_an_empty_table() -> None:
    assert d.monthly_table(np.array([]), np.array([], dtype=np.int64)) == ()
