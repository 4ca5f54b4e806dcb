"""Times of foreign files in nanoseconds UTC: offsets are obeyed, naive times need a zone, dates are whole days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpt_trader.adapters.feeds.arrow import Mask, kernels, mask_of, matches, trimmed
from gpt_trader.core.errors import BadData, ValidationError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray


NO_TIME = np.iinfo(np.int64).min
"""Stands for a time that could not be read (numpy's NaT)."""

DATE = r"^\d{4}-\d\d-\d\d$"
CLOCK = r"\d\d:\d\d"
OFFSET = r"\d\d:\d\d.*(Z|z|[+-]\d\d(:?\d\d)?)$"
EPOCHS = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000))
"""A count since 1970 below the first number is in units of so many nanoseconds; above them all, in nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRules:
    """How times without an offset are meant: `zone` is that of naive times, `exchange_zone` that of bare dates."""

    zone: str | None = None
    exchange_zone: str = "America/New_York"
    format: str | None = None

    def __post_init__(self) -> None:
        for name in filter(None, (self.zone, self.exchange_zone)):
            check_zone(name)


class Times(NamedTuple):
    """Nanoseconds UTC (NaT where the text is no time), which local times do not exist or exist twice, and the kind."""

    ts: NDArray[np.int64]
    doubtful: Mask
    kind: str


def check_zone(name: str) -> None:
    """Raise the error that names the nearest zones when none is called so."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones())
        raise ValidationError(f"no time zone is called '{name}'", hint=hint) from None


def times_of(column: pa.Array[Any], rules: TimeRules, *, place: str, first_row: int) -> Times:
    """The times of one column of a batch; its first row's number is named in errors."""
    import pandas as pd
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_integer(kind) or kinds.is_floating(kind):
        return _epoch(column)
    if kinds.is_date(kind):
        return _localised(pd.DatetimeIndex(column.to_pandas()), rules.exchange_zone, kind="date")
    if kinds.is_timestamp(kind) and kind.tz is not None:
        return _exact(pd.DatetimeIndex(column.to_pandas()))
    if kinds.is_timestamp(kind):
        return _localised(pd.DatetimeIndex(column.to_pandas()), _zone(rules, place, first_row), kind="naive")
    return _formatted(column, rules, place, first_row) if rules.format else _texts(column, rules, place, first_row)


def _texts(column: pa.Array[Any], rules: TimeRules, place: str, first_row: int) -> Times:
    text = trimmed(column)
    if matches(text, r"^(\d{9,19})?$").all():
        return _epoch(text.cast("int64"))
    text = kernels().replace_substring_regex(text, r"^(\d{4})[/.-]?(\d\d)[/.-]?(\d\d)", r"\1-\2-\3")
    aware, dates = matches(text, OFFSET), matches(text, DATE)
    naive = matches(text, CLOCK) & ~aware
    bare = naive | dates
    if aware.any() and bare.any():
        rows = first_row + int(np.argmax(aware)), first_row + int(np.argmax(bare))
        problem = f"{place}: mixed time zones: row {rows[0]} has an offset, row {rows[1]} has none"
        raise BadData(problem, hint="write every time with its offset, or none")
    if aware.any():
        return _exact(_parsed(text, aware, utc=True))
    if naive.any():
        return _localised(_parsed(text, naive, utc=False), _zone(rules, place, first_row), kind="naive")
    return _localised(_parsed(text, dates, utc=False), rules.exchange_zone, kind="date")


def _formatted(column: pa.Array[Any], rules: TimeRules, place: str, first_row: int) -> Times:
    import pandas as pd

    known = rules.format or ""
    index = pd.DatetimeIndex(pd.to_datetime(column.to_pandas().astype(str), format=known, errors="coerce"))
    if index.tz is not None:
        return _exact(index)
    clock = any(code in known for code in ("%H", "%I", "%T", "%X", "%c"))
    zone = _zone(rules, place, first_row) if clock else rules.exchange_zone
    return _localised(index, zone, kind="naive" if clock else "date")


def _parsed(text: pa.Array[Any], which: Mask, *, utc: bool) -> pd.DatetimeIndex:
    import pandas as pd
    import pyarrow as pa

    try:
        fast = text.cast(pa.timestamp("ns", "UTC" if utc else None)) if which.all() else None
    except pa.ArrowInvalid:
        fast = None
    if fast is not None:
        return pd.DatetimeIndex(fast.to_pandas())
    series = text.to_pandas().where(which)
    return pd.DatetimeIndex(pd.to_datetime(series, format="ISO8601", errors="coerce", utc=utc))


def _zone(rules: TimeRules, place: str, row: int) -> str:
    if rules.zone is None:
        problem = f"{place}: row {row}: the time has no offset and no zone was named"
        raise BadData(problem, hint="name it, for example zone='America/New_York' or zone='UTC'")
    return rules.zone


def _localised(index: pd.DatetimeIndex, zone: str, *, kind: str) -> Times:
    if kind == "date":
        local = index.tz_localize(zone, ambiguous=np.ones(len(index), dtype=np.bool_), nonexistent="shift_forward")
    else:
        local = index.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return Times(_ns(local), np.array(local.isna()) & ~np.array(index.isna()), kind)


def _exact(index: pd.DatetimeIndex) -> Times:
    return Times(_ns(index), np.zeros(len(index), dtype=np.bool_), "aware")


def _ns(index: pd.DatetimeIndex) -> NDArray[np.int64]:
    # pandas keeps whatever unit it met; the integers mean nothing before the unit is fixed.
    return np.asarray(index.as_unit("ns").asi8, dtype=np.int64)


def _epoch(column: pa.Array[Any]) -> Times:
    values = kernels().fill_null(column, 0).to_numpy(zero_copy_only=False)
    known = ~mask_of(kernels().is_null(column, nan_is_null=True))
    largest = float(np.abs(values[known]).max()) if known.any() else 0.0
    unit = next((unit for limit, unit in EPOCHS if largest < limit), 1)
    ts = np.full(len(values), NO_TIME, dtype=np.int64)
    ts[known] = np.round(values[known] * unit).astype(np.int64)
    return Times(ts, np.zeros(len(ts), dtype=np.bool_), "epoch")
