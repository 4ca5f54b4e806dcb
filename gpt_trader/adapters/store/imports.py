"""Bars of files and of the sample copied into the store, beside those of venues."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_trader.adapters.store import sheet as sheets
from gpt_trader.adapters.store.place import owned, path_of, put
from gpt_trader.adapters.store.series import iso
from gpt_trader.adapters.store.sheet import VALUES, Label, Sheet
from gpt_trader.core.errors import UsageError
from gpt_trader.core.feeds import Refreshed
from gpt_trader.core.market import Timeframe, nanoseconds

if TYPE_CHECKING:
    from gpt_trader.core.bars import BarSource, Loaded
    from gpt_trader.core.feeds import Request, Watch
    from gpt_trader.core.ports import Clock


@dataclass(frozen=True, slots=True)
class Import:
    """Where bars are copied to, and how."""

    folder: Path
    clock: Clock
    watch: Watch
    again: bool = False
    dry_run: bool = False


def imported(source: BarSource, request: Request, how: Import) -> Refreshed:
    """Load the bars, and store those that are not there or differ."""
    loaded = source.load(request.symbol, start=request.start or None, end=request.end or None)
    if request.timeframe and Timeframe.parse(request.timeframe) != loaded.bars.timeframe:
        raise UsageError(
            f"the bars of {request.symbol} are of {loaded.bars.timeframe}, and are stored as they are",
            hint="name no timeframe: longer bars are made of them where they are read",
        )
    path = path_of(how.folder, request.provider, request.symbol, str(loaded.bars.timeframe))
    now = nanoseconds(how.clock.now())
    if how.dry_run:
        sheet = sheets.read(path) if path.exists() else Sheet(label=_label(loaded))
        return _told(request, loaded, *_merged(sheet, loaded, now))
    with owned(path, how.clock, how.watch):
        before = sheets.read_or_new(path, _label(loaded), again=how.again)
        after, added, revised = _merged(before, loaded, now)
        if added or revised or after.actions != before.actions:
            put(path, lambda part: sheets.write(after, part))
    return _told(request, loaded, after, added, revised)


def _merged(sheet: Sheet, loaded: Loaded, now: int) -> tuple[Sheet, int, int]:
    bars, known = loaded.bars, sheet.later(now)
    rows = {name: getattr(bars, name) for name in ("ts", *VALUES)}
    asked = [(int(bars.ts[0]), int(bars.ts[-1]) + 1)]
    after, added, revised = sheet.with_rows(rows, asked=asked, known=known)
    after = after.with_actions(loaded.actions)
    return after.changed(known, added=added, revised=revised) if added or revised else after, added, revised


def _label(loaded: Loaded) -> Label:
    said = loaded.bars.provenance
    note = "; ".join(filter(None, (said.source, said.note)))
    return Label(zone=said.zone, prices=said.prices, origin=said.origin, note=note)


def _told(request: Request, loaded: Loaded, sheet: Sheet, added: int, revised: int) -> Refreshed:
    held = sheet.columns["ts"]
    total = loaded.quarantine.total
    return Refreshed(
        provider=request.provider,
        symbol=request.symbol,
        timeframe=str(loaded.bars.timeframe),
        added=added,
        revised=revised,
        bars=int(sheet.changes[-1]["bars"]),
        first=iso(int(held[0])),
        last=iso(int(held[-1])),
        requests=0,
        note=f"{total} rows were kept out" if total else "",
    )
