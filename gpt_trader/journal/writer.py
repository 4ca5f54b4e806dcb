"""The one connection that writes: a transaction of named statements, and who is told of the events in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from gpt_trader.core.errors import Conflict, Fenced, JournalError, JournalUnavailable, ValidationError
from gpt_trader.core.failpoints import hit
from gpt_trader.journal.drivers import Driver, Row

Op = tuple[str, Row | Sequence[Row], bool]
"""A statement's name, its params (a list: once for each), and whether it must change exactly one row."""

Written = Sequence[tuple[Row | Sequence[Row], int]]
"""Events that were committed, in sequence: their params and the last sequence number of each."""

W = TypeVar("W")
R = TypeVar("R")

_MALFORMED = (LookupError, TypeError, ValueError)
"""What Python says of an operation that lacks something, or that is none."""
_NAME = itemgetter(0)
_SERIAL = frozenset({"event.add", "run.enter", "definition.sweep"})
"""What waits for whoever else does one of these; a run begins with an event, so no sweep comes between."""


class Listener(Protocol):
    """Who is told of events; it is called by the thread that writes, while others wait, so it must be quick."""

    def riders(self) -> Sequence[Op]:
        """What may go along with a commit of events; it must not fail, so nothing of it is guarded."""

    def rode(self, changed: Sequence[int]) -> None:
        """The riders were committed; so many rows did each of them change."""

    def committed(self, written: Written) -> None:
        """These events were committed."""


class Writer:
    """Writes for whoever holds the lead; nobody else may call it at the same time."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.listeners: tuple[Listener, ...] = ()
        self._connection: Any = None
        self._cursor: Any = None
        self._pid = os.getpid()
        self._halted: BaseException | None = None

    def append(self, facts: Sequence[Row]) -> int:
        """Commit events by one statement, a transaction of SQLite's own; 0 when something must go along with it."""
        for listener in self.listeners:
            if listener.riders():
                return 0
        if self._halted:
            raise self._halted
        cursor = self.cursor()
        try:
            hit("journal.begin")
            seq = self.driver.add_events(cursor, facts)
        except Exception as error:
            raise self.known(error) from error
        hit("journal.committed")
        self.tell(((facts, seq),))
        return seq

    def transact(self, perform: Callable[[Any, W], R], what: W, *, serial: bool) -> R:
        """One transaction: what is performed in it, and what rides along with its events."""
        if self._halted:
            raise self._halted
        cursor = self.cursor()
        riding = [(listener, listener.riders()) for listener in self.listeners] if serial else ()
        hit("journal.begin")
        try:
            mark = self.driver.begin(cursor, serial=serial)
            results = perform(cursor, what)
            rode = [(who, self.perform(cursor, ops)) for who, ops in riding if ops] if riding else ()
            hit("journal.inside")
        except BaseException as error:
            self._roll_back(error)
            raise
        self._settle(cursor, mark)
        hit("journal.committed")
        for who, changed in rode:
            who.rode(changed)
        return results

    def tell(self, written: Written) -> None:
        """Tell who listens of events that are committed."""
        for listener in self.listeners:
            listener.committed(written)

    def _settle(self, cursor: Any, mark: Any) -> None:
        try:
            cursor.execute("COMMIT")
        except BaseException as error:
            self._roll_back(error)
            if not (self.driver.broken(error) and self.driver.settled(mark)):
                raise

    def perform(self, cursor: Any, ops: Sequence[Op]) -> list[int]:
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
            known = self.known(error)
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

    def cursor(self) -> Any:
        """The cursor of the connection, opened where there is none."""
        if self._pid != os.getpid():
            self.refuse_fork()
        if self._connection is None:
            self._connection = self.driver.connect()
            self._cursor = self._connection.cursor()
        return self._cursor

    def _roll_back(self, error: BaseException) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - no transaction is open, or the connection is gone
            if self.driver.broken(error) and self._connection is not None:
                self._connection.close()
                self._connection = None

    def refuse_fork(self) -> None:
        """Raise in a process that was forked from the one that opened the journal."""
        if self._pid != os.getpid():
            raise JournalError("a journal cannot be used across a fork", hint="open another in the new process")

    # what went wrong

    def lost(self, error: BaseException) -> bool:
        """Whether the connection broke, so that trying again on a new one makes sense."""
        if isinstance(error, JournalUnavailable) and self._connection is None:
            return self.driver.dialect == "postgresql"
        return self.driver.broken(error)

    def known(self, error: BaseException) -> Exception:
        """The error in the words of the house; after one of the disk itself nothing more is written."""
        if isinstance(error, ValidationError):
            return error
        if isinstance(error, _MALFORMED) or self.driver.refused(error):
            return ValidationError(f"the journal cannot keep a value: {error}", hint="nothing of it was written")
        known = error if isinstance(error, JournalError) else self.driver.explain(error)
        if "disk I/O" in str(error):
            self._halted = known
        return known

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def is_serial(ops: Sequence[Op]) -> bool:
    """Whether the transaction of these operations waits for others of its kind."""
    return not _SERIAL.isdisjoint(map(_NAME, ops))


def written_by(ops: Sequence[Op], results: Sequence[int]) -> Written:
    """The events among operations that were committed."""
    return [(op[1], seq) for op, seq in zip(ops, results, strict=True) if op[0] == "event.add"]
