"""What the lanes of one bus share: the newest events, who is concerned by which topic, and the ear at the store."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gpt_trader.core.ports import Clock
from gpt_trader.journal.history import PAGE, History, Stored, rows_of
from gpt_trader.journal.recent import Recent
from gpt_trader.journal.store import Store
from gpt_trader.journal.tracks import Track
from gpt_trader.journal.writer import Op, Written

RETRIED, REPLAYED = "bus.dead.retried", "bus.replay.asked"
"""Facts that tell lanes, wherever they are, to look what a person wants handled again."""
_AGAIN = frozenset({RETRIED, REPLAYED})


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """How a bus behaves; the defaults send a poison event to the dead letters within a second."""

    tries: int = 5
    backoff_seconds: float = 0.02
    backoff_factor: float = 3.0
    backoff_most_seconds: float = 60.0
    seed: int = 0
    priority: tuple[str, ...] = ("risk.*", "kill.*")
    most_lag: int | None = None
    """How many events a subscriber of this process may be behind before publishers wait for it ..."""
    lag_patience_seconds: float = 5.0
    """... and how long they wait at most for each event; topics of priority never wait."""
    poll_seconds: float = 0.05
    record_seconds: float = 0.005
    record_events: int = 512
    """How much a durable subscriber may have handled before its place is recorded, in time and in events."""
    held_keys: int = 1000
    recent_events: int = 4096
    recent_bytes: int = 8 << 20

    def delay(self, attempts: int, dice: random.Random) -> float:
        """Seconds until the next attempt, after so many."""
        full = self.backoff_seconds * self.backoff_factor ** (attempts - 1)
        return min(full, self.backoff_most_seconds) * (0.5 + 0.5 * dice.random())


class Member(Protocol):
    """What the hub must know of a lane; it calls `wake`, `nudge` and `done` with its lock held."""

    tracks: list[Track]

    def wake(self) -> None:
        """There is something to do."""

    def nudge(self, what: str) -> None:
        """Ask for something."""

    def rides(self, now: float) -> bool:
        """Whether its place should be recorded by the next commit of events."""

    def ticket(self) -> Op:
        """The operation that records its place."""

    def arrived(self, *, ours: bool) -> None:
        """The place is recorded, or somebody else has taken it."""


M = TypeVar("M", bound=Member)


class Hub(Generic[M]):
    """The middle of a bus; `lock` guards the newest events, the marks of all tracks and who sleeps."""

    def __init__(self, store: Store, clock: Clock, settings: BusSettings) -> None:
        self.store, self.clock, self.settings = store, clock, settings
        self.history = History(store, clock)
        self.lock = threading.Lock()
        self.calm = threading.Condition(self.lock)
        self.waiters = 0
        self.lanes: tuple[M, ...] = ()
        self.recent = Recent(0, count=settings.recent_events, size=settings.recent_bytes)
        self._routes: dict[str, list[tuple[M, Track]]] = {}
        self._riding: list[M] = []
        self.threads: set[int] = set()

    def listen(self) -> None:
        """Begin to hear what is committed."""
        self.store.writer.listeners += (self,)
        head = self.history.last()
        with self.lock:
            if head > self.recent.head:
                self.recent.jump(head)

    def deaf(self) -> None:
        """Hear nothing more."""
        self.store.writer.listeners = tuple(x for x in self.store.writer.listeners if x is not self)

    def add(self, lane: M) -> None:
        """From now on this lane is told of its topics."""
        with self.lock:
            self.lanes += (lane,)
            self._routes.clear()

    def remove(self, lane: M) -> None:
        """This lane is told nothing more."""
        with self.lock:
            self.lanes = tuple(x for x in self.lanes if x is not lane)
            self._routes.clear()

    # what was committed, by this process or another

    def riders(self) -> Sequence[Op]:
        """The places of durable subscribers that are due to be recorded."""
        now = time.monotonic()
        self._riding = [lane for lane in self.lanes if lane.rides(now)]
        return [lane.ticket() for lane in self._riding]

    def rode(self, changed: Sequence[int]) -> None:
        """Those places are recorded, where they were still ours."""
        for lane, rows in zip(self._riding, changed, strict=True):
            lane.arrived(ours=rows == 1)

    def committed(self, written: Written) -> None:
        """Wake who is concerned; called by the thread that wrote."""
        rows = rows_of(written)
        if rows:
            with self.lock:
                self._arrive(rows)

    def pull(self) -> None:
        """Look for what other processes committed."""
        with self.lock:
            head = self.recent.head
        rows = self.history.rows(head, PAGE)
        last = self.history.last() if len(rows) == PAGE else 0
        with self.lock:
            if last > self.recent.head:
                head = self.recent.head
                self.recent.jump(last)
                self._concerns_all(head + 1)
            if rows:
                self._arrive(rows)

    def _arrive(self, rows: Sequence[Stored]) -> None:
        head = self.recent.head
        if rows[0][0] <= head:  # a look at the database was quicker than the thread that committed
            rows = [row for row in rows if row[0] > head]
        if not rows:
            return
        if not self.recent.add(rows):
            self._concerns_all(head + 1)
            return
        topic = ""
        for row in rows:
            if row[1] != topic:  # of several, the first one wakes
                topic = row[1]
                route = self._routes.get(topic)
                for lane, track in self._route(topic) if route is None else route:
                    if track.mark is None:
                        track.mark = row[0]
                        lane.wake()
                if topic in _AGAIN:
                    self._look_again()

    def _route(self, topic: str) -> list[tuple[M, Track]]:
        if len(self._routes) > 4096:
            self._routes.clear()
        route = [(lane, track) for lane in self.lanes for track in lane.tracks if track.matches(topic)]
        self._routes[topic] = route
        return route

    def _concerns_all(self, seq: int) -> None:
        for lane in self.lanes:
            for track in lane.tracks:
                if track.mark is None:
                    track.mark = seq
        self._look_again()

    def _look_again(self) -> None:
        for lane in self.lanes:
            lane.nudge("look")

    # reading

    def fetch(self, after: int) -> tuple[list[Stored], int]:
        """The next events, and up to where they are all that there is."""
        with self.lock:
            rows, head = self.recent.after(after, PAGE), self.recent.head
        if rows is None:
            rows = self.history.rows(after, PAGE)
        return rows, rows[-1][0] if len(rows) == PAGE else max(head, rows[-1][0] if rows else 0)
