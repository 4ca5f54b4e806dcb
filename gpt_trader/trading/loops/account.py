"""The account of one set of parameters: what may be bought, what it costs, and what is held after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from gpt_trader.trading.loops.kinds import Table


NONE, FILLED, TOO_DEAR = 0, 1, 2
NEAR = 1e-9
DUST = 1e-12


class Terms(NamedTuple):
    """Account, instrument, sizing and costs as plain numbers; `units` is NaN where a share of the equity is traded."""

    cash: float
    leverage: float
    lot: float
    tick: float
    units: float
    share: float
    percent: float
    per_share: float
    minimum: float
    maximum: float
    slip_fixed: float
    slip_percent: float
    slip_volume: float
    spread: float
    volume_share: float


class Book(NamedTuple):
    """The account of one set, and what was counted."""

    cash: float
    held: float
    trades: int
    fills: int
    fees: float
    refused: int
    capped: int


def whole_lots(quantity: float, lot: float) -> float:
    """The quantity cut down to whole lots; a lot of 0 allows any fraction."""
    return float(np.floor(quantity / lot * (1 + DUST)) * lot) if lot > 0.0 else quantity


def fee_of(quantity: float, value: float, t: Terms) -> float:
    """The fee for so many units of this value."""
    fee = value * t.percent + quantity * t.per_share
    if quantity > 0.0:
        fee = max(fee, t.minimum)
    return min(fee, t.maximum)


def lots_for(want: int, held: float, equity: float, price: float, t: Terms) -> float:
    """The position that the share of the equity pays for, the fee of getting there included."""
    money = equity * t.share
    lots = whole_lots(max(money, 0.0) / (price * (1.0 + t.percent)), t.lot)
    for _ in range(100):
        traded = abs(want * lots - held)
        over = lots * price + fee_of(traded, traded * price, t) - money
        if lots <= 0.0 or over <= DUST * abs(money):
            break
        lots -= max(t.lot, whole_lots(over / price, t.lot))
    return max(lots, 0.0) * want


def worse_price(base: float, quantity: float, volume: float, t: Terms) -> float:
    """What a taker pays or gets for a signed quantity, on a tick."""
    distance = t.slip_fixed + base * (t.slip_percent + t.spread / 2.0)
    if t.slip_volume > 0.0:
        part = min(abs(quantity) / volume, 1.0) if volume > 0.0 else 1.0
        distance += base * t.slip_volume * part * part
    if distance == 0.0:
        return base
    if t.tick <= 0.0:
        return base + distance if quantity > 0.0 else base - distance
    if quantity > 0.0:
        return float(np.ceil((base + distance) / t.tick - NEAR) * t.tick)
    return float(max(np.floor((base - distance) / t.tick + NEAR) * t.tick, t.tick))


def affords(change: float, held: float, cash: float, price: float, fee: float, t: Terms) -> bool:
    """Whether a trade leaves no more exposure than equity times leverage; what shrinks a position always passes."""
    after = held + change
    if abs(after) < abs(held) and after * held >= 0.0:
        return True
    equity = cash + held * price
    return equity - fee - abs(after * price) / t.leverage > -NEAR * max(abs(equity), 1.0)


def wish(want: int, cash: float, held: float, close: float, t: Terms) -> float:
    """The change of position that a decision at this close asks for; of a share of the equity only its sign is told."""
    if want == 0:
        return -held
    if t.units == t.units:
        return want * whole_lots(t.units, t.lot) - held
    lots = whole_lots((cash + held * close) / close * t.share, t.lot)
    if held == 0.0 and lots <= 0.0:
        return 0.0
    if want * held <= 0.0:
        return float(want)
    return want * lots - held


def grants(wished: float, cash: float, held: float, close: float, t: Terms) -> bool:
    """Whether there is buying power for a wish when it is made; a share of the equity is judged when it fills."""
    if t.units != t.units:
        return True
    fee = fee_of(abs(wished), abs(wished) * close, t)
    return affords(wished, held, cash, close, fee, t)


def trade(  # noqa: PLR0913, PLR0917
    want: int, wished: float, cash: float, held: float, base: float, volume: float, t: Terms
) -> tuple[int, float, float, float]:
    """Execute a wish at the bar's price: (outcome, change, price, fee)."""
    by_share = want != 0 and t.units != t.units
    aim = lots_for(want, held, cash + held * base, base, t) if by_share else held + wished
    if want != 0 and not by_share:
        aim = want * whole_lots(t.units, t.lot)
    if want == 0:
        aim = 0.0
    change = max(aim - held, 0.0) if wished > 0.0 else min(aim - held, 0.0)
    if not by_share:
        change = min(change, wished) if wished > 0.0 else max(change, wished)
    if change == 0.0:
        return NONE, 0.0, base, 0.0
    price = worse_price(base, change, volume, t)
    fee = fee_of(abs(change), abs(change) * price, t)
    if not affords(change, held, cash, price, fee, t):
        return TOO_DEAR, 0.0, price, 0.0
    return FILLED, change, price, fee


def execute(  # noqa: PLR0913, PLR0917
    want: int, wished: float, at: int, base: float, volume: float, t: Terms, book: Book, fills: Table
) -> Book:
    """Fill a wish at the open of a bar, if there is the money."""
    cash, held, trades, filled, paid, refused, capped = book
    outcome, change, price, fee = trade(want, wished, cash, held, base, volume, t)
    if outcome == TOO_DEAR:
        return Book(cash, held, trades, filled, paid, refused + 1, capped)
    if outcome == NONE:
        return book
    if filled < len(fills):
        fills[filled, 0], fills[filled, 1], fills[filled, 2], fills[filled, 3] = at, change, price, fee
    after = held + change
    if abs(after) < DUST * abs(change):
        after = 0.0
    if held != 0.0 and after * held <= 0.0:
        trades += 1
    if abs(change) > t.volume_share * volume:
        capped += 1
    return Book(cash - change * price - fee, after, trades, filled + 1, paid + fee, refused, capped)
