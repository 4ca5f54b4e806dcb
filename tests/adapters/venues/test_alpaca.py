"""US shares: the real client of Alpaca against a server that speaks as Alpaca does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gpt_trader.core.errors import NoBars, NotAuthorised, ProviderDown, UsageError
from gpt_trader.core.market import Dividend, Split
from tests.adapters.store.market import ns
from tests.adapters.venues.local import BROKEN, LATER, MINUTE_MS, Alpaca, Answer, row_at

NEW_YORK = ZoneInfo("America/New_York")
PATH = "/v2/stocks/bars"


def weekdays(first: str, last: str) -> list[datetime]:
    day, end = (datetime.fromisoformat(text).replace(tzinfo=NEW_YORK) for text in (first, last))
    found = []
    while day <= end:
        if day.weekday() < 5:
            found.append(day.astimezone(UTC))
        day += timedelta(1)
    return found


@pytest.fixture
def venue(started) -> Alpaca:
    return started(Alpaca(weekdays("2024-01-02", "2024-05-31")))


@pytest.fixture(autouse=True)
def _key(monkeypatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "PKTEST")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "very-secret")


@pytest.fixture
def bars(load, venue):
    return lambda symbol="AAPL", **given: load(symbol, **{"provider": "alpaca", "options": {"url": venue.url}, **given})


def test_daily_bars_open_at_midnight_in_new_york_also_after_the_clocks_changed(bars, venue) -> None:
    found = bars(start="2024-03-07", end="2024-03-13").bars
    days = ["2024-03-07T00:00-05:00", "2024-03-08T00:00-05:00"]
    days += [f"2024-03-{day}T00:00-04:00" for day in (11, 12, 13)]
    assert found.ts.tolist() == [ns(day) for day in days]
    assert found.close.tolist() == [row_at(t // 1_000_000, MINUTE_MS)[3] for t in found.ts.tolist()]
    (query,) = venue.asked(PATH)
    assert (query["adjustment"], query["timeframe"]) == ("raw", "1Day")


def test_pages_of_the_server_and_pages_of_ours_are_one_series(bars, started) -> None:
    minutes = [datetime(2024, 3, 4, 14, 30, tzinfo=UTC) + timedelta(minutes=n) for n in range(12_345)]
    venue = started(Alpaca(minutes, page=4_000))
    given = {"options": {"url": venue.url}, "timeframe": "1m", "start": "2024-03-01", "end": "2024-03-31"}
    found = bars(**given).bars
    assert (np.diff(found.ts) == 60_000_000_000).all()
    assert len(found) == 12_345
    assert [q.get("page_token") for q in venue.asked(PATH)] == [None, "4000", "8000", None]
    venue.seen.clear()
    assert len(bars(**given).bars) == 12_345
    assert venue.seen == []


def test_splits_and_dividends_come_along_and_are_stored(bars, venue) -> None:
    venue.actions = {
        "forward_splits": [{"symbol": "AAPL", "new_rate": 4, "old_rate": 1, "ex_date": "2024-03-12"}],
        "reverse_splits": [{"symbol": "AAPL", "new_rate": 1, "old_rate": 1.5, "ex_date": "2024-04-02"}],
        "cash_dividends": [{"symbol": "AAPL", "rate": 0.24, "ex_date": "2024-05-10"}],
    }
    want = (
        Split("AAPL", ns("2024-03-12T00:00-04:00"), 4, 1),
        Split("AAPL", ns("2024-04-02T00:00-04:00"), 2, 3),
        Dividend("AAPL", ns("2024-05-10T00:00-04:00"), Decimal("0.24")),
    )
    assert bars(start="2024-03-01", end="2024-05-30").actions == want
    venue.seen.clear()
    assert bars(start="2024-03-01", end="2024-05-30").actions == want
    assert venue.seen == []


@pytest.mark.parametrize("fault", [LATER, BROKEN, Answer('{"bars": {"AAPL"'), Answer({"bars": {}}, cut=5), Answer("")])
def test_one_bad_answer_is_asked_for_again(bars, venue, fault) -> None:
    venue.faults.append(fault)
    assert len(bars(start="2024-03-04", end="2024-03-08").bars) == 5


def test_a_pause_that_alpaca_names_is_kept_and_the_clients_own_is_off(bars, venue, clock) -> None:
    venue.faults.append(LATER)
    before = clock.monotonic()
    bars(start="2024-03-04", end="2024-03-08")
    assert clock.monotonic() - before == pytest.approx(2.0)
    assert len(venue.asked(PATH)) == 2


def test_a_wrong_key_is_said_with_its_cure_and_never_shown(bars, venue, archive, monkeypatch) -> None:
    venue.echo = True
    monkeypatch.setenv("APCA_API_SECRET_KEY", "wrong-secret-of-mine")
    with pytest.raises(NotAuthorised, match="alpaca refuses") as caught:
        bars(start="2024-03-04", end="2024-03-08")
    told = f"{caught.value.message} {caught.value.hint} {caught.value.__cause__} {caught.value.__context__!r}"
    assert "wrong-secret-of-mine" not in f"{caught.value.message} {caught.value.hint}"
    assert "APCA_API_KEY_ID" in told
    assert caught.value.exit_code == 4
    assert list(archive.kept()) == []
    assert len(venue.asked(PATH)) == 1


def test_a_missing_key_is_said_before_anybody_is_asked(bars, venue, monkeypatch) -> None:
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    with pytest.raises(NotAuthorised, match="there is none") as caught:
        bars(start="2024-03-04", end="2024-03-08")
    assert "APCA_API_SECRET_KEY" in (caught.value.hint or "")
    assert venue.seen == []


def test_a_symbol_that_alpaca_does_not_know_has_no_bars_and_leaves_nothing(bars, archive) -> None:
    bars(start="2024-03-04", end="2024-03-08")
    with pytest.raises(NoBars, match="no bars of AAPLE") as near:
        bars("AAPLE", start="2024-03-04", end="2024-03-08")
    assert near.value.hint == "did you mean 'AAPL'?"
    with pytest.raises(UsageError, match="invalid symbol"):
        bars("A/B", start="2024-03-04", end="2024-03-08")
    assert [kept.symbol for kept in archive.kept()] == ["AAPL"]


def test_a_holiday_needs_no_request(bars, venue) -> None:
    with pytest.raises(NoBars, match="XNYS has no session"):
        bars(start="2024-03-29", end="2024-03-29")
    assert venue.seen == []


def test_gaps_are_measured_by_the_calendar_of_new_york(bars, venue) -> None:
    """Good Friday and Memorial Day were bars here, but no sessions; a Tuesday is missing."""
    venue.moments = [m for m in venue.moments if m.date().isoformat() != "2024-04-09"]
    found = bars(start="2024-03-01", end="2024-05-30", calendar="auto")
    assert (found.quarantine.gap_count, found.quarantine.missing) == (1, 1)


def test_hours_are_asked_for_by_their_own_name_and_unknown_lengths_are_refused(bars, venue) -> None:
    venue.moments = [datetime(2024, 3, 4, h, tzinfo=UTC) for h in range(14, 21)]
    assert len(bars(timeframe="1h", start="2024-03-04", end="2024-03-05").bars) == 7
    assert venue.asked(PATH)[0]["timeframe"] == "1Hour"
    with pytest.raises(UsageError, match="alpaca has no bars of 7m"):
        bars(timeframe="7m")


def test_nobody_at_the_address_is_a_provider_that_is_down(load) -> None:
    with pytest.raises(ProviderDown, match="alpaca does not answer"):
        load("AAPL", provider="alpaca", options={"url": "http://127.0.0.1:9"}, start="2024-03-04", end="2024-03-08")


def test_only_known_feeds_are_asked_for(bars, venue) -> None:
    bars(options={"url": venue.url, "feed": "iex"}, start="2024-03-04", end="2024-03-08")
    assert venue.asked(PATH)[0]["feed"] == "iex"
    with pytest.raises(UsageError, match="feed"):
        bars(options={"url": venue.url, "feed": "best"})
