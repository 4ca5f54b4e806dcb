"""Where a durable subscriber stands in the journal, and whether it is ours to move."""

from __future__ import annotations

from contextlib import suppress

from gpt_trader.core.errors import JournalError
from gpt_trader.journal.claims import Claims
from gpt_trader.journal.drivers import Row
from gpt_trader.journal.history import History
from gpt_trader.journal.writer import Op


class Bookmark:
    """The row of one durable subscriber; only who holds the claim and its newest fence can move it."""

    def __init__(self, history: History, claims: Claims, name: str, pattern: str) -> None:
        self.name, self.pattern = name, pattern
        self._history, self._store, self._claims = history, history.store, claims
        self._fence = 0

    def found(self, start: int) -> None:
        """Make the row if there is none; a new subscriber begins after `start`."""
        row = {"name": self.name, "pattern": self.pattern, "cursor": start, "express": start, "fence": 0}
        self._store.write([("subscription.add", {**row, "updated_at": self._now()}, False)])

    def claim(self) -> Row | None:
        """Make it ours and return the row, or None while another process serves it."""
        if not self._claims.take(self.name):
            return None
        try:
            self._store.write([("subscription.claim", {"name": self.name, "pattern": self.pattern}, True)])
            row = self._store.read("subscription.get", name=self.name)[0]
        except BaseException:
            self.release()
            raise
        self._fence = row["fence"]
        return row

    def move(self, cursor: int, express: int) -> Op:
        """The operation that records how far the subscriber has come; it never goes back."""
        row = {"name": self.name, "fence": self._fence, "cursor": cursor, "express": express, "at": self._now()}
        return ("subscription.move", row, True)

    def ours(self) -> bool:
        """Whether nobody has claimed it since."""
        rows = self._store.read("subscription.get", name=self.name)
        return bool(rows) and rows[0]["fence"] == self._fence

    def release(self) -> None:
        """Let another process serve it."""
        with suppress(JournalError):
            self._claims.drop(self.name)

    def _now(self) -> int:
        return self._history.clock.micros()
