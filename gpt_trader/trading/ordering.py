"""From what a strategy wants to an order: sized, cut to whole lots, its prices on ticks, its side known."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import AT_MARKET, BUY, SELL, Order, Refused, Side, Terms, TradeSignal, exact

if TYPE_CHECKING:
    from gpt_trader.core.market import Instrument, MarketData
    from gpt_trader.core.portfolio import Position
    from gpt_trader.trading.account import Account, Lane
    from gpt_trader.trading.seats import Seat

CLOSING = Terms(reduce_only=True)
PRICES = ("limit", "stop", "stop_loss", "take_profit")


def make_order(
    account: Account, seat: Seat, signal: TradeSignal, data: MarketData, order_id: str
) -> Order | Refused | None:
    """The order for a signal; None when the strategy is where it wants to be, a refusal when the signal makes no order."""
    lane = account.lanes.get(signal.symbol)
    if lane is None:
        return _refused(seat, signal, data, order_id, "unknown_instrument", "it is no instrument of this session")
    try:
        return _order(account, seat, signal, data, order_id, lane)
    except (ArithmeticError, TypeError, ValueError) as fault:
        return _refused(seat, signal, data, order_id, "bad_signal", str(fault) or type(fault).__name__)


def _order(  # noqa: PLR0913, PLR0917 - the parts of an order
    account: Account, seat: Seat, signal: TradeSignal, data: MarketData, order_id: str, lane: Lane
) -> Order | None:
    side = signal.side if isinstance(signal.side, Side) else Side(signal.side)
    terms = signal.terms if signal.terms is AT_MARKET else on_ticks(signal.terms, lane.instrument)
    price = lane.price
    aim: Decimal | None = None
    share: Decimal | None = None
    if signal.quantity is None:
        stop = None if terms.stop_loss is None else float(terms.stop_loss)
        quantity = seat.sizing.quantity(account, lane, price, stop)
        share = seat.sizing.share
        if share is not None and side is SELL:
            share = -share
    else:
        quantity = exact(signal.quantity)
    quantity = lane.instrument.whole_lots(quantity)
    if signal.target:
        aim = quantity if side is BUY else -quantity
        change = aim - account.position(seat.name, signal.symbol).quantity
        if not change:
            return None
        side = BUY if change > 0 else SELL
        quantity = abs(change)
    return Order(
        order_id, seat.name, signal.symbol, side, quantity, terms,
        price, data.ns, data.ns + lane.span, aim, share, None, signal.reason,
    )  # fmt: skip


def closing_order(position: Position, lane: Lane, ns: int, order_id: str, *, reason: str) -> Order:
    """The market order that closes a position, and can do nothing else."""
    side = SELL if position.quantity > 0 else BUY
    return Order(
        order_id, position.strategy, position.symbol, side, abs(position.quantity), CLOSING,
        lane.price, ns, ns + lane.span, reason=reason,
    )  # fmt: skip


def on_ticks(terms: Terms, instrument: Instrument) -> Terms:
    """The terms with every price on the instrument's ticks."""
    prices: dict[str, Any] = {}
    for name in PRICES:
        value = getattr(terms, name)
        if value is not None:
            prices[name] = instrument.on_tick(exact(value))
    return replace(terms, **prices)


def _refused(  # noqa: PLR0913, PLR0917 - a refusal carries the order that it refuses
    seat: Seat, signal: TradeSignal, data: MarketData, order_id: str, code: str, why: str
) -> Refused:
    side = BUY if str(signal.side).lower() == "buy" else SELL
    order = Order(
        order_id, seat.name, str(signal.symbol), side, Decimal(0), AT_MARKET, data.price, data.ns, data.ns,
        reason=signal.reason,
    )  # fmt: skip
    return Refused(code, f"{signal.symbol}: {why}", order)
