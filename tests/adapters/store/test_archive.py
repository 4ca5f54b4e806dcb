"""The archive: what is stored is not asked for again, what is missing is, and what was known once is known for ever."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.adapters.store.ask import bars_known
from gpt_trader.adapters.venues.reader import TryLater, down, too_often
from gpt_trader.core import failpoints
from gpt_trader.core.bars import Loaded
from gpt_trader.core.errors import (
    BadData,
    GptTraderError,
    Interrupted,
    NoBars,
    NotFound,
    ProviderDown,
    RateLimited,
    UsageError,
)
from gpt_trader.core.market import DAY, Dividend, Split
from gpt_trader.trading.clocks import BarClock
from tests.adapters.store.market import House, Venue, ns

SPRING: dict[str, Any] = {"start": "2024-02-01", "end": "2024-03-31"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data")


def days(loaded: Loaded) -> list[str]:
    return [str(np.datetime64(int(t), "ns"))[:10] for t in loaded.bars.ts]


# --- what is stored is served


def test_the_second_time_nobody_is_asked_and_the_bars_are_the_same(house: House) -> None:
    first = house.load(**SPRING)
    asked = len(house.venue.asked)
    second = house.load(**SPRING)
    assert asked == 6
    assert len(house.venue.asked) == asked
    assert first.bars.content_hash == second.bars.content_hash
    assert days(second)[:: len(second.bars) - 1] == ["2024-02-01", "2024-03-31"]


def test_a_part_of_what_is_stored_needs_no_request_and_is_that_part(house: House) -> None:
    whole = house.load(**SPRING).bars
    house.venue.asked.clear()
    part = house.load(start="2024-02-10", end="2024-02-20").bars
    assert house.venue.asked == []
    assert part.content_hash == whole.between(ns("2024-02-10T00:00Z"), ns("2024-02-21T00:00Z")).content_hash


def test_only_what_is_missing_between_two_parts_is_asked_for(house: House) -> None:
    house.load(start="2024-01-10", end="2024-01-20")
    house.load(start="2024-03-10", end="2024-03-20")
    house.venue.asked.clear()
    house.venue.size = 1_000
    whole = house.load(start="2024-01-05", end="2024-03-25").bars
    asked = [(start, end) for start, end in house.venue.asked]
    assert len(asked) == 3
    assert asked[0] == (ns("2024-01-05T00:00Z"), ns("2024-01-10T00:00Z"))
    assert asked[1] == (ns("2024-01-16T00:00Z"), ns("2024-03-10T00:00Z"))  # with the last five bars again
    assert len(whole) == 81


def test_a_later_day_asks_for_its_new_bars_and_the_last_five_again(house: House) -> None:
    house.refresh(start="2024-05-01")
    house.clock.move_to(ns("2024-06-03T12:00Z"))
    house.venue.asked.clear()
    done = house.refresh()
    assert house.venue.asked == [(ns("2024-05-27T00:00Z"), ns("2024-06-03T00:00Z"))]
    assert (done.added, done.revised, done.requests) == (2, 0, 1)
    assert done.last == "2024-06-02T00:00:00Z"


def test_a_bar_that_still_forms_is_never_stored(house: House) -> None:
    assert days(house.load(start="2024-05-20"))[-1] == "2024-05-31"
    hours = house.load(start="2024-06-01", timeframe="1h").bars
    assert str(np.datetime64(int(hours.ts[-1]), "ns"))[:16] == "2024-06-01T11:00"


def test_nothing_is_asked_twice_within_one_bar(house: House) -> None:
    house.refresh(start="2024-05-01")
    house.venue.asked.clear()
    house.clock.move_to(ns("2024-06-01T23:59Z"))
    assert house.refresh().requests == 0
    assert house.venue.asked == []


# --- what fails is not lost


def test_pages_that_came_before_a_failure_are_kept_and_the_next_call_goes_on_there(house: House) -> None:
    def fail(count: int) -> None:
        if count >= 4:
            raise down("venue", "gone")

    house.venue.on_page = fail
    with pytest.raises(ProviderDown, match="gone") as caught:
        house.load(**SPRING)
    assert "what arrived is kept" in (caught.value.hint or "")
    assert len(house.load(**SPRING, keeping="only").bars) == 30
    house.venue.on_page = lambda _: None
    house.venue.asked.clear()
    assert len(house.load(**SPRING).bars) == 60
    assert house.venue.asked[0][0] == ns("2024-02-26T00:00Z")  # five bars before 2 March


def test_whoever_waits_may_end_it_and_keeps_what_is_whole(house: House) -> None:
    class Impatient:
        def check(self) -> None:
            if len(house.venue.asked) == 2:
                raise Interrupted

        def progress(self, done: float, total: float, text: str) -> None: ...

    with pytest.raises(Interrupted):
        house.archive.refresh(house.request("X", **SPRING), Impatient())
    assert len(house.load(**SPRING, keeping="only").bars) == 20


def test_a_pause_that_the_provider_names_is_kept(house: House) -> None:
    failures = iter([too_often("venue", "7")])

    def fail(count: int) -> None:
        for failure in failures:
            raise failure

    house.venue.on_page = fail
    before = house.clock.monotonic()
    house.load(**SPRING)
    assert house.clock.monotonic() - before == pytest.approx(7.0)


@pytest.mark.parametrize(("wait", "pauses"), [("3600", 0.0), (None, 3.5)])
def test_a_provider_that_will_not_answer_is_given_up_with_a_cure(house: House, wait: str | None, pauses: float) -> None:
    def fail(count: int) -> None:
        raise too_often("venue", wait)

    house.venue.on_page = fail
    before = house.clock.monotonic()
    with pytest.raises(RateLimited, match="too often") as caught:
        house.load(**SPRING)
    assert "run this again" in (caught.value.hint or "")
    assert house.clock.monotonic() - before == pytest.approx(pauses)
    assert not house.folder.exists() or list(house.folder.rglob("*")) == []


@pytest.mark.parametrize(("patience", "pauses"), [(0.0, 0.0), (4.0, 3.5), (20.0, 15.5)])
def test_a_provider_that_does_not_answer_is_asked_again_for_as_long_as_was_wanted(
    house: House, patience: float, pauses: float
) -> None:
    def fail(count: int) -> None:
        raise down("venue", "gone")

    house.venue.on_page, house.venue.patience = fail, patience
    before = house.clock.monotonic()
    with pytest.raises(ProviderDown, match="does not answer") as caught:
        house.load(**SPRING)
    assert "patience: 60" in (caught.value.hint or "")
    assert house.clock.monotonic() - before == pytest.approx(pauses)


def test_a_failure_to_write_leaves_what_was_there(house: House) -> None:
    before = house.load(**SPRING).bars.content_hash
    failpoints.arm("store.written=full")
    try:
        with pytest.raises(GptTraderError, match="No space left on device") as caught:
            house.load(start="2024-02-01", end="2024-04-30")
    finally:
        failpoints.arm("")
    assert "make room" in (caught.value.hint or "")
    assert house.load(**SPRING, keeping="only").bars.content_hash == before
    assert [p.name for p in house.file().parent.iterdir() if p.suffix == ".parquet"] == ["1d.parquet"]


# --- what changes is remembered


def test_a_bar_that_is_corrected_is_known_as_it_was_and_as_it_is(house: House) -> None:
    house.refresh(start="2024-05-01")
    day = ns("2024-05-31T00:00Z")
    old = house.load(start="2024-05-01", keeping="only").bars
    price = house.venue.price
    house.venue.price = lambda at: price(at) + (0.25 if at == day else 0.0)
    house.clock.move_to(ns("2024-06-03T12:00Z"))
    done = house.refresh()
    assert (done.added, done.revised) == (2, 1)
    new = house.load(start="2024-05-01", keeping="only").bars
    assert new.close[list(new.ts).index(day)] == old.close[-1] + 0.25
    then = house.load(start="2024-05-01", as_of="2024-06-02").bars
    assert then.content_hash == old.content_hash
    assert house.load(start="2024-05-01", as_of="2024-06-03").bars.content_hash == new.content_hash


def test_restated_prices_are_seen_and_all_are_asked_for_again(house: House) -> None:
    house.refresh(start="2024-03-01")
    old = house.load(start="2024-03-01", keeping="only").bars
    price = house.venue.price
    house.venue.price = lambda at: price(at) / 2
    house.clock.move_to(ns("2024-06-03T12:00Z"))
    done = house.refresh()
    assert "restated its prices" in done.note
    assert (done.added, done.revised) == (2, len(old))
    new = house.load(start="2024-03-01", keeping="only").bars
    assert new.open[:-2] == pytest.approx(old.open / 2)
    assert house.load(start="2024-03-01", as_of="2024-06-02").bars.content_hash == old.content_hash


def test_a_restatement_that_is_interrupted_is_finished_by_the_next_call(house: House) -> None:
    house.refresh(start="2024-03-01")
    price = house.venue.price
    house.venue.price = lambda at: price(at) / 2
    house.clock.move_to(ns("2024-06-03T12:00Z"))
    start = len(house.venue.asked)

    def fail(count: int) -> None:
        if count > start + 4:
            raise down("venue", "gone")

    house.venue.on_page = fail
    with pytest.raises(ProviderDown):
        house.refresh()
    house.venue.on_page = lambda _: None
    house.refresh(start="2024-03-01")
    new = house.load(start="2024-03-01", keeping="only").bars
    assert new.open == pytest.approx([price(t) / 2 for t in new.ts.tolist()])


def test_before_the_first_download_nothing_was_known(house: House) -> None:
    house.refresh(start="2024-05-01")
    with pytest.raises(NoBars, match="nothing of it was known on 2024-05-31") as caught:
        house.load(as_of="2024-05-31")
    assert "2024-06-01T12:00:00Z" in (caught.value.hint or "")


def test_a_clock_that_was_set_back_makes_nothing_disputed(house: House) -> None:
    house.refresh(start="2024-05-01")
    price = house.venue.price
    house.venue.price = lambda at: price(at) + 1
    house.clock = type(house.clock)(ns("2024-06-01T12:00Z"))
    done = house.refresh(again=True)
    assert done.revised == 31
    loaded = house.load(start="2024-05-01", keeping="only")
    assert loaded.quarantine.total == 0
    assert loaded.bars.open[0] == price(int(loaded.bars.ts[0])) + 1


def test_duckdb_answers_as_pandas_does(house: House) -> None:
    for month in ("06", "07", "08"):
        price = house.venue.price
        house.venue.price = lambda at, price=price: price(at) + (at // DAY % 3 == 0)  # type: ignore[misc]
        house.clock.move_to(ns(f"2024-{month}-03T12:00Z"))
        house.refresh(start="2024-05-01", again=True)
    table = pd.read_parquet(house.file())
    moment = ns("2024-07-15T00:00Z")
    known = table[table["known"] <= moment].sort_values("known").groupby("ts").last()
    found = bars_known(house.file(), 0, 2**62, known=moment)
    assert found["ts"].tolist() == known.index.tolist()
    assert found["close"].tolist() == known["close"].tolist()
    assert len(table) > len(known)


# --- splits, dividends, gaps


def test_splits_and_dividends_are_stored_and_come_with_the_bars(house: House) -> None:
    split, paid = Split("X", ns("2024-02-15T00:00Z"), 4), Dividend("X", ns("2024-03-05T00:00Z"), Decimal("0.24"))
    house.venue.events = (split, paid)
    house.load(**SPRING)
    house.venue.events = ()
    assert house.load(**SPRING, keeping="only").actions == (split, paid)


def test_unknown_splits_and_dividends_are_said_and_stop_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("not in your plan")

    monkeypatch.setattr(house.venue, "actions", refuse)
    assert "not in your plan" in house.refresh(**SPRING).note
    assert len(house.load(**SPRING, keeping="only").bars) == 60


def test_splits_that_could_not_be_had_are_asked_for_again_the_next_time(house: House) -> None:
    split = Split("X", ns("2024-02-15T00:00Z"), 4)
    actions = house.venue.actions

    def gone(*_: object) -> None:
        raise down("venue", "gone")

    house.venue.actions = gone  # type: ignore[assignment]
    assert len(house.load(**SPRING).bars) == 60
    house.venue.actions, house.venue.events = actions, (split,)  # type: ignore[method-assign]
    asked = len(house.venue.asked)
    assert house.load(**SPRING).actions == (split,)
    assert house.load(**SPRING).actions == (split,)
    assert len(house.venue.asked) == asked


def test_gaps_are_asked_for_again_by_name_and_filled_when_the_provider_has_them(house: House) -> None:
    lost = {ns("2024-02-10T00:00Z"), ns("2024-02-11T00:00Z")}
    page = house.venue.page

    def holed(symbol, timeframe, start_ns, end_ns):
        found = page(symbol, timeframe, start_ns, end_ns)
        kept = ~np.isin(found.columns["ts"], list(lost))
        return replace(found, columns={name: column[kept] for name, column in found.columns.items()})

    house.venue.page = holed  # type: ignore[method-assign]
    house.refresh(**SPRING)
    assert house.load(**SPRING).quarantine.missing == 2
    assert house.refresh(**SPRING).requests == 0
    lost.clear()
    assert house.refresh(**SPRING, gaps=True).added == 2
    assert house.load(**SPRING).quarantine.missing == 0


# --- files


def test_a_file_that_was_cut_off_is_an_error_that_names_the_cure_and_the_cure_works(house: House) -> None:
    want = house.load(**SPRING).bars.content_hash
    whole = house.file().read_bytes()
    house.file().write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadData, match="the stored file of venue X 1d is damaged") as caught:
        house.load(**SPRING)
    assert "gpt-trader data fetch X --provider venue --timeframe 1d --again" in (caught.value.hint or "")
    with pytest.raises(BadData):
        house.refresh(**SPRING)
    assert [k.damaged[:15] for k in house.archive.kept()] == ["the stored file"]
    house.refresh(**SPRING, again=True)
    assert house.load(**SPRING).bars.content_hash == want
    assert house.file().with_suffix(".damaged").read_bytes() == whole[: len(whole) // 2]


def test_a_flipped_bit_is_noticed(house: House) -> None:
    house.load(**SPRING)
    whole = bytearray(house.file().read_bytes())
    whole[600] ^= 0x10
    house.file().write_bytes(whole)
    with pytest.raises(BadData, match="damaged"):
        house.load(**SPRING)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "..", ".", "a b", "^GSPC", "EURUSD=X", "ÄÖ", "x" * 100, "%2F", "\\x"])
def test_whatever_a_symbol_is_written_with_it_has_one_folder_in_the_store(house: House, symbol: str) -> None:
    house.venue.symbols = (symbol,)
    house.load(symbol, **SPRING)
    (kept,) = house.archive.kept()
    assert (kept.symbol, kept.bars) == (symbol, 60)
    (file,) = house.folder.parent.rglob("*.parquet")
    assert file.parent.parent == house.folder / "venue"


@pytest.mark.parametrize("symbol", ["", "x" * 400])
def test_a_name_that_cannot_be_a_folder_is_refused(house: House, symbol: str) -> None:
    with pytest.raises(UsageError, match="cannot be stored"):
        house.load(symbol)


def test_a_listing_tells_range_count_hash_and_change(house: House) -> None:
    house.refresh("X", **SPRING)
    house.refresh("Y", timeframe="1h", start="2024-05-30", end="2024-05-30")
    kept = {k.symbol: k for k in house.archive.kept()}
    assert (kept["X"].bars, kept["X"].first, kept["X"].last) == (60, "2024-02-01T00:00:00Z", "2024-03-31T00:00:00Z")
    assert (kept["Y"].timeframe, kept["Y"].bars) == ("1h", 24)
    assert kept["X"].changed == "2024-06-01T12:00:00Z"
    assert len(kept["X"].hash) == 64
    assert kept["X"].size == house.file().stat().st_size


def test_two_at_once_ask_once_and_lose_nothing(house: House) -> None:
    """The second waits for the first, in real time, and finds the bars there."""

    class Slow(BarClock):
        def monotonic(self) -> float:
            return time.monotonic()

        def sleep(self, seconds: float) -> None:
            time.sleep(seconds)

    barrier = threading.Barrier(2)
    results: list[int] = []

    def run() -> None:
        other = House(house.folder, house.venue, Slow(house.clock.ns))
        barrier.wait()
        results.append(len(other.load(**SPRING).bars))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [60, 60]
    assert len(house.venue.asked) == 6


def test_whoever_waits_too_long_for_another_process_is_told_so(house: House) -> None:
    from gpt_trader.adapters.store.archive import Nobody
    from gpt_trader.adapters.store.place import owned

    other = House(house.folder)
    with owned(house.file(), house.clock, Nobody()), pytest.raises(GptTraderError, match="another process") as caught:
        other.load(**SPRING)
    assert "wait" in (caught.value.hint or "")
    assert len(other.load(**SPRING).bars) == 60


# --- what cannot be had


def test_stored_bars_alone_need_no_provider(house: House) -> None:
    with pytest.raises(NotFound, match="nothing of venue X is stored") as caught:
        house.load(keeping="only")
    assert "gpt-trader data fetch X --provider venue" in (caught.value.hint or "")
    house.load(**SPRING)
    with pytest.raises(NotFound) as near:
        house.load("XX", keeping="only")
    assert near.value.hint == "did you mean 'X'?"
    assert len(house.load(keeping="only").bars) == 60


def test_a_provider_that_is_down_is_replaced_by_the_store_only_where_that_was_asked_for(house: House) -> None:
    house.load(**SPRING)

    def fail(count: int) -> None:
        raise down("venue", "gone")

    house.venue.on_page = fail
    longer = {"start": "2024-02-01", "end": "2024-04-30"}
    with pytest.raises(ProviderDown) as caught:
        house.load(**longer)
    assert "store: fallback" in (caught.value.hint or "")
    loaded = house.load(**longer, keeping="fallback")
    assert len(loaded.bars) == 60
    told = "the provider was down, these bars are the stored ones"
    assert told in loaded.bars.provenance.note
    assert any(told in line for line in loaded.quarantine.lines())
    with pytest.raises(ProviderDown):
        house.load("Y", **longer, keeping="fallback")


def test_a_weekend_a_holiday_and_the_future_are_answered_without_a_request(house: House) -> None:
    house.venue = Venue(calendar="XNYS", zone="America/New_York")
    with pytest.raises(NoBars, match="which is a weekend"):
        house.load(start="2024-03-02", end="2024-03-03")
    with pytest.raises(NoBars, match="XNYS has no session then"):
        house.load(start="2024-03-29", end="2024-03-29")  # Good Friday
    with pytest.raises(NoBars, match="none of them is over yet"):
        house.load(start="2024-07-01", end="2024-07-31")
    with pytest.raises(NoBars, match="2023") as early:
        house.load(start="2023-01-01", end="2023-12-30")
    assert "its first bars of 1d are of" in (early.value.hint or "")
    assert house.venue.asked == []


def test_the_day_that_has_closed_is_over_where_the_calendar_is_known(house: House) -> None:
    house.venue = Venue(calendar="XNYS", zone="America/New_York", first=ns("2024-01-01T05:00Z"))
    house.clock = type(house.clock)(ns("2024-05-31T19:59Z"))
    assert days(house.load(start="2024-05-20"))[-1] == "2024-05-30"
    house.clock.move_to(ns("2024-05-31T20:00Z"))
    assert days(house.load(start="2024-05-20"))[-1] == "2024-05-31"


def test_a_symbol_of_which_nothing_comes_leaves_nothing_behind(house: House) -> None:
    house.load("X", **SPRING)
    with pytest.raises(NoBars, match="venue: no bars of XY from 2024-02-01 to 2024-03-31") as caught:
        house.load("XY", **SPRING)
    assert caught.value.hint == "did you mean 'X'?"
    assert [p.name for p in (house.folder / "venue").iterdir()] == ["X"]


def test_a_column_without_any_number_is_refused_and_nothing_of_it_is_stored(house: House) -> None:
    house.venue.price = lambda at: float("nan")
    with pytest.raises(BadData, match="column 'open' of X holds no number at all"):
        house.load(**SPRING)
    assert list(house.archive.kept()) == []


def test_one_bar_is_no_series_but_is_kept_for_later(house: House) -> None:
    with pytest.raises(NoBars, match="only one bar"):
        house.load(start="2024-02-01", end="2024-02-01")
    assert [k.bars for k in house.archive.kept()] == [1]
    assert len(house.load(start="2024-02-01", end="2024-02-02").bars) == 2


def test_a_length_that_the_provider_has_not_is_answered_with_those_that_it_has(house: House) -> None:
    with pytest.raises(UsageError, match="venue has no bars of 7m") as caught:
        house.load(timeframe="7m")
    assert "1m, 1h, 1d" in (caught.value.hint or "")


def test_an_answer_that_leads_nowhere_ends(house: House) -> None:
    house.venue.page = lambda symbol, timeframe, start_ns, end_ns: replace(  # type: ignore[method-assign]
        Venue().page(symbol, timeframe, start_ns, end_ns), until=start_ns
    )
    with pytest.raises(BadData, match="leads nowhere"):
        house.load(**SPRING)


def test_a_dry_run_says_what_would_be_asked_for_and_asks_nobody(house: House) -> None:
    plan = house.refresh(start="2024-02-01", end="2024-02-29", dry=True)
    assert plan.missing == "2024-02-01T00:00:00Z to 2024-03-01T00:00:00Z"
    assert house.venue.asked == []
    assert not house.folder.exists()


def test_rows_that_disagree_are_stored_and_kept_out_of_the_bars(house: House) -> None:
    page = house.venue.page

    def twice(symbol, timeframe, start_ns, end_ns):
        found = page(symbol, timeframe, start_ns, end_ns)
        columns = {name: np.append(column, column[:1]) for name, column in found.columns.items()}
        columns["close"][-1] += 0.1
        return replace(found, columns=columns)

    house.venue.page = twice  # type: ignore[method-assign]
    loaded = house.load(start="2024-02-01", end="2024-02-09")
    assert loaded.quarantine.counts == {"conflicting_duplicate": 2}
    assert len(loaded.bars) == 8


# --- files and the sample in the store


def test_the_sample_can_be_stored_and_is_then_what_it_is(house: House) -> None:
    done = house.refresh("IBM", provider="sample", start="2012-01-01")
    assert (done.added, done.requests) == (291, 0)
    assert house.refresh("IBM", provider="sample", start="2012-01-01").added == 0
    direct = house.load("IBM", provider="sample", start="2012-01-01")
    stored = house.load("IBM", provider="sample", start="2012-01-01", keeping="only")
    assert stored.bars.content_hash == direct.bars.content_hash
    assert stored.bars.provenance.origin == "sample"
    assert "bokeh_sampledata" in stored.bars.provenance.note


def test_the_splits_of_the_sample_are_stored_with_it(house: House) -> None:
    house.refresh("AAPL", provider="sample")
    assert [a.ns for a in house.load("AAPL", provider="sample", keeping="only").actions] == [
        ns("2000-06-21T00:00-04:00"),
        ns("2005-02-28T00:00-05:00"),
    ]


@pytest.mark.parametrize("length", ["1m", "1w"])
@pytest.mark.parametrize("dry", [False, True])
def test_bars_of_another_length_than_there_are_cannot_be_stored(house: House, length: str, dry: bool) -> None:
    with pytest.raises(UsageError, match="the bars of IBM are of 1d, and are stored as they are") as error:
        house.refresh("IBM", provider="sample", timeframe=length, dry=dry)
    assert "name no timeframe" in (error.value.hint or "")
    assert list(house.archive.kept()) == []
    assert house.refresh("IBM", provider="sample", timeframe="1d").added == 3270


def test_a_dry_run_of_the_sample_counts_and_writes_nothing(house: House) -> None:
    assert house.refresh("IBM", provider="sample", dry=True).added == 3270
    assert not house.folder.exists()


def test_made_up_bars_are_not_stored(house: House) -> None:
    with pytest.raises(UsageError, match="need no store"):
        house.refresh("X", provider="synthetic", options={"seed": 1})


def test_longer_bars_are_made_of_the_stored_ones_that_fit(house: House) -> None:
    house.load(start="2024-05-01", end="2024-05-03", timeframe="1h")
    loaded = house.load(keeping="only", timeframe="1d")
    assert str(loaded.bars.timeframe) == "1h"
    with pytest.raises(NotFound, match="no bars are stored that 1m could be made of") as caught:
        house.load(keeping="only", timeframe="1m")
    assert caught.value.hint == "there are: 1h"


def test_a_venue_is_a_source_of_bars_for_whoever_knows_only_sources(house: House) -> None:
    source = house.archive.maker("venue")({"timeframe": "1h"})
    loaded = source.load("X", start="2024-05-01", end="2024-05-02")
    assert (str(loaded.bars.timeframe), len(loaded.bars)) == ("1h", 48)
    assert source.symbols() == ()


def test_a_failure_that_is_final_is_not_tried_again(house: House) -> None:
    def fail(count: int) -> None:
        raise NotFound("no such symbol")

    house.venue.on_page = fail
    with pytest.raises(NotFound):
        house.load(**SPRING)
    assert len(house.venue.asked) == 1
    assert isinstance(down("x", "y"), TryLater)


def test_a_file_put_in_the_place_of_another_has_another_stamp(house: House, tmp_path: Path) -> None:
    """Of the same size, and neither the newest before nor after: only its own time and number tell."""
    folder = tmp_path / "bars"
    folder.mkdir()
    for name, second in (("A.csv", 1_000), ("B.csv", 2_000)):
        (folder / name).write_text("aaaa")
        os.utime(folder / name, (second, second))
    request = house.request("A", provider="csv", options={"path": str(folder)})
    before = house.archive.stamp(request)
    assert house.archive.stamp(request) == before
    for second in (1_500, 1_000):
        fresh = tmp_path / "fresh.csv"
        fresh.write_text("bbbb")
        os.utime(fresh, (second, second))
        fresh.replace(folder / "A.csv")
        after = house.archive.stamp(request)
        assert after != before
        before = after


def test_bars_of_a_source_without_files_are_the_same_only_where_they_never_change(house: House) -> None:
    def stamps(provider: str) -> set[str]:
        return {house.archive.stamp(house.request("A", provider=provider)) for _ in range(2)}

    assert stamps("sample") == stamps("synthetic") == {""}
    assert len(stamps("homemade")) == 2
