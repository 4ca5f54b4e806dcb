"""What was known at a moment, and nothing later: the one place through which every decision sees prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.trading.playback import span_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]

STALE = 10
"""A symbol without a bar for so many moments has stopped trading."""
STILL = 1e-9


@dataclass(frozen=True, slots=True)
class Known:
    """At one moment: which symbols can be held, and their returns over the window, one column each."""

    symbols: list[str]
    returns: Floats
    left_out: dict[str, str]


class Past:
    """Closes of all symbols on one line of time; a close counts from the moment at which its bar is over."""

    def __init__(self, bars: Sequence[Bars]) -> None:
        self.symbols = [b.symbol for b in bars]
        known = [b.ts + span_of(b) for b in bars]
        self.moments: Times = np.unique(np.concatenate(known))
        self._closes = np.full((len(self.moments), len(bars)), np.nan)
        self._age = np.full((len(self.moments), len(bars)), len(self.moments), dtype=np.int64)
        for i, (b, ts) in enumerate(zip(bars, known, strict=True)):
            self._fill(i, np.searchsorted(self.moments, ts), b.close)

    def _fill(self, column: int, rows: NDArray[np.intp], closes: Floats) -> None:
        usable = np.isfinite(closes) & (closes > 0)
        rows, closes = rows[usable], closes[usable]
        at = np.searchsorted(rows, np.arange(len(self.moments)), side="right") - 1
        seen = at >= 0
        if len(rows):
            self._closes[seen, column] = closes[at[seen]]
            self._age[seen, column] = np.flatnonzero(seen) - rows[at[seen]]

    def row(self, now: int) -> int:
        """The last line that is over at this moment; -1 where there is none."""
        return int(np.searchsorted(self.moments, now, side="right")) - 1

    def at(self, now: int, window: int) -> Known:
        """What is known of each symbol at this moment, from its last `window` returns."""
        row = self.row(now)
        left_out: dict[str, str] = {}
        if row < window:
            return Known([], np.empty((0, 0)), dict.fromkeys(self.symbols, f"fewer than {window} returns are known"))
        closes = self._closes[row - window : row + 1]
        returns = closes[1:] / closes[:-1] - 1.0
        kept = []
        for i, symbol in enumerate(self.symbols):
            why = self._fault(returns[:, i], int(self._age[row, i]), window)
            if why:
                left_out[symbol] = why
            else:
                kept.append(i)
        return Known([self.symbols[i] for i in kept], returns[:, kept], left_out)

    def price(self, symbol: str, now: int) -> float:
        """The last close that is known; NaN where there is none."""
        row = self.row(now)
        return float(self._closes[row, self.symbols.index(symbol)]) if row >= 0 else float("nan")

    @staticmethod
    def _fault(returns: Floats, age: int, window: int) -> str:
        if not np.isfinite(returns).all():
            return f"fewer than {window} returns are known"
        if age > STALE:
            return f"it has had no bar for {age} moments"
        return "" if np.ptp(returns) > STILL else "its returns do not vary"
