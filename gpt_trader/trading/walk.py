"""Walks a desk through a whole stream: bar by bar its own stages, with no call to one that has nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.account import Lane
    from gpt_trader.trading.desk import Desk
    from gpt_trader.trading.seats import Seat


def walk(desk: Desk, stream: Iterable[MarketData]) -> int:
    """What `on_market_data` does with each bar; the number of bars is given back."""
    if desk.account.single and len(desk.seats) == 1:
        (lane,) = desk.account.lanes.values()
        return _alone(desk, stream, lane, desk.seats[0])
    count = 0
    for data in stream:
        desk.on_market_data(data)
        count += 1
    return count


def _alone(  # noqa: C901, PLR0915 - one walk without calls, because every bar pays for each
    desk: Desk, stream: Iterable[MarketData], lane: Lane, seat: Seat
) -> int:
    """One strategy on one symbol: what the desk's stages do on a quiet bar stands here once more, to save the calls."""
    account, broker, guard = desk.account, desk.broker, desk.guard
    ask, append = seat.ask, desk.curve.append
    before = len(desk.curve)
    for data in stream:
        if broker.pending:
            desk.settle(data)
        price = data.price
        ns = data.ns
        equity = account.equity
        if lane.held:
            value = lane.held * price * lane.unit
            moved = equity + (value - lane.value)
            if moved == moved:  # noqa: PLR0124 - a bar without a price leaves the last valuation standing
                lane.value = value
                lane.price = price
                account.equity = equity = moved
                lane.ns = ns
        elif price == price:  # noqa: PLR0124 - as above: the last price that there was goes on counting
            lane.price = price
            lane.ns = ns
        if not guard.floor < equity <= guard.ceiling or ns >= guard.wake:  # NaN lies between no two numbers
            desk.look(equity, data)
        append(equity)
        if desk.paused or seat.stopped:
            continue
        try:
            answer = ask(data)
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # noqa: BLE001 - as the desk has it
            desk.stop(seat, fault, data.ns)
            continue
        if answer is not None:
            signals = desk.proposals(seat, answer, data)
            if signals is not None:
                desk.act(data, signals)
    return len(desk.curve) - before
