"""Bars that stay on the disk: rows are read when somebody asks for them, so that many symbols need little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, overload

from gpt_trader.core.bars import PRICES, Bars, Provenance
from gpt_trader.core.context import Artifact
from gpt_trader.core.market import Timeframe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]

COLUMNS = ("ts", *PRICES, "volume")


class Rows(Protocol):
    """The rows of one symbol in a file."""

    def read(self, names: Sequence[str], first: int, last: int) -> Mapping[str, NDArray[Any]]:
        """These columns of the rows from the first to before the last, in memory of their own."""


class StoredBars(Bars):
    """Bars of one symbol in a file; a part of them is stored bars again, and a column is read each time it is asked."""

    __slots__ = ("_first", "_hash", "_last", "_rows")
    _rows: Rows
    _first: int
    _last: int
    _hash: str

    def __init__(
        self, like: Series, rows: Rows, *, first: int = 0, last: int | None = None, content_hash: str = ""
    ) -> None:
        put = object.__setattr__
        for name in ("symbol", "timeframe", "provenance"):
            put(self, name, getattr(like, name))
        put(self, "_rows", rows)
        put(self, "_first", first)
        put(self, "_last", like.rows if last is None else last)
        put(self, "_hash", content_hash)

    def __reduce__(self) -> tuple[Any, ...]:
        like = Series(self.symbol, len(self), self.timeframe, self.provenance)
        return _again, (like, self._rows, self._first, self._last, self._hash)

    def __len__(self) -> int:
        return self._last - self._first

    def __getitem__(self, rows: slice) -> StoredBars:
        first, last, _ = rows.indices(len(self))
        like = Series(self.symbol, len(self), self.timeframe, self.provenance)
        whole = last - first == len(self)
        begin, end = self._first + first, self._first + max(first, last)
        return StoredBars(like, self._rows, first=begin, last=end, content_hash=self._hash if whole else "")

    def loaded(self) -> Bars:
        """The same bars in memory."""
        columns = self._rows.read(COLUMNS, self._first, self._last)
        return Bars(symbol=self.symbol, timeframe=self.timeframe, provenance=self.provenance, **columns)

    @property
    def content_hash(self) -> str:
        """As of bars in memory; that of a whole series is known, and another is worked out once."""
        if not self._hash:
            object.__setattr__(self, "_hash", super().content_hash)
        return self._hash

    def _column(self, name: str) -> NDArray[Any]:
        return self._rows.read((name,), self._first, self._last)[name]

    @property
    def ts(self) -> Times:
        """When each bar opens."""
        return self._column("ts")

    @property
    def open(self) -> Floats:
        """The first prices."""
        return self._column("open")

    @property
    def high(self) -> Floats:
        """The highest prices."""
        return self._column("high")

    @property
    def low(self) -> Floats:
        """The lowest prices."""
        return self._column("low")

    @property
    def close(self) -> Floats:
        """The last prices."""
        return self._column("close")

    @property
    def volume(self) -> Floats:
        """How much was traded."""
        return self._column("volume")


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of stored bars without reading them."""

    symbol: str
    rows: int
    timeframe: Timeframe
    provenance: Provenance


def _again(like: Series, rows: Rows, first: int, last: int, content_hash: str) -> StoredBars:
    return StoredBars(like, rows, first=first, last=last, content_hash=content_hash)


class BarTable(Sequence[StoredBars]):
    """The bars of many symbols in one file: what a table of bars is where it is too long to be held."""

    def __init__(self, artifact: Artifact, series: Sequence[StoredBars]) -> None:
        self.artifact = artifact
        self._series = tuple(series)

    @overload
    def __getitem__(self, at: int) -> StoredBars: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[StoredBars]: ...
    def __getitem__(self, at: int | slice) -> StoredBars | Sequence[StoredBars]:
        return self._series[at]

    def __len__(self) -> int:
        return len(self._series)


class Loading(Sequence[Bars]):
    """Bars in memory, each read anew when it is asked for: who looks at one symbol after the other holds only that."""

    def __init__(self, table: BarTable) -> None:
        self._table = table

    @overload
    def __getitem__(self, at: int) -> Bars: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Bars]: ...
    def __getitem__(self, at: int | slice) -> Bars | Sequence[Bars]:
        if isinstance(at, slice):
            return [bars.loaded() for bars in self._table[at]]
        return self._table[at].loaded()

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Bars]:
        return (bars.loaded() for bars in self._table)
