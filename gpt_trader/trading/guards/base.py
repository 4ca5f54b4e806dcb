"""What every control is: a frozen record of its limits that judges one order, and the facts that it may judge by."""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.orders import BUY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt_trader.core.market import Instrument
    from gpt_trader.core.orders import Order
    from gpt_trader.trading.account import Account, Lane
    from gpt_trader.trading.guards.memory import Memory


class Look:
    """The facts about one order, gathered once for all controls; numbers are floats in the account's currency."""

    __slots__ = (
        "account", "after", "held", "instrument", "lane", "memory", "notional", "ns", "order", "price", "reducing", "size",
        "working",
    )  # fmt: skip

    def __init__(self, order: Order, account: Account, memory: Memory, working: Sequence[Order], now_ns: int) -> None:
        self.order = order
        self.account = account
        self.memory = memory
        self.working = working
        self.ns = now_ns
        self.size = float(order.quantity)
        self.price = order.reference
        lane = account.lanes.get(order.symbol)
        self.lane: Lane | None = lane
        if lane is None:
            self.held = self.after = self.notional = math.nan
            self.reducing = False
            return
        self.instrument: Instrument = lane.instrument
        self.held = held = lane.held
        self.notional = self.size * order.reference * lane.unit
        change = self.size if order.side is BUY else -self.size
        self.after = after = held + change
        self.reducing = after * held >= 0 and abs(after) < abs(held)
        if working:
            self.after += same_way(working, order)

    @property
    def opening(self) -> float:
        """The notional by which the order adds to its symbol's exposure."""
        assert self.lane is not None
        return (abs(self.held + self.signed) - abs(self.held)) * self.price * self.lane.unit

    @property
    def signed(self) -> float:
        """The size, below zero for a sale."""
        return self.size if self.order.side is BUY else -self.size


@dataclass(frozen=True, slots=True)
class Control:
    """One rule. `check` gives the reason for a no, or None; whatever goes wrong inside is a no as well."""

    code: ClassVar[str] = ""
    integrity: ClassVar[bool] = False
    spares_reductions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for field in fields(self):
            require_limit(f"{self.code}.{field.name}", getattr(self, field.name), field)

    def check(self, look: Look) -> str | None:
        """The reason why this order must not leave, or None."""
        raise NotImplementedError


def require_limit(name: str, value: object, field: Field[Any]) -> None:
    """Refuse a limit that is not finite and positive: a limit that cannot act is worse than none."""
    kind = str(field.type)
    if "float" in kind or "int" in kind:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"{name} must be a number, not {value!r}")
        if not math.isfinite(value) or value <= 0:
            raise ConfigError(f"{name} must be finite and above 0, not {value!r}")
        if kind == "int" and not isinstance(value, int):
            raise ConfigError(f"{name} must be a whole number, not {value!r}")
    elif kind == "bool" and not isinstance(value, bool):
        raise ConfigError(f"{name} must be true or false, not {value!r}")
    elif kind.startswith("tuple") and not _words(value):
        raise ConfigError(f"{name} must be a list of words, not {value!r}")


def _words(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(word, str) and word for word in value)


def same_way(working: Sequence[Order], order: Order) -> float:
    """What other orders of the symbol add in the same direction; exits that only reduce add nothing."""
    total = 0.0
    for other in working:
        if other.symbol == order.symbol and other.side is order.side and not other.terms.reduce_only:
            total += float(other.quantity)
    return total if order.side is BUY else -total
