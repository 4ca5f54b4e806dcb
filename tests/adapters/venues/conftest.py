"""An archive whose venues are on 127.0.0.1, with the time of June 2024, in which pauses pass at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt_trader.adapters.store.archive import LocalArchive, Nobody
from gpt_trader.app.feeds import feed_catalog, venue_catalog
from gpt_trader.core.bars import Loaded
from gpt_trader.core.feeds import Request
from gpt_trader.trading.clocks import BarClock
from tests.adapters.store.market import ns
from tests.adapters.venues.local import LocalVenue


@pytest.fixture(autouse=True, scope="session")
def _clients() -> None:
    """The clients warn of their own imports; that is theirs to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import alpaca.data  # noqa: F401
        import ccxt  # noqa: F401
        import yfinance  # noqa: F401


@pytest.fixture
def clock() -> BarClock:
    return BarClock(ns("2024-06-03T12:00Z"))


@pytest.fixture
def archive(tmp_path: Path, clock: BarClock) -> LocalArchive:
    folder = tmp_path / "data"
    return LocalArchive(folder=folder, clock=clock, feeds=feed_catalog(), venues=venue_catalog(folder / ".yfinance"))


@pytest.fixture
def load(archive: LocalArchive) -> Callable[..., Loaded]:
    def run(symbol: str, **given: Any) -> Loaded:
        return archive.load(Request(**{"symbol": symbol, **given}), Nobody())

    return run


@pytest.fixture
def started() -> Iterator[Callable[[Any], Any]]:
    """Starts a venue, and stops it in the end."""
    venues: list[LocalVenue] = []

    def start(venue: LocalVenue) -> LocalVenue:
        venues.append(venue.__enter__())
        return venue

    yield start
    for venue in venues:
        venue.__exit__()
