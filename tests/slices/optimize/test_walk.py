"""Walking forward with a search before each stretch: each choice is that of a search on its past alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.errors import NoBars
from gpt_trader.core.metrics import observed_periods, returns_of, sharpe
from tests.slices.market import bars_from, walk


def test_each_choice_is_that_of_a_search_on_its_past_and_the_last_one_is_for_what_comes_next(
    walk_forward, search, bars
):
    got = walk_forward(folds=3, first=0.5)
    assert len(got.walks) == 3
    for number, row in enumerate(got.walks):
        past = bars.between(None, pd.Timestamp(row["train_to"]).value)
        alone = search(past, path=f"past{number}", holdout=0.0)
        assert row["params"] == alone.best["params"]
        assert row["deflated_sharpe"] == alone.deflated_sharpe
        assert row["in_sample"]["sharpe"] == alone.best["figures"]["sharpe"]
    assert got.best == search(path="all", holdout=0.0).best
    assert got.selection["AAA"]["params"] == got.best["params"]


def test_the_account_goes_through_all_stretches_with_the_money_that_is_left(walk_forward, bars):
    got = walk_forward(folds=4)
    equity = got.equity["equity"].to_numpy()
    assert got.equity["time"].tolist() == [pd.Timestamp(ns, tz="UTC") for ns in bars.ts[200:]]
    assert equity[0] == 100_000.0
    assert got.final_equity == equity[-1] == pytest.approx(100_000 + got.trades["profit"].sum())
    growth = np.prod([1 + row["out_of_sample"]["total_return"] for row in got.walks])
    assert got.metrics["total_return"] == pytest.approx(growth - 1)
    wanted = sharpe(returns_of(equity), periods=observed_periods(bars.ts[200:]))
    assert got.score == got.metrics["sharpe"] == pytest.approx(wanted)
    assert 0 < got.metrics["probabilistic_sharpe"] < 1
    assert got.baseline_metrics["name"] == "buy_and_hold"
    assert got.beats_baseline is (got.score > got.baseline_metrics["sharpe"])
    assert got.period["out_of_sample"]


def test_what_all_stretches_cost_is_told_as_of_one_account(walk_forward):
    got = walk_forward(folds=4, fee=0.002)
    costs = {name: float(paid) for name, paid in got.details["costs"].items()}
    turned = (got.trades["quantity"] * (got.trades["entry_price"] + got.trades["exit_price"])).sum()
    assert costs["fees"] == pytest.approx(got.trades["fees"].sum()) == pytest.approx(0.002 * turned)
    assert len(got.trades) > 2
    assert (got.details["ambiguous_bars"], got.details["optimistic"]) == (0, [])
    assert got.details["orders"] >= len(got.trades)
    assert all(row["count"] > 0 for row in got.refusals)


def test_later_bars_change_no_earlier_choice_and_no_earlier_stretch(walk_forward, bars):
    later = np.arange(400) >= 300
    other = bars_from(
        **{
            f"{name}s": np.where(later, getattr(bars, name) * 0.3, getattr(bars, name)).tolist()
            for name in ("close", "open", "high", "low")
        }
    )
    one, two = walk_forward(path="a", folds=4), walk_forward(other, path="b", folds=4)
    assert one.walks[:2] == two.walks[:2]
    assert one.walks[2]["params"] == two.walks[2]["params"]
    assert one.walks[2] != two.walks[2]
    assert one.equity["equity"][:100].tolist() == two.equity["equity"][:100].tolist()


def test_what_is_held_back_is_looked_at_by_no_stretch(walk_forward, bars):
    got = walk_forward(folds=2, holdout=0.25)
    assert got.decided_at == pd.Timestamp(bars.ts[300], tz="UTC").isoformat()
    assert got.equity["time"].max() == pd.Timestamp(bars.ts[299], tz="UTC")
    assert got.out_of_sample["from"] == got.decided_at
    assert got.out_of_sample["bars"] == 100


def test_a_rolling_window_forgets_and_a_gap_keeps_its_distance(walk_forward, bars):
    got = walk_forward(folds=2, first=0.5, window="rolling", gap=10)
    starts = [pd.Timestamp(row["train_from"]).value for row in got.walks]
    assert starts == [bars.ts[0], bars.ts[100]]
    ends = [pd.Timestamp(row["train_to"]).value for row in got.walks]
    assert ends == [bars.ts[190], bars.ts[290]]


def test_it_learns_and_walks_with_several_symbols_and_goes_through_the_journal(walk_forward, resumed, bars):
    ask = {"space": {"fast": "2:20", "slow": "25:60"}, "sampler": "tpe", "trials": 8, "folds": 2}
    got = walk_forward(bars, walk(400, seed=12, symbol="BBB"), **ask)
    assert set(got.selection) == {"AAA", "BBB"}
    assert resumed(got)["walks"] == got.walks
    assert resumed(got)["equity"].equals(got.equity)


def test_too_few_bars_for_the_folds_are_refused(walk_forward, bars):
    with pytest.raises(NoBars, match="cannot be cut into 50 folds"):
        walk_forward(bars[:60], folds=50)
