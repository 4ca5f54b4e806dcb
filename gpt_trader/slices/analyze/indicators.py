"""Indicators by TA-Lib's names: each checked once, worked out over all bars, with a column for each output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.bars import PRICES
from gpt_trader.core.errors import BadData, NotFound, ValidationError, did_you_mean
from gpt_trader.core.frames import times_of
from gpt_trader.slices.analyze.library import columns_of, described, talib

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars

    Floats = NDArray[np.float64]

KEYS = {"name", "params", "as"}
HINT = "write a name, or {name: sma, params: {timeperiod: 20}, as: slow}"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A function of TA-Lib with its params, the columns that it reads, and the columns that it makes."""

    function: str
    params: Mapping[str, Any]
    reads: tuple[str, ...]
    columns: tuple[str, ...]
    lookback: int
    start: tuple[float, ...]
    """What TA-Lib writes in each column where there is no value yet: NaN, or 0 where it counts."""


def indicators_of(wanted: Sequence[str | Mapping[str, Any]]) -> list[Indicator]:
    """The wanted indicators, or an error that names the wrong one; no two of them may make the same column."""
    found = [_read(one) for one in wanted]
    columns = [column for one in found for column in one.columns]
    twice = next((c for c in columns if columns.count(c) > 1), None)
    if twice is not None:
        raise ValidationError(f"two indicators make the column '{twice}'", hint="name one of them with `as`")
    return found


def values_of(bars: Bars, indicators: Sequence[Indicator]) -> dict[str, Floats]:
    """Every column, each with a value for each bar; before there is one it is what TA-Lib writes."""
    library = talib("an indicator")
    values: dict[str, Floats] = {}
    for one in indicators:
        given = [_column(bars, name, one.function) for name in one.reads]
        made = getattr(library, one.function)(*given, **one.params)
        for name, column in zip(one.columns, made if isinstance(made, tuple) else (made,), strict=True):
            values[name] = np.asarray(column, dtype=np.float64)
    return values


def indicators_frame(bars: Bars, values: Mapping[str, Floats]) -> pd.DataFrame:
    """One row for each bar: symbol, time, and the columns."""
    import pandas as pd

    first = {"symbol": np.full(len(bars), bars.symbol, dtype=object), "time": times_of(bars.ts)}
    return pd.DataFrame(first | dict(values))


def last_of(values: Mapping[str, Floats]) -> dict[str, float | None]:
    """The value of each column at the last bar; none where there is none yet."""
    return {name: float(v[-1]) if len(v) and np.isfinite(v[-1]) else None for name, v in values.items()}


def _read(wanted: str | Mapping[str, Any]) -> Indicator:
    given: Mapping[str, Any] = {"name": wanted} if isinstance(wanted, str) else wanted
    name, params, label = given.get("name"), given.get("params") or {}, given.get("as")
    if not isinstance(name, str) or not set(given) <= KEYS or not isinstance(params, Mapping):
        raise ValidationError(f"{wanted!r} is no indicator", hint=HINT)
    library = talib(f"the indicator {name}")
    known = {f.lower() for f in library.get_functions()} - {"mavp"}  # its periods are a column of their own
    if name.lower() not in known:
        raise NotFound.among("indicator", name, known)
    abstract = described(name.upper())
    _check_params(name, params, abstract.parameters)
    reads = columns_of(name.upper())
    made = _tried(library, name, params, len(reads))
    label = label or "_".join([name.lower(), *(f"{value:g}" for value in params.values())])
    names = abstract.output_names
    columns = (label,) if len(names) == 1 else tuple(f"{label}_{output}" for output in names)
    abstract.parameters = dict(params)
    return Indicator(name.upper(), dict(params), reads, columns, abstract.lookback, made)


def _check_params(name: str, params: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key, value in params.items():
        if key not in known:
            hint = did_you_mean(key, known) or f"{name} takes no params"
            raise ValidationError(f"the indicator {name} has no param '{key}'", hint=hint)
        whole = isinstance(known[key], int)
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise ValidationError(f"{name}: {key} must be a {'whole ' * whole}number, not {value!r}")


def _tried(library: Any, name: str, params: Mapping[str, Any], inputs: int) -> tuple[float, ...]:
    """Call it on two bars, as TA-Lib alone knows which values it takes; it also shows how it writes `no value yet`."""
    try:
        made = getattr(library, name.upper())(*[np.ones(2)] * inputs, **params)
    except Exception as fault:  # noqa: BLE001 - TA-Lib raises nothing finer
        given = ", ".join(f"{k}={v}" for k, v in params.items())
        raise ValidationError(f"TA-Lib does not take {name}({given})", hint=str(fault).partition("\n")[0]) from None
    outputs = made if isinstance(made, tuple) else (made,)
    return tuple(0.0 if output.dtype.kind == "i" else np.nan for output in outputs)


def _column(bars: Bars, name: str, function: str) -> Floats:
    values: Floats = getattr(bars, name)
    if name not in PRICES and not np.isfinite(values).all():
        raise BadData(
            f"{function} reads volumes, and {bars.symbol} has bars without one", hint="leave this indicator out"
        )
    return values
