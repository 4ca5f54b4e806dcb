"""CSV and Parquet: columns and times are recognised, faults have their place and cure, memory is bounded."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gpt_trader.adapters.feeds.csv import CsvSource
from gpt_trader.adapters.feeds.gather import Reading
from gpt_trader.adapters.feeds.parquet import ParquetSource
from gpt_trader.adapters.feeds.quality import Rules
from gpt_trader.adapters.feeds.times import TimeRules
from gpt_trader.core.bars import Loaded
from gpt_trader.core.errors import BadData, NoBars, NotFound, UsageError, ValidationError

ROWS = """\
2024-01-02,10,11,9,10.5,100
2024-01-03,10.5,11.5,10,11,200
2024-01-04,11,12,10.5,11.5,300
"""
HEADER = "Date,Open,High,Low,Close,Volume\n"


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1_000_000_000


@pytest.fixture
def load(tmp_path: Path):
    """Write a text and read it back as bars of X."""

    def run(text: str, *, symbol: str = "X", start: str | None = None, end: str | None = None, **reading) -> Loaded:
        path = tmp_path / "x.csv"
        path.write_text(text)
        times = {key: reading.pop(key) for key in ("zone", "exchange_zone", "format") if key in reading}
        source = CsvSource(path=path, reading=Reading(times=TimeRules(**times), **reading))
        return source.load(symbol, start=start, end=end)

    return run


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "DATE,OPEN,HIGH,LOW,CLOSE,VOL",
        "timestamp,o,h,l,c,v",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        "ts,1. open,2. high,3. low,4. close,5. volume",
        '\ufeff"Open time","Open Price","High Price","Low Price","Last","Base Volume"',
        "date,open,high,low,Close/Last,Tick Volume",
    ],
)
def test_columns_are_recognised_in_any_case_and_by_vendors_names(load, header: str) -> None:
    bars = load(header + "\n" + ROWS).bars
    assert bars.close.tolist() == [10.5, 11.0, 11.5]
    assert bars.high.tolist() == [11.0, 11.5, 12.0]
    assert bars.volume.tolist() == [100.0, 200.0, 300.0]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_recognised(load, separator: str) -> None:
    assert len(load((HEADER + ROWS).replace(",", separator)).bars) == 3


def test_a_file_without_volume_has_unknown_volume(load) -> None:
    assert np.isnan(
        load(
            "Date,Open,High,Low,Close\n" + ROWS.replace(",100\n", "\n").replace(",200\n", "\n").replace(",300\n", "\n")
        ).bars.volume
    ).all()


def test_dates_alone_are_days_in_the_exchanges_zone(load) -> None:
    loaded = load(HEADER + ROWS)
    assert loaded.bars.ts[0] == ns("2024-01-02T00:00-05:00")
    assert loaded.bars.provenance.zone == "America/New_York"
    assert str(loaded.bars.timeframe) == "1d"
    assert load(HEADER + ROWS, exchange_zone="Asia/Tokyo").bars.ts[0] == ns("2024-01-02T00:00+09:00")


@pytest.mark.parametrize("shape", ["{0}-{1}-{2}", "{0}/{1}/{2}", "{0}.{1}.{2}", "{0}{1}{2}"])
def test_year_first_dates_of_any_shape_are_days(load, shape: str) -> None:
    text = HEADER + "".join(
        shape.format(*line.split(",")[0].split("-")) + line[10:] + "\n" for line in ROWS.splitlines()
    )
    assert load(text).bars.ts[2] == ns("2024-01-04T00:00-05:00")


@pytest.mark.parametrize(
    "times",
    [
        ["2024-01-02T14:30:00Z", "2024-01-02T14:31:00Z"],
        ["2024-01-02 09:30:00-05:00", "2024-01-02 09:31:00-05:00"],
        ["2024-01-02 15:30+01:00", "2024-01-02 09:31-0500"],
        ["1704205800", "1704205860"],
        ["1704205800000", "1704205860000"],
        ["1704205800000000", "1704205860000000"],
        ["1704205800000000000", "1704205860000000000"],
    ],
    ids=["Z", "offset", "offsets", "s", "ms", "us", "ns"],
)
def test_times_with_an_offset_and_counts_since_1970_need_no_zone(load, times: list[str]) -> None:
    bars = load(HEADER + "".join(f"{time},1,1,1,1,1\n" for time in times)).bars
    assert bars.ts.tolist() == [ns("2024-01-02T14:30+00:00"), ns("2024-01-02T14:31+00:00")]
    assert bars.provenance.zone == "UTC"


NAIVE = HEADER + "2024-07-01 09:30:00,1,1,1,1,1\n2024-07-01 09:31:00,1,1,1,1,1\n"


def test_naive_times_are_refused_with_a_hint(load) -> None:
    with pytest.raises(BadData, match=r"x\.csv: row 1: the time has no offset") as error:
        load(NAIVE)
    assert "zone='America/New_York'" in (error.value.hint or "")


def test_naive_times_are_read_in_the_zone_that_is_named(load) -> None:
    loaded = load(NAIVE, zone="America/New_York")
    assert loaded.bars.ts[0] == ns("2024-07-01T09:30-04:00")
    assert loaded.bars.provenance.zone == "America/New_York"


def test_a_date_column_and_a_time_column_are_joined(load) -> None:
    text = "Date,Time,Open,High,Low,Close\n2024.07.01,09:30,1,1,1,1\n2024.07.01,09:31,1,1,1,1\n"
    assert load(text, zone="UTC").bars.ts[0] == ns("2024-07-01T09:30+00:00")


def test_local_times_that_do_not_exist_or_exist_twice_are_kept_out(load) -> None:
    """In New York the clock jumped over 02:30 on 10 March 2024, and showed 01:30 twice on 3 November."""
    times = ["2024-03-10 01:30", "2024-03-10 02:30", "2024-03-10 03:30", "2024-11-03 00:30", "2024-11-03 01:30"]
    loaded = load(HEADER + "".join(f"{time},1,1,1,1,1\n" for time in times), zone="America/New_York")
    assert loaded.quarantine.rows["no_such_local_time"].tolist() == [2, 5]
    assert len(loaded.bars) == 3


def test_times_with_and_without_offset_in_one_file_are_refused(load) -> None:
    with pytest.raises(BadData, match="mixed time zones: row 2 has an offset, row 1 has none"):
        load(HEADER + "2024-01-02 09:30,1,1,1,1,1\n2024-01-02 09:31Z,1,1,1,1,1\n", zone="UTC")


def test_a_named_format_reads_other_dates(load) -> None:
    text = HEADER + "31/01/2024,1,1,1,1,1\n01/02/2024,1,1,1,1,1\n"
    assert load(text, format="%d/%m/%Y").bars.ts[1] == ns("2024-02-01T00:00-05:00")
    with pytest.raises(BadData, match="no time could be read") as error:
        load(text)
    assert "time_format" in (error.value.hint or "") or "format" in (error.value.hint or "")


def test_an_unknown_zone_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="no time zone") as error:
        TimeRules(zone="America/New_Yrok")
    assert "America/New_York" in (error.value.hint or "")


def test_a_garbled_number_costs_its_row_and_not_the_file(load) -> None:
    loaded = load(HEADER + ROWS.replace("11.5,10,11,200", "11.5,abc,11,200"))
    assert loaded.quarantine.rows["not_a_number"].tolist() == [2]
    assert len(loaded.bars) == 2


def test_a_garbled_time_costs_its_row(load) -> None:
    loaded = load(HEADER + ROWS.replace("2024-01-03", "yesterday"))
    assert loaded.quarantine.rows["no_time"].tolist() == [2]


def test_an_empty_cell_is_a_nan_and_is_reported(load) -> None:
    assert load(HEADER + ROWS.replace("11.5,10,11,200", "11.5,,11,200")).quarantine.rows["nan"].tolist() == [2]


def test_rows_of_the_wrong_width_are_counted_and_later_rows_keep_their_numbers(load) -> None:
    text = HEADER + "2024-01-01,1,1\n" + ROWS + "2024-01-05,1\n2024-01-08,1,2,abc,1,5\n"
    loaded = load(text)
    assert loaded.quarantine.rows["wrong_number_of_columns"].tolist() == [1, 5]
    assert loaded.quarantine.rows["not_a_number"].tolist() == [6]
    assert len(loaded.bars) == 3


def test_decimal_commas_are_read_by_name_and_otherwise_explained(load) -> None:
    text = (
        (HEADER + "2024-01-02,10.5,11.5,9.5,10.5,100\n2024-01-03,10.5,11.5,10.5,11.5,200\n")
        .replace(",", ";")
        .replace(".", ",")
    )
    assert load(text, decimal=",").bars.close.tolist() == [10.5, 11.5]
    with pytest.raises(BadData, match="no row holds numbers alone") as error:
        load(text)
    assert "decimal=','" in (error.value.hint or "")


def test_a_column_that_is_not_recognised_can_be_named(load) -> None:
    text = HEADER.replace("Close", "px") + ROWS
    with pytest.raises(BadData, match=r"x\.csv:1: no column for 'close' among"):
        load(text)
    assert len(load(text, columns={"close": "px"}).bars) == 3
    with pytest.raises(BadData, match="no column is called 'pxx'") as error:
        load(text, columns={"close": "pxx"})
    assert "'px'" in (error.value.hint or "")
    with pytest.raises(ValidationError, match="'klose' is no column of bars"):
        load(text, columns={"klose": "px"})


def test_two_columns_that_could_be_the_same_are_not_guessed(load) -> None:
    with pytest.raises(BadData, match="'Close', 'Last' could all be 'close'") as error:
        load("Date,Open,High,Low,Close,Last\n" + ROWS)
    assert "columns={'close': 'Close'}" in (error.value.hint or "")


def test_the_wrong_separator_is_named(load) -> None:
    with pytest.raises(BadData, match="no column for 'time'") as error:
        load((HEADER + ROWS).replace(",", ";"), separator=",")
    assert "separator=';'" in (error.value.hint or "")


def test_an_empty_file_a_header_alone_and_no_file_are_told_apart(load, tmp_path: Path) -> None:
    with pytest.raises(NoBars, match=r"x\.csv is empty \(0 bytes\)"):
        load("")
    with pytest.raises(NoBars, match="there is a header, and no row below it"):
        load(HEADER)
    with pytest.raises(NotFound, match="there is no file"):
        CsvSource(path=tmp_path / "none.csv").load("X")


def test_a_range_takes_its_last_day_with_it(load) -> None:
    assert len(load(HEADER + ROWS, start="2024-01-03", end="2024-01-04").bars) == 2
    assert len(load(HEADER + ROWS, end="2024-01-03").bars) == 2


def test_an_empty_range_says_what_there_is(load) -> None:
    with pytest.raises(NoBars, match=r"no bars of X from 2023-01-02 to 2023-01-05") as error:
        load(HEADER + ROWS, start="2023-01-02", end="2023-01-05")
    assert error.value.hint == "there are bars from 2024-01-02 to 2024-01-04"


def test_a_range_that_is_only_a_weekend_says_so(load) -> None:
    with pytest.raises(NoBars, match="which is a weekend"):
        load(HEADER + ROWS, start="2024-01-06", end="2024-01-07")


def test_a_range_backwards_or_of_words_is_a_usage_error(load) -> None:
    with pytest.raises(UsageError, match="is empty"):
        load(HEADER + ROWS, start="2024-02-01", end="2024-01-01")
    with pytest.raises(UsageError, match="neither a date nor a time"):
        load(HEADER + ROWS, start="soon")
    with pytest.raises(UsageError, match="has no offset"):
        load(HEADER + ROWS, start="2024-01-02T10:00")


def test_adjusted_prices_scale_the_whole_bar_by_name(load) -> None:
    text = "Date,Open,High,Low,Close,Adj Close\n2024-01-02,10,12,8,10,5\n2024-01-03,10,12,8,10,10\n"
    adjusted = load(text, prices="adjusted").bars
    assert (adjusted.open[0], adjusted.high[0], adjusted.low[0], adjusted.close[0]) == (5.0, 6.0, 4.0, 5.0)
    assert adjusted.provenance.prices == "adjusted"
    assert load(text).bars.close[0] == 10.0
    with pytest.raises(BadData, match="no adjusted close"):
        load(HEADER + ROWS, prices="adjusted")


MANY = "symbol,date,open,high,low,close\n" + "".join(
    f"{symbol},2024-01-0{day},1,1,1,{price}\n".replace(",1,1,1,", f",{price},{price},{price},")
    for day in (2, 3)
    for symbol, price in (("AAPL", 10), ("MSFT", 20))
)


def test_a_file_of_many_symbols_gives_the_one_that_is_asked_for(load, tmp_path: Path) -> None:
    assert load(MANY, symbol="MSFT").bars.close.tolist() == [20.0, 20.0]
    assert CsvSource(path=tmp_path / "x.csv").symbols() == ("AAPL", "MSFT")


def test_an_unknown_symbol_is_answered_with_the_nearest(load) -> None:
    with pytest.raises(NotFound, match="'MSTF'") as error:
        load(MANY, symbol="MSTF")
    assert error.value.hint == "did you mean 'MSFT'?"


def test_a_folder_holds_one_file_for_each_symbol(tmp_path: Path) -> None:
    for symbol in ("AAPL", "MSFT"):
        (tmp_path / f"{symbol}.csv").write_text(HEADER + ROWS)
    (tmp_path / "notes.md").write_text("no bars")
    source = CsvSource(path=tmp_path)
    assert source.symbols() == ("AAPL", "MSFT")
    assert source.load("AAPL").bars.symbol == "AAPL"
    with pytest.raises(NotFound, match="'APPL'") as error:
        source.load("APPL")
    assert "AAPL" in (error.value.hint or "")


def test_gzip_is_read_and_a_cut_off_one_is_named(tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + ROWS * 1).encode())
    (tmp_path / "X.csv.gz").write_bytes(whole)
    assert len(CsvSource(path=tmp_path / "X.csv.gz").load("X").bars) == 3
    (tmp_path / "X.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadData, match=r"X\.csv\.gz cannot be read") as error:
        CsvSource(path=tmp_path / "X.csv.gz").load("X")
    assert "cut off" in (error.value.hint or "")


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(HEADER.encode() + b"\xff\xfe\x00,1,1,1,1,1\n")
    with pytest.raises(BadData, match=r"x\.csv cannot be read"):
        CsvSource(path=tmp_path / "x.csv").load("X")


@pytest.mark.parametrize(
    "written",
    [
        (HEADER + ROWS).encode("utf-16"),
        (HEADER + ROWS + "2024-01-05,11,12,10,11,1,caf\u00e9\n").encode("latin-1"),
        HEADER.encode() + bytes(range(256)) * 2,
    ],
    ids=["utf-16", "latin-1 in a row too wide", "no table"],
)
def test_text_of_another_encoding_is_named_with_its_cure_before_anything_is_read(
    tmp_path: Path, capfd, written: bytes
) -> None:
    (tmp_path / "x.csv").write_bytes(written)
    with pytest.raises(BadData, match=r"x\.csv cannot be read: it is no text in UTF-8") as error:
        CsvSource(path=tmp_path / "x.csv").load("X")
    assert "save it as CSV in UTF-8" in (error.value.hint or "")
    assert capfd.readouterr().err == ""


def test_a_letter_that_the_first_look_cuts_in_two_is_text(tmp_path: Path) -> None:
    header = "Date,Open,High,Low,Close,Volume,Name\n"
    rows = [f"{line},n" for line in ROWS.splitlines()]
    room = (1 << 16) - 1 - len(header) - sum(len(row) + 1 for row in rows[:2]) - len(rows[2])
    text = header + "\n".join(rows) + "n" * room + "\u00e9\n"
    assert text.encode()[(1 << 16) - 1] == 0xC3
    (tmp_path / "x.csv").write_bytes(text.encode())
    assert len(CsvSource(path=tmp_path / "x.csv").load("X").bars) == 3


def test_a_folder_without_a_file_of_the_kind_says_so(tmp_path: Path) -> None:
    (tmp_path / "X.csv").write_text(HEADER + ROWS)
    with pytest.raises(NotFound, match=r"no file in .*/ ends in \.parquet or \.pq"):
        ParquetSource(path=tmp_path).load("X")


# --- Parquet


def frame(count: int = 5, *, unit: str = "us", tz: str | None = "UTC") -> pd.DataFrame:
    index = pd.date_range("2024-01-02 14:30", periods=count, freq="min", tz=tz).as_unit(unit)  # type: ignore[arg-type]
    price = np.linspace(10.0, 11.0, count)
    return pd.DataFrame({"Open": price, "High": price + 1, "Low": price - 1, "Close": price, "Volume": 7}, index=index)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_times_of_any_unit_are_the_same_moments(tmp_path: Path, unit: str) -> None:
    frame(unit=unit).rename_axis("timestamp").to_parquet(tmp_path / "x.parquet")
    bars = ParquetSource(path=tmp_path / "x.parquet").load("X").bars
    assert bars.ts.tolist() == [ns("2024-01-02T14:30+00:00") + i * 60_000_000_000 for i in range(5)]
    assert bars.volume.tolist() == [7.0] * 5


def test_parquet_keeps_an_index_without_a_name(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "x.parquet")
    assert len(ParquetSource(path=tmp_path / "x.parquet").load("X").bars) == 5


def test_naive_parquet_times_need_a_zone_too(tmp_path: Path) -> None:
    frame(tz=None).rename_axis("time").to_parquet(tmp_path / "x.parquet")
    with pytest.raises(BadData, match="no offset"):
        ParquetSource(path=tmp_path / "x.parquet").load("X")
    reading = Reading(times=TimeRules(zone="Europe/Berlin"))
    bars = ParquetSource(path=tmp_path / "x.parquet", reading=reading).load("X").bars
    assert bars.ts[0] == ns("2024-01-02T14:30+01:00")


def test_parquet_dates_are_days_of_the_exchange(tmp_path: Path) -> None:
    days = pa.array([datetime(2024, 1, d, tzinfo=UTC).date() for d in (2, 3, 4)])
    table = pa.table(
        {"date": days, **{name: pa.array([1, 2, None], pa.int64()) for name in ("open", "high", "low", "close")}}
    )
    pq.write_table(table, tmp_path / "x.parquet")
    loaded = ParquetSource(path=tmp_path / "x.parquet", rules=Rules(outlier=None)).load("X")
    assert loaded.bars.ts[0] == ns("2024-01-02T00:00-05:00")
    assert loaded.quarantine.rows["nan"].tolist() == [3]


def test_a_truncated_parquet_file_is_named_with_its_cure(tmp_path: Path) -> None:
    frame(5_000).rename_axis("time").to_parquet(tmp_path / "x.parquet")
    data = (tmp_path / "x.parquet").read_bytes()
    for part in (data[:-10], data[: len(data) // 2], b"PAR1"):
        (tmp_path / "x.parquet").write_bytes(part)
        with pytest.raises(BadData, match=r"x\.parquet cannot be read") as error:
            ParquetSource(path=tmp_path / "x.parquet").load("X")
        assert "cut off" in (error.value.hint or "")


def test_damage_inside_a_parquet_file_is_an_error_and_no_partial_bars(tmp_path: Path) -> None:
    frame(50_000).rename_axis("time").to_parquet(tmp_path / "x.parquet", write_page_checksum=True)
    data = bytearray((tmp_path / "x.parquet").read_bytes())
    data[2000:6000] = bytes(4000)
    (tmp_path / "x.parquet").write_bytes(bytes(data))
    with pytest.raises(BadData, match="cannot be read"):
        ParquetSource(path=tmp_path / "x.parquet").load("X")


def test_csv_and_parquet_of_the_same_rows_are_the_same_bars(tmp_path: Path) -> None:
    these = frame(500).rename_axis("time")
    these.to_parquet(tmp_path / "x.parquet")
    these.to_csv(tmp_path / "x.csv")
    csv, parquet = CsvSource(path=tmp_path / "x.csv").load("X"), ParquetSource(path=tmp_path / "x.parquet").load("X")
    assert csv.bars.content_hash == parquet.bars.content_hash


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_narrow_range_of_a_long_file_takes_the_memory_of_the_range(tmp_path: Path, kind: str) -> None:
    count = 400_000
    these = frame(count).rename_axis("time")
    path = tmp_path / f"x.{kind}"
    these.to_csv(path) if kind == "csv" else these.to_parquet(path, row_group_size=50_000)
    source = CsvSource(path=path) if kind == "csv" else ParquetSource(path=path)
    before = pa.total_allocated_bytes()
    loaded = source.load("X", start="2024-01-02T15:00Z", end="2024-01-02T16:00Z")
    assert len(loaded.bars) == 60
    assert loaded.bars.close.base is None or loaded.bars.close.base.nbytes < 10_000
    assert pa.total_allocated_bytes() - before < 1_000_000
