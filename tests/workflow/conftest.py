"""Gives the runner's tests a house on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.runhouse import House, house


@pytest.fixture
def home(store_url: str, tmp_path: Path) -> Iterator[House]:
    """A runner on an empty journal, of each kind."""
    with house(store_url, tmp_path) as made:
        yield made


@pytest.fixture
def lite(new_url: object, tmp_path: Path) -> Iterator[House]:
    """A runner on an empty SQLite journal, for what does not depend on the database."""
    with house(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path) as made:
        yield made
