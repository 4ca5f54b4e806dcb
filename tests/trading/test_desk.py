"""The desk: one order path, several strategies on one account, and none that can bring it down."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from gpt_trader.core.errors import ConfigError, NoBars, RefusedByRisk, ValidationError
from gpt_trader.core.market import DAY, SECOND, Instrument, MarketData, Rate, time_of
from gpt_trader.core.orders import AT_MARKET, BUY, SELL, Approved, Order, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.strategies.buy_and_hold import BuyAndHold
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.desk import Desk
from gpt_trader.trading.guard import Guard
from gpt_trader.trading.modes import MODES, build, run_backtest
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share, Units, parse_sizing
from tests.trading.bars import by_hand, drawn
from tests.trading.scripted import Scripted, buy, fills, sell, trade

D = Decimal
QUIET = (100, 101, 99, 100)


class Bad(TradingStrategyPlugin):
    """Works for two bars and then does something that no strategy should."""

    def __init__(self, deed):
        self.deed = deed
        self.count = 0

    def on_market_data(self, market_data):
        self.count += 1
        return self.deed() if self.count == 3 else None


def hang():
    while True:
        pass


def hang_and_hold_on():
    while True:
        try:
            time.sleep(0.001)
        except Exception:  # noqa: BLE001 - this is what the strategy must not be able to use
            continue


class Odd(BaseException):
    """No Exception, and still no reason to stop the desk."""


def leave(fault):
    def deed():
        raise fault

    return deed


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (leave(ValueError("oh")), "ValueError: oh"),
        (leave(SystemExit(3)), "SystemExit: 3"),
        (leave(Odd()), "Odd"),
        (leave(RecursionError("deep")), "RecursionError"),
        (hang, "Overdue"),
        (lambda: time.sleep(60), "Overdue"),
        (hang_and_hold_on, "Overdue"),
        (lambda: "buy", "no TradeSignal"),
        (lambda: [TradeSignal("X", BUY, 1), 5], "no TradeSignal"),
        (lambda: 7, "TypeError"),
    ],
)
def test_whatever_a_strategy_does_stops_that_strategy_and_the_desk_lives(deed, told):
    bad = StrategySpec("bad", lambda: Bad(deed))
    good = StrategySpec("good", SmaCross, {"fast": 2, "slow": 5, "quantity": 1.0})
    bars = drawn(300)
    report = run_backtest([bad, good], bars, BacktestConfig(deadline=0.2))
    alone = run_backtest([good], bars, BacktestConfig())
    assert [(a.severity, a.code) for a in report.alerts] == [("critical", "strategy_stopped")]
    assert told in report.alerts[0].message
    assert "bad" in report.alerts[0].message
    assert [f.price for f in report.fills] == [f.price for f in alone.fills]
    assert len(report.fills) > 10


def test_a_strategy_that_hangs_is_stopped_in_any_thread():
    with ThreadPoolExecutor(1) as pool:
        bad = StrategySpec("bad", lambda: Bad(hang_and_hold_on))
        report = pool.submit(run_backtest, bad, drawn(300), BacktestConfig(deadline=0.2)).result(30)
    assert "Overdue" in report.alerts[0].message


def test_a_person_can_still_interrupt():
    with pytest.raises(KeyboardInterrupt):
        run_backtest(StrategySpec("s", lambda: Bad(leave(KeyboardInterrupt()))), drawn(10))


def test_a_fault_at_a_trade_or_at_the_end_is_told_as_well():
    class Late(Scripted):
        def on_trade_executed(self, trade):
            raise ValueError("at the trade")

    class Last(BuyAndHold):
        def cleanup(self):
            raise ValueError("at the end")

    late = run_backtest(StrategySpec("late", lambda: Late({0: [buy()]})), by_hand([QUIET] * 3))
    last = run_backtest(StrategySpec("last", Last), by_hand([QUIET] * 3))
    assert "at the trade" in late.alerts[0].message
    assert "at the end" in last.alerts[0].message


def test_a_stopped_strategy_loses_its_entries_and_keeps_its_exits():
    class Stopper(Scripted):
        def on_market_data(self, market_data):
            if self.seen.get("X", 0) == 3:
                raise ValueError("enough")
            return super().on_market_data(market_data)

    from gpt_trader.core.orders import OrderType

    script = {0: [buy(stop_loss=90)], 1: [buy(type=OrderType.LIMIT, limit=95)]}
    bars = by_hand([QUIET] * 4 + [(100, 101, 80, 85)])
    report = run_backtest(StrategySpec("s", lambda: Stopper(script)), bars, BacktestConfig(cash=D(10_000)))
    assert fills(report) == [(1, "buy", 10, 100), (4, "sell", 10, 90)]
    assert [e.code for e in report.ended] == ["cancelled"]


def test_the_strategy_is_told_of_each_execution_and_of_the_profit_of_a_closed_trade():
    plugin = Scripted({0: [buy(10)], 1: [sell(4)], 2: [sell(6)]})
    rows = [QUIET, (100, 101, 99, 100), (110, 111, 109, 110), (120, 121, 119, 120)]
    instruments = {"X": Instrument("X")}
    run_backtest(StrategySpec("s", lambda: plugin), by_hand(rows), BacktestConfig(instruments=instruments))
    told = [(t.side, t.quantity, t.price, t.position, t.profit) for t in plugin.trades]
    assert told == [(BUY, 10, 100, 10, None), (SELL, 4, 110, 6, None), (SELL, 6, 120, 0, D(160))]
    assert plugin.trades[1].timestamp == time_of(2 * DAY)


def test_submit_takes_only_what_the_guard_approved():
    bench = build([StrategySpec("s", BuyAndHold)], [drawn(10)], BacktestConfig())
    order = Order("1", "s", "X", BUY, D(1), AT_MARKET, 100.0, 2)
    bench.desk.account.lanes["X"].price = 100.0
    with pytest.raises(RefusedByRisk):
        bench.desk.submit(Approved(order))
    approved: Any = bench.desk.check(order)
    bench.desk.submit(approved)
    with pytest.raises(RefusedByRisk):
        bench.desk.submit(approved)
    assert [o.id for o in bench.broker.open_orders()] == ["1"]


def test_the_walk_of_a_bar_is_the_composition_of_its_stages():
    bars = list(by_hand([QUIET] * 2 + [(103, 104, 102, 103)] * 2).ts)
    rows = [
        MarketData("X", time_of(int(ns)), 100.0 + i, 1e6, 100.0 + i, 101.0 + i, 99.0 + i) for i, ns in enumerate(bars)
    ]
    spec = [StrategySpec("s", lambda: Scripted({0: [buy(5)], 2: [sell(5)]}))]
    config = BacktestConfig(instruments={"X": Instrument("X")})
    whole, staged = (build(spec, [by_hand([QUIET] * 4)], config).desk for _ in range(2))
    for row in rows:
        whole.on_market_data(row)
        staged.settle(row)
        staged.mark(row)
        signals = staged.decide(row)
        if signals:
            staged.act(row, signals)
    assert staged.curve == whole.curve
    assert staged.tape.fills == whole.tape.fills
    assert len(whole.tape.fills) == 2


def test_a_paused_desk_settles_and_marks_and_asks_nothing():
    bench = build(
        [StrategySpec("s", lambda: Scripted({0: [buy()], 2: [buy()]}))], [by_hand([QUIET] * 5)], BacktestConfig()
    )
    from gpt_trader.trading.playback import play

    for number, bar in enumerate(play([by_hand([QUIET] * 5)])):
        bench.desk.paused = number >= 1
        bench.desk.on_market_data(bar)
    assert len(bench.desk.tape.fills) == 1
    assert len(bench.desk.curve) == 5


def test_strategies_on_one_account_share_its_money_and_keep_their_own_positions():
    first = StrategySpec("first", lambda: Scripted({0: [buy(60)]}))
    second = StrategySpec("second", lambda: Scripted({1: [buy(60)], 2: [sell(40)]}))
    config = BacktestConfig(cash=D(10_000), instruments={"X": Instrument("X")})
    report = run_backtest([first, second], by_hand([QUIET] * 5), config)
    assert [(r.order.strategy, r.code) for r in report.refusals] == [("second", "buying_power")]
    assert report.portfolio.positions["first", "X"].quantity == 60
    assert report.portfolio.positions["second", "X"].quantity == -40
    assert set(report.per_strategy) == {"first", "second"}


def test_symbols_of_one_account_make_one_curve():
    a = by_hand([(100 + i, 101 + i, 99 + i, 100 + i) for i in range(5)], symbol="A")
    b = by_hand([(50, 51, 49, 50), (50, 51, 49, 50), (60, 61, 59, 60), (60, 61, 59, 60)], symbol="B")
    report = trade([a, b], {0: [buy(10, symbol="A"), buy(20, symbol="B")]}, cash=D(10_000))
    assert report.times.tolist() == a.ts.tolist()
    assert report.equity.tolist() == [10_000, 10_000, 10_000 + 10 + 200, 10_000 + 20 + 200, 10_000 + 30 + 200]
    assert report.per_symbol["B"]["trades"] == 0
    assert float(report.final_equity) == report.equity[-1]


def test_without_a_sizing_the_money_is_shared_evenly():
    bars = [by_hand([QUIET] * 3, symbol=name) for name in "ABCD"]
    report = run_backtest(StrategySpec("hold", BuyAndHold), bars, BacktestConfig(cash=D(10_000)))
    assert [int(f.quantity) for f in report.fills] == [25, 25, 25, 25]


def test_currencies_are_converted_at_their_rates_as_they_change():
    bars = by_hand([QUIET, QUIET, QUIET, QUIET])
    instruments = {"X": Instrument("X", currency="EUR")}
    config = {"instruments": instruments, "rates": {"EUR": D("1.1")}, "actions": [Rate("EUR", 3 * DAY, D("1.2"))]}
    report = trade(bars, {0: buy(10)}, cash=D(10_000), **config)
    assert report.portfolio.cash == {"USD": D(10_000), "EUR": D(-1000)}
    assert report.equity.tolist() == [10_000] * 4
    gained = by_hand([QUIET, QUIET, (100, 111, 99, 110), (110, 111, 109, 110)])
    report = trade(gained, {0: buy(10)}, cash=D(10_000), **config)
    assert report.equity.tolist() == pytest.approx([10_000, 10_000, 10_110, 10_120])
    assert report.final_equity == D(10_120)
    assert report.costs["fees"] == 0


def test_a_currency_without_a_rate_is_an_error():
    instruments = {"X": Instrument("X", currency="EUR")}
    with pytest.raises(ValidationError, match="no rate for EUR"):
        trade(by_hand([QUIET] * 3), {0: buy()}, instruments=instruments)


def test_what_is_short_pays_its_lender_by_the_day():
    report = trade(by_hand([QUIET] * 6), {0: sell(100)}, borrow_rate=D("0.365"))
    assert float(report.costs["borrow"]) == pytest.approx(100 * 100 * 0.001 * 4)


def test_signals_that_make_no_order_are_refused_with_a_code():
    signals = [
        TradeSignal("NONE", BUY, 1),
        TradeSignal("X", "sideways", 1),
        TradeSignal("X", BUY, math.nan),
        TradeSignal("X", BUY, "many"),  # type: ignore[arg-type]
        TradeSignal("X", BUY, 0.4),
        TradeSignal("X", BUY, -5),
    ]
    report = trade(by_hand([QUIET] * 3), {0: [("X", signal) for signal in signals]})
    codes = [r.code for r in report.refusals]
    assert codes == ["unknown_instrument", "bad_signal", "bad_number", "bad_signal", "bad_number", "bad_number"]
    assert report.alerts == ()
    assert sum(report.to_dict()["refusals"].values()) == 6


def test_an_exit_without_a_size_is_refused_and_the_rest_goes_on():
    report = trade(by_hand([QUIET] * 5), {0: buy(10), 2: sell(math.nan), 3: sell(10)})
    assert [r.code for r in report.refusals] == ["bad_number"]
    assert fills(report) == [(1, "buy", 10, 100), (4, "sell", 10, 100)]


@pytest.mark.parametrize("side", ["buy", "BUY", "Buy", BUY])
def test_a_side_may_be_written_as_a_word(side):
    assert fills(trade(by_hand([QUIET] * 3), {0: [("X", TradeSignal("X", side, 1))]})) == [(1, "buy", 1, 100)]


def test_a_target_trades_only_what_separates_it_from_the_position():
    script = {0: buy(10, target=True), 1: buy(10, target=True), 2: buy(4, target=True), 3: sell(6, target=True)}
    report = trade(by_hand([QUIET] * 6), script)
    assert fills(report) == [(1, "buy", 10, 100), (3, "sell", 6, 100), (4, "sell", 10, 100)]
    assert report.portfolio.held("X") == -6


def test_a_session_loss_flattens_and_the_next_day_begins_anew():
    minute = 60 * SECOND
    rows = [(100, 100, 100, 100)] * 3 + [(100, 100, 96, 96)] + [(96, 97, 95, 96)] * 4
    bars = by_hand(rows, step=minute, timeframe="1m")
    limits = dict.fromkeys(
        ("risk_per_position", "volume_share", "correlation_cluster", "max_notional", "gross_exposure"), "off"
    )
    script = {0: buy(800), 4: buy(1), 5: sell(1)}
    report = trade(bars, script, cash=D(100_000), limits=limits)
    assert [(f.ns // minute, str(f.side), int(f.quantity)) for f in report.fills] == [(1, "buy", 800), (4, "sell", 800)]
    assert [r.code for r in report.refusals] == ["session_loss", "session_loss"]
    assert (report.alerts[0].severity, report.alerts[0].code) == ("critical", "session_loss")
    assert report.limits == "custom"


def test_consecutive_losses_and_trades_per_session_act_in_a_backtest_with_limits():
    minute = 60 * SECOND
    rows = [(100 - i, 101 - i, 98 - i, 99 - i) for i in range(40)]
    bars = by_hand(rows, step=minute, timeframe="1m")
    script = {at: buy(1) if at % 4 == 0 else sell(1) for at in range(0, 40, 2)}
    off = dict.fromkeys(("cooldown", "volume_share"), "off")
    losses = trade(bars, script, limits=off)
    assert len(losses.trades) == 5
    assert losses.refusals[0].code == "consecutive_losses"
    few = trade(bars, script, limits={**off, "trades_per_session": 2, "consecutive_losses": 30})
    assert len(few.trades) == 2
    assert {r.code for r in few.refusals} == {"trades_per_session"}


def test_limits_are_none_by_default_and_named():
    report = trade(by_hand([QUIET] * 3), {0: buy()})
    assert report.limits == "none"
    assert report.to_dict()["limits"] == "none"
    assert trade(by_hand([QUIET] * 3), {0: buy(1)}, limits="standard").limits == "standard"


def test_wide_limits_change_no_result():
    spec = StrategySpec("sma", SmaCross, {"quantity": 1.0})
    costs = Costs(Fee(D("0.001")))
    wide = {
        **dict.fromkeys(("max_quantity", "max_notional", "max_position", "gross_exposure", "net_exposure"), 1e12),
        **dict.fromkeys(("volume_share", "risk_per_position", "correlation_cluster"), 1e12),
        **dict.fromkeys(("trades_per_session", "order_rate", "message_budget", "consecutive_losses"), 10**9),
        **dict.fromkeys(("session_loss", "daily_loss", "trailing_drawdown"), 0.99),
        **dict.fromkeys(("cooldown", "duplicate"), 1e-9),
    }
    bars = drawn(5000)
    free = run_backtest(spec, bars, BacktestConfig(costs=costs, sizing=Units()))
    held = run_backtest(spec, bars, BacktestConfig(costs=costs, sizing=Units(), limits=wide))
    assert held.refusals == ()
    assert held.fills == free.fills
    assert held.equity.tolist() == free.equity.tolist()


@pytest.mark.parametrize(
    ("text", "quantity"),
    [("units:7", 7), ("value:1000", 10), ("risk:0.01", 10), ("cash", 1000), ("cash:0.5", 500)],
)
def test_each_way_of_sizing(text, quantity):
    report = trade(by_hand([QUIET] * 3), {0: buy(None)}, cash=D(100_000), sizing=parse_sizing(text))
    assert fills(report) == [(1, "buy", quantity, 100)]


def test_risk_is_measured_to_the_stop():
    report = trade(
        by_hand([QUIET] * 3), {0: buy(None, stop_loss=95)}, cash=D(100_000), sizing=parse_sizing("risk:0.01")
    )
    assert fills(report) == [(1, "buy", 200, 100)]


def test_a_share_is_settled_by_the_price_of_the_fill_and_pays_its_fee():
    bars = by_hand([QUIET, (110, 111, 109, 110), QUIET])
    report = trade(bars, {0: buy(None)}, cash=D(1100), sizing=Share())
    assert fills(report) == [(1, "buy", 10, 110)]
    report = trade(bars, {0: buy(None)}, cash=D(1100), sizing=Share(), costs=Costs(Fee(D("0.01"))))
    assert fills(report) == [(1, "buy", 9, 110)]


@pytest.mark.parametrize("text", ["much", "units:-1", "units:nan", "cash:x", "risk:0", ""])
def test_sizing_that_makes_no_sense_is_refused(text):
    with pytest.raises(ConfigError):
        parse_sizing(text)


def test_a_backtest_without_bars_or_with_two_of_a_name_is_refused():
    spec = StrategySpec("s", BuyAndHold)
    with pytest.raises(NoBars):
        run_backtest(spec, [])
    with pytest.raises(ConfigError):
        run_backtest([spec, spec], drawn(5))
    with pytest.raises(ValidationError, match="is no TradingStrategyPlugin"):
        run_backtest(StrategySpec("s", dict), drawn(5))  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="there is none of it"):
        run_backtest(StrategySpec("s", BuyAndHold, symbols=("Q",)), drawn(5))


@pytest.mark.parametrize("cash", [D(0), D(-1), D("NaN"), 100.0])
def test_cash_is_an_exact_number_above_zero(cash):
    with pytest.raises(ConfigError):
        BacktestConfig(cash=cash)


def test_progress_is_told():
    seen: list[int] = []
    run_backtest(StrategySpec("s", BuyAndHold), drawn(40_000), progress=seen.append)
    assert seen == [16_384, 32_768]


def test_the_modes_differ_in_feed_clock_and_broker_only():
    assert set(MODES) == {"backtest", "paper", "live"}
    assert all(set(parts) == {"feed", "clock", "broker"} for parts in MODES.values())
    assert MODES["paper"]["broker"] == MODES["backtest"]["broker"]


def test_the_guard_of_a_desk_sees_its_orders_at_work():
    bench = build([StrategySpec("s", BuyAndHold)], [drawn(10)], BacktestConfig())
    assert isinstance(bench.desk, Desk)
    assert isinstance(bench.desk.guard, Guard)
    assert bench.desk.guard.working == bench.broker.open_orders


def test_a_decision_on_a_long_bar_waits_until_that_bar_is_over_in_every_other_market():
    hour = 3600 * SECOND
    daily = by_hand([QUIET] * 3, symbol="D")
    hourly = by_hand([(50 + i, 51 + i, 49 + i, 50.5 + i) for i in range(72)], symbol="H", step=hour, timeframe="1h")
    signal = ("D", buy(symbol="H")[1])
    report = trade([daily, hourly], {0: [signal]})
    assert [(f.ns // hour, float(f.price)) for f in report.fills] == [(24, 74)]
    assert report.times.tolist() == hourly.ts.tolist()


def test_the_end_of_the_data_may_be_a_bar_without_a_price():
    bars = by_hand([QUIET, QUIET, (100, 111, 99, 110), (math.nan,) * 4])
    held = trade(bars, {0: buy(10)})
    closed = trade(bars, {0: buy(10)}, close_at_end="close")
    assert held.final_equity == closed.final_equity == D(1_000_100)
    assert fills(closed)[-1] == (3, "sell", 10, 110)


def test_a_recorded_feed_is_as_good_as_its_bars():
    from gpt_trader.adapters.feeds.replay import Replay
    from gpt_trader.trading.clocks import WallClock

    bars = drawn(50)
    feed = Replay(bars=[bars], clock=WallClock())
    spec = StrategySpec("hold", BuyAndHold)
    assert run_backtest(spec, feed).fills == run_backtest(spec, bars).fills


def test_the_size_of_a_fill_at_the_open_knows_no_close_of_that_bar_in_another_market():
    """A and B share their moments: what A does during a bar cannot have been known when B opened."""

    def quantity_of_b(close_of_a):
        a = by_hand([(100, 100, 100, 100)] * 2 + [(100, 1000, 10, close_of_a), (100, 100, 100, 100)], symbol="A")
        b = by_hand([(50, 50, 50, 50)] * 4, symbol="B")
        script = {0: [buy(100, symbol="A")], 1: [buy(None, symbol="B")]}
        report = trade([a, b], script, cash=Decimal(100_000), sizing=Share(Decimal("0.5")))
        return [f.quantity for f in report.fills if f.symbol == "B"]

    assert quantity_of_b(100) == [1000]
    assert quantity_of_b(900) == quantity_of_b(10) == quantity_of_b(100)
