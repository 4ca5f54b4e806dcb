"""The rules of size, worked out on the bars before the decision."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import NoBars
from gpt_trader.core.market import Instrument, nanoseconds
from gpt_trader.core.orders import exact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.position_sizing.params import SizeParams

    Floats = NDArray[np.float64]


def sized(bars: Bars, params: SizeParams, *, symbols: int) -> dict[str, Any]:
    """The rule for one symbol, and the units, value and risk that it means at the last price."""
    past = bars.between(None, nanoseconds(datetime.fromisoformat(params.decided_at))) if params.decided_at else bars
    share = params.fraction / symbols
    lot = exact(params.lots.get(bars.symbol, 1.0))
    common = {"share": share, "lot": float(lot), "sizing": params.sizing}
    if len(past) == 0:  # a symbol may be listed only after the decision; a share needs no past, a stop does
        if params.sizing == "risk":
            raise NoBars(
                f"{bars.symbol} has no bars before {params.decided_at}", hint="size by fraction, or leave it out"
            )
        return {**common, "rule": _sleeve(share), "units": None, "price": None, "value": None}
    price = float(past.close[-1])
    most = params.cash * share / price
    if params.sizing == "fraction":
        return {**common, "rule": _sleeve(share), **_at(price, most, bars.symbol, lot)}
    atr = average_true_range(past, params.atr_bars)
    distance = params.stop_atrs * atr
    wanted = params.cash * params.risk / distance
    found = _at(price, min(wanted, most), bars.symbol, lot)
    stop = {"atr": atr, "stop": price - distance, "stop_distance": distance, "at_risk": found["units"] * distance}
    rule = {"rule": f"risk:{params.risk!r}", "atr_bars": params.atr_bars, "stop_atrs": params.stop_atrs}
    return {**common, **rule, **found, **stop, "capped": wanted > most}


def average_true_range(bars: Bars, length: int) -> float:
    """Wilder's average: the mean of the first so many true ranges, then each new one with a weight of 1 / length."""
    ranges = true_ranges(bars)
    if len(ranges) < length:
        raise NoBars(f"{bars.symbol}: {len(bars)} bars give no average true range of {length}", hint="widen the range")
    average = math.fsum(ranges[:length].tolist()) / length
    for value in ranges[length:].tolist():
        average += (value - average) / length
    if not average > 0:
        raise NoBars(f"{bars.symbol} did not move, so a stop has no distance", hint="size by fraction")
    return average


def true_ranges(bars: Bars) -> Floats:
    """From the second bar on, the range of the bar with the close before it counted in."""
    before = bars.close[:-1]
    return np.maximum(bars.high[1:], before) - np.minimum(bars.low[1:], before)


def _sleeve(share: float) -> str:
    return f"sleeve:{share!r}"


def _at(price: float, units: float, symbol: str, lot: Decimal) -> dict[str, Any]:
    whole = float(Instrument(symbol, lot=lot).whole_lots(exact(units)))
    return {"units": whole, "price": price, "value": whole * price}
