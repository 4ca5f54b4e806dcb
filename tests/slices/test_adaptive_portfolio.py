"""Weights against hand calculation and skfolio itself; no decision sees the future, and one that does is caught."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.app.words import limits_of_words
from gpt_trader.core.bars import Bars
from gpt_trader.core.errors import BadData, ConfigError, GptTraderError, NoBars, NotFound, ValidationError
from gpt_trader.core.frames import frame_of, times_of
from gpt_trader.core.market import DAY
from gpt_trader.core.orders import BUY, SELL, Terms, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.slices.adaptive_portfolio import mix as mixing
from gpt_trader.slices.adaptive_portfolio.cells import after
from gpt_trader.slices.adaptive_portfolio.params import AllocateParams, RebalanceParams
from gpt_trader.slices.adaptive_portfolio.past import Past
from gpt_trader.slices.adaptive_portfolio.slice import AdaptivePortfolio
from gpt_trader.slices.adaptive_portfolio.tiers import TIERS, tier_of, tiers_of
from gpt_trader.slices.adaptive_portfolio.weights import Rule, capped_at, softened, turned, weights_of
from gpt_trader.slices.backtest.params import BacktestParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.slices.market_regime.params import RegimeParams
from gpt_trader.slices.market_regime.slice import MarketRegime
from tests.slices.market import FIRST, bars_from, day, walk

FREE = {"fee": 0.0, "slippage": 0.0}
ONE_TIER = [
    {"name": "any", "least_account": 0, "most_positions": 99, "most_weight": 1.0, "reserve": 0.0, "least_trade": 0.0}
]
QUICK = {"name": "sma_cross", "params": {"fast": 2, "slow": 5}}
BOTH = ["buy_and_hold", "sma_cross"]


def market(count: int = 400, *, seed: int = 1) -> list[Bars]:
    """Three symbols of different spread."""
    spreads = {"AAA": 0.01, "BBB": 0.02, "CCC": 0.03}
    return [walk(count, seed=seed + i, spread=s, symbol=n) for i, (n, s) in enumerate(spreads.items())]


def returns_of(bars: list[Bars]) -> np.ndarray:
    return np.column_stack([b.close[1:] / b.close[:-1] - 1 for b in bars])


@pytest.fixture
def portfolio(strategies):
    return AdaptivePortfolio(strategies, limits_of_words)


@pytest.fixture
def allocate(portfolio, ctx):
    return lambda bars, **more: portfolio.allocate(
        AllocateParams(**{"bars": frame_of(bars), "window": 60, "tiers": ONE_TIER, "band": 0.0, **more}), ctx
    )


@pytest.fixture
def rebalance(portfolio, ctx):
    return lambda bars, **more: portfolio.rebalance(
        RebalanceParams(**{"bars": frame_of(bars), "window": 60, "tiers": ONE_TIER, **more}), ctx
    )


@pytest.fixture
def regimes(ctx):
    return lambda bars: (
        MarketRegime()
        .detect(RegimeParams(bars=frame_of(bars), trend_bars=20, volatility_bars=10, memory_bars=100), ctx)
        .regimes
    )


# --- weights ----------------------------------------------------------------------------------------------------------


def test_equal_and_inverse_volatility_by_hand(allocate):
    bars = market()
    assert allocate(bars, allocation="equal").weights == pytest.approx(
        {"AAA": 0.95 / 3, "BBB": 0.95 / 3, "CCC": 0.95 / 3}
    )
    spread = returns_of(bars)[-60:].std(axis=0, ddof=1)
    want = 0.95 * (1 / spread) / (1 / spread).sum()
    assert list(allocate(bars).weights.values()) == pytest.approx(want.tolist())


def test_hierarchical_risk_parity_is_that_of_skfolio(allocate):
    optimization = pytest.importorskip("skfolio.optimization")
    bars = market()
    model = optimization.HierarchicalRiskParity().fit(
        pd.DataFrame(returns_of(bars)[-60:], columns=["AAA", "BBB", "CCC"])
    )
    got = allocate(bars, allocation="hrp").weights
    assert list(got.values()) == pytest.approx((0.95 * model.weights_).tolist())


@pytest.mark.parametrize("measure", ["variance", "semi_variance"])
def test_risk_parity_gives_every_symbol_the_same_part_of_the_risk(allocate, measure):
    pytest.importorskip("skfolio")
    bars = market()
    got = np.array(list(allocate(bars, allocation="risk_parity", risk_measure=measure).weights.values())) / 0.95
    assert got.sum() == pytest.approx(1)
    assert got[0] > got[1] > got[2]
    if measure == "variance":
        covariance = np.cov(returns_of(bars)[-60:], rowvar=False)
        parts = got * (covariance @ got) / (got @ covariance @ got)
        assert parts == pytest.approx(np.full(3, 1 / 3), abs=1e-3)


def test_the_least_variance_of_two_is_the_closed_form(allocate):
    pytest.importorskip("skfolio")
    bars = market()[:2]
    (a, c), (_, b) = np.cov(returns_of(bars)[-60:], rowvar=False)
    first = (b - c) / (a + b - 2 * c)
    got = allocate(bars, allocation="mean_risk").weights
    assert got["AAA"] == pytest.approx(0.95 * first, abs=1e-4)


def test_bounds_hold_for_every_rule(allocate):
    pytest.importorskip("skfolio")
    for allocation in ("equal", "inverse_volatility", "hrp", "risk_parity", "mean_risk"):
        got = allocate(market(), allocation=allocation, most_weight=0.4, least_weight=0.2).weights
        assert all(0.2 - 1e-6 <= w <= 0.4 + 1e-6 for w in got.values()), (allocation, got)
        assert sum(got.values()) == pytest.approx(0.95, abs=1e-6)
    assert sum(allocate(market(), most_weight=0.1).weights.values()) == pytest.approx(0.3)  # the rest stays in cash
    with pytest.raises(ValidationError, match=r"more than the 0\.95"):
        allocate(market(), least_weight=0.4)


def test_the_best_ratio_prefers_what_earned_more(allocate):
    pytest.importorskip("skfolio")
    up = bars_from((100 * np.cumprod(1 + np.tile([0.02, -0.01], 100))).tolist(), symbol="UP")
    down = bars_from((100 * np.cumprod(1 + np.tile([-0.02, 0.01, 0.0], 67)))[:200].tolist(), symbol="DOWN")
    got = allocate([up, down], allocation="mean_risk", objective="best_ratio").weights
    assert got["UP"] == pytest.approx(0.95, abs=1e-3)


def test_costs_keep_the_optimiser_near_what_is_held():
    pytest.importorskip("skfolio")
    returns, held = returns_of(market())[-60:], {"AAA": 0.3, "BBB": 0.3, "CCC": 0.35}
    names = list(held)

    def found(cost: float) -> dict[str, float]:
        rule = Rule(allocation="mean_risk", objective="best_ratio", cost=cost)
        return weights_of(names, returns, rule, total=0.95, held=held)

    assert turned(held, found(0.0)) > 0.15
    assert turned(held, found(0.01)) < 0.01


def test_without_skfolio_the_line_that_installs_it_is_named(allocate, monkeypatch):
    monkeypatch.setitem(sys.modules, "skfolio", None)
    with pytest.raises(ConfigError, match="allocation by hrp needs skfolio") as caught:
        allocate(market(), allocation="hrp")
    assert caught.value.hint == "pip install 'gpt-trader[portfolio]'"
    assert allocate(market()).weights  # the plain rules need nothing


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8), st.floats(0.05, 1.0), st.floats(0.0, 0.3))
def test_caps_and_floors_hold_and_the_sum_stays_where_it_can(wanted, most, floor):
    total = sum(wanted)
    got = capped_at(np.array(wanted), most, floor=min(floor, total / len(wanted)))
    assert (got <= most + 1e-9).all()
    assert got.sum() == pytest.approx(min(total, most * len(wanted)), abs=1e-6)


def test_a_turnover_that_is_too_large_is_walked_in_part():
    held, target = {"a": 0.5, "b": 0.5}, {"b": 0.2, "c": 0.8}
    assert turned(held, target) == pytest.approx(1.6)
    half = softened(held, target, most=0.8)
    assert half == pytest.approx({"a": 0.25, "b": 0.35, "c": 0.4})
    assert softened(held, target, most=2.0) == pytest.approx({"a": 0.0, "b": 0.2, "c": 0.8})


# --- tiers, lots, limits ----------------------------------------------------------------------------------------------


def test_an_account_has_the_tier_of_its_size():
    assert [tier_of(TIERS, v).name for v in (0, 2_499, 2_500, 25_000, 249_999, 1e9, -5)] == [
        "micro", "micro", "small", "medium", "medium", "large", "micro",
    ]  # fmt: skip
    with pytest.raises(ValidationError, match="no tier begins at 0"):
        tiers_of([{**ONE_TIER[0], "least_account": 10}])
    for wrong, said in (
        ({"most_positons": 3}, "unknown"), ({"most_weight": 0.0}, "nothing to hold"), ({"reserve": -1}, "0 or more"),
    ):  # fmt: skip
        with pytest.raises(ValidationError, match=said):
            tiers_of([{**ONE_TIER[0], **wrong}])
    with pytest.raises(ValidationError, match="'reserve' missing"):
        tiers_of([{k: v for k, v in ONE_TIER[0].items() if k != "reserve"}])


def test_a_small_account_holds_few_and_keeps_a_reserve(allocate):
    bars = [walk(200, seed=i, symbol=f"S{i}", drift=0.001 * i) for i in range(6)]
    small = allocate(bars, cash=2_000.0, tiers=[], allocation="equal")
    assert small.tier["name"] == "micro"
    kept = [s for s, w in small.weights.items() if w > 0]
    ratios = {b.symbol: r.mean() / r.std(ddof=1) for b in bars for r in [returns_of([b])[-60:, 0]]}
    assert set(kept) == set(sorted(ratios, key=lambda s: -ratios[s])[:3])
    assert sum(small.weights.values()) == pytest.approx(0.9)
    assert "at most 3 symbols" in small.reasons[0]
    assert sum("an account of this size holds at most 3" in reason for reason in small.reasons) == 3


def test_targets_are_whole_lots_within_the_most_money(allocate):
    got = allocate(market(), allocation="equal", lots={"AAA": 100.0, "CCC": 0.5}, max_notional=20_000.0)
    for target in got.targets:
        lot = {"AAA": 100.0, "BBB": 1.0, "CCC": 0.5}[target["symbol"]]
        assert target["units"] % lot == 0
        assert 0 < target["value"] <= 20_000.0
        assert target["value"] > 20_000.0 - lot * target["price"]


def test_orders_lead_from_what_is_held_to_the_targets_and_sales_come_first(allocate):
    bars = market()
    held = [
        {"symbol": "AAA", "quantity": 900.0, "strategy": "hold"},
        {"symbol": "BBB", "quantity": 1.0, "strategy": "hold"},
    ]
    got = allocate(bars, allocation="equal", positions=held)
    units = {p["symbol"]: p["quantity"] for p in held}
    for order in got.rebalance_orders:
        units[order["symbol"]] = (
            units.get(order["symbol"], 0) + (1 if order["side"] == "buy" else -1) * order["quantity"]
        )
    assert units == {t["symbol"]: t["units"] for t in got.targets}
    assert [o["side"] for o in got.rebalance_orders] == ["sell", "buy", "buy"]
    assert got.turnover == pytest.approx(sum(o["value"] for o in got.rebalance_orders) / 100_000)
    there = [{"symbol": t["symbol"], "quantity": t["units"], "strategy": "hold"} for t in got.targets]
    again = allocate(bars, allocation="equal", positions=there, band=0.01)
    assert again.rebalance_orders == []
    assert "Nothing: what is held is near enough." in again.sections[-1]["note"]


def test_a_position_of_the_only_strategy_there_is_need_not_name_it(allocate):
    bars = market()
    named = [{"symbol": "AAA", "quantity": 300, "strategy": "hold"}]
    got, asked = (allocate(bars, positions=held) for held in ([{"symbol": "AAA", "quantity": 300}], named))
    assert got.rebalance_orders == asked.rebalance_orders
    assert [t["symbol"] for t in got.targets] == ["AAA", "BBB", "CCC"]


@pytest.mark.parametrize("more", [{"caution": {"crisis": 1.5}}, {"caution": {"crisis": -0.1}}, {"lots": {"AAA": 0}}])
def test_caution_is_a_part_and_a_lot_is_above_nothing(allocate, more):
    with pytest.raises(pydantic.ValidationError, match="should be"):
        allocate(market(), **more)


@pytest.mark.parametrize("position", [{"quantity": 3}, {"symbol": "AAA"}, {"symbol": "AAA", "quantity": "many"}])
def test_what_is_no_position_is_refused_with_its_form(allocate, position):
    with pytest.raises(ValidationError, match="is no position") as error:
        allocate(market(), positions=[position])
    assert error.value.hint == "write {symbol: ..., quantity: ..., strategy: ...}"


def test_an_account_that_holds_more_than_it_is_worth_is_not_told_of_cash(allocate):
    bars = market()
    held = [{"symbol": "AAA", "quantity": 3 * 100_000 // bars[0].close[-1]}]
    got = allocate(bars, positions=held, most_turnover=0.5)
    assert sum(got.weights.values()) > 1.5
    told = [reason for reason in got.reasons if "more is held than one rebalancing may trade" in reason]
    assert len(told) == 1
    assert f"{sum(got.weights.values()):.0%}" in told[0]
    assert not any("stays in cash" in reason for reason in got.reasons)


def test_what_is_held_and_may_not_be_any_more_is_sold(allocate):
    bars = [*market(200), walk(100, seed=9, symbol="OLD")]  # OLD ended a hundred days ago
    got = allocate(bars, positions=[{"symbol": "OLD", "quantity": 5.0, "strategy": "hold"}], band=0.5)
    assert ("OLD", "sell", 5.0) in [(o["symbol"], o["side"], o["quantity"]) for o in got.rebalance_orders]
    assert any("OLD is left out: it has had no bar for" in reason for reason in got.reasons)


def test_symbols_that_cannot_be_weighed_are_named(allocate):
    flat, late = (
        bars_from([5.0] * 200, symbol="FLAT"),
        replace(walk(30, seed=3, symbol="NEW"), ts=FIRST + np.arange(170, 200) * DAY),
    )
    got = allocate([*market(200), flat, late])
    assert set(got.weights) == {"AAA", "BBB", "CCC"}
    told = " ".join(got.reasons)
    assert "FLAT is left out: its returns do not vary" in told
    assert "NEW is left out: fewer than 60 returns are known" in told
    with pytest.raises(NoBars, match=r"nothing can be weighed \(FLAT: its returns do not vary\)"):
        allocate([flat])
    with pytest.raises(NoBars, match="fewer than 60 returns"):
        allocate([walk(30, seed=1)])


def test_only_bars_that_are_over_at_the_decision_are_looked_at(allocate):
    bars = market(200)
    got = allocate(bars, decided_at=day(150).isoformat())
    same = allocate([b[:150] for b in bars])
    assert got.weights == same.weights
    assert got.targets == same.targets


# --- strategies -------------------------------------------------------------------------------------------------------


def test_a_strategy_gets_its_part_of_what_was_earned(allocate, strategies, ctx):
    """Against the backtest slice: each score is the Sharpe ratio of the last 60 returns, shrunk by 60 / (60 + 63)."""
    bars = walk(300, seed=4, drift=0.002)
    scores = {}
    for name in BOTH:
        params = BacktestParams(bars=frame_of([bars]), strategy=name, sizes={"AAA": {"rule": "cash:0.95"}}, cash=1e6)
        steps = Backtest(strategies).execute(params, ctx).equity["equity"].pct_change().dropna()[-60:]
        scores[name] = max(0.0, steps.mean() / steps.std() * np.sqrt(365.25) * 60 / (60 + 63))
    assert min(scores.values()) > 0
    got = allocate([bars], strategies=BOTH)
    want = {name: score / sum(scores.values()) for name, score in scores.items()}
    assert got.strategy_weights["AAA"] == pytest.approx(want, rel=1e-6)
    assert [t["weight"] for t in got.targets] == pytest.approx([0.95 * part for part in want.values()], rel=1e-6)


def test_a_loser_gets_nothing_and_where_none_earned_anything_all_get_the_same(allocate):
    steps = np.tile([-0.01, -0.005], 150)
    falling = bars_from((100 * np.cumprod(1 + steps)).tolist())
    got = allocate([falling], strategies=BOTH)  # holding loses, and the crossing never enters
    assert list(got.strategy_weights["AAA"].values()) == [0.5, 0.5]
    turn = np.concatenate([np.tile([-0.02, -0.01], 100), np.tile([0.01, 0.005], 20)])
    got = allocate([bars_from((1e4 * np.cumprod(1 + turn)).tolist())], strategies=["buy_and_hold", QUICK])
    assert got.strategy_weights["AAA"] == {"buy_and_hold": 0.0, "sma_cross fast=2 slow=5": 1.0}


def labelled(bars: list[Bars], label) -> pd.DataFrame:
    rows = [
        pd.DataFrame({"symbol": b.symbol, "time": times_of(b.ts), "label": [label(i) for i in range(len(b))]})
        for b in bars
    ]
    return pd.concat(rows, ignore_index=True)


def test_the_present_regime_decides_which_strategy_is_trusted(allocate):
    """In one regime holding earns, in the other it loses while the crossing is out: each is weighed by its own."""
    leg = np.concatenate([np.tile([0.02, -0.01], 30), np.tile([-0.02, 0.01], 30)])
    bars = bars_from((100 * np.cumprod(1 + np.tile(leg, 4))).tolist())
    calm, rough = (
        allocate(
            [bars[:end]],
            strategies=BOTH,
            regimes=labelled([bars], lambda i: "up" if i % 120 < 60 else "down"),
            caution={},
        )
        for end in (420, 480)
    )
    assert calm.targets[0]["regime"] == "up"
    assert rough.targets[0]["regime"] == "down"
    assert calm.strategy_weights["AAA"]["buy_and_hold"] > rough.strategy_weights["AAA"]["buy_and_hold"]


def test_caution_holds_less_of_a_symbol_in_a_crisis(allocate):
    bars = market(200)
    labels = labelled(bars, lambda i: "range")
    labels.loc[labels["symbol"] == "BBB", "label"] = "crisis"
    plain = allocate(bars, caution={}, regimes=labels)
    careful = allocate(bars, regimes=labels)
    assert careful.weights["BBB"] == pytest.approx(plain.weights["BBB"] / 2)
    assert careful.weights["AAA"] == pytest.approx(plain.weights["AAA"])
    with pytest.raises(ValidationError, match="no column 'label'"):
        allocate(bars, regimes=labels.drop(columns="label"))


def test_a_strategy_that_is_out_gets_no_units(allocate):
    falls = bars_from((100 * 0.99 ** np.arange(200.0) * (1 + 0.001 * (np.arange(200) % 2))).tolist())
    got = allocate([falls], strategies=["sma_cross"])
    assert got.weights["AAA"] > 0.9
    assert [(t["state"], t["units"]) for t in got.targets] == [(0, 0.0)]


def test_wrong_strategies_are_errors_with_their_cure(allocate):
    with pytest.raises(NotFound, match="sma_crss"):
        allocate(market(), strategies=["sma_crss"])
    with pytest.raises(ValidationError, match="is no strategy"):
        allocate(market(), strategies=[{"nam": "sma_cross"}])
    with pytest.raises(ValidationError, match="named twice"):
        allocate(market(), strategies=["sma_cross", "sma_cross"])


@pytest.mark.parametrize(
    ("state", "side", "quantity", "target", "want"),
    [
        (0, BUY, None, True, 1), (1, SELL, 0, True, 0), (1, SELL, None, True, -1), (0, SELL, 5.0, False, -1),
        (1, SELL, 5.0, False, 0), (-1, BUY, 5.0, False, 0), (1, BUY, 5.0, False, 1), (1, BUY, 0, False, 1),
    ],
)  # fmt: skip
def test_signals_lead_from_state_to_state(state, side, quantity, target, want):
    assert after(state, TradeSignal("A", side, quantity, target=target)) == want


# --- over time --------------------------------------------------------------------------------------------------------


def test_holding_one_symbol_by_hand(rebalance):
    """The first decision knows 60 returns; it buys at the next open, and a band of 1 % leaves small drifts alone."""
    prices = [100.0, 101.0] * 31 + [100.0, 110.0, 121.0]
    got = rebalance([bars_from(prices)], cash=10_000.0, invested=0.5, band=0.01, every=2, **FREE)
    equity = got.equity["equity"].tolist()
    # 60 moments are looked at; the decision at bar 60 (100) buys 50 at the open of bar 61 (100), whose close is 101.
    assert equity[:2] == [10_000.0, 10_050.0]
    assert got.equity["time"].iloc[0] == day(60)
    first, second = got.rebalances[:2]
    assert (first["time"][:10], first["weights"], first["turnover"]) == (str(day(61))[:10], {"AAA": 0.5}, 0.5)
    assert second["turnover"] == pytest.approx(abs(0.5 - 5_000 / 10_000))


def test_weights_are_kept_near_their_targets_and_far_ones_are_traded(rebalance):
    bars = market(500)
    got = rebalance(bars, every=20, band=0.01, **FREE)
    history = got.weight_history
    assert history.groupby("time")["weight"].sum().to_numpy() == pytest.approx(0.95)
    assert len(got.rebalances) == history["time"].nunique() == 22
    assert got.trade_count == 0  # positions are made larger and smaller, none is closed
    assert got.equity["exposure"].iloc[3:].between(0.7, 1.0).all()  # what shrinks is sold a bar before what grows
    assert got.equity["exposure"].iloc[3:].median() == pytest.approx(0.95, abs=0.01)
    wide = rebalance(bars, every=20, band=0.5, **FREE)
    assert wide.metrics["fills"] == 3.0  # the band is too wide for anything after the first purchase
    assert got.metrics["fills"] > 10


def test_turnover_is_capped(rebalance):
    bars = market(500)
    free, capped = (rebalance(bars, every=20, band=0.0, most_turnover=m, **FREE) for m in (2.0, 0.05))
    later = [r["turnover"] for r in capped.rebalances[1:]]
    assert max(later) <= 0.05 + 1e-9
    assert max(r["turnover"] for r in free.rebalances[1:]) > 0.05
    assert capped.metrics["turnover"] < free.metrics["turnover"]


def test_lots_and_the_most_money_hold_on_the_desk(rebalance):
    got = rebalance(market(300), lots={"AAA": 50.0}, max_notional=10_000.0, every=20)
    held = {p["symbol"]: p["quantity"] for p in got.positions}
    assert held["AAA"] % 50 == 0
    assert set(held) == {"AAA", "BBB", "CCC"}
    assert max(w * r["equity"] for r in got.rebalances for w in r["weights"].values()) <= 10_000.0 + 1e-6
    assert got.provenance["policy"]["max_notional"] == 10_000.0


def test_the_limits_of_the_guard_hold_as_well(rebalance):
    got = rebalance(market(200), limits={"max_quantity": 1})
    assert {r["code"] for r in got.refusals} == {"max_quantity"}
    assert rebalance(market(200), limits="standard").details["limits"] == "standard"


def test_strategies_share_the_account_and_their_trades_are_told_apart(rebalance, regimes):
    bars = market(600)
    got = rebalance(bars, strategies=BOTH, regimes=regimes(bars), every=20)
    assert set(got.weight_history["strategy"]) == set(BOTH)
    assert set(got.trades["strategy"]) <= set(BOTH)
    assert "sma_cross" in set(got.trades["strategy"])
    shares = [r["strategies"]["AAA"]["sma_cross"] for r in got.rebalances]
    assert max(shares) > min(shares)
    assert {s["title"] for s in got.sections} == {"Weights by symbol", "Weights by strategy", "Rebalancings"}
    assert got.equity["exposure"].max() < 1.0


def test_one_symbol_that_is_listed_later_joins_when_enough_is_known(rebalance):
    bars = market(300)
    late = replace(bars[2][150:], symbol="LATE")
    got = rebalance([*bars[:2], late], every=10)
    joined = got.weight_history.query("symbol == 'LATE' and weight > 0")["time"].min()
    assert day(210) < joined <= day(222)
    assert got.rebalances[0]["left_out"] == {"LATE": "fewer than 60 returns are known"}


class Guarded(TradingStrategyPlugin):
    """Buys once, with a stop at 60."""

    bought = False

    def on_market_data(self, market_data):
        if self.bought:
            return None
        self.bought = True
        return TradeSignal(market_data.symbol, BUY, terms=Terms(stop_loss=60.0), target=True)


def test_what_a_rebalancing_adds_has_the_stop_of_the_entry_and_what_it_takes_away_makes_none(rebalance, strategies):
    strategies.add("guarded", lambda: Guarded)
    wiggle = 100 + np.tile([0.0, 1.0], 31)
    closes = np.concatenate((wiggle, np.linspace(100, 70, 30), np.linspace(70, 130, 30), np.linspace(130, 50, 9)))
    got = rebalance([bars_from(closes.tolist())], strategies=["guarded"], every=5, most_weight=0.5, **FREE)
    assert len(got.rebalances) > 10
    assert got.trades["quantity"].sum() > 500  # more than the 500 of half of 100,000 at 100: some was added on the way
    assert got.positions == []
    assert got.refusals == []


def test_where_an_optimiser_finds_no_weights_those_before_are_kept_and_it_is_said(rebalance, allocate, monkeypatch):
    optimization = pytest.importorskip("skfolio.optimization")
    honest, calls = optimization.HierarchicalRiskParity.fit, []

    def moody(model, table, *more):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("the solver failed")
        return honest(model, table, *more)

    monkeypatch.setattr(optimization.HierarchicalRiskParity, "fit", moody)
    got = rebalance(market(200), allocation="hrp", every=20)
    assert got.rebalances[2]["weights"] == got.rebalances[1]["weights"]
    assert "the solver failed" in got.rebalances[2]["note"]
    assert [bool(r["note"]) for r in got.rebalances].count(True) == 1
    assert "No weights were found 1 times" in got.sections[-1]["note"]
    calls[:] = [1, 1]
    with pytest.raises(GptTraderError, match="hrp found no weights for AAA, BBB, CCC") as caught:
        allocate(market(), allocation="hrp")
    assert "inverse_volatility" in str(caught.value.hint)


def test_too_few_bars_and_a_flat_market_are_errors_with_their_cure(rebalance):
    with pytest.raises(NoBars, match="leave none to trade after the 60"):
        rebalance(market(61))
    with pytest.raises(NoBars, match=r"nothing can be weighed \(AAA: its returns do not vary\)"):
        rebalance([bars_from([5.0] * 100)], every=10)
    with pytest.raises(BadData, match="100 of the 100 bars of AAA have no usable price"):
        rebalance([bars_from([float("nan")] * 100)])
    with pytest.raises(BadData):
        rebalance([bars_from([1.0])])


def test_the_outputs_survive_the_journal_and_come_again(rebalance, portfolio, ctx, resumed, regimes):
    bars = market(250)
    labels = regimes(bars)
    got = rebalance(bars, strategies=BOTH, regimes=labels)
    back = resumed(got)
    for name, value in got.__dict__.items():
        same = value.equals(back[name]) if isinstance(value, pd.DataFrame) else value == back[name]
        assert same, name
    again = rebalance(bars, strategies=BOTH, regimes=labels)
    assert again.equity.equals(got.equity)
    inputs = {"bars": frame_of(bars), "regimes": labels, "positions": back["positions"], "sections": back["sections"]}
    made = portfolio.allocate(AllocateParams(**inputs, window=60, cash=got.final_equity), ctx)
    assert resumed(made) == made.__dict__
    assert made.sections[: len(got.sections)] == got.sections


# --- the future -------------------------------------------------------------------------------------------------------

CUT = 262


def foreseen(rebalance, regimes, *, labels=None, **more) -> list[str]:
    """What differs before a moment between a run over all bars and one over the bars up to it: nothing should."""
    bars = market(330)
    early = [b[:CUT] for b in bars]
    whole, part = (
        rebalance(b, every=10, strategies=BOTH, regimes=(labels or regimes)(b), **more) for b in (bars, early)
    )
    known = whole.weight_history[whole.weight_history["time"] <= part.weight_history["time"].max()]
    assert len(part.rebalances) > 15
    differing = []
    if not known.reset_index(drop=True).equals(part.weight_history):
        differing.append("weights")
    if not whole.equity["equity"].iloc[: len(part.equity)].equals(part.equity["equity"]):
        differing.append("equity")
    return differing


@pytest.mark.parametrize("allocation", ["inverse_volatility", pytest.param("hrp", marks=pytest.mark.soak)])
def test_no_bar_of_the_future_changes_a_weight_or_a_trade(rebalance, regimes, allocation):
    if allocation == "hrp":
        pytest.importorskip("skfolio")
    assert foreseen(rebalance, regimes, allocation=allocation) == []


def test_a_look_into_later_prices_is_caught(rebalance, regimes, monkeypatch):
    honest = Past.row
    monkeypatch.setattr(Past, "row", lambda past, now: min(honest(past, now) + 5, len(past.moments) - 1))
    assert "weights" in foreseen(rebalance, regimes)


def test_a_look_into_later_results_of_strategies_is_caught(rebalance, regimes, monkeypatch):
    honest = mixing.shadow_of

    def early(*args):
        shadow = honest(*args)
        return replace(shadow, known=shadow.known - 30 * DAY)

    monkeypatch.setattr(mixing, "shadow_of", early)
    assert "weights" in foreseen(rebalance, regimes)


def test_labels_that_know_the_future_are_caught(rebalance, regimes):
    def smoothed(bars):
        """Each bar has the label of thirty bars later, as a smoother would give."""
        found = regimes(bars)
        found["label"] = found.groupby("symbol")["label"].shift(-30).fillna("unknown")
        return found

    assert "weights" in foreseen(rebalance, regimes, labels=smoothed)
