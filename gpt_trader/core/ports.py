"""Every seam of the house on one page: what the rooms ask of one another, and nothing of how it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """The only source of time; nothing else may ask what time it is."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring durations."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""
