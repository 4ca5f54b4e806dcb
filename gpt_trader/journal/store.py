"""The store executes named statements, committing what several threads write at once in one transaction."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from gpt_trader.core.errors import Conflict, Fenced, GptTraderError, JournalError, JournalUnavailable, ValidationError
from gpt_trader.core.failpoints import hit
from gpt_trader.core.secrets import Secrets
from gpt_trader.journal.drivers import BUSY_SECONDS, ROWS_AT_ONCE, Driver, Row, driver_for, rows_of, statements

Op = tuple[str, Row | Sequence[Row], bool]
"""A statement's name, its params (a list: once for each), and whether it must change exactly one row."""

Written = Sequence[tuple[Row | Sequence[Row], int]]
"""Events that were committed, in sequence: their params and the last sequence number of each."""

W = TypeVar("W")
R = TypeVar("R")

_AGAIN_SECONDS = 0.05
_MALFORMED = (LookupError, TypeError, ValueError)
"""What Python says of an operation that lacks something, or that is none."""
_SERIAL = frozenset({"event.add", "run.enter", "definition.sweep"})
"""What waits for whoever else does one of these; a run begins with an event, so no sweep comes between."""


_MADE = frozenset(
    {"id", "run_id", "new_run_id", "forked_from", "path", "hash", "definition", "owner", "params_hash", "cache_key"}
)
"""Texts that the program itself makes; a row must be found by them again, whatever the figures of a secret are."""
_JSON = frozenset({"payload", "inputs", "outputs", "versions", "body", "error"})
"""Texts that are JSON, whose numbers stay as they are (an error may also be a plain sentence)."""


class Listener(Protocol):
    """Who is told of events; it is called by the thread that writes, while others wait, so it must be quick."""

    def riders(self) -> Sequence[Op]:
        """What may go along with a commit of events; it must not fail, so nothing of it is guarded."""

    def rode(self, changed: Sequence[int]) -> None:
        """The riders were committed; so many rows did each of them change."""

    def committed(self, written: Written) -> None:
        """These events were committed."""


class _Ticket:
    """What one thread wants written, and what became of it."""

    __slots__ = ("done", "error", "leads", "ops", "results", "turn")

    def __init__(self, ops: Sequence[Op]) -> None:
        self.ops = ops
        self.results: list[int] = []
        self.error: BaseException | None = None
        self.done = self.leads = False
        self.turn = threading.Lock()
        self.turn.acquire()


class Store:
    """One open journal database; any thread may read and write."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.sql = statements(driver.dialect)
        self._plain = driver.dialect == "sqlite"
        self._waiting: deque[_Ticket] = deque()
        self._writing = threading.Lock()
        self._handing = threading.Lock()
        self._readers: deque[Any] = deque()
        self._writer: Any = None
        self._cursor: Any = None
        self._pid = os.getpid()
        self._halted: BaseException | None = None
        self._closed = self._answered = False
        self.listeners: tuple[Listener, ...] = ()
        self.secrets = Secrets()

    @classmethod
    def at(cls, url: str) -> Store:
        """The store at a URL; see migrations.open_store for one that is ready to use."""
        return cls(driver_for(url))

    # reading

    def read(self, name: str, /, **params: Any) -> list[Row]:
        """The rows that a named query finds; a server that answered before is waited for a while."""
        deadline = 0.0
        while True:
            connection: Any = None
            try:
                connection = self._reader()
                cursor = connection.cursor()
                cursor.execute(self.sql[name], params)
                rows = rows_of(cursor)
            except Exception as error:
                if connection is not None:
                    connection.close()
                deadline = deadline or time.monotonic() + BUSY_SECONDS
                if not self._gone(error, connection) or time.monotonic() > deadline:
                    raise error if isinstance(error, GptTraderError) else self.driver.explain(error) from error
                time.sleep(_AGAIN_SECONDS)
                continue
            self._answered = True
            if self._closed:
                connection.close()
            else:
                self._readers.append(connection)
            return rows

    def _gone(self, error: BaseException, connection: Any) -> bool:
        """Whether the server went away in the midst of its work; all idle connections were lost together."""
        if connection is None:
            waits = self._answered and not self._closed and self.driver.dialect == "postgresql"
            return waits and isinstance(error, JournalUnavailable)
        if not self.driver.broken(error):
            return False
        while self._readers:
            self._readers.pop().close()
        return True

    def _reader(self) -> Any:
        self._refuse_fork()
        try:
            return self._readers.pop()
        except IndexError:
            return self.driver.connect()

    def _refuse_fork(self) -> None:
        if self._pid != os.getpid():
            raise JournalError("a journal cannot be used across a fork", hint="open another in the new process")

    # writing

    def write(self, ops: Sequence[Op]) -> list[int]:
        """Commit these statements together, or none; rows changed by each, or the last sequence number for events.

        Whoever comes first writes for all who wait, so that threads share one sync of the disk.
        """
        if self.secrets:
            ops = _without(self.secrets, ops)
        deadline = time.monotonic() + BUSY_SECONDS
        if not self._waiting and self._writing.acquire(blocking=False):
            try:
                serial = _serial(ops)
                results = self._transact(self._perform, ops, serial=serial)
                if serial:
                    self._tell(_written(ops, results))
                return results
            except Exception as error:
                # a server that is still away after so long may have committed: never try that again
                if not self._lost(error) or time.monotonic() > deadline:
                    known = self._known(error)
                    if known is error:
                        raise
                    raise known from error
            finally:
                self._hand_on()
        return self._together(ops)

    def _together(self, ops: Sequence[Op]) -> list[int]:
        """Queue, and lead, or have the one who leads write for us."""
        self._refuse_fork()  # a thread that wrote at the fork is not in this process, and would be waited for
        ticket = _Ticket(ops)
        try:
            self._waiting.append(ticket)
            if self._writing.acquire(blocking=False):
                ticket.leads = True
            else:
                ticket.turn.acquire()
        except BaseException:  # Ctrl-C in the main thread: nobody may wait for a thread that is gone
            self._withdraw(ticket)
            raise
        if ticket.leads and ticket.done:  # another wrote for us just before we took the lead
            self._hand_on()
        elif ticket.leads:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.results

    def append(self, facts: Sequence[Row]) -> int:
        """Commit events, as `write` does but with less ado where it can; the sequence number of the last one."""
        if self.secrets:
            facts = self.secrets.clean_rows(facts, but=_MADE, documents=_JSON)
        if self._plain and len(facts) <= ROWS_AT_ONCE and not self._waiting and self._writing.acquire(blocking=False):
            try:
                seq = self._append(facts)
            finally:
                self._hand_on()
            if seq:
                return seq
        return self.write([("event.add", facts, False)])[0]

    def _append(self, facts: Sequence[Row]) -> int:
        """A statement alone is a transaction of SQLite's own; 0 when something must go along with it."""
        for listener in self.listeners:
            if listener.riders():
                return 0
        if self._halted:
            raise self._halted
        cursor = self._write_cursor()
        try:
            hit("journal.begin")
            seq = self.driver.add_events(cursor, facts)
        except Exception as error:
            raise self._known(error) from error
        hit("journal.committed")
        self._tell(((facts, seq),))
        return seq

    def _lead(self, own: _Ticket) -> None:
        """Write for everybody until our own ticket is done, then hand the lead on."""
        try:
            while not own.done:
                batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
                try:
                    self._commit(batch)
                except BaseException as error:
                    self._fail(batch, JournalUnavailable(f"the write was broken off: {type(error).__name__}"))
                    raise
                finally:
                    for ticket in batch:
                        ticket.done = True
                        if ticket is not own:
                            ticket.turn.release()
        finally:
            self._hand_on()

    def _hand_on(self) -> None:
        while not self._waiting:
            self._writing.release()
            # somebody may have queued between our look and our release
            if not self._waiting or not self._writing.acquire(blocking=False):
                return
        with self._handing:
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].turn.release()
                return
        self._hand_on()

    def _withdraw(self, ticket: _Ticket) -> None:
        """Leave the queue; where the lead was handed to us just then, hand it on."""
        with self._handing, suppress(ValueError):  # it is being written
            self._waiting.remove(ticket)
        if ticket.leads:
            self._hand_on()

    def _commit(self, batch: list[_Ticket]) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._attempt(batch)
            except Exception as error:  # noqa: BLE001 - every ticket of the batch must hear of it
                if self._lost(error) and time.monotonic() < deadline:
                    time.sleep(_AGAIN_SECONDS)
                    continue
                self._fail(batch, error)
            return

    def _lost(self, error: BaseException) -> bool:
        """Whether the connection broke, so that trying again on a new one makes sense."""
        if isinstance(error, JournalUnavailable) and self._writer is None:
            return self.driver.dialect == "postgresql"
        return self.driver.broken(error)

    def _fail(self, batch: list[_Ticket], error: BaseException) -> None:
        known = self._known(error)
        for ticket in batch:
            if ticket.error is None:
                ticket.error = known

    def _known(self, error: BaseException) -> Exception:
        if isinstance(error, ValidationError):
            return error
        if isinstance(error, _MALFORMED) or self.driver.refused(error):
            return ValidationError(f"the journal cannot keep a value: {error}", hint="nothing of it was written")
        known = error if isinstance(error, JournalError) else self.driver.explain(error)
        if "disk I/O" in str(error):
            self._halted = known
        return known

    def _attempt(self, batch: list[_Ticket]) -> None:
        serial = any(_serial(ticket.ops) for ticket in batch)
        if len(batch) == 1:
            batch[0].results = self._transact(self._perform, batch[0].ops, serial=serial)
        else:
            self._transact(self._perform_each, batch, serial=serial)
        if serial:
            kept = [_written(ticket.ops, ticket.results) for ticket in batch if ticket.error is None]
            self._tell([fact for written in kept for fact in written])

    def _transact(self, perform: Callable[[Any, W], R], what: W, *, serial: bool) -> R:
        """One transaction: what is performed in it, and what rides along with its events."""
        if self._halted:
            raise self._halted
        cursor = self._write_cursor()
        riding = [(listener, listener.riders()) for listener in self.listeners] if serial else ()
        hit("journal.begin")
        try:
            mark = self.driver.begin(cursor, serial=serial)
            results = perform(cursor, what)
            rode = [(who, self._perform(cursor, ops)) for who, ops in riding if ops] if riding else ()
            hit("journal.inside")
        except BaseException as error:
            self._roll_back(error)
            raise
        self._settle(cursor, mark)
        hit("journal.committed")
        for who, changed in rode:
            who.rode(changed)
        return results

    def _tell(self, written: Written) -> None:
        for listener in self.listeners:
            listener.committed(written)

    def _settle(self, cursor: Any, mark: Any) -> None:
        try:
            cursor.execute("COMMIT")
        except BaseException as error:
            self._roll_back(error)
            if not (self.driver.broken(error) and self.driver.settled(mark)):
                raise

    def _perform_each(self, cursor: Any, batch: list[_Ticket]) -> None:
        """Execute several tickets; the failure of one is its own and undoes nothing of the others."""
        for ticket in batch:
            ticket.error = None
            cursor.execute("SAVEPOINT ticket")
            try:
                ticket.results = self._perform(cursor, ticket.ops)
            except (Fenced, Conflict, ValidationError) as error:
                cursor.execute("ROLLBACK TO SAVEPOINT ticket")
                ticket.error = error

    def _perform(self, cursor: Any, ops: Sequence[Op]) -> list[int]:
        """Execute operations in their order; what is the fault of who wrote them is Fenced, Conflict or Validation."""
        prepared, execute = self.driver.prepared, cursor.execute
        results: list[int] = []
        try:
            for name, params, guarded in ops:
                if isinstance(params, dict) and name != "event.add":
                    text, values_of = prepared(name)
                    execute(text, values_of(params))
                    changed = cursor.rowcount
                else:
                    changed = self._several(cursor, name, params)
                if guarded and changed != 1:
                    raise Fenced(f"{name}: this run has another owner now; nothing was written")
                results.append(changed)
        except Exception as error:
            if self.driver.broken(error):
                raise
            if self.driver.violated(error):
                raise Conflict(f"{ops[len(results)][0]}: already there") from error
            known = self._known(error)
            if isinstance(known, ValidationError):
                raise known from error
            raise
        return results

    def _several(self, cursor: Any, name: str, params: Row | Sequence[Row]) -> int:
        rows = (params,) if isinstance(params, Mapping) else params
        if name == "event.add":
            return self.driver.add_events(cursor, rows)
        text, values_of = self.driver.prepared(name)
        cursor.executemany(text, [values_of(row) for row in rows])
        return int(cursor.rowcount)

    def _write_cursor(self) -> Any:
        if self._pid != os.getpid():
            self._refuse_fork()
        if self._writer is None:
            self._writer = self.driver.connect()
            self._cursor = self._writer.cursor()
        return self._cursor

    def _roll_back(self, error: BaseException) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - no transaction is open, or the connection is gone
            if self.driver.broken(error) and self._writer is not None:
                self._writer.close()
                self._writer = None

    def close(self) -> None:
        """Close every connection; what a thread still uses is closed when it is done with it."""
        with self._writing:
            self._closed = True
            while self._readers:
                self._readers.pop().close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None


def _without(secrets: Secrets, ops: Sequence[Op]) -> Sequence[Op]:
    """The same operations, with no secret in any text: whatever the journal holds went through here."""
    made: list[Op] = []
    for name, params, guarded in ops:
        rows = (params,) if isinstance(params, Mapping) else params
        cleaned = secrets.clean_rows(rows, but=_MADE, documents=_JSON)
        made.append((name, cleaned[0] if isinstance(params, Mapping) else cleaned, guarded))
    return made


def _serial(ops: Sequence[Op]) -> bool:
    return not _SERIAL.isdisjoint([op[0] for op in ops])


def _written(ops: Sequence[Op], results: Sequence[int]) -> Written:
    return [(op[1], seq) for op, seq in zip(ops, results, strict=True) if op[0] == "event.add"]
