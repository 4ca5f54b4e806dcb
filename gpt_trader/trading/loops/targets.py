"""Rows of targets, out of the lines that steer them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gpt_trader.trading.loops.kinds import exported

if TYPE_CHECKING:
    from gpt_trader.trading.loops.kinds import Floats, Ints, Row, Rows, Table


class Rails(NamedTuple):
    """For each set, the numbers of the lines that steer it: the value, and what it must pass to change the position."""

    value: Ints
    long_above: Ints
    low_below: Ints
    leave_long_below: Ints
    leave_short_above: Ints


def _compare(x: Floats, y: Floats, below: int, row: Row) -> None:
    for i in range(len(row)):
        row[i] = 1 if x[i] > y[i] else below


@exported
def above(a: Table, which_a: Ints, b: Table, which_b: Ints, first: Ints, below: int, out: Rows) -> None:  # noqa: PLR0913, PLR0917
    """Targets of pairs of lines: 1 where one is above the other, else `below`; 0 before the first bar that counts."""
    for k in range(out.shape[0]):
        start = first[k]
        out[k, :start] = 0
        _compare(a[which_a[k], start:], b[which_b[k], start:], below, out[k, start:])


@exported
def running_averages(values: Floats, lengths: Ints, out: Table) -> None:
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


@exported
def latched(lines: Table, rails: Rails, first: Ints, low: int, out: Rows) -> None:
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
