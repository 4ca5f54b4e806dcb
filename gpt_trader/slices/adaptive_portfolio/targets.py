"""From weights to whole lots, and the orders that lead there from what is held; what shrinks comes first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import Instrument
from gpt_trader.core.orders import ZERO, exact

if TYPE_CHECKING:
    from gpt_trader.slices.adaptive_portfolio.params import AllocateParams
    from gpt_trader.slices.adaptive_portfolio.policy import Key, Plan, Policy


def held_of(positions: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[Key, Decimal]:
    """The units that are held, by strategy and symbol; where there is one strategy alone, it need not be named."""
    found: dict[Key, Decimal] = {}
    for position in positions:
        strategy, symbol, quantity = (position.get(word) for word in ("strategy", "symbol", "quantity"))
        if not (symbol and isinstance(symbol, str) and isinstance(quantity, int | float) and math.isfinite(quantity)):
            raise ValidationError(
                f"{dict(position)!r} is no position", hint="write {symbol: ..., quantity: ..., strategy: ...}"
            )
        key = (str(strategy or (names[0] if len(names) == 1 else "")), symbol)
        found[key] = found.get(key, ZERO) + exact(quantity)
    return found


def weights_held(held: Mapping[Key, Decimal], policy: Policy, now: int, equity: float) -> dict[Key, float]:
    """What is held as parts of the account, at the last prices that are known."""
    priced = {key: policy.past.price(key[1], now) for key in held}
    return {key: abs(float(held[key])) * price / equity for key, price in priced.items() if price > 0}


def targets_of(
    plan: Plan, policy: Policy, held: Mapping[Key, Decimal], params: AllocateParams, now: int
) -> list[dict[str, Any]]:
    """For each strategy and symbol its weight, price, whole lots and value, and what is held of it.

    A strategy that is out at this moment has its weight, but no lots; one that is short has a negative number.
    """
    keys = [*plan.weights, *(key for key in held if key not in plan.weights)]
    rows = []
    for name, symbol in dict.fromkeys(keys):
        price = policy.past.price(symbol, now)
        weight = plan.weights.get((name, symbol), 0.0)
        state = policy.mix.state(name, symbol) if weight else 0
        units = _whole(weight * params.cash / price, symbol, params) * state if price > 0 else ZERO
        before = held.get((name, symbol), ZERO)
        units = before if _near(units, before, price, plan, params) else units
        rows.append(
            {
                "strategy": name,
                "symbol": symbol,
                "weight": weight,
                "price": price if math.isfinite(price) else None,
                "units": float(units),
                "value": float(units) * price if price > 0 else 0.0,
                "held": float(before),
                "regime": plan.labels.get(symbol, ""),
                "state": state,
            }
        )
    return rows


def orders_of(targets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The orders, sales before purchases."""
    orders = []
    for target in targets:
        change = exact(target["units"]) - exact(target["held"])
        if change and target["price"] is not None:
            orders.append(
                {
                    "strategy": target["strategy"],
                    "symbol": target["symbol"],
                    "side": "buy" if change > 0 else "sell",
                    "quantity": float(abs(change)),
                    "value": float(abs(change)) * target["price"],
                }
            )
    return sorted(orders, key=lambda order: order["side"] == "buy")


def _whole(units: float, symbol: str, params: AllocateParams) -> Decimal:
    lot = exact(params.lots.get(symbol, 1.0))
    return Instrument(symbol, lot=lot).whole_lots(exact(units))


def _near(units: Decimal, before: Decimal, price: float, plan: Plan, params: AllocateParams) -> bool:
    """Whether the difference is not worth a trade."""
    if not price > 0 or units == before:
        return units == before
    value = float(abs(units - before)) * price
    if before and not units:
        return False
    return value < plan.tier.least_trade or (bool(before) and value < params.band * params.cash)
