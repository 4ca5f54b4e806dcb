"""The broker of backtest and paper: it fills orders from bars, in one fixed order of events."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO, Ended, Fill, Order, OrderType, TimeInForce, exact
from gpt_trader.trading.brackets import exit_order, exits_of
from gpt_trader.trading.days import Days
from gpt_trader.trading.execution import Execution
from gpt_trader.trading.matching import (
    AT_ANY_PRICE,
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    MARKET_ON_OPEN,
    STOP,
    STOP_LIMIT,
    STOPS,
    TRAILING_STOP,
    Bracket,
    Working,
    at_open,
    proven,
    reaches_stop,
    within,
)
from gpt_trader.trading.restating import in_new_shares

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Approved
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.rules import FillRules

AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
NO_FILLS: tuple[Fill, ...] = ()


class SimBroker:
    """A market made of bars; fills come out one by one, so that each is booked before the next is judged."""

    def __init__(
        self,
        account: Account,
        *,
        rules: FillRules,
        costs: Costs,
        ends_session: Callable[[str, int], bool] | None = None,
        finer: Mapping[str, Sequence[MarketData]] | None = None,
    ) -> None:
        self.account = account
        self.rules = rules
        self.ambiguous = 0
        self._execution = Execution(account, costs, volume_share=rules.volume_share)
        self._touch = rules.limit == "touch"
        self._favourable = rules.events == "favourable"
        self._works: dict[str, list[Working]] = {}
        self.pending: Collection[str] = self._works
        self._counts = not account.single
        if self._counts:
            account.at_work = account.entering = 0.0
        self._ended: list[Ended] = []
        self._fills: list[Fill] = []
        self._days = Days(account, offset_ns=rules.session_offset_ns, last_of_day=ends_session)
        self._finer = finer or {}
        self._born: dict[int, OrderType] = {}
        self._seq = 0

    # --- what a venue offers ------------------------------------------------------------------------------------------

    def submit(self, approved: Approved) -> None:
        """Work an approved order from the first bar that begins after its decision."""
        self._add(approved.order)

    def cancel(self, order_id: str) -> None:
        """Stop working an order."""
        w = self._found(order_id)
        if w is not None:
            self._end(w, "cancelled", max(w.order.ns, self._decided()))

    def replace(self, order_id: str, approved: Approved) -> None:
        """Work an approved order in the place of another: its trail, its trigger and its day go on."""
        w, order = self._found(order_id), approved.order
        if w is not None:
            self._ended.append(Ended(w.order, "cancelled", w.filled, max(w.order.ns, self._decided())))
            w.go_on_as(order)
            if self._counts:
                self._count(w, order.quantity)

    def settle(self, data: MarketData) -> Iterable[Fill]:
        """The fills of this bar: at the open, within, at the close."""
        works = self._works.get(data.symbol)
        if not works:
            return NO_FILLS
        w = works[0]
        if not w.plain or len(works) > 1:
            return self._settle(works, data)
        price = data.opened()
        if price is None or data.ns < w.live_from:
            return NO_FILLS
        made = self._execution.fill(w, price, data)
        if isinstance(made, Fill):
            if self._counts:
                self._filled(w, made)
                return (made,)
            self._fills.append(made)
            if not w.left:  # it was the only one
                del self._works[data.symbol]
            return (made,)
        if made is not None:
            self._end(w, made, data.ns)
        return NO_FILLS

    def settle_close(self, data: MarketData) -> Iterator[Fill]:
        """Fill market orders at the close they were decided on; only for those who asked for it by name."""
        for w in list(self._works.get(data.symbol, ())):
            if w.kind is MARKET and w.fresh and data.tradable():
                yield from self._execute(w, data.price, data)
                w.fresh = False

    def close_all(self, data: MarketData, price: float) -> Iterator[Fill]:
        """Fill whatever rests in this symbol at a price: the end of the data."""
        for w in list(self._works.get(data.symbol, ())):
            yield from self._execute(w, price, data, unlimited=True)

    def split(self, symbol: str, new: int, old: int, ns: int) -> None:
        """Restate the orders at work in new shares; one that is less than a lot of them ends."""
        instrument, works = self.account.lanes[symbol].instrument, list(self._works.get(symbol, ()))
        for bracket in {id(w.bracket): w.bracket for w in works if w.bracket is not None}.values():
            bracket.left = in_new_shares(bracket.left, new, old, instrument)
        for w in works:
            w.restate(new, old, instrument)
            if not w.left:
                self._end(w, "nothing_left", ns)

    def drain(self) -> Sequence[Ended]:
        """The orders that ended unfilled since it was last asked."""
        if not self._ended:
            return ()
        ended, self._ended = self._ended, []
        return ended

    def open_orders(self, symbol: str | None = None) -> Sequence[Order]:
        """The orders at work, with what is left of them."""
        if not self._works:
            return ()
        books = self._works.values() if symbol is None else (self._works.get(symbol, ()),)
        return [w.order if not w.filled else w.order._replace(quantity=w.left) for works in books for w in works]

    def fills_since(self, ns: int) -> Sequence[Fill]:
        """The fills from this moment on."""
        return [fill for fill in self._fills if fill.ns >= ns]

    def positions(self) -> Mapping[str, Decimal]:
        """What is held, by symbol."""
        portfolio = self.account.portfolio
        return {symbol: portfolio.held(symbol) for symbol in self.account.lanes}

    def balance(self) -> Mapping[str, Decimal]:
        """Cash by currency."""
        return dict(self.account.portfolio.cash)

    # --- one bar ------------------------------------------------------------------------------------------------------

    def _settle(self, works: list[Working], bar: MarketData) -> Iterator[Fill]:
        live = [w for w in list(works) if bar.ns >= w.live_from and self._lives(w, bar)]
        if bar.tradable():
            self._born.clear()
            yield from self._open_phase(live, bar)
            if self._works.get(bar.symbol):
                yield from self._range_phase(bar)
                yield from self._close_phase(bar)
        self._close_turn(self._live(bar), bar)

    def _open_phase(self, live: list[Working], bar: MarketData) -> Iterator[Fill]:
        while live:
            last = live[-1].seq
            for w in live:
                waits = w.kind is MARKET_ON_OPEN and not self._days.opens(w, bar)
                if w.left and not waits and at_open(w, bar, touch=self._touch):
                    maker = w.kind is LIMIT and not w.fresh
                    yield from self._execute(w, bar.open, bar, maker=maker)
            # A bracket around what was just opened is live on this very bar.
            live = [w for w in self._live(bar) if w.seq > last]

    def _range_phase(self, bar: MarketData) -> Iterator[Fill]:
        reached = self._reached(bar)
        if len(reached) > 1 and contradictory(reached):
            finer = self._inside(bar)
            if finer:
                yield from self._walk(finer)
                return
            self.ambiguous += 1
        done: set[int] = set()
        while ready := [w for w in self._reached(bar) if w.seq not in done]:
            w = min(ready, key=self._precedence)
            done.add(w.seq)
            price = within(w, bar, touch=self._touch)
            w.triggered = w.triggered or w.kind in STOPS
            if price is not None:
                before = self._seq
                maker = w.kind is LIMIT and price == w.limit
                yield from self._execute(w, self._on_tick(w, price), bar, maker=maker)
                self._remember_births(before, w, bar)

    def _on_tick(self, w: Working, price: float) -> float:
        """The price; that of a trail, which lies anywhere, on the next tick that is no better."""
        if w.kind is not TRAILING_STOP or price != w.level:
            return price
        instrument = self.account.lanes[w.order.symbol].instrument
        return float(instrument.on_tick(exact(price), ROUND_CEILING if w.buys else ROUND_FLOOR))

    def _walk(self, finer: Sequence[MarketData]) -> Iterator[Fill]:
        for small in finer:
            yield from self._open_phase(self._live(small), small)
            yield from self._range_phase(small)

    def _close_phase(self, bar: MarketData) -> Iterator[Fill]:
        if self._days.closes(bar):
            for w in self._live(bar):
                if w.kind is MARKET_ON_CLOSE:
                    yield from self._execute(w, bar.price, bar)

    def _close_turn(self, live: list[Working], bar: MarketData) -> None:
        alive = bar.tradable()
        for w in live:
            w.fresh = w.fresh and not alive
            if w.order.terms.tif in AT_ONCE:
                self._end(w, w.order.terms.tif.value, bar.ns)
            elif alive and w.kind is TRAILING_STOP:
                w.follow(bar, seen=self._born.get(w.seq, STOP) in AT_ANY_PRICE)

    # --- what a bar reaches -------------------------------------------------------------------------------------------

    def _live(self, bar: MarketData) -> list[Working]:
        return [w for w in self._works.get(bar.symbol, ()) if bar.ns >= w.live_from and w.left]

    def _reached(self, bar: MarketData) -> list[Working]:
        return [w for w in self._live(bar) if self._reaches(w, bar)]

    def _reaches(self, w: Working, bar: MarketData) -> bool:
        if w.kind is STOP_LIMIT and not w.triggered:
            return reaches_stop(w, bar)
        at_once = w.kind is LIMIT and w.order.terms.tif in AT_ONCE  # which is at the open, or not at all
        if at_once or within(w, bar, touch=self._touch) is None:
            return False
        entry = self._born.get(w.seq)
        if entry is None:
            return True
        # An exit born inside this bar: was the price there before its entry, or after it?
        if w.kind is LIMIT:
            return entry in STOPS or proven(w, bar)
        return entry is LIMIT or proven(w, bar) or not self._favourable

    def _precedence(self, w: Working) -> tuple[bool, int]:
        return ((w.kind in STOPS) == self._favourable, w.seq)

    def _remember_births(self, before: int, entry: Working, bar: MarketData) -> None:
        for w in self._works.get(bar.symbol, ()):
            if w.seq > before:
                self._born[w.seq] = entry.kind
                if w.kind in STOPS and entry.kind in STOPS and reaches_stop(w, bar) and not proven(w, bar):
                    self.ambiguous += 1

    def _inside(self, bar: MarketData) -> Sequence[MarketData]:
        finer = self._finer.get(bar.symbol)
        if not finer:
            return ()
        end = self.account.lanes[bar.symbol].over(bar.ns)
        return [small for small in finer if bar.ns <= small.ns < end and small.tradable()]

    # --- the book -----------------------------------------------------------------------------------------------------

    def _lives(self, w: Working, bar: MarketData) -> bool:
        if self._days.expired(w, bar):
            self._end(w, "expired", bar.ns)
        return bool(w.left)

    def _found(self, order_id: str) -> Working | None:
        return next((w for works in self._works.values() for w in works if w.order.id == order_id), None)

    def _add(self, order: Order) -> Working:
        self._seq = seq = self._seq + 1
        w = Working(order, seq)
        works = self._works.get(order.symbol)
        if works is None:
            self._works[order.symbol] = [w]
        else:
            works.append(w)
        if self._counts:
            self.account.at_work += 1
            self._count(w, order.quantity)
        return w

    def _count(self, w: Working, quantity: Decimal) -> None:
        """Keep count of what entries may add; what is left of one may want more than it did at first.

        Alone in its account, a symbol has so few orders that they are counted where somebody asks.
        """
        order, account = w.order, self.account
        worth = 0.0
        if not order.terms.reduce_only:
            worth = float(quantity) * order.reference * account.lanes[order.symbol].unit
        account.entering += worth - w.worth
        w.worth = worth

    def _remove(self, w: Working) -> None:
        works = self._works[w.order.symbol]
        works.remove(w)
        if not works:  # with many symbols, looking through empty books for every order takes longer than all the rest
            del self._works[w.order.symbol]
        if self._counts:
            account = self.account
            account.at_work -= 1
            account.entering = account.entering - w.worth if account.at_work else 0.0

    def _end(self, w: Working, code: str, ns: int) -> None:
        if w in self._works.get(w.order.symbol, ()):
            self._remove(w)
            self._ended.append(Ended(w.order, code, w.filled, ns))
            w.left = ZERO

    def _decided(self) -> int:
        last = self.account.latest
        return 0 if last is None else self.account.lanes[last.symbol].over(last.ns)

    # --- fills --------------------------------------------------------------------------------------------------------

    def _execute(
        self, w: Working, price: float, bar: MarketData, *, maker: bool = False, unlimited: bool = False
    ) -> Iterator[Fill]:
        made = self._execution.fill(w, price, bar, maker=maker, unlimited=unlimited)
        if isinstance(made, Fill):
            self._filled(w, made)
            yield made
            self._after(w, made)
        elif made is not None:
            self._end(w, made, bar.ns)

    def _filled(self, w: Working, fill: Fill) -> None:
        self._fills.append(fill)
        if not w.left:
            self._remove(w)
        elif self._counts:
            self._count(w, w.left)

    def _after(self, w: Working, fill: Fill) -> None:
        terms = w.order.terms
        if w.order.parent is not None and w.bracket is not None:
            self._shrink(w.bracket, fill)
        elif terms.stop_loss is not None or terms.take_profit is not None or terms.trailing_loss is not None:
            self._protect(w, fill)
        self._release(w.order, fill)

    def _protect(self, w: Working, fill: Fill) -> None:
        if w.bracket is None or not w.bracket.left:
            again = "" if w.bracket is None else f"-{self._seq}"
            w.bracket = bracket = Bracket()
            for name, terms in exits_of(w.order.terms).items():
                child = self._add(exit_order(w.order, name + again, terms, fill.price, fill.ns))
                child.bracket = bracket
                bracket.exits.append(child)
        w.bracket.left += fill.quantity
        for child in w.bracket.exits:
            child.left = w.bracket.left

    def _shrink(self, bracket: Bracket, fill: Fill) -> None:
        bracket.left -= fill.quantity
        for child in bracket.exits:
            if child.order.id != fill.order_id:
                child.left = bracket.left
                if not bracket.left:
                    self._end(child, "bracket_done", fill.ns)

    def _release(self, order: Order, fill: Fill) -> None:
        works = self._works.get(order.symbol, ())
        if not works:
            return
        held = self.account.position(order.strategy, order.symbol).quantity
        for w in list(works):
            mine = w.order.terms.reduce_only and w.order.strategy == order.strategy
            if mine and not (held < ZERO if w.buys else held > ZERO):
                self._end(w, "position_closed", fill.ns)


def contradictory(reached: Iterable[Working]) -> bool:
    """Whether a bar reached both a stop and a target of the same position, so that their order decides."""
    exits: dict[tuple[str, bool], set[bool]] = {}
    for w in reached:
        exits.setdefault((w.order.strategy, w.buys), set()).add(w.kind in STOPS)
    return any(len(kinds) == 2 for kinds in exits.values())
