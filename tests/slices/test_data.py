"""The data slice against the source's own columns, pandas, and hand-made files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from bokeh_sampledata import stocks

from gpt_trader.adapters.store.archive import LocalArchive
from gpt_trader.app.feeds import feed_catalog, venue_catalog
from gpt_trader.core.errors import GptTraderError, NoBars, NotFound, RunCancelled, UsageError, ValidationError
from gpt_trader.core.frames import bars_of
from gpt_trader.slices.data.params import Check
from gpt_trader.slices.data.slice import Data
from gpt_trader.trading.clocks import WallClock
from tests.adapters.store.market import House, ns

LINES = """date,open,high,low,close,volume
2024-01-02,10,11,9,10.5,1000
2024-01-03,10.5,12,10,11,1100
2024-01-04,11,11.5,10.5,11.2,900
2024-01-05,5.6,5.8,5.5,5.7,2000
2024-01-08,5.7,6,5.6,5.9,1900
"""

ADJUSTED = """date,open,high,low,close,adj close,volume
2024-01-02,100,100,100,100,90,1000
2024-01-03,100,100,100,100,90,1000
2024-01-04,90,90,90,90,90,1000
2024-01-05,90,90,90,90,90,1000
"""


@pytest.fixture
def data(tmp_path: Path) -> Data:
    feeds = feed_catalog()
    archive = LocalArchive(
        folder=tmp_path / "store", clock=WallClock(), feeds=feeds, venues=venue_catalog(tmp_path / "cache")
    )
    return Data(archive, feeds)


@pytest.fixture
def fetch(data, ctx):
    return lambda **given: data.get_historical(Data.methods["get_historical"].check(given), ctx)


def raw(name: str) -> pd.DataFrame:
    return pd.DataFrame(getattr(stocks, name)).assign(date=lambda f: pd.to_datetime(f["date"]))


def test_the_sample_is_what_its_package_holds(fetch):
    got = fetch(symbols=["IBM"], start="2004-02-02", end="2004-12-31").bars
    want = raw("IBM")[lambda f: (f["date"] >= "2004-02-02") & (f["date"] <= "2004-12-31")]
    assert got["close"].tolist() == want["close"].tolist()
    assert got["volume"].tolist() == want["volume"].tolist()
    assert got["time"].dt.tz_convert("America/New_York").dt.tz_localize(None).tolist() == want["date"].tolist()


def test_splits_of_the_sample_leave_no_jump_and_the_last_price_as_it_was(fetch):
    got = fetch(symbols=["AAPL"])
    plain = raw("AAPL")
    ratio = plain["date"].map(
        lambda d: (2 if d < pd.Timestamp("2000-06-21") else 1) * (2 if d < pd.Timestamp("2005-02-28") else 1)
    )
    assert (got.bars["close"].to_numpy() == (plain["close"] / ratio).to_numpy()).all()
    assert (got.bars["volume"].to_numpy() == (plain["volume"] * ratio).to_numpy()).all()
    assert got.data_provenance["AAPL"]["prices"] == "adjusted"
    assert "2 for 1 on 2005-02-28" in got.data_provenance["AAPL"]["note"]
    assert got.quarantine["AAPL"]["lines"] == ["gaps: 1, 4 bars missing, none filled"]


def test_raw_prices_are_given_by_name_and_their_jumps_are_told(fetch):
    got = fetch(symbols=["AAPL"], adjust="none")
    assert got.bars["close"].tolist() == raw("AAPL")["close"].tolist()
    assert got.data_provenance["AAPL"]["prices"] == "raw"
    told = [line for line in got.quarantine["AAPL"]["lines"] if "after a split" in line]
    assert [line[:10] for line in told] == ["2000-06-21", "2005-02-28"]  # and not the crash of 2000-09-29


def test_a_resumed_run_sees_the_same_bars(fetch, resumed):
    got = fetch(symbols=["AAPL", "MSFT"])
    again = resumed(got)
    first, second = (bars_of(o["bars"], o["data_provenance"]) for o in (got.__dict__, again))
    assert [b.content_hash for b in first] == [b.content_hash for b in second]
    assert {k: again[k] for k in ("quarantine", "data_provenance", "bar_count")} == {
        k: getattr(got, k) for k in ("quarantine", "data_provenance", "bar_count")
    }


def test_made_up_bars_follow_their_seed_and_say_that_they_are_made_up(fetch):
    one, same, other = (
        fetch(symbols=["X"], provider="synthetic", options={"seed": seed, "bars": 50}) for seed in (3, 3, 4)
    )
    assert one.data_provenance == same.data_provenance
    assert one.data_provenance["X"]["hash"] != other.data_provenance["X"]["hash"]
    assert one.data_provenance["X"]["origin"] == "synthetic"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ACME.csv").write_text(LINES)
    frame = pd.read_csv(tmp_path / "ACME.csv", parse_dates=["date"])
    frame.to_parquet(tmp_path / "ACME.parquet")
    return tmp_path


def test_csv_and_parquet_give_the_same_bars(fetch, folder):
    from_csv = fetch(symbols=["ACME"], provider="csv", path=str(folder))
    assert from_csv.bars["close"].tolist() == [10.5, 11.0, 11.2, 5.7, 5.9]
    from_parquet = fetch(symbols=["ACME"], provider="parquet", path=str(folder), options={"zone": "America/New_York"})
    assert from_parquet.data_provenance["ACME"]["hash"] == from_csv.data_provenance["ACME"]["hash"]


def test_a_split_that_the_user_names_is_applied(fetch, folder):
    got = fetch(symbols=["ACME"], provider="csv", path=str(folder), splits={"ACME": {"2024-01-05": 2}})
    assert got.bars["close"].tolist() == [5.25, 5.5, 5.6, 5.7, 5.9]
    assert got.bars["volume"].tolist() == [2000, 2200, 1800, 2000, 1900]


def test_check_tells_of_bad_rows_and_jumps_and_of_what_cannot_be_read(data, ctx, folder):
    (folder / "BAD.csv").write_text(LINES + "2024-01-09,6,5,7,6,10\n")
    found = data.check(Check(symbols=["ACME", "BAD", "NONE"], provider="csv", path=str(folder)), ctx)
    assert not found.ok
    told = {(f["symbol"], f["severity"], f["text"].split(":")[0]) for f in found.findings}
    assert ("ACME", "warning", "2024-01-05") in told
    assert ("BAD", "warning", "high_below_low") in told
    assert [f["severity"] for f in found.findings if f["symbol"] == "NONE"] == ["critical"]
    assert [(c["symbol"], c["bars"], c["kept_out"]) for c in found.checks] == [("ACME", 5, 0), ("BAD", 5, 1)]


def test_check_finds_the_sample_in_order(data, ctx):
    found = data.check(Check(symbols=["AAPL", "FB", "GOOG", "IBM", "MSFT"]), ctx)
    assert found.ok
    assert [c["suspected_splits"] for c in found.checks] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("given", "kind", "words", "hint"),
    [
        ({"symbols": ["APPL"]}, NotFound, "'APPL'", "AAPL"),
        ({"symbols": ["AAPL"], "start": "2020-01-01"}, NoBars, "no bars of AAPL", "to 2013-03-01"),
        ({"symbols": ["AAPL"], "start": "2010-01-09", "end": "2010-01-10"}, NoBars, "which is a weekend", ""),
        ({"symbols": ["AAPL"], "start": "2010-01-05", "end": "2010-01-05"}, NoBars, "only one bar", "widen"),
        ({"symbols": ["AAPL"], "start": "2010-02-01", "end": "2010-01-01"}, UsageError, "empty", "before"),
        ({"symbols": ["AAPL"], "start": "yesterday"}, UsageError, "neither a date nor a time", "2024-01-31"),
        ({"symbols": ["AAPL"], "provider": "smaple"}, NotFound, "smaple", "sample"),
        ({"symbols": ["AAPL"], "provider": "alpca"}, NotFound, "alpca", "alpaca"),
        ({"symbols": ["AAPL"], "path": "x.csv"}, UsageError, "path", "calendar"),
        ({"symbols": ["AAPL"], "provider": "csv"}, UsageError, "path", "csv takes"),
        ({"symbols": ["AAPL"], "provider": "csv", "path": "/nowhere/x.csv"}, NotFound, "no file", ""),
        ({"symbols": ["X"], "provider": "synthetic", "options": {"sed": 1}}, UsageError, "sed", "seed"),
        ({"symbols": ["AAPL", "AAPL"]}, ValidationError, "named twice", ""),
        ({"symbols": []}, ValidationError, "symbols", ""),
        ({"symbols": ["AAPL"], "splits": {"AAPL": {"soon": 2}}}, UsageError, "'soon'", "2005-02-28"),
        ({"symbols": ["AAPL"], "splits": {"AAPL": {"2005-02-28": 0}}}, UsageError, "0 for 1", ""),
    ],
)
def test_a_wrong_request_says_what_is_wrong_and_what_to_do(fetch, given, kind, words, hint):
    with pytest.raises(kind) as caught:
        fetch(**given)
    assert isinstance(caught.value, GptTraderError)
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")


# --- lengths, hours, splits and dividends


MINUTES = "time,open,high,low,close,volume\n" + "".join(
    f"2012-07-0{day}T{9 + minute // 60:02}:{minute % 60:02}:00-04:00,10,11,9,10.5,{minute}\n"
    for day in (2, 3, 5)
    for minute in range(0, 480, 5)
)
"""Every five minutes from nine to five; on 3 July 2012 New York closed at one."""


def test_shorter_bars_become_days_by_the_exchanges_hours(fetch, tmp_path):
    (tmp_path / "ACME.csv").write_text(MINUTES)
    got = fetch(symbols=["ACME"], provider="csv", path=str(tmp_path), timeframe="1d", calendar="XNYS")
    want = [sum(range(30, end, 5)) for end in (420, 240, 420)]
    assert got.bars["volume"].tolist() == want
    assert got.bars["time"].dt.tz_convert("America/New_York").dt.strftime("%d %H:%M").tolist() == [
        "02 00:00", "03 00:00", "05 00:00"
    ]  # fmt: skip
    assert got.data_provenance["ACME"]["timeframe"] == "1d"
    assert "by the sessions of XNYS" in got.data_provenance["ACME"]["note"]
    with pytest.raises(UsageError, match="there can be none of 1m"):
        fetch(symbols=["ACME"], provider="csv", path=str(tmp_path), timeframe="1m")


def test_the_calendar_explains_what_is_no_gap(fetch):
    """The exchange was closed for four days after 11 September 2001."""
    got = fetch(symbols=["IBM"], calendar="XNYS")
    assert got.quarantine["IBM"]["missing"] == 0


def test_dividends_are_taken_off_by_name_as_the_usual_formula_says(fetch, folder):
    given = {"symbols": ["ACME"], "provider": "csv", "path": str(folder), "dividends": {"ACME": {"2024-01-04": 0.22}}}
    got = fetch(**given, adjust="all")
    left = 1 - 0.22 / 11
    assert got.bars["close"].tolist() == pytest.approx([10.5 * left, 11 * left, 11.2, 5.7, 5.9])
    assert got.bars["volume"].tolist() == [1000, 1100, 900, 2000, 1900]
    assert got.actions == []
    kept = fetch(**given)
    assert kept.bars["close"].tolist() == [10.5, 11.0, 11.2, 5.7, 5.9]
    assert [(a["kind"], a["day"], a["amount"]) for a in kept.actions] == [("dividend", "2024-01-04", "0.22")]


def test_a_dividend_before_a_split_is_one_in_new_shares_and_the_order_does_not_matter(fetch, folder):
    got = fetch(
        symbols=["ACME"], provider="csv", path=str(folder),
        splits={"ACME": {"2024-01-05": 2}}, dividends={"ACME": {"2024-01-04": 0.22}},
    )  # fmt: skip
    assert [a["amount"] for a in got.actions] == ["0.110"]
    whole = fetch(
        symbols=["ACME"], provider="csv", path=str(folder), adjust="all",
        splits={"ACME": {"2024-01-05": 2}}, dividends={"ACME": {"2024-01-04": 0.22}},
    )  # fmt: skip
    left = 1 - 0.22 / 11
    assert whole.bars["close"].tolist() == pytest.approx([5.25 * left, 5.5 * left, 5.6, 5.7, 5.9])


def test_a_dividend_above_the_price_is_refused(fetch, folder):
    with pytest.raises(ValidationError, match=r"a dividend of 12\.0 for ACME"):
        fetch(
            symbols=["ACME"], provider="csv", path=str(folder), adjust="all", dividends={"ACME": {"2024-01-04": 12.0}}
        )


@pytest.mark.parametrize("adjust", ["splits", "all", "none"])
def test_dividends_are_not_paid_beside_an_adjusted_close(fetch, tmp_path, adjust):
    (tmp_path / "ACME.csv").write_text(ADJUSTED)
    given = {"symbols": ["ACME"], "provider": "csv", "path": str(tmp_path), "adjust": adjust}
    paid = {"dividends": {"ACME": {"2024-01-04": 10.0}}}
    with pytest.raises(UsageError, match="has its dividends in it already") as caught:
        fetch(**given, options={"prices": "adjusted"}, **paid)
    assert "raw" in (caught.value.hint or "")
    assert fetch(**given, options={"prices": "adjusted"}).bars["close"].tolist() == [90.0, 90.0, 90.0, 90.0]
    assert fetch(**given, **paid).bars["close"].tolist()[2:] == [90.0, 90.0]


def test_raw_prices_come_with_the_splits_that_are_not_in_them(fetch):
    got = fetch(symbols=["AAPL"], adjust="none")
    assert [(a["kind"], a["day"], a["new"], a["old"]) for a in got.actions] == [
        ("split", "2000-06-21", 2, 1),
        ("split", "2005-02-28", 2, 1),
    ]
    assert fetch(symbols=["AAPL"]).actions == []


def test_a_split_beyond_the_bars_changes_nothing(fetch):
    got = fetch(symbols=["AAPL"], start="2006-01-03")
    assert got.data_provenance["AAPL"]["prices"] == "raw"
    assert got.actions == []


# --- the store


@pytest.fixture
def house(tmp_path) -> House:
    return House(tmp_path / "store")


@pytest.fixture
def stored(house) -> Data:
    return Data(house.archive, feed_catalog())


def call(data, method, ctx, **given):
    return getattr(data, method)(Data.methods[method].check(given), ctx)


VENUE = {"symbols": ["X", "Y"], "provider": "venue", "start": "2024-05-01", "end": "2024-05-20"}


def test_a_venue_is_asked_once_and_then_the_store_serves(stored, house, ctx, resumed):
    first = call(stored, "get_historical", ctx, **VENUE)
    asked = len(house.venue.asked)
    second = call(stored, "get_historical", ctx, **VENUE)
    assert len(house.venue.asked) == asked == 4
    assert first.data_provenance == second.data_provenance
    assert first.bar_count == 40
    assert resumed(second)["data_provenance"] == first.data_provenance


def test_refresh_tells_what_came_and_makes_it_known(stored, house, ctx, resumed):
    heard = []
    ctx = replace(ctx, record=lambda topic, payload: heard.append((topic, payload["symbol"], payload["added"])))
    got = call(stored, "refresh", ctx, **VENUE)
    assert (got.added, got.revised) == (40, 0)
    assert [row["bars"] for row in got.refreshed] == [20, 20]
    assert heard == [("market.data.updated", "X", 20), ("market.data.updated", "Y", 20)]
    assert resumed(got) == got.__dict__
    heard.clear()
    assert call(stored, "refresh", ctx, **VENUE).added == 0
    assert heard == []


def test_progress_runs_from_nothing_to_all(stored, ctx):
    seen = []
    ctx = replace(ctx, progress=lambda done, total, text: seen.append(done / total))
    call(stored, "refresh", ctx, **VENUE)
    assert seen == sorted(seen)
    assert seen[0] > 0
    assert seen[-1] == 1.0


def test_longer_bars_are_made_of_downloaded_shorter_ones(stored, house, ctx):
    got = call(stored, "get_historical", ctx, **VENUE, timeframe="1d", made_of="1h")
    assert got.data_provenance["X"]["timeframe"] == "1d"
    assert [k.timeframe for k in house.archive.kept()] == ["1h", "1h"]
    straight = call(stored, "get_historical", ctx, **VENUE, timeframe="1d")
    assert got.bars["time"].tolist() == straight.bars["time"].tolist()


def test_as_of_brings_back_what_was_known(stored, house, ctx):
    before = call(stored, "get_historical", ctx, **VENUE)
    price = house.venue.price
    house.venue.price = lambda at: price(at) + 1
    house.clock.move_to(ns("2024-06-05T12:00Z"))
    call(stored, "refresh", ctx, **VENUE, again=True)
    now = call(stored, "get_historical", ctx, **VENUE)
    then = call(stored, "get_historical", ctx, **VENUE, as_of="2024-06-04")
    assert now.data_provenance["X"]["hash"] != before.data_provenance["X"]["hash"]
    assert then.data_provenance["X"]["hash"] == before.data_provenance["X"]["hash"]
    assert "as known on 2024-06-04" in then.data_provenance["X"]["note"]


def test_check_looks_at_the_store_alone_where_that_is_asked(stored, house, ctx):
    call(stored, "refresh", ctx, **VENUE)
    house.venue.asked.clear()
    got = call(stored, "check", ctx, **{**VENUE, "symbols": ["X", "Z"]}, store="only")
    assert [c["bars"] for c in got.checks] == [20]
    assert [(f["symbol"], f["severity"]) for f in got.findings if f["severity"] != "info"] == [("Z", "critical")]
    assert not got.ok
    assert house.venue.asked == []


def test_list_tells_what_is_stored_and_who_can_be_asked(stored, ctx, resumed):
    call(stored, "refresh", ctx, **VENUE)
    got = call(stored, "list", ctx)
    assert [(s["provider"], s["symbol"], s["bars"]) for s in got.series] == [("venue", "X", 20), ("venue", "Y", 20)]
    assert call(stored, "list", ctx, symbols=["Y"]).count == 1
    assert call(stored, "list", ctx, provider="sample").count == 0
    assert got.providers == ["csv", "parquet", "sample", "synthetic"]
    assert resumed(got) == got.__dict__


def test_a_run_that_is_cancelled_ends_between_pages_and_keeps_what_came(stored, house, ctx):
    def stop():
        if len(house.venue.asked) == 1:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        call(stored, "refresh", replace(ctx, check=stop), **VENUE)
    assert [k.bars for k in house.archive.kept()] == [10]
    with pytest.raises(RunCancelled):
        call(stored, "check", replace(ctx, check=stop), **VENUE)
