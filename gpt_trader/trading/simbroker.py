"""The broker of backtest and paper: it fills orders from bars by the rules of matching, and never tells more than a venue would."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from gpt_trader.core.market import DAY, nanoseconds
from gpt_trader.core.orders import BUY, SELL, ZERO, Ended, Fill, Order, OrderType, Terms, TimeInForce, exact
from gpt_trader.trading.matching import (
    LIMIT,
    MARKET,
    MARKET_ON_OPEN,
    STOPS,
    TRAILING_STOP,
    Bracket,
    Quote,
    Working,
    at_close,
    at_open,
    proven,
    tradable,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Approved
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.rules import FillRules

GTC = TimeInForce.GTC
DAY_ORDER = TimeInForce.DAY


class _Turn:
    """One bar being worked through: what is left of its volume, and what happened in it."""

    __slots__ = ("bar", "born", "budget", "touch")

    def __init__(self, bar: MarketData, budget: Decimal | None, *, touch: bool) -> None:
        self.bar = bar
        self.budget = budget
        self.touch = touch
        self.born: dict[str, OrderType] = {}


class SimBroker:
    """A market made of bars; fills come out one by one, so that each is booked before the next is judged."""

    def __init__(
        self,
        account: Account,
        *,
        rules: FillRules,
        costs: Costs,
        session_ends: Mapping[str, frozenset[int]] | None = None,
        finer: Mapping[str, Sequence[MarketData]] | None = None,
    ) -> None:
        self.account = account
        self.rules = rules
        self.costs = costs
        self.pending = 0
        self.ambiguous = 0
        self._touch = rules.limit == "touch"
        self._moves_price = costs.moves_price
        self._works: dict[str, list[Working]] = {}
        self._ended: list[Ended] = []
        self._fills: list[Fill] = []
        self._sessions: dict[str, int] = {}
        self._session_ends = session_ends
        self._finer = finer or {}
        self._seq = 0

    def submit(self, approved: Approved) -> None:
        """Work an approved order from the first bar that begins after its decision."""
        self._add(approved.order)

    def cancel(self, order_id: str, code: str = "cancelled") -> None:
        """Stop working an order."""
        for works in self._works.values():
            for w in works:
                if w.order.id == order_id:
                    self._end(w, code, w.order.ns)
                    return

    def settle(self, data: MarketData) -> Iterable[Fill]:
        """The fills of this bar, in the one order of events: at the open, within, at the close."""
        works = self._works.get(data.symbol)
        if not works:
            return ()
        return self._settle(works, data)

    def settle_close(self, data: MarketData) -> Iterator[Fill]:
        """Fill market orders at the close they were decided on; only for those who asked for it by name."""
        turn = self._turn(data)
        for w in list(self._works.get(data.symbol, ())):
            if w.kind is MARKET and w.fresh and tradable(data):
                yield from self._fill(w, Quote(data.price, maker=False), turn)
                w.fresh = False

    def close_all(self, data: MarketData, price: float) -> Iterator[Fill]:
        """Fill whatever rests in this symbol at a price, without regard to volume: the end of the data."""
        turn = _Turn(data, None, touch=self._touch)
        for w in list(self._works.get(data.symbol, ())):
            yield from self._fill(w, Quote(price, maker=False), turn)

    def split(self, symbol: str, new: int, old: int) -> None:
        """Restate the orders at work in new shares."""
        for w in self._works.get(symbol, ()):
            w.restate(new, old)

    def drain(self) -> Sequence[Ended]:
        """The orders that ended unfilled since it was last asked."""
        ended, self._ended = self._ended, []
        return ended

    def open_orders(self, symbol: str | None = None) -> Sequence[Order]:
        """The orders at work, with what is left of them."""
        if not self.pending:
            return ()
        books = self._works.values() if symbol is None else (self._works.get(symbol, ()),)
        return [w.order if not w.filled else replace(w.order, quantity=w.left) for works in books for w in works]

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
        first_of_session = self._open_session(bar)
        live = [w for w in works if bar.ns >= w.live_from and not self._expired(w, bar)]
        if not live or not tradable(bar):
            self._close_turn(live, bar)
            return
        turn = self._turn(bar)
        yield from self._open_phase(live, turn, first_of_session=first_of_session)
        if works:
            yield from self._range_phase(turn)
            yield from self._close_phase(turn)
            self._close_turn([w for w in works if bar.ns >= w.live_from], bar)

    def _open_phase(self, live: list[Working], turn: _Turn, *, first_of_session: bool) -> Iterator[Fill]:
        works = self._works[turn.bar.symbol]
        queue = live
        while queue:
            for w in queue:
                if w.left and not (w.kind is MARKET_ON_OPEN and not first_of_session):
                    quote = at_open(w, turn.bar, touch=turn.touch)
                    if quote is not None:
                        yield from self._fill(w, quote, turn)
            # A bracket around what was just opened is live on this very bar.
            queue = [w for w in works if w.seq > queue[-1].seq and w.live_from <= turn.bar.ns]

    def _range_phase(self, turn: _Turn) -> Iterator[Fill]:
        bar = turn.bar
        reached = self._reached(turn)
        if len(reached) > 1 and _contradictory(reached):
            finer = self._inside(bar)
            if finer:
                yield from self._walk(finer, turn)
                return
            self.ambiguous += 1
        done: set[int] = set()
        while True:
            ready = [w for w in self._reached(turn) if w.seq not in done]
            if not ready:
                return
            w = min(ready, key=self._precedence)
            done.add(w.seq)
            quote = within(w, bar, touch=turn.touch)
            if quote is not None:
                before = self._seq
                yield from self._fill(w, quote, turn)
                self._remember_births(before, w, turn)

    def _walk(self, finer: Sequence[MarketData], turn: _Turn) -> Iterator[Fill]:
        coarse = turn.bar
        for small in finer:
            turn.bar = small
            yield from self._open_phase(self._live(small), turn, first_of_session=False)
            yield from self._range_phase(turn)
        turn.bar = coarse

    def _close_phase(self, turn: _Turn) -> Iterator[Fill]:
        if not self._ends_session(turn.bar):
            return
        for w in self._live(turn.bar):
            quote = at_close(w, turn.bar)
            if quote is not None:
                yield from self._fill(w, quote, turn)

    def _close_turn(self, live: list[Working], bar: MarketData) -> None:
        alive = tradable(bar)
        for w in live:
            if not w.left:
                continue
            w.fresh = False
            tif = w.order.terms.tif
            if tif is TimeInForce.IOC or tif is TimeInForce.FOK:
                self._end(w, tif.value, bar.ns)
            elif alive and w.kind is TRAILING_STOP:
                w.follow(bar)

    # --- what a bar reaches -------------------------------------------------------------------------------------------

    def _live(self, bar: MarketData) -> list[Working]:
        return [w for w in self._works.get(bar.symbol, ()) if bar.ns >= w.live_from and w.left]

    def _reached(self, turn: _Turn) -> list[Working]:
        return [w for w in self._live(turn.bar) if self._reaches(w, turn)]

    def _reaches(self, w: Working, turn: _Turn) -> bool:
        bar = turn.bar
        if w.kind is OrderType.STOP_LIMIT and not w.triggered:
            return bar.high >= w.level if w.buys else bar.low <= w.level
        if within(w, bar, touch=turn.touch) is None:
            return False
        entry = turn.born.get(w.order.id)
        if entry is None:
            return True
        # An exit born inside this bar: was the price there before its entry, or after it?
        if w.kind is LIMIT:
            return entry in STOPS or proven(w, bar)
        return entry is LIMIT or proven(w, bar) or self.rules.events == "adverse"

    def _precedence(self, w: Working) -> tuple[bool, int]:
        favourable = self.rules.events == "favourable"
        return ((w.kind in STOPS) == favourable, w.seq)

    def _remember_births(self, before: int, entry: Working, turn: _Turn) -> None:
        for w in self._works.get(turn.bar.symbol, ()):
            if w.seq > before:
                turn.born[w.order.id] = entry.kind
                if w.kind in STOPS and entry.kind in STOPS:
                    hit = within(w, turn.bar, touch=turn.touch) is not None
                    self.ambiguous += hit and not proven(w, turn.bar)

    def _inside(self, bar: MarketData) -> Sequence[MarketData]:
        finer = self._finer.get(bar.symbol)
        if not finer:
            return ()
        end = bar.ns + self.account.lanes[bar.symbol].span
        return [small for small in finer if bar.ns <= small.ns < end and tradable(small)]

    # --- sessions and lives of orders ---------------------------------------------------------------------------------

    def _open_session(self, bar: MarketData) -> bool:
        session = self._session(bar.ns)
        before = self._sessions.get(bar.symbol)
        if tradable(bar):
            self._sessions[bar.symbol] = session
        return before != session

    def _session(self, ns: int) -> int:
        return (ns + self.rules.session_offset_ns) // DAY

    def _ends_session(self, bar: MarketData) -> bool:
        if self.account.lanes[bar.symbol].span >= DAY // 2 or self._session_ends is None:
            return True
        return bar.ns in self._session_ends.get(bar.symbol, ())

    def _expired(self, w: Working, bar: MarketData) -> bool:
        terms = w.order.terms
        if terms.tif is GTC:
            return False
        session = self._session(bar.ns)
        if w.session is None:
            w.session = session
        late = terms.tif is DAY_ORDER and session != w.session
        if terms.tif is TimeInForce.GTD and terms.good_till is not None:
            late = bar.ns > nanoseconds(terms.good_till)
        if late:
            self._end(w, "expired", bar.ns)
        return late

    def _add(self, order: Order) -> Working:
        self._seq += 1
        w = Working(order, self._seq)
        self._works.setdefault(order.symbol, []).append(w)
        self.pending += 1
        return w

    def _remove(self, w: Working) -> None:
        self._works[w.order.symbol].remove(w)
        self.pending -= 1

    def _end(self, w: Working, code: str, ns: int) -> None:
        if w in self._works.get(w.order.symbol, ()):
            self._remove(w)
            self._ended.append(Ended(w.order, code, w.filled, ns))
            w.left = ZERO

    # --- fills --------------------------------------------------------------------------------------------------------

    def _turn(self, bar: MarketData) -> _Turn:
        share = self.rules.volume_share
        if share is None or not bar.volume > 0:
            return _Turn(bar, None, touch=self._touch)
        budget = self.account.lanes[bar.symbol].instrument.whole_lots(exact(bar.volume) * share)
        return _Turn(bar, budget, touch=self._touch)

    def _fill(self, w: Working, quote: Quote, turn: _Turn) -> Iterator[Fill]:
        base = exact(quote.price)
        quantity = self._quantity(w, base)
        if quantity <= 0:
            self._end(w, "nothing_left", turn.bar.ns)
            return
        if turn.budget is not None and quantity > turn.budget:
            if w.order.terms.tif is TimeInForce.FOK or turn.budget <= 0:
                return
            quantity = turn.budget
        price = self._price(w, base, quantity, quote, turn.bar)
        fee = self.costs.fee.of(quantity, quantity * price * self._multiplier(w), maker=quote.maker)
        change = quantity if w.buys else -quantity
        if not self.account.affords(w.order.symbol, change, price, fee):
            self._end(w, "buying_power", turn.bar.ns)
            return
        yield self._book(w, quantity, price, fee, turn, maker=quote.maker, base=base)
        self._after(w, quantity, price, turn.bar)

    def _book(
        self, w: Working, quantity: Decimal, price: Decimal, fee: Decimal, turn: _Turn, *, maker: bool, base: Decimal
    ) -> Fill:
        order = w.order
        if turn.budget is not None:
            turn.budget -= quantity
        w.left -= quantity
        w.filled += quantity
        paid = abs(price - base) * quantity if self._moves_price else ZERO
        fill = Fill(
            f"{order.id}/{w.filled}", order.id, order.strategy, order.symbol, order.side,
            quantity, price, fee, turn.bar.ns, maker, paid,
        )  # fmt: skip
        self._fills.append(fill)
        if not w.left:
            self._remove(w)
        return fill

    def _quantity(self, w: Working, price: Decimal) -> Decimal:
        order = w.order
        if order.aim is None and order.share is None and not order.terms.reduce_only:
            return w.left
        held = self.account.position(order.strategy, order.symbol).quantity
        if order.terms.reduce_only:
            return min(w.left, max(ZERO, -held if w.buys else held))
        aim = order.aim
        if order.share is not None:
            aim = self.account.lots_for(order.strategy, order.symbol, order.share, price, self.costs.fee)
            if not w.filled:
                w.left = max(ZERO, aim - held if w.buys else held - aim)
            return w.left
        assert aim is not None
        return min(w.left, max(ZERO, aim - held if w.buys else held - aim))

    def _price(self, w: Working, base: Decimal, quantity: Decimal, quote: Quote, bar: MarketData) -> Decimal:
        if not self._moves_price or quote.maker:
            return base
        worse = self.costs.adverse(base, quantity, bar.volume)
        instrument = self.account.lanes[bar.symbol].instrument
        price = (
            instrument.on_tick(base + worse, ROUND_CEILING) if w.buys else instrument.on_tick(base - worse, ROUND_FLOOR)
        )
        limit = w.order.terms.limit
        if limit is not None:
            price = min(price, exact(limit)) if w.buys else max(price, exact(limit))
        return max(price, instrument.tick)

    def _multiplier(self, w: Working) -> Decimal:
        return self.account.lanes[w.order.symbol].instrument.multiplier

    def _after(self, w: Working, quantity: Decimal, price: Decimal, bar: MarketData) -> None:
        terms = w.order.terms
        if terms.stop_loss is not None or terms.take_profit is not None or terms.trailing_loss is not None:
            self._protect(w, quantity, price, bar)
        if w.bracket is not None:
            self._shrink(w.bracket, quantity, bar)
        elif w.order.aim is not None or w.order.share is not None or terms.reduce_only:
            self._release(w.order, bar)
        if w.left and (w.order.aim is not None or terms.reduce_only) and not self._quantity(w, price):
            self._end(w, "nothing_left", bar.ns)

    def _protect(self, w: Working, quantity: Decimal, price: Decimal, bar: MarketData) -> None:
        if w.bracket is None:
            w.bracket = Bracket(ZERO)
            w.bracket.exits = [self._exit(w, name, terms, price, bar) for name, terms in _exits(w.order.terms).items()]
            for child in w.bracket.exits:
                child.bracket = w.bracket
                child.left = ZERO
        bracket, w.bracket = w.bracket, None
        bracket.left += quantity
        for child in bracket.exits:
            child.left = bracket.left
        w.bracket = None if not w.left else bracket

    def _exit(self, w: Working, name: str, terms: Terms, price: Decimal, bar: MarketData) -> Working:
        order = w.order
        side = SELL if order.side is BUY else BUY
        child = Order(
            f"{order.id}.{name}", order.strategy, order.symbol, side, order.quantity, terms,
            float(price), order.ns, bar.ns, parent=order.id, reason=name,
        )  # fmt: skip
        return self._add(child)

    def _shrink(self, bracket: Bracket, quantity: Decimal, bar: MarketData) -> None:
        bracket.left -= quantity
        for child in bracket.exits:
            child.left = bracket.left
            if not bracket.left:
                self._end(child, "bracket_done", bar.ns)

    def _release(self, order: Order, bar: MarketData) -> None:
        held = self.account.position(order.strategy, order.symbol).quantity
        for w in list(self._works.get(order.symbol, ())):
            if w.order.strategy == order.strategy and w.order.terms.reduce_only and w.order.id != order.id:
                room = max(ZERO, -held if w.buys else held)
                if not room:
                    self._end(w, "position_closed", bar.ns)


def _exits(terms: Terms) -> dict[str, Terms]:
    made: dict[str, Terms] = {}
    if terms.stop_loss is not None:
        made["stop"] = Terms(OrderType.STOP, stop=terms.stop_loss, reduce_only=True)
    if terms.trailing_loss is not None:
        made["trail"] = Terms(TRAILING_STOP, trail=terms.trailing_loss, reduce_only=True)
    if terms.take_profit is not None:
        made["target"] = Terms(LIMIT, limit=terms.take_profit, reduce_only=True)
    return made


def _contradictory(reached: list[Working]) -> bool:
    exits: dict[tuple[str, bool], set[bool]] = {}
    for w in reached:
        exits.setdefault((w.order.strategy, w.buys), set()).add(w.kind in STOPS)
    return any(len(kinds) == 2 for kinds in exits.values())
