"""How a bar fills an order: each rule by bars written by hand, rows of open, high, low, close and volume."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gpt_trader.core.market import DAY, SECOND, Dividend, Split
from gpt_trader.core.orders import OrderType, TimeInForce
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.rules import FillRules
from tests.trading.bars import by_hand
from tests.trading.scripted import buy, fills, sell, trade

LIMIT, STOP, STOP_LIMIT = OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT
TRAIL, ON_OPEN, ON_CLOSE = OrderType.TRAILING_STOP, OrderType.MARKET_ON_OPEN, OrderType.MARKET_ON_CLOSE
QUIET = (100, 101, 99, 100)
FREE = Decimal(1)


def market(*rows):
    return by_hand(rows)


class TestRule1ADecisionFillsAtTheNextOpen:
    def test_a_market_order_fills_at_the_open_of_the_next_bar(self):
        report = trade(market(QUIET, (104, 106, 103, 105), QUIET), {0: buy()})
        assert fills(report) == [(1, "buy", 10, 104)]

    def test_the_last_bar_has_no_next_open_and_fills_nothing(self):
        assert fills(trade(market(QUIET, QUIET), {1: buy()})) == []

    def test_the_close_of_the_decision_is_a_fill_only_by_name_and_the_report_says_so(self):
        bars = market(QUIET, (104, 106, 103, 105), QUIET)
        report = trade(bars, {0: buy()}, fill=FillRules(same_close=True))
        assert fills(report) == [(0, "buy", 10, 100)]
        assert report.optimistic == ("decisions fill at the close they were made on",)
        assert trade(bars, {0: buy()}).optimistic == ()

    def test_a_decision_on_one_symbol_never_meets_the_same_moment_of_another(self):
        first, second = by_hand([QUIET] * 3, symbol="A"), by_hand([(50, 51, 49, 50)] * 3, symbol="B")
        signal = ("A", buy(symbol="B")[1])
        report = trade([first, second], {1: [signal]})
        assert fills(report) == [(2, "buy", 10, 50)]


class TestRule2ADeadBarFillsNothing:
    @pytest.mark.parametrize(
        "dead",
        [
            (math.nan, 101, 99, 100, 500),
            (100, math.nan, 99, 100, 500),
            (100, 101, math.nan, 100, 500),
            (100, 101, 99, math.nan, 500),
            (100, 101, 99, 100, 0),
        ],
    )
    def test_a_bar_with_a_nan_or_without_volume_is_passed_over(self, dead):
        bars = market((*QUIET, 500), dead, (102, 103, 101, 102, 500))
        assert fills(trade(bars, {0: buy()})) == [(2, "buy", 10, 102)]

    def test_unknown_volume_is_not_zero(self):
        assert fills(trade(market(QUIET, QUIET), {0: buy()})) == [(1, "buy", 10, 100)]

    def test_a_price_that_is_missing_leaves_the_valuation_of_the_bar_before(self):
        bars = market(QUIET, (100, 110, 99, 110), (110, 111, 109, math.nan), (110, 112, 109, 111))
        equity = trade(bars, {0: buy()}).equity.tolist()
        assert equity == [1_000_000, 1_000_100, 1_000_100, 1_000_110]


class TestRule3AStopIsNeverBetterThanItsLevel:
    def test_it_fills_at_its_level_when_the_bar_reaches_it(self):
        bars = market(QUIET, (100, 106, 99, 104))
        assert fills(trade(bars, {0: buy(type=STOP, stop=105)})) == [(1, "buy", 10, 105)]

    def test_a_gap_beyond_it_fills_at_the_open(self):
        bars = market(QUIET, (107, 108, 106, 107))
        assert fills(trade(bars, {0: buy(type=STOP, stop=105)})) == [(1, "buy", 10, 107)]
        bars = market(QUIET, (93, 94, 92, 93))
        assert fills(trade(bars, {0: sell(type=STOP, stop=95)})) == [(1, "sell", 10, 93)]

    @pytest.mark.parametrize(("high", "filled"), [(104.99, False), (105, True)])
    def test_reaching_it_is_enough(self, high, filled):
        bars = market(QUIET, (100, high, 99, 100))
        assert bool(fills(trade(bars, {0: buy(type=STOP, stop=105)}))) is filled

    def test_slippage_makes_it_worse(self):
        bars = market(QUIET, (100, 106, 94, 104))
        costs = Costs(slippage=Slippage("fixed", Decimal("0.25")))
        assert fills(trade(bars, {0: buy(type=STOP, stop=105)}, costs=costs)) == [(1, "buy", 10, 105.25)]
        assert fills(trade(bars, {0: sell(type=STOP, stop=95)}, costs=costs)) == [(1, "sell", 10, 94.75)]


class TestRule4ALimitNeedsAPriceThatGoesThroughIt:
    @pytest.mark.parametrize(("low", "filled"), [(95.01, False), (95, False), (94.99, True)])
    def test_a_buy_needs_a_lower_price(self, low, filled):
        bars = market(QUIET, (100, 101, low, 100))
        expected = [(1, "buy", 10, 95)] if filled else []
        assert fills(trade(bars, {0: buy(type=LIMIT, limit=95)})) == expected

    @pytest.mark.parametrize(("high", "filled"), [(105, False), (105.01, True)])
    def test_a_sale_needs_a_higher_price(self, high, filled):
        bars = market(QUIET, (100, high, 99, 100))
        expected = [(1, "sell", 10, 105)] if filled else []
        assert fills(trade(bars, {0: sell(type=LIMIT, limit=105)})) == expected

    @pytest.mark.parametrize(
        ("order", "price"),
        [(buy(type=LIMIT, limit=99.996), 99.99), (sell(type=LIMIT, limit=100.004), 100.01)],
        ids=["a buy", "a sale"],
    )
    def test_a_limit_between_two_ticks_goes_to_the_one_that_is_no_worse(self, order, price):
        assert [f[3] for f in fills(trade(market(QUIET, QUIET), {0: order}))] == [price]

    @pytest.mark.parametrize(
        ("order", "row", "price"),
        [(buy(take_profit=102.003), (100, 103, 99, 100), 102.01), (sell(take_profit=97.007), (100, 101, 96, 100), 97)],
        ids=["of a long", "of a short"],
    )
    def test_so_does_a_target(self, order, row, price):
        assert fills(trade(market(QUIET, QUIET, row), {0: order}))[1][3] == price

    def test_to_touch_is_enough_only_by_name_and_the_report_says_so(self):
        bars = market(QUIET, (100, 101, 95, 100))
        report = trade(bars, {0: buy(type=LIMIT, limit=95)}, fill=FillRules(limit="touch"))
        assert fills(report) == [(1, "buy", 10, 95)]
        assert report.optimistic == ("limit orders fill when touched",)

    def test_a_favourable_gap_fills_at_the_open(self):
        bars = market(QUIET, (93, 96, 92, 95))
        assert fills(trade(bars, {0: buy(type=LIMIT, limit=95)})) == [(1, "buy", 10, 93)]

    def test_a_limit_that_the_market_takes_at_once_pays_the_taker_and_one_that_waited_the_maker(self):
        costs = Costs(Fee(Decimal("0.01"), maker=Decimal("0.001")))
        at_once = trade(market(QUIET, (93, 96, 92, 95)), {0: buy(type=LIMIT, limit=95)}, costs=costs)
        waited = trade(market(QUIET, (96, 97, 94, 95)), {0: buy(type=LIMIT, limit=95)}, costs=costs)
        gapped = trade(market(QUIET, (96, 97, 95.5, 96), (90, 91, 89, 90)), {0: buy(type=LIMIT, limit=95)}, costs=costs)
        assert [(f.maker, f.fee) for f in at_once.fills] == [(False, Decimal("9.30"))]
        assert [(f.maker, f.fee) for f in waited.fills] == [(True, Decimal("0.950"))]
        assert [(f.maker, f.fee) for f in gapped.fills] == [(True, Decimal("0.900"))]

    def test_slippage_never_makes_it_worse_than_the_limit(self):
        costs = Costs(slippage=Slippage("fixed", Decimal(5)))
        bars = market(QUIET, (93, 96, 92, 95))
        assert fills(trade(bars, {0: buy(type=LIMIT, limit=95)}, costs=costs)) == [(1, "buy", 10, 95)]


class TestRule5AStopLimitNeedsProof:
    def test_a_close_back_inside_the_limit_proves_the_fill_in_the_bar_of_the_trigger(self):
        bars = market(QUIET, (100, 108, 99, 104), QUIET)
        assert fills(trade(bars, {0: buy(type=STOP_LIMIT, stop=105, limit=106)})) == [(1, "buy", 10, 106)]

    def test_a_close_beyond_the_limit_proves_nothing_and_the_order_waits_triggered(self):
        bars = market(QUIET, (100, 108, 99, 107), (107, 108, 105, 106))
        report = trade(bars, {0: buy(type=STOP_LIMIT, stop=105, limit=106)})
        assert fills(report) == [(2, "buy", 10, 106)]

    def test_an_open_between_stop_and_limit_triggers_and_fills_there(self):
        bars = market(QUIET, (105.5, 108, 105.2, 107))
        assert fills(trade(bars, {0: buy(type=STOP_LIMIT, stop=105, limit=106)})) == [(1, "buy", 10, 105.5)]

    def test_an_open_beyond_the_limit_triggers_and_fills_only_on_the_way_back(self):
        bars = market(QUIET, (107, 108, 105, 107))
        assert fills(trade(bars, {0: buy(type=STOP_LIMIT, stop=105, limit=106)})) == [(1, "buy", 10, 106)]
        bars = market(QUIET, (107, 108, 106, 107))
        assert fills(trade(bars, {0: buy(type=STOP_LIMIT, stop=105, limit=106)})) == []

    def test_without_a_trigger_nothing_happens(self):
        bars = market(QUIET, (100, 104, 99, 103))
        assert fills(trade(bars, {0: buy(type=STOP_LIMIT, stop=105, limit=106)})) == []


class TestRule6AnAmbiguousBarIsTakenBadlyAndCounted:
    BOTH = ((100, 101, 99, 100), (100, 101, 99, 100), (100, 112, 88, 101), QUIET)

    def test_the_stop_comes_first_and_the_report_has_the_other_result(self):
        report = trade(market(*self.BOTH), {0: buy(stop_loss=90, take_profit=110)})
        assert fills(report) == [(1, "buy", 10, 100), (2, "sell", 10, 90)]
        assert report.ambiguous_bars == 1
        assert report.final_equity == Decimal(999_900)
        assert report.other is not None
        assert (report.other.events, report.other.final_equity) == ("favourable", Decimal(1_000_100))
        told = report.to_dict()
        assert told["ambiguous_bars"] == 1
        assert told["other_order_of_events"]["final_equity"] == "1000100.0"

    def test_the_favourable_order_is_had_by_name_and_named(self):
        report = trade(market(*self.BOTH), {0: buy(stop_loss=90, take_profit=110)}, fill=FillRules(events="favourable"))
        assert fills(report)[1] == (2, "sell", 10, 110)
        assert report.optimistic == ("the favourable of two events comes first",)
        assert report.other is not None
        assert report.other.final_equity == Decimal(999_900)

    @pytest.mark.parametrize(("row", "price"), [((100, 112, 95, 111), 110), ((100, 105, 88, 89), 90)])
    def test_a_bar_that_reached_only_one_is_not_ambiguous(self, row, price):
        report = trade(market(QUIET, QUIET, row), {0: buy(stop_loss=90, take_profit=110)})
        assert fills(report)[1] == (2, "sell", 10, price)
        assert report.ambiguous_bars == 0
        assert report.other is None

    def test_finer_bars_decide_where_there_are_any(self):
        hour = 3600 * SECOND
        inside = [(100, 105, 99, 104), (104, 112, 103, 108), (108, 109, 88, 101)]
        finer = by_hand(inside, step=8 * hour, timeframe="8h", start=2 * DAY)
        report = trade(market(*self.BOTH), {0: buy(stop_loss=90, take_profit=110)}, finer=[finer])
        assert [float(f.price) for f in report.fills] == [100, 110]
        assert report.ambiguous_bars == 0

    def test_a_stop_entry_whose_stop_loss_may_have_come_before_it_is_ambiguous(self):
        row = (100, 106, 94, 103)
        report = trade(market(QUIET, row, QUIET), {0: buy(type=STOP, stop=105, stop_loss=95)})
        assert fills(report) == [(1, "buy", 10, 105), (1, "sell", 10, 95)]
        assert report.ambiguous_bars == 1
        assert report.other is not None
        assert report.other.trades == 0

    def test_a_limit_entry_passes_its_own_level_on_the_way_to_its_stop_so_that_is_certain(self):
        row = (100, 106, 94, 103)
        report = trade(market(QUIET, row), {0: buy(type=LIMIT, limit=97, stop_loss=95)})
        assert fills(report) == [(1, "buy", 10, 97), (1, "sell", 10, 95)]
        assert report.ambiguous_bars == 0

    def test_a_limit_entry_takes_its_profit_in_the_same_bar_only_if_the_close_proves_it(self):
        unproven = trade(market(QUIET, (100, 106, 96, 103)), {0: buy(type=LIMIT, limit=97, take_profit=105)})
        proven = trade(market(QUIET, (100, 108, 96, 107)), {0: buy(type=LIMIT, limit=97, take_profit=105)})
        assert len(fills(unproven)) == 1
        assert fills(proven)[1] == (1, "sell", 10, 105)


class TestRule7BracketsAndTrailingStops:
    def test_a_bracket_is_live_on_the_bar_of_its_entry(self):
        report = trade(market(QUIET, (100, 101, 88, 95)), {0: buy(stop_loss=90, take_profit=110)})
        assert fills(report) == [(1, "buy", 10, 100), (1, "sell", 10, 90)]

    def test_what_one_exit_fills_ends_the_other(self):
        report = trade(
            market(QUIET, QUIET, (100, 112, 99, 111), (100, 101, 80, 90)), {0: buy(stop_loss=90, take_profit=110)}
        )
        assert fills(report) == [(1, "buy", 10, 100), (2, "sell", 10, 110)]
        assert [(e.order.reason, e.code) for e in report.ended] == [("stop", "bracket_done")]

    def test_a_short_entry_has_its_exits_the_other_way_round(self):
        report = trade(market(QUIET, QUIET, (100, 101, 88, 95)), {0: sell(stop_loss=110, take_profit=90)})
        assert fills(report) == [(1, "sell", 10, 100), (2, "buy", 10, 90)]

    def test_exits_grow_with_the_parts_of_their_entry(self):
        rows = [(*QUIET, 1000), (*QUIET, 40), (*QUIET, 60), (100, 101, 88, 95, 1000)]
        report = trade(market(*rows), {0: buy(stop_loss=90)})
        assert fills(report) == [(1, "buy", 4, 100), (2, "buy", 6, 100), (3, "sell", 10, 90)]

    def test_a_trailing_stop_is_tested_at_its_old_level_and_then_moved(self):
        rows = [QUIET, (100, 110, 99, 109), (109, 112, 104.5, 111), (111, 111, 106, 107)]
        report = trade(market(*rows), {0: buy(trailing_loss=5)})
        assert fills(report) == [(1, "buy", 10, 100), (2, "sell", 10, 105)]

    def test_a_trail_born_on_the_way_follows_only_what_must_have_come_after_its_entry(self):
        """The limit was met at 96; the high of 110 may lie before that, the close of 97 does not."""
        rows = [QUIET, (100, 110, 95, 97), (97, 98, 91, 93)]
        report = trade(market(*rows), {0: buy(type=LIMIT, limit=96, trailing_loss=5)})
        assert fills(report) == [(1, "buy", 10, 96), (2, "sell", 10, 92)]

    def test_a_trail_born_of_a_stop_follows_the_high_beyond_it(self):
        rows = [QUIET, (104, 110, 103, 108), (108, 109, 104, 105)]
        report = trade(market(*rows), {0: buy(type=STOP, stop=105, trailing_loss=5)})
        assert fills(report) == [(1, "buy", 10, 105), (2, "sell", 10, 105)]

    def test_a_trail_may_be_an_exact_part(self):
        rows = [QUIET, QUIET, (100, 100, 94, 96)]
        report = trade(market(*rows), {0: buy(), 1: sell(type=TRAIL, trail_percent=Decimal("0.05"))})
        assert fills(report) == [(1, "buy", 10, 100), (2, "sell", 10, 95)]

    def test_a_trailing_stop_never_moves_back(self):
        rows = [QUIET, (100, 110, 99, 109), (109, 109, 106, 106), (106, 107, 104, 104)]
        report = trade(market(*rows), {0: buy(trailing_loss=5)})
        assert fills(report) == [(1, "buy", 10, 100), (3, "sell", 10, 105)]

    def test_a_trailing_stop_of_its_own_follows_by_a_part_of_the_price(self):
        rows = [QUIET, (100, 110, 99, 109), (109, 110, 98.5, 100)]
        report = trade(market(*rows), {0: sell(type=TRAIL, trail_percent=0.1)})
        assert fills(report) == [(2, "sell", 10, 99)]

    def test_a_position_closed_otherwise_takes_its_exits_along(self):
        rows = [QUIET, QUIET, QUIET, (100, 101, 80, 90)]
        report = trade(market(*rows), {0: buy(stop_loss=90), 1: sell(0, target=True)})
        assert fills(report) == [(1, "buy", 10, 100), (2, "sell", 10, 100)]
        assert [e.code for e in report.ended] == ["position_closed"]

    def test_a_stop_that_the_open_leaves_behind_fills_at_once_with_its_entry(self):
        report = trade(market(QUIET, (85, 86, 84, 85)), {0: buy(stop_loss=90)})
        assert fills(report) == [(1, "buy", 10, 85), (1, "sell", 10, 85)]


class TestRule8VolumeLimitsFills:
    def test_at_most_a_tenth_of_the_volume_is_filled_and_the_rest_works_on(self):
        rows = [(*QUIET, 1000), (*QUIET, 70), (101, 102, 100, 101, 20), (102, 103, 101, 102, 500)]
        report = trade(market(*rows), {0: buy(10)})
        assert fills(report) == [(1, "buy", 7, 100), (2, "buy", 2, 101), (3, "buy", 1, 102)]

    @pytest.mark.parametrize("kind", [{"type": STOP, "stop": 95}, {"type": TRAIL, "trail": 5}])
    def test_the_rest_of_a_stop_that_was_triggered_goes_at_market_wherever_that_is(self, kind):
        rows = [(*QUIET, 1000), (100, 100, 99, 100, 1000), (100, 100, 94, 97, 50), (98, 99, 97, 98, 1000)]
        report = trade(market(*rows), {0: buy(), 1: sell(**kind)})
        assert fills(report) == [(1, "buy", 10, 100), (2, "sell", 5, 95), (3, "sell", 5, 98)]

    @pytest.mark.parametrize(("volume", "filled"), [(99, 9), (100, 10), (101, 10)])
    def test_the_share_is_exact_at_its_edge(self, volume, filled):
        rows = [(*QUIET, 1000), (*QUIET, volume)]
        assert fills(trade(market(*rows), {0: buy(10)}))[0][2] == filled

    def test_the_share_is_a_choice_and_switching_it_off_is_named(self):
        rows = [(*QUIET, 1000), (*QUIET, 20)]
        half = trade(market(*rows), {0: buy(10)}, fill=FillRules(volume_share=Decimal("0.25")))
        all_of_it = trade(market(*rows), {0: buy(10)}, fill=FillRules(volume_share=None))
        assert fills(half)[0][2] == 5
        assert fills(all_of_it)[0][2] == 10
        assert all_of_it.optimistic == ("the volume of a bar does not limit fills",)

    def test_all_orders_of_a_bar_share_its_volume(self):
        rows = [(*QUIET, 1000), (*QUIET, 100), (*QUIET, 1000)]
        report = trade(market(*rows), {0: [buy(8), buy(7)]})
        assert fills(report) == [(1, "buy", 8, 100), (1, "buy", 2, 100), (2, "buy", 5, 100)]


class TestRule9MoneyIsCheckedTwice:
    def test_what_is_too_dear_at_the_decision_is_refused_with_a_code(self):
        report = trade(market(QUIET, QUIET), {0: buy(101)}, cash=Decimal(10_000))
        assert [r.code for r in report.refusals] == ["buying_power"]

    def test_what_became_too_dear_at_the_open_ends_with_the_code(self):
        report = trade(market(QUIET, (101, 102, 100, 101)), {0: buy(100)}, cash=Decimal(10_000))
        assert fills(report) == []
        assert [(e.code, e.filled) for e in report.ended] == [("buying_power", 0)]

    def test_all_the_cash_to_the_last_cent_is_enough(self):
        report = trade(market(QUIET, QUIET), {0: buy(100)}, cash=Decimal(10_000))
        assert fills(report) == [(1, "buy", 100, 100)]
        assert report.portfolio.cash == {"USD": 0}

    def test_the_fee_counts(self):
        report = trade(market(QUIET, QUIET), {0: buy(100)}, cash=Decimal(10_000), costs=Costs(Fee(Decimal("0.0001"))))
        assert fills(report) == []

    @pytest.mark.parametrize(
        ("fee", "paid"),
        [
            (Fee(Decimal("0.001")), "1"),
            (Fee(per_share=Decimal("0.005")), "0.05"),
            (Fee(per_share=Decimal("0.005"), minimum=Decimal(1)), "1"),
            (Fee(Decimal("0.01"), maximum=Decimal(5)), "5"),
            (Fee(Decimal("0.001"), per_share=Decimal("0.1")), "2"),
        ],
    )
    def test_a_fee_is_so_much_a_share_and_a_part_within_bounds(self, fee, paid):
        report = trade(market(QUIET, QUIET), {0: buy(10)}, costs=Costs(fee))
        assert report.fills[0].fee == Decimal(paid)
        assert report.costs["fees"] == Decimal(paid)


class TestRule10TypesAndLives:
    def test_an_order_for_the_day_ends_with_it(self):
        rows = [QUIET, (100, 101, 97, 100), (100, 101, 90, 95)]
        report = trade(market(*rows), {0: buy(type=LIMIT, limit=95, tif=TimeInForce.DAY)})
        assert fills(report) == []
        assert [e.code for e in report.ended] == ["expired"]

    def test_good_till_cancelled_works_on(self):
        rows = [QUIET, (100, 101, 97, 100), (100, 101, 90, 95)]
        assert fills(trade(market(*rows), {0: buy(type=LIMIT, limit=95)})) == [(2, "buy", 10, 95)]

    @pytest.mark.parametrize(("day", "filled"), [(2, False), (3, True)])
    def test_good_till_date_ends_after_its_date(self, day, filled):
        rows = [QUIET, (100, 101, 97, 100), (100, 101, 90, 95)]
        until = datetime(1970, 1, day, tzinfo=UTC)
        signal = buy(type=LIMIT, limit=95, tif=TimeInForce.GTD, good_till=until)
        assert bool(fills(trade(market(*rows), {0: signal}))) is filled

    def test_immediate_or_cancel_takes_what_there_is(self):
        rows = [(*QUIET, 1000), (*QUIET, 40), (*QUIET, 1000)]
        report = trade(market(*rows), {0: buy(tif=TimeInForce.IOC)})
        assert fills(report) == [(1, "buy", 4, 100)]
        assert [(e.code, e.filled) for e in report.ended] == [("ioc", 4)]

    @pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
    def test_a_limit_at_once_is_at_the_open_or_not_at_all(self, tif):
        later = trade(market(QUIET, QUIET, QUIET), {0: buy(type=LIMIT, limit=99.5, tif=tif)})
        now = trade(market(QUIET, QUIET, QUIET), {0: buy(type=LIMIT, limit=100.5, tif=tif)})
        assert (fills(later), [e.code for e in later.ended]) == ([], [tif.value])
        assert fills(now) == [(1, "buy", 10, 100)]

    def test_fill_or_kill_takes_all_or_nothing(self):
        rows = [(*QUIET, 1000), (*QUIET, 40), (*QUIET, 1000)]
        none = trade(market(*rows), {0: buy(tif=TimeInForce.FOK)})
        whole = trade(market(*rows[1:]), {0: buy(tif=TimeInForce.FOK)})
        assert (fills(none), [e.code for e in none.ended]) == ([], ["fok"])
        assert fills(whole) == [(1, "buy", 10, 100)]

    def test_market_on_close_fills_at_the_close_of_the_next_day(self):
        report = trade(market(QUIET, (100, 106, 99, 105)), {0: buy(type=ON_CLOSE)})
        assert fills(report) == [(1, "buy", 10, 105)]

    def test_within_a_day_market_on_close_waits_for_its_last_bar(self):
        hour = 3600 * SECOND
        rows = [(100 + i, 101 + i, 99 + i, 100.5 + i) for i in range(30)]
        bars = by_hand(rows, step=hour, timeframe="1h")
        report = trade(bars, {2: buy(type=ON_CLOSE)})
        assert [(f.ns // hour, float(f.price)) for f in report.fills] == [(23, 123.5)]

    def test_within_a_day_market_on_open_waits_for_the_next_one(self):
        hour = 3600 * SECOND
        rows = [(100 + i, 101 + i, 99 + i, 100.5 + i) for i in range(30)]
        bars = by_hand(rows, step=hour, timeframe="1h")
        report = trade(bars, {2: buy(type=ON_OPEN)})
        assert [(f.ns // hour, float(f.price)) for f in report.fills] == [(24, 124)]


class TestRule11OneOrderOfEvents:
    def test_the_same_run_twice_gives_the_same_bytes(self, drawn):
        script = {at: [buy(3, stop_loss=99), sell(2, type=LIMIT, limit=100.3)] for at in range(5, 400, 40)}
        once, again = (json.dumps(trade(drawn(500), script, seed=5).to_dict()) for _ in range(2))
        assert once == again

    def test_orders_of_one_bar_fill_in_the_order_in_which_they_were_sent(self):
        report = trade(market(QUIET, QUIET), {0: [buy(1), buy(2), sell(3)]})
        assert [f[2] for f in fills(report)] == [1, 2, 3]


class TestRule12CorporateEvents:
    def test_a_split_reaches_the_ledger_and_the_orders_at_work(self):
        rows = [QUIET, QUIET, (50, 51, 49, 50), (50, 51, 44, 46)]
        actions = [Split("X", 2 * DAY, 2)]
        report = trade(market(*rows), {0: buy(stop_loss=90)}, actions=actions)
        assert fills(report) == [(1, "buy", 10, 100), (3, "sell", 20, 45)]
        assert report.equity[2] == 1_000_000

    def test_a_target_that_waits_is_meant_in_the_shares_of_its_day(self):
        """15 old shares are 30 new ones: 20 are held, and 10 are bought."""
        rows = [QUIET, QUIET, (50, 51, 49, 50), (50, 51, 49, 50)]
        script = {0: buy(10, target=True), 1: buy(15, target=True)}
        report = trade(market(*rows), script, actions=[Split("X", 2 * DAY, 2)])
        assert fills(report) == [(1, "buy", 10, 100), (2, "buy", 10, 50)]

    def test_the_bracket_of_an_entry_that_waits_is_split_with_it(self):
        """A limit of 99 with exits at 90 and 120 goes on at 49.5, 45 and 60."""
        rows = [QUIET, (50, 51, 50, 50), (50, 51, 49, 50), (50, 51, 44, 46)]
        entry = buy(type=LIMIT, limit=99, stop_loss=90, take_profit=120)
        report = trade(market(*rows), {0: entry}, actions=[Split("X", DAY, 2)])
        assert fills(report) == [(2, "buy", 20, 49.5), (3, "sell", 20, 45)]

    def test_the_distance_of_a_trail_is_split_as_well(self):
        rows = [QUIET, (50, 51, 50, 50), (50, 60, 50, 60), (60, 60, 54, 55)]
        report = trade(market(*rows), {0: buy(trailing_loss=10)}, actions=[Split("X", DAY, 2)])
        assert fills(report) == [(1, "buy", 20, 50), (3, "sell", 20, 55)]

    def test_exits_that_were_split_still_protect_what_a_partial_fill_leaves(self):
        rows = [(*QUIET, 1000), (*QUIET, 1000), (50, 51, 49, 50, 1000), (50, 61, 50, 60, 100), (50, 51, 44, 46, 1000)]
        report = trade(market(*rows), {0: buy(stop_loss=90, take_profit=120)}, actions=[Split("X", 2 * DAY, 2)])
        assert fills(report) == [(1, "buy", 10, 100), (3, "sell", 10, 60), (4, "sell", 10, 45)]

    def test_orders_go_on_in_whole_lots_and_end_where_less_than_one_is_left(self):
        rows = [QUIET, (300, 301, 299, 300), (300, 301, 290, 300)]
        script = {0: [buy(10, type=LIMIT, limit=99), buy(2, type=LIMIT, limit=99)]}
        report = trade(market(*rows), script, actions=[Split("X", DAY, 1, 3)])
        assert fills(report) == [(2, "buy", 3, 297)]
        assert [(e.order.id, e.code) for e in report.ended] == [("2", "nothing_left")]

    def test_a_reverse_split_pays_out_what_is_less_than_a_share(self):
        rows = [QUIET, QUIET, (300, 301, 299, 300), (300, 301, 299, 300)]
        report = trade(market(*rows), {0: buy(10)}, actions=[Split("X", 2 * DAY, 1, 3)])
        position = report.portfolio.positions["script", "X"]
        assert position.quantity == 3
        assert float(report.portfolio.cash["USD"]) == pytest.approx(1_000_000 - 1000 + 100)
        assert float(report.final_equity) == pytest.approx(1_000_000)

    def test_a_dividend_is_received_and_the_short_pays_it(self):
        actions = [Dividend("X", 2 * DAY, Decimal("0.50"))]
        held = trade(market(QUIET, QUIET, QUIET), {0: buy(10)}, actions=actions)
        owed = trade(market(QUIET, QUIET, QUIET), {0: sell(10)}, actions=actions)
        assert held.final_equity == Decimal(1_000_005)
        assert owed.final_equity == Decimal(999_995)
        assert held.per_symbol["X"]["dividends"] == 5

    def test_adjusted_prices_have_splits_in_them_already(self):
        bars = by_hand([QUIET] * 3, prices="adjusted")
        report = trade(bars, {0: buy(10)}, actions=[Split("X", 2 * DAY, 2)])
        assert report.final_equity == Decimal(1_000_000)
        assert report.provenance["data"][0]["prices"] == "adjusted"

    def test_a_dividend_that_is_named_is_not_in_the_prices_whether_they_are_adjusted_for_splits_or_not(self):
        bars = by_hand([QUIET] * 3, prices="adjusted")
        report = trade(bars, {0: buy(10)}, actions=[Dividend("X", 2 * DAY, Decimal(1))])
        assert report.final_equity == Decimal(1_000_010)


class TestTheEnd:
    ROWS = (QUIET, (100, 106, 99, 105), (107, 109, 106, 108))

    def test_positions_stay_open_and_are_valued_at_the_close(self):
        report = trade(market(*self.ROWS), {0: buy()})
        assert report.final_equity == Decimal(1_000_080)
        assert report.trades == ()
        assert report.to_dict()["positions"][0]["quantity"] == "10"

    @pytest.mark.parametrize(("how", "price"), [("close", 108), ("open", 107)])
    def test_they_are_closed_at_the_last_bar_by_name(self, how, price):
        report = trade(market(*self.ROWS), {0: buy()}, close_at_end=how)
        assert fills(report)[-1] == (2, "sell", 10, price)
        assert report.equity[-1] == float(report.final_equity) == 1_000_000 + 10 * (price - 100)

    def test_costs_move_only_takers_and_slippage_is_counted(self):
        costs = Costs(slippage=Slippage("percent", Decimal("0.01")), spread=Decimal("0.002"))
        report = trade(market(*self.ROWS), {0: buy()}, costs=costs)
        assert fills(report) == [(1, "buy", 10, 101.1)]
        assert report.costs["slippage"] == Decimal("11.00")

    def test_slippage_by_volume_grows_with_the_square_of_the_share(self):
        costs = Costs(slippage=Slippage("volume", Decimal(1)))
        rows = [(*QUIET, 1000), (*QUIET, 100)]
        assert fills(trade(market(*rows), {0: buy(10)}, costs=costs)) == [(1, "buy", 10, 101)]
