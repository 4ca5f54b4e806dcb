"""Walks a desk through bars: what the desk does with each, with no call to a stage that has nothing to do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gpt_trader.core.market import ColumnBar, Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.desk import Desk
    from gpt_trader.trading.lanes import Lane
    from gpt_trader.trading.seats import Seat

INF = math.inf


def walk(desk: Desk, stream: Iterable[MarketData]) -> int:
    """What `on_market_data` does with each bar; the number of bars is given back."""
    if isinstance(stream, Part) and desk.account.single and len(desk.seats) == 1:
        return _alone(desk, stream, desk.account.lanes[stream.symbol], desk.seats[0])
    count = 0
    for data in stream:
        desk.on_market_data(data)
        count += 1
    return count


def _alone(  # noqa: PLR0915 - one walk without calls, because every bar pays for each
    desk: Desk, part: Part, lane: Lane, seat: Seat
) -> int:
    """One strategy on one symbol: a quiet bar is marked here and shown to the strategy, every other goes to the desk.

    On a quiet bar nothing waits for the market and no limit can be reached: the equity is above the floor, which lies
    beyond all numbers while the desk has to have the next bar. Only the desk changes what is held, so what a mark needs
    is read again after it had one; the account itself is up to date after each.
    """
    account, broker, guard = desk.account, desk.broker, desk.guard
    ask, append = seat.ask, desk.curve.append
    symbol, block = part.symbol, part.block
    before = len(desk.curve)
    held = unit = value = equity = ceiling = 0.0
    floor, wake = INF, 0
    for row, ns, price in part.rows():
        data = ColumnBar()
        data.symbol = symbol
        data.ns = ns
        data.price = price
        data._block = block  # noqa: SLF001 - this is how it is made
        data._row = row  # noqa: SLF001
        if held:
            worth = held * price * unit
            equity += worth - value
            value = worth
        elif price != price:  # noqa: PLR0124 - there is none, which only the desk knows to treat
            floor = INF
        if floor < equity <= ceiling and ns < wake:  # NaN lies between no two numbers
            lane.price = price
            lane.ns = ns
            lane.value = value
            account.equity = equity
            append(equity)
        else:
            if broker.pending:
                desk.settle(data)
            desk.value(lane, data)
            held, unit, value, equity = lane.held, lane.unit, lane.value, account.equity
            floor, ceiling, wake = INF if broker.pending else guard.floor, guard.ceiling, guard.wake
            if desk.paused or seat.stopped:
                floor = INF
                continue
        try:
            answer = ask(data)
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # noqa: BLE001 - as the desk has it
            desk.stop(seat, fault, ns)
            floor = INF
            continue
        if answer is not None:
            desk.answer(lane, seat, answer, data)
            floor = INF
    return len(desk.curve) - before
