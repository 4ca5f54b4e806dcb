"""Bars of several symbols as one stream in time: read a part of each at a time, and never held all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.market import Block, bars_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData

    Times = NDArray[np.int64]

ROUND = 1 << 17
"""About so many bars of all symbols together are ahead of the stream."""
LEAST = 512
AT_ONCE = 16_384


@dataclass(slots=True)
class Ahead:
    """The bars of one symbol that were read and not played yet, and where the rest of them begins."""

    place: int
    bars: Bars
    ready: Bars
    known: Times
    next: int = 0

    @classmethod
    def of(cls, place: int, bars: Bars) -> Ahead:
        """A symbol of which nothing is read yet; `known` tells when a bar has ended."""
        return cls(place, bars, bars[:0], np.empty(0, dtype=np.int64))

    @property
    def more(self) -> bool:
        """Whether there are bars that were not read yet."""
        return self.next < len(self.bars)

    def fill(self, size: int) -> None:
        """Read on where less than half is left; what is left is played together with what comes."""
        if not self.more or 2 * len(self.known) > size:
            return
        begin = self.next - len(self.known)
        self.next = min(self.next + size, len(self.bars))
        part = self.bars[begin : self.next + 1].loaded()  # the bar after them may open before the last is full
        self.ready, self.known = part[: self.next - begin], part.ends[: self.next - begin]

    def due(self, until: int) -> bool:
        """Whether any of it is known at this moment."""
        return bool(len(self.known)) and int(self.known[0]) <= until

    def take(self, until: int) -> tuple[Bars, Times]:
        """What is known at this moment; it is ahead no longer."""
        count = int(np.searchsorted(self.known, until, side="right"))
        taken = self.ready[:count], self.known[:count]
        self.ready, self.known = self.ready[count:], self.known[count:]
        return taken


def merged(bars: Sequence[Bars]) -> Iterator[Iterable[MarketData]]:
    """Parts of the stream: bars in the order in which each is known, symbols of one moment in the order given."""
    size = max(LEAST, ROUND // len(bars))
    ahead = [Ahead.of(place, b) for place, b in enumerate(bars) if len(b)]
    while ahead:
        for one in ahead:
            one.fill(size)
        until = min((int(one.known[-1]) for one in ahead if one.more), default=None)
        last = max(int(one.known[-1]) for one in ahead)
        until = last if until is None else until
        yield from _round([(one.place, *one.take(until)) for one in ahead if one.due(until)], bars)
        ahead = [one for one in ahead if one.more or len(one.known)]


def _round(parts: Sequence[tuple[int, Bars, Times]], bars: Sequence[Bars]) -> Iterator[Iterable[MarketData]]:
    """The bars of one stretch of time, which are all there."""
    which = np.repeat([place for place, _, _ in parts], [len(b) for _, b, _ in parts])
    order = np.lexsort((which, np.concatenate([known for _, _, known in parts])))
    ts, close = (np.concatenate([getattr(b, name) for _, b, _ in parts]) for name in ("ts", "close"))
    columns = (np.concatenate([getattr(b, n) for _, b, _ in parts]).data for n in ("open", "high", "low", "volume"))
    block = Block(*columns)
    for start in range(0, len(order), AT_ONCE):
        rows = order[start : start + AT_ONCE]
        names = [bars[place].symbol for place in which[rows].tolist()]
        times, closes = ts[rows].tolist(), close[rows].tolist()
        yield bars_of(block, symbols=names, times=times, closes=closes, rows=rows.tolist())
