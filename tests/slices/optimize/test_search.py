"""A search against trying every set by hand: the figures, the choice, the front, and what is said of luck."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats  # type: ignore[import-untyped]

from gpt_trader.core.errors import ConfigError, NotFound, UsageError, ValidationError
from gpt_trader.core.metrics import observed_periods, returns_of
from gpt_trader.slices.optimize.job import SWEPT, Outcome
from gpt_trader.slices.optimize.judge import Judge
from gpt_trader.slices.optimize.trials import Trials
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share
from tests.slices.market import bars_from, walk

PAIRS = list(product((2, 4, 6, 8), (10, 20, 30)))
CONFIG = BacktestConfig(
    cash=Decimal(100_000), sizing=Share(Decimal("0.95")),
    costs=Costs(fee=Fee(percent=Decimal("0.001")), slippage=Slippage("percent", Decimal("0.0005"))),
)  # fmt: skip
NAMES = {"total_return", "sharpe", "max_drawdown", "calmar", "annual_return"}


@pytest.fixture(scope="module")
def by_hand(bars):
    """The report of each of the twelve sets over the first 280 of 400 bars."""
    return {
        (fast, slow): run_backtest(StrategySpec("s", SmaCross, {"fast": fast, "slow": slow}), bars[:280], CONFIG)
        for fast, slow in PAIRS
    }


@pytest.mark.parametrize("engine", ["desk", "kernel"])
def test_every_set_has_the_figures_of_a_backtest_of_its_own(search, by_hand, engine):
    got = search(engine=engine)
    table = got.trial_table.set_index(["fast", "slow"])
    assert list(table.index) == PAIRS
    for pair, report in by_hand.items():
        row, wanted = table.loc[pair], report.metrics
        for name in NAMES:
            assert row[name] == pytest.approx(wanted[name], rel=1e-9), (pair, name)
        assert (row["trades"], row["fills"]) == (len(report.trades), len(report.fills))
        assert row["fees"] == pytest.approx(float(sum(f.fee for f in report.fills)))
    best = max(by_hand, key=lambda pair: by_hand[pair].metrics["sharpe"])
    assert tuple(got.best["params"].values()) == best
    assert got.selection["AAA"]["params"] == {"fast": best[0], "slow": best[1]}
    assert got.best["desk_agrees"]


def test_auto_takes_the_kernel_where_it_knows_all_that_is_asked_and_the_desk_elsewhere(search, bars):
    assert search().search["engine"] == "kernel"
    assert search(path="a", objectives=["sortino"]).search["engine"] == "desk"
    assert search(path="b", constraints=["win_rate >= 0"]).search["engine"] == "desk"
    assert search(path="c", prune=True).search["engine"] == "desk"
    assert search(path="d", space={"below": "flat,short", "fast": "2:4"}).search["engine"] == "desk"
    two = (bars, walk(400, seed=12, symbol="BBB"))
    pairs = search(*two, path="e", strategy="pairs", space={"window": "10:30:10"})
    assert pairs.search["engine"] == "desk"
    with pytest.raises(ConfigError, match="does not know sortino"):
        search(path="f", objectives=["sortino"], engine="kernel")


def test_a_bar_without_a_price_anywhere_is_searched_on_the_desk(search, bars):
    close = bars.close.copy()
    close[200] = np.nan  # far behind the bars on which the kernel is tried
    gap = replace(bars, close=close)
    got = search(gap)
    assert got.search["engine"] == "desk"
    assert len(got.trial_table) == 12
    with pytest.raises(ConfigError, match="bars without a price"):
        search(gap, path="b", engine="kernel")


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_samplers_try_as_many_sets_as_they_may_and_the_same_seed_tries_the_same(search, sampler):
    wide = {"fast": "2:40", "slow": "5:120"}
    ask = {"space": wide, "sampler": sampler, "trials": 30, "constraints": ["slow >= 2 * fast"]}
    one, two, three = (search(path=f"{sampler}{i}", seed=seed, **ask) for i, seed in enumerate((5, 5, 6)))
    assert len(one.trial_table) == 30
    assert (one.trial_table["slow"] >= 2 * one.trial_table["fast"]).all()
    pd.testing.assert_frame_equal(one.trial_table, two.trial_table)
    assert one.best == two.best
    assert not one.trial_table["fast"].equals(three.trial_table["fast"])


def test_learning_finds_what_a_grid_of_all_finds_nearly_with_a_fraction_of_the_trials(search):
    wide = {"fast": "2:40", "slow": "5:120"}
    whole = search(path="all", space=wide)
    learned = search(path="tpe", space=wide, sampler="tpe", trials=120, seed=1)
    blind = search(path="random", space=wide, sampler="random", trials=120, seed=1)
    top = whole.best["figures"]["sharpe"]
    assert learned.best["figures"]["sharpe"] >= 0.9 * top
    tail = learned.trial_table["sharpe"].tail(60).mean()
    assert tail > blind.trial_table["sharpe"].mean()


def test_a_random_search_of_a_small_space_is_the_whole_grid(search):
    assert len(search(sampler="random", trials=500).trial_table) == 12


def test_sets_that_the_strategy_refuses_or_a_condition_rules_out_are_not_tried(search):
    got = search(space={"fast": "5:15:5", "slow": "10:20:5"}, constraints=["slow != 20"])
    assert got.trial_table[["fast", "slow"]].to_numpy().tolist() == [[5, 10], [5, 15], [10, 15]]


def test_several_objectives_give_the_sets_that_no_other_beats_in_all(search):
    got = search(objectives=["total_return", "max_drawdown"], constraints=["trades >= 3"])
    rows = got.trial_table[got.trial_table["trades"] >= 3]
    goals = rows[["total_return", "max_drawdown"]].to_numpy()
    unbeaten = {
        int(number)
        for number, mine in zip(rows["number"], goals, strict=True)
        if not any((other >= mine).all() and (other > mine).any() for other in goals)
    }
    assert {row["number"] for row in got.front} == unbeaten
    assert got.best["number"] == int(rows["number"].iloc[goals[:, 0].argmax()])
    assert got.tried["allowed"] == len(rows)


def test_a_set_that_was_asked_for_again_is_one_of_the_best_once():
    trials = Trials()
    sets = {"a": [1, 2, 1, 3, 1], "b": [5, 5, 5, 5, 6]}
    figures = {"sharpe": [1.0, 0.5, 1.0, 0.9, 0.2], "max_drawdown": [-0.3, -0.1, -0.3, -0.3, -0.4]}
    trials.add(range(5), sets, {"figures": figures, "errors": {}, "rungs": {}, "seconds": 0.0})
    assert Judge(("sharpe", "max_drawdown")).front(trials) == [0, 1]
    assert Judge(("sharpe",)).front(trials) == [0]


def test_a_figure_that_should_be_low_is_made_low(search):
    got = search(objectives=["fees"])
    assert got.best["figures"]["fees"] == got.trial_table["fees"].min()


def test_learning_with_several_objectives_and_conditions_on_figures(search):
    ask = {"space": {"fast": "2:40", "slow": "5:120"}, "sampler": "tpe", "trials": 40, "seed": 2}
    got = search(objectives=["total_return", "max_drawdown"], constraints=["trades >= 8"], **ask)
    assert got.trial_table.set_index("number").loc[got.best["number"], "trades"] >= 8
    assert len(got.front) >= 1


def test_pruning_ends_hopeless_trials_and_not_the_best(search):
    ask = {"space": {"fast": "2:20", "slow": "25:60:5"}, "engine": "desk"}
    whole, pruned = search(path="a", **ask), search(path="b", prune=True, **ask)
    assert pruned.tried["ended_early"] > 20
    assert pruned.tried["done"] + pruned.tried["ended_early"] == whole.tried["trials"]
    done = pruned.trial_table[pruned.trial_table["state"] == "done"].set_index("number")
    same = whole.trial_table.set_index("number").loc[done.index]
    assert done["sharpe"].to_numpy() == pytest.approx(same["sharpe"].to_numpy())
    assert pruned.best["figures"]["sharpe"] >= whole.trial_table["sharpe"].quantile(0.9)
    with pytest.raises(UsageError, match="one objective"):
        search(path="c", prune=True, objectives=["sharpe", "max_drawdown"])


def test_several_symbols_each_have_their_own_account_and_the_figures_are_their_mean(search, bars):
    other = walk(400, seed=12, symbol="BBB")
    both = search(bars, other, path="a").trial_table
    alone = [search(b, path=f"{b.symbol}").trial_table for b in (bars, other)]
    assert both["sharpe"].to_numpy() == pytest.approx((alone[0]["sharpe"] + alone[1]["sharpe"]).to_numpy() / 2)
    assert both["max_drawdown"].to_numpy() == pytest.approx(
        np.minimum(alone[0]["max_drawdown"], alone[1]["max_drawdown"]).to_numpy()
    )
    assert both["trades"].to_numpy() == pytest.approx((alone[0]["trades"] + alone[1]["trades"]).to_numpy())
    desk = search(bars, other, path="desk", engine="desk").trial_table
    assert desk["sharpe"].to_numpy() == pytest.approx(both["sharpe"].to_numpy())


# --- proof ------------------------------------------------------------------------------------------------------------


def test_no_trial_sees_the_bars_that_are_held_back(search, bars):
    """From bar 280 on the market becomes another one: the search finds the same, only the proof differs."""
    later = np.arange(400) >= 280
    other = bars_from(
        **{
            f"{n}s": np.where(later, getattr(bars, n) ** 0.5, getattr(bars, n)).tolist()
            for n in ("open", "high", "low")
        },
        closes=np.where(later, bars.close**0.5, bars.close).tolist(),
    )
    for engine in ("desk", "kernel"):
        one, two = search(path=f"{engine}1", engine=engine), search(other, path=f"{engine}2", engine=engine)
        pd.testing.assert_frame_equal(one.trial_table, two.trial_table)
        assert one.best == two.best
        assert one.deflated_sharpe == two.deflated_sharpe
        assert one.out_of_sample != two.out_of_sample
        assert one.decided_at == pd.Timestamp(bars.ts[280], tz="UTC").isoformat()


def test_the_deflated_sharpe_ratio_is_that_of_bailey_and_lopez_de_prado(search, by_hand, bars):
    """Worked out again from the paper's formulas with scipy's distributions."""
    got = search()
    pair = tuple(got.best["params"].values())
    periods = observed_periods(bars.ts[:280])
    trials = np.array([r.metrics["sharpe"] for r in by_hand.values()]) / math.sqrt(periods)
    returns, count = returns_of(by_hand[pair].equity), len(trials)
    gamma = 0.5772156649015329
    best = trials.std(ddof=1) * (
        (1 - gamma) * stats.norm.ppf(1 - 1 / count) + gamma * stats.norm.ppf(1 - 1 / (count * math.e))
    )
    ratio = returns.mean() / returns.std(ddof=1)
    skew, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    spread = math.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2)
    wanted = stats.norm.cdf((ratio - best) * math.sqrt(len(returns) - 1) / spread)
    assert got.deflated_sharpe == pytest.approx(wanted, rel=1e-9)


def test_more_tries_on_the_same_bars_make_the_same_best_less_convincing(search):
    few = search(path="a", space={"fast": "2:8:2", "slow": "10:30:10"})
    best = few.best["params"]
    lone = search(path="b", space={"fast": [best["fast"]], "slow": [best["slow"], best["slow"] + 1]})
    assert lone.deflated_sharpe > few.deflated_sharpe


def test_what_was_held_back_is_traded_by_a_strategy_that_has_seen_what_came_before(search, bars):
    got = search()
    outside = got.out_of_sample
    assert outside["bars"] == 120
    assert outside["baseline"]["name"] == "buy_and_hold"
    assert outside["baseline"]["total_return"] == pytest.approx(0.95 * (bars.close[-1] / bars.open[281] - 1), abs=0.01)
    assert got.score == outside["sharpe"]


def test_without_a_holdout_nothing_is_proven_and_that_is_said(search):
    got = search(holdout=0.0)
    assert (got.out_of_sample, got.decided_at, got.beats_baseline) == ({}, "", False)
    assert "held back" not in got.selection["AAA"]["why"]


def test_the_outputs_go_through_the_journal_and_come_back(search, resumed):
    got = search(objectives=["sharpe", "max_drawdown"])
    back = resumed(got)
    pd.testing.assert_frame_equal(back["trial_table"], got.trial_table, check_categorical=False)
    for name in ("selection", "best", "front", "importance", "heatmap", "tried", "search", "out_of_sample"):
        assert back[name] == getattr(got, name), name


# --- insight ----------------------------------------------------------------------------------------------------------


def test_importance_and_map_of_a_sum_are_those_of_a_hand_calculation(monkeypatch, search):
    """Figure = 3 * fast + slow over fast 1..3 and slow 10, 20: variances 9 * 2/3 = 6 and 25."""
    from gpt_trader.slices.optimize import engines

    def added(job, sets):
        sums = [3.0 * fast + slow for fast, slow in zip(sets["fast"], sets["slow"], strict=True)]
        return Outcome(figures=dict.fromkeys(SWEPT, sums), errors={}, rungs={}, seconds=0.0)

    monkeypatch.setattr(engines, "_swept", added)
    monkeypatch.setattr("gpt_trader.slices.optimize.proof._agree", lambda *_: True)
    monkeypatch.setattr("gpt_trader.slices.optimize.insight.FEWEST", 6)
    got = search(space={"fast": "1:3", "slow": "10:20:10"})
    assert got.importance == {"slow": pytest.approx(25 / 31), "fast": pytest.approx(6 / 31)}
    assert got.heatmap == {
        "figure": "sharpe", "x": "fast", "y": "slow", "xs": [[1, 1], [2, 2], [3, 3]], "ys": [[10, 10], [20, 20]],
        "values": [[13.0, 16.0, 19.0], [23.0, 26.0, 29.0]],
    }  # fmt: skip


def test_a_map_of_many_values_is_binned_and_empty_where_nothing_was_tried(search):
    got = search(space={"fast": "2:60", "slow": "5:90"}).heatmap
    assert (len(got["xs"]), len(got["ys"])) == (24, 12)
    assert got["values"][0][-1] is None  # slow is never below fast
    assert got["xs"][0][0] == 2
    assert got["xs"][-1][1] == 60


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"strategy": "sma_crss"}, NotFound, "sma_crss"),
        ({"space": {"fats": "2:8"}}, ValidationError, "no parameter 'fats'"),
        ({"space": {}}, ValidationError, "no parameter to search"),
        ({"objectives": ["sharp"]}, ValidationError, "no figure 'sharp'"),
        ({"constraints": ["trades >= 9999"]}, ValidationError, "none of 12 sets keeps the constraints"),
        ({"constraints": ["slow < fast"]}, ValidationError, "no set of parameters fits"),
        (
            {"space": {"fast": "30:40", "slow": "10:20"}},
            ValidationError,
            r"'slow': 10\}: fast must be shorter than slow",
        ),
        ({"space": {"fast": "2.5:6.5:1"}}, ValidationError, r"2\.5\}: fast must be a valid integer"),
        ({"space": {"fast": "2:6:0"}}, ValidationError, "no range from 2 to 6 by 0"),
        ({"space": {"fast": "2:6"}, "fixed": {"fast": 3}}, ValidationError, "'fast' is both searched and fixed"),
        ({"strategy": "sleepy", "space": {"every": "500:502"}}, ValidationError, "closed no trade"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_its_reason(search, params, error, words):
    with pytest.raises(error, match=words):
        search(**params)


def test_a_trial_whose_strategy_fails_is_told_as_failed_and_the_others_count(search):
    got = search(strategy="sleepy", space={"every": "3:6"}, fixed={"raises": 4})
    assert got.trial_table["state"].tolist() == ["done", "failed", "done", "done"]
    assert "cursed" in got.trial_table["error"][1]
    assert got.tried["failed"] == 1
    with pytest.raises(ValidationError, match=r"every one of 1 trials failed.*cursed"):
        search(path="b", strategy="sleepy", space={"every": [4]}, fixed={"raises": 4})


def test_a_strategy_that_no_module_holds_is_searched_here(catalog, search):
    class Own(SmaCross):
        pass

    catalog.add("own", lambda: Own)
    assert len(search(strategy="own", engine="desk").trial_table) == 12
    with pytest.raises(UsageError, match="another process cannot load own"):
        search(path="b", strategy="own", engine="desk", executor="processes")
