"""The desk walks each piece of market data down the one order path: settle, mark, decide, size, check, record, submit."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from gpt_trader.core.errors import RefusedByRisk, ValidationError
from gpt_trader.core.market import time_of
from gpt_trader.core.orders import BUY, SELL, ZERO, Approved, Order, Refused, Side, Trade, TradeSignal, exact
from gpt_trader.core.ports import TradingStrategyPlugin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Fill
    from gpt_trader.core.ports import Broker
    from gpt_trader.trading.account import Account, Lane
    from gpt_trader.trading.guard import Guard
    from gpt_trader.trading.sizing import Sizing
    from gpt_trader.trading.tape import Tape

NOTHING: tuple[tuple[Seat, TradeSignal], ...] = ()


class Seat:
    """A strategy's place at the desk."""

    __slots__ = ("ask", "name", "plugin", "sizing", "stopped", "symbols", "wants_trades")

    def __init__(self, name: str, plugin: TradingStrategyPlugin, symbols: tuple[str, ...], sizing: Sizing) -> None:
        self.name = name
        self.plugin = plugin
        self.symbols = symbols
        self.sizing = sizing
        self.ask = plugin.on_market_data
        self.wants_trades = type(plugin).on_trade_executed is not TradingStrategyPlugin.on_trade_executed
        self.stopped = False


class Desk:
    """The only caller of strategy, guard and broker; its stages are methods, because a workflow may name them one by one."""

    def __init__(self, account: Account, broker: Broker, guard: Guard, tape: Tape, *, seats: Sequence[Seat]) -> None:
        self.account = account
        self.broker = broker
        self.guard = guard
        self.tape = tape
        self.seats = {seat.name: seat for seat in seats}
        self.paused = False
        self.curve = array("d")
        self.ids = 0
        guard.working = broker.open_orders
        self._listening = {symbol: [s for s in seats if symbol in s.symbols] for symbol in account.lanes}

    def on_market_data(self, data: MarketData) -> None:
        """One walk: settle before decide, so that no decision sees its own fill."""
        if self.broker.pending:
            self.settle(data)
        self.mark(data)
        signals = self.decide(data)
        if signals:
            self.act(data, signals)

    def settle(self, data: MarketData) -> None:
        """Book the fills of earlier orders."""
        for fill in self.broker.settle(data):
            self.book(fill)
        for ended in self.broker.drain():
            self.tape.ended.append(ended)

    def mark(self, data: MarketData) -> None:
        """Value the account at the new price."""
        account = self.account
        lane = account.lanes[data.symbol]
        price = data.price
        equity = account.equity
        if lane.held:
            value = lane.held * price * lane.unit
            equity += value - lane.value
            lane.value = value
            account.equity = equity
        lane.price = price
        lane.ns = data.ns
        self.curve.append(equity)

    def decide(self, data: MarketData) -> Sequence[tuple[Seat, TradeSignal]]:
        """What the strategies want now."""
        found: list[tuple[Seat, TradeSignal]] | None = None
        for seat in self._listening[data.symbol]:
            answer = seat.ask(data)
            if answer is not None:
                found = found or []
                for signal in (answer,) if isinstance(answer, TradeSignal) else answer:
                    found.append((seat, signal))
        return found or NOTHING

    def act(self, data: MarketData, signals: Iterable[tuple[Seat, TradeSignal]]) -> None:
        """Bring signals to the market, as far as the guard lets them."""
        for seat, signal in signals:
            order = self.size(seat, signal, data)
            if order is None:
                continue
            verdict = self.check(order, data.ns)
            self.record(verdict)
            if isinstance(verdict, Approved):
                self.submit(verdict)

    def size(self, seat: Seat, signal: TradeSignal, data: MarketData) -> Order | None:
        """Make an order of a signal: how much, on which lots; None when nothing separates the strategy from its target."""
        lane = self.account.lanes[signal.symbol]
        side = signal.side if isinstance(signal.side, Side) else Side(signal.side)
        price = lane.price
        aim = share = None
        if signal.quantity is None:
            quantity = seat.sizing.quantity(self.account, lane, price, None)
            share = seat.sizing.share
            if share is not None and side is SELL:
                share = -share
        else:
            quantity = exact(signal.quantity)
        quantity = lane.instrument.whole_lots(quantity)
        if signal.target:
            position = self.account.position(seat.name, signal.symbol)
            held = position.quantity
            aim = quantity if side is BUY else -quantity
            change = aim - held
            if not change:
                return None
            side = BUY if change > 0 else SELL
            quantity = abs(change)
        self.ids += 1
        return Order(
            f"{self.ids:08d}", seat.name, signal.symbol, side, quantity, signal.terms,
            price, data.ns, data.ns + lane.span, aim, share, None, signal.reason,
        )  # fmt: skip

    def check(self, order: Order, ns: int) -> Approved | Refused:
        """The guard's verdict."""
        return self.guard.check(order, ns)

    def record(self, verdict: Approved | Refused) -> None:
        """Write the verdict down before anything leaves."""
        if isinstance(verdict, Approved):
            self.tape.orders.append(verdict.order)
        else:
            self.tape.refusals.append(verdict)

    def submit(self, approved: Approved) -> None:
        """Send an order that the guard approved, once."""
        if not self.guard.redeem(approved):
            raise RefusedByRisk("only the guard's own approval of this very order is sent, and only once")
        self.broker.submit(approved)

    def book(self, fill: Fill) -> None:
        """Apply one fill to the ledger and tell its strategy."""
        trip = self.account.book(fill)
        self.tape.fills.append(fill)
        if trip is not None:
            self.tape.trips.append(trip)
            self.guard.memory.closed(trip)
        seat = self.seats.get(fill.strategy)
        if seat is not None and seat.wants_trades and not seat.stopped:
            seat.plugin.on_trade_executed(self._trade(fill, trip.profit if trip else None))

    def _trade(self, fill: Fill, profit: Decimal | None) -> Trade:
        position = self.account.position(fill.strategy, fill.symbol)
        return Trade(
            fill.symbol, fill.side, fill.quantity, fill.price, time_of(fill.ns), fill.fee, position.quantity,
            fill.order_id, profit,
        )  # fmt: skip
