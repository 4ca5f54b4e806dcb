"""The desk walks market data down the one order path: settle, mark, decide, size, check, record, submit."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gpt_trader.core.errors import RefusedByRisk, ValidationError
from gpt_trader.core.market import time_of
from gpt_trader.core.orders import Approved, Order, Refused, Trade, TradeSignal
from gpt_trader.core.portfolio import exactly
from gpt_trader.trading.ordering import closing_order, make_order
from gpt_trader.trading.seats import told
from gpt_trader.trading.tape import Alert
from gpt_trader.trading.waiting import leads_out, same_target
from gpt_trader.trading.watch import CLOSED_TO_ENTRIES

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Fill
    from gpt_trader.core.ports import Broker
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.guard import Guard
    from gpt_trader.trading.guards.running import Halt
    from gpt_trader.trading.lanes import Lane
    from gpt_trader.trading.seats import Seat
    from gpt_trader.trading.tape import Tape

    Proposal = tuple[Seat, TradeSignal]


class Desk:
    """The only caller of strategy, guard and broker; its stages are methods, as a workflow may name them one by one."""

    def __init__(
        self,
        account: Account,
        broker: Broker,
        guard: Guard,
        tape: Tape,
        *,
        seats: Sequence[Seat],
        at_close: Callable[[MarketData], Iterable[Fill]] | None = None,
    ) -> None:
        self.account = account
        self.broker = broker
        self.guard = guard
        self.tape = tape
        self.seats = list(seats)
        self.paused = False
        self._at_close = at_close
        self.walks = 0
        self.curve = array("d")
        self.times = array("q")
        guard.working = broker.open_orders
        self._rows: dict[str, tuple[Lane, tuple[Seat, ...]]] = {}
        self._seat_all()
        self._to_tell = {(s.name, symbol): s for s in seats if s.wants_trades for symbol in s.symbols}
        self._single = len(account.lanes) == 1
        self._shortest = min(lane.span for lane in account.lanes.values())
        self._even = all(lane.span == self._shortest for lane in account.lanes.values())
        self._append = self.curve.append

    def on_market_data(self, data: MarketData) -> None:
        """One walk: settle before decide, so that no decision sees its own fill."""
        self.account.latest = data
        if data.symbol in self.broker.pending:
            self.settle(data)
        lane, seats = self._rows[data.symbol]
        self.value(lane, data)
        if self.paused:
            return
        signals = self._decide(lane, seats, data)
        if signals is not None:
            self.act(data, signals)

    def settle(self, data: MarketData) -> None:
        """Book the fills of earlier orders, and note the orders that ended without."""
        self.account.latest = data
        if not self._single:
            self.account.opening = data.ns
        exactly()
        for fill in self.broker.settle(data):
            self.book(fill)
        self.account.opening = None
        ended = self.broker.drain()
        if ended:
            self.tape.ended.extend(ended)

    def mark(self, data: MarketData) -> None:
        """Value the account at the new price, and let the guard look where a limit may be reached."""
        self.value(self._rows[data.symbol][0], data)

    def value(self, lane: Lane, data: MarketData) -> None:
        """Mark what is held of one symbol: its lane is found already."""
        guard, ns = self.guard, data.ns
        equity = self.account.mark(lane, data.price, ns)
        if not guard.floor < equity <= guard.ceiling or ns >= guard.wake:  # NaN lies between no two numbers
            self.look(equity, data)
        if self._single:
            self._append(equity)
        else:
            self._point(equity, ns if self._even else lane.over(ns) - self._shortest)

    def look(self, equity: float, data: MarketData) -> None:
        """Let the guard look at the session and at its strategies, and obey."""
        guard = self.guard
        before = self.curve[-1] if self.curve else equity
        halts = guard.look(equity, data.ns, before=before)
        if guard.strategies:
            halts = [*halts, *guard.look_at_strategies(data.ns, before=before)]
        if halts:
            self.obey(halts, data)

    def decide(self, data: MarketData) -> list[Proposal] | None:
        """What the strategies want now; one that fails in any way is stopped, and the desk goes on."""
        return self._decide(*self._rows[data.symbol], data)

    def _decide(self, lane: Lane, seats: tuple[Seat, ...], data: MarketData) -> list[Proposal] | None:
        found: list[Proposal] | None = None
        for seat in seats:
            try:
                answer = seat.ask(data)
            except KeyboardInterrupt:
                raise
            except BaseException as fault:  # noqa: BLE001 - whatever a strategy does ends that strategy only
                self.stop(seat, fault, data.ns)
                continue
            if answer is not None:
                several = self.proposals(seat, answer, data)
                if several is not None:
                    found = several if found is None else found + several
        return found if found is None or self._as_it_was(lane, seats, data) else None

    def _as_it_was(self, lane: Lane, seats: Iterable[Seat], data: MarketData) -> bool:
        """Whether nobody wrote to the market data; else those who may have are stopped, and nothing comes of it."""
        price = data.price
        marked = price != price or (price == lane.price and data.ns == lane.ns)  # noqa: PLR0124 - NaN marks nothing
        if marked and data.symbol == lane.symbol:
            return True
        for seat in seats:
            self.stop(seat, ValidationError("market data that it was shown has been written to"), lane.ns)
        return False

    def proposals(self, seat: Seat, answer: object, data: MarketData) -> list[Proposal] | None:
        """What a strategy answered, as a list of signals; an answer that is none ends that strategy only."""
        if type(answer) is TradeSignal:
            return [(seat, answer)]
        try:
            return [(seat, signal) for signal in answer if _is_signal(signal)]  # type: ignore[attr-defined]
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # noqa: BLE001 - as in decide: an answer may be code that still runs
            self.stop(seat, fault, data.ns)
            return None

    def answer(self, lane: Lane, seat: Seat, answer: object, data: MarketData) -> None:
        """Bring to the market what one strategy answered."""
        signals = self.proposals(seat, answer, data)
        if signals is not None and self._as_it_was(lane, (seat,), data):
            self.act(data, signals)

    def act(self, data: MarketData, signals: Iterable[Proposal]) -> None:
        """Bring signals to the market, as far as the guard lets them."""
        exactly()
        for seat, signal in signals:
            order = self.size(seat, signal, data)
            if signal.target and signal.symbol in self.broker.pending:
                self._send_instead(seat, signal, order)
            elif order is not None:
                self.send(order)
        if self._at_close is not None:
            self._fill_at_close(data)

    def send(self, order: Order | Refused) -> None:
        """Check, record and submit: the only way to the market."""
        self._follow(self.check(order))

    def obey(self, halts: Sequence[Halt], data: MarketData) -> None:
        """Do what the guard demands, of all or of one strategy: alert, take entries back, close what it says."""
        exactly()
        for halt in halts:
            self.tape.alerts.append(
                Alert(halt.severity, halt.code, halt.reason, data.ns, strategy=halt.strategy, act=halt.act)
            )
        flat = [halt for halt in halts if halt.act == "flatten"]
        if flat:  # which sends an exit of its own for all that is held
            self.cancel_entries(flat)
            self.flatten(data, flat)
        closed = [halt for halt in halts if halt.act in CLOSED_TO_ENTRIES]
        self._keep_exits([order for order in self.broker.open_orders() if concerned(order.strategy, closed)], data.ns)

    def cancel_entries(self, halts: Sequence[Halt]) -> None:
        """Take back every order that could open something, of the strategies that these halts are about."""
        for order in self.broker.open_orders():
            if not order.terms.reduce_only and concerned(order.strategy, halts):
                self.cancel(order)

    def cancel(self, order: Order) -> None:
        """Take an order back."""
        self.broker.cancel(order.id)
        self.tape.ended.extend(self.broker.drain())

    def flatten(self, data: MarketData, halts: Sequence[Halt]) -> None:
        """Send a closing order for all that these strategies hold; what does not fill at once goes on working."""
        for position in list(self.account.portfolio.positions.values()):
            if position.quantity and concerned(position.strategy, halts):
                self.send(closing_order(self.account, position, data, self.tape.next_id(), reason="flatten"))

    def size(self, seat: Seat, signal: TradeSignal, data: MarketData) -> Order | Refused | None:
        """Make an order of a signal: how much, on which lots and ticks; None when its target is reached already."""
        return make_order(self.account, seat, signal, data, self.tape.next_id())

    def check(self, order: Order | Refused, *, instead_of: Sequence[Order] = ()) -> Approved | Refused:
        """The guard's verdict at the moment of the decision, as if the orders whose place it takes were gone."""
        return self.guard.check(order, order.ns, instead_of=instead_of) if isinstance(order, Order) else order

    def record(self, verdict: Approved | Refused) -> None:
        """Write the verdict down before anything leaves."""
        if isinstance(verdict, Approved):
            self.tape.orders.append(verdict.order)
        else:
            self.tape.refusals.append(verdict)

    def submit(self, approved: Approved) -> None:
        """Send an order that the guard approved, once."""
        self._redeem(approved)
        self.broker.submit(approved)

    def book(self, fill: Fill) -> None:
        """Apply one fill to the ledger and tell its strategy."""
        trip = self.account.book(fill)
        self.tape.fills.append(fill)
        if trip is not None:
            self.tape.trips.append(trip)
            self.guard.closed(trip)
        if self._to_tell:
            seat = self._to_tell.get((fill.strategy, fill.symbol))
            if seat is not None and not seat.stopped:
                self.tell(seat, fill, trip.profit if trip else None)

    def tell(self, seat: Seat, fill: Fill, profit: Decimal | None) -> None:
        """Let a strategy know of its fill."""
        held = self.account.position(fill.strategy, fill.symbol).quantity
        trade = Trade(
            fill.symbol, fill.side, fill.quantity, fill.price, time_of(fill.ns), fill.fee, held, fill.order_id, profit
        )
        try:
            seat.plugin.on_trade_executed(trade)
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # noqa: BLE001 - as in decide
            self.stop(seat, fault, fill.ns)
        exactly()

    def stop(self, seat: Seat, fault: BaseException, ns: int) -> None:
        """Ask a strategy nothing more and take its entries back; its exits go on protecting what it holds."""
        for other in self.seats:
            other.stopped = other.stopped or other.name == seat.name
        self._seat_all()
        self._keep_exits([order for order in self.broker.open_orders() if order.strategy == seat.name], ns)
        self.tape.alerts.append(
            Alert(
                "critical",
                "strategy_stopped",
                f"{seat.name} was stopped: {told(fault)}",
                ns,
                strategy=seat.name,
                act="stop",
            )
        )

    def dismiss(self, seat: Seat) -> None:
        """Let a strategy clean up; what goes wrong there is told, too."""
        try:
            seat.plugin.cleanup()
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # noqa: BLE001 - as in decide
            self.stop(seat, fault, self.tape.fills[-1].ns if self.tape.fills else 0)
        exactly()

    def progress(self) -> object:
        """Something that changes while the desk moves."""
        return self.walks, len(self.curve), len(self.tape.fills)

    def _send_instead(self, seat: Seat, signal: TradeSignal, order: Order | Refused | None) -> None:
        """A new target takes the place of older ones that still wait; one that waits already is not asked for twice.

        One that is refused takes back only what would open something on its other side.
        """
        if isinstance(order, Refused):
            self.record(order)
            return
        mine = [o for o in self.broker.open_orders(signal.symbol) if o.strategy == seat.name]
        older = [other for other in mine if other.aim is not None]
        kept = [other for other in older if order is not None and same_target(order, other)][:1]
        verdict = None if order is None or kept else self.check(order, instead_of=older)
        if isinstance(verdict, Refused):
            side, held = verdict.order.side, self.account.quantity(seat.name, signal.symbol)
            kept = [other for other in older if other.side is side or leads_out(other, held)]
        for other in older:
            if other not in kept:
                self.cancel(other)
        if verdict is not None:
            self._follow(verdict)

    def _keep_exits(self, orders: Iterable[Order], ns: int) -> None:
        """Take back what could open something; a trade that only closes goes on as one that can do nothing else."""
        for order in orders:
            if order.terms.reduce_only:
                continue
            closes = leads_out(order, self.account.quantity(order.strategy, order.symbol))
            if closes and order.aim is not None:  # it never goes beyond its target, whatever fills before it
                continue
            if closes:
                self._only_reduce(order, max(order.ns, ns + self._shortest))
            else:
                self.cancel(order)

    def _only_reduce(self, order: Order, ns: int) -> None:
        terms, price = replace(order.terms, reduce_only=True), self.account.lanes[order.symbol].price
        only = order._replace(id=self.tape.next_id(), terms=terms, reference=price, ns=ns)
        verdict = self.check(only, instead_of=(order,))
        self.record(verdict)
        if isinstance(verdict, Approved):
            self._redeem(verdict)
            self.broker.replace(order.id, verdict)
            self.tape.ended.extend(self.broker.drain())
        else:
            self.cancel(order)

    def _redeem(self, approved: Approved) -> None:
        if not self.guard.redeem(approved):
            raise RefusedByRisk("only the guard's own approval of this very order is sent, and only once")

    def _follow(self, verdict: Approved | Refused) -> None:
        self.record(verdict)
        if isinstance(verdict, Approved):
            self.submit(verdict)

    def _seat_all(self) -> None:
        seats = [seat for seat in self.seats if not seat.stopped]
        for symbol, lane in self.account.lanes.items():
            self._rows[symbol] = (lane, tuple(seat for seat in seats if symbol in seat.symbols))

    def _fill_at_close(self, data: MarketData) -> None:
        assert self._at_close is not None
        for fill in self._at_close(data):
            self.book(fill)
        self.curve[-1] = self.account.equity

    def _point(self, equity: float, ns: int) -> None:
        if self.times and self.times[-1] >= ns:
            self.walks += 1
            self.curve[-1] = equity
        else:
            self.curve.append(equity)
            self.times.append(ns)


def concerned(strategy: str, halts: Iterable[Halt]) -> bool:
    """Whether any of these halts is about this strategy."""
    return any(halt.concerns(strategy) for halt in halts)


def _is_signal(signal: object) -> bool:
    if not isinstance(signal, TradeSignal):
        raise TypeError(f"it answered {signal!r}, which is no TradeSignal")
    return True
