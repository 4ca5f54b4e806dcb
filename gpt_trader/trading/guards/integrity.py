"""The controls that always act, in every mode: an order must be an order before it can be a risk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt_trader.core.orders import BUY, OrderType, exact
from gpt_trader.trading.guards.base import Control

if TYPE_CHECKING:
    from gpt_trader.trading.guards.base import Look

NEEDS_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
NEEDS_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


class IntegrityControl(Control):
    """A control that no configuration switches off."""

    __slots__ = ()
    integrity = True
    spares_reductions = False


@dataclass(frozen=True, slots=True)
class KnownInstrument(IntegrityControl):
    """The symbol is one of the session's instruments."""

    code = "unknown_instrument"

    def check(self, look: Look) -> str | None:
        """The reason why this order must not leave, or None."""
        return f"{look.order.symbol} is not an instrument of this session" if look.lane is None else None


@dataclass(frozen=True, slots=True)
class FiniteNumbers(IntegrityControl):
    """Quantity and every price are finite and above zero."""

    code = "bad_number"

    def check(self, look: Look) -> str | None:
        """The reason why this order must not leave, or None."""
        if not (0.0 < look.size < math.inf):
            return f"the quantity {look.order.quantity} is not a number above 0"
        if not (0.0 < look.price < math.inf):
            return f"the reference price {look.price} is not a number above 0"
        return None
