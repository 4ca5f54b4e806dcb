"""One symbol of an account: what the desk needs of it on every bar, as plain floats beside the exact ledger."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from gpt_trader.core.market import Instrument
    from gpt_trader.core.portfolio import Position

KEPT = 1000


def _unknown(ns: int) -> float:  # noqa: ARG001
    return math.nan


class Lane:
    """One symbol of the account: its last price and, as floats, what all strategies together hold of it."""

    __slots__ = (
        "before",
        "held",
        "instrument",
        "last_quantity",
        "last_size",
        "lots",
        "ns",
        "open_for",
        "own",
        "positions",
        "price",
        "shorter",
        "span",
        "symbol",
        "typical_volume",
        "unit",
        "used",
        "used_ns",
        "value",
    )

    def __init__(self, instrument: Instrument, *, span: int = 1) -> None:
        self.symbol = instrument.symbol
        self.instrument = instrument
        self.unit = float(instrument.multiplier)
        self.price = 0.0
        self.before = 0.0
        self.ns = 0
        self.held = 0.0
        self.value = 0.0
        self.span = span
        self.used = 0.0
        self.last_quantity = ZERO
        self.last_size = 0.0
        self.used_ns = -1
        self.positions: list[Position] = []
        self.own: dict[str, Position] = {}
        self.lots: dict[float, Decimal] = {}
        self.typical_volume: Callable[[int], float] = _unknown
        self.open_for: Callable[[int], float] = _unknown
        self.shorter: Callable[[int], int] | None = None

    def over(self, ns: int) -> int:
        """When the bar that opens then is over; of live bars only their length is known."""
        return ns + self.span if self.shorter is None else self.shorter(ns)

    def as_float(self, quantity: Decimal) -> float:
        """The quantity as a float; the size of the last order is remembered."""
        if quantity is not self.last_quantity:
            self.last_quantity, self.last_size = quantity, float(quantity)
        return self.last_size

    def whole_lots(self, quantity: Decimal | float) -> Decimal:
        """The quantity as an exact number of whole lots; sizes that come again are looked up."""
        found = self.lots.get(quantity)  # type: ignore[arg-type]
        if found is None:
            found = self.instrument.whole_lots(exact(quantity))
            if len(self.lots) < KEPT:
                self.lots[quantity] = found  # type: ignore[index]
        return found
