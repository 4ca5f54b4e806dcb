"""Recorded bars played again at a chosen speed, so that what runs on a live feed can be watched on a recorded one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING

from gpt_trader.core.errors import UsageError
from gpt_trader.core.market import Bar, MarketData

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.ports import Clock

CHUNK = 10_000
MOMENT = 1e-6
"""Less than this many seconds are not waited for: clocks round, and a rounded-down wait would never end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A feed of recorded bars: `speed` is how many seconds of data pass in one second, infinite does not wait at all.

    Silence is reported each `heartbeat` seconds; a pause in the data longer than `skip` seconds (a night) lasts only
    that long.
    """

    bars: Sequence[Bars]
    clock: Clock
    speed: float = math.inf
    heartbeat: float = 1.0
    skip: float = math.inf

    def __post_init__(self) -> None:
        for name in ("speed", "heartbeat", "skip"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above zero, not {getattr(self, name)}")

    def stream(self) -> Iterator[MarketData | None]:
        """Every bar when it is complete, equal times in the order of the given symbols; None while nothing happens."""
        due, before = self.clock.monotonic(), None
        for known, bar in merge(*map(_when_known, self.bars), key=itemgetter(0)):
            if before is not None and math.isfinite(self.speed):
                due += min((known - before) / 1e9, self.skip) / self.speed
                yield from self._silence(due)
            before = known
            yield bar

    def _silence(self, due: float) -> Iterator[None]:
        while (left := due - self.clock.monotonic()) > MOMENT:
            self.clock.sleep(min(left, self.heartbeat))
            if left > self.heartbeat:
                yield None


def _when_known(bars: Bars) -> Iterator[tuple[int, Bar]]:
    # A day's bar is known at its end: told at its opening, it would tell the minutes of that day their future.
    for first in range(0, len(bars), CHUNK):
        part = bars[first : first + CHUNK + 1].loaded()
        yield from zip(part.ends.tolist(), rows_of(part[:CHUNK]), strict=False)


def rows_of(bars: Bars) -> Iterator[Bar]:
    """The bars one by one, as plain numbers; only a few thousand rows exist at a time."""
    symbol = bars.symbol
    for first in range(0, len(bars), CHUNK):
        part = bars[first : first + CHUNK].loaded()
        columns = (part.ts, part.close, part.volume, part.open, part.high, part.low)
        for row in zip(*(column.tolist() for column in columns), strict=True):
            yield Bar(symbol, *row)
