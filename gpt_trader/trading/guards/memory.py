"""What the guard remembers of a session: counts, times and the heights of equity, fed by the desk."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from gpt_trader.core.orders import Order, RoundTrip

SECOND = 1_000_000_000
KEPT = 1024
GOES_ON = (
    "children", "consecutive_losses", "drift", "last_loss_ns", "losing_since", "mismatched", "orders", "parents",
    "peak", "rejects", "sent",
)  # fmt: skip
"""What a new session does not forget: times, heights, losses in a row and open matters, but no other counts."""


class Memory:
    """The session so far, as far as a control can ask for it; a new session starts with a new memory."""

    __slots__ = (
        "children",
        "consecutive_losses",
        "day_equity",
        "drift",
        "equity",
        "last_loss_ns",
        "latency",
        "losing_since",
        "margin_use",
        "mismatched",
        "ns",
        "orders",
        "parents",
        "peak",
        "rejects",
        "sent",
        "session",
        "silence",
        "slippage",
        "start_equity",
        "start_ns",
        "steps",
        "trades",
        "unprotected",
    )

    def __init__(self) -> None:
        self.session = 0
        self.trades = 0
        self.consecutive_losses = 0
        self.losing_since = 0
        self.last_loss_ns: int | None = None
        self.sent: deque[int] = deque(maxlen=KEPT)
        self.rejects: deque[int] = deque(maxlen=KEPT)
        self.orders: deque[Order] = deque(maxlen=64)
        self.parents: dict[str, Decimal] = {}
        self.children: dict[str, Decimal] = {}
        self.equity = self.start_equity = self.day_equity = self.peak = math.nan
        self.ns = self.start_ns = 0
        self.drift = 0.0
        self.silence = 0.0
        self.slippage = 0.0
        self.latency = 0.0
        self.margin_use = 0.0
        self.unprotected = 0.0
        self.steps = 0
        self.mismatched: set[str] = set()

    def next_session(self, equity: float, ns: int) -> Memory:
        """The memory of the session that begins now, with this equity; what is measured by time goes on."""
        fresh = Memory()
        fresh.ns = fresh.start_ns = ns
        fresh.session = self.session + 1
        fresh.equity = fresh.start_equity = fresh.day_equity = equity
        for name in GOES_ON:
            setattr(fresh, name, getattr(self, name))
        return fresh

    @property
    def losing_sessions(self) -> int:
        """Over how many sessions the losses in a row stretch, the present one counted."""
        return self.session - self.losing_since + 1

    def approved(self, order: Order, ns: int) -> None:
        """Remember an order that was let through."""
        self.sent.append(ns)
        self.orders.append(order)
        if order.parent is not None:
            self.children[order.parent] = (
                self.children.get(order.parent, order.quantity - order.quantity) + order.quantity
            )

    def closed(self, trip: RoundTrip) -> None:
        """Count a closed trade, and the losses in a row; a trade that ends at zero changes nothing."""
        self.trades += 1
        if trip.profit < ZERO:
            if not self.consecutive_losses:
                self.losing_since = self.session
            self.consecutive_losses += 1
            self.last_loss_ns = trip.exit_ns
        elif trip.profit > ZERO:
            self.consecutive_losses = 0


def since(times: deque[int], ns: int) -> int:
    """How many of these times lie after a moment; the newest stand at the end, so few are looked at."""
    count = 0
    for at in reversed(times):
        if at <= ns:
            break
        count += 1
    return count
