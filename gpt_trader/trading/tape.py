"""The tape of a session: everything that happened on the order path, in its order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpt_trader.core.orders import Ended, Fill, Order, Refused, RoundTrip


@dataclass(slots=True)
class Tape:
    """Orders, refusals, fills, endings, closed trades and alerts, each in the order in which it happened."""

    orders: list[Order] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    trips: list[RoundTrip] = field(default_factory=list)
