"""Providers of recorded bars by name, and the archive that keeps what was downloaded, so that nobody need know more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from gpt_trader.core.bars import BarSource, Loaded
from gpt_trader.core.catalog import Catalog
from gpt_trader.core.errors import NotFound
from gpt_trader.core.ports import TradingStrategyPlugin

SourceMaker: TypeAlias = Callable[[Mapping[str, Any]], BarSource]
"""Makes a source of bars out of a provider's options; options that the provider does not know are an error."""

FeedCatalog: TypeAlias = Catalog[SourceMaker]
"""The providers that exist; slices need it by the name `feeds`."""

StrategyCatalog: TypeAlias = Catalog[type[TradingStrategyPlugin]]
"""The strategies that exist; slices need it by the name `strategies`."""

NAMING = ("strategy", "baseline", "strategies", "candidates", "mix")
"""The params that name strategies, one or several."""


def named_strategies(catalog: StrategyCatalog, known: Mapping[str, Any]) -> None:
    """Raise for the first name among these params that no strategy has; what is no name is told by its step."""
    for param in NAMING:
        value = known.get(param)
        for each in value if isinstance(value, list | tuple) else [value]:
            name = (each.get("name") or each.get("strategy")) if isinstance(each, Mapping) else each
            if isinstance(name, str) and name and name not in catalog:
                raise NotFound.among(catalog.kind, name, catalog)


Keeping = Literal["first", "only", "fallback"]
"""What is stored comes first and the rest is asked for; or alone; or where the provider is down, which is then said."""


class Watch(Protocol):
    """Who waits for the work: it may be told how far it is, and may end it by raising."""

    @property
    def check(self) -> Callable[[], None]:
        """Return if the work should go on; raise otherwise."""

    @property
    def progress(self) -> Callable[[float, float, str], None]:
        """So much is done, of so much; and of what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which bars are meant: an empty timeframe is the provider's own, an empty start or end all there is."""

    provider: str
    symbol: str
    timeframe: str = ""
    start: str = ""
    end: str = ""
    calendar: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    keeping: Keeping = "first"
    as_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh did: bars that are new, bars that the provider says otherwise now, and all that is stored."""

    provider: str
    symbol: str
    timeframe: str
    added: int
    revised: int
    bars: int
    first: str
    last: str
    requests: int
    missing: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A stored series: how many bars from when to when, its hash, its size, and when it last changed."""

    provider: str
    symbol: str
    timeframe: str
    bars: int = 0
    first: str = ""
    last: str = ""
    changed: str = ""
    revised: int = 0
    size: int = 0
    hash: str = ""
    damaged: str = ""


class Archive(Protocol):
    """The bars of all providers; what has to be downloaded is kept. Slices need it by the name `archive`."""

    def load(self, request: Request, watch: Watch) -> Loaded:
        """The bars, checked: from the provider's own files, or out of the store and from the venue what is missing."""

    def refresh(
        self, request: Request, watch: Watch, *, again: bool = False, gaps: bool = False, dry_run: bool = False
    ) -> Refreshed:
        """Ask for what is missing of the range, and for the last bars again; what came is kept even if it fails."""

    def stamp(self, request: Request) -> str:
        """Something that changes whenever the bars may have changed: the times of their files."""

    def kept(self) -> Iterable[Kept]:
        """Every stored series."""
