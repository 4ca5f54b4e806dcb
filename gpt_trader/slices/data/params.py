"""What the data slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from gpt_trader.core.slices import Frame, Outputs, Params


class Request(Params):
    """Which bars, from where; an empty `start` or `end` means all there is, an `end` that is a date includes it."""

    symbols: list[str] = Field(min_length=1, description="What is traded, such as AAPL.")
    provider: str = Field("sample", description="sample, synthetic, csv or parquet.")
    path: str = Field("", description="A file, or a folder with one file for each symbol; for csv and parquet.")
    start: str = Field("", description="The first day or moment, such as 2006-01-01.")
    end: str = Field("", description="The last day or moment.")
    adjust: Literal["splits", "none"] = Field("splits", description="Restate raw prices for the splits that are known.")
    splits: dict[str, dict[str, float]] = Field({}, description="New shares for one old, by symbol and first day.")
    options: dict[str, Any] = Field({}, description="What else the provider takes, such as seed or time_format.")

    @field_validator("symbols")
    @classmethod
    def _each_once(cls, symbols: list[str]) -> list[str]:
        twice = next((s for i, s in enumerate(symbols) if s in symbols[:i]), None)
        if twice is not None:
            raise ValueError(f"{twice} is named twice")
        return symbols


class Historical(Outputs):
    """The bars of all symbols in one table, what is said of them, and what was kept out."""

    bars: Frame
    data_provenance: dict[str, dict[str, Any]]
    quarantine: dict[str, dict[str, Any]]
    bar_count: int


class Checked(Outputs):
    """Whether the data is in order; every finding with its symbol, severity and words; one row of counts per symbol."""

    ok: bool
    findings: list[dict[str, str]]
    checks: list[dict[str, Any]]
