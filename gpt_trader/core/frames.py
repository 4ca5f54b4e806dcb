"""Bars as one long table and back, because between the steps of a workflow market data travels as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from gpt_trader.core.bars import PRICES, Bars, Origin, Prices, Provenance
from gpt_trader.core.errors import BadData, NoBars
from gpt_trader.core.market import DAY, SECOND, Timeframe, time_of
from gpt_trader.core.stored import BarTable, Loading

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.context import Artifacts

COLUMNS = ("symbol", "time", *PRICES, "volume")
UNKNOWN: Mapping[str, Any] = {
    "origin": "file",
    "source": "table of an earlier step",
    "note": "nothing is said of its origin",
}
UNITS = ((7 * DAY, "w"), (DAY, "d"), (3_600 * SECOND, "h"), (60 * SECOND, "m"), (SECOND, "s"))


def frame_of(bars: Sequence[Bars]) -> pd.DataFrame:
    """One row for each bar, the symbols one after the other: symbol, time, open, high, low, close, volume."""
    import pandas as pd

    codes = np.repeat(np.arange(len(bars)), [len(b) for b in bars])
    columns: dict[str, Any] = {
        "symbol": pd.Categorical.from_codes(codes, categories=pd.Index([b.symbol for b in bars]))
    }
    columns["time"] = times_of(np.concatenate([b.ts for b in bars]))
    for name in (*PRICES, "volume"):
        columns[name] = np.concatenate([getattr(b, name) for b in bars])
    return pd.DataFrame(columns)


def times_of(ns: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Nanoseconds since 1970 as times in UTC."""
    import pandas as pd

    return pd.DatetimeIndex(np.asarray(ns).astype("datetime64[ns]"), tz="UTC")


def ns_of(times: pd.Series[Any]) -> NDArray[np.int64]:
    """Aware times of a table as nanoseconds since 1970."""
    plain = times.dt.as_unit("ns").dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return np.asarray(plain, dtype="datetime64[ns]").astype(np.int64)


def said_of(bars: Bars) -> dict[str, Any]:
    """What a table cannot carry: the length of the bars, where they come from, their range and their hash."""
    return {
        "timeframe": str(bars.timeframe),
        **asdict(bars.provenance),
        "bars": len(bars),
        "from": time_of(int(bars.ts[0])).isoformat() if len(bars) else None,
        "to": time_of(int(bars.ts[-1])).isoformat() if len(bars) else None,
        "hash": bars.content_hash,
    }


def bars_of(
    frame: pd.DataFrame | BarTable, provenance: Mapping[str, Mapping[str, Any]] | None = None
) -> Sequence[Bars]:
    """The bars of a table, one item for each symbol; what was said of them must still be true of their values.

    Of a table that stays on the disk each item is read when it is asked for, and not kept.
    """
    if isinstance(frame, BarTable):
        return Loading(_true(frame, provenance or {}))
    return [_bars(symbol, part, (provenance or {}).get(symbol)) for symbol, part in _parts(frame)]


def traded_of(
    frame: pd.DataFrame | BarTable, provenance: Mapping[str, Mapping[str, Any]] | None = None
) -> Sequence[Bars]:
    """As `bars_of`; but of a table that stays on the disk nothing is read: whoever trades it reads part by part."""
    return _true(frame, provenance or {}) if isinstance(frame, BarTable) else bars_of(frame, provenance)


def gathered(every: Iterator[Bars], symbols: Sequence[str], *, held: int, artifacts: Artifacts) -> Any:
    """The bars as a table in memory; as one in a file as soon as they are more than so many."""
    first: list[Bars] = []
    for bars in every:
        first.append(bars)
        if sum(len(b) for b in first) > held:
            return artifacts.put_bars(chain(_drained(first), every), symbols)
    return frame_of(first)


def _drained(bars: list[Bars]) -> Iterator[Bars]:
    while bars:
        yield bars.pop(0)


def _true(table: BarTable, provenance: Mapping[str, Mapping[str, Any]]) -> BarTable:
    for bars in table:
        if provenance.get(bars.symbol, {}).get("hash", bars.content_hash) != bars.content_hash:
            raise _untrue(bars.symbol)
    return table


def _untrue(symbol: str) -> BadData:
    return BadData(f"the bars of {symbol} are not those that their provenance speaks of", hint="fetch them again")


def needs(frame: Any, what: str, columns: Sequence[str]) -> None:
    """Refuse what is no table, or lacks one of these columns."""
    hint = f"it needs {', '.join(columns)}" if columns else "hand on what an earlier step gave"
    if not hasattr(frame, "columns"):
        raise BadData(f"{what} must be a table, not a {type(frame).__name__}", hint=hint)
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise BadData(f"the table of {what} has no column '{missing[0]}'", hint=hint)


def _parts(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    needs(frame, "bars", COLUMNS)
    if len(frame) == 0:
        raise NoBars("the table of bars is empty", hint="widen the range, or name other symbols")
    for symbol, part in frame.groupby("symbol", sort=False, observed=True):
        yield str(symbol), part


def _bars(symbol: str, part: pd.DataFrame, said: Mapping[str, Any] | None) -> Bars:
    times = part["time"]
    if getattr(times.dtype, "tz", None) is None:
        raise BadData(f"the times of {symbol} have no time zone", hint="make the column 'time' aware: UTC")
    ts = ns_of(times)
    words = said or UNKNOWN
    kept = {name: words[name] for name in ("origin", "source", "prices", "zone", "note") if name in words}
    bars = Bars(
        symbol=symbol,
        timeframe=Timeframe.parse(words["timeframe"]) if "timeframe" in words else _timeframe(ts),
        ts=ts,
        provenance=_checked(Provenance(**kept), symbol),
        **{name: part[name].to_numpy(dtype=np.float64) for name in (*PRICES, "volume")},
    )
    if "hash" in words and words["hash"] != bars.content_hash:
        raise _untrue(symbol)
    return bars


def _checked(provenance: Provenance, symbol: str) -> Provenance:
    if provenance.origin not in get_args(Origin) or provenance.prices not in get_args(Prices):
        raise BadData(f"the provenance of {symbol} names an unknown origin or kind of price")
    return provenance


def _timeframe(ts: NDArray[np.int64]) -> Timeframe:
    if len(ts) < 2:
        raise NoBars("one bar is no series", hint="widen the range")
    steps, counts = np.unique(np.diff(ts), return_counts=True)
    step = max(int(steps[np.argmax(counts)]), SECOND)
    length, unit = next(u for u in UNITS if step >= u[0])
    return Timeframe(max(1, round(step / length)), unit)  # type: ignore[arg-type]
