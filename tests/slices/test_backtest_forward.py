"""Walking forward and drawing trades again, against accounts kept by hand; several strategies in one account."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.errors import NoBars, UsageError, ValidationError
from gpt_trader.core.frames import frame_of
from gpt_trader.core.market import Split
from gpt_trader.slices.backtest.luck import gains_of, places_of
from gpt_trader.slices.backtest.params import BacktestParams, ForwardParams, LuckParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.strategies.buy_and_hold import BuyAndHold
from gpt_trader.strategies.momentum import Momentum
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.forward import folds_of, trade_from
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Units
from tests.slices.market import bars_from, day, walk

FREE: dict[str, Any] = {"fee": 0.0, "slippage": 0.0}
TWO: list[Any] = [
    {"name": "sma_cross", "params": {"fast": 2, "slow": 5}},
    {"name": "sma_cross", "params": {"fast": 5, "slow": 20}},
]


@pytest.fixture
def slice_(strategies):
    return Backtest(strategies)


# --- several strategies -----------------------------------------------------------------------------------------------


def test_two_strategies_side_by_side_earn_what_each_earns_with_its_own_money(slice_, ctx):
    bars = walk(300, seed=3)
    mix: list[Any] = [
        {"strategy": "sma_cross", "params": {"fast": 3, "slow": 10}, "share": 0.4},
        {"strategy": "sma_cross", "params": {"fast": 5, "slow": 30}, "share": 0.5},
    ]
    both = slice_.execute(BacktestParams(bars=frame_of([bars]), mix=mix, **FREE), ctx)
    gained = 0.0
    for part in mix:
        alone = BacktestParams(
            bars=frame_of([bars]), strategy="sma_cross", params=part["params"], **FREE,
            sizes={"AAA": {"rule": f"sleeve:{part['share']}"}},
        )  # fmt: skip
        gained += slice_.execute(alone, ctx).final_equity - 100_000
    assert both.final_equity - 100_000 == pytest.approx(gained)
    assert set(both.trades["strategy"]) == {"sma_cross", "sma_cross#2"}


def test_a_part_of_a_mix_trades_only_its_symbols_and_money_without_a_name_is_shared(slice_, ctx):
    bars = [walk(80, seed=1), walk(80, seed=2, symbol="BBB")]
    mix: list[Any] = ["buy_and_hold", {"strategy": "sma_cross", "params": {"fast": 2, "slow": 5}, "symbols": ["BBB"]}]
    got = slice_.execute(BacktestParams(bars=frame_of(bars), mix=mix, **FREE), ctx)
    assert {(p["strategy"], p["symbol"]) for p in got.positions} >= {("buy_and_hold", "AAA"), ("buy_and_hold", "BBB")}
    assert set(got.trades["symbol"]) == {"BBB"}
    first = got.equity["exposure"].iloc[2]
    assert 0.4 < first < 0.99


@pytest.mark.parametrize(
    ("mix", "error", "words"),
    [
        ([{"strategy": "sma_cross", "share": 0.7}, {"strategy": "buy_and_hold", "share": 0.7}], ValidationError, "1.4"),
        ([{"name": "sma_cross"}], ValidationError, "no part of a mix"),
        ([{"strategy": "sma_cross", "symbols": ["ZZZ"]}], UsageError, "ZZZ"),
        ([{"strategy": "sma_cross", "share": 0}], ValidationError, "above 0"),
    ],
)
def test_a_mix_that_cannot_be_is_refused_with_its_reason(slice_, ctx, mix, error, words):
    with pytest.raises(error, match=words):
        slice_.execute(BacktestParams(bars=frame_of([walk(50, seed=1)]), mix=mix), ctx)


# --- walking forward --------------------------------------------------------------------------------------------------


def test_folds_are_equal_stretches_and_every_past_ends_before_its_stretch():
    moments = np.arange(100, 200, dtype=np.int64)
    anchored = folds_of(moments, 4, first=0.5)
    assert [f.test for f in anchored] == [(150, 162), (162, 175), (175, 187), (187, 200)]
    assert [f.train for f in anchored] == [(100, 150), (100, 162), (100, 175), (100, 187)]
    rolling = folds_of(moments, 4, first=0.5, rolling=True, gap=3)
    assert [f.train for f in rolling] == [(100, 147), (112, 159), (125, 172), (137, 184)]
    with pytest.raises(NoBars, match="10 bars cannot be cut into 9 folds"):
        folds_of(moments[:10], 9)


def test_each_stretch_is_traded_with_the_candidate_that_was_best_before_it(slice_, ctx):
    bars = walk(400, seed=5)
    got = slice_.walk_forward(ForwardParams(bars=frame_of([bars]), candidates=TWO, folds=3, **FREE), ctx)
    for row in got.walks:
        past = frame_of([bars.between(None, pd.Timestamp(row["test_from"]).value)])
        sharpes = [
            slice_.execute(BacktestParams(bars=past, strategy=c["name"], params=c["params"], **FREE), ctx).sharpe
            for c in TWO
        ]
        assert row["scores"] == pytest.approx(sharpes)
        assert row["params"] == TWO[int(np.argmax(sharpes))]["params"]
    assert got.equity["time"].iloc[0] == day(200)
    assert len(got.equity) == 200
    assert got.final_equity == pytest.approx(100_000 + got.trades["profit"].sum())


def test_later_bars_change_no_earlier_stretch(slice_, ctx):
    bars = walk(300, seed=6)
    other = bars_from(**{
        f"{name}s": np.where(np.arange(300) < 250, getattr(bars, name), getattr(bars, name) * 0.2).tolist()
        for name in ("close", "open", "high", "low")
    })  # fmt: skip
    ask: dict[str, Any] = {"candidates": TWO, "folds": 3, "first": 0.5}
    first, second = (slice_.walk_forward(ForwardParams(bars=frame_of([b]), **ask), ctx) for b in (bars, other))
    assert first.walks[:2] == second.walks[:2]
    assert first.walks[2]["scores"] == second.walks[2]["scores"]
    assert first.walks[2]["out_of_sample"] != second.walks[2]["out_of_sample"]


def test_a_stretch_by_hand_the_strategy_is_warm_and_what_it_holds_is_sold(slice_, ctx):
    """Averages of 1 and 2 closes: long after each rise. It is long before the stretch begins at bar 4."""
    bars = bars_from([10, 11, 12, 13, 14, 15, 14, 16])
    ask: dict[str, Any] = {
        "strategy": "sma_cross",
        "params": {"fast": 1, "slow": 2},
        "folds": 1,
        "sizes": {"AAA": {"rule": "units:10"}},
    }
    got = slice_.walk_forward(ForwardParams(bars=frame_of([bars]), cash=1000.0, baseline="", **ask, **FREE), ctx)
    # The wish of before is told at close 4 and bought at open 5 (14); the fall of bar 6 sells at open 7 (14).
    assert got.trades[["entry_price", "exit_price", "profit"]].to_numpy().tolist() == [[14.0, 14.0, 0.0]]
    assert got.equity["equity"].tolist() == [1000.0, 1010.0, 1000.0, 1000.0]
    assert got.equity["exposure"].tolist() == [0.0, 150 / 1010, 140 / 1000, 0.0]  # ten of it, at the close
    assert got.equity["net_exposure"].tolist() == got.equity["exposure"].tolist()


def test_a_split_in_the_middle_of_a_stretch_leaves_its_exposure_as_it_was():
    """900 shares at 100 of 100,000 become 1800 at 50."""
    bars = bars_from([100] * 5 + [50] * 4, opens=[100] * 5 + [50] * 4)
    config = BacktestConfig(actions=(Split("AAA", int(bars.ts[5]), 2, 1),), sizing=Units(Decimal(900)))
    got = trade_from([StrategySpec("hold", BuyAndHold)], [bars], int(bars.ts[2]), config=config)
    assert got.equity.tolist() == [100_000.0] * 7
    assert got.exposure[0].tolist() == pytest.approx([0.0, *[0.9] * 5, 0.0])


def test_the_baseline_is_bought_where_the_first_stretch_begins(slice_, ctx):
    bars = bars_from(list(range(100, 140)))
    got = slice_.walk_forward(
        ForwardParams(bars=frame_of([bars]), strategy="buy_and_hold", folds=2, sizes={"AAA": {"rule": "units:1"}}), ctx
    )
    assert len(got.trades) == 2  # once in each stretch
    assert got.equity["baseline"].iloc[-1] > got.equity["baseline"].iloc[0] == 100_000


def test_several_symbols_walk_forward_in_one_account(strategies, ctx, resumed):
    strategies.add("momentum", lambda: Momentum)
    bars = [walk(200, seed=1), walk(200, seed=2, symbol="BBB")]
    ask = ForwardParams(bars=frame_of(bars), candidates=["momentum", *TWO], folds=2)
    got = Backtest(strategies).walk_forward(ask, ctx)
    assert set(got.trades["symbol"]) == {"AAA", "BBB"}
    assert resumed(got)["walks"] == got.walks
    assert resumed(got)["metrics"] == got.metrics


# --- luck -------------------------------------------------------------------------------------------------------------


def trades_of(*profits: float) -> pd.DataFrame:
    times = [day(i) for i in range(len(profits))]
    return pd.DataFrame({"profit": list(profits), "exit_time": times})


def test_every_path_of_two_trades_is_one_of_the_four_that_there_are_each_as_often(slice_, ctx):
    """1,000 gains 100, then 1,100 loses 220: factors 1.1 and 0.8."""
    got = slice_.monte_carlo(LuckParams(trades=trades_of(100, -220), cash=1000.0, paths=40_000, ruin=0.7, seed=1), ctx)
    wanted = {round(1000 * a * b, 6): (a, b) for a, b in product((1.1, 0.8), repeat=2)}
    counts = got.paths["final_equity"].round(6).value_counts(normalize=True)
    assert set(counts.index) == set(wanted) == {1210.0, 880.0, 640.0}
    assert counts[1210.0] == pytest.approx(0.25, abs=0.01)
    assert counts[880.0] == pytest.approx(0.5, abs=0.01)
    assert got.risk_of_ruin == pytest.approx(0.25, abs=0.01)  # 640 is below 700
    assert got.luck["final_equity"]["mean"] == pytest.approx(1000 * 0.95**2, rel=0.01)
    assert got.luck["final_equity"]["p50"] == pytest.approx(880)
    assert set(got.paths["max_drawdown"].round(9)) == {0.0, -0.2, round(0.64 - 1, 9)}
    assert got.luck["actual"] == {
        "final_equity": pytest.approx(880), "max_drawdown": pytest.approx(-0.2),
        "paths_with_deeper_drawdown": pytest.approx(0.25, abs=0.01),
    }  # fmt: skip


def test_the_same_seed_draws_the_same_and_another_draws_others(slice_, ctx, resumed):
    trades = trades_of(*np.random.default_rng(4).normal(50, 400, 60))
    one, two, three = (slice_.monte_carlo(LuckParams(trades=trades, paths=200, seed=s), ctx) for s in (7, 7, 8))
    assert one.paths.equals(two.paths)
    assert not one.paths.equals(three.paths)
    assert resumed(one)["luck"] == one.luck


def test_blocks_keep_their_order_and_one_block_of_all_trades_is_a_turn_of_the_real_path():
    places = places_of(np.random.default_rng(0), 7, 21, block=7, paths=50)
    for row in places.reshape(50, 3, 7):
        assert all((np.diff(part) % 7 == 1).all() for part in row)
    assert places.min() == 0
    assert places.max() == 6


def test_the_real_trades_lead_to_the_real_final_equity(slice_, ctx):
    test = slice_.execute(
        BacktestParams(bars=frame_of([walk(300, seed=3)]), strategy="sma_cross", params={"fast": 3, "slow": 10}), ctx
    )
    gains = gains_of(test.trades, 100_000.0)
    assert 100_000 * np.prod(1 + gains) == pytest.approx(100_000 + test.trades["profit"].sum())


@pytest.mark.parametrize(
    ("trades", "words"),
    [
        (trades_of(), "no closed trade"),
        (pd.DataFrame({"gain": [1.0]}), "no column 'profit'"),
        (trades_of(-2000, 10), "did not live"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(slice_, ctx, trades, words):
    with pytest.raises(ValidationError, match=words):
        slice_.monte_carlo(LuckParams(trades=trades, cash=1000.0), ctx)


def test_an_account_that_lost_all_stays_at_nothing(slice_, ctx):
    got = slice_.monte_carlo(LuckParams(trades=trades_of(500, -1499), cash=1000.0, paths=500, length=30), ctx)
    assert got.paths["final_equity"].min() >= 0
    assert got.paths["max_drawdown"].min() >= -1
