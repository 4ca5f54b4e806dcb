"""What the guard remembers of a session: counts, times and the heights of equity, fed by the desk."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpt_trader.core.orders import Order, RoundTrip


class Memory:
    """The session so far, as far as a control can ask for it."""

    __slots__ = ("consecutive_losses", "last_loss_ns", "orders", "rejects", "sent", "trades")

    def __init__(self) -> None:
        self.trades = 0
        self.consecutive_losses = 0
        self.last_loss_ns = 0
        self.rejects = 0
        self.sent: deque[int] = deque(maxlen=4096)
        self.orders: deque[Order] = deque(maxlen=256)

    def approved(self, order: Order, ns: int) -> None:
        """Remember an order that was let through."""
        self.sent.append(ns)
        self.orders.append(order)

    def closed(self, trip: RoundTrip) -> None:
        """Count a closed trade, and the losses in a row."""
        self.trades += 1
        if trip.profit < 0:
            self.consecutive_losses += 1
            self.last_loss_ns = trip.exit_ns
        elif trip.profit > 0:
            self.consecutive_losses = 0
