"""The controls that always act, in every mode: an order must be an order before it can be a risk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt_trader.core.orders import AT_MARKET, BUY, ZERO, OrderType, TimeInForce, exact
from gpt_trader.trading.guards.base import BEYOND_DOUBT, Control

if TYPE_CHECKING:
    from gpt_trader.core.orders import Order
    from gpt_trader.trading.guards.base import Look

PRICES = ("limit", "stop", "trail", "trail_percent", "stop_loss", "take_profit", "trailing_loss")
ON_TICK = ("limit", "stop", "stop_loss", "take_profit")
LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
STOPPED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
INF = math.inf


class IntegrityControl(Control):
    """A control that no configuration switches off, and that reductions must pass, too."""

    __slots__ = ()
    integrity = True
    spares_reductions = False


@dataclass(frozen=True, slots=True)
class KnownInstrument(IntegrityControl):
    """The symbol is one of the session's instruments."""

    code = "unknown_instrument"

    def check(self, look: Look) -> str | None:
        return None if look.lane is not None else f"{look.order.symbol} is no instrument of this session"


@dataclass(frozen=True, slots=True)
class FiniteNumbers(IntegrityControl):
    """Quantity, reference and every price are finite and above zero."""

    code = "bad_number"

    def check(self, look: Look) -> str | None:
        if not 0.0 < look.size < INF:
            return f"the quantity {look.order.quantity} is no number above 0"
        if not 0.0 < look.price < INF:
            return f"the reference price {look.price} is no number above 0"
        terms = look.order.terms
        if terms is not AT_MARKET:
            for name in PRICES:
                value = getattr(terms, name)
                if value is not None and not 0.0 < value < INF:
                    return f"{name} {value} is no number above 0"
        return None


@dataclass(frozen=True, slots=True)
class CompleteTerms(IntegrityControl):
    """The order's type has the prices that it needs, and its exits lie on their side of the reference."""

    code = "bad_terms"
    about_terms = True

    def check(self, look: Look) -> str | None:
        terms = look.order.terms
        if terms.type in LIMITED and terms.limit is None:
            return f"a {terms.type} order needs a limit"
        if terms.type in STOPPED and terms.stop is None:
            return f"a {terms.type} order needs a stop"
        if terms.type is OrderType.TRAILING_STOP and terms.trail is None and terms.trail_percent is None:
            return "a trailing stop needs a trail"
        if terms.tif is TimeInForce.GTD and (terms.good_till is None or terms.good_till.tzinfo is None):
            return "good till date needs a date with a time zone"
        return _crossed(look.order)


@dataclass(frozen=True, slots=True)
class WholeLots(IntegrityControl):
    """The quantity is a whole number of lots and not below the instrument's minimum."""

    code = "off_lot"

    def check(self, look: Look) -> str | None:
        assert look.lane is not None
        instrument, quantity = look.lane.instrument, look.order.quantity
        if quantity % instrument.lot:
            return f"{quantity} is no whole number of lots of {instrument.lot}"
        return f"{quantity} is less than {instrument.minimum}" if quantity < instrument.minimum else None


@dataclass(frozen=True, slots=True)
class OnTick(IntegrityControl):
    """Every price of the order lies on a tick."""

    code = "off_tick"
    about_terms = True

    def check(self, look: Look) -> str | None:
        terms = look.order.terms
        assert look.lane is not None
        tick = look.lane.instrument.tick
        for name in ON_TICK:
            value = getattr(terms, name)
            if value is not None and exact(value) % tick:
                return f"{name} {value} lies off the tick of {tick}"
        return None


@dataclass(frozen=True, slots=True)
class ReduceOnly(IntegrityControl):
    """An order that may only reduce never opens or turns a position."""

    code = "reduce_only"
    about_terms = True

    def check(self, look: Look) -> str | None:
        order = look.order
        if not order.terms.reduce_only:
            return None
        held = look.account.held_by(order.strategy, order.symbol)
        after = held + look.change
        return (
            None if held and after * held >= 0 and abs(after) < abs(held) else f"it would turn {held:g} into {after:g}"
        )


@dataclass(frozen=True, slots=True)
class BuyingPower(IntegrityControl):
    """Cash and margin pay for the order, its fee and what the orders at work have reserved."""

    code = "buying_power"
    spares_reductions = True

    def check(self, look: Look) -> str | None:
        account, order, lane = look.account, look.order, look.lane
        assert lane is not None
        if order.share is not None:
            return None  # it is sized at the fill by the money there is, and checked there
        surely = account.surely_affords(lane, look.change, look.price)
        if surely and not (account.entering and look.working):
            return None
        fee = ZERO
        if look.costs is not None:
            value = exact(look.price) * order.quantity * lane.instrument.multiplier
            fee = look.costs.fee.of(order.quantity, value)
        fees = float(fee * account.portfolio.rate(lane.instrument.currency))
        opening = (abs(look.held + look.change) - abs(look.held)) * look.price * look.unit
        leverage = float(account.leverage)
        most = account.gross_at_most() + account.entering * BEYOND_DOUBT + opening
        if surely and most <= (account.equity - fees) * leverage:
            return None  # whatever the orders at work have reserved
        reserved = reserved_by(look)
        if surely and not reserved:
            return None
        if reserved:
            enough = opening / leverage <= account.equity - account.gross() / leverage - reserved - fees
        else:
            quantity = order.quantity if order.side is BUY else -order.quantity
            enough = account.affords(order.symbol, quantity, exact(look.price), fee)
        return None if enough else f"{order.quantity} {order.symbol} at about {look.price:g} costs more than is free"


def reserved_by(look: Look) -> float:
    """The money that entries at work have reserved."""
    total = 0.0
    for other in look.working:
        lane = look.account.lanes.get(other.symbol)
        if lane is not None and other.aim is None and not other.terms.reduce_only:
            total += float(other.quantity) * other.reference * lane.unit
    return total / float(look.account.leverage)


def _crossed(order: Order) -> str | None:
    terms, sign = order.terms, 1.0 if order.side is BUY else -1.0
    entry = order.reference if terms.limit is None else float(terms.limit)
    if terms.type in STOPPED and terms.stop is not None:
        entry = float(terms.stop)
    if terms.stop_loss is not None and (float(terms.stop_loss) - entry) * sign >= 0:
        return f"the stop loss {terms.stop_loss} lies on the wrong side of {entry:g}"
    if terms.take_profit is not None and (float(terms.take_profit) - entry) * sign <= 0:
        return f"the target {terms.take_profit} lies on the wrong side of {entry:g}"
    return None


INTEGRITY = (KnownInstrument(), FiniteNumbers(), CompleteTerms(), WholeLots(), OnTick(), ReduceOnly(), BuyingPower())
