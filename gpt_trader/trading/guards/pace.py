"""Controls of pace: how many orders, how fast, and never the same one twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO
from gpt_trader.trading.guards.base import Control
from gpt_trader.trading.guards.memory import since

if TYPE_CHECKING:
    from gpt_trader.trading.guards.base import Look

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True)
class MaxOpenOrders(Control):
    """No more orders than this work at once, the new one counted."""

    code = "max_open_orders"
    limit: int = 50

    def check(self, look: Look) -> str | None:
        if look.account.at_work + 1 <= self.limit:
            return None
        count = len(look.working) + 1
        return None if count <= self.limit else f"{count} orders at work are more than {self.limit}"


@dataclass(frozen=True, slots=True)
class TradesPerSession(Control):
    """No new trade once so many were closed in this session."""

    code = "trades_per_session"
    limit: int = 20

    def check(self, look: Look) -> str | None:
        return None if look.memory.trades < self.limit else f"{self.limit} trades were made in this session"


@dataclass(frozen=True, slots=True)
class OrderRate(Control):
    """No more orders than this in one second."""

    code = "order_rate"
    limit: int = 5

    def check(self, look: Look) -> str | None:
        count = since(look.memory.sent, look.ns - SECOND)
        return None if count < self.limit else f"{count} orders were sent within this second"


@dataclass(frozen=True, slots=True)
class MessageBudget(Control):
    """So many messages a minute, of which some are kept for cancels."""

    code = "message_budget"
    limit: int = 200
    reserve: int = 50

    def check(self, look: Look) -> str | None:
        count = since(look.memory.sent, look.ns - MINUTE)
        if count < self.limit - self.reserve:
            return None
        return f"{count} messages were sent within a minute; {self.reserve} of {self.limit} are kept for cancels"


@dataclass(frozen=True, slots=True)
class RepeatedExecution(Control):
    """A strategy may not send the same symbol and side more often than this within so many seconds."""

    code = "repeated_execution"
    limit: int = 10
    seconds: float = 60.0

    def check(self, look: Look) -> str | None:
        order, after = look.order, look.ns - int(self.seconds * SECOND)
        count = 0
        for other in reversed(look.memory.orders):
            if other.ns <= after:
                break
            count += other.symbol == order.symbol and other.side is order.side and other.strategy == order.strategy
        return None if count < self.limit else f"{count} orders like this one within {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Duplicate(Control):
    """The same order is not sent twice within so many seconds."""

    code = "duplicate"
    seconds: float = 2.0

    def check(self, look: Look) -> str | None:
        order, after = look.order, look.ns - int(self.seconds * SECOND)
        for other in reversed(look.memory.orders):
            if other.ns <= after:
                break
            if (
                other.symbol == order.symbol
                and other.side is order.side
                and other.quantity == order.quantity
                and other.strategy == order.strategy
                and other.terms == order.terms
            ):
                return f"the same as order {other.id}, within {self.seconds:g} s"
        return None


@dataclass(frozen=True, slots=True)
class ChildOfParent(Control):
    """The parts of a larger order never add up to more than it; a parent that is not known has no parts."""

    code = "child_exceeds_parent"

    def check(self, look: Look) -> str | None:
        order = look.order
        if order.parent is None:
            return None
        whole = look.memory.parents.get(order.parent, ZERO)
        asked = look.memory.children.get(order.parent, ZERO) + order.quantity
        return None if asked <= whole else f"{asked} would be sent for the {whole} of {order.parent}"


@dataclass(frozen=True, slots=True)
class Cooldown(Control):
    """No entry for so many seconds after a loss."""

    code = "cooldown"
    seconds: float = 60.0

    def check(self, look: Look) -> str | None:
        last = look.memory.last_loss_ns
        if last is None or look.ns - last >= self.seconds * SECOND:
            return None
        return f"the last loss is less than {self.seconds:g} s ago"


PACE = (
    MaxOpenOrders,
    TradesPerSession,
    OrderRate,
    MessageBudget,
    RepeatedExecution,
    Duplicate,
    ChildOfParent,
    Cooldown,
)
