"""The data slice against the source's own columns, pandas, and hand-made files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from bokeh_sampledata import stocks

from gpt_trader.adapters.store.archive import LocalArchive
from gpt_trader.app.feeds import feed_catalog, venue_catalog
from gpt_trader.core.errors import GptTraderError, NoBars, NotFound, UsageError, ValidationError
from gpt_trader.core.frames import bars_of
from gpt_trader.slices.data.params import Check
from gpt_trader.slices.data.slice import Data
from gpt_trader.trading.clocks import WallClock

LINES = """date,open,high,low,close,volume
2024-01-02,10,11,9,10.5,1000
2024-01-03,10.5,12,10,11,1100
2024-01-04,11,11.5,10.5,11.2,900
2024-01-05,5.6,5.8,5.5,5.7,2000
2024-01-08,5.7,6,5.6,5.9,1900
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
