"""One download: pages are added to a sheet as they come, and what is whole is written even if it ends early."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.adapters.store.complete import complete
from gpt_trader.adapters.store.place import put
from gpt_trader.adapters.store.sheet import VALUES, Sheet, write
from gpt_trader.adapters.store.spans import Span, joined, missing
from gpt_trader.core.errors import GptTraderError, Interrupted, ProviderDown, RunCancelled
from gpt_trader.core.market import nanoseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.adapters.venues.asking import Asking
    from gpt_trader.adapters.venues.reader import Page
    from gpt_trader.core.market import Timeframe

OVERLAP = 5
"""So many of the last bars are asked for again, because providers correct them."""
LEAST, SHARE = 5_000, 4
"""What came is written when it is so many bars and a quarter of what is stored: long files are seldom written."""
NEAR = 1e-9


@dataclass(slots=True, kw_only=True)
class Download:
    """Pages on their way into a sheet; after it, `sheet` is what the file holds."""

    asking: Asking
    symbol: str
    timeframe: Timeframe
    path: Path
    sheet: Sheet
    calendar: str
    added: int = 0
    revised: int = 0
    requests: int = 0
    notes: list[str] = field(default_factory=list)
    _rows: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    _asked: list[Span] = field(default_factory=list)

    def fetch(self, spans: Sequence[Span]) -> None:
        """Ask for these spans; if the provider has restated its prices, for all that is stored as well."""
        with self._kept():
            for at, span in enumerate(spans):
                if self._pages(span, place=(at, len(spans))):
                    self.notes.append("the provider restated its prices: all of them were asked for again")
                    self._rows.clear()
                    self._asked.clear()
                    hull = joined((*self.sheet.covered, *spans))
                    self.sheet = replace(self.sheet, covered=())
                    for each in hull:
                        self._pages(each, place=(at, len(spans)), compare=False)
                    break
        self._take_actions(spans)

    def _pages(self, span: Span, *, place: tuple[int, int], compare: bool = True) -> bool:
        """Take the pages of one span; true where they show that the provider restated what is stored."""
        begin = self._overlapping(span) if compare else span[0]
        for page in self.asking.pages(self.symbol, self.timeframe, begin, span[1]):
            self.requests += 1
            if compare and begin < span[0] and self._restated(page):
                return True
            compare = False
            self._take(page, begin, span)
            begin = page.until
            part = (page.until - span[0]) / max(span[1] - span[0], 1)
            self.asking.watch.progress(place[0] + min(max(part, 0.0), 1.0), place[1], self.symbol)
            if self._waiting() >= max(LEAST, self.sheet.count // SHARE):
                self._write()
        return False

    def _overlapping(self, span: Span) -> int:
        """A few stored bars earlier, where the span goes on from what is stored."""
        held = self.sheet.columns["ts"]
        before = held[held < span[0]]
        goes_on = any(first < span[0] <= last for first, last in self.sheet.covered)
        return int(np.unique(before)[-OVERLAP:][0]) if goes_on and len(before) else span[0]

    def _restated(self, page: Page) -> bool:
        """Whether the oldest bar that came again has other prices: a correction changes only the last ones."""
        held = self.sheet.current()
        common, ours, theirs = np.intersect1d(held["ts"], page.columns["ts"], return_indices=True)
        if len(common) < 2:
            return False
        pairs = ((held[name][ours[0]], page.columns[name][theirs[0]]) for name in VALUES[:4])
        return any(not np.isclose(a, b, rtol=NEAR, atol=0.0, equal_nan=True) for a, b in pairs)

    def _take(self, page: Page, begin: int, span: Span) -> None:
        bound = span[1]
        if page.zone and page.zone != self.sheet.label.zone:
            self.sheet = replace(self.sheet, label=replace(self.sheet.label, zone=page.zone))
            now = nanoseconds(self.asking.clock.now())
            bound = min(bound, complete(now, self.timeframe, zone=page.zone, calendar=self.calendar))
        over = page.columns["ts"] < bound
        self._rows.append({name: column[over] for name, column in page.columns.items()})
        self._asked.append((begin, min(page.until, bound)))

    def _waiting(self) -> int:
        return sum(len(rows["ts"]) for rows in self._rows)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Write what is whole, however the download ends."""
        try:
            yield
        finally:
            self._write()

    def _write(self) -> None:
        if not self._asked:
            return
        rows = {name: np.concatenate([part[name] for part in self._rows]) for name in ("ts", *VALUES)}
        known = self.sheet.later(nanoseconds(self.asking.clock.now()))
        sheet, added, revised = self.sheet.with_rows(rows, asked=self._asked, known=known)
        self._rows.clear()
        self._asked.clear()
        self.sheet = sheet.changed(known, added=added, revised=revised) if added or revised else sheet
        self.added, self.revised = self.added + added, self.revised + revised
        self._put()

    def _take_actions(self, spans: Iterable[Span]) -> None:
        """Ask for splits and dividends, where there are new bars or they are still not known."""
        hull = joined((*self.sheet.covered, *spans))
        if not self.sheet.count or not (self.requests or not self.sheet.actions_known):
            return
        reader, before = self.asking.reader, self.sheet
        try:
            found = self.asking.patiently(lambda: reader.actions(self.symbol, hull[0][0], hull[-1][1]))
            self.sheet = replace(self.sheet.with_actions(found), actions_known=True)
        except (Interrupted, RunCancelled):
            raise
        except GptTraderError as error:
            self.notes.append(f"its splits and dividends are not known: {error.message}")
            self.sheet = replace(self.sheet, actions_known=not isinstance(error, ProviderDown))
        if (self.sheet.actions, self.sheet.actions_known) != (before.actions, before.actions_known):
            self._put()

    def _put(self) -> None:
        """Write the file; a series without a single bar has none."""
        if self.sheet.count:
            put(self.path, lambda part: write(self.sheet, part))


def left(sheet: Sheet | None, span: Span) -> list[Span]:
    """The parts of a span that were never asked for."""
    return list(missing(sheet.covered if sheet is not None else (), span))
