"""A symbol's bars as columns, with where they came from and what was wrong on the way in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from gpt_trader.core.errors import BadData, ValidationError
from gpt_trader.core.market import Timeframe, time_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.market import Dividend, Split

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]

Origin = Literal["sample", "file", "synthetic", "venue"]
Prices = Literal["raw", "adjusted"]
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where bars came from, in words that a report can print: a synthetic series always says so."""

    origin: Origin
    source: str
    prices: Prices = "raw"
    zone: str = "UTC"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Columns of one symbol in strictly rising time; `ts` is when a bar opens, in ns UTC; unknown volume is NaN."""

    symbol: str
    timeframe: Timeframe
    ts: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    provenance: Provenance

    def __post_init__(self) -> None:
        for name in (*PRICES, "volume"):
            object.__setattr__(self, name, _column(getattr(self, name), np.dtype("<f8")))
        object.__setattr__(self, "ts", _column(self.ts, np.dtype("<i8")))
        if len({len(self.ts), *(len(getattr(self, name)) for name in (*PRICES, "volume"))}) != 1:
            raise ValidationError(f"the columns of {self.symbol} differ in length")
        if len(self.ts) > 1 and not (self.ts[1:] > self.ts[:-1]).all():
            raise ValidationError(f"the times of {self.symbol} do not rise strictly", hint="inspect the rows first")

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, rows: slice) -> Bars:
        columns = {name: getattr(self, name)[rows] for name in ("ts", *PRICES, "volume")}
        return replace(self, **columns)

    def between(self, start_ns: int | None, end_ns: int | None) -> Bars:
        """The bars that open at or after the start and before the end."""
        first = 0 if start_ns is None else int(np.searchsorted(self.ts, start_ns))
        last = len(self) if end_ns is None else int(np.searchsorted(self.ts, end_ns))
        return self[first:last]

    def loaded(self) -> Bars:
        """These bars in memory, where they are already."""
        return self

    @property
    def span(self) -> int:
        """The length of a whole bar in nanoseconds; `ends` tells of those that are shorter."""
        return self.timeframe.ns

    @property
    def ends(self) -> Times:
        """When each bar is over and its close is known: after its length, or sooner where the next one opens."""
        ts = self.ts
        ends = ts + self.span
        np.minimum(ends[:-1], ts[1:], out=ends[:-1])
        return ends

    @property
    def content_hash(self) -> str:
        """SHA-256 of symbol, timeframe and every value: equal data has an equal hash, wherever it came from."""
        digest = hashlib.sha256(f"{self.symbol}\0{self.timeframe}\0{len(self)}\0".encode())
        for name in ("ts", *PRICES, "volume"):
            digest.update(np.ascontiguousarray(getattr(self, name)).view(np.uint8).data)
        return digest.hexdigest()


class Over:
    """When the bar that opens at a moment is over; of its bars it keeps those that are shorter than the others."""

    def __init__(self, bars: Bars) -> None:
        self._span = bars.span
        ts = bars.ts
        short = np.flatnonzero(np.diff(ts) < self._span)
        self._begins, self._ends = ts[short], ts[short + 1]
        self.any = len(short) > 0

    def __call__(self, ns: int) -> int:
        """The moment from which its close is known."""
        at = int(np.searchsorted(self._begins, ns))
        if at < len(self._begins) and self._begins[at] == ns:
            return int(self._ends[at])
        return ns + self._span


def priced(bars: Bars) -> Bars:
    """These bars, if each of their prices is a finite number above zero; else an error that names the first bar."""
    table = np.stack([getattr(bars, name) for name in PRICES])
    faulty = np.flatnonzero(~(np.isfinite(table) & (table > 0)).all(axis=0))
    if len(faulty):
        first = time_of(int(bars.ts[faulty[0]])).isoformat()
        raise BadData(
            f"{len(faulty)} of the {len(bars)} bars of {bars.symbol} have no usable price, the first one at {first}",
            hint="look at them with `gpt-trader data check`, and leave such rows out",
        )
    return bars


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that should be there and are not: none was filled in."""

    after: int
    before: int
    missing: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Rows kept out, by reason, counted from 1 below the header; and the gaps, the longest thousand in full."""

    rows: Mapping[str, Times] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    gap_count: int = 0
    missing: int = 0
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows each reason kept out."""
        return {reason: len(rows) for reason, rows in self.rows.items() if len(rows)}

    @property
    def total(self) -> int:
        """How many rows were kept out in all."""
        return sum(self.counts.values())

    def lines(self, *, limit: int = 5) -> Iterator[str]:
        """The report, one line for each reason, for the gaps and for each note; at most so many row numbers a line."""
        for reason, count in self.counts.items():
            shown = ", ".join(str(row) for row in self.rows[reason][:limit].tolist())
            yield f"{reason}: {count} row{'s' * (count > 1)} ({shown}{', ...' * (count > limit)})"
        if self.gap_count:
            yield f"gaps: {self.gap_count}, {self.missing} bars missing, none filled"
        yield from self.notes


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a source gave: clean bars, the report on what it kept out, and the splits and dividends that it knows."""

    bars: Bars
    quarantine: Quarantine
    actions: tuple[Split | Dividend, ...] = ()


class BarSource(Protocol):
    """A store of recorded bars: a file, a folder, the bundled sample, a generator."""

    def symbols(self) -> tuple[str, ...]:
        """The symbols it can name; empty when it takes any."""

    def load(self, symbol: str, *, start: str | None = None, end: str | None = None) -> Loaded:
        """The symbol's bars from the start to the end, checked; an end that is a date includes that day."""


def _column(values: NDArray[np.generic], kind: np.dtype[np.generic]) -> NDArray[np.generic]:
    column = np.asarray(values).astype(kind, copy=False).view()
    column.flags.writeable = False
    return column
