"""The dead letters: events that a subscriber could not handle, kept until a person has decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpt_trader.core.errors import Conflict, Fenced, NotFound
from gpt_trader.core.events import Event
from gpt_trader.journal.drivers import Row
from gpt_trader.journal.history import History, event_of
from gpt_trader.journal.hub import RETRIED
from gpt_trader.journal.writer import Op


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that failed, for whom, how often and how; without the event if it was forgotten."""

    subscriber: str
    seq: int
    attempts: int
    error: str
    at: int
    event: Event | None


class DeadLetters:
    """All dead letters of one journal."""

    def __init__(self, history: History) -> None:
        self._history, self._store = history, history.store

    def list(self, subscriber: str | None = None, *, count: int = 100) -> list[DeadLetter]:
        """The oldest ones, of one subscriber or of all."""
        return [_letter(row) for row in self._store.read("dead.list", subscriber=subscriber, count=count)]

    def __len__(self) -> int:
        return int(self._store.read("dead.count")[0]["count"])

    def retry(self, subscriber: str, seq: int) -> None:
        """Let its subscriber, in whichever process, try again; it gets all its attempts anew."""
        if not self._store.read("subscription.get", name=subscriber):
            raise Conflict(
                f"'{subscriber}' has no name in the journal, so nobody can try again", hint="drop it instead"
            )
        delivery = {"subscriber": subscriber, "key": f"#{seq}", "seq": seq, "attempts": 0, "next_at": 0, "error": ""}
        fact = self._history.fact(RETRIED, {"subscriber": subscriber, "seq": seq})
        ops: list[Op] = [("delivery.put", delivery, False), ("event.add", fact, False)]
        self._settle(subscriber, seq, ops)

    def drop(self, subscriber: str, seq: int) -> None:
        """Give it up."""
        fact = self._history.fact("bus.dead.dropped", {"subscriber": subscriber, "seq": seq})
        self._settle(subscriber, seq, [("event.add", fact, False)])

    def _settle(self, subscriber: str, seq: int, ops: Sequence[Op]) -> None:
        try:
            self._store.write([("dead.drop", {"subscriber": subscriber, "seq": seq}, True), *ops])
        except Fenced:
            raise NotFound(f"'{subscriber}' has no dead letter {seq}", hint="`gpt-trader events dead list`") from None


def _letter(row: Row) -> DeadLetter:
    gone = row["topic"] is None
    kept = (row["seq"], row["topic"], row["key"], row["event_at"], row["run_id"], row["payload"])
    event = None if gone else event_of(kept)
    return DeadLetter(row["subscriber"], row["seq"], row["attempts"], row["error"], row["at"], event)
