"""A numbered list of migrations, each a file of statements per database, applied in a transaction of its own."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gpt_trader.core.errors import JournalCorrupt, JournalNewer, JournalUnavailable
from gpt_trader.core.failpoints import hit
from gpt_trader.core.ports import Clock
from gpt_trader.journal.drivers import SqliteDriver
from gpt_trader.journal.store import Store

MIGRATIONS = ("0001_foundation",)
"""Never edit one that was released: add the next."""

_HERE = Path(__file__).parent


def open_store(
    url: str, clock: Clock, *, names: tuple[str, ...] = MIGRATIONS, folder: Path = _HERE, backups: Path | None = None
) -> Store:
    """A store whose database exists and has every migration; backed up before it is changed.

    The backup of a SQLite file lies beside it, that of a PostgreSQL database in `backups`, or in the current folder.
    """
    store = Store.at(url)
    driver = store.driver
    if isinstance(driver, SqliteDriver):
        _refuse_vanished(driver.path)
        with suppress(OSError):  # it is there already, or connecting tells why it cannot be
            _private(driver.path)
    connection = driver.connect()
    try:
        version = driver.version(connection)
        if version > len(names):
            place = driver.url.rpartition("@")[2].partition("?")[0]
            raise JournalNewer(
                f"the journal {place} has version {version}; this program knows {len(names)}",
                hint="use the newer gpt-trader, or another journal",
            )
        if version < len(names):
            _migrate(store, connection, clock, names, folder, backups)
    except Exception as error:
        if type(error).__module__.startswith(("pysqlite3", "sqlite3", "psycopg")):
            raise driver.explain(error) from error
        raise
    finally:
        connection.close()
    if isinstance(driver, SqliteDriver):
        with _writable(driver.path):
            _marker(driver.path).touch(mode=0o600)
    return store


def _private(path: Path) -> None:
    """Make a file that nobody else can read at any moment; not if one is there, as closing it would drop its locks."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".exists")


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = f"{error.strerror}: {error.filename}"
        raise JournalUnavailable(
            f"the journal {path} cannot be used: {told}",
            hint="GPT_TRADER_HOME, or the setting `journal`, chooses another place",
        ) from None


def _refuse_vanished(path: Path) -> None:
    with _writable(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    marker = _marker(path)
    if marker.exists() and (not path.exists() or path.stat().st_size == 0):
        raise JournalCorrupt(
            f"the journal {path} is gone, but it existed",
            hint=f"restore a backup from {path.parent}; to begin a new one, remove {marker.name}",
        )


def _migrate(
    store: Store, connection: Any, clock: Clock, names: tuple[str, ...], folder: Path, backups: Path | None
) -> None:
    """Apply what is missing, looking again once the lock is ours: another process may have been quicker."""
    driver = store.driver
    version = driver.version(connection)
    if version:
        backup(store, clock, label=f"v{version}", folder=None if store.driver.dialect == "sqlite" else backups)
    for number in range(version + 1, len(names) + 1):
        text = (folder / f"{names[number - 1]}.{driver.dialect}.sql").read_text(encoding="utf-8")
        cursor = connection.cursor()
        driver.begin(cursor, serial=True)
        try:
            if driver.version(connection) < number:
                for statement in filter(None, map(str.strip, text.split(";\n"))):
                    cursor.execute(statement)
                at = clock.micros()
                cursor.execute(
                    store.sql["migration.add"], {"version": number, "name": names[number - 1], "applied_at": at}
                )
                if driver.dialect == "sqlite":
                    cursor.execute(f"PRAGMA user_version={number}")
            hit("migration.inside")
            cursor.execute("COMMIT")
        except BaseException:
            with suppress(Exception):  # where the disk is full, SQLite has rolled back already; what failed is told
                cursor.execute("ROLLBACK")
            raise


def backup(store: Store, clock: Clock, *, label: str, folder: Path | None = None) -> Path:
    """A copy of the whole journal beside it: a database file for SQLite, gzipped JSON lines for PostgreSQL."""
    stamp = clock.now().strftime("%Y%m%dT%H%M%S%f")
    driver = store.driver
    if isinstance(driver, SqliteDriver):
        target = (folder or driver.path.parent) / f"{driver.path.name}.{label}.{stamp}.backup"
        copy = _vacuum
    else:
        folder = folder or Path.cwd()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"journal.{label}.{stamp}.jsonl.gz"
        copy = _dump
    try:
        _private(target)
    except OSError as error:
        raise JournalUnavailable(f"the backup {target} cannot be written: {error.strerror}") from error
    try:
        copy(driver.connect(), target)
    except BaseException:
        target.unlink()  # half a backup is none
        raise
    return target


def _vacuum(connection: Any, target: Path) -> None:
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    finally:
        connection.close()


def _dump(connection: Any, target: Path) -> None:
    found = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1"
    with connection, gzip.open(target, "wt", encoding="utf-8") as lines:
        for (table,) in connection.execute(found).fetchall():
            for (row,) in connection.execute(f'SELECT to_jsonb(t) FROM "{table}" t'):  # noqa: S608 - a name from the database
                lines.write(json.dumps({"table": table, "row": row}) + "\n")
