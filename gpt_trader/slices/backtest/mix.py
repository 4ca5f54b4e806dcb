"""Several strategies side by side in one account, each with a sleeve of the money of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import UsageError, ValidationError
from gpt_trader.core.orders import exact
from gpt_trader.trading.requests import INVESTED
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sleeves import sizing_of

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog

KNOWN = {"strategy", "params", "symbols", "share"}
HINT = "write a name, or {strategy: ..., params: {...}, symbols: [...], share: 0.5}"
DUST = 1e-9


def mixed(
    mix: Sequence[str | Mapping[str, Any]], catalog: StrategyCatalog, symbols: Sequence[str], *, cash: float
) -> list[StrategySpec]:
    """A spec for each strategy and symbol; money that nobody named a share of is shared evenly."""
    parts = [_read(part, symbols) for part in mix]
    shares = _shares([part["share"] for part in parts])
    specs: list[StrategySpec] = []
    for part, share in zip(parts, shares, strict=True):
        specs += _specs(part, catalog, share=share, cash=cash, taken={spec.name for spec in specs})
    return specs


def _read(part: str | Mapping[str, Any], symbols: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"strategy": part} if isinstance(part, str) else dict(part)
    if not set(found) <= KNOWN or not isinstance(found.get("strategy"), str):
        raise ValidationError(f"{found!r} is no part of a mix", hint=HINT)
    wanted = found.get("symbols") or list(symbols)
    for symbol in wanted:
        if symbol not in symbols:
            raise UsageError(f"{found['strategy']} wants {symbol}, of which there are no bars", hint="fetch it, too")
    share = found.get("share")
    if share is not None and not (isinstance(share, int | float) and 0 < share <= 1):
        raise ValidationError(f"a share is above 0 and at most 1, not {share!r}", hint=HINT)
    return {"strategy": found["strategy"], "params": found.get("params") or {}, "symbols": wanted, "share": share}


def _shares(named: Sequence[float | None]) -> list[float]:
    total = sum(share for share in named if share is not None)
    unnamed = sum(share is None for share in named)
    rest = (INVESTED - total) / unnamed if unnamed else 0.0
    if total > 1.0 + DUST or (unnamed and rest <= 0.0):
        raise ValidationError(
            f"the shares of the mix add up to {total:g}, which is too much", hint="leave some to each"
        )
    return [rest if share is None else float(share) for share in named]


def _specs(
    part: Mapping[str, Any], catalog: StrategyCatalog, *, share: float, cash: float, taken: set[str]
) -> list[StrategySpec]:
    make, symbols, params = catalog[part["strategy"]], part["symbols"], part["params"]
    each = f"sleeve:{share / len(symbols)!r}"
    if not make.per_symbol and len(symbols) > 1:
        name = _free(part["strategy"], "", taken)
        return [StrategySpec(name, make, params, tuple(symbols), sizing_of(each, exact(cash), name))]
    names = [_free(part["strategy"], f":{symbol}", taken) for symbol in symbols]
    return [
        StrategySpec(name, make, params, (symbol,), sizing_of(each, exact(cash), name))
        for name, symbol in zip(names, symbols, strict=True)
    ]


def _free(strategy: str, end: str, taken: set[str]) -> str:
    """Find a name that no other part has: a strategy may be there twice, with other params."""
    number = 1
    while (name := f"{strategy}{f'#{number}' if number > 1 else ''}{end}") in taken:
        number += 1
    taken.add(name)
    return name
