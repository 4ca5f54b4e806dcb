"""A row of targets says where the strategy wants to be after each close: 1 long, -1 short, 0 flat.

An order is made where that changes, and fills at the open of the next bar in which there was trading, by the same rules
as the desk's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt_trader.trading.loops.account import DUST, Book, Terms, execute, grants, wish
from gpt_trader.trading.loops.equity import Run, follow
from gpt_trader.trading.loops.kinds import exported

if TYPE_CHECKING:
    from gpt_trader.trading.loops.kinds import Floats, Ints, Row, Rows, Table


RETURN, SHARPE, DRAWDOWN, TRADES, FILLS, FEES, REFUSED, CAPPED = range(8)
FIGURES = 8
LOOK = 16


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


def next_change(row: Row, first: int, last: int) -> int:
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


def settle(  # noqa: PLR0913, PLR0917
    row: Row,
    decided: int,
    turn: int,
    opened: Floats,
    close: Floats,
    volume: Floats,
    t: Terms,
    book: Book,
    fills: Table,
) -> Book:
    """The last of the decisions that waited for a bar, as a newer target replaces what waits; at the end none fills.

    One that is refused leaves waiting what goes the same way.
    """
    cash, held = book.cash, book.held
    last, wished = decided, 0.0
    while decided < turn:
        newer = wish(row[decided], cash, held, close[decided], t)
        if newer != 0.0 and not grants(newer, cash, held, close[decided], t):
            book = Book(book.cash, book.held, book.trades, book.fills, book.fees, book.refused + 1, book.capped)
            if newer * wished <= 0.0:
                wished = 0.0
        else:
            last, wished = decided, newer
        decided = next_change(row, decided + 1, turn)
    if wished != 0.0 and turn < len(close):
        book = execute(row[last], wished, turn, opened[turn], volume[turn], t, book, fills)
    return book


def simulate(row: Row, c: Columns, t: Terms, periods: float, fills: Table, out: Floats) -> None:
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


@exported
def simulate_all(rows: Rows, c: Columns, t: Terms, periods: float, fills: Table, out: Table) -> None:
    """The figures of each row; no path is kept, and of fills only those of the last row, as far as there is room."""
    for k in range(rows.shape[0]):
        simulate(rows[k], c, t, periods, fills, out[k])
