"""Another dialect of ccxt: the real client against a server that speaks as Kraken does."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_trader.core.errors import NotFound, ProviderDown, RateLimited
from tests.adapters.store.market import ns
from tests.adapters.venues.local import DAY_MS, Answer, Kraken, ms_of, row_at

PATH = "/0/public/OHLC"
TOO_OFTEN = Answer({"error": ["EAPI:Rate limit exceeded"]})
BUSY = Answer({"error": ["EService:Unavailable"]})


@pytest.fixture
def venue(started) -> Kraken:
    return started(Kraken())


@pytest.fixture
def bars(load, venue):
    options = {"url": venue.url}
    return lambda symbol="BTC/USD", **given: load(symbol, **{"provider": "ccxt-kraken", "options": options, **given})


def test_daily_bars_are_those_of_the_exchange_and_asked_for_once(bars, venue) -> None:
    found = bars(start="2024-01-05", end="2024-02-10").bars
    want = [row_at(ms_of("2024-01-05") + n * DAY_MS, DAY_MS) for n in range(37)]
    assert found.ts[0] == ns("2024-01-05T00:00Z")
    columns = (found.open, found.high, found.low, found.close, found.volume)
    assert [column.tolist() for column in columns] == np.round(np.array(want), 2).T.tolist()
    assert "kraken, spot" in found.provenance.note
    venue.seen.clear()
    assert len(bars(start="2024-01-05", end="2024-02-10").bars) == 37
    assert venue.seen == []


def test_of_older_bars_than_the_exchange_keeps_there_are_none_and_none_is_made_up(bars) -> None:
    found = bars(timeframe="1h", start="2024-01-01", end="2024-05-31").bars
    assert len(found) == 720
    assert found.ts[0] == ns("2024-05-02T00:00Z")


@pytest.mark.parametrize("fault", [TOO_OFTEN, BUSY, Answer('{"error": [], "resu'), Answer("")])
def test_one_bad_answer_is_asked_for_again(bars, venue, fault) -> None:
    venue.faults.extend([None, None, fault])  # after the assets and their pairs
    assert len(bars(start="2024-02-01", end="2024-02-29").bars) == 29


@pytest.mark.parametrize(("fault", "kind"), [(TOO_OFTEN, RateLimited), (BUSY, ProviderDown)])
def test_errors_that_come_with_status_200_are_told_as_what_they_are(bars, venue, fault, kind) -> None:
    venue.faults.extend([None, None, *[fault] * 20])
    with pytest.raises(kind, match="ccxt-kraken"):
        bars(start="2024-02-01", end="2024-02-29")


def test_an_unknown_symbol_is_answered_with_the_nearest(bars) -> None:
    with pytest.raises(NotFound, match="no symbol of kraken is called 'BTC/USDX'") as caught:
        bars("BTC/USDX")
    assert "BTC/USD" in (caught.value.hint or "")
