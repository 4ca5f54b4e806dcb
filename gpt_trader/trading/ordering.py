"""From what a strategy wants to an order: sized, cut to whole lots, its prices on ticks, its side known."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import AT_MARKET, BUY, SELL, ZERO, Order, Refused, Side, Terms, TradeSignal, exact, new

if TYPE_CHECKING:
    from gpt_trader.core.market import Instrument, MarketData
    from gpt_trader.core.portfolio import Position
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.lanes import Lane
    from gpt_trader.trading.seats import Seat
    from gpt_trader.trading.sizing import Sizing

CLOSING = Terms(reduce_only=True)
PRICES = ("limit", "stop", "stop_loss", "take_profit")


def make_order(
    account: Account, seat: Seat, signal: TradeSignal, data: MarketData, order_id: str
) -> Order | Refused | None:
    """The order for a signal; None when its strategy is where it wants to be, a refusal when it makes no order."""
    symbol: Any = signal.symbol
    lane = account.lanes.get(symbol) if isinstance(symbol, str) else None
    ns = (lane if lane is not None and symbol is data.symbol else account.lanes[data.symbol]).over(data.ns)
    if lane is None:
        return _refused(seat, signal, ns, order_id, "unknown_instrument", "it is no instrument of this session")
    try:
        side = signal.side if isinstance(signal.side, Side) else Side(signal.side)
        terms = signal.terms if signal.terms is AT_MARKET else on_ticks(signal.terms, side, lane.instrument)
        aim = share = None
        if signal.quantity is None:
            quantity = lane.instrument.whole_lots(_sized(account, seat.sizing, terms, lane))
            share = seat.sizing.share
            if share is not None and side is SELL:
                share = -share
        else:
            quantity = lane.whole_lots(signal.quantity)
        if signal.target:
            aim = quantity if side is BUY else -quantity
            position = lane.own.get(seat.name)
            change = aim if position is None else aim - position.quantity
            if not change:
                return None
            if terms is not AT_MARKET and (change > ZERO) is (side is SELL):  # what shrinks keeps the exits it has
                terms = without_exits(terms)
            side, quantity = (BUY, change) if change > ZERO else (SELL, -change)
    except (ArithmeticError, AttributeError, TypeError, ValueError) as fault:
        return _refused(seat, signal, ns, order_id, "bad_signal", str(fault) or type(fault).__name__)
    return new(Order, (
        order_id, seat.name, symbol, side, quantity, terms, lane.price, ns, aim, share, None, signal.reason,
    ))  # fmt: skip


def _sized(account: Account, sizing: Sizing, terms: Terms, lane: Lane) -> Decimal:
    stop = None if terms.stop_loss is None else float(terms.stop_loss)
    return sizing.quantity(account, lane, lane.price, stop)


def closing_order(account: Account, position: Position, data: MarketData, order_id: str, *, reason: str) -> Order:
    """The market order that closes a position, and can do nothing else."""
    side = SELL if position.quantity > 0 else BUY
    price, ns = account.lanes[position.symbol].price, account.lanes[data.symbol].over(data.ns)
    return Order(
        order_id, position.strategy, position.symbol, side, abs(position.quantity), CLOSING,
        price, ns, reason=reason,
    )  # fmt: skip


def on_ticks(terms: Terms, side: Side, instrument: Instrument) -> Terms:
    """The terms with every price on the instrument's ticks; no limit becomes a worse one by that."""
    entry, leave = (ROUND_FLOOR, ROUND_CEILING) if side is BUY else (ROUND_CEILING, ROUND_FLOOR)
    ways = {"limit": entry, "take_profit": leave}
    prices: dict[str, Any] = {}
    for name in PRICES:
        value = getattr(terms, name)
        if value is not None:
            prices[name] = instrument.on_tick(exact(value), ways.get(name, ROUND_HALF_EVEN))
    return replace(terms, **prices)


def without_exits(terms: Terms) -> Terms:
    """The terms of an order that opens nothing."""
    return replace(terms, stop_loss=None, trailing_loss=None, take_profit=None)


def _refused(seat: Seat, signal: TradeSignal, ns: int, order_id: str, code: str, why: str) -> Refused:
    side = BUY if str(signal.side).lower() == "buy" else SELL
    order = Order(order_id, seat.name, str(signal.symbol), side, ZERO, AT_MARKET, 0.0, ns, reason=signal.reason)
    return Refused(code, f"{signal.symbol}: {why}", order)
