"""The compiled inner loops of sweeps; imported late, by who sweeps, because numba takes long to load.

A row of targets says where the strategy wants to be after each close: 1 long, -1 short, 0 flat. An order is made where
that changes, and fills at the open of the next bar in which there was trading, by the same rules as the desk's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Targets = NDArray[np.int8]

F = TypeVar("F", bound="Callable[..., Any]")
SUMS = {"reassoc", "nsz", "contract"}
RETURN, SHARPE, DRAWDOWN, TRADES, FILLS, FEES, REFUSED, CAPPED = range(8)
COLUMNS = 8
NONE, FILLED, TOO_DEAR = 0, 1, 2
NEAR = 1e-9
DUST = 1e-12
TINY = 1e-12
LOOK = 16
BLOCK = 64


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


class Columns(NamedTuple):
    """The bars, with the running sums of the returns of their closes and of the squares of these.

    `fills_at` is for each bar itself, or the next one in which there was trading.
    """

    open: Floats
    close: Floats
    volume: Floats
    fills_at: Ints
    returns: Floats
    squares: Floats


class Book(NamedTuple):
    """The account of one set, and what was counted."""

    cash: float
    held: float
    trades: int
    fills: int
    fees: float
    refused: int
    capped: int


class Run(NamedTuple):
    """The equity of one set so far: last value, peak, the smallest share of a peak that was left; sums of returns."""

    equity: float
    peak: float
    worst: float
    total: float
    squares: float


# None of these functions makes an array, so none needs numba's counting of references, which costs more than a fill.
OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def _quick(function: F) -> F:
    return cast("F", njit(**OPTIONS)(function))


def _inline(function: F) -> F:
    return cast("F", njit(**OPTIONS, forceinline=True)(function))


def _summing(function: F) -> F:
    return cast("F", njit(**OPTIONS, fastmath=SUMS)(function))


@_inline
def whole_lots(quantity: float, lot: float) -> float:
    """The quantity cut down to whole lots; a lot of 0 allows any fraction."""
    return float(np.floor(quantity / lot * (1 + DUST)) * lot) if lot > 0.0 else quantity


@_inline
def fee_of(quantity: float, value: float, t: Terms) -> float:
    """The fee for so many units of this value."""
    fee = value * t.percent + quantity * t.per_share
    if quantity > 0.0:
        fee = max(fee, t.minimum)
    return min(fee, t.maximum)


@_inline
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


@_inline
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


@_inline
def affords(change: float, held: float, cash: float, price: float, fee: float, t: Terms) -> bool:
    """Whether a trade leaves no more exposure than equity times leverage; what shrinks a position always passes."""
    after = held + change
    if abs(after) < abs(held) and after * held >= 0.0:
        return True
    equity = cash + held * price
    return equity - fee - abs(after * price) / t.leverage > -NEAR * max(abs(equity), 1.0)


@_inline
def wish(want: int, cash: float, held: float, close: float, t: Terms) -> float:
    """The change of position that a decision at this close asks for; of a share of the equity only its sign is told."""
    if want == 0:
        return -held
    if t.units == t.units:
        return want * whole_lots(t.units, t.lot) - held
    if want * held <= 0.0:
        return float(want)
    return want * whole_lots((cash + held * close) / close * t.share, t.lot) - held


@_inline
def grants(wished: float, cash: float, held: float, close: float, t: Terms) -> bool:
    """Whether there is buying power for a wish when it is made; a share of the equity is judged when it fills."""
    if t.units != t.units:
        return True
    fee = fee_of(abs(wished), abs(wished) * close, t)
    return affords(wished, held, cash, close, fee, t)


@_inline
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


@_summing
def add_returns(close: Floats, earlier: Floats, cash: float, held: float) -> tuple[float, float]:
    """Sum of the returns of bars whose position does not change, and sum of their squares."""
    total, squares = 0.0, 0.0
    for i in range(len(close)):
        r = held * (close[i] - earlier[i]) / (cash + held * earlier[i])
        total += r
        squares += r * r
    return total, squares


@_summing
def reach(close: Floats, cash: float, held: float) -> tuple[float, float]:
    """Lowest and highest equity of bars whose position does not change."""
    low, high = np.inf, -np.inf
    for i in range(len(close)):
        low = min(low, close[i])
        high = max(high, close[i])
    if held > 0.0:
        return cash + held * low, cash + held * high
    return cash + held * high, cash + held * low


@_quick
def worst_fall(close: Floats, cash: float, held: float, peak: float, worst: float) -> tuple[float, float]:
    """Follow the peak bar by bar: (peak, smallest share of a peak that was left)."""
    for i in range(len(close)):
        equity = cash + held * close[i]
        peak = max(peak, equity)
        if equity < worst * peak:
            worst = equity / peak
    return peak, worst


@_inline
def next_change(row: Targets, first: int, last: int) -> int:
    """The first decision from here on that differs from the one before it, or the end."""
    before = row[first - 1] if first > 0 else np.int8(0)
    i = first
    while i + LOOK <= last:
        part = row[i : i + LOOK]
        differs = np.int8(0)
        for j in range(LOOK):
            differs |= part[j] ^ before
        if differs != 0:
            break
        i += LOOK
    while i < last and row[i] == before:
        i += 1
    return i


@_inline
def follow(  # noqa: PLR0913, PLR0917
    close: Floats, returns: Floats, squared: Floats, at: int, until: int, book: Book, run: Run
) -> Run:
    """Hold a position through some bars: the run with their returns and falls added."""
    cash, held = book.cash, book.held
    equity = cash + held * close[at]
    r = equity / run.equity - 1.0
    total, squares = run.total + r, run.squares + r * r
    peak, worst = max(run.peak, equity), run.worst
    if equity < worst * peak:
        worst = equity / peak
    if held != 0.0 and until > at + 1:
        more, more_squares = returns[until - 1] - returns[at], squared[until - 1] - squared[at]
        if held < 0.0 or abs(cash) >= TINY * equity:
            more, more_squares = add_returns(close[at + 1 : until], close[at : until - 1], cash, held)
        total, squares = total + more, squares + more_squares
        for first in range(at + 1, until, BLOCK):
            kept = close[first : min(first + BLOCK, until)]
            low, high = reach(kept, cash, held)
            # Bar by bar only where the deepest fall could be in here.
            if low < worst * max(peak, high):
                peak, worst = worst_fall(kept, cash, held, peak, worst)
            peak = max(peak, high)
        equity = cash + held * close[until - 1]
    return Run(equity, peak, worst, total, squares)


@_inline
def execute(  # noqa: PLR0913, PLR0917
    want: int, wished: float, at: int, base: float, volume: float, t: Terms, book: Book, fills: Floats
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


@_inline
def settle(  # noqa: PLR0913, PLR0917
    row: Targets,
    decided: int,
    turn: int,
    opened: Floats,
    close: Floats,
    volume: Floats,
    t: Terms,
    book: Book,
    fills: Floats,
) -> Book:
    """Every decision that waited for a bar, in its order; behind the last bar nothing fills."""
    cash, held = book.cash, book.held
    while decided < turn:
        wished = wish(row[decided], cash, held, close[decided], t)
        if wished != 0.0:
            if not grants(wished, cash, held, close[decided], t):
                book = Book(book.cash, book.held, book.trades, book.fills, book.fees, book.refused + 1, book.capped)
            elif turn < len(close):
                book = execute(row[decided], wished, turn, opened[turn], volume[turn], t, book, fills)
        decided = next_change(row, decided + 1, turn)
    return book


@_quick
def simulate(row: Targets, c: Columns, t: Terms, periods: float, fills: Floats, out: Floats) -> None:
    """Fills, costs and figures of one row of targets in one pass; fills are kept as far as there is room for them."""
    # Out of the tuple once: each look into it would count references.
    opened, close, volume, fills_at, returns, squared = c
    n = len(close)
    book = Book(t.cash, 0.0, 0, 0, 0.0, 0, 0)
    run = Run(t.cash, t.cash, 1.0, 0.0, 0.0)
    at, decided = 0, 0
    while at < n:
        decided = next_change(row, decided, n)
        turn = fills_at[decided + 1] if decided + 1 < n else n
        run = follow(close, returns, squared, at, turn, book, run)
        book = settle(row, decided, turn, opened, close, volume, t, book, fills)
        at = decided = turn
    mean = run.total / (n - 1)
    variance = (run.squares - run.total * mean) / (n - 2)
    out[RETURN] = run.equity / t.cash - 1.0
    out[SHARPE] = mean / np.sqrt(variance) * np.sqrt(periods) if variance > DUST * mean * mean else np.nan
    out[DRAWDOWN] = run.worst - 1.0
    out[TRADES], out[FILLS], out[FEES] = book.trades, book.fills, book.fees
    out[REFUSED], out[CAPPED] = book.refused, book.capped


@_quick
def simulate_all(rows: Targets, c: Columns, t: Terms, periods: float, fills: Floats, out: Floats) -> None:
    """The figures of each row, with no room for fills; no path is kept."""
    for k in range(rows.shape[0]):
        simulate(rows[k], c, t, periods, fills, out[k])


@_quick
def _compare(x: Floats, y: Floats, below: int, row: Targets) -> None:
    for i in range(len(row)):
        row[i] = 1 if x[i] > y[i] else below


@_quick
def above(a: Floats, which_a: Ints, b: Floats, which_b: Ints, first: Ints, below: int, out: Targets) -> None:  # noqa: PLR0913, PLR0917
    """Targets of pairs of lines: 1 where one is above the other, else `below`; 0 before the first bar that counts."""
    for k in range(out.shape[0]):
        start = first[k]
        out[k, :start] = 0
        _compare(a[which_a[k], start:], b[which_b[k], start:], below, out[k, start:])


@_quick
def running_averages(values: Floats, lengths: Ints, out: Floats) -> None:
    """A line of averages for each length: `sum = sum + newest - oldest`, from the first value on, over the length."""
    for k in range(len(lengths)):
        length, row, total = lengths[k], out[k], 0.0
        short = min(length, len(values))
        for i in range(short):
            total = total + values[i]
            row[i] = total / length
        newer, older, later = values[short:], values[: len(values) - short], row[short:]
        for i in range(len(newer)):
            total = total + newer[i] - older[i]
            later[i] = total / length


class Rails(NamedTuple):
    """For each set, the numbers of the lines that steer it: the value, and what it must pass to change the position."""

    value: Ints
    long_above: Ints
    low_below: Ints
    leave_long_below: Ints
    leave_short_above: Ints


@_quick
def latched(lines: Floats, rails: Rails, first: Ints, low: int, out: Targets) -> None:
    """Targets that hold until a line is passed: 1 above one, `low` below another, and 0 where a position is left."""
    value, long_above, low_below, leave_long_below, leave_short_above = rails
    for k in range(out.shape[0]):
        x, row, state, start = lines[value[k]], out[k], 0, first[k]
        above, below = lines[long_above[k]], lines[low_below[k]]
        leave_long, leave_short = lines[leave_long_below[k]], lines[leave_short_above[k]]
        row[:start] = 0
        for i in range(start, len(row)):
            if x[i] > above[i]:
                state = 1
            elif x[i] < below[i]:
                state = low
            elif state > 0:
                state = 0 if x[i] < leave_long[i] else 1
            elif state < 0:
                state = 0 if x[i] > leave_short[i] else -1
            row[i] = state
