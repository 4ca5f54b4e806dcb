"""Asking a provider until it answers: page by page, patient where it wants that, and never longer than is sensible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from gpt_trader.adapters.venues.reader import FIELDS, TryLater
from gpt_trader.core.errors import BadData

if TYPE_CHECKING:
    from gpt_trader.adapters.venues.reader import Page, Reader
    from gpt_trader.core.feeds import Watch
    from gpt_trader.core.market import Timeframe
    from gpt_trader.core.ports import Clock

T = TypeVar("T")
ATTEMPTS, FIRST, LONGEST = 12, 0.5, 60.0
"""At most so many attempts; the first pause in seconds, which doubles; and the longest that a provider may ask for."""
LOOK = 0.25


@dataclass(frozen=True, slots=True)
class Asking:
    """A provider, the time, and who waits."""

    reader: Reader
    clock: Clock
    watch: Watch

    def pages(self, symbol: str, timeframe: Timeframe, start_ns: int, end_ns: int) -> Iterator[Page]:
        """Every page of the range, each asked for when the one before has been taken."""
        at = start_ns
        while at < end_ns:
            self.watch.check()
            page = self.patiently(lambda at=at: self.reader.page(symbol, timeframe, at, end_ns))  # type: ignore[misc]
            if not at < page.until <= max(end_ns, at + 1):
                raise BadData(f"{self.reader.name}: a page of {symbol} leads nowhere", hint="ask for a shorter range")
            yield self._whole(page, symbol, at, end_ns)
            at = page.until

    def patiently(self, ask: Callable[[], T]) -> T:
        """The answer, after as many attempts as are sensible; a pause that the provider names is kept."""
        began = self.clock.monotonic()
        for attempt in range(ATTEMPTS):
            try:
                return ask()
            except TryLater as later:
                named = later.after is not None
                pause = later.after if later.after is not None else FIRST * 2**attempt
                spent = self.clock.monotonic() - began
                if attempt + 1 == ATTEMPTS or spent + pause > (LONGEST if named else self.reader.patience):
                    raise later.final from later
                self._pause(pause)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while (left := until - self.clock.monotonic()) > 0:
            self.watch.check()
            self.clock.sleep(min(left, LOOK))

    def _whole(self, page: Page, symbol: str, start_ns: int, end_ns: int) -> Page:
        """The bars of the page that were asked for; a page without any numbers is refused."""
        ts = page.columns["ts"]
        inside = (ts >= start_ns) & (ts < end_ns)
        columns = {name: page.columns[name][inside] for name in FIELDS}
        empty = [name for name in FIELDS[1:5] if len(columns["ts"]) > 1 and np.isnan(columns[name]).all()]
        if empty:
            problem = f"{self.reader.name}: column '{empty[0]}' of {symbol} holds no number at all"
            raise BadData(problem, hint="nothing of it was stored: ask again later, or ask another provider")
        return replace(page, columns=columns)
