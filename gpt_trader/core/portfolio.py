"""The ledger: cash and positions are the exact fold of the fills and of the other events that move money."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from typing import Literal

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.orders import BUY, SELL, ZERO, Fill, RoundTrip, new

Costing = Literal["average", "fifo"]
DIGITS = 60
DUST = Decimal("1e-12")


@dataclass(slots=True)
class Lot:
    """A part of a position that was opened at one price."""

    quantity: Decimal
    price: Decimal


class Position:
    """What one strategy holds of one symbol; quantity and cost are negative when it is short.

    The cost that remains after a reduction depends only on what remains, never on the steps that led there:
    so fills in any split of the same order end in the same cost, to the last digit.
    """

    __slots__ = (
        "_basis",
        "_basis_cost",
        "_before",
        "borrow",
        "cost",
        "costing",
        "currency",
        "dividends",
        "entered",
        "entered_value",
        "fees",
        "funding",
        "left_value",
        "lots",
        "multiplier",
        "opened_ns",
        "quantity",
        "realised",
        "strategy",
        "symbol",
    )  # fmt: skip

    def __init__(
        self,
        strategy: str,
        symbol: str,
        *,
        currency: str = "USD",
        multiplier: Decimal = Decimal(1),
        costing: Costing = "average",
    ) -> None:
        self.strategy = strategy
        self.symbol = symbol
        self.currency = currency
        self.multiplier = multiplier
        self.costing = costing
        self.quantity = self.cost = self.realised = self.fees = ZERO
        self.funding = self.borrow = self.dividends = ZERO
        self.lots: deque[Lot] = deque()
        self._basis = self._basis_cost = ZERO
        self._before = (ZERO, ZERO, ZERO)
        self.opened_ns = 0
        self.entered = self.entered_value = self.left_value = ZERO

    @property
    def average(self) -> Decimal:
        """The price at which what is held was opened, on average."""
        return self.cost / (self.quantity * self.multiplier) if self.quantity else ZERO

    @property
    def net(self) -> Decimal:
        """All it has earned that is certain: realised, less fees, funding and borrow, plus dividends."""
        return self.realised - self.fees - self.funding - self.borrow + self.dividends

    def unrealised(self, price: Decimal) -> Decimal:
        """What closing at this price would add to the realised profit."""
        return self.quantity * price * self.multiplier - self.cost

    def earned(self, price: Decimal) -> Decimal:
        """All it has earned, what is held valued at this price."""
        return self.net + self.unrealised(price)

    def trade(self, quantity: Decimal, price: Decimal, fee: Decimal, ns: int) -> RoundTrip | None:
        """Buy (or, below zero, sell) at a price; the round trip that this closed is given back."""
        return self.take(quantity, price, fee, ns, value=quantity * price * self.multiplier)

    def take(self, quantity: Decimal, price: Decimal, fee: Decimal, ns: int, *, value: Decimal) -> RoundTrip | None:
        """Do a trade whose value is worked out already."""
        held = self.quantity
        if not held:
            self._begin(ns)
        elif (held > ZERO) is not (quantity > ZERO):
            after = held + quantity
            if after and (after > ZERO) is not (held > ZERO):
                return self._flip(quantity, price, fee, ns)
            self.fees += fee
            self._reduce(quantity, after, value)
            return None if after else self._round_trip(ns)
        self.fees += fee
        self._open(quantity, price, value)
        return None

    def split(self, new: int, old: int) -> None:
        """Hold so many new shares for each so many old ones; the cost stays."""
        self.quantity = (self.quantity * new / old).quantize(DUST)
        self._basis = (self._basis * new / old).quantize(DUST)
        self.entered = (self.entered * new / old).quantize(DUST)
        for lot in self.lots:
            lot.quantity = (lot.quantity * new / old).quantize(DUST)
            lot.price = (lot.price * old / new).quantize(DUST)

    def _begin(self, ns: int) -> None:
        self.opened_ns = ns
        self.entered = self.entered_value = self.left_value = ZERO
        self._before = (self.realised, self.fees, self._held_cost())

    def _held_cost(self) -> Decimal:
        if self.funding is ZERO and self.borrow is ZERO and self.dividends is ZERO:
            return ZERO
        return self.funding + self.borrow - self.dividends

    def _open(self, quantity: Decimal, price: Decimal, value: Decimal) -> None:
        self._basis = self.quantity = self.quantity + quantity
        self._basis_cost = self.cost = self.cost + value
        self.entered += quantity
        self.entered_value += value
        if self.costing == "fifo":
            self.lots.append(Lot(quantity, price))

    def _reduce(self, quantity: Decimal, after: Decimal, value: Decimal) -> None:
        self.quantity = after
        remaining = ZERO
        if after:
            remaining = self._remaining_cost(-quantity)
        elif self.lots:
            self.lots.clear()
        self.realised -= value + (self.cost - remaining)
        self.left_value -= value
        self.cost = remaining

    def _remaining_cost(self, leaving: Decimal) -> Decimal:
        if self.costing == "fifo":
            return self.cost - self._oldest(leaving)
        share = self._basis_cost * self.quantity / self._basis
        return share.quantize(DUST, ROUND_HALF_EVEN)

    def _oldest(self, leaving: Decimal) -> Decimal:
        cost = ZERO
        while leaving:
            lot = self.lots[0]
            part = lot.quantity if abs(lot.quantity) <= abs(leaving) else leaving
            cost += part * lot.price * self.multiplier
            lot.quantity -= part
            leaving -= part
            if not lot.quantity:
                self.lots.popleft()
        return cost

    def _flip(self, quantity: Decimal, price: Decimal, fee: Decimal, ns: int) -> RoundTrip | None:
        closing = -self.quantity
        part = (fee * closing / quantity).quantize(DUST, ROUND_HALF_EVEN)
        closed = self.trade(closing, price, part, ns)
        self.trade(quantity - closing, price, fee - part, ns)
        return closed

    def _round_trip(self, ns: int) -> RoundTrip:
        entered, value, left = self.entered, self.entered_value, self.left_value
        bought = entered > ZERO
        if not bought:
            entered, value, left = -entered, -value, -left
        realised, fees, held_cost = self._before
        paid = self.fees - fees
        profit = self.realised - realised - paid
        now = self._held_cost()
        if now is not held_cost and now != held_cost:
            profit -= now - held_cost
        return new(RoundTrip, (
            self.strategy, self.symbol, BUY if bought else SELL, entered, value, self.opened_ns, left, ns,
            profit, paid, self.multiplier,
        ))  # fmt: skip


class Portfolio:
    """An account: cash by currency and positions by strategy and symbol; every change is an event applied once."""

    def __init__(self, cash: Decimal, *, currency: str = "USD", costing: Costing = "average") -> None:
        exactly()
        self.currency = currency
        self.costing: Costing = costing
        self.cash: dict[str, Decimal] = {currency: cash}
        self.deposited = cash
        self.rates: dict[str, Decimal] = {currency: Decimal(1)}
        self.positions: dict[tuple[str, str], Position] = {}
        self._by_symbol: dict[str, list[Position]] = {}
        self._seen: set[str] = set()

    def position(
        self, strategy: str, symbol: str, *, currency: str | None = None, multiplier: Decimal = Decimal(1)
    ) -> Position:
        """The strategy's position in the symbol, empty when there is none yet."""
        found = self.positions.get((strategy, symbol))
        if found is None:
            currency = currency or self.currency
            found = Position(strategy, symbol, currency=currency, multiplier=multiplier, costing=self.costing)
            self.positions[strategy, symbol] = found
            self._by_symbol.setdefault(symbol, []).append(found)
            self.cash.setdefault(currency, ZERO)
        return found

    def apply(self, fill: Fill, position: Position | None = None) -> RoundTrip | None:
        """Book a fill, the first time it is seen; the round trip that it closed is given back."""
        fill_id, _, strategy, symbol, side, quantity, price, fee, ns, _, _ = fill
        if fill_id in self._seen:
            return None
        self._seen.add(fill_id)
        if getcontext().prec != DIGITS:
            exactly()
        if position is None:
            position = self.position(strategy, symbol)
        if side is SELL:
            quantity = -quantity
        value = quantity * price * position.multiplier
        self.cash[position.currency] -= value + fee
        return position.take(quantity, price, fee, ns, value=value)

    def held(self, symbol: str) -> Decimal:
        """What all strategies together hold of a symbol."""
        return sum((p.quantity for p in self.of(symbol)), ZERO)

    def of(self, symbol: str) -> list[Position]:
        """The positions of all strategies in a symbol."""
        return self._by_symbol.get(symbol, [])

    def deposit(self, amount: Decimal, currency: str | None = None) -> None:
        """Put money in, or take it out; it is no profit."""
        exactly()
        currency = currency or self.currency
        self.cash[currency] = self.cash.get(currency, ZERO) + amount
        self.deposited += amount * self.rate(currency)

    def convert(self, amount: Decimal, source: str, target: str) -> Decimal:
        """Change cash of one currency into another at the rates in force; what arrived is given back."""
        exactly()
        arrives = (amount * self.rate(source) / self.rate(target)).quantize(DUST, ROUND_HALF_EVEN)
        self.cash[source] = self.cash.get(source, ZERO) - amount
        self.cash[target] = self.cash.get(target, ZERO) + arrives
        return arrives

    def rate(self, currency: str) -> Decimal:
        """What one unit of a currency is worth in the account's; a rate that nobody gave is an error, not 1."""
        try:
            return self.rates[currency]
        except KeyError:
            raise ValidationError(f"there is no rate for {currency}", hint=f"give one to {self.currency}") from None

    def dividend(self, symbol: str, amount: Decimal) -> None:
        """Receive, or owe when short, a dividend for each share held."""
        for position in self.of(symbol):
            money = position.quantity * amount * position.multiplier
            position.dividends += money
            self.cash[position.currency] += money

    def fund(self, symbol: str, rate: Decimal, price: Decimal) -> None:
        """Pay, or receive, funding on the value of each position."""
        for position in self.of(symbol):
            money = position.quantity * price * position.multiplier * rate
            position.funding += money
            self.cash[position.currency] -= money

    def borrow(self, symbol: str, rate: Decimal, price: Decimal) -> None:
        """Pay the lender of what is short; the rate is for the time that passed."""
        for position in self.of(symbol):
            if position.quantity < 0:
                money = -position.quantity * price * position.multiplier * rate
                position.borrow += money
                self.cash[position.currency] -= money

    def split(self, symbol: str, new: int, old: int, *, lot: Decimal, price: Decimal) -> None:
        """Exchange shares; what is less than a lot is paid out in cash at the price after the split."""
        for position in self.of(symbol):
            if not position.quantity:
                continue
            position.split(new, old)
            rest = position.quantity % lot
            if rest:
                self.cash[position.currency] += rest * price * position.multiplier
                position.trade(-rest, price, ZERO, position.opened_ns)

    def total_cash(self) -> Decimal:
        """All cash in the account's currency."""
        if len(self.cash) == 1:
            return self.cash[self.currency]
        return sum((amount * self.rate(currency) for currency, amount in self.cash.items() if amount), ZERO)

    def equity(self, prices: dict[str, Decimal]) -> Decimal:
        """Cash and positions at these prices, in the account's currency."""
        total = self.total_cash()
        for p in self.positions.values():
            if p.quantity:
                total += p.quantity * prices[p.symbol] * p.multiplier * self.rate(p.currency)
        return total


def exactly() -> None:
    """Make sure that sums keep every digit, whatever a strategy did to the thread's arithmetic."""
    context = getcontext()
    if context.prec != DIGITS or context.rounding != ROUND_HALF_EVEN:
        context.prec = DIGITS
        context.rounding = ROUND_HALF_EVEN
