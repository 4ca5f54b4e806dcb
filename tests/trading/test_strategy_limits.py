"""Limits of one strategy on an account that others trade as well: what it is worth, and what stops it, and only it."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.market import DAY, SECOND, Dividend, Funding, Instrument, Rate, Split
from gpt_trader.core.orders import BUY, SELL, Fill, OrderType
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.guard import Guard
from gpt_trader.trading.limits import PRE_TRADE, WATCHES, StrategyLimits, limits_of
from gpt_trader.trading.modes import build, drive, run_backtest
from gpt_trader.trading.playback import in_parts
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.strategy_watch import StrategyWatch
from tests.trading.bars import by_hand, drawn
from tests.trading.scripted import Scripted, buy, sell
from tests.trading.test_guards import NOW, account, approved, code, order, trip

D = Decimal
MINUTE = 60 * SECOND
OFF: dict[str, Any] = {**dict.fromkeys(PRE_TRADE, "off"), **dict.fromkeys(WATCHES, "off")}
LOSSES = pytest.mark.parametrize("limit", ["session_loss", "daily_loss", "trailing_drawdown"])
EDGE = pytest.mark.parametrize(("close", "acts"), [(97.01, False), (97.0, True), (96.99, True)])


def closes(*prices, symbol="X", step=MINUTE, timeframe="1m"):
    """Bars that open where the last one closed."""
    opens = (prices[0], *prices)
    rows = [(o, max(o, c), min(o, c), c) for o, c in zip(opens, prices, strict=False)]
    return by_hand(rows, symbol=symbol, step=step, timeframe=timeframe)


def session(bars, scripts, limits, *, fee="0", **config):
    """A desk after its bars; the account has 100,000, and each strategy of the scripts trades by its own."""
    bars = bars if isinstance(bars, list) else [bars]
    asked = BacktestConfig(cash=D(100_000), limits={**OFF, "strategies": limits}, costs=Costs(Fee(D(fee))), **config)
    told = {name: {at: [signal] for at, signal in script.items()} for name, script in scripts.items()}
    specs = [StrategySpec(name, partial(Scripted, script)) for name, script in told.items()]
    bench = build(specs, bars, asked)
    drive(bench, in_parts(bars))
    return bench.desk


def halts(desk, step=MINUTE):
    """The alerts of strategies as (bar, strategy, code)."""
    return [(alert.ns // step, alert.strategy, alert.code) for alert in desk.tape.alerts if alert.strategy]


def traded(desk, strategy, step=MINUTE):
    """A strategy's fills as (bar, side, quantity, price)."""
    return [
        (f.ns // step, str(f.side), int(f.quantity), float(f.price)) for f in desk.tape.fills if f.strategy == strategy
    ]


def refused(desk):
    return [(r.order.strategy, r.code) for r in desk.tape.refusals]


# --- one is stopped, the others go on ---------------------------------------------------------------------------------


@LOSSES
@EDGE
def test_three_per_cent_of_its_half_stop_one_of_two_strategies_and_not_the_other(close, acts, limit):
    """`a` has 50,000 of the 100,000 and holds 500 at 100: at 97 it has lost 1,500, and the account less than that."""
    bars = [closes(100, 100, 100, close, close, close, close), closes(100, 100, 100, 102, 102, 102, 102, symbol="Y")]
    scripts = {
        "a": {0: buy(500), 4: buy(1)},
        "b": {0: buy(300, symbol="Y"), 4: buy(10, symbol="Y")},
    }
    desk = session(bars, scripts, {"a": {limit: 0.03}})
    assert halts(desk) == ([(3, "a", limit)] if acts else [])
    assert traded(desk, "a")[1:] == ([(4, "sell", 500, close)] if acts else [(5, "buy", 1, close)])
    assert traded(desk, "b") == [(1, "buy", 300, 100), (5, "buy", 10, 102)]
    assert refused(desk) == ([("a", limit)] if acts else [])


@EDGE
def test_a_strategy_alone_is_measured_by_the_whole_account(close, acts):
    desk = session(closes(100, 100, 100, close, close), {"a": {0: buy(1000)}}, {"a": {"session_loss": 0.03}})
    assert halts(desk) == ([(3, "a", "session_loss")] if acts else [])


@pytest.mark.parametrize(("close", "acts"), [(96.01, False), (96.0, True), (95.99, True)])
def test_its_part_of_the_account_may_be_named(close, acts):
    """A fifth of 100,000, of which 2 % are 400: 100 shares lose it at 96."""
    limits = {"a": {"allocation": 0.2, "session_loss": 0.02}}
    desk = session(closes(100, 100, 100, close, close), {"a": {0: buy(100)}, "b": {}}, limits)
    assert halts(desk) == ([(3, "a", "session_loss")] if acts else [])


def test_each_is_stopped_by_its_own_loss_and_what_both_hold_of_a_symbol_is_told_apart():
    """Long and short of the same symbol the account loses nothing; it falls, and then it rises."""
    bars = closes(100, 100, 100, 97, 97, 104, 104, 104)
    scripts = {"a": {0: buy(500)}, "b": {0: sell(500)}}
    desk = session(bars, scripts, {"a": {"session_loss": 0.03}, "b": {"session_loss": 0.03}})
    assert halts(desk) == [(3, "a", "session_loss"), (5, "b", "session_loss")]
    assert traded(desk, "a") == [(1, "buy", 500, 100), (4, "sell", 500, 97)]
    assert traded(desk, "b") == [(1, "sell", 500, 100), (6, "buy", 500, 104)]


def test_its_entries_at_work_are_taken_back_and_its_ways_out_stay():
    bars = closes(100, 100, 100, 97, 97, 89, 89, 89)
    far = {"type": OrderType.LIMIT, "limit": 90}
    scripts = {"a": {0: buy(500), 1: buy(10, **far)}, "b": {1: buy(10, **far)}}
    desk = session(bars, scripts, {"a": {"session_loss": 0.03}})
    assert traded(desk, "a") == [(1, "buy", 500, 100), (4, "sell", 500, 97)]
    assert traded(desk, "b") == [(5, "buy", 10, 90)]
    assert [(e.order.strategy, e.code) for e in desk.tape.ended] == [("a", "cancelled")]


def test_a_strategy_of_several_symbols_is_one():
    """In each of two symbols it has lost 750, of 50,000 together; the other half of the account is of another name."""
    bars = [closes(100, 100, 100, 97, 97, 97), closes(100, 100, 100, 97, 97, 97, symbol="Y")]
    scripts = {"a:X": {0: buy(250)}, "a:Y": {0: buy(250, symbol="Y")}, "ab": {0: buy(250)}, "b:X": {0: buy(10)}}
    desk = session(bars, scripts, {"a": {"session_loss": 0.03}})
    assert halts(desk) == [(3, "a", "session_loss")]
    assert [traded(desk, name)[1:] for name in scripts] == [[(4, "sell", 250, 97)], [(4, "sell", 250, 97)], [], []]
    desk = session(bars, scripts, {"a:X": {"session_loss": 0.03}})
    assert halts(desk) == [(3, "a:X", "session_loss")]


def test_several_limits_of_a_strategy_and_of_its_symbols_hold_together():
    limits = {"a": {"session_loss": 0.03}, "a:X": {"max_quantity": 5}}
    bars = [closes(100, 100, 100, 97, 97, 97), closes(100, 100, 100, 100, 100, 100, symbol="Y")]
    desk = session(bars, {"a:X": {0: buy(6), 1: buy(5)}, "a:Y": {0: buy(6, symbol="Y")}}, limits)
    assert refused(desk) == [("a:X", "max_quantity")]
    assert (traded(desk, "a:X"), traded(desk, "a:Y")) == ([(2, "buy", 5, 100)], [(1, "buy", 6, 100)])


def test_both_a_strategy_and_the_account_may_be_stopped_by_the_same_bar_and_each_position_is_closed_once():
    bars = closes(100, 100, 100, 90, 90, 90)
    asked = BacktestConfig(
        cash=D(100_000), limits={**OFF, "session_loss": 0.05, "strategies": {"a": {"session_loss": 0.05}}}
    )
    specs = [StrategySpec(name, lambda: Scripted({0: [buy(400)]})) for name in ("a", "b")]
    report = run_backtest(specs, bars, asked)
    assert [(a.strategy, a.code, a.act) for a in report.alerts] == [
        ("", "session_loss", "flatten"),
        ("a", "session_loss", "flatten"),
    ]
    assert [(f.strategy, str(f.side), int(f.quantity)) for f in report.fills] == [
        ("a", "buy", 400),
        ("b", "buy", 400),
        ("a", "sell", 400),
        ("b", "sell", 400),
    ]
    assert len(report.orders) == 4


# --- what counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "acts"), [(0.01, True), (0.0101, False)])
def test_its_fees_count_and_those_of_others_do_not(limit, acts):
    """500 at 100 cost 1 % of 50,000."""
    desk = session(
        closes(100, 100, 100), {"a": {0: buy(500)}, "b": {0: buy(450)}}, {"a": {"session_loss": limit}}, fee="0.01"
    )
    assert halts(desk) == ([(1, "a", "session_loss")] if acts else [])


@pytest.mark.parametrize(
    ("action", "side"),
    [
        (Funding("X", 2 * MINUTE, D("0.03")), buy),
        (Dividend("X", 2 * MINUTE, D(3)), sell),
        (Rate("EUR", 2 * MINUTE, D(1)), None),
    ],
    ids=["funding", "a dividend owed", "nothing"],
)
def test_funding_and_dividends_that_it_owes_count(action, side):
    scripts = {"a": {0: (side or buy)(500)}, "b": {}}
    desk = session(closes(100, 100, 100, 100), scripts, {"a": {"session_loss": 0.03}}, actions=(action,))
    assert halts(desk) == ([(2, "a", "session_loss")] if side else [])


def test_borrowing_counts():
    """A short of 50,000 costs 365 % a year, 1 % a day: after three days 3 %."""
    bars = closes(*[100] * 6, step=DAY, timeframe="1d")
    scripts = {"a": {0: sell(500)}, "b": {}}
    limits = {"a": {"trailing_drawdown": 0.03}}
    desk = session(bars, scripts, limits, borrow_rate=D("3.65"))
    assert halts(desk, DAY) == [(4, "a", "trailing_drawdown")]


def test_a_split_is_no_loss():
    bars = closes(100, 100, 100, 50, 50)
    desk = session(bars, {"a": {0: buy(500)}}, {"a": {"session_loss": 0.001}}, actions=(Split("X", 3 * MINUTE, 2, 1),))
    assert halts(desk) == []


# --- over time --------------------------------------------------------------------------------------------------------


def test_a_day_begins_with_what_the_strategy_was_worth_the_evening_before():
    bars = closes(100, 100, 97.01, 94.11, 91.2, 91.2, step=DAY, timeframe="1d")
    scripts = {"a": {0: buy(500)}, "b": {}}
    assert halts(session(bars, scripts, {"a": {"daily_loss": 0.03}}), DAY) == [(4, "a", "daily_loss")]
    assert halts(session(bars, scripts, {"a": {"trailing_drawdown": 0.05}}), DAY) == [(3, "a", "trailing_drawdown")]


def test_a_loss_halts_its_session_and_a_drawdown_every_later_one():
    bars = closes(100, 100, 100, 95, 95, 95, 95, step=DAY, timeframe="1d")
    scripts = {"a": {0: buy(500), 4: buy(1)}, "b": {}}
    assert traded(session(bars, scripts, {"a": {"session_loss": 0.03}}), "a", DAY)[2:] == [(5, "buy", 1, 95)]
    desk = session(bars, scripts, {"a": {"trailing_drawdown": 0.03}})
    assert (traded(desk, "a", DAY)[2:], refused(desk)) == ([], [("a", "trailing_drawdown")])


def watched(**limits):
    """A guard over `s`, which holds 100 X at 100, and `t`, each with half of the account of 100,000."""
    on = account(held={"X": 100})
    asked = limits_of({"strategies": {"s": limits, "t": limits}}).among(["s", "t"])
    guard = Guard(on, (), per_strategy=asked.per_strategy)
    at(guard, 100.0)
    return guard


def at(guard, price, ns=NOW):
    """What the guard demands of the strategies at a price of X."""
    lane = guard.account.lanes["X"]
    lane.price = price
    return [(halt.strategy, halt.code) for halt in guard.look_at_strategies(ns)]


def test_the_first_look_begins_with_its_part_whatever_was_earned_before():
    guard = watched(session_loss=0.03)
    assert at(guard, 85.01) == []
    assert at(guard, 85.0) == [("s", "session_loss")]
    assert at(guard, 80.0) == []


def test_deposits_are_no_profit_and_no_loss_of_a_strategy():
    """Half of 100,000 comes in to the 50,000: 3 % of 100,000 are 30 for each of 100 shares."""
    guard = watched(session_loss=0.03)
    guard.deposited(100_000)
    assert at(guard, 70.01) == []
    assert at(guard, 70.0) == [("s", "session_loss")]
    guard = watched(session_loss=0.03)
    guard.deposited(-50_000)
    assert at(guard, 92.51) == []
    assert at(guard, 92.5) == [("s", "session_loss")]


@pytest.mark.parametrize("price", [math.nan, math.inf])
def test_a_strategy_that_cannot_be_valued_is_halted_and_the_others_are_not(price):
    guard = watched(session_loss=0.03)
    assert at(guard, price) == [("s", "unknown_equity")]
    guard.account.lanes["X"].price = 100.0
    assert code(guard.check(order(), NOW)) == "unknown_equity"
    assert code(guard.check(order(strategy="t", id="2"), NOW)) is None
    assert at(guard, 85.0) == [("s", "session_loss")]


def test_clearing_lifts_the_halt_of_one_strategy_and_measures_anew_from_there():
    guard = watched(session_loss=0.03)
    assert at(guard, 85.0) == [("s", "session_loss")]
    assert code(guard.check(order(price=85.0), NOW)) == "session_loss"
    guard.clear("session_loss", person="Ada", reason="seen")
    assert code(guard.check(order(price=85.0), NOW)) == "session_loss"
    with pytest.raises(ConfigError, match="'r' has no limits") as caught:
        guard.clear("session_loss", person="Ada", reason="seen", strategy="r")
    assert caught.value.hint
    guard.clear("session_loss", person="Ada", reason="seen", strategy="s")
    assert code(guard.check(order(price=85.0), NOW)) is None
    assert at(guard, 85.0) == []
    assert at(guard, 70.46) == []  # 3 % of 48,500 are 1,455
    assert at(guard, 70.45) == [("s", "session_loss")]


def test_five_losses_in_a_row_lock_the_entries_of_their_strategy():
    guard = watched(consecutive_losses=5)
    for number in range(5):
        assert code(guard.check(order(id=f"{number}"), NOW)) is None
        assert at(guard, 100.0) == []
        guard.closed(trip(-1))
    assert at(guard, 100.0) == [("s", "consecutive_losses")]
    assert code(guard.check(order(), NOW)) == "consecutive_losses"
    assert code(guard.check(order(60, SELL, id="6"), NOW)) is None
    assert code(guard.check(order(strategy="t", id="7"), NOW)) is None


def test_rejects_and_bad_fills_are_counted_for_their_strategy():
    guard = watched(reject_storm={"limit": 2}, slippage_anomaly=0.02)
    for strategy in ("s", "t", "s"):
        guard.rejected(NOW, strategy)
    assert at(guard, 100.0) == [("s", "reject_storm")]
    guard.filled(Fill("1", "1", "t", "X", BUY, D(1), D(102), D(0), 1), 100.0)
    assert at(guard, 100.0) == [("t", "slippage_anomaly")]


def test_a_cooldown_and_a_number_of_trades_are_of_their_strategy():
    guard = watched(cooldown=60, trades_per_session=2)
    guard.closed(trip(-1))
    assert code(guard.check(order(ns=NOW + 59 * SECOND), NOW + 59 * SECOND)) == "cooldown"
    assert code(guard.check(order(strategy="t", ns=NOW + 59 * SECOND), NOW + 59 * SECOND)) is None
    guard.closed(trip(1))
    assert code(guard.check(order(ns=NOW + 60 * SECOND), NOW + 60 * SECOND)) == "trades_per_session"


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ({"gross_exposure": 1}, 400),
        ({"net_exposure": 1}, 400),
        ({"risk_per_position": 0.5}, 150),
        ({"correlation_cluster": 1}, 400),
        ({"max_position": 500}, 400),
    ],
    ids=str,
)
def test_a_part_of_the_equity_is_one_of_the_strategys_own(limits, most):
    """`s` has half of 100,000 and holds 100 X at 100; others hold Y, which is nothing to it."""
    guard = watched(**limits)
    guard.account.book(Fill("t1", "o", "t", "Y", BUY, D(400), D(100), D(0), 1))
    more = order(most, strategy="s", id="2")
    assert code(guard.check(more, NOW)) is None
    (name,) = limits
    assert code(guard.check(more._replace(quantity=D(most + 1), id="3"), NOW)) == name


# --- ways out ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["session", "strategy"])
def test_a_way_out_is_one_of_its_strategy_whatever_others_hold(closed):
    """`s` is long and `t` is short of as much: the account holds nothing, and both may still leave."""
    guard = watched(consecutive_losses=1, max_quantity=5)
    on = guard.account
    on.book(Fill("t1", "o", "t", "X", SELL, D(100), D(100), D(0), 1))
    (guard if closed == "session" else guard.strategies[0]).halts.extend(Guard(on, ()).look(math.nan, NOW))
    assert code(guard.check(order(100, SELL), NOW)) is None
    assert code(guard.check(order(101, SELL, id="2"), NOW)) == "unknown_equity"
    assert code(guard.check(order(1, SELL, id="3", strategy="r"), NOW)) == (
        "unknown_equity" if closed == "session" else None
    )
    assert approved(Guard(on, ()))


# --- what is refused at the start -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "said", "hint"),
    [
        ({"mometum": {"session_loss": 0.03}}, "'mometum', which is no strategy here", "momentum"),
        ({"a": {"session_los": 0.03}}, "no limit called 'session_los'", "session_loss"),
        ({"a": {"feed_silence": 30}}, "no limit called 'feed_silence'", ""),
        ({"a": {"alocation": 0.5, "session_loss": 0.03}}, "no limit called 'alocation'", "allocation"),
        ({"a": {}}, "at least one limit", ""),
        ({"a": {"allocation": 0.5}}, "at least one limit", ""),
        ({"a": None}, "at least one limit", ""),
        ({"a": {"session_loss": "off"}}, "must be a number", ""),
        ({"": {"session_loss": 0.03}}, "names", ""),
        ({5: {"session_loss": 0.03}}, "names", ""),
        (["a"], "a table of names", ""),
        *(
            ({"a": {"session_loss": value}}, "session_loss", "")
            for value in (math.nan, math.inf, -0.03, 0, "3%", "", None, True)
        ),
        *(
            ({"a": {"allocation": value, "session_loss": 0.03}}, "allocation of a", "")
            for value in (math.nan, math.inf, -0.5, 0, 1.01, "half", "", None, True)
        ),
    ],
)
def test_what_is_no_limit_of_a_strategy_refuses_to_start_and_says_what_was_meant(limits, said, hint):
    specs = [StrategySpec(name, lambda: Scripted({})) for name in ("a", "momentum:X", "momentum:Y")]
    with pytest.raises(ConfigError, match=said) as caught:
        run_backtest(specs, closes(100, 100), BacktestConfig(limits={"strategies": limits}))
    assert hint in (caught.value.hint or "")


def test_an_even_part_counts_all_strategies_and_what_belongs_together_is_added():
    limits = limits_of(
        {"strategies": {"a": {"session_loss": 0.1}, "a:X": {"max_quantity": 1}, "b": {"shorting": True}}}
    )
    parts = {name: own.allocation for name, own in limits.among(["a:X", "a:Y", "b", "c"]).per_strategy.items()}
    assert parts == {"a": 0.5, "a:X": 0.25, "b": 0.25}


def test_the_provenance_names_the_limits_of_strategies():
    report = run_backtest(
        [StrategySpec("a", lambda: Scripted({})), StrategySpec("b", lambda: Scripted({}))],
        closes(100, 100),
        BacktestConfig(limits={"strategies": {"a": {"session_loss": 0.05, "max_quantity": 10}}}),
    )
    told = report.provenance["limits"]["values"]["strategies"]
    assert told == {"a": {"allocation": 0.5, "max_quantity": 10, "session_loss": 0.05}}


# --- the books balance ------------------------------------------------------------------------------------------------

ONE = st.tuples(
    st.sampled_from(["a", "b:X", "b:Y"]),
    st.sampled_from(["X", "Y", "E"]),
    st.sampled_from([BUY, SELL]),
    st.integers(1, 500),
    st.integers(1, 20_000),
    st.integers(0, 300),
)
EVENT = st.one_of(
    ONE,
    st.tuples(st.sampled_from(["dividend", "fund", "borrow"]), st.sampled_from(["X", "Y", "E"]), st.integers(1, 99)),
    st.tuples(st.just("split"), st.sampled_from(["X", "Y"]), st.integers(1, 7)),
    st.tuples(st.just("rate"), st.just("E"), st.integers(50, 200)),
    st.tuples(st.just("price"), st.sampled_from(["X", "Y", "E"]), st.integers(1, 20_000)),
    st.tuples(st.just("deposit"), st.just(""), st.integers(-500, 500)),
)


@settings(max_examples=60)
@given(st.lists(EVENT, min_size=1, max_size=25))
def test_the_profits_of_all_strategies_are_the_profit_of_the_account(events):
    on = account(cash=1_000_000, symbols=("X", "Y"))
    on.portfolio.rates["EUR"] = D("1.1")
    on = type(on)(on.portfolio, [Instrument("X"), Instrument("Y"), Instrument("E", currency="EUR", multiplier=D(5))])
    for lane in on.lanes.values():
        lane.price = 100.0
    watches = [StrategyWatch(name, StrategyLimits(), on) for name in ("a", "b")]
    for number, event in enumerate(events):
        happen(on, event, number)
        on.refresh()
        prices = {symbol: D(str(lane.price)) for symbol, lane in on.lanes.items()}
        earned = on.portfolio.equity(prices) - on.portfolio.deposited
        assert sum(w.exact_profit() for w in watches) == earned
        assert sum(w.profit() for w in watches) == pytest.approx(float(earned), rel=1e-12, abs=1e-6)


def happen(on, event, number):
    portfolio, (what, symbol, *rest) = on.portfolio, event
    if len(event) == 6:
        side, quantity, cents, fee = rest
        on.book(Fill(f"{number}", "o", what, symbol, side, D(quantity), D(cents) / 100, D(fee) / 100, number))
    elif what == "price":
        on.lanes[symbol].price = rest[0] / 100
    elif what == "rate":
        portfolio.rates["EUR"] = D(rest[0]) / 100
    elif what == "deposit":
        portfolio.deposit(D(rest[0]))
    elif what == "split":
        lane = on.lanes[symbol]
        after = (D(str(lane.price)) / rest[0]).quantize(D("1e-12"))
        portfolio.split(symbol, rest[0], 1, lot=D(1), price=after)
    elif what == "dividend":
        portfolio.dividend(symbol, D(rest[0]) / 100)
    else:
        getattr(portfolio, what)(symbol, D(rest[0]) / 10_000, D(str(on.lanes[symbol].price)))


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_who_trades_alone_is_stopped_on_the_same_bars_as_when_every_bar_is_looked_at(seed):
    """Beside one that never trades every bar is looked at; alone, only those beyond a mark of the account."""
    rng = np.random.default_rng(seed)
    names = "XY"[: 1 + seed % 2]
    bars = [drawn(3000, symbol=symbol, seed=seed + ord(symbol), sigma=0.002) for symbol in names]
    script = {
        int(bar): (buy if rng.random() < 0.5 else sell)(
            int(rng.integers(100, 500)), symbol=str(rng.choice(list(names))), target=True
        )
        for bar in rng.choice(2990, 60, replace=False)
    }
    limits = {"allocation": 1.0, "session_loss": 0.005, "trailing_drawdown": 0.03, "daily_loss": 0.01}
    alone = session(bars, {"a": script}, {"a": limits}, fee="0.0002")
    beside = session(bars, {"a": script, "b": {}}, {"a": limits}, fee="0.0002")
    assert halts(alone) == halts(beside)
    assert [fill[1:] for fill in alone.tape.fills] == [fill[1:] for fill in beside.tape.fills]
    assert halts(alone)


@pytest.mark.parametrize(
    ("limits", "every_bar"),
    [({}, False), ({"a": {"max_quantity": 5, "consecutive_losses": 3}}, False), ({"a": {"session_loss": 0.9}}, True)],
)
def test_only_a_limit_on_the_equity_of_a_strategy_makes_the_guard_look_at_every_bar(limits, every_bar):
    desk = session(closes(*[100.0] * 50), {"a": {0: buy(10)}, "b": {}}, limits)
    guard = desk.guard
    quiet = guard.floor < desk.account.equity <= guard.ceiling and guard.wake > 49 * MINUTE
    assert quiet is not every_bar
