"""The backtest slice against accounts kept by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError as Invalid

from gpt_trader.core.errors import BadData, ConfigError, NoBars, NotFound, UsageError, ValidationError
from gpt_trader.core.frames import frame_of, said_of
from gpt_trader.core.market import DAY
from gpt_trader.slices.backtest.params import BacktestParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.trading.forward import trade_from
from gpt_trader.trading.requests import config_of, specs_of
from tests.slices.market import FIRST, bars_from, day, walk

FREE = {"fee": 0.0, "slippage": 0.0}
HOLD = {"AAA": {"strategy": "buy_and_hold", "params": {}}}


@pytest.fixture
def run(strategies, ctx):
    return lambda *bars, **more: Backtest(strategies).execute(BacktestParams(bars=frame_of(bars), **more), ctx)


def test_buy_and_hold_by_hand(run):
    got = run(bars_from([100, 110, 120, 90]), selection=HOLD, sizes={"AAA": {"rule": "units:10"}}, cash=2000.0, **FREE)
    assert got.equity["equity"].tolist() == [2000.0, 2100.0, 2200.0, 1900.0]  # 10 bought at the second open, 100
    assert (got.final_equity, got.total_return, got.trade_count) == (1900.0, -0.05, 0)
    assert got.max_drawdown == pytest.approx(1900 / 2200 - 1)
    assert [(p["strategy"], p["symbol"], p["quantity"]) for p in got.positions] == [("buy_and_hold", "AAA", 10.0)]


def test_exposure_is_what_is_held_as_a_part_of_the_equity(run, strategies):
    got = run(bars_from([100, 110, 120, 90]), selection=HOLD, sizes={"AAA": {"rule": "units:10"}}, cash=2000.0, **FREE)
    assert got.equity["exposure"].tolist() == pytest.approx([0.0, 1100 / 2100, 1200 / 2200, 900 / 1900])
    from gpt_trader.strategies.pairs import Pairs

    strategies.add("pairs", lambda: Pairs)
    both = run(
        walk(200, seed=1), walk(200, seed=2, symbol="BBB"), strategy="pairs", params={"window": 10}, baseline="", **FREE
    )
    gross, net = both.equity["exposure"], both.equity["net_exposure"]
    assert (net.abs() < 0.2 * gross)[gross > 0.5].all()  # long one and short the other for about the same money
    assert (gross > 0.5).any()
    assert (gross[gross.diff() == 0] == 0).all()  # while something is held, the prices move it


def test_alpha_and_beta_are_those_against_the_baseline(run):
    got = run(walk(300, seed=9), selection=HOLD, sizes={"AAA": {"rule": "sleeve:0.475"}}, **FREE)
    assert got.metrics["beta"] == pytest.approx(0.5, abs=0.02)  # half of what the baseline holds
    assert "alpha" not in run(walk(300, seed=9), selection=HOLD, baseline="", **FREE).metrics


def test_costs_are_those_that_were_named(run):
    got = run(
        bars_from([100, 100, 100]), strategy="buy_and_hold", sizes={"AAA": {"rule": "units:10"}},
        cash=2000.0, fee=0.01, slippage=0.001, spread=0.002, baseline="",
    )  # fmt: skip
    price = 100 * (1 + 0.001 + 0.002 / 2)
    assert got.final_equity == pytest.approx(2000 - 10 * (price - 100) - 10 * price * 0.01)


def test_closed_trades_are_rows_with_times_prices_and_gain(run):
    closes = [10, 10, 10, 11, 13, 16, 14, 11, 8, 8, 8]
    got = run(bars_from(closes), strategy="sma_cross", params={"fast": 2, "slow": 3}, cash=1000.0, **FREE)
    (trade,) = got.trades.to_dict("records")
    # The fast average is above the slow one from the close of day 3 on, and below it again at that of day 7.
    assert (trade["entry_time"], trade["exit_time"]) == (day(4), day(8))
    assert (trade["entry_price"], trade["exit_price"], trade["side"], trade["strategy"]) == (
        11.0,
        11.0,
        "long",
        "sma_cross",
    )
    assert (trade["quantity"], trade["profit"], trade["gain"]) == (86.0, 0.0, 0.0)  # 950 / 11 in whole shares


def test_only_bars_from_the_decision_on_are_traded_and_it_is_said(run):
    bars = bars_from([1, 2, 3, 100, 110, 120])
    got = run(
        bars, selection=HOLD, sizes={"AAA": {"rule": "units:1"}}, decided_at=day(3).isoformat(), cash=500.0, **FREE
    )
    assert got.equity["time"].tolist() == [day(3), day(4), day(5)]
    assert got.equity["equity"].tolist() == [500.0, 510.0, 520.0]
    assert (got.period["out_of_sample"], got.period["bars"]) == (True, 3)
    assert got.period["words"].endswith("out of sample: the strategies were chosen once, on earlier bars alone")
    assert [d["bars"] for d in got.provenance["data"]] == [6]  # the strategy has seen what was before


def test_one_named_strategy_over_all_bars_is_said_to_be_in_sample(run):
    got = run(bars_from([1, 2, 3]), strategy="buy_and_hold")
    assert got.period["words"] == "2000-01-01 to 2000-01-03, in sample: nothing was held back"


def test_a_strategy_has_seen_what_was_before_the_decision_as_when_it_walks_forward(run, strategies):
    bars = walk(300, seed=7)
    asked: dict[str, Any] = {"strategy": "sma_cross", "params": {"fast": 5, "slow": 30}, "close_at_end": "close"}
    got = run(bars, decided_at=day(100).isoformat(), **asked)
    params = BacktestParams(bars=frame_of([bars]), **asked)
    forward = trade_from(
        specs_of(params, strategies, ["AAA"]), [bars], FIRST + 100 * DAY, config=config_of(params, [bars], "none")
    )
    assert got.equity["equity"].tolist() == forward.equity.tolist()
    assert got.trade_count == len(forward.trades) == 3
    # As many bars as its longest average needs are enough, and none that come after the end.
    near = run(bars[60:], decided_at=day(100).isoformat(), **asked)
    assert near.equity["equity"].equals(got.equity["equity"])
    early = run(bars[:250], decided_at=day(100).isoformat(), **asked | {"close_at_end": "no"})
    assert early.equity["equity"].tolist()[:-1] == got.equity["equity"].tolist()[:149]
    days = (60, 120, 180)
    warm = [run(bars, decided_at=day(d).isoformat(), **asked).final_equity for d in days]
    assert warm != [run(bars[d:], **asked).final_equity for d in days]  # which have no averages yet, and enter later


@pytest.mark.parametrize(
    ("size", "problem"),
    [
        ({"stop_atrs": 2.0}, "a stop needs atr_bars"),
        ({"stop_atrs": -2.0, "atr_bars": 14}, "stop_atrs must be greater than 0"),
        ({"stop_atrs": 2.0, "atr_bars": 0}, "atr_bars must be greater than or equal to 1"),
        ({"lot": 0}, "lot must be greater than 0"),
        ({"lot": "x"}, "lot must be a valid number"),
        ({"rule": 5}, "rule must be a valid string"),
    ],
)
def test_what_is_no_size_is_refused_before_anything_is_traded(size, problem):
    with pytest.raises(Invalid, match=f"of AAA: {problem}"):
        BacktestParams(bars=None, sizes={"AAA": size})


def test_a_stop_by_risk_is_as_far_as_what_was_seen_before_the_decision_says(run):
    bars = walk(200, seed=3)
    size = {"AAA": {"rule": "risk:0.01", "stop_atrs": 2.0, "atr_bars": 14, "lot": 1.0}}
    asked = {"strategy": "buy_and_hold", "sizes": size, "baseline": "", **FREE}
    got = run(bars, decided_at=day(120).isoformat(), **asked)
    spans = [max(bars.high[i], bars.close[i - 1]) - min(bars.low[i], bars.close[i - 1]) for i in range(1, 121)]
    value = sum(spans[:14]) / 14
    for span in spans[14:]:
        value += (span - value) / 14
    held = got.trades["quantity"].iloc[0] if len(got.trades) else got.positions[0]["quantity"]
    stop = round(bars.close[120] - 2 * value, 2)
    assert held == int(1_000 / (bars.close[120] - stop))  # one per cent of 100,000 is lost at the stop


def test_every_symbol_trades_its_own_strategy_on_one_account(run):
    first, second = bars_from([10, 10, 12]), bars_from([5, 4, 3], symbol="BBB")
    got = run(
        first, second, cash=1000.0, **FREE,
        selection=HOLD | {"BBB": {"strategy": "buy_and_hold", "params": {"quantity": 10.0}}},
        sizes={"AAA": {"rule": "cash:0.5"}},
    )  # fmt: skip
    assert got.equity["equity"].tolist() == [1000.0, 1000 - 10, 1000 + 100 - 20]
    assert got.baseline_metrics["name"] == "buy_and_hold"
    # The baseline puts 475 into each: 47 at 10 and 95 at 5.
    assert got.equity["baseline"].tolist() == [1000.0, 1000 - 95, 1000 + 94 - 190]


def test_sizing_by_risk_puts_the_stop_into_the_market(run):
    """True range 2, so the stop is 4 below; one per cent of 100,000 is 250 units; it is hit within the third bar."""
    bars = bars_from([100] * 2 + [94], opens=[100] * 3, highs=[101] * 3, lows=[99, 99, 93])
    sizes = {"AAA": {"rule": "risk:0.01", "atr_bars": 14, "stop_atrs": 2.0, "atr": 2.0}}
    got = run(bars, selection=HOLD, sizes=sizes, **FREE)
    (trade,) = got.trades.to_dict("records")
    assert (trade["quantity"], trade["entry_price"], trade["exit_price"]) == (250.0, 100.0, 96.0)
    assert got.final_equity == 99_000.0
    assert got.provenance["strategies"][0]["source"]  # the hash is that of the strategy inside


def test_a_sleeve_trades_its_own_money_whatever_the_others_made(run):
    """AAA grows tenfold; BBB loses a fifth in its first trade and enters its second with what is left of its half."""
    grows = bars_from(np.linspace(10, 100, 12).tolist())
    swings = bars_from([10, 10, 10, 11, 12, 9, 8, 8, 8, 9, 10, 10], symbol="BBB")
    chosen = HOLD | {"BBB": {"strategy": "sma_cross", "params": {"fast": 2, "slow": 3}}}
    sizes = {name: {"rule": "sleeve:0.5"} for name in ("AAA", "BBB")}
    got = run(grows, swings, selection=chosen, sizes=sizes, cash=10_000.0, **FREE)
    first = got.trades[got.trades["symbol"] == "BBB"].iloc[0]
    assert (first["quantity"], first["entry_price"], first["exit_price"]) == (454.0, 11.0, 9.0)  # 5,000 / 11
    held = {p["symbol"]: p["quantity"] for p in got.positions}
    assert held == {"AAA": 500.0, "BBB": 454.0}  # 5,000 - 454 * 2 = 4,092, and 4,092 / 9 = 454.6
    assert got.refusals == []


def test_a_strategy_that_sees_all_symbols_together_gets_them_on_one_seat(run, strategies):
    from gpt_trader.strategies.pairs import Pairs

    strategies.add("pairs", lambda: Pairs)
    one, two = walk(200, seed=1), walk(200, seed=2, symbol="BBB")
    got = run(one, two, strategy="pairs", params={"window": 10})
    assert set(got.trades["symbol"]) == {"AAA", "BBB"}
    assert set(got.trades["side"]) == {"long", "short"}
    with pytest.raises(UsageError, match="sized alike"):
        run(one, two, strategy="pairs", sizes={"AAA": {"rule": "units:1"}})


def test_a_symbol_in_lots_is_traded_in_lots(run):
    got = run(
        bars_from([10, 10]), selection=HOLD, sizes={"AAA": {"rule": "cash:0.5", "lot": 100.0}}, cash=5000.0, **FREE
    )
    assert got.positions[0]["quantity"] == 200.0  # 2,500 pay for 250


def test_what_the_market_did_not_fill_is_told(run):
    got = run(bars_from([100, 100]), selection=HOLD, sizes={"AAA": {"rule": "units:50"}}, cash=1000.0, **FREE)
    assert [(r["symbol"], r["code"], r["count"]) for r in got.refusals] == [("AAA", "buying_power", 1)]
    assert got.trade_count == 0


def test_tables_keep_their_columns_when_nothing_was_traded(run, resumed):
    got = run(bars_from([10, 10, 10]), strategy="sma_cross", **FREE)
    assert len(got.trades) == 0
    again = resumed(got)
    assert list(again["trades"].columns) == list(got.trades.columns)
    assert (got.sharpe, got.score) == (None, 0.0)


def test_inputs_that_went_through_the_journal_give_the_same_result(run, strategies, ctx, resumed):
    bars = walk(400, seed=3)
    table = frame_of([bars])
    first = Backtest(strategies).execute(
        BacktestParams(bars=table, data_provenance={"AAA": said_of(bars)}, strategy="sma_cross"), ctx
    )
    from gpt_trader.core.slices import Outputs

    class Sent(Outputs):
        bars: object
        data_provenance: dict

    sent = resumed(Sent(bars=table, data_provenance={"AAA": said_of(bars)}))
    second = Backtest(strategies).execute(BacktestParams(**sent, strategy="sma_cross"), ctx)
    one, two = resumed(first), resumed(second)
    for name, value in one.items():
        assert value.equals(two[name]) if isinstance(value, pd.DataFrame) else value == two[name], name


def test_metrics_agree_with_those_worked_out_apart(run):
    got = run(walk(500, seed=5, drift=0.001), strategy="buy_and_hold")
    equity = got.equity["equity"]
    steps = equity.pct_change().dropna()
    year = 365.25  # one bar a day
    assert got.sharpe == pytest.approx(steps.mean() / steps.std() * np.sqrt(year), rel=1e-9)
    assert got.score == got.sharpe
    assert got.max_drawdown == pytest.approx((equity / equity.cummax() - 1).min())


def test_wrong_requests_are_errors_with_their_cure(run):
    bars = bars_from([1, 2, 3])
    with pytest.raises(UsageError, match="no strategy is named for AAA"):
        run(bars)
    with pytest.raises(NotFound, match="buy_n_hold"):
        run(bars, strategy="buy_n_hold")
    with pytest.raises(NoBars, match="no two bars from") as caught:
        run(bars, strategy="buy_and_hold", decided_at=day(2).isoformat())
    assert "train" in str(caught.value.hint)
    for rule in ("all-in", "sleeve:2", "sleeve:half"):
        with pytest.raises(ConfigError, match="not a way of sizing"):
            run(bars, selection=HOLD, sizes={"AAA": {"rule": rule}})


def test_a_symbol_without_any_price_is_a_fault_of_the_data_and_single_gaps_are_not(run):
    with pytest.raises(BadData, match="3 of the 3 bars of AAA have no usable price"):
        run(bars_from([float("nan")] * 3), strategy="buy_and_hold")
    assert run(bars_from([10.0, float("nan"), 11.0, 12.0]), strategy="buy_and_hold").final_equity > 0


def test_splits_and_dividends_that_are_not_in_the_prices_reach_the_ledger(run):
    bars = bars_from([100, 100, 50, 50, 60], opens=[100, 100, 50, 50, 60])
    told = [
        {"symbol": "AAA", "day": "", "ns": FIRST + 2 * DAY, "kind": "split", "new": 2, "old": 1},
        {"symbol": "AAA", "day": "", "ns": FIRST + 3 * DAY, "kind": "dividend", "amount": "1.5"},
        {"symbol": "OTHER", "day": "", "ns": FIRST + 3 * DAY, "kind": "dividend", "amount": "9"},
    ]
    asked = {"selection": HOLD, "sizes": {"AAA": {"rule": "units:10"}}, "cash": 2000.0, **FREE}
    got = run(bars, actions=told, **asked)
    # 10 shares at 100 become 20 at 50; each pays 1.5; then they are worth 60.
    assert got.equity["equity"].tolist() == [2000.0, 2000.0, 2000.0, 2030.0, 2230.0]
    assert got.equity["exposure"].tolist() == pytest.approx([0.0, 0.5, 0.5, 1000 / 2030, 1200 / 2230])
    assert got.positions[0]["quantity"] == 20.0
    assert got.details["per_symbol"]["AAA"]["dividends"] == 30.0
    # The baseline is paid, too: 19 shares become 38.
    assert got.equity["baseline"].tolist() == [2000.0, 2000.0, 2000.0, 2057.0, 2437.0]
    assert run(bars, **asked).equity["equity"].iloc[-1] == 1600.0  # who says nothing of them has half the shares
    # Before the decision nothing is held, so nothing is paid.
    late = run(bars, actions=told, decided_at=day(3).isoformat(), **asked)
    assert late.details["per_symbol"]["AAA"]["dividends"] == 0.0
    with pytest.raises(ValidationError, match="no splits and dividends"):
        run(bars, actions=[{"symbol": "AAA", "kind": "split"}], **asked)


def test_what_a_split_pays_out_in_cash_is_held_no_more(run):
    """Of 1005 shares one for ten leaves 100, and half a one is paid out at 100: 19,950 + 50 and 10,000 in shares."""
    bars = bars_from([10, 10, 100, 100, 100], opens=[10, 10, 100, 100, 100])
    told = [{"symbol": "AAA", "day": "", "ns": FIRST + 2 * DAY, "kind": "split", "new": 1, "old": 10}]
    asked = {"selection": HOLD, "cash": 30_000.0, "actions": told, **FREE}
    whole = run(bars, sizes={"AAA": {"rule": "units:1005"}}, **asked).equity
    assert whole["equity"].tolist() == [30_000.0] * 5
    assert whole["exposure"].tolist() == pytest.approx([0.0, 0.335, 1 / 3, 1 / 3, 1 / 3])
    parts = run(bars, sizes={"AAA": {"rule": "units:1005", "lot": 0.1}}, **asked).equity
    assert parts["exposure"].tolist() == pytest.approx([0.0, 0.335, 0.335, 0.335, 0.335])


def test_each_strategy_is_paid_out_what_the_split_leaves_of_its_own(run):
    """Two hold 1005 each: each keeps 100, and not both together 201."""
    bars = bars_from([10, 10, 100, 100, 100], opens=[10, 10, 100, 100, 100])
    told = [{"symbol": "AAA", "day": "", "ns": FIRST + 2 * DAY, "kind": "split", "new": 1, "old": 10}]
    part = {"strategy": "buy_and_hold", "params": {"quantity": 1005}, "share": 0.5}
    got = run(bars, mix=[part, part], cash=30_000.0, actions=told, **FREE)
    assert [p["quantity"] for p in got.positions] == [100.0, 100.0]
    assert got.equity["exposure"].tolist() == pytest.approx([0.0, 0.67, 2 / 3, 2 / 3, 2 / 3])
