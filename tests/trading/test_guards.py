"""Every control just under its limit, exactly at it and just over it; what is no limit refuses to start."""

from __future__ import annotations

import math
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.market import SECOND, Instrument
from gpt_trader.core.orders import BUY, SELL, Approved, Fill, Order, OrderType, Refused, RoundTrip, Terms, TimeInForce
from gpt_trader.core.portfolio import Portfolio
from gpt_trader.trading.account import Account
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.guard import Guard
from gpt_trader.trading.guards import market, pace, running, size
from gpt_trader.trading.guards.base import Control
from gpt_trader.trading.guards.integrity import INTEGRITY
from gpt_trader.trading.guards.memory import Memory
from gpt_trader.trading.limits import PRE_TRADE, WATCHES, limits_of, limits_schema

NOW = 1_000_000 * SECOND
D = Decimal


def account(*, cash=100_000, held=None, symbols=("X", "Y", "Z"), leverage=1, **instrument):
    """An account at a price of 100 everywhere, with these positions of the strategy `s`."""
    made = Account(Portfolio(D(cash)), [Instrument(symbol, **instrument) for symbol in symbols], leverage=D(leverage))
    for lane in made.lanes.values():
        lane.price, lane.ns = 100.0, NOW
        lane.typical_volume = lambda ns: 1000.0
        lane.open_for = lambda ns: math.inf
    for number, (symbol, quantity) in enumerate((held or {}).items()):
        side = BUY if quantity > 0 else SELL
        made.book(Fill(f"f{number}", "o", "s", symbol, side, D(abs(quantity)), D(100), D(0), 1))
    made.refresh()
    return made


def order(quantity=10, side=BUY, *, symbol="X", price=100.0, id="1", ns=NOW, strategy="s", parent=None, **terms):
    return Order(id, strategy, symbol, side, D(str(quantity)), Terms(**terms), price, ns, parent=parent)


def verdict(control, asked=None, *, on=None, memory=None, working=(), ns=NOW, costs=None):
    """The code of the refusal, or None; the order is otherwise without fault."""
    guard = Guard(on or account(), [control], costs=costs)
    guard.working = lambda symbol: [other for other in working if symbol in {None, other.symbol}]
    guard.memory = memory or guard.memory
    result = guard.check(asked or order(), ns)
    return result.code if isinstance(result, Refused) else None


def code(result):
    """The code of a refusal; an approval has none."""
    return result.code if isinstance(result, Refused) else None


def remembered(**facts):
    memory = Memory()
    for name, value in facts.items():
        setattr(memory, name, value)
    return memory


def sent(*seconds_ago, **of):
    memory = Memory()
    for number, ago in enumerate(seconds_ago):
        memory.approved(order(id=f"m{number}", ns=NOW - int(ago * SECOND), **of), NOW - int(ago * SECOND))
    return memory


# --- at the edge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "under", "at", "over"),
    [
        (size.MaxQuantity(10), order(9), order(10), order(11)),
        (size.MaxNotional(1000), order(9), order(10), order(11)),
        (size.VolumeShare(0.01), order(9), order(10), order(11)),
        (size.MaxPosition(10), order(9), order(10), order(11)),
        (size.GrossExposure(0.01), order(9), order(10), order(11)),
        (size.NetExposure(0.01), order(9), order(10), order(11)),
        (size.RiskPerPosition(0.01), order(9), order(10), order(11)),
        (size.RiskPerPosition(0.01), order(99, stop_loss=90), order(100, stop_loss=90), order(101, stop_loss=90)),
        (size.CorrelationCluster(0.01), order(9), order(10), order(11)),
        (
            size.PriceCollar(),
            order(1, type=OrderType.LIMIT, limit=102.99),
            order(1, type=OrderType.LIMIT, limit=103),
            order(1, type=OrderType.LIMIT, limit=103.01),
        ),
        (market.TimeToLive(30), order(ns=NOW - 29 * SECOND), order(ns=NOW - 30 * SECOND), order(ns=NOW - 31 * SECOND)),
    ],
)
def test_an_order_under_its_limit_or_at_it_may_go_and_one_over_it_not(control, under, at, over):
    assert [verdict(control, each) for each in (under, at, over)] == [None, None, control.code]


@pytest.mark.parametrize(
    ("control", "under", "at", "over"),
    [
        (pace.TradesPerSession(3), *(remembered(trades=n) for n in (1, 2, 3))),
        (pace.OrderRate(2), sent(), sent(0.5), sent(0.5, 0.2)),
        (pace.MessageBudget(3, 1), sent(), sent(30), sent(30, 20)),
        (pace.RepeatedExecution(2, 60), sent(), sent(59), sent(59, 30)),
        (pace.Duplicate(2), sent(3), sent(2), sent(1.9)),
        (pace.Cooldown(60), *(remembered(last_loss_ns=NOW - s * SECOND) for s in (61, 60, 59))),
        (market.ClockDrift(0.5), *(remembered(drift=d) for d in (0.49, -0.5, -0.51))),
    ],
)
def test_a_session_under_its_limit_or_at_it_may_go_on_and_one_over_it_not(control, under, at, over):
    assert [verdict(control, memory=each) for each in (under, at, over)] == [None, None, control.code]


@pytest.mark.parametrize("age", [(29, None), (30, None), (31, "stale_quote")])
def test_a_quote_may_be_so_old_and_not_older(age):
    seconds, expected = age
    on = account()
    on.lanes["X"].ns = NOW - seconds * SECOND
    on.lanes["X"].span = 0
    assert verdict(market.StaleQuote(30), on=on) == expected


@pytest.mark.parametrize("count", [(1, None), (2, None), (3, "max_open_orders")])
def test_so_many_orders_may_work(count):
    working, expected = count
    others = [order(1, id=f"w{n}", symbol="Y") for n in range(working - 1)]
    assert verdict(pace.MaxOpenOrders(2), working=others) == expected


@pytest.mark.parametrize("held", [({"Y": 1}, None), ({"Y": 1, "Z": 1}, "max_open_positions")])
def test_so_many_symbols_may_be_held(held):
    positions, expected = held
    assert verdict(size.MaxOpenPositions(2), on=account(held=positions)) == expected
    assert verdict(size.MaxOpenPositions(2), order(symbol="Y"), on=account(held=positions)) is None


def test_symbols_and_clusters_count_orders_when_they_are_entered():
    """One X at work and one Y is two symbols; a way out of Z is none, and nothing that moves together."""
    on = account(held={"Z": 10})
    working = [order(30, id="w")]
    asked = order(20, symbol="Y")
    assert verdict(size.MaxOpenPositions(3), asked, on=on, working=working) is None
    assert verdict(size.MaxOpenPositions(2), asked, on=on, working=working) == "max_open_positions"
    on.correlation = lambda one, other, ns: 0.9
    assert verdict(size.CorrelationCluster(0.06), asked, on=on, working=working) is None
    assert verdict(size.CorrelationCluster(0.0599), asked, on=on, working=working) == "correlation_cluster"
    out = [*working, order(10, SELL, symbol="Z", id="v")]
    assert verdict(size.CorrelationCluster(0.06), asked, on=on, working=out) is None


@pytest.mark.parametrize(("minutes", "expected"), [(61, None), (60, None), (59, "market_hours"), (0, "market_hours")])
def test_the_market_must_be_open_and_not_about_to_close(minutes, expected):
    on = account()
    on.lanes["X"].open_for = lambda ns: minutes * 60 * SECOND
    assert verdict(market.MarketHours(60), on=on) == expected
    if minutes:
        assert verdict(market.MarketHours(60), order(type=OrderType.MARKET_ON_CLOSE), on=on) is None


# --- what each control is about ---------------------------------------------------------------------------------------


def test_exposure_counts_orders_when_they_are_entered():
    working = [order(6, id="w")]
    assert verdict(size.MaxPosition(10), order(4), working=working) is None
    assert verdict(size.MaxPosition(10), order(5), working=working) == "max_position"
    elsewhere = [order(6, id="w", symbol="Y")]
    assert verdict(size.GrossExposure(0.01), order(4), working=elsewhere) is None
    assert verdict(size.GrossExposure(0.01), order(5), working=elsewhere) == "gross_exposure"


def test_net_exposure_sets_longs_against_shorts_and_gross_does_not():
    on = account(held={"Y": -50})
    assert verdict(size.NetExposure(0.02), order(60), on=on) is None
    assert verdict(size.GrossExposure(0.1), order(60), on=on) == "gross_exposure"


def test_risk_counts_the_fees_of_both_ways():
    costs = Costs(Fee(D("0.01")))
    assert verdict(size.RiskPerPosition(0.0102), order(10), costs=costs) is None
    assert verdict(size.RiskPerPosition(0.01019), order(10), costs=costs) == "risk_per_position"


@pytest.mark.parametrize(("rho", "expected"), [(0.79, None), (0.8, "c"), (-0.9, "c"), (math.nan, "c")])
def test_what_moves_together_counts_as_one_and_what_is_unknown_moves_together(rho, expected):
    on = account(held={"Y": 100})
    on.correlation = lambda one, other, ns: rho
    code = verdict(size.CorrelationCluster(0.1), order(50), on=on)
    assert code == ("correlation_cluster" if expected else None)


def test_an_unknown_usual_volume_or_price_refuses():
    on = account()
    on.lanes["X"].typical_volume = lambda ns: math.nan
    assert verdict(size.VolumeShare(), on=on) == "volume_share"
    on.lanes["X"].price = math.nan
    assert verdict(size.PriceCollar(), on=on) == "price_collar"
    assert verdict(market.BadQuote(), on=on) == "bad_quote"


def test_crypto_has_a_wider_collar():
    asked = order(1, type=OrderType.LIMIT, limit=104)
    assert verdict(size.PriceCollar(), asked) == "price_collar"
    assert verdict(size.PriceCollar(), asked, on=account(kind="crypto")) is None


def test_restricted_symbols_are_not_traded():
    assert verdict(market.RestrictedSymbol(("X",))) == "restricted_symbol"
    assert verdict(market.RestrictedSymbol(("Y",))) is None


def test_what_is_not_lent_is_not_sold_short():
    asked = order(side=SELL)
    assert verdict(market.Shorting(), asked, on=account(shortable=False)) == "shorting"
    assert verdict(market.Shorting(), asked, on=account(shortable=False, held={"X": 10})) is None
    assert verdict(market.Shorting(), asked) is None


def test_only_named_lives_of_orders_are_taken():
    only_day = market.AllowedTimeInForce(("day",))
    assert verdict(only_day) == "time_in_force"
    assert verdict(only_day, order(tif=TimeInForce.DAY)) is None


def test_an_order_does_not_trade_with_another_of_our_own():
    mine = [order(id="w", side=SELL, type=OrderType.LIMIT, limit=101)]
    assert verdict(market.SelfCross(), order(), working=mine) == "self_cross"
    assert verdict(market.SelfCross(), order(type=OrderType.LIMIT, limit=101), working=mine) == "self_cross"
    assert verdict(market.SelfCross(), order(type=OrderType.LIMIT, limit=100.99), working=mine) is None


def test_the_parts_never_exceed_the_whole():
    memory = remembered(parents={"p": D(10)})
    control = pace.ChildOfParent()
    assert verdict(control, order(10, parent="p"), memory=memory) is None
    memory = remembered(parents={"p": D(10)}, children={"p": D(4)})
    assert verdict(control, order(6, parent="p"), memory=memory) is None
    assert (
        verdict(control, order(7, parent="p"), memory=remembered(parents={"p": D(10)}, children={"p": D(4)}))
        == control.code
    )
    assert verdict(control, order(1, parent="unknown")) == control.code


@pytest.mark.parametrize("other", [{"quantity": 9}, {"side": SELL}, {"symbol": "Y"}, {"strategy": "t"}])
def test_an_order_that_differs_is_no_duplicate(other):
    assert verdict(pace.Duplicate(), order(**other), memory=sent(1)) is None


def test_a_reduction_passes_where_an_entry_would_not():
    on = account(held={"X": 10})
    assert verdict(size.MaxQuantity(5), order(6, SELL), on=on) is None
    assert verdict(size.MaxQuantity(5), order(6, BUY), on=on) == "max_quantity"
    assert verdict(size.MaxQuantity(5), order(16, SELL), on=on) == "max_quantity"


# --- integrity --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (order(symbol="UNKNOWN"), "unknown_instrument"),
        (order(0), "bad_number"),
        (order(-1), "bad_number"),
        (order("NaN"), "bad_number"),
        (order("Infinity"), "bad_number"),
        (order(price=math.nan), "bad_number"),
        (order(price=0.0), "bad_number"),
        (order(type=OrderType.LIMIT, limit=math.inf), "bad_number"),
        (order(stop_loss=-1), "bad_number"),
        (order(type=OrderType.LIMIT), "bad_terms"),
        (order(type=OrderType.STOP), "bad_terms"),
        (order(type=OrderType.STOP_LIMIT, stop=100), "bad_terms"),
        (order(type=OrderType.TRAILING_STOP), "bad_terms"),
        (order(tif=TimeInForce.GTD), "bad_terms"),
        (order(stop_loss=100), "bad_terms"),
        (order(take_profit=99), "bad_terms"),
        (order(side=SELL, stop_loss=99), "bad_terms"),
        (order("1.5"), "off_lot"),
        (order(type=OrderType.LIMIT, limit=99.995), "off_tick"),
        (order(1, SELL, reduce_only=True), "reduce_only"),
        (order(1001), "buying_power"),
    ],
)
def test_what_is_no_proper_order_is_refused_in_every_mode(asked, code):
    result = Guard(account()).check(asked, NOW)
    assert isinstance(result, Refused)
    assert result.code == code
    assert result.reason


def test_reduce_only_may_close_and_not_turn():
    guard = Guard(account(held={"X": 10}))
    assert isinstance(guard.check(order(10, SELL, reduce_only=True), NOW), Approved)
    assert code(guard.check(order(11, SELL, reduce_only=True, id="2"), NOW)) == "reduce_only"
    assert code(guard.check(order(1, BUY, reduce_only=True, id="3"), NOW)) == "reduce_only"


def test_buying_power_counts_what_orders_at_work_have_reserved():
    guard = Guard(account(cash=10_000))
    assert isinstance(guard.check(order(100), NOW), Approved)
    guard.working = lambda symbol: [order(60, id="w")]
    assert isinstance(guard.check(order(40, id="2"), NOW), Approved)
    assert code(guard.check(order(41, id="3"), NOW)) == "buying_power"


@pytest.mark.parametrize(
    ("cash", "working", "enough"),
    [(100_999, False, False), (101_000, False, True), (110_999, True, False), (111_000, True, True)],
)
def test_buying_power_counts_the_fee_of_all_that_a_contract_stands_for_in_the_accounts_money(cash, working, enough):
    """Ten contracts of 50 at 100 in a currency of 2 are worth 100,000, and 1 % of that is their fee."""
    portfolio = Portfolio(D(cash))
    portfolio.rates["EUR"] = D(2)
    on = Account(portfolio, [Instrument("X", currency="EUR", multiplier=D(50))])
    on.lanes["X"].price, on.lanes["X"].ns = 100.0, NOW
    guard = Guard(on, costs=Costs(Fee(D("0.01"))))
    guard.working = lambda symbol: [order(1, id="w")] if working else []
    assert code(guard.check(order(10), NOW)) == (None if enough else "buying_power")


def test_leverage_multiplies_buying_power():
    guard = Guard(account(cash=10_000, leverage=2))
    assert isinstance(guard.check(order(200), NOW), Approved)
    assert code(guard.check(order(201, id="2"), NOW)) == "buying_power"


class Broken(Control):
    code = "broken"

    def check(self, look):
        raise RuntimeError("no data")


def test_a_control_that_fails_refuses():
    result = Guard(account(), [Broken()]).check(order(), NOW)
    assert isinstance(result, Refused)
    assert (result.code, "no data" in result.reason) == ("broken", True)


# --- limits that are none ---------------------------------------------------------------------------------------------

LIMITED: list[Any] = [*PRE_TRADE.values(), *WATCHES.values()]
NUMBERS = [
    (kind, field.name, field.type) for kind in LIMITED for field in fields(kind) if field.type in {"float", "int"}
]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 0, "3%", "", None, True, [1]])
@pytest.mark.parametrize(("kind", "name", "_type"), NUMBERS)
def test_a_limit_that_is_not_finite_and_positive_refuses_to_start(kind, name, _type, value):
    with pytest.raises(ConfigError, match=kind.code):
        kind(**{name: value})
    with pytest.raises(ConfigError):
        limits_of({kind.code: {name: value}})


@pytest.mark.parametrize(("kind", "name", "type_"), NUMBERS)
def test_a_count_is_a_whole_number(kind, name, type_):
    if type_ == "int":
        with pytest.raises(ConfigError, match="whole number"):
            kind(**{name: 2.5})
    else:
        assert getattr(kind(**{name: 2.5}), name) == 2.5


def test_unknown_names_and_wrong_shapes_refuse_to_start_and_say_what_was_meant():
    with pytest.raises(ConfigError, match="no limit called 'max_notionl'") as caught:
        limits_of({"max_notionl": 1})
    assert "max_notional" in (caught.value.hint or "")
    with pytest.raises(ConfigError, match="no limit called 'crypt'"):
        limits_of({"price_collar": {"crypt": 0.1}})
    with pytest.raises(ConfigError, match="names no limits"):
        limits_of("standart")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a table"):
        limits_of([1])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="list of words"):
        limits_of({"restricted_symbol": "X"})
    with pytest.raises(ConfigError, match="takes no limit"):
        limits_of({"shorting": 3})


def test_none_has_no_limits_and_standard_has_every_one():
    none, standard = limits_of("none"), limits_of("standard")
    assert (none.controls, none.running) == ((), ())
    assert set(standard.values) == {*PRE_TRADE, *WATCHES}
    assert standard.values["session_loss"] == 0.03
    assert standard.values["consecutive_losses"] == 5
    assert standard.values["trades_per_session"] == 20
    assert standard.values["risk_per_position"] == 0.01
    assert standard.values["order_rate"] == 5
    assert standard.values["feed_silence"] == 30


def test_ones_own_limits_start_from_the_standard_ones_and_may_be_switched_off():
    own = limits_of(
        {"max_notional": 5, "price_collar": {"equity": 0.1}, "duplicate": "off", "restricted_symbol": ["A"]}
    )
    assert own.values["max_notional"] == 5
    assert own.values["price_collar"] == {"equity": 0.1, "crypto": 0.05, "forex": 0.03, "future": 0.03}
    assert own.values["restricted_symbol"] == ("A",)
    assert "duplicate" not in own.values


def test_every_control_has_a_code_of_its_own_a_sentence_and_a_place_in_the_schema():
    kinds: list[Any] = [*(type(c) for c in INTEGRITY), *PRE_TRADE.values(), *WATCHES.values()]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(kind.__doc__ and code for kind, code in zip(kinds, codes, strict=True))
    schema = limits_schema()
    assert set(schema["properties"]) == {*PRE_TRADE, *WATCHES, "strategies"}


@pytest.mark.parametrize(
    ("table", "valid"),
    [
        ({}, True),
        ({"max_notional": 5}, True),
        ({"price_collar": {"crypto": 0.1}}, True),
        ({"duplicate": "off"}, True),
        ({"strategies": {"sma": {"max_quantity": 5}}}, True),
        ({"max_notional": -5}, False),
        ({"max_notional": "3%"}, False),
        ({"max_notional": None}, False),
        ({"unknown": 5}, False),
        ({"max_open_orders": 1.5}, False),
    ],
)
def test_the_schema_and_the_code_agree_on_what_limits_are(table, valid):
    from jsonschema import Draft202012Validator

    assert Draft202012Validator(limits_schema()).is_valid(table) is valid
    if valid:
        limits_of(table)
    else:
        with pytest.raises(ConfigError):
            limits_of(table)


def test_a_strategy_has_limits_of_its_own_beside_the_sessions():
    limits = limits_of({"strategies": {"small": {"max_position": 5}}})
    guard = Guard(account(held={"X": 5}), (), per_strategy=limits.per_strategy)
    assert code(guard.check(order(6, strategy="small"), NOW)) == "max_position"
    assert isinstance(guard.check(order(5, strategy="small", id="2"), NOW), Approved)
    assert isinstance(guard.check(order(6, strategy="large", id="3"), NOW), Approved)


# --- the quick look ---------------------------------------------------------------------------------------------------

numbers = st.floats(0.001, 2.0)


@given(
    st.integers(1, 1200),
    st.sampled_from([BUY, SELL]),
    st.integers(-500, 500),
    st.integers(0, 30),
    st.floats(0, 100),
    st.fixed_dictionaries(
        {},
        optional={
            "max_quantity": st.floats(1, 1500),
            "max_notional": st.floats(100, 150_000),
            "max_position": st.floats(1, 1500),
            "gross_exposure": numbers,
            "net_exposure": numbers,
            "risk_per_position": numbers,
            "volume_share": numbers,
            "correlation_cluster": numbers,
            "trades_per_session": st.integers(1, 30),
            "cooldown": st.floats(0.1, 100),
            "duplicate": st.floats(0.1, 100),
        },
    ),
    st.floats(0, 0.01),
)
def test_the_quick_look_never_changes_a_verdict(quantity, side, held, trades, ago, table, fee):  # noqa: PLR0917
    wide = {"max_quantity": 1e9, "max_notional": 1e9, "max_position": 1e9, "gross_exposure": 1e9, "net_exposure": 1e9}
    limits = limits_of({**wide, "risk_per_position": 1e9, "volume_share": 1e9, "correlation_cluster": 1e9, **table})
    verdicts = []
    for quick in (True, False):
        on = account(held={"X": held} if held else None, symbols=("X",))
        guard = Guard(on, limits.controls, costs=Costs(Fee(D(str(fee)))))
        guard.memory = sent(ago, quantity=quantity, side=side)
        guard.memory.trades = trades
        guard.memory.last_loss_ns = NOW - int(ago * SECOND)
        guard._screens = quick
        asked = Order("1", "s", "X", side, D(quantity), Terms(), 100.0, NOW)
        asked = asked._replace(terms=guard_terms())
        result = guard.check(asked, NOW)
        verdicts.append(result.code if isinstance(result, Refused) else None)
    assert verdicts[0] == verdicts[1]


def guard_terms():
    from gpt_trader.core.orders import AT_MARKET

    return AT_MARKET


# --- approvals --------------------------------------------------------------------------------------------------------


def approved(guard):
    """The guard's yes to an order that it has nothing against."""
    yes = guard.check(order(), NOW)
    assert isinstance(yes, Approved)
    return yes


def test_an_approval_works_once_and_only_the_guards_own():
    guard = Guard(account())
    yes = approved(guard)
    assert not guard.redeem(Approved(yes.order))
    assert not guard.redeem(Approved(order(11)))
    yes = approved(guard)
    assert guard.redeem(yes)
    assert not guard.redeem(yes)


def test_an_approval_cannot_be_bent_to_another_order():
    guard = Guard(account())
    yes = approved(guard)
    with pytest.raises(AttributeError):
        yes.order = order(999)
    assert not guard.redeem(yes._replace(order=order(999)))


# --- running ----------------------------------------------------------------------------------------------------------


def watching(*controls, equity=100_000.0, **config):
    guard = Guard(account(), (), running=controls, **config)
    guard.look(equity, NOW)
    return guard


def trip(profit, ns=NOW):
    return RoundTrip("s", "X", BUY, D(1), D(100), ns, D(100) + profit, ns, D(profit), D(0), D(1))


@pytest.mark.parametrize(
    "control", [running.SessionLoss(0.03), running.DailyLoss(0.03), running.TrailingDrawdown(0.03)]
)
@pytest.mark.parametrize(("equity", "acts"), [(97_000.01, False), (97_000.0, True), (96_999.99, True)])
def test_a_loss_of_three_per_cent_is_three_per_cent_to_the_cent(control, equity, acts):
    guard = watching(control)
    halts = guard.look(equity, NOW + 1)
    assert [(h.code, h.act) for h in halts] == ([(control.code, "flatten")] if acts else [])
    assert (equity <= guard.floor or not acts) or guard.halts


@given(st.floats(1, 1e9), st.floats(0.001, 0.9))
def test_the_mark_below_which_the_guard_looks_never_lies_below_the_limit_itself(height, limit):
    control = running.SessionLoss(limit)
    memory = remembered(start_equity=height)
    assert control.mark(memory) >= running.below(height, limit)
    assert control.mark(memory) <= running.below(height, limit) * (1 + 1e-9)


def test_the_trailing_drawdown_follows_the_peak():
    guard = watching(running.TrailingDrawdown(0.1))
    assert guard.ceiling == 100_000
    assert not guard.look(120_000.0, NOW + 1)
    assert guard.ceiling == 120_000
    assert not guard.look(108_000.01, NOW + 2)
    assert guard.look(108_000.0, NOW + 3)


def test_deposits_are_no_profit_and_no_loss():
    guard = watching(running.SessionLoss(0.03))
    guard.deposited(-50_000)
    assert not guard.look(50_000.0, NOW + 1)
    assert guard.look(47_000.0, NOW + 2)


@pytest.mark.parametrize(("losses", "locked"), [(4, False), (5, True), (6, True)])
def test_five_losses_in_a_row_lock_entries(losses, locked):
    guard = watching(running.ConsecutiveLosses())
    for _ in range(losses):
        guard.closed(trip(-1))
    guard.look(100_000.0, NOW + 1)
    assert code(guard.check(order(), NOW)) == ("consecutive_losses" if locked else None)


def test_a_gain_between_losses_starts_the_count_again():
    guard = watching(running.ConsecutiveLosses())
    for profit in (-1, -1, -1, -1, 1, -1, 0, -1):
        guard.closed(trip(profit))
    assert guard.memory.consecutive_losses == 2


def test_while_halted_reductions_pass_and_entries_do_not():
    on = account(held={"X": 10})
    guard = Guard(on, (), running=[running.SessionLoss()])
    guard.look(100_000.0, NOW)
    guard.look(90_000.0, NOW + 1)
    assert code(guard.check(order(), NOW)) == "session_loss"
    assert isinstance(guard.check(order(5, SELL, id="2"), NOW), Approved)
    assert code(guard.check(order(15, SELL, id="3"), NOW)) == "session_loss"


def test_clearing_a_halt_takes_a_person_and_a_reason():
    guard = watching(running.SessionLoss())
    guard.look(90_000.0, NOW + 1)
    with pytest.raises(ConfigError):
        guard.clear("session_loss", person=" ", reason="x")
    guard.clear("session_loss", person="Ada", reason="seen")
    assert guard.acts == frozenset()


@pytest.mark.parametrize(
    ("control", "name", "under", "at", "over"),
    [
        (running.FeedSilence(30), "silence", 29.9, 30.0, 30.1),
        (running.UnprotectedPosition(5), "unprotected", 4.9, 5.0, 5.1),
        (running.ConcurrentSteps(3), "steps", 2, 3, 4),
        (running.MarginBuffer(0.25), "margin_use", 0.7, 0.75, 0.76),
    ],
)
def test_what_may_last_so_long_or_be_so_many_acts_only_beyond(control, name, under, at, over):
    assert [bool(control.watch(remembered(**{name: v}))) for v in (under, at, over)] == [False, False, True]


@pytest.mark.parametrize(
    ("control", "name", "under", "at", "over"),
    [
        (running.SlippageAnomaly(0.02), "slippage", 0.019, 0.02, 0.021),
        (running.LatencyAnomaly(5), "latency", 4.9, 5.0, 5.1),
    ],
)
def test_an_anomaly_begins_at_its_limit(control, name, under, at, over):
    assert [bool(control.watch(remembered(**{name: v}))) for v in (under, at, over)] == [False, True, True]


@pytest.mark.parametrize("name", ["silence", "unprotected", "slippage", "latency", "margin_use", "equity"])
def test_what_cannot_be_judged_is_a_reason_to_act(name):
    kinds = {
        "silence": running.FeedSilence,
        "unprotected": running.UnprotectedPosition,
        "slippage": running.SlippageAnomaly,
        "latency": running.LatencyAnomaly,
        "margin_use": running.MarginBuffer,
        "equity": running.SessionLoss,
    }
    assert kinds[name]().watch(remembered(**{"start_equity": 100.0, name: math.nan}))


def test_a_storm_of_rejects_halts_at_the_fifth():
    guard = watching(running.RejectStorm())
    for number in range(5):
        assert not guard.look(100_000.0, NOW + number)
        guard.rejected(NOW + number)
    assert [h.code for h in guard.look(100_000.0, NOW + 5)] == ["reject_storm"]


def test_a_mismatch_makes_only_its_instrument_reduce_only():
    guard = watching(running.ReconciliationMismatch())
    guard.memory.mismatched.add("X")
    guard.wake = 0
    guard.look(100_000.0, NOW + 1)
    assert code(guard.check(order(), NOW)) == "reconciliation_mismatch"
    assert isinstance(guard.check(order(symbol="Y", id="2"), NOW), Approved)


def test_a_session_ends_its_entries_after_its_hours():
    guard = watching(running.SessionDuration(4))
    memory = guard.memory
    for hours, acts in ((3.99, False), (4.0, True)):
        memory.ns = memory.start_ns + int(hours * 3600 * SECOND)
        assert bool(running.SessionDuration(4).watch(memory)) is acts


def test_a_control_that_fails_acts():
    class Broken(running.RunningControl):
        code = "broken"

        def watch(self, memory):
            raise RuntimeError("no data")

    assert [h.code for h in watching(Broken()).halts] == ["broken"]


def test_slippage_is_measured_against_the_reference():
    guard = watching(running.SlippageAnomaly(0.02))
    guard.filled(Fill("1", "1", "s", "X", BUY, D(1), D(103), D(0), 1), 100.0)
    assert guard.memory.slippage == pytest.approx(0.03)
    guard.filled(Fill("2", "1", "s", "X", SELL, D(1), D(103), D(0), 1), 100.0)
    assert guard.memory.slippage == pytest.approx(-0.03)


def test_a_new_day_measures_the_daily_loss_anew_and_not_the_sessions():
    day = 86_400 * SECOND
    guard = watching(running.DailyLoss(0.03), running.SessionLoss(0.05))
    assert not guard.look(98_000.0, NOW + 1)
    assert not guard.look(98_000.0, NOW + day)
    assert not guard.look(95_060.01, NOW + day + 1)
    assert [h.code for h in guard.look(95_060.0, NOW + day + 2)] == ["daily_loss"]
    assert [h.code for h in guard.look(95_000.0, NOW + day + 3)] == ["session_loss"]


def test_the_use_of_margin_is_looked_at_on_every_bar_of_a_leveraged_account():
    guard = Guard(account(leverage=2, held={"X": 1500}), (), running=[running.MarginBuffer(0.2)])
    assert guard.look(100_000.0, NOW) == []
    assert guard.wake == 0
    made = guard.account
    assert guard.look(made.mark(made.lanes["X"], 88.9, NOW + 1), NOW + 1) == []
    assert [h.code for h in guard.look(made.mark(made.lanes["X"], 88.8, NOW + 2), NOW + 2)] == ["margin_buffer"]
