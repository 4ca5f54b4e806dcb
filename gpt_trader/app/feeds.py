"""The providers of bars, each with its options checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as Invalid

from gpt_trader.core.catalog import Catalog
from gpt_trader.core.errors import UsageError, did_you_mean
from gpt_trader.core.faults import fault_of

if TYPE_CHECKING:
    from gpt_trader.adapters.feeds.files import FileSource
    from gpt_trader.adapters.store.archive import ReaderMaker
    from gpt_trader.adapters.venues.reader import Reader
    from gpt_trader.core.bars import BarSource
    from gpt_trader.core.feeds import FeedCatalog

T = TypeVar("T")


class Options(BaseModel):
    """The options of a provider: strict and closed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SampleOptions(Options):
    """The sample's: the calendar that its days are compared with."""

    calendar: str | None = None


class SyntheticOptions(Options):
    """The random walk's: see `SyntheticSource`."""

    seed: int = 1
    bars: int = 1_000
    timeframe: str = "1d"
    price: float = 100.0
    drift: float = 0.05
    volatility: float = 0.2
    volume: float = 1_000_000.0


class FileOptions(Options):
    """Where the files are, and how to read them where they do not say it themselves."""

    path: str
    zone: str | None = None
    exchange_zone: str = "America/New_York"
    time_format: str | None = None
    columns: dict[str, str] = {}
    separator: str | None = None
    decimal: str = "."
    prices: Literal["raw", "adjusted"] = "raw"
    timeframe: str | None = None
    calendar: str | None = None
    outlier: float | None = 0.5


class VenueOptions(Options):
    """For so many seconds a provider that does not answer is asked again."""

    patience: float = Field(4.0, ge=0, le=3600)


class CcxtOptions(VenueOptions):
    """The exchange, and the address of another that speaks as it does."""

    exchange: str
    url: str = ""


class AlpacaOptions(VenueOptions):
    """Which of Alpaca's feeds (iex is free, sip is all of the market), and another address that speaks as it does."""

    feed: Literal["", "iex", "sip", "otc"] = ""
    url: str = ""


class YahooOptions(VenueOptions):
    """Yahoo takes no other."""


def venue_catalog(cache: Path) -> Catalog[ReaderMaker]:
    """The providers that are asked over the network; `cache` is a folder for what their clients remember."""
    catalog: Catalog[ReaderMaker] = Catalog("provider")
    catalog.add("ccxt", lambda: _maker("ccxt", CcxtOptions, _ccxt))
    catalog.add("alpaca", lambda: _maker("alpaca", AlpacaOptions, _alpaca))
    catalog.add("yfinance", lambda: _maker("yfinance", YahooOptions, lambda options: _yahoo(cache, options)))
    return catalog


def _ccxt(options: CcxtOptions) -> Reader:
    from gpt_trader.adapters.venues.ccxt import CcxtReader

    return CcxtReader(options.exchange, url=options.url, patience=options.patience)


def _alpaca(options: AlpacaOptions) -> Reader:
    from gpt_trader.adapters.venues.alpaca import KEYS, AlpacaReader
    from gpt_trader.app.settings import secret

    def key() -> tuple[str, str]:
        return secret(KEYS[0]), secret(KEYS[1])

    return AlpacaReader(key, url=options.url, feed=options.feed, patience=options.patience)


def _yahoo(cache: Path, options: YahooOptions) -> Reader:
    from gpt_trader.adapters.venues.yahoo import YahooReader

    return YahooReader(cache, patience=options.patience)


def feed_catalog() -> FeedCatalog:
    """The providers that lie on this machine; none of their code is loaded before it is asked for."""
    catalog: FeedCatalog = Catalog("provider")
    catalog.add("sample", lambda: _maker("sample", SampleOptions, _sample))
    catalog.add("synthetic", lambda: _maker("synthetic", SyntheticOptions, _synthetic))
    catalog.add("csv", lambda: _maker("csv", FileOptions, _csv))
    catalog.add("parquet", lambda: _maker("parquet", FileOptions, _parquet))
    return catalog


def _maker(provider: str, model: type[Options], make: Callable[[Any], T]) -> Callable[[Mapping[str, Any]], T]:
    def maker(given: Mapping[str, Any]) -> T:
        try:
            return make(model.model_validate(dict(given)))
        except Invalid as invalid:
            fault = invalid.errors(include_url=False)[0]
            name = ".".join(map(str, fault["loc"]))
            known = did_you_mean(name, model.model_fields) if fault["type"] == "extra_forbidden" else None
            hint = known or f"{provider} takes {', '.join(model.model_fields) or 'no options'}"
            raise UsageError(f"provider {provider}: {fault_of(fault)}", hint=hint) from None

    return maker


def _sample(options: SampleOptions) -> BarSource:
    from gpt_trader.adapters.feeds.quality import Rules
    from gpt_trader.adapters.feeds.sample import SampleSource
    from gpt_trader.core.market import Timeframe

    return SampleSource(rules=Rules(timeframe=Timeframe(1, "d"), calendar=options.calendar))


def _synthetic(options: SyntheticOptions) -> BarSource:
    from gpt_trader.adapters.feeds.synthetic import SyntheticSource
    from gpt_trader.core.market import Timeframe

    return SyntheticSource(**options.model_dump(exclude={"timeframe"}), timeframe=Timeframe.parse(options.timeframe))


def _csv(options: FileOptions) -> BarSource:
    from gpt_trader.adapters.feeds.csv import CsvSource

    return _file_source(CsvSource, options)


def _parquet(options: FileOptions) -> BarSource:
    from gpt_trader.adapters.feeds.parquet import ParquetSource

    return _file_source(ParquetSource, options)


def _file_source(kind: type[FileSource], options: FileOptions) -> BarSource:
    from gpt_trader.adapters.feeds.gather import Reading
    from gpt_trader.adapters.feeds.quality import Rules
    from gpt_trader.adapters.feeds.times import TimeRules
    from gpt_trader.core.market import Timeframe

    times = TimeRules(zone=options.zone, exchange_zone=options.exchange_zone, format=options.time_format)
    reading = Reading(
        times=times,
        columns=options.columns,
        separator=options.separator,
        decimal=options.decimal,
        prices=options.prices,
    )
    timeframe = Timeframe.parse(options.timeframe) if options.timeframe else None
    rules = Rules(timeframe=timeframe, calendar=options.calendar, outlier=options.outlier)
    return kind(path=Path(options.path).expanduser(), reading=reading, rules=rules)
