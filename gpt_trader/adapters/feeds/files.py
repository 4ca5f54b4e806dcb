"""What every file source does alike: find the symbol's file, read it in batches, and inspect what came."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gpt_trader.adapters.feeds.aliases import recognise
from gpt_trader.adapters.feeds.gather import Gathered, Reading
from gpt_trader.adapters.feeds.quality import Rows, Rules, inspect
from gpt_trader.adapters.feeds.ranges import Range
from gpt_trader.core.bars import Loaded, Provenance, Quarantine
from gpt_trader.core.errors import BadData, NoBars, NotFound

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its header, its batches, and, once they are read, the rows that its reader had to leave out."""

    header: Sequence[str]
    batches: Iterator[pa.RecordBatch]
    broken: Callable[[], list[int]] = list


@dataclass(frozen=True, kw_only=True)
class FileSource(ABC):
    """Bars from one file, or from a folder that holds one file for each symbol."""

    path: Path
    reading: Reading = field(default_factory=Reading)
    rules: Rules = field(default_factory=Rules)
    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def _open(self, path: Path, *, only: Sequence[str] | None = None) -> Table: ...

    def symbols(self) -> tuple[str, ...]:
        """The symbols of the folder's files, of the file's symbol column, or the file's own name."""
        if self.path.is_dir():
            return tuple(sorted(self._folder()))
        with _readable(self.path):
            columns = recognise(self._open(self.path).header, place=self.path.name, named=self.reading.columns)
            if "symbol" not in columns:
                return (_stem(self.path),)
            found: set[str] = set()
            for batch in self._open(self.path, only=columns["symbol"]).batches:
                found.update(filter(None, batch.column(columns["symbol"][0]).unique().to_pylist()))
        return tuple(sorted(found))

    def load(self, symbol: str, *, start: str | None = None, end: str | None = None) -> Loaded:
        """The symbol's bars, checked; a file without a symbol column is taken to hold the symbol that is asked for."""
        times = self.reading.times
        within = Range.of(start, end, zone=times.zone, exchange_zone=times.exchange_zone)
        path = self._file(symbol)
        with _readable(path):
            table = self._open(path)
            columns = recognise(table.header, place=path.name, named=self.reading.columns)
            found = Gathered(reading=self.reading, columns=columns, symbol=symbol, within=within, place=path.name)
            found.take(table.batches)
        return self._inspected(found, path, table.broken())

    def _inspected(self, found: Gathered, path: Path, broken: list[int]) -> Loaded:
        if found.read == 0:
            raise NoBars(f"{path.name}: there is a header, and no row below it", hint="was the download cut off?")
        if found.symbols and found.symbol not in found.symbols:
            raise NotFound.among(f"symbol in {path.name}", found.symbol, found.symbols)
        rows, zone = found.rows(), self.reading.times
        refused = {reason: np.unique(np.concatenate(parts)) for reason, parts in found.refused.items()}
        if len(rows.ts) == 0 and not refused:
            raise found.within.nothing(found.symbol, path.name, held=found.held, exchange_zone=zone.exchange_zone)
        if len(rows.ts) == 0 and "not_a_number" in refused:
            raise BadData(f"{path.name}: no row holds numbers alone", hint="is the decimal sign a comma? decimal=','")
        provenance = Provenance(
            origin="file",
            source=path.name,
            prices=self.reading.prices,
            zone={"date": zone.exchange_zone, "naive": zone.zone or "UTC"}.get(found.kind or "", "UTC"),
        )
        rows, refused = _renumbered(rows, refused, broken)
        report = Quarantine(rows=refused)
        return inspect(rows, symbol=found.symbol, provenance=provenance, rules=self.rules, refused=report)

    def _file(self, symbol: str) -> Path:
        if not self.path.is_dir():
            return self.path
        files = self._folder()
        if not files:
            raise NotFound(
                f"no file in {self.path.name}/ ends in {' or '.join(self.suffixes)}", hint="name another folder"
            )
        if symbol not in files:
            raise NotFound.among(f"file in {self.path.name}/ for the symbol", symbol, files)
        return files[symbol]

    def _folder(self) -> dict[str, Path]:
        files = (path for path in sorted(self.path.iterdir()) if path.is_file())
        return {_stem(path): path for path in files if path.name.lower().endswith(self.suffixes)}


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        if path.stat().st_size == 0:
            raise NoBars(f"{path.name} is empty (0 bytes)", hint="was the download cut off?")
        yield
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint="check the path") from None
    except (pa.ArrowException, EOFError, OSError, UnicodeDecodeError) as error:
        problem = str(error).strip().splitlines()[0][:200]
        raise BadData(
            f"{path.name} cannot be read: {problem}", hint="it is damaged or cut off: fetch it again"
        ) from error


def _renumbered(rows: Rows, refused: dict[str, Times], broken: list[int]) -> tuple[Rows, dict[str, Times]]:
    """Count the broken rows too, so that a number in the report is that of the row in the file."""
    if not broken:
        return rows, refused
    gone = np.array(sorted(broken), dtype=np.int64)
    read_before = gone - np.arange(1, len(gone) + 1)
    counted = {why: at + np.searchsorted(read_before, at) for why, at in refused.items()}
    counted["wrong_number_of_columns"] = gone
    return replace(rows, row=rows.row + np.searchsorted(read_before, rows.row)), counted


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
