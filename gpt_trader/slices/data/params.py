"""What the data slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from gpt_trader.core.slices import Frame, Outputs, Params


class Series(Params):
    """Which bars, from where; an empty `start` or `end` means all there is, an `end` that is a date includes it."""

    symbols: list[str] = Field(min_length=1, description="What is traded, such as AAPL.")
    provider: str = Field(
        "sample", description="sample, synthetic, csv or parquet; ccxt, alpaca or yfinance, which are downloaded."
    )
    path: str = Field("", description="A file, or a folder with one file for each symbol; for csv and parquet.")
    start: str = Field("", description="The first day or moment, such as 2006-01-01.")
    end: str = Field("", description="The last day or moment.")
    timeframe: str = Field("", description="The length of the bars, such as 1h; empty: as they are, 1d of downloads.")
    made_of: str = Field("", description="Ask for these shorter bars, and make those of the timeframe out of them.")
    calendar: str = Field("", description="The exchange's hours, such as XNYS: for gaps, and for what a day is.")
    options: dict[str, Any] = Field({}, description="What else the provider takes, such as seed or time_format.")

    @field_validator("symbols")
    @classmethod
    def _each_once(cls, symbols: list[str]) -> list[str]:
        twice = next((s for i, s in enumerate(symbols) if s in symbols[:i]), None)
        if twice is not None:
            raise ValueError(f"{twice} is named twice")
        return symbols


class Wanted(Series):
    """Bars that are read: restated for splits, and perhaps out of the store, as they were known once."""

    adjust: Literal["splits", "all", "none"] = Field(
        "splits", description="Restate raw prices for the splits that are known; all: for dividends as well."
    )
    splits: dict[str, dict[str, float]] = Field({}, description="New shares for one old, by symbol and first day.")
    dividends: dict[str, dict[str, float]] = Field({}, description="Cash for one share, by symbol and ex-day.")
    store: Literal["first", "only", "fallback"] = Field(
        "first",
        description="Stored bars first, and the provider for the rest; only: no download; fallback: if it is down.",
    )
    as_of: str = Field("", description="Stored bars as they were known on this day or at this moment.")


class Table(Wanted):
    """Bars that are handed on as one table."""

    held: int = Field(
        500_000, ge=0, description="A table of more bars than this stays on the disk, and is read part by part."
    )


class Refresh(Series):
    """Bars that are downloaded into the store."""

    again: bool = Field(default=False, description="Ask for all of it again, also for what is stored.")
    fill_gaps: bool = Field(default=False, description="Ask again where bars are missing by the calendar.")


class Check(Wanted):
    """Bars that are looked at."""

    calendar: str = Field("auto", description="The exchange's hours, such as XNYS; auto: the provider's own.")


class Everything(Params):
    """What is listed; empty means all of it."""

    symbols: list[str] = Field([], description="Only these symbols.")
    provider: str = Field("", description="Only this provider.")


class Historical(Outputs):
    """The bars of all symbols in one table, what is said of them, and what was kept out."""

    bars: Frame
    data_provenance: dict[str, dict[str, Any]]
    quarantine: dict[str, dict[str, Any]]
    actions: list[dict[str, Any]]
    bar_count: int


class Refreshed(Outputs):
    """For each symbol what came; how many bars are new, and how many the provider says otherwise now."""

    refreshed: list[dict[str, Any]]
    added: int
    revised: int


class Checked(Outputs):
    """Whether the data is in order; every finding with its symbol, severity and words; one row of counts per symbol."""

    ok: bool
    findings: list[dict[str, str]]
    checks: list[dict[str, Any]]


class Listed(Outputs):
    """The stored series, and the providers that can be asked."""

    series: list[dict[str, Any]]
    providers: list[str]
    count: int
