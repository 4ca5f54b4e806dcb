"""Lanes: one thread for each subscriber, so that a slow, failing or hanging handler troubles its own lane only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import Fenced, GptTraderError, JournalUnavailable
from gpt_trader.core.failpoints import hit
from gpt_trader.core.texts import storable, words
from gpt_trader.journal.answers import operations
from gpt_trader.journal.history import Stored, event_of
from gpt_trader.journal.retries import Retries
from gpt_trader.journal.tracks import EXPRESS, Track, tracks_for

if TYPE_CHECKING:
    from gpt_trader.core.events import Event
    from gpt_trader.journal.bookmark import Bookmark
    from gpt_trader.journal.hub import Hub
    from gpt_trader.journal.writer import Op

CLAIM_SECONDS = 0.25
PAUSE_SECONDS = 0.1
_AT_ONCE = 256

Answer = Callable[["Event"], Any]
At = tuple[Track, int] | None


def _none() -> Sequence[Op]:
    return ()


class Lane:
    """One subscriber: its handler, how far it has come, and the thread that takes it further."""

    def __init__(
        self, hub: Hub[Lane], name: str, pattern: str, handler: Answer, *, transactional: bool = False
    ) -> None:
        self.hub, self.name, self.pattern = hub, name, pattern
        self.bookmark: Bookmark | None = None
        self.active = False
        self.tracks = tracks_for(pattern, hub.settings.priority)
        self.retries = Retries(self, hub)
        self._express = self.tracks[0] if len(self.tracks) > 1 else None
        self._handler, self._transactional = handler, transactional
        self._handling = threading.Lock()
        self._handled = self._recorded = self._aboard = 0
        self._since = 0.0
        self._nudges: set[str] = set()
        self._asleep = False
        self._gate = threading.Lock()
        self._gate.acquire()
        self._thread = threading.Thread(target=self._run, name=f"gpt-trader events: {name}", daemon=True)

    # what others call

    def start(self, *, after: int) -> None:
        """Begin, after this event or where a durable subscriber stands."""
        if self.bookmark is None:
            self._begin(after, after)
        else:
            self._claim()
        self.hub.add(self)
        self._thread.start()

    def stop(self) -> None:
        """Let the event in hand be the last."""
        with self.hub.lock:
            self.nudge("stop")

    def join(self, seconds: float) -> bool:
        """Whether the lane has come to its end."""
        if threading.current_thread() is not self._thread:
            self._thread.join(max(seconds, 0.0))
        return not self._thread.is_alive()

    def wake(self) -> None:
        """There is something to do; the caller holds the hub's lock."""
        if self._asleep:
            self._asleep = False
            self._gate.release()

    def nudge(self, what: str) -> None:
        """Ask for something; the caller holds the hub's lock."""
        self._nudges.add(what)
        self.wake()

    def done(self, seq: int) -> bool:
        """Whether everything up to here is dealt with and recorded; the caller holds the hub's lock."""
        if not self.active:
            return True
        passed = all(track.mark is None or track.cursor >= seq for track in self.tracks)
        quiet = self._asleep and not self._nudges and self._handled == self._recorded
        return quiet and passed and self.retries.least > seq

    def lag(self) -> int:
        """How many events of the history lie before it; the caller holds the hub's lock."""
        return max(self.hub.recent.head - self._stands(track) for track in self.tracks)

    def give(self, event: Event) -> None:
        """Hand over an event out of turn, for a replay; no place moves, and errors are the caller's."""
        with self._handling:
            ops = self._handler(event)
        if self._transactional and ops:
            self.hub.store.write(operations(ops, self.hub.store.sql))

    @property
    def durable(self) -> bool:
        """Whether the journal knows it."""
        return self.bookmark is not None

    def track(self, key: str) -> Track:
        """The track that a held key belongs to."""
        return self.tracks[0 if key.startswith(EXPRESS) else -1]

    # the place in the journal, which may be recorded by whoever commits events

    def rides(self, now: float) -> bool:
        """Whether its place should be recorded by the next commit of events."""
        new = self._handled - self._recorded
        return new > 0 and self.active and (new >= _AT_ONCE or now - self._since > self.hub.settings.record_seconds)

    def ticket(self) -> Op:
        """The operation that records its place; not guarded, lest it fail what others write."""
        self._aboard = self._handled
        name, row, _ = self._move(None)
        return name, row, False

    def arrived(self, *, ours: bool) -> None:
        """The place is recorded, or somebody else has taken it."""
        self._recorded, self._since = max(self._recorded, self._aboard), time.monotonic()
        if not ours:
            with self.hub.lock:
                self.nudge("fenced")
        hit("bus.cursor")

    def _move(self, at: At) -> Op:
        assert self.bookmark is not None
        with self.hub.lock:
            where = [at[1] if at is not None and at[0] is track else self._stands(track) for track in self.tracks]
        return self.bookmark.move(where[-1], where[0])

    def _stands(self, track: Track) -> int:
        return max(track.cursor, self.hub.recent.head if track.mark is None else track.mark - 1)

    def save(self, ops: Sequence[Op], *, at: At = None) -> None:
        """Commit these together with the place, trying until the journal can be written."""
        if self.bookmark is not None:
            ops = [*ops, self._move(at)]
        handled = self._handled
        while ops:
            try:
                self.hub.store.write(ops)
                break
            except JournalUnavailable:
                if "stop" in self._nudges:
                    raise
                time.sleep(PAUSE_SECONDS)
        self._recorded = max(self._recorded, handled)
        if at is not None:
            at[0].cursor = at[1]

    # the thread

    def _run(self) -> None:
        self.hub.threads.add(threading.get_ident())
        while "stop" not in self._nudges:
            try:
                self._turn()
            except Fenced:
                self._stand_down()
            except Exception:  # noqa: BLE001 - the journal cannot be read now; the lane outlives that
                self._rest(PAUSE_SECONDS, patient=True)
        self._leave()
        self.hub.threads.discard(threading.get_ident())

    def _turn(self) -> None:
        if self._nudges:
            self._obey()
        elif not self.active:
            if not self._claim():
                self._rest(CLAIM_SECONDS)
        elif self.retries.due <= (now := time.monotonic()):
            self.retries.run(now)
        elif self._overdue(now):
            self.save(())
            hit("bus.cursor")
        elif (track := self._ready()) is not None:
            self._advance(track)
        else:
            self._rest(self._patience(now))

    def _obey(self) -> None:
        with self.hub.lock:
            nudges, self._nudges = self._nudges, self._nudges & {"stop"}
        if "fenced" in nudges:
            self._stand_down()
        elif "look" in nudges and self.active:
            self.retries.look()

    def _ready(self) -> Track | None:
        if len(self.retries.held) < self.hub.settings.held_keys:
            for track in self.tracks:
                if track.mark is not None:
                    return track
        return None

    def _overdue(self, now: float) -> bool:
        new, settings = self._handled - self._recorded, self.hub.settings
        late = now - self._since >= settings.record_seconds
        return new > 0 and (new >= settings.record_events or late or self.hub.waiters > 0)

    def _patience(self, now: float) -> float:
        until = self.retries.due
        if self._handled != self._recorded:
            until = min(until, self._since + self.hub.settings.record_seconds)
        return until - now

    def _rest(self, seconds: float, *, patient: bool = False) -> None:
        """Sleep until somebody wakes us, or so long."""
        with self.hub.lock:
            if self.hub.waiters:
                self.hub.calm.notify_all()
            if not patient and (self._nudges or (self.active and self._ready() is not None)):
                return
            self._asleep = True
        if not self._gate.acquire(timeout=-1 if seconds == inf else max(seconds, 0.0)):
            with self.hub.lock:
                if not self._asleep:  # it was opened just now
                    self._gate.acquire()
                self._asleep = False

    def urgent(self) -> bool:
        """Whether something must come before the next ordinary event."""
        return bool(self._nudges) or (self._express is not None and self._express.mark is not None)

    # the events

    def _advance(self, track: Track) -> None:
        """Handle what comes next, a page of it at the most."""
        with self.hub.lock:
            track.cursor = max(track.cursor, (track.mark or 0) - 1)
        rows, end = self.hub.fetch(track.cursor)
        held = self.retries.held
        for row in rows:
            if track.matches(row[1]) and not (held and track.order(row) in held):
                error = self.call(row, at=(track, row[0]))
                if error is not None:
                    self.retries.failed(track, row, error)
                track.cursor = row[0]
                if self._interrupted(track):
                    return
        with self.hub.lock:
            track.cursor = max(track.cursor, end)
            track.mark = track.cursor + 1 if self.hub.recent.head > track.cursor else None

    def _interrupted(self, track: Track) -> bool:
        if self._nudges or (
            self._express is not None and track is not self._express and self._express.mark is not None
        ):
            return True
        if self._handled - self._recorded >= self.hub.settings.record_events:
            return True
        retries = self.retries
        return retries.due < inf and (
            retries.due <= time.monotonic() or len(retries.held) >= self.hub.settings.held_keys
        )

    def call(self, row: Stored, *, ops: Callable[[], Sequence[Op]] = _none, at: At = None) -> str | None:
        """Hand an event to the handler; what went wrong, if anything did."""
        try:
            with self._handling:
                answer = self._handler(event_of(row))
            wanted = operations(answer, self.hub.store.sql) if self._transactional else []
        except BaseException as error:  # noqa: BLE001 - a handler may raise what it likes, SystemExit too
            return self._told(error)
        if self.bookmark is None:
            return None
        if self._transactional:
            return self._commit([*wanted, *ops()], at)
        if self._handled == self._recorded:
            self._since = time.monotonic()
        if at is not None:  # before it counts as handled: whoever commits events may record our place at any moment
            at[0].cursor = at[1]
        self._handled += 1
        hit("event.handled")
        return None

    def _commit(self, ops: Sequence[Op], at: At) -> str | None:
        try:
            self.save(ops, at=at)
        except JournalUnavailable:
            raise
        except GptTraderError as error:
            if isinstance(error, Fenced) and self.bookmark is not None and not self.bookmark.ours():
                raise
            return self._told(error)
        hit("event.handled")
        return None

    def _told(self, error: BaseException) -> str:
        """What is kept of an error; it is cut last, lest the rest of a secret be kept."""
        return storable(self.hub.store.secrets.clean(f"{type(error).__name__}: {words(error)}"))[:2000]

    # beginning and end

    def _claim(self) -> bool:
        assert self.bookmark is not None
        row = self.bookmark.claim()
        if row is None:
            return False
        self._recorded = self._handled
        self.retries.load()
        self._begin(row["cursor"], row["express"])
        return True

    def _begin(self, cursor: int, express: int) -> None:
        with self.hub.lock:
            for track in self.tracks:
                track.cursor = express if track is self._express else cursor
                track.mark = track.cursor + 1  # it looks for itself, once
            self.active = True

    def _stand_down(self) -> None:
        """Another serves this subscriber now; nothing of ours may be recorded."""
        assert self.bookmark is not None
        self._retire()
        self.bookmark.release()
        self._rest(CLAIM_SECONDS, patient=True)

    def _retire(self) -> None:
        with self.hub.lock:
            self.active = False
            self.retries.held.clear()
            for track in self.tracks:
                track.mark = 0  # nobody need wake us

    def _leave(self) -> None:
        if self.bookmark is not None and self.active:
            with suppress(GptTraderError):  # what was not recorded will be handled again
                self.save(())
            self.bookmark.release()
        self._retire()
