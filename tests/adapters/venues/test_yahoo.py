"""Yahoo: the real yfinance against a server that speaks as Yahoo does; only its address and cookie are changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpt_trader.core.errors import NoBars, NotFound, ProviderDown, RateLimited, UsageError
from gpt_trader.core.market import Dividend, Split
from tests.adapters.store.market import ns
from tests.adapters.venues.local import BROKEN, DAY_MS, LATER, Answer, Yahoo, row_at

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # yfinance 1.7 under pandas 3.1
CHART = "/v8/finance/chart/AAPL"


def weekdays(zone: str) -> list[datetime]:
    first = datetime(2024, 1, 1, tzinfo=ZoneInfo(zone))
    days = (first + timedelta(n) for n in range(154))
    return [day for day in days if day.weekday() < 5]


@pytest.fixture
def venue(started, monkeypatch) -> Yahoo:
    import yfinance
    import yfinance.base
    import yfinance.scrapers.history

    venue = started(Yahoo(weekdays("America/New_York")))
    for module in (yfinance.base, yfinance.scrapers.history):
        monkeypatch.setattr(module, "_BASE_URL_", venue.url)
    monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", 2)
    monkeypatch.setattr(yfinance.data.YfData, "_get_cookie_and_crumb", lambda self, timeout=30: (None, "basic"))
    monkeypatch.setattr(yfinance.cache._TzCacheManager, "_tz_cache", None)
    yfinance.data.YfData.cache_get.cache_clear()
    return venue


@pytest.fixture
def bars(load, venue):
    return lambda symbol="AAPL", **given: load(symbol, **{"provider": "yfinance", **given})


def test_daily_bars_are_those_of_yahoo_and_said_to_be_adjusted_for_splits(bars, venue) -> None:
    found = bars(start="2024-03-07", end="2024-03-12").bars
    days = [f"2024-03-{day}T00:00-0{offset}:00" for day, offset in (("07", 5), ("08", 5), ("11", 4), ("12", 4))]
    assert found.ts.tolist() == [ns(day) for day in days]
    assert found.close.tolist() == [row_at(t // 1_000_000, DAY_MS)[3] for t in found.ts.tolist()]
    assert found.provenance.prices == "adjusted"
    assert "not for dividends" in found.provenance.note


def test_the_second_time_nobody_is_asked(bars, venue) -> None:
    first = bars(start="2024-02-01", end="2024-03-12").bars
    venue.seen.clear()
    assert bars(start="2024-02-01", end="2024-03-12").bars.content_hash == first.content_hash
    assert venue.seen == []


def test_splits_and_dividends_come_with_the_bars(bars, venue) -> None:
    day = {d.date().isoformat(): d for d in venue.days}
    venue.splits, venue.dividends = {day["2024-03-12"]: 4}, {day["2024-02-09"]: 0.24}
    assert bars(start="2024-02-01", end="2024-04-30").actions == (
        Dividend("AAPL", ns("2024-02-09T00:00-05:00"), Decimal("0.24")),
        Split("AAPL", ns("2024-03-12T00:00-04:00"), 4),
    )


def test_after_a_split_yahoo_restates_its_prices_and_all_are_asked_for_again(bars, venue, clock) -> None:
    bars(start="2024-02-01")
    old = bars(start="2024-02-01", keeping="only").bars
    venue.ratio = 4.0
    clock.move_to(ns("2024-06-04T12:00Z"))
    venue.days.append(venue.days[-1] + timedelta(3))
    new = bars(start="2024-02-01").bars
    assert new.close[: len(old)] == pytest.approx(old.close / 4)
    assert len(new) == len(old) + 1
    assert bars(start="2024-02-01", as_of="2024-06-03").bars.content_hash == old.content_hash


def test_another_exchange_has_its_own_midnights_and_its_forming_day_is_left_out(bars, venue, clock) -> None:
    venue.zone, venue.days = "Europe/London", weekdays("Europe/London")
    clock.ns = ns("2024-05-31T12:00Z")
    found = bars(start="2024-05-20").bars
    assert found.provenance.zone == "Europe/London"
    assert found.ts[-1] == ns("2024-05-30T00:00+01:00")


@pytest.mark.parametrize("fault", [BROKEN, Answer('{"chart": {"resu'), Answer({"chart": {}}, cut=5), Answer("")])
def test_one_bad_answer_is_asked_for_again(bars, venue, fault) -> None:
    bars(start="2024-01-02", end="2024-01-05")  # the time zone is known now
    venue.faults.append(fault)
    assert len(bars(start="2024-03-04", end="2024-03-08").bars) == 5


def test_asked_too_often_it_is_given_up_after_some_patience(bars, venue, clock) -> None:
    venue.faults.extend([LATER] * 20)
    before = clock.monotonic()
    with pytest.raises(RateLimited, match="yfinance was asked too often"):
        bars(start="2024-03-04", end="2024-03-08")
    assert clock.monotonic() - before == pytest.approx(3.5)


def test_an_unknown_symbol_is_said_to_be_one(bars) -> None:
    with pytest.raises(NotFound, match="yfinance knows no symbol AAPLE") as caught:
        bars("AAPLE", start="2024-03-04", end="2024-03-08")
    assert "BRK-B" in (caught.value.hint or "")


def test_an_empty_range_is_empty(bars) -> None:
    with pytest.raises(NoBars, match="no bars of AAPL from 2023-03-06 to 2023-03-10"):
        bars(start="2023-03-06", end="2023-03-10")


def test_minutes_are_asked_for_by_the_week_and_only_while_yahoo_keeps_them(bars, venue) -> None:
    with pytest.raises(NoBars, match="no bars of AAPL") as caught:
        bars(timeframe="1m", start="2024-01-02", end="2024-01-05")
    assert "its first bars of 1m are of 2024-05-05" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="no bars of 3m"):
        bars(timeframe="3m")


def test_what_the_client_remembers_lies_beside_the_store(bars, archive) -> None:
    bars(start="2024-03-04", end="2024-03-08")
    assert [path.name for path in (archive.folder / ".yfinance").iterdir()]


def test_nobody_at_the_address_is_a_provider_that_is_down(bars, monkeypatch) -> None:
    import yfinance.base

    monkeypatch.setattr(yfinance.base, "_BASE_URL_", "http://127.0.0.1:9")
    with pytest.raises(ProviderDown, match="yfinance does not answer"):
        bars(start="2024-03-04", end="2024-03-08")
