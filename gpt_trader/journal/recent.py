"""The newest events in memory, a bounded number of them, so that who keeps up with the history need not read it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from gpt_trader.journal.history import Stored


class Recent:
    """All events after `base` and up to `head`; it does not lock, its owner does."""

    def __init__(self, head: int, *, count: int, size: int) -> None:
        self.base = self.head = head
        self.rows: list[Stored] = []
        self._count, self._size, self._bytes = count, size, 0

    def add(self, rows: Sequence[Stored]) -> bool:
        """Take what was committed; False when others committed something in between, which then is not here."""
        whole = rows[0][0] == self.head + 1
        if not whole:
            self.rows, self._bytes = [], 0
            self.base = rows[0][0] - 1
        self.rows += rows
        self.head = rows[-1][0]
        self._bytes += sum([len(row[5]) for row in rows])
        if len(self.rows) > self._count or self._bytes > self._size:
            self._trim()
        return whole

    def _trim(self) -> None:
        """Let go of more than must be, so that it is seldom done."""
        keep = self._count // 2
        while self.rows and (len(self.rows) > keep or self._bytes > self._size):
            cut = max(len(self.rows) - keep, len(self.rows) // 2, 1)
            self.base = self.rows[cut - 1][0]
            self._bytes -= sum([len(row[5]) for row in self.rows[:cut]])
            del self.rows[:cut]

    def jump(self, head: int) -> None:
        """Events up to here exist, but they were not seen."""
        self.rows, self._bytes = [], 0
        self.base = self.head = head

    def after(self, seq: int, count: int) -> list[Stored] | None:
        """The first events after a sequence number, or None when they must be read from the history."""
        if seq < self.base:
            return None
        start = bisect_left(self.rows, (seq + 1,))
        return self.rows[start : start + count]
