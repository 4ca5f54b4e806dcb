"""The days of a simulated market: when one opens and closes, and which orders do not live to see the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpt_trader.core.market import DAY, nanoseconds
from gpt_trader.core.orders import TimeInForce

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.matching import Working


class Days:
    """Days by the clock of the market; a bar of half a day and longer is a day of its own."""

    def __init__(
        self, account: Account, *, offset_ns: int, last_of_day: Callable[[str, int], bool] | None = None
    ) -> None:
        self._account = account
        self._offset = offset_ns
        self._last_of_day = last_of_day

    def number(self, ns: int) -> int:
        """Which day it is."""
        return (ns + self._offset) // DAY

    def opens(self, w: Working, bar: MarketData) -> bool:
        """Whether this bar is the first of a day after the one on which the order was decided."""
        decided_in = self.number(w.order.ns - 1)  # a decision at the end of a bar is still of that bar's day
        return self._whole(bar) or self.number(bar.ns) != decided_in

    def closes(self, bar: MarketData) -> bool:
        """Whether this bar is the last of its day."""
        return self._whole(bar) or self._last_of_day is None or self._last_of_day(bar.symbol, bar.ns)

    def expired(self, w: Working, bar: MarketData) -> bool:
        """Whether the order's life ended before this bar."""
        terms = w.order.terms
        if terms.tif is TimeInForce.DAY:
            today = self.number(bar.ns)
            w.session = today if w.session is None else w.session
            return today != w.session
        return terms.tif is TimeInForce.GTD and terms.good_till is not None and bar.ns > nanoseconds(terms.good_till)

    def _whole(self, bar: MarketData) -> bool:
        return self._account.lanes[bar.symbol].span >= DAY // 2
