"""The event bus: publish facts, and be told of them in order, at least once, also of those that others published."""

from __future__ import annotations

import atexit
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from gpt_trader.core.errors import Conflict, NotFound, ValidationError
from gpt_trader.core.events import Event, Handler, topic_filter
from gpt_trader.core.failpoints import hit
from gpt_trader.core.ports import Clock
from gpt_trader.journal.bookmark import Bookmark
from gpt_trader.journal.claims import Claims, claims_for
from gpt_trader.journal.dead import DeadLetters
from gpt_trader.journal.history import Message
from gpt_trader.journal.hub import BusSettings, Hub
from gpt_trader.journal.lanes import Lane
from gpt_trader.journal.store import Store
from gpt_trader.journal.watch import Watch
from gpt_trader.journal.writer import Op

__all__ = ["BusSettings", "EventBus", "Subscription"]

Transactional = Callable[[Event], Sequence[Op] | None]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")
_TICK_SECONDS = 1.0


class Subscription:
    """One subscriber of one bus; `active` is False while another process serves its name."""

    def __init__(self, bus: EventBus, lane: Lane) -> None:
        self._bus, self._lane = bus, lane

    @property
    def name(self) -> str:
        """Its name in the journal, or the pattern of one without a name."""
        return self._lane.name

    @property
    def pattern(self) -> str:
        """The topics that it is given."""
        return self._lane.pattern

    @property
    def active(self) -> bool:
        """Whether this process serves it."""
        return self._lane.active

    @property
    def lag(self) -> int:
        """How many events of the history it has not passed yet."""
        with self._bus.hub.lock:
            return self._lane.lag() if self._lane.active else 0

    def close(self, timeout: float = 5.0) -> bool:
        """Give it no more events; False when its handler did not return in time."""
        return self._bus.remove(self._lane, timeout)


class EventBus:
    """Facts go into the journal, and from there to whoever subscribed; closing it waits for the handlers.

    A subscriber with a name is durable. What it handled is recorded at the latest `record_seconds` (5 ms) or
    `record_events` (512) later: after a crash, that much may be handled again, and nothing that was recorded is.
    A transactional handler returns operations that are committed with its place: their effect happens exactly once.
    Events that share a key are handled in order (topics of priority among themselves, and before all others);
    events without a key share one per topic. Handlers run on a thread of their subscriber, one event at a time.
    """

    def __init__(self, store: Store, clock: Clock, settings: BusSettings | None = None) -> None:
        self.settings = settings or BusSettings()
        self.hub: Hub[Lane] = Hub(store, clock, self.settings)
        self.history = self.hub.history
        self.dead = DeadLetters(self.history)
        self._store = store
        self._claims: Claims | None = None
        self._watch: Watch | None = None
        self._ending: list[Lane] = []
        self._changing = threading.Lock()
        self._ticked = 0.0
        self._unhurried = [topic_filter(p) for p in self.settings.priority]

    # publishing

    def publish(
        self, topic: str, payload: Mapping[str, Any] | None = None, *, key: str = "", run_id: str = ""
    ) -> Event:
        """Commit a fact with full sync; when this returns, it is kept."""
        fact = self.history.fact(topic, payload, key=key, run_id=run_id)
        if self.settings.most_lag is not None:
            self._wait_for_laggards(topic)
        seq = self._store.append((fact,))
        hit("event.published")
        return Event(seq, topic, fact["at"], payload or {}, key, run_id)

    def publish_many(self, messages: Iterable[Message], *, run_id: str = "") -> range:
        """Commit several facts together, or none; returns their sequence numbers."""
        facts = self.history.facts(messages, run_id=run_id)
        if not facts:
            return range(0)
        if self.settings.most_lag is not None:
            self._wait_for_laggards(facts[0]["topic"])
        last = self._store.append(facts)
        hit("event.published")
        return range(last - len(facts) + 1, last + 1)

    def _wait_for_laggards(self, topic: str) -> None:
        """Slow down while a subscriber is too far behind; a handler that publishes must not wait for itself."""
        most, hub = self.settings.most_lag or 0, self.hub
        if threading.get_ident() in hub.threads or any(matches(topic) for matches in self._unhurried):
            return
        deadline = time.monotonic() + self.settings.lag_patience_seconds
        while time.monotonic() < deadline:
            with hub.lock:
                if all(lane.lag() <= most for lane in hub.lanes if lane.active):
                    return
            time.sleep(0.001)

    # subscribing

    def subscribe(
        self, pattern: str, handler: Handler, *, name: str | None = None, from_seq: int | None = None
    ) -> Subscription:
        """Call the handler with every event that matches, from now on.

        With a name it goes on where it stopped, also in another process; `from_seq` says where a new one begins.
        """
        return self._subscribe(pattern, handler, name=name, from_seq=from_seq)

    def subscribe_transactional(
        self, pattern: str, handler: Transactional, *, name: str, from_seq: int | None = None
    ) -> Subscription:
        """As `subscribe`, but the operations that the handler returns are committed with its place, exactly once."""
        return self._subscribe(pattern, handler, name=name, from_seq=from_seq, transactional=True)

    def _subscribe(
        self,
        pattern: str,
        handler: Callable[[Event], Any],
        *,
        name: str | None,
        from_seq: int | None,
        transactional: bool = False,
    ) -> Subscription:
        topic_filter(pattern)
        _check_handler(handler)
        if name is not None and not _NAME.fullmatch(name):
            raise ValidationError(f"'{name}' cannot name a subscriber", hint="use A-Z, a-z, 0-9 and _ . : -")
        with self._changing:
            self._open()
            if name is not None and any(lane.name == name for lane in self.hub.lanes):
                raise Conflict(f"'{name}' has subscribed to this bus already", hint="close that subscription first")
            self.hub.pull()
            lane = Lane(self.hub, name or f"{pattern} (no name)", pattern, handler, transactional=transactional)
            with self.hub.lock:
                after = self.hub.recent.head if from_seq is None else from_seq - 1
            if name is not None:
                assert self._claims is not None
                lane.bookmark = Bookmark(self.history, self._claims, name, pattern)
                lane.bookmark.found(after)
            lane.start(after=after)
        return Subscription(self, lane)

    def _open(self) -> None:
        """Threads and locks are only for those who subscribe."""
        if self._watch is None:
            self.hub.listen()
            self._claims = claims_for(self._store.driver)
            seconds = self.settings.poll_seconds
            self._watch = Watch(self._store.driver, self.hub.pull, seconds=seconds, tick=self._tick)
            self._watch.start()
            atexit.register(self.close)

    def _tick(self) -> None:
        """A database that lost our session has given our names to others."""
        if time.monotonic() - self._ticked > _TICK_SECONDS and self._claims is not None:
            self._ticked = time.monotonic()
            if not self._claims.intact():
                with self.hub.lock:
                    for lane in self.hub.lanes:
                        if lane.bookmark is not None:
                            lane.nudge("fenced")

    def remove(self, lane: Lane, timeout: float) -> bool:
        """End one subscription; it stays in the journal if it has a name."""
        self.hub.remove(lane)
        lane.stop()
        return lane.join(timeout)

    def forget(self, name: str) -> None:
        """Remove a durable subscriber, with its place and what it had yet to try again."""
        if any(lane.name == name for lane in self.hub.lanes):
            raise Conflict(f"'{name}' is subscribed", hint="close the subscription first")
        row = {"name": name}
        gone = self._store.write([("subscription.delete", row, False), ("delivery.delete", row, False)])
        if not gone[0]:
            raise NotFound.among("subscriber", name, [r["name"] for r in self._store.read("subscription.list")])

    # replaying

    def replay(self, first: int, last: int, *, to: Handler | str | Sequence[str]) -> int:
        """Hand old events to one handler or to named subscribers of this bus, and to nobody else; moves no place.

        Named subscribers get what matches their pattern. Returns how many events were handed over; an error ends it.
        """
        if callable(to):
            handlers = [("**", to)]
        else:
            lanes = {lane.name: lane for lane in self.hub.lanes if lane.bookmark is not None}
            names = [to] if isinstance(to, str) else list(to)
            for name in names:
                if name not in lanes:
                    raise NotFound.among("subscriber", name, lanes)
            handlers = [(lanes[name].pattern, lanes[name].give) for name in names]
        filters = [(topic_filter(pattern), handler) for pattern, handler in handlers]
        count = 0
        for event in self.history.between(first, last):
            for matches, handler in filters:
                if matches(event.topic):
                    handler(event)
                    count += 1
        return count

    # waiting and ending

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything published so far is handled, or in the dead letters; False when time ran out."""
        hub = self.hub
        if threading.get_ident() in hub.threads:
            raise Conflict("a handler cannot wait until all handlers are done")
        if self._watch is None:
            return True
        hub.pull()
        deadline = None if timeout is None else time.monotonic() + timeout
        with hub.calm:
            head = hub.recent.head
            hub.waiters += 1
            try:
                while not all(lane.done(head) for lane in hub.lanes):
                    for lane in hub.lanes:
                        lane.wake()
                    left = 0.05 if deadline is None else deadline - time.monotonic()
                    if left <= 0:
                        return False
                    hub.calm.wait(min(left, 0.05))
            finally:
                hub.waiters -= 1
        return True

    def close(self, timeout: float = 5.0) -> bool:
        """Wait for the handlers, then end all subscriptions; False when some handler did not return in time."""
        with self._changing:
            deadline = time.monotonic() + timeout
            if self._watch is not None:
                self._end(timeout)
            self._ending = [lane for lane in self._ending if not lane.join(deadline + 0.2 - time.monotonic())]
            if self._claims is not None and not self._ending:
                self._claims.close()
                self._claims = None
            return not self._ending

    def _end(self, timeout: float) -> None:
        assert self._watch is not None
        if threading.get_ident() not in self.hub.threads:
            self.flush(timeout)
        for lane in self.hub.lanes:
            self.hub.remove(lane)
            lane.stop()
            self._ending.append(lane)
        self.hub.deaf()
        self._watch.close()
        self._watch = None
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_handler(handler: object) -> None:
    """Refuse what could handle nothing: no function, or one that would only make a coroutine."""
    from inspect import iscoroutinefunction

    if not callable(handler):
        raise ValidationError(f"a handler is a function, not {type(handler).__name__}")
    if iscoroutinefunction(handler) or iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004 - asked above
        raise ValidationError("a handler is a plain function: nobody would wait for a coroutine")
