"""What may become of orders that wait: which of them only lead out of a position, and which are asked for already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpt_trader.core.orders import BUY, ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from gpt_trader.core.orders import Order


def same_target(order: Order, other: Order) -> bool:
    """Whether two orders want the same position on the same terms."""
    wanted = order.aim == other.aim if order.share is None else order.share == other.share
    return wanted and order.side is other.side and order.terms == other.terms


def leads_out(order: Order, held: Decimal) -> bool:
    """Whether an order brings this position nearer to zero, and not beyond it."""
    if not held or (order.side is BUY) is (held > ZERO):
        return False
    if order.aim is not None:
        return order.aim * held >= ZERO
    return not order.quantity.is_nan() and order.quantity <= abs(held)
