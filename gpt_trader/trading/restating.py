"""Orders at work across a split: they go on in new shares, more of them and each for less, brackets and targets too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import AT_MARKET, exact

if TYPE_CHECKING:
    from decimal import Decimal

    from gpt_trader.core.market import Instrument
    from gpt_trader.core.orders import Order, Terms

ON_TICK = ("limit", "stop", "stop_loss", "take_profit")
DISTANCES = ("trail", "trailing_loss")


def in_new_shares(quantity: Decimal, new: int, old: int, instrument: Instrument) -> Decimal:
    """So many old shares as whole lots of new ones."""
    return instrument.whole_lots(quantity * new / old)


def restated(order: Order, new: int, old: int, instrument: Instrument) -> Order:
    """The order in new shares; every price that it names is in them, and on a tick."""
    return order._replace(
        quantity=in_new_shares(order.quantity, new, old, instrument),
        terms=order.terms if order.terms is AT_MARKET else _terms(order.terms, new, old, instrument),
        reference=order.reference * old / new,
        aim=None if order.aim is None else in_new_shares(order.aim, new, old, instrument),
    )


def _terms(terms: Terms, new: int, old: int, instrument: Instrument) -> Terms:
    prices: dict[str, Any] = {}
    for name in (*ON_TICK, *DISTANCES):
        value = getattr(terms, name)
        if value is not None:
            price = exact(value) * old / new
            prices[name] = instrument.on_tick(price) if name in ON_TICK else price
    return replace(terms, **prices)
