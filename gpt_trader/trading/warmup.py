"""The warm-up check: the same bars after longer and longer beginnings, until what is held no longer changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.errors import NoBars
from gpt_trader.core.orders import BUY, ZERO
from gpt_trader.trading.bias import config_for
from gpt_trader.trading.modes import simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.bias import Making
    from gpt_trader.trading.config import BacktestConfig

LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765, 10946, 17711, 28657)
"""Beginnings that are tried: each is about 1.6 times the last."""
STRETCHES = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Where in the data the stretches begin that are compared."""
SETTLED = 0.75
"""Only where beginnings from this part of the longest one on agree, it is no accident that they do."""
LEAST = 40


@dataclass(frozen=True, slots=True)
class Unlike:
    """The first bar of a stretch where a short beginning led to another holding: 1 long, 0 flat, -1 short."""

    symbol: str
    ns: int
    bars: int
    holds: int
    would_hold: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One length of beginning: in how many of the stretches, and at how many bars in them, the holding differed."""

    bars: int
    stretches: int
    differing: int
    first: Unlike | None


@dataclass(frozen=True, slots=True)
class Warmup:
    """From how many bars on results agree; None where they still differ after the longest beginning that was tried."""

    needed: int | None
    longest: int
    trials: tuple[Trial, ...]


Stances = dict[str, "NDArray[np.int8]"]


class _Stretch:
    """A part of the bars with all that is before it, which is what shorter beginnings are compared with."""

    def __init__(self, make: Making, bars: Sequence[Bars], config: BacktestConfig, *, begins: int, ends: int) -> None:
        self._make, self._bars, self._config = make, bars, config
        self._clock = bars[0].ts
        self.begins = begins
        self._until = int(self._clock[ends - 1]) + 1
        self._times = {b.symbol: b.between(int(self._clock[begins]), self._until).ts for b in bars}
        self._right = self._held(0)
        self._known: dict[int, tuple[int, Unlike | None]] = {}

    def tried(self, length: int) -> tuple[int, Unlike | None]:
        """At how many bars it makes a difference to begin so many bars before, and the first of them."""
        if length not in self._known:
            self._known[length] = self._compared(self._held(self.begins - length), length)
        return self._known[length]

    def _compared(self, held: Stances, length: int) -> tuple[int, Unlike | None]:
        count, first = 0, None
        for symbol, ts in self._times.items():
            wrong = np.flatnonzero(held[symbol] != self._right[symbol])
            count += len(wrong)
            if len(wrong) and (first is None or int(ts[wrong[0]]) < first.ns):
                at = int(wrong[0])
                first = Unlike(symbol, int(ts[at]), length, int(held[symbol][at]), int(self._right[symbol][at]))
        return count, first

    def _held(self, start: int) -> Stances:
        part = [b for b in (b.between(int(self._clock[start]), self._until) for b in self._bars) if len(b)]
        desk = simulate([self._make(part)], part, self._config).desk
        changes: dict[str, list[tuple[int, int]]] = {b.symbol: [(-(2**63), 0)] for b in self._bars}
        held = dict.fromkeys(changes, ZERO)
        for fill in desk.tape.fills:
            held[fill.symbol] += fill.quantity if fill.side is BUY else -fill.quantity
            now = held[fill.symbol]
            changes[fill.symbol].append((fill.ns, (now > 0) - (now < 0)))
        return {symbol: _stance(changes[symbol], ts) for symbol, ts in self._times.items()}


def _stance(changes: Sequence[tuple[int, int]], ts: NDArray[np.int64]) -> NDArray[np.int8]:
    moments = np.array([ns for ns, _ in changes], dtype=np.int64)
    signs = np.array([sign for _, sign in changes], dtype=np.int8)
    found: NDArray[np.int8] = signs[np.searchsorted(moments, ts, side="right") - 1]
    return found


def warmup(make: Making, bars: Sequence[Bars], *, progress: Callable[[int, int], None] | None = None) -> Warmup:
    """Compare what is held in stretches of the bars after beginnings of several lengths; see `lookahead` for `make`."""
    count = len(bars[0])
    if count < 2 * LEAST:
        raise NoBars(f"{count} bars are too few to compare beginnings", hint=f"give at least {2 * LEAST}")
    config = config_for(bars)
    marks = [int(count * part) for part in STRETCHES]
    stretches = [_Stretch(make, bars, config, begins=m, ends=min(m + max(LEAST, count // 10), count)) for m in marks]
    longest = marks[0] // 2
    lengths = [n for n in LENGTHS if n < longest] + [longest]
    trials = []
    for done, length in enumerate(lengths, 1):
        trials.append(_trial(stretches, length))
        if progress is not None:
            progress(done, len(lengths))
    return Warmup(_needed(stretches, trials), longest, tuple(trials))


def _trial(stretches: Sequence[_Stretch], length: int) -> Trial:
    found = [s.tried(length) for s in stretches]
    firsts = [first for _, first in found if first is not None]
    return Trial(length, len(firsts), sum(n for n, _ in found), min(firsts, key=lambda u: u.ns) if firsts else None)


def _needed(stretches: Sequence[_Stretch], trials: Sequence[Trial]) -> int | None:
    """The shortest beginning from which on all agree, found between the last that did not and the first that did."""
    if trials[-1].differing:
        return None
    low, high = next(
        ((a.bars, b.bars) for a, b in reversed(list(pairwise(trials))) if a.differing), (0, trials[0].bars)
    )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _trial(stretches, middle).differing else (low, middle)
    return high if high <= SETTLED * trials[-1].bars else None
