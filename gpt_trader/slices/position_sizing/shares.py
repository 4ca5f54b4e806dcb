"""The share of the account that each rule wants for each symbol, before any limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import NoBars, ValidationError
from gpt_trader.core.metrics import observed_periods, returns_of, volatility
from gpt_trader.slices.position_sizing.parity import equal_risk
from gpt_trader.slices.position_sizing.ranges import average_true_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.position_sizing.params import SizeParams

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A share of the account, how it came about, and the desk's rule where the share alone does not say it."""

    share: float
    details: Mapping[str, Any] = field(default_factory=dict)
    rule: str = ""


def wanted_of(pasts: Sequence[Bars], params: SizeParams) -> list[Wanted]:
    """What the rule wants for each symbol."""
    if params.sizing == "fraction":  # it needs no past: a symbol may be listed only after the decision
        return [Wanted(params.fraction / len(pasts)) for _ in pasts]
    empty = next((past.symbol for past in pasts if len(past) == 0), None)
    if empty is not None:
        raise NoBars(f"{empty} has no bars before {params.decided_at}", hint="size by fraction, or leave it out")
    if params.sizing == "parity":
        return _parity(pasts, params)
    rules: Mapping[str, Callable[..., Wanted]] = {"risk": _risk, "volatility": _volatility, "kelly": _kelly}
    return [rules[params.sizing](past, params, symbols=len(pasts)) for past in pasts]


def _risk(past: Bars, params: SizeParams, *, symbols: int) -> Wanted:
    """So much that the stop costs this part of the account, but never more than an equal share."""
    price, atr = float(past.close[-1]), average_true_range(past, params.atr_bars)
    distance = params.stop_atrs * atr
    wanted, most = params.risk / distance * price, params.fraction / symbols
    details = {
        "atr": atr,
        "stop": price - distance,
        "stop_distance": distance,
        "atr_bars": params.atr_bars,
        "stop_atrs": params.stop_atrs,
        "capped": wanted > most,
    }
    return Wanted(min(wanted, most), details, rule=f"risk:{params.risk!r}")


def _volatility(past: Bars, params: SizeParams, *, symbols: int) -> Wanted:
    """So much that it moves the account by its part of the target; others may all move the same way."""
    length = params.volatility_bars
    returns = _returns(past, length)
    yearly = volatility(returns, periods=observed_periods(past.ts[-length - 1 :]))
    if not yearly > 0:
        raise _still(past)
    return Wanted(params.target_volatility / symbols / yearly, {"volatility": yearly})


def _kelly(past: Bars, params: SizeParams, *, symbols: int) -> Wanted:  # noqa: ARG001 - every rule is called alike
    """A part of Kelly's share, and not more than the cap times the confidence; nothing where there is no edge."""
    confidence = _confidence(past.symbol, params)
    odds = params.odds.get(past.symbol)
    full = kelly_of_odds(past.symbol, odds) if odds is not None else kelly_of(past, params.kelly_bars)
    share = max(0.0, min(params.kelly_fraction * full, params.kelly_cap * confidence))
    return Wanted(share, {"kelly": full, "confidence": confidence})


def kelly_of(past: Bars, length: int) -> float:
    """The share with the highest growth if the returns to come are like these: their mean over their variance."""
    returns = _returns(past, length)
    variance = float(returns.var(ddof=1))
    if not variance > 0:
        raise _still(past)
    return float(returns.mean()) / variance


def kelly_of_odds(symbol: str, odds: Mapping[str, float]) -> float:
    """The same for a bet that wins `payoff` times its stake in a share `win_rate` of cases, and else loses it."""
    if set(odds) != {"win_rate", "payoff"} or not (0 <= odds["win_rate"] <= 1 and 0 < odds["payoff"] < math.inf):
        raise ValidationError(f"{dict(odds)} are no odds of {symbol}", hint="write {win_rate: 0.55, payoff: 1.2}")
    return odds["win_rate"] - (1 - odds["win_rate"]) / odds["payoff"]


def _parity(pasts: Sequence[Bars], params: SizeParams) -> list[Wanted]:
    """All of the fraction, divided so that each symbol brings the same part of the risk."""
    ts, returns = _common_returns(pasts, params.volatility_bars)
    spread = returns.std(axis=1, ddof=1)
    still = np.flatnonzero(~(spread > 0))
    if len(still):
        raise _still(pasts[int(still[0])])
    covariance = np.atleast_2d(np.cov(returns))
    weights = equal_risk(covariance)
    yearly = spread * math.sqrt(observed_periods(ts))
    brought = weights * (covariance @ weights) / (weights @ covariance @ weights)
    rows = zip(weights.tolist(), yearly.tolist(), brought.tolist(), strict=True)
    return [Wanted(params.fraction * w, {"volatility": v, "part_of_risk": part}) for w, v, part in rows]


def _common_returns(pasts: Sequence[Bars], length: int) -> tuple[NDArray[np.int64], Floats]:
    common = pasts[0].ts
    for past in pasts[1:]:
        common = np.intersect1d(common, past.ts)
    if len(common) <= length:
        names = " and ".join(past.symbol for past in pasts)
        raise NoBars(
            f"{names} have {len(common)} bars in common before the decision, and {length + 1} are needed",
            hint="widen the range, take fewer `volatility_bars`, or size by fraction",
        )
    ts = common[-length - 1 :]
    rows = [past.close[np.searchsorted(past.ts, ts)] for past in pasts]
    return ts, np.stack([returns_of(row) for row in rows])


def _returns(past: Bars, length: int) -> Floats:
    if len(past) <= length:
        raise NoBars(
            f"{past.symbol} has {len(past)} bars before the decision, and {length + 1} are needed",
            hint="widen the range, look at fewer bars, or size by fraction",
        )
    return returns_of(past.close[-length - 1 :])


def _confidence(symbol: str, params: SizeParams) -> float:
    value = params.confidence.get(symbol, params.selection.get(symbol, {}).get("confidence"))
    if value is None:
        raise ValidationError(
            f"nothing says how sure one is of {symbol}, and Kelly's share is capped by that",
            hint=f"select a strategy first, or write confidence: {{{symbol}: 0.6}}",
        )
    if not 0 <= value <= 1:
        raise ValidationError(f"the confidence in {symbol} is {value}", hint="it lies between 0 and 1")
    return float(value)


def _still(past: Bars) -> NoBars:
    return NoBars(f"{past.symbol} did not move, so its risk cannot be measured", hint="size by fraction")
