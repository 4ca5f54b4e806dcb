"""The exits around an entry: they are born with its first fill, grow with it, and end together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpt_trader.core.orders import Order, OrderType, Terms

if TYPE_CHECKING:
    from decimal import Decimal


def exits_of(terms: Terms) -> dict[str, Terms]:
    """The exits that an entry's terms ask for, the protecting ones first."""
    made: dict[str, Terms] = {}
    if terms.stop_loss is not None:
        made["stop"] = Terms(OrderType.STOP, stop=terms.stop_loss, reduce_only=True)
    if terms.trailing_loss is not None:
        made["trail"] = Terms(OrderType.TRAILING_STOP, trail=terms.trailing_loss, reduce_only=True)
    if terms.take_profit is not None:
        made["target"] = Terms(OrderType.LIMIT, limit=terms.take_profit, reduce_only=True)
    return made


def exit_order(entry: Order, name: str, terms: Terms, price: Decimal, ns: int) -> Order:
    """One exit: it was approved together with its entry, and can only reduce."""
    return Order(
        f"{entry.id}.{name}", entry.strategy, entry.symbol, entry.side.opposite, entry.quantity, terms,
        float(price), ns, parent=entry.id, reason=name,
    )  # fmt: skip
