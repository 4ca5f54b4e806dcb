"""The two clocks: time is the machine's, or time is the data's; no other module reads a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return datetime.now(UTC)

    def micros(self) -> int:
        """The same time in microseconds since 1970; cheaper, for it makes no datetime."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait this long; nothing or less returns at once."""
        if seconds > 0:
            time.sleep(seconds)


class BarClock:
    """The data's time: it stands still until it is moved, so a run is the same whenever it is run."""

    def __init__(self, start_ns: int = 0) -> None:
        self.ns = start_ns

    def now(self) -> datetime:
        """The time of the data, aware and in UTC."""
        return datetime.fromtimestamp(self.ns // 1_000_000_000, UTC) + timedelta(
            microseconds=self.ns // 1000 % 1_000_000
        )

    def micros(self) -> int:
        """The same time in microseconds since 1970."""
        return self.ns // 1000

    def monotonic(self) -> float:
        """The data's time as seconds."""
        return self.ns / 1e9

    def move_to(self, ns: int) -> None:
        """Move to this moment; never backwards."""
        self.ns = max(self.ns, ns)

    def sleep(self, seconds: float) -> None:
        """Let data time pass at once."""
        if seconds > 0:
            self.ns += int(seconds * 1e9)
