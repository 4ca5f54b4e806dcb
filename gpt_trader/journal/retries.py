"""What a subscriber failed to handle: tried again with backoff while its key waits, and at last a dead letter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from gpt_trader.core.failpoints import hit
from gpt_trader.journal.history import PAGE, Stored
from gpt_trader.journal.hub import Hub
from gpt_trader.journal.tracks import Track
from gpt_trader.journal.writer import Op

_HANDLED = -1
_NOBODY = 1 << 62


@dataclass(slots=True)
class Held:
    """A key that waits: for the next attempt at `seq`, or, when that was handled, to be caught up with from there.

    A key `#7` holds nobody up: it is event 7 alone, which a person asked to be tried again.
    """

    track: Track
    key: str
    seq: int
    attempts: int = 0
    due: float = 0.0
    error: str = ""

    @property
    def alone(self) -> bool:
        return self.key.startswith("#")

    def passed(self, seq: int) -> None:
        self.seq, self.attempts, self.due, self.error = seq, _HANDLED, 0.0, ""


class Host(Protocol):
    """The lane, as its retries see it."""

    name: str

    @property
    def durable(self) -> bool:
        """Whether the journal knows it."""

    def track(self, key: str) -> Track:
        """The track that a held key belongs to."""

    def urgent(self) -> bool:
        """Whether something must come before the next ordinary event."""

    def call(self, row: Stored, *, ops: Callable[[], Sequence[Op]]) -> str | None:
        """Hand an event to the handler; what went wrong, if anything did."""

    def save(self, ops: Sequence[Op], *, at: tuple[Track, int] | None = None) -> None:
        """Commit these together with the place."""


class Retries:
    """The held keys of one lane; only the lane's thread touches them."""

    def __init__(self, lane: Host, hub: Hub[Any]) -> None:
        self.lane, self.hub = lane, hub
        self.held: dict[str, Held] = {}
        self.due = inf
        self.least = _NOBODY
        self._more = False
        self._dice = random.Random(f"{self.hub.settings.seed}:{lane.name}")

    # loading

    def load(self) -> None:
        """Go on where the journal says that we, or who served this subscriber before, had stopped."""
        self.held.clear()
        self.look()

    def look(self) -> None:
        """Take up what a person asked to be tried again."""
        now = self.hub.clock.micros()
        count = 2 * self.hub.settings.held_keys
        rows = self.hub.store.read("delivery.of", subscriber=self.lane.name, count=count) if self.lane.durable else []
        self._more = len(rows) == count
        for row in rows:
            if row["key"] not in self.held:
                # a clock that jumped must not make anybody wait longer than the longest backoff
                wait = min(max((row["next_at"] - now) / 1e6, 0.0), self.hub.settings.backoff_most_seconds)
                due = time.monotonic() + wait
                track = self.lane.track(row["key"])
                self.held[row["key"]] = Held(track, row["key"], row["seq"], row["attempts"], due, row["error"])
        self._reckon()

    def _reckon(self) -> None:
        self.due = min((h.due for h in self.held.values()), default=inf)
        self.least = min((h.seq for h in self.held.values()), default=_NOBODY)
        if self._more:
            self.least = 0
            self.due = self.due if len(self.held) >= self.hub.settings.held_keys else 0.0

    # failing

    def failed(self, track: Track, row: Stored, error: str) -> None:
        """Hold the key of an event that the lane came to; the lane's place moves on past it."""
        self._after_failure(Held(track, track.order(row), row[0]), row, error, at=(track, row[0]))

    def _after_failure(self, held: Held, row: Stored, error: str, *, at: tuple[Track, int] | None = None) -> None:
        held.attempts, held.error = held.attempts + 1, error
        if held.attempts >= self.hub.settings.tries:
            self._bury(held, row, at)
            return
        wait = self.hub.settings.delay(held.attempts, self._dice)
        held.due = time.monotonic() + wait
        self.held[held.key] = held
        self._reckon()
        self.lane.save(self._put(held, wait), at=at)
        hit("event.failed")

    def _put(self, held: Held, wait: float = 0.0) -> list[Op]:
        """The operation that makes the journal know this key as it is now."""
        if not self.lane.durable:
            return []
        at = self.hub.clock.micros() + int(wait * 1e6)
        row = {"subscriber": self.lane.name, "key": held.key, "seq": held.seq, "attempts": held.attempts}
        return [("delivery.put", {**row, "next_at": at, "error": held.error}, False)]

    def _drop(self, held: Held) -> list[Op]:
        if not self.lane.durable:
            return []
        return [("delivery.drop", {"subscriber": self.lane.name, "key": held.key}, False)]

    def _bury(self, held: Held, row: Stored, at: tuple[Track, int] | None) -> None:
        """Make it a dead letter, and let its key go on."""
        now = self.hub.clock.micros()
        letter = {"subscriber": self.lane.name, "seq": row[0], "attempts": held.attempts, "error": held.error}
        ops: list[Op] = [("dead.put", {**letter, "at": now}, False)]
        if not row[1].startswith("bus."):  # else a subscriber of everything could fail at its own failures for ever
            told = {"subscriber": self.lane.name, "seq": row[0], "topic": row[1]}
            ops.append(("event.add", self.hub.history.fact("bus.dead.recorded", told), False))
        held.passed(row[0])
        if held.alone:
            self.held.pop(held.key, None)
        else:
            self.held[held.key] = held
        self._reckon()
        self.lane.save(ops + (self._drop(held) if held.alone else self._put(held)), at=at)
        hit("dead.recorded")

    # trying again

    def run(self, now: float) -> None:
        """Try what is due once; a key whose event is dealt with catches up with its later events."""
        if self._more and len(self.held) < self.hub.settings.held_keys:
            self.look()
        for held in sorted((h for h in self.held.values() if h.due <= now), key=lambda h: h.seq):
            if held.attempts == _HANDLED or self._again(held):
                self._catch_up(held)
            if self.lane.urgent():
                break
        self._reckon()

    def _again(self, held: Held) -> bool:
        """Whether the event is dealt with."""
        row = self.hub.history.get(held.seq)
        error = None if row is None else self.lane.call(row, ops=lambda: self._done(held, held.seq))
        if row is not None and error is not None:
            self._after_failure(held, row, error)
            return False
        held.passed(held.seq)
        return True

    def _done(self, held: Held, seq: int) -> list[Op]:
        """For a transaction of the handler's own: what makes the event dealt with."""
        return self._drop(held) if held.alone else self._put(Held(held.track, held.key, seq, _HANDLED))

    def _catch_up(self, held: Held) -> None:
        """Handle a page of what came meanwhile for this key; when there was nothing more, it waits no longer."""
        end = held.seq if held.alone else held.track.cursor
        rows = self.hub.history.rows(held.seq, PAGE) if held.seq < end else []
        for row in rows:
            if row[0] > end:
                break
            if held.track.matches(row[1]) and held.track.order(row) == held.key and not self._next(held, row):
                return
            held.passed(row[0])
            if self.lane.urgent():
                self.lane.save(self._put(held))
                return
        if len(rows) == PAGE and rows[-1][0] < end:
            self.lane.save(self._put(held))
        else:
            self.held.pop(held.key, None)
            self._reckon()
            self.lane.save(self._drop(held))

    def _next(self, held: Held, row: Stored) -> bool:
        error = self.lane.call(row, ops=lambda: self._done(held, row[0]))
        if error is None:
            return True
        held.seq, held.attempts = row[0], 0
        self._after_failure(held, row, error)
        return False
