"""From wanted shares to sizes: the limits, whole lots, and the rule that the desk applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gpt_trader.core.market import Instrument, moment_of
from gpt_trader.core.orders import exact
from gpt_trader.slices.position_sizing.shares import Wanted, wanted_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.position_sizing.params import SizeParams


def sizes_of(bars: Sequence[Bars], params: SizeParams) -> dict[str, dict[str, Any]]:
    """For each symbol its rule, and the units, value and risk that it means at the last price before the decision."""
    end = moment_of(params.decided_at) if params.decided_at else None
    pasts = [b.between(None, end) for b in bars]
    wanted, limits = limited(wanted_of(pasts, params), params)
    even = min(params.fraction, params.max_gross) / len(pasts)
    rows = zip(pasts, wanted, limits, strict=True)
    return {past.symbol: _sized(past, w, by, params, even=even) for past, w, by in rows}


def limited(wanted: Sequence[Wanted], params: SizeParams) -> tuple[list[Wanted], list[list[str]]]:
    """The shares within the limits, and the names of the limits that made each of them smaller."""
    most = params.max_notional / params.cash if params.max_notional is not None else float("inf")
    by = [["max_notional"] if w.share > most else [] for w in wanted]
    cut = [replace(w, share=min(w.share, most)) for w in wanted]
    total, room = sum(w.share for w in cut), min(params.fraction, params.max_gross)
    if total > room * (1 + 1e-12):
        cut = [replace(w, share=w.share * room / total) for w in cut]
        for names in by:
            names.append("gross")
    return cut, by


def _rule(wanted: Wanted, params: SizeParams, even: float) -> str:
    """What the desk does at each entry: within the same limits as now, also when account or risk have changed."""
    rules = [wanted.rule, f"sleeve:{even!r}"] if wanted.rule else [f"sleeve:{wanted.share!r}"]
    if params.max_notional is not None:
        rules.append(f"value:{params.max_notional!r}")
    return ",".join(rules)


def _sized(past: Bars, wanted: Wanted, by: list[str], params: SizeParams, *, even: float) -> dict[str, Any]:
    lot = exact(params.lots.get(past.symbol, 1.0))
    rule = _rule(wanted, params, even)
    row: dict[str, Any] = {
        "share": wanted.share,
        "lot": float(lot),
        "sizing": params.sizing,
        "rule": rule,
        "limited_by": by,
    }
    if len(past) == 0:
        return {**row, "units": None, "price": None, "value": None}
    price = float(past.close[-1])
    row |= {**wanted.details, **_at(price, params.cash * wanted.share / price, past.symbol, lot)}
    return row | {"at_risk": row["units"] * row["stop_distance"]} if "stop_distance" in row else row


def _at(price: float, units: float, symbol: str, lot: Decimal) -> dict[str, Any]:
    whole = float(Instrument(symbol, lot=lot).whole_lots(exact(units)))
    return {"units": whole, "price": price, "value": whole * price}
