"""What every provider is asked for alike: one page of bars, in the provider's own words where it will not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gpt_trader.core.bars import PRICES, Prices
from gpt_trader.core.errors import GptTraderError, ProviderDown, RateLimited, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.market import Dividend, Split, Timeframe

FIELDS = ("ts", *PRICES, "volume")
PATIENCE = 4.0
"""So many seconds a provider that does not answer is asked again, unless somebody says otherwise."""
LEAST_WAIT = 5.0


def waits(patience: float) -> float:
    """So many seconds one request waits for each part of its answer: a large page may take its time."""
    return max(patience, LEAST_WAIT)


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Bars as the provider told them, and until when all is now known from the start of what was asked.

    `zone` is the exchange's where the provider tells it with the bars.
    """

    columns: Mapping[str, NDArray[Any]]
    until: int
    zone: str = ""

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]], until: int) -> Page:
        """A page of rows: time in ns, open, high, low, close, volume."""
        table = np.array(rows, dtype=object).reshape(-1, len(FIELDS))
        columns: dict[str, NDArray[Any]] = {n: table[:, i + 1].astype(np.float64) for i, n in enumerate(FIELDS[1:])}
        return cls({"ts": table[:, 0].astype(np.int64), **columns}, until)

    def __len__(self) -> int:
        return len(self.columns["ts"])


class Reader(Protocol):
    """A provider of bars, asked over the network; it is cheap to make, and loads its client when first asked."""

    @property
    def name(self) -> str:
        """What its bars are stored under, such as alpaca or ccxt-kraken."""

    @property
    def zone(self) -> str:
        """The time zone whose midnights begin its days."""

    @property
    def calendar(self) -> str:
        """The hours in which it trades: a calendar's name, 24/7, or nothing where they are not known."""

    @property
    def prices(self) -> Prices:
        """Whether its prices are raw, or restated for splits."""

    @property
    def note(self) -> str:
        """What should be known of its bars."""

    @property
    def patience(self) -> float:
        """So many seconds it is asked again where it does not answer."""

    @property
    def timeframes(self) -> tuple[str, ...]:
        """The lengths of bars that it has."""

    def first_ns(self, timeframe: Timeframe, now_ns: int) -> int:
        """Before this moment there is nothing to ask for."""

    def page(self, symbol: str, timeframe: Timeframe, start_ns: int, end_ns: int) -> Page:
        """The first bars that open in the range, with one request; TryLater where another may succeed."""

    def actions(self, symbol: str, start_ns: int, end_ns: int) -> Sequence[Split | Dividend]:
        """The splits and dividends of the range, as far as the provider tells them."""


class TryLater(Exception):
    """This request failed, another may not; `final` is what is raised when there is no other."""

    def __init__(self, final: GptTraderError, *, after: float | None = None) -> None:
        super().__init__(final.message)
        self.final = final
        self.after = after


def too_often(provider: str, after: str | float | None) -> TryLater:
    """The provider wants to be asked less often, perhaps not before so many seconds."""
    seconds = seconds_of(after)
    wait = f"after {seconds:g} s" if seconds is not None else "in a minute"
    hint = f"run this again {wait}: what arrived is kept"
    return TryLater(RateLimited(f"{provider} was asked too often (429)", hint=hint), after=seconds)


def down(provider: str, what: object) -> TryLater:
    """The provider cannot be reached, or says nothing that makes sense."""
    told = " ".join(str(what).split())[:200]
    hint = (
        "try again later: what arrived is kept; `store: fallback` takes what is stored where the provider is down, and "
        "the option `patience: 60` asks for longer"
    )
    return TryLater(ProviderDown(f"{provider} does not answer as it should: {told}", hint=hint))


def seconds_of(text: str | float | None) -> float | None:
    """The seconds of a Retry-After header; a date is not waited for."""
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is None or 0 <= seconds < float("inf") else None


def supported(reader: Reader, timeframe: Timeframe) -> None:
    """Raise unless the provider has bars of this length."""
    if str(timeframe) not in reader.timeframes:
        hint = f"it has {', '.join(reader.timeframes)}; `made_of` makes longer bars of these"
        raise UsageError(f"{reader.name} has no bars of {timeframe}", hint=hint)
