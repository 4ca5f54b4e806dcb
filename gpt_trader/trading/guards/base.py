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
    from collections.abc import Sequence

    from gpt_trader.core.orders import Order
    from gpt_trader.trading.account import Account, Lane
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.guards.memory import Memory


class Look:
    """The facts about one order, gathered once for all controls; money is a float in the account's currency.

    Of a strategy's own limits, `held`, the exposures and `equity` are that strategy's; otherwise the account's. What
    leads the order's own strategy out of its position is `leaving`, whatever others hold of the symbol.
    """

    __slots__ = (
        "account",
        "after",
        "change",
        "costs",
        "equity",
        "held",
        "lane",
        "leaving",
        "memory",
        "notional",
        "ns",
        "order",
        "price",
        "reducing",
        "scope",
        "size",
        "unit",
        "working",
    )

    def __init__(  # noqa: PLR0913 - the facts are what they are
        self,
        order: Order,
        account: Account,
        memory: Memory,
        *,
        working: Sequence[Order],
        ns: int,
        costs: Costs | None = None,
        scope: str | None = None,
        equity: float | None = None,
    ) -> None:
        self.order = order
        self.account = account
        self.memory = memory
        self.working = working
        self.ns = ns
        self.costs = costs
        self.scope = scope
        self.equity = account.equity if equity is None else equity
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
        if working:
            after += entering(working, order, scope)
        self.after = after

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
        held = self.account.symbols_held(self.scope)
        held.update(other.symbol for other in self.working if not other.terms.reduce_only)
        held.add(self.order.symbol)
        return len(held)

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


def entering(working: Sequence[Order], order: Order, scope: str | None) -> float:
    """What other orders of the symbol add in the order's direction; exits that only reduce add nothing."""
    total = 0.0
    for other in working:
        same = (
            other.symbol == order.symbol
            and other.side is order.side
            and (scope is None or belongs(other.strategy, scope))
        )
        if same and not other.terms.reduce_only:
            total += float(other.quantity)
    return total if order.side is BUY else -total
