"""What the PostgreSQL driver says of a URL that it cannot use, which is never the password."""

from __future__ import annotations

import pytest

from gpt_trader.core.errors import ConfigError, JournalUnavailable
from gpt_trader.journal.drivers import PostgresDriver


@pytest.mark.parametrize("url", ["postgresql://u:p@ssw0rd123@h/db", "postgresql://u:pa%ssw0rd123@h/db"])
def test_a_url_that_would_be_read_in_another_way_is_refused_before_anybody_is_called(url: str) -> None:
    with pytest.raises(ConfigError, match="raw `@`") as refused:
        PostgresDriver(url).connect()
    assert "ssw0rd123" not in str(refused.value)
    assert "percent-encode" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:short1@h/db", "short1"),
        ("postgresql://u:p%40ss@h/db", "p@ss"),
        ("postgresql://u:Longpass12@h/db?application_name=a@b", "Longpass12"),
        ("postgresql://u@h/db?password=momentum", "momentum"),
    ],
)
def test_an_error_never_shows_the_password_of_the_url(url: str, password: str) -> None:
    told = PostgresDriver(url).explain(RuntimeError(f'no host "{password}@h"'))
    assert isinstance(told, JournalUnavailable)
    assert told.message == 'the PostgreSQL journal cannot be used: no host "***@h"'


def test_a_commit_of_which_a_crash_left_not_even_the_number_was_none(postgres_url: str) -> None:
    """A server that ends at once may give the number of a transaction again: to it that number is in the future."""
    driver = PostgresDriver(postgres_url)
    with driver.connect() as connection:
        (newest,) = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    assert driver.settled(newest) is True
    assert driver.settled(str(int(newest) + 1000)) is False
