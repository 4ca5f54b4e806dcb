"""Batches of a foreign table become rows of one symbol in one range, so that memory holds the answer and one batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.adapters.feeds.arrow import Mask, is_text, kernels, mask_of, trimmed
from gpt_trader.adapters.feeds.quality import Rows
from gpt_trader.adapters.feeds.times import NO_TIME, TimeRules, times_of
from gpt_trader.core.bars import PRICES, Prices
from gpt_trader.core.errors import BadData

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from gpt_trader.adapters.feeds.ranges import Range

    Times = NDArray[np.int64]
    Floats = NDArray[np.float64]

FIELDS = ("row", "ts", *PRICES, "volume")
KINDS = {name: np.dtype(np.int64 if name in {"row", "ts"} else np.float64) for name in FIELDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is to be understood, where its header and values do not say it themselves."""

    times: TimeRules = field(default_factory=TimeRules)
    columns: Mapping[str, str] = field(default_factory=dict)
    separator: str | None = None
    decimal: str = "."
    prices: Prices = "raw"


@dataclass(slots=True, kw_only=True)
class Gathered:
    """What was read so far: the parts to keep, the rows refused while reading, and what else was seen."""

    reading: Reading
    columns: Mapping[str, tuple[str, ...]]
    symbol: str
    within: Range
    place: str
    kept: int = 0
    columns_kept: dict[str, NDArray[Any]] = field(default_factory=lambda: {n: np.empty(0, KINDS[n]) for n in FIELDS})
    refused: dict[str, list[Times]] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    held: tuple[int, int] | None = None
    kind: str | None = None
    read: int = 0

    def take(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Read every batch; each is let go before the next is asked for."""
        for batch in batches:
            self._take(batch, first_row=self.read + 1)
            self.read += batch.num_rows

    def rows(self) -> Rows:
        """The rows that were kept."""
        return Rows(**{name: column[: self.kept] for name, column in self.columns_kept.items()})

    def _take(self, batch: pa.RecordBatch, *, first_row: int) -> None:
        ours = self._of_symbol(batch)
        row = first_row + np.flatnonzero(ours)
        batch = batch if ours.all() else batch.filter(_mask(ours))
        if batch.num_rows == 0:
            return
        times = times_of(self._time_column(batch), self.reading.times, place=self.place, first_row=int(row[0]))
        self._same_kind(times.kind, int(row[0]))
        values, garbled = self._values(batch)
        inside = self._inside(times.ts)
        self._refuse("no_such_local_time", row[times.doubtful])
        self._refuse("not_a_number", row[garbled & inside & ~times.doubtful])
        kept = inside & ~garbled & ~times.doubtful
        self._keep({"row": row, "ts": times.ts, **values}, kept)

    def _keep(self, values: dict[str, NDArray[Any]], which: Mask) -> None:
        end = self.kept + int(which.sum())
        for name, column in self.columns_kept.items():
            if end > len(column):
                # Grown in place: many small arrays, joined at last, would for a moment take twice the memory.
                column.resize(max(end, len(column) * 5 // 4), refcheck=False)
            column[self.kept : end] = values[name] if which.all() else values[name][which]
        self.kept = end

    def _of_symbol(self, batch: pa.RecordBatch) -> Mask:
        if "symbol" not in self.columns:
            return np.ones(batch.num_rows, dtype=np.bool_)
        names = trimmed(batch.column(self.columns["symbol"][0]))
        self.symbols.update(filter(None, names.unique().to_pylist()))
        return mask_of(kernels().equal(names, self.symbol))

    def _time_column(self, batch: pa.RecordBatch) -> Any:
        parts = [batch.column(name) for name in self.columns["time"]]
        return parts[0] if len(parts) == 1 else kernels().binary_join_element_wise(*map(trimmed, parts), " ")

    def _same_kind(self, kind: str, row: int) -> None:
        if self.kind not in (None, kind):
            problem = f"{self.place}: mixed time zones: row {row} is {kind}, those before it are {self.kind}"
            raise BadData(problem, hint="write every time in the same way")
        self.kind = kind

    def _values(self, batch: pa.RecordBatch) -> tuple[dict[str, Floats], Mask]:
        values: dict[str, Floats] = {"volume": np.full(batch.num_rows, np.nan)}
        garbled = np.zeros(batch.num_rows, dtype=np.bool_)
        for name in (*PRICES, "volume", "adjusted"):
            if name in self.columns:
                values[name], wrong = _floats(batch.column(self.columns[name][0]), self.reading.decimal)
                garbled |= wrong
        adjusted = values.pop("adjusted", None)
        if self.reading.prices == "adjusted":
            if adjusted is None:
                raise BadData(f"{self.place}:1: there is no adjusted close", hint="take the prices as they are: 'raw'")
            ratio = adjusted / values["close"]
            values.update({name: values[name] * ratio for name in PRICES})
        return values, garbled

    def _inside(self, ts: Times) -> Mask:
        known = ts[ts != NO_TIME]
        if len(known):
            low, high = int(known.min()), int(known.max())
            self.held = (low, high) if self.held is None else (min(low, self.held[0]), max(high, self.held[1]))
        inside = (ts >= self.within.start_ns) & (ts < self.within.end_ns)
        return np.asarray(inside | (ts == NO_TIME), dtype=np.bool_)

    def _refuse(self, reason: str, rows: Times) -> None:
        if len(rows):
            self.refused.setdefault(reason, []).append(rows)


def _floats(column: pa.Array[Any], decimal: str) -> tuple[Floats, Mask]:
    import pandas as pd
    import pyarrow as pa

    if is_text(column):
        column = trimmed(column)
        column = column if decimal == "." else kernels().replace_substring(column, decimal, ".")
    try:
        numbers = column.cast(pa.float64(), safe=False)
    except pa.ArrowInvalid:
        texts = column.to_pandas()
        values = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
        return values, np.isnan(values) & ~texts.isna().to_numpy()
    values = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
    return values, np.zeros(len(values), dtype=np.bool_)


def _mask(which: Mask) -> pa.Array[Any]:
    import pyarrow as pa

    return pa.array(which)
