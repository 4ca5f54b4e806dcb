"""Correlations against numpy and pandas, clusters by hand, and the rule that the future changes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import UsageError
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.analyze.correlations import clusters_of, history_of, present_of
from gpt_trader.slices.analyze.params import CorrelationParams
from gpt_trader.slices.analyze.slice import Analyze
from tests.slices.market import bars_from, picked, walk


@pytest.fixture
def correlate(ctx):
    return lambda *bars, **more: Analyze().correlations(CorrelationParams(bars=frame_of(bars), **more), ctx)


def mixed(seed: int, weight: float, *, symbol: str):
    """A walk that shares part of its steps with all others."""
    rng, common = np.random.default_rng(seed), np.random.default_rng(0)
    steps = weight * common.normal(0, 0.01, 300) + (1 - abs(weight)) * rng.normal(0, 0.01, 300)
    return bars_from((100 * np.exp(np.cumsum(steps))).tolist(), symbol=symbol)


def test_the_rolling_correlation_is_that_of_pandas(correlate):
    one, other = mixed(1, 0.5, symbol="A"), mixed(2, 0.5, symbol="B")
    got = correlate(one, other, window=40, step=1).correlations
    steps = [pd.Series(np.log(b.close)).diff() for b in (one, other)]
    want = steps[0].rolling(40).corr(steps[1]).dropna()
    np.testing.assert_allclose(got["correlation"], want, rtol=1e-9)
    assert got["time"].iloc[0] == pd.Timestamp(one.ts[40], tz="UTC")
    assert (set(got["first"]), set(got["second"])) == ({"A"}, {"B"})


def test_the_matrix_is_that_of_numpy_and_survives_the_journal(correlate, resumed):
    bars = [mixed(i, 0.2 * i, symbol=s) for i, s in enumerate("ABCD")]
    got = correlate(*bars, window=63)
    want = np.corrcoef([np.diff(np.log(b.close))[-63:] for b in bars])
    matrix = pd.DataFrame(got.correlation_matrix).to_numpy()
    np.testing.assert_allclose(matrix, want, rtol=1e-9, atol=1e-12)
    back = resumed(got)
    assert (back["correlation_matrix"], back["clusters"]) == (got.correlation_matrix, got.clusters)
    assert back["correlations"].equals(got.correlations)


def test_the_history_ends_at_the_last_bar_and_steps_back_from_it(correlate):
    got = correlate(mixed(1, 0.5, symbol="A"), mixed(2, 0.5, symbol="B"), window=40, step=50).correlations
    assert len(got) == 6
    assert got["time"].iloc[-1] == pd.Timestamp(mixed(1, 0.5, symbol="A").ts[-1], tz="UTC")
    assert got["time"].diff().dropna().unique().tolist() == [pd.Timedelta(days=50)]


def test_only_bars_that_both_have_are_compared():
    one, other = mixed(1, 0.9, symbol="A"), mixed(2, 0.9, symbol="B")
    kept = np.array([i for i in range(300) if i % 7])
    found = present_of([one, picked(other, kept)], 50)[("A", "B")]
    returns = [np.diff(np.log(b.close[kept]))[-50:] for b in (one, other)]
    assert found == pytest.approx(np.corrcoef(returns)[0, 1], rel=1e-9)


def test_symbols_that_move_together_or_against_each_other_are_one_cluster(correlate):
    rng = np.random.default_rng(5)
    steps = rng.normal(0, 0.01, 200)
    twin, against = steps + rng.normal(0, 0.001, 200), -steps + rng.normal(0, 0.001, 200)
    alone = rng.normal(0, 0.01, 200)
    bars = [
        bars_from((100 * np.exp(np.cumsum(s))).tolist(), symbol=n)
        for n, s in {"A": steps, "X": alone, "B": twin, "C": against}.items()
    ]
    assert correlate(*bars).clusters == [["A", "B", "C"], ["X"]]
    assert correlate(*bars, threshold=0.999999).clusters == [["A"], ["X"], ["B"], ["C"]]


def test_clusters_are_chained_and_the_threshold_belongs_to_them():
    found = {("A", "B"): 0.8, ("B", "C"): -0.9, ("A", "C"): 0.1, ("A", "D"): 0.79, ("B", "D"): 0.0, ("C", "D"): 0.0}
    assert clusters_of("ABCD", found, threshold=0.8) == [["A", "B", "C"], ["D"]]


def test_an_unknown_correlation_counts_as_one(correlate):
    got = correlate(mixed(1, 0.1, symbol="A"), mixed(2, 0.1, symbol="B")[:30], window=63)
    assert got.correlation_matrix["A"] == {"A": 1.0, "B": None}
    assert got.clusters == [["A", "B"]]
    assert len(got.correlations) == 0


def test_a_flat_price_has_no_correlation(correlate):
    got = correlate(mixed(1, 0.1, symbol="A"), bars_from([5.0] * 300, symbol="F"), window=20, step=1)
    assert got.correlation_matrix["F"]["A"] is None
    assert got.correlations["correlation"].isna().all()


@given(st.integers(0, 10_000), st.integers(80, 199))
def test_no_bar_of_the_future_changes_a_correlation_of_the_past(seed, cut):
    bars = [walk(200, seed=seed + i, symbol=s) for i, s in enumerate("AB")]
    whole, part = history_of(bars, 20, step=1), history_of([b[:cut] for b in bars], 20, step=1)
    assert whole[: len(part)].equals(part)


def test_one_symbol_or_too_long_a_history_is_an_error_with_a_cure(correlate, monkeypatch):
    with pytest.raises(UsageError, match="AAA alone correlates with nothing"):
        correlate(walk(80, seed=1))
    monkeypatch.setattr("gpt_trader.slices.analyze.correlations.MOST_ROWS", 100)
    with pytest.raises(UsageError, match="1 pairs of 2 symbols") as caught:
        correlate(walk(200, seed=1), walk(200, seed=2, symbol="B"), step=1)
    assert "raise `step`" in str(caught.value.hint)


def test_many_symbols_are_compared_row_by_row_as_two_are():
    bars = [walk(90, seed=i, symbol=f"S{i}") for i in range(12)]
    every = present_of(bars, 30)
    assert len(every) == 66
    for (one, other), value in every.items():
        pair = [b for b in bars if b.symbol in {one, other}]
        assert present_of(pair, 30) == {(one, other): value}
