"""Claims: which process serves a durable subscriber; the system or the database lets go when that process dies."""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from pathlib import Path
from typing import Any, Protocol

from gpt_trader.core.errors import JournalUnavailable
from gpt_trader.journal.drivers import Driver, SqliteDriver

_KEY = "7411869, hashtext(current_schema() || '.' || %s)"  # apart from all other locks of the database


class Claims(Protocol):
    """The names that this process serves."""

    def take(self, name: str) -> bool:
        """Whether the name is ours now; False while another serves it."""

    def drop(self, name: str) -> None:
        """Let another have it."""

    def intact(self) -> bool:
        """Whether what was taken is still held."""

    def close(self) -> None:
        """Drop all."""


def claims_for(driver: Driver) -> Claims:
    """The claims of one journal."""
    return FileClaims(driver.path) if isinstance(driver, SqliteDriver) else PostgresClaims(driver)


class FileClaims:
    """Locked files beside a SQLite journal."""

    def __init__(self, database: Path) -> None:
        self.folder = database.with_name(f"{database.name}.claims")
        self._files: dict[str, int] = {}
        _open.add(self)

    def take(self, name: str) -> bool:
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            file = os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalUnavailable(f"{self.folder} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._files[name] = file
        return True

    def drop(self, name: str) -> None:
        file = self._files.pop(name, None)
        if file is not None:
            os.close(file)

    def intact(self) -> bool:
        return True

    def close(self) -> None:
        for name in list(self._files):
            self.drop(name)


_open: weakref.WeakSet[FileClaims] = weakref.WeakSet()


def _forget_after_fork() -> None:
    """A child must not hold its parent's claims: they would outlive the parent."""
    for claims in list(_open):
        claims.close()


os.register_at_fork(after_in_child=_forget_after_fork)


class PostgresClaims:
    """Advisory locks of one session of a PostgreSQL journal."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._lock = threading.Lock()
        self._connection: Any = None

    def take(self, name: str) -> bool:
        with self._lock:
            if self._connection is None:
                self._connection = self.driver.connect()
                # a machine that vanished must not keep its claims for hours
                for setting in ("idle = 5", "interval = 2", "count = 3"):
                    self._connection.execute(f"SET tcp_keepalives_{setting}")
            return bool(self._ask(f"SELECT pg_try_advisory_lock({_KEY})", name))

    def _ask(self, statement: str, name: str) -> Any:
        try:
            return self._connection.execute(statement, (name,)).fetchone()[0]
        except Exception as error:
            self._connection.close()
            self._connection = None
            raise self.driver.explain(error) from error

    def drop(self, name: str) -> None:
        with self._lock:
            if self._connection is not None:
                self._ask(f"SELECT pg_advisory_unlock({_KEY})", name)

    def intact(self) -> bool:
        with self._lock:
            if self._connection is not None:
                try:
                    self._connection.execute("SELECT 1")
                except Exception:  # noqa: BLE001 - whatever it was, the session is gone
                    self._connection.close()
                    self._connection = None
                    return False
            return True

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
