"""The ledger is exact: money is neither made nor lost, however fills are cut."""

from __future__ import annotations

from decimal import Decimal, getcontext, localcontext
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.orders import BUY, SELL, Fill
from gpt_trader.core.portfolio import Portfolio, Position

D = Decimal
CASH = D(1_000_000)
prices = st.decimals(min_value=D("0.01"), max_value=D("9999.99"), places=2)
quantities = st.integers(min_value=1, max_value=500)
sides = st.sampled_from([BUY, SELL])
costings = st.sampled_from(["average", "fifo"])
orders = st.lists(st.tuples(sides, quantities, prices, st.integers(0, 500)), min_size=1, max_size=12)
cuts = st.lists(st.integers(1, 499), max_size=5)


def fill(number, side, quantity, price, fee=0, *, symbol="X", strategy="s"):
    return Fill(str(number), str(number), strategy, symbol, side, D(quantity), D(price), D(fee) / 100, number)


def booked(fills, costing="average", cash=CASH):
    portfolio = Portfolio(cash, costing=costing)
    for each in fills:
        portfolio.apply(each)
    return portfolio


def parts_of(order, at):
    """The order cut into parts, its fee cut along with it, to the last digit."""
    _, quantity, _, fee = order
    edges = [0, *sorted({c for c in at if c < quantity}), quantity]
    sizes = [b - a for a, b in pairwise(edges)]
    fees = [(D(fee) * size / quantity).quantize(D("1e-6")) for size in sizes]
    fees[-1] = D(fee) - sum(fees[:-1], D(0))
    return sizes, fees


@given(orders, st.lists(cuts, min_size=12, max_size=12), costings)
def test_any_split_into_parts_ends_in_the_same_position_cash_and_profit(made, at, costing):
    whole = booked([fill(n, *order) for n, order in enumerate(made)], costing)
    cut, number = [], 0
    for order, where in zip(made, at, strict=False):
        for size, fee in zip(*parts_of(order, where), strict=True):
            cut.append(fill(number, order[0], size, order[2], fee))
            number += 1
    parted = booked(cut, costing)
    one, other = whole.positions["s", "X"], parted.positions["s", "X"]
    assert parted.cash == whole.cash
    assert (other.quantity, other.cost, other.realised) == (one.quantity, one.cost, one.realised)
    assert other.fees == one.fees


@given(orders, costings)
def test_money_is_conserved_to_the_last_digit(made, costing):
    portfolio = booked([fill(n, *order) for n, order in enumerate(made)], costing)
    position = portfolio.positions["s", "X"]
    assert portfolio.cash["USD"] + position.cost == D(1_000_000) + position.realised - position.fees
    last = made[-1][2]
    assert portfolio.equity({"X": last}) == D(1_000_000) + position.net + position.unrealised(last)


@given(orders)
def test_the_way_of_costing_changes_what_is_realised_but_never_what_there_is(made):
    fills = [fill(n, *order) for n, order in enumerate(made)]
    average, fifo = booked(fills), booked(fills, "fifo")
    assert average.cash == fifo.cash
    assert average.held("X") == fifo.held("X")
    one, other = average.positions["s", "X"], fifo.positions["s", "X"]
    assert one.realised + one.unrealised(D(50)) == other.realised + other.unrealised(D(50))


@given(orders)
def test_the_position_is_the_sum_of_the_fills(made):
    portfolio = booked([fill(n, *order) for n, order in enumerate(made)])
    assert portfolio.held("X") == sum(q if side is BUY else -q for side, q, _, _ in made)


@given(orders)
def test_the_profits_of_the_closed_trades_and_what_is_open_are_all_there_is(made):
    portfolio = Portfolio(D(1_000_000))
    trips = [portfolio.apply(fill(n, *order)) for n, order in enumerate(made)]
    position = portfolio.positions["s", "X"]
    closed = sum((trip.profit for trip in trips if trip), D(0))
    if not position.quantity:
        assert closed == position.net == portfolio.cash["USD"] - D(1_000_000)


@given(orders)
def test_a_fill_that_comes_twice_counts_once(made):
    fills = [fill(n, *order) for n, order in enumerate(made)]
    assert booked([*fills, *fills]).cash == booked(fills).cash


def test_average_and_fifo_realise_what_the_textbook_says():
    fills = [fill(1, BUY, 10, 100), fill(2, BUY, 10, 110), fill(3, SELL, 15, 120)]
    average, fifo = booked(fills).positions["s", "X"], booked(fills, "fifo").positions["s", "X"]
    assert (average.realised, average.average) == (D(225), D(105))
    assert (fifo.realised, fifo.average) == (D(250), D(110))


def test_a_short_gains_when_it_is_bought_back_for_less():
    portfolio = booked([fill(1, SELL, 10, 100, 100), fill(2, BUY, 4, 90, 100)])
    position = portfolio.positions["s", "X"]
    assert (position.quantity, position.realised, position.fees) == (D(-6), D(40), D(2))
    assert position.unrealised(D(95)) == D(30)
    assert portfolio.cash["USD"] == D(1_000_000) + 1000 - 360 - 2


def test_a_fill_that_turns_the_position_closes_one_trade_and_opens_the_next():
    portfolio = Portfolio(D(100_000))
    portfolio.apply(fill(1, BUY, 10, 100))
    trip = portfolio.apply(fill(2, SELL, 25, 110, 500))
    assert trip is not None
    assert (trip.quantity, trip.entry_price, trip.exit_price, trip.fees) == (D(10), D(100), D(110), D(2))
    assert trip.profit == D(98)
    assert trip.gain == pytest.approx(0.098)
    assert portfolio.held("X") == -15
    assert portfolio.positions["s", "X"].fees == 5


def test_a_round_trip_of_a_short_has_the_same_figures_the_other_way_round():
    portfolio = Portfolio(D(100_000))
    portfolio.apply(fill(1, SELL, 10, 100))
    trip = portfolio.apply(fill(2, BUY, 10, 90))
    assert trip is not None
    assert (trip.side, trip.entry_price, trip.exit_price, trip.profit) == (SELL, D(100), D(90), D(100))


def test_a_strategy_cannot_spoil_the_arithmetic_of_the_ledger():
    with localcontext() as context:
        context.prec = 3
        portfolio = booked([fill(1, BUY, 3, "1234.56"), fill(2, SELL, 3, "1234.57")])
        assert getcontext().prec > 28
    assert portfolio.cash["USD"] == D("1000000.03")


def test_strategies_on_one_account_keep_their_own_positions():
    portfolio = booked([fill(1, BUY, 10, 100), fill(2, SELL, 4, 100, strategy="t")])
    assert portfolio.held("X") == 6
    assert portfolio.positions["s", "X"].quantity == 10
    assert portfolio.positions["t", "X"].quantity == -4


def test_funding_borrow_and_dividends_have_columns_of_their_own():
    portfolio = booked([fill(1, SELL, 10, 100)])
    portfolio.fund("X", D("0.001"), D(100))
    portfolio.borrow("X", D("0.01"), D(100))
    portfolio.dividend("X", D("0.5"))
    position = portfolio.positions["s", "X"]
    assert (position.funding, position.borrow, position.dividends) == (D(-1), D(10), D(-5))
    assert position.net == D(1) - 10 - 5
    assert portfolio.cash["USD"] == D(1_001_000) + 1 - 10 - 5


def test_a_long_position_borrows_nothing():
    portfolio = booked([fill(1, BUY, 10, 100)])
    portfolio.borrow("X", D("0.01"), D(100))
    assert portfolio.positions["s", "X"].borrow == 0


def test_currencies_are_kept_apart_and_valued_at_explicit_rates():
    portfolio = Portfolio(D(10_000), currency="EUR")
    portfolio.rates["USD"] = D("0.9")
    portfolio.position("s", "X", currency="USD")
    portfolio.apply(fill(1, BUY, 10, 100))
    assert portfolio.cash == {"EUR": D(10_000), "USD": D(-1000)}
    assert portfolio.equity({"X": D(110)}) == D(10_000) + 100 * D("0.9")
    assert portfolio.convert(D(900), "EUR", "USD") == D(1000)
    assert portfolio.cash == {"EUR": D(9100), "USD": D(0)}


def test_a_rate_that_nobody_gave_is_an_error_and_not_one():
    portfolio = Portfolio(D(10_000), currency="EUR")
    portfolio.position("s", "X", currency="USD")
    portfolio.apply(fill(1, BUY, 10, 100))
    with pytest.raises(ValidationError, match="no rate for USD"):
        portfolio.equity({"X": D(100)})


def test_a_deposit_is_no_profit():
    portfolio = Portfolio(D(100))
    portfolio.deposit(D(50))
    assert (portfolio.cash["USD"], portfolio.deposited) == (D(150), D(150))


def test_a_split_keeps_the_cost_and_the_lots():
    position = Position("s", "X", costing="fifo")
    position.trade(D(10), D(100), D(0), 1)
    position.split(2, 1)
    assert (position.quantity, position.cost, position.average) == (D(20), D(1000), D(50))
    position.trade(D(-5), D(60), D(0), 2)
    assert position.realised == D(50)


@given(st.integers(1, 5), st.integers(1, 5), quantities, prices)
def test_no_split_makes_or_loses_money(new, old, quantity, price):
    portfolio = booked([fill(1, BUY, quantity, price)])
    after = (D(price) * old / new).quantize(D("1e-12"))
    portfolio.split("X", new, old, lot=D(1), price=after)
    assert portfolio.held("X") % 1 == 0
    position = portfolio.positions["s", "X"]
    assert portfolio.cash["USD"] + position.cost == D(1_000_000) + position.realised
    assert float(portfolio.equity({"X": after})) == pytest.approx(1_000_000)
