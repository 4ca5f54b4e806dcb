"""The store: queries that any thread may ask, and one queue of writers, who share each sync of the disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from gpt_trader.core.errors import Conflict, Fenced, GptTraderError, JournalUnavailable, ValidationError
from gpt_trader.core.secrets import Secrets
from gpt_trader.journal.drivers import BUSY_SECONDS, ROWS_AT_ONCE, Driver, Row, driver_for, rows_of, statements
from gpt_trader.journal.writer import Op, Writer, is_serial, written_by

_AGAIN_SECONDS = 0.05
_MADE = frozenset(
    {"id", "run_id", "new_run_id", "forked_from", "path", "hash", "definition", "owner", "params_hash", "cache_key"}
)
"""Texts that the program itself makes; a row must be found by them again, whatever the figures of a secret are."""
_JSON = frozenset({"payload", "inputs", "outputs", "versions", "body", "error"})
"""Texts that are JSON, whose numbers stay as they are (an error may also be a plain sentence)."""


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
        self.writer = Writer(driver)
        self.sql = statements(driver.dialect)
        self._plain = driver.dialect == "sqlite"
        self._waiting: deque[_Ticket] = deque()
        self._writing = threading.Lock()
        self._handing = threading.Lock()
        self._readers: deque[Any] = deque()
        self._closed = self._answered = False
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
        self.writer.refuse_fork()
        try:
            return self._readers.pop()
        except IndexError:
            return self.driver.connect()

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
                serial = is_serial(ops)
                results = self.writer.transact(self.writer.perform, ops, serial=serial)
                if serial:
                    self.writer.tell(written_by(ops, results))
                return results
            except Exception as error:
                # a server that is still away after so long may have committed: never try that again
                if not self.writer.lost(error) or time.monotonic() > deadline:
                    known = self.writer.known(error)
                    if known is error:
                        raise
                    raise known from error
            finally:
                self._hand_on()
        return self._together(ops)

    def _together(self, ops: Sequence[Op]) -> list[int]:
        """Queue, and lead, or have the one who leads write for us."""
        self.writer.refuse_fork()  # a thread that wrote at the fork is not in this process, and would be waited for
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
                seq = self.writer.append(facts)
            finally:
                self._hand_on()
            if seq:
                return seq
        return self.write([("event.add", facts, False)])[0]

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
                if self.writer.lost(error) and time.monotonic() < deadline:
                    time.sleep(_AGAIN_SECONDS)
                    continue
                self._fail(batch, error)
            return

    def _fail(self, batch: list[_Ticket], error: BaseException) -> None:
        known = self.writer.known(error)
        for ticket in batch:
            if ticket.error is None:
                ticket.error = known

    def _attempt(self, batch: list[_Ticket]) -> None:
        serial = any(is_serial(ticket.ops) for ticket in batch)
        if len(batch) == 1:
            batch[0].results = self.writer.transact(self.writer.perform, batch[0].ops, serial=serial)
        else:
            self.writer.transact(self._perform_each, batch, serial=serial)
        if serial:
            kept = [written_by(ticket.ops, ticket.results) for ticket in batch if ticket.error is None]
            self.writer.tell([fact for written in kept for fact in written])

    def _perform_each(self, cursor: Any, batch: list[_Ticket]) -> None:
        """Execute several tickets; the failure of one is its own and undoes nothing of the others."""
        for ticket in batch:
            ticket.error = None
            cursor.execute("SAVEPOINT ticket")
            try:
                ticket.results = self.writer.perform(cursor, ticket.ops)
            except (Fenced, Conflict, ValidationError) as error:
                cursor.execute("ROLLBACK TO SAVEPOINT ticket")
                ticket.error = error

    def close(self) -> None:
        """Close every connection; what a thread still uses is closed when it is done with it."""
        with self._writing:
            self._closed = True
            while self._readers:
                self._readers.pop().close()
            self.writer.close()


def _without(secrets: Secrets, ops: Sequence[Op]) -> Sequence[Op]:
    """The same operations, with no secret in any text: whatever the journal holds went through here."""
    made: list[Op] = []
    for name, params, guarded in ops:
        rows = (params,) if isinstance(params, Mapping) else params
        cleaned = secrets.clean_rows(rows, but=_MADE, documents=_JSON)
        made.append((name, cleaned[0] if isinstance(params, Mapping) else cleaned, guarded))
    return made
