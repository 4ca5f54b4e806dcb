"""Crypto exchanges: the real client of ccxt against a server that speaks as Binance does."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_trader.core.errors import NoBars, NotAuthorised, NotFound, ProviderDown, RateLimited, UsageError
from tests.adapters.store.market import ns
from tests.adapters.venues.local import BROKEN, DAY_MS, LATER, MUCH_LATER, Answer, Binance, ms_of, row_at

PATH = "/api/v3/klines"


@pytest.fixture
def venue(started) -> Binance:
    return started(Binance())


@pytest.fixture
def bars(load, venue):
    options = {"exchange": "binance", "url": venue.url}
    return lambda symbol="BTC/USDT", **given: load(symbol, **{"provider": "ccxt", "options": options, **given})


def test_daily_bars_are_those_of_the_exchange(bars, venue) -> None:
    found = bars(start="2024-01-05", end="2024-02-10").bars
    want = [row_at(ms_of("2024-01-05") + n * DAY_MS, DAY_MS) for n in range(37)]
    assert found.ts[0] == ns("2024-01-05T00:00Z")
    columns = (found.open, found.high, found.low, found.close, found.volume)
    assert np.array(want).T.tolist() == [column.tolist() for column in columns]
    assert (found.provenance.origin, found.provenance.zone) == ("venue", "UTC")
    assert "binance, spot" in found.provenance.note


def test_several_pages_are_one_series_and_the_second_time_nobody_is_asked(bars, venue) -> None:
    first = bars(timeframe="1h", start="2024-02-01", end="2024-05-31").bars
    assert len(first) == 24 * 121
    assert [int(q["startTime"]) for q in venue.asked(PATH)] == [
        ms_of("2024-02-01") + n * 1_000 * 3_600_000 for n in range(3)
    ]
    venue.seen.clear()
    assert bars(timeframe="1h", start="2024-02-01", end="2024-05-31").bars.content_hash == first.content_hash
    assert venue.seen == []


def test_all_there_is_begins_where_the_exchange_begins(bars, venue) -> None:
    found = bars().bars
    assert found.ts[0] == ns("2024-01-01T00:00Z")
    assert len(venue.asked(PATH)) <= 3


def test_a_hole_in_the_exchanges_own_data_is_a_gap_and_not_asked_for_again(bars, started) -> None:
    lost = tuple(ms_of("2024-02-10") + n * DAY_MS for n in range(3))
    venue = started(Binance(holes=lost))
    given = {"options": {"exchange": "binance", "url": venue.url}, "start": "2024-02-01", "end": "2024-02-29"}
    found = bars(**given)
    assert (found.quarantine.gap_count, found.quarantine.missing) == (1, 3)
    venue.seen.clear()
    bars(**given)
    assert venue.seen == []


@pytest.mark.parametrize("fault", [LATER, BROKEN, Answer("[[170406"), Answer([[1, 2, 3]], cut=4), Answer("")])
def test_one_bad_answer_is_asked_for_again(bars, venue, fault) -> None:
    venue.faults.extend([None, fault])  # after the list of markets
    assert len(bars(start="2024-02-01", end="2024-02-29").bars) == 29


def test_a_pause_that_the_exchange_names_is_kept(bars, venue, clock) -> None:
    venue.faults.extend([None, LATER])
    before = clock.monotonic()
    bars(start="2024-02-01", end="2024-02-29")
    assert clock.monotonic() - before == pytest.approx(2.0)


def test_a_long_pause_is_not_waited_for_but_named(bars, venue) -> None:
    venue.faults.extend([None, MUCH_LATER])
    with pytest.raises(RateLimited, match="ccxt-binance was asked too often") as caught:
        bars(start="2024-02-01", end="2024-02-29")
    assert "after 3600 s" in (caught.value.hint or "")


def test_an_exchange_that_stays_down_keeps_the_pages_that_came(bars, venue, archive) -> None:
    venue.faults.extend([None, None, *[BROKEN] * 5])
    with pytest.raises(ProviderDown, match="502"):
        bars(timeframe="1h", start="2024-02-01", end="2024-05-31")
    assert [kept.bars for kept in archive.kept()] == [1_000]
    venue.seen.clear()
    assert len(bars(timeframe="1h", start="2024-02-01", end="2024-05-31").bars) == 24 * 121
    assert int(venue.asked(PATH)[0]["startTime"]) == ms_of("2024-02-01") + 995 * 3_600_000


def test_nobody_at_the_address_is_a_provider_that_is_down(load) -> None:
    options = {"exchange": "binance", "url": "http://127.0.0.1:9"}
    with pytest.raises(ProviderDown, match="does not answer"):
        load("BTC/USDT", provider="ccxt", options=options)


def test_an_unknown_symbol_or_exchange_is_answered_with_the_nearest(bars, venue) -> None:
    with pytest.raises(NotFound, match="no symbol of binance is called 'BTC/USD'") as symbol:
        bars("BTC/USD")
    assert "BTC/USDT" in (symbol.value.hint or "")
    with pytest.raises(NotFound) as exchange:
        bars(options={"exchange": "binanc", "url": venue.url})
    assert "binance" in (exchange.value.hint or "")
    with pytest.raises(UsageError, match="exchange is missing"):
        bars(options={})


def test_an_exchange_that_refuses_is_not_asked_again(bars, venue) -> None:
    venue.faults.extend([None, Answer({"code": -2015, "msg": "Invalid API-key, IP, or permissions."}, 401)])
    with pytest.raises(NotAuthorised, match="refuses"):
        bars(start="2024-02-01", end="2024-02-29")
    assert len(venue.asked(PATH)) == 1


def test_a_range_before_the_exchange_has_bars_is_empty_and_said_so(bars) -> None:
    with pytest.raises(NoBars, match="no bars of BTC/USDT from 2023-02-01 to 2023-02-28"):
        bars(start="2023-02-01", end="2023-02-28")


def test_an_unknown_length_is_answered_with_those_of_the_exchange(bars, venue) -> None:
    with pytest.raises(UsageError, match="ccxt-binance has no bars of 7m") as caught:
        bars(timeframe="7m")
    assert "15m" in (caught.value.hint or "")


def test_the_exchange_may_stand_in_the_providers_name(load, venue) -> None:
    found = load("ETH/USDT", provider="ccxt-binance", options={"url": venue.url}, start="2024-02-01", end="2024-02-29")
    assert len(found.bars) == 29
