"""The three modes are one desk with other parts: the table of them, and the simple way in, a backtest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from gpt_trader.core.bars import Bars, Over
from gpt_trader.core.errors import ConfigError, NoBars
from gpt_trader.core.market import MarketData
from gpt_trader.core.orders import Approved
from gpt_trader.core.portfolio import Portfolio, exactly
from gpt_trader.trading.account import Account
from gpt_trader.trading.actions import Actions
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.desk import Desk
from gpt_trader.trading.facts import Outcome
from gpt_trader.trading.guard import Guard
from gpt_trader.trading.limits import Limits, limits_of
from gpt_trader.trading.ordering import closing_order
from gpt_trader.trading.playback import (
    Correlations,
    SessionEnds,
    TypicalVolume,
    always_open,
    in_parts,
    instrument_of,
    play,
    span_of,
)
from gpt_trader.trading.report import Report, make_report, outcome_of
from gpt_trader.trading.seats import StrategySpec, seats_of
from gpt_trader.trading.simbroker import SimBroker
from gpt_trader.trading.sizing import Share
from gpt_trader.trading.tape import Tape
from gpt_trader.trading.walk import walk
from gpt_trader.trading.watchdog import Watchdog, codes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpt_trader.core.portfolio import Position

MODES: Mapping[str, Mapping[str, str]] = {
    "backtest": {"feed": "recorded", "clock": "BarClock", "broker": "SimBroker"},
    "paper": {"feed": "stream", "clock": "WallClock", "broker": "SimBroker"},
    "live": {"feed": "stream", "clock": "WallClock", "broker": "venue"},
}
"""What differs between the modes; everything else is the same code."""
TOLD_AFTER = 16_384
"""After so many bars the progress is told again."""


@runtime_checkable
class Recorded(Protocol):
    """A feed that has all its bars at hand."""

    @property
    def bars(self) -> Sequence[Bars]:
        """The bars, one set for each symbol."""


@dataclass(frozen=True)
class Bench:
    """A desk with all its parts, ready for the first bar."""

    desk: Desk
    broker: SimBroker
    actions: Actions
    limits: Limits


def run_backtest(
    strategies: StrategySpec | Sequence[StrategySpec],
    bars: Bars | Sequence[Bars] | Recorded,
    config: BacktestConfig | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Run strategies over recorded bars; where a bar could have gone two ways, the report has the result of both."""
    config = config or BacktestConfig()
    specs = [strategies] if isinstance(strategies, StrategySpec) else list(strategies)
    columns = [bars] if isinstance(bars, Bars) else list(bars.bars if isinstance(bars, Recorded) else bars)
    names = [spec.name for spec in specs]
    if not names or len(set(names)) < len(names):
        raise ConfigError("a backtest needs strategies, each with a name of its own")
    if not columns or not any(len(b) for b in columns):
        raise NoBars("there are no bars to trade", hint="widen the range, or name other symbols")
    bench = simulate(specs, columns, config, progress=progress)
    other = other_order(specs, columns, config) if bench.broker.ambiguous else None
    return make_report(
        bench.desk,
        specs=specs,
        bars=columns,
        config=config,
        limits=bench.limits,
        other=other,
        ambiguous=bench.broker.ambiguous,
    )


def simulate(
    specs: Sequence[StrategySpec],
    bars: Sequence[Bars],
    config: BacktestConfig,
    *,
    progress: Callable[[int], None] | None = None,
) -> Bench:
    """One pass over the bars; the desk that comes back holds all that happened."""
    bench = build(specs, bars, config)
    desk = bench.desk
    with Watchdog(desk.progress, codes_of(seat.plugin for seat in desk.seats), deadline=config.deadline):
        drive(bench, in_parts(bars), progress=progress)
        finish(bench, bars, config)
        for taken in desk.seats:
            desk.dismiss(taken)
    return bench


def build(specs: Sequence[StrategySpec], bars: Sequence[Bars], config: BacktestConfig) -> Bench:
    """Put the parts of a backtest together."""
    instruments = [config.instruments.get(b.symbol) or instrument_of(b) for b in bars]
    portfolio = Portfolio(config.cash, currency=config.currency, costing=config.costing)
    portfolio.rates.update(config.rates)
    account = Account(portfolio, instruments, leverage=config.leverage)
    for b in bars:
        lane = account.lanes[b.symbol]
        over = Over(b)
        lane.span, lane.shorter = span_of(b), over.__call__ if over.any else None
        lane.typical_volume, lane.open_for = TypicalVolume(b).__call__, always_open
    account.correlation = Correlations(bars)
    offset = config.fill.session_offset_ns
    broker = SimBroker(
        account,
        rules=config.fill,
        costs=config.costs,
        ends_session=SessionEnds(bars, offset_ns=offset),
        finer={b.symbol: list(play([b])) for b in config.finer},
    )
    limits = limits_of(config.limits).for_recording().among([spec.name for spec in specs])
    guard = Guard(
        account,
        limits.controls,
        running=limits.running,
        per_strategy=limits.per_strategy,
        costs=config.costs,
        session_offset_ns=offset,
    )
    at_close = broker.settle_close if config.fill.same_close else None
    sizing = config.sizing or Share(Decimal(1) / (len(specs) * len(bars)))
    symbols = [b.symbol for b in bars]
    seats = [seat for spec in specs for seat in seats_of(spec, symbols, sizing, deadline=config.deadline)]
    desk = Desk(account, broker, guard, Tape(), seats=seats, at_close=at_close)
    return Bench(desk, broker, Actions(account, config, bars), limits)


def drive(
    bench: Bench, parts: Iterable[Iterable[MarketData]], *, progress: Callable[[int], None] | None = None
) -> None:
    """Walk the desk through all parts of a stream, and tell the progress now and then.

    Events that change holdings are looked at only where there are any.
    """
    done = told = 0
    for part in parts:
        done += walk(bench.desk, _acted(bench, part) if bench.actions else part)
        if progress is not None and done - told >= TOLD_AFTER:
            told = done
            progress(done)


def _acted(bench: Bench, stream: Iterable[MarketData]) -> Iterator[MarketData]:
    due = bench.actions.due
    for data in stream:
        if data.ns >= due:
            due = bench.actions.apply(data, bench.desk, bench.broker)
        yield data


def finish(bench: Bench, bars: Sequence[Bars], config: BacktestConfig) -> None:
    """At the end open positions stay open, unless closing them was asked for by name."""
    if config.close_at_end == "no":
        return
    exactly()
    desk = bench.desk
    for b in bars:
        last = list(play([b[-1:]]))[-1]
        price = last.open if config.close_at_end == "open" else last.price
        price = price if last.tradable() else desk.account.lanes[b.symbol].price
        for order in list(bench.broker.open_orders(b.symbol)):
            bench.broker.cancel(order.id)
        for position in list(desk.account.portfolio.of(b.symbol)):
            if position.quantity:
                _close(bench, position, last, price)
    desk.tape.ended.extend(bench.broker.drain())
    desk.account.refresh()
    if desk.curve:
        desk.curve[-1] = desk.account.equity


def _close(bench: Bench, position: Position, last: MarketData, price: float) -> None:
    desk = bench.desk
    order = closing_order(desk.account, position, last, desk.tape.next_id(), reason="close_at_end")
    verdict = desk.check(order)
    desk.record(verdict)
    if isinstance(verdict, Approved):
        desk.submit(verdict)
        for fill in bench.broker.close_all(last, price):
            desk.book(fill)


def other_order(specs: Sequence[StrategySpec], bars: Sequence[Bars], config: BacktestConfig) -> Outcome:
    """What comes out if every ambiguous bar went the other way."""
    other: Literal["adverse", "favourable"] = "favourable" if config.fill.events == "adverse" else "adverse"
    bench = simulate(specs, bars, replace(config, fill=replace(config.fill, events=other)))
    return outcome_of(other, bench.desk, config.cash)
