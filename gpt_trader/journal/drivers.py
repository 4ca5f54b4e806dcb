"""The two databases, each behind the same few verbs, so that the store need not know which it is."""

from __future__ import annotations

import json
import re
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

from gpt_trader.core.errors import ConfigError, JournalCorrupt, JournalUnavailable
from gpt_trader.core.secrets import blotted, garbled, passwords_of

Row = Mapping[str, Any]

BUSY_SECONDS = 5.0
_CLOSING_SECONDS = 0.5
"""Who closes the journal last removes its index and its log one after the other; in between, one is missing."""
CHANNEL = "gpt_trader_events"
"""What a PostgreSQL journal calls on when events are committed."""

_OTHER_TYPE = "42804"
"""PostgreSQL's code for a value whose type is not that of its column."""

ROWS_AT_ONCE = 128
"""So many events at the most go into a SQLite journal by one statement."""

_PARAM = re.compile(r":(\w+)")
_LOCK = 7_411_868  # any number, the same for every writer of a PostgreSQL journal


@cache
def statements(dialect: str) -> dict[str, str]:
    """The compiled statements of one dialect."""
    text = (Path(__file__).parent / "sql" / f"{dialect}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


class Driver(Protocol):
    """One database: how to connect, begin, commit, and tell one failure from another."""

    dialect: str
    url: str

    def connect(self) -> Any:
        """A new connection in autocommit mode."""

    def begin(self, cursor: Any, *, serial: bool) -> Any:
        """Begin to write; a serial transaction waits for all other serial ones. Returns a mark for `settled`."""

    def settled(self, mark: Any) -> bool | None:
        """After a connection broke at commit: was it committed? None where the commit's own answer is final."""

    def prepared(self, name: str) -> tuple[str, Callable[[Row], Any]]:
        """A statement as this database likes it best, and what makes its values from its params."""

    def add_events(self, cursor: Any, facts: Sequence[Row]) -> int:
        """Insert events in their order; the sequence number of the last one."""

    def version(self, connection: Any) -> int:
        """The number of the last migration applied; 0 for an empty database."""

    def violated(self, error: BaseException) -> bool:
        """Whether a row of this key is already there."""

    def refused(self, error: BaseException) -> bool:
        """Whether a value is one that this database cannot keep."""

    def broken(self, error: BaseException) -> bool:
        """Whether the connection was lost."""

    def explain(self, error: BaseException) -> Exception:
        """The error in the words of the house."""

    def check(self) -> list[str]:
        """What an integrity check finds wrong; empty when all is well."""


def driver_for(url: str) -> Driver:
    """The driver that a journal URL asks for."""
    if url.startswith("sqlite:///"):
        return SqliteDriver(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresDriver(url)
    raise ConfigError(
        f"the journal cannot be at '{url.partition(':')[0]}:'",
        hint="use sqlite:///path/to/journal.db or postgresql://user@host/database",
    )


_opened: set[str] = set()
_looking = threading.Lock()


class SqliteDriver:
    """A file on this machine, in WAL mode with full sync."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.prepared = _in_places
        self.path = path
        self.url = f"sqlite:///{path}"

    def connect(self) -> Any:
        module = sqlite_module()
        self._refuse_lost_wal()
        deadline = time.monotonic() + BUSY_SECONDS
        try:
            connection = module.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=200
            )
            while not self._set_up(connection, module, last=time.monotonic() > deadline):
                time.sleep(0.02)
        except module.Error as error:
            raise self.explain(error) from error
        return connection

    @staticmethod
    def _set_up(connection: Any, module: Any, *, last: bool) -> bool:
        """Set the pragmas; SQLite does not wait by itself where two processes turn a new database to WAL at once."""
        mode = "WAL" if wal_is_safe(module.sqlite_version_info) else "PERSIST"
        pragmas = ("synchronous=FULL", "foreign_keys=ON", "mmap_size=0", "wal_autocheckpoint=500", "cache_size=-8000")
        try:
            for pragma in (f"journal_mode={mode}", *pragmas):
                connection.execute(f"PRAGMA {pragma}").close()
        except module.OperationalError as error:
            if last or "locked" not in str(error):
                raise
            return False
        return True

    def _refuse_lost_wal(self) -> None:
        """A WAL shorter than its own index says would lose acknowledged commits without a word.

        Only before the first connection of this process: closing a file drops every lock that the process has on it.
        """
        key = str(self.path.absolute())
        with _looking:
            if key in _opened:
                return
            end = time.monotonic() + _CLOSING_SECONDS
            while (missing := self._missing_from_wal()) is not None:
                if time.monotonic() > end:
                    raise self._cut_short(*missing)
                time.sleep(0.02)
            _opened.add(key)

    def _cut_short(self, size: int, needed: int) -> JournalCorrupt:
        return JournalCorrupt(
            f"the write-ahead log of {self.path} is cut short ({size} of {needed} bytes): commits would be lost",
            hint=f"restore {self.path.name}-wal or a backup; to accept the loss, remove {self.path.name}-shm",
        )

    def _missing_from_wal(self) -> tuple[int, int] | None:
        """How long the WAL is and how long its index says that it is, where it is too short."""
        try:
            header = Path(f"{self.path}-shm").read_bytes()[:24]
            wal = Path(f"{self.path}-wal")
            size = wal.stat().st_size if wal.exists() else 0
        except OSError:
            return None
        if len(header) < 24 or not header[12]:  # the fixed layout of SQLite's wal-index header
            return None
        (page,) = struct.unpack_from("=H", header, 14)
        (frames,) = struct.unpack_from("=I", header, 16)
        needed = frames * ((65536 if page == 1 else page) + 24) + 32
        return (size, needed) if frames and size < needed else None

    def begin(self, cursor: Any, *, serial: bool) -> None:  # noqa: ARG002 - SQLite has one writer anyway
        cursor.execute("BEGIN IMMEDIATE")

    def settled(self, mark: Any) -> None:
        del mark

    def add_events(self, cursor: Any, facts: Sequence[Row]) -> int:
        if len(facts) == 1:
            text, values_of = _in_places("event.add")
            cursor.execute(text, values_of(facts[0]))
            return int(cursor.lastrowid)
        for start in range(0, len(facts), ROWS_AT_ONCE):
            some = facts[start : start + ROWS_AT_ONCE]
            text, values_of = _insertion(len(some))
            cursor.execute(text, list(chain.from_iterable(map(values_of, some))))
        return int(cursor.lastrowid)

    def version(self, connection: Any) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def violated(self, error: BaseException) -> bool:
        return isinstance(error, sqlite_module().IntegrityError)

    def refused(self, error: BaseException) -> bool:
        module = sqlite_module()
        if isinstance(error, module.ProgrammingError | module.InterfaceError):
            return "binding" in str(error)  # else the connection was closed meanwhile
        return isinstance(error, UnicodeError | OverflowError | module.DataError)

    def broken(self, error: BaseException) -> bool:
        del error
        return False

    def explain(self, error: BaseException) -> Exception:
        text = str(error)
        if "malformed" in text or "not a database" in text:
            return JournalCorrupt(
                f"{self.path} is damaged: {text}", hint="restore a backup; `gpt-trader doctor` lists them"
            )
        hints = {
            "locked": "another program holds it; try again, or find it with `gpt-trader doctor`",
            "full": "free some disk space; nothing was written",
            "disk I/O": "is the disk full, or failing? nothing was written",
            "readonly": f"make {self.path.parent} writable",
            "unable to open": f"check that {self.path.parent} exists and is writable",
        }
        hint = next((h for word, h in hints.items() if word in text), None)
        return JournalUnavailable(f"the journal {self.path} cannot be used: {text}", hint=hint)

    def check(self) -> list[str]:
        connection = self.connect()
        try:
            rows = [str(r[0]) for r in connection.execute("PRAGMA integrity_check")]
        except sqlite_module().Error as error:
            return [str(error)]
        finally:
            connection.close()
        return [] if rows == ["ok"] else rows


@cache
def _in_places(name: str) -> tuple[str, Callable[[Row], tuple[Any, ...]]]:
    """A statement with places instead of names, which SQLite would look up each time, and what takes their values."""
    text = statements("sqlite")[name]
    names = _PARAM.findall(text)
    if len(names) > 1:
        return _PARAM.sub("?", text), itemgetter(*names)
    return _PARAM.sub("?", text), lambda row: tuple(row[n] for n in names)


@cache
def _insertion(count: int) -> tuple[str, Callable[[Row], tuple[Any, ...]]]:
    """One statement that inserts so many events, and what takes the values of each from its params.

    Each statement gives Python's lock away and waits for it again, which between busy threads costs more than the rows.
    """
    text, values_of = _in_places("event.add")
    head, _, row = text.partition(" VALUES ")
    return f"{head} VALUES {', '.join([row] * count)}", values_of


@cache
def sqlite_module() -> Any:
    """The newest SQLite at hand: the wheel's, or Python's own."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:  # no wheel for this machine
        import sqlite3 as dbapi2
    dbapi2.register_adapter(type(None), {}.get)  # it is None: else two errors are made up, and dropped, to learn that
    return dbapi2


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite is free of the WAL-reset defect, which can corrupt a database."""
    fixed = {(3, 44): 6, (3, 50): 7, (3, 51): 3}
    return version >= (3, 52) or version < (3, 7) or version[2] >= fixed.get((version[0], version[1]), 1 << 30)


class PostgresDriver:
    """A PostgreSQL database, for more than one machine."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self) -> Any:
        if garbled(self.url):  # the driver would take part of the password for something else, and show it
            raise ConfigError(
                "the URL of the journal cannot be read: a raw `@` or `/` in its password, or a `%` that is no code",
                hint="percent-encode them: `@` is %40, `/` is %2F, `%` is %25",
            )
        try:
            import psycopg
        except ImportError:
            raise ConfigError("the PostgreSQL journal needs psycopg", hint="pip install 'gpt-trader[scale]'") from None
        try:
            connection = psycopg.connect(self.url, autocommit=True, connect_timeout=10, prepare_threshold=1)
        except psycopg.Error as error:
            raise self.explain(error) from error
        try:
            connection.execute("SET synchronous_commit=on")
        except psycopg.Error as error:
            connection.close()
            raise self.explain(error) from error
        return connection

    def begin(self, cursor: Any, *, serial: bool) -> str:
        cursor.execute("BEGIN")
        if serial:  # so that sequence numbers become visible in their own order
            cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK}), pg_notify('{CHANNEL}', '')")
        cursor.execute("SELECT pg_current_xact_id()::text")
        return str(cursor.fetchone()[0])

    def settled(self, mark: Any) -> bool:
        deadline = time.monotonic() + BUSY_SECONDS
        while time.monotonic() < deadline:
            try:
                with self.connect() as connection:
                    row = connection.execute("SELECT pg_xact_status(%s::xid8)", (mark,)).fetchone()
            except Exception as error:
                if self.refused(error):  # "in the future": of this transaction the server kept not even the number
                    return False
                if not isinstance(error, JournalUnavailable) and not self.broken(error):
                    raise
                time.sleep(0.1)
                continue
            if row and row[0] != "in progress":
                return bool(row[0] == "committed")
            time.sleep(0.05)
        raise JournalUnavailable("the database was lost at a commit and did not come back", hint="resume the run later")

    def prepared(self, name: str) -> tuple[str, Callable[[Row], Any]]:
        return statements(self.dialect)[name], dict

    def add_events(self, cursor: Any, facts: Sequence[Row]) -> int:
        cursor.executemany(statements(self.dialect)["event.add"], facts)
        cursor.execute(statements(self.dialect)["event.last"])
        return int(cursor.fetchone()[0])

    def version(self, connection: Any) -> int:
        found = connection.execute("SELECT to_regclass('migration') IS NOT NULL").fetchone()[0]
        return int(connection.execute("SELECT coalesce(max(version), 0) FROM migration").fetchone()[0]) if found else 0

    def violated(self, error: BaseException) -> bool:
        from psycopg.errors import UniqueViolation

        return isinstance(error, UniqueViolation)

    def refused(self, error: BaseException) -> bool:
        from psycopg import DataError, IntegrityError, ProgrammingError

        if isinstance(error, ProgrammingError):
            return error.sqlstate in (None, _OTHER_TYPE)  # the driver itself knows no way, or the server no column
        return isinstance(error, UnicodeError | DataError | IntegrityError)

    def broken(self, error: BaseException) -> bool:
        from psycopg import InterfaceError, OperationalError

        return isinstance(error, OperationalError | InterfaceError)

    def explain(self, error: BaseException) -> Exception:
        lines: Sequence[str] = str(error).strip().splitlines() or [type(error).__name__]
        told = blotted(lines[0], passwords_of(self.url))
        return JournalUnavailable(
            f"the PostgreSQL journal cannot be used: {told}", hint="is the server up, and the URL right?"
        )

    def check(self) -> list[str]:
        with self.connect() as connection:
            connection.execute("SELECT count(*) FROM run").fetchone()
        return []


def rows_of(cursor: Any) -> list[Mapping[str, Any]]:
    """What a query found, as mappings."""
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
