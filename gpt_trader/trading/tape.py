"""The tape of a session: everything that happened on the order path, in its order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gpt_trader.core.orders import Ended, Fill, Order, Refused, RoundTrip


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should know; critical stops, a warning asks to look, info is for the log.

    Where it stopped something, it says by which act, and of which strategy if not of all.
    """

    severity: Literal["critical", "warning", "info"]
    code: str
    message: str
    ns: int
    strategy: str = ""
    act: str = ""


@dataclass(slots=True)
class Tape:
    """Orders, refusals, fills, endings, closed trades and alerts, each in the order in which it happened."""

    prefix: str = ""
    orders: list[Order] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    trips: list[RoundTrip] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    _count: int = 0

    def next_id(self) -> str:
        """An id that no other order of this session has."""
        self._count += 1
        return f"{self.prefix}{self._count}"
