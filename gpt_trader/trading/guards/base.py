"""What every control is: a frozen record of its limits that judges one order, and the facts that it may judge by."""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.orders import BUY
from gpt_trader.trading.names import belongs
from gpt_trader.trading.waiting import leads_out

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from gpt_trader.core.orders import Order
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.guards.memory import Memory
    from gpt_trader.trading.lanes import Lane

    Book = Callable[[str | None], Sequence[Order]]
    """The orders at work, of one symbol or of all."""

BEYOND_DOUBT = 1.0 + 1e-9


class Look:
    """The facts about one order, gathered once for all controls; money is a float in the account's currency.

    Of a strategy's own limits, `held`, the exposures and `equity` are that strategy's; otherwise the account's. What
    leads the order's own strategy out of its position is `leaving`, whatever others hold of the symbol.
    """

    __slots__ = (
        "_book",
        "_without",
        "_working",
        "account",
        "after",
        "change",
        "costs",
        "equity",
        "held",
        "lane",
        "leaving",
        "memory",
        "mine",
        "notional",
        "ns",
        "order",
        "price",
        "reducing",
        "scope",
        "size",
        "unit",
    )

    def __init__(  # noqa: PLR0913, PLR0915 - the facts are what they are
        self,
        order: Order,
        account: Account,
        memory: Memory,
        *,
        book: Book,
        ns: int,
        costs: Costs | None = None,
        scope: str | None = None,
        equity: float | None = None,
        without: Collection[str] = (),
    ) -> None:
        self.order = order
        self.account = account
        self.memory = memory
        self._book = book
        self._without = without
        self._working: Sequence[Order] | None = None
        self.ns = ns
        self.costs = costs
        self.scope = scope
        self.equity = account.equity if equity is None else equity
        self.mine = mine = self._at_work(order.symbol)
        self.size = size = float(order.quantity)
        self.price = price = order.reference
        self.change = change = size if order.side is BUY else -size
        self.lane = lane = account.lanes.get(order.symbol)
        if lane is None:
            self.held = self.after = self.notional = self.unit = math.nan
            self.reducing = self.leaving = False
            return
        self.unit = lane.unit
        self.notional = size * price * lane.unit
        self.held = held = lane.held if scope is None else account.held_under(scope, order.symbol)
        after = held + change
        # An order marked so is held to it by a control of its own, which no reduction is spared.
        self.leaving = order.terms.reduce_only or leads_out(order, account.quantity(order.strategy, order.symbol))
        self.reducing = self.leaving or (after * held >= 0 and abs(after) < abs(held))
        if mine:
            after += entering(mine, order)
        self.after = after

    @property
    def working(self) -> Sequence[Order]:
        """All orders at work; of a strategy's own limits, its own."""
        if self._working is None:
            self._working = self._at_work(None)
        return self._working

    @property
    def gross(self) -> float:
        """All exposure after this order and all orders at work, long and short added."""
        return self._others(sized=True) + abs(self.after * self.price * self.unit)

    @property
    def net(self) -> float:
        """Long less short after this order."""
        return self._others(sized=False) + self.after * self.price * self.unit

    @property
    def positions(self) -> int:
        """How many symbols would be held after this order and all orders at work."""
        held = set(self.account.symbols_held(self.scope))
        held.update(other.symbol for other in self.working if not other.terms.reduce_only)
        held.add(self.order.symbol)
        return len(held)

    @property
    def positions_at_most(self) -> float:
        """No less than `positions`, found without looking at each order."""
        return len(self.account.symbols_held(self.scope)) + self.account.at_work + 1

    def grosses_no_more(self, than: float) -> bool:
        """Whether `gross` is beyond doubt within this, found without adding up; else it is to be added up."""
        if self.scope is not None or self.lane is None:
            return False
        others = self.account.gross_at_most() - abs(self.lane.value)
        return others + abs(self.after * self.price * self.unit) + self._entering_at_most() <= than

    def nets_no_more(self, than: float) -> bool:
        """Whether long less short is beyond doubt within this on either side, found without adding up."""
        if self.scope is not None or self.lane is None:
            return False
        net, hair = self.account.net_about()
        mine = self.after * self.price * self.unit - self.lane.value
        return abs(net + mine) + self._entering_at_most() + hair <= than

    def value_of(self, lane: Lane) -> float:
        """What is held of a symbol, at its last price."""
        if self.scope is None:
            return lane.value
        return self.account.held_under(self.scope, lane.symbol) * lane.price * lane.unit

    def entries(self) -> dict[str, float]:
        """What orders at work open in other symbols, at their references."""
        found: dict[str, float] = {}
        for other in self.working:
            lane = self.account.lanes.get(other.symbol)
            if lane is None or lane is self.lane or other.terms.reduce_only:
                continue
            if not leads_out(other, self.account.quantity(other.strategy, other.symbol)):
                value = float(other.quantity) * other.reference * lane.unit
                found[other.symbol] = found.get(other.symbol, 0.0) + value
        return found

    def _entering_at_most(self) -> float:
        return self.account.entering * BEYOND_DOUBT

    def _at_work(self, symbol: str | None) -> Sequence[Order]:
        orders, scope = self._book(symbol), self.scope
        if self._without and orders:
            orders = [other for other in orders if other.id not in self._without]
        return orders if scope is None else [other for other in orders if belongs(other.strategy, scope)]

    def _others(self, *, sized: bool) -> float:
        total = 0.0
        for lane in self.account.lanes.values():
            if lane is not self.lane:
                value = self.value_of(lane)
                total += abs(value) if sized else value
        return total + self._working_elsewhere(sized=sized)

    def _working_elsewhere(self, *, sized: bool) -> float:
        total = 0.0
        for other in self.working:
            lane = self.account.lanes.get(other.symbol)
            if other.symbol != self.order.symbol and lane is not None and not other.terms.reduce_only:
                value = float(other.quantity) * other.reference * lane.unit
                total += value if sized or other.side is BUY else -value
        return total


@dataclass(frozen=True, slots=True)
class Control:
    """One rule. `check` gives the reason for a no, or None; whatever goes wrong inside is a no as well."""

    code: ClassVar[str] = ""
    integrity: ClassVar[bool] = False
    spares_reductions: ClassVar[bool] = True
    about_terms: ClassVar[bool] = False
    """It has nothing to say of a plain order at market."""

    def __post_init__(self) -> None:
        for field in fields(self):
            require_limit(self.code, getattr(self, field.name), field)

    def check(self, look: Look) -> str | None:
        """The reason why this order must not leave, or None."""
        raise NotImplementedError


def require_limit(code: str, value: object, field: Field[Any]) -> None:
    """Refuse a limit that is not finite and positive: a limit that cannot act is worse than none."""
    kind, name = str(field.type), f"{code}.{field.name}"
    if kind in {"float", "int"}:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"{name} must be a number, not {value!r}")
        if not math.isfinite(value) or value <= 0:
            raise ConfigError(f"{name} must be finite and above 0, not {value!r}")
        if kind == "int" and not isinstance(value, int):
            raise ConfigError(f"{name} must be a whole number, not {value!r}")
    elif not (isinstance(value, tuple) and all(isinstance(word, str) and word for word in value)):
        raise ConfigError(f"{name} must be a list of words, not {value!r}")


def entering(mine: Sequence[Order], order: Order) -> float:
    """What other orders of the symbol add in the order's direction; exits that only reduce add nothing."""
    total = 0.0
    for other in mine:
        if other.side is order.side and not other.terms.reduce_only:
            total += float(other.quantity)
    return total if order.side is BUY else -total
