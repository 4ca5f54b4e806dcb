"""What the store holds, told from the ends of its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gpt_trader.adapters.store import sheet as sheets
from gpt_trader.adapters.store.place import files, named
from gpt_trader.adapters.store.series import iso
from gpt_trader.core.errors import BadData
from gpt_trader.core.feeds import Kept


def kept_in(folder: Path) -> Iterator[Kept]:
    """Every stored series; one whose file is damaged says so."""
    for path in files(folder):
        provider, symbol, timeframe = named(path)
        size = path.stat().st_size
        try:
            sheet = sheets.label(path)
        except BadData as error:
            yield Kept(provider=provider, symbol=symbol, timeframe=timeframe, size=size, damaged=error.message)
            continue
        last = sheet.changes[-1]
        yield Kept(
            provider=provider,
            symbol=symbol,
            timeframe=timeframe,
            bars=int(last["bars"]),
            first=iso(sheet.held[0]) if sheet.held else "",
            last=iso(sheet.held[1]) if sheet.held else "",
            changed=iso(int(last["at"])),
            revised=sum(int(change["revised"]) for change in sheet.changes),
            size=size,
            hash=str(last["hash"]),
        )


def stored_symbols(folder: Path, provider: str) -> set[str]:
    """The symbols of a provider of which anything is stored."""
    return {symbol for who, symbol, _ in map(named, files(folder)) if who == provider}
