"""Orders at work across a split: they go on in new shares, more of them and each for less, brackets and targets too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import AT_MARKET, exact
from gpt_trader.trading.ordering import PRICES, on_ticks

if TYPE_CHECKING:
    from decimal import Decimal

    from gpt_trader.core.market import Instrument
    from gpt_trader.core.orders import Order, Terms


def in_new_shares(quantity: Decimal, new: int, old: int, instrument: Instrument) -> Decimal:
    """So many old shares as whole lots of new ones."""
    return instrument.whole_lots(quantity * new / old)


def restated(order: Order, new: int, old: int, instrument: Instrument) -> Order:
    """The order in new shares; every price that it names is in them, and on a tick."""
    return order._replace(
        quantity=in_new_shares(order.quantity, new, old, instrument),
        terms=order.terms if order.terms is AT_MARKET else _terms(order, new, old, instrument),
        reference=order.reference * old / new,
        aim=None if order.aim is None else in_new_shares(order.aim, new, old, instrument),
    )


def _terms(order: Order, new: int, old: int, instrument: Instrument) -> Terms:
    named = {name: getattr(order.terms, name) for name in (*PRICES, "trail", "trailing_loss")}
    prices: dict[str, Any] = {name: exact(value) * old / new for name, value in named.items() if value is not None}
    return on_ticks(replace(order.terms, **prices), order.side, instrument)
