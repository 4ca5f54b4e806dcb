"""A stored series: every bar with the moment since when it is known so, and which time was asked for already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.adapters.store.place import named, set_aside
from gpt_trader.adapters.store.spans import Span, joined
from gpt_trader.core.bars import PRICES, Origin, Prices
from gpt_trader.core.errors import BadData, GptTraderError
from gpt_trader.core.market import Dividend, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[Any]
    Columns = Mapping[str, Column]

VALUES = (*PRICES, "volume")
FIELDS = ("ts", "known", *VALUES)
KEY = b"gpt_trader"
VERSION = 1
CHANGES = 100
"""So many changes are remembered in words; the bars themselves remember all of them."""
GROUP = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is said of a series beside its bars."""

    zone: str
    prices: Prices = "raw"
    origin: Origin = "venue"
    calendar: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """The rows of a series by time and then by the moment since when they are known; the last of a time is valid."""

    label: Label
    columns: Columns = field(default_factory=lambda: {n: np.zeros(0, _kind(n)) for n in FIELDS})
    covered: tuple[Span, ...] = ()
    actions: tuple[Split | Dividend, ...] = ()
    changes: tuple[Mapping[str, Any], ...] = ()
    actions_known: bool = True
    """False where the provider was down when it was asked for splits and dividends: it is asked again."""
    superseded: int = 0
    """How many rows are no longer valid, where only the end of the file was read."""
    held: Span | None = None
    """The first and the last time, where only the end of the file was read."""

    @property
    def count(self) -> int:
        """How many rows there are, valid or not."""
        return len(self.columns["ts"])

    def current(self) -> dict[str, Column]:
        """The rows that are valid now."""
        return {name: column[valid(self.columns)] for name, column in self.columns.items()}

    def later(self, now: int) -> int:
        """Since when something new is known: after all that was known before, also where a clock was moved."""
        return max(now, int(self.columns["known"].max(initial=0)) + 1)

    def with_rows(self, new: Columns, *, asked: Iterable[Span], known: int) -> tuple[Sheet, int, int]:
        """The sheet with what was answered; how many bars are new, and how many the provider says otherwise now."""
        held = self.current()
        fresh = _unlike(new, held)
        rows = {name: new[name][fresh] for name in ("ts", *VALUES)} | {"known": np.full(int(fresh.sum()), known)}
        revised = int(_among(rows["ts"], held["ts"]).sum())
        columns = {name: np.concatenate((self.columns[name], rows[name].astype(_kind(name)))) for name in FIELDS}
        order = np.lexsort((columns["known"], columns["ts"]))
        columns = {name: column[order] for name, column in columns.items()}
        sheet = replace(self, columns=columns, covered=joined(self.covered, asked))
        return sheet, len(rows["ts"]) - revised, revised

    def with_actions(self, more: Iterable[Split | Dividend]) -> Sheet:
        """The sheet with splits and dividends; of one day the last that was told holds."""
        found = {(type(a).__name__, a.ns): a for a in (*self.actions, *more)}
        return replace(self, actions=tuple(found[key] for key in sorted(found, key=lambda k: (k[1], k[0]))))

    def changed(self, known: int, *, added: int, revised: int) -> Sheet:
        """The sheet with one more line about a change, and the hash of what is valid now."""
        held = self.current()
        line = {"at": known, "added": added, "revised": revised, "bars": len(held["ts"]), "hash": digest(held)}
        return replace(self, changes=(*self.changes, line)[-CHANGES:])


def valid(columns: Columns) -> NDArray[np.bool_]:
    """Which rows are the last known of their time."""
    ts, known = columns["ts"], columns["known"]
    if not len(ts):
        return np.zeros(0, dtype=np.bool_)
    ends = np.append(np.flatnonzero(ts[1:] != ts[:-1]), len(ts) - 1)
    return np.asarray(known == np.repeat(known[ends], np.diff(ends, prepend=-1)), dtype=np.bool_)


def digest(columns: Columns) -> str:
    """SHA-256 of times and values: the same bars have the same one."""
    found = hashlib.sha256()
    for name in ("ts", *VALUES):
        found.update(np.ascontiguousarray(columns[name], _kind(name)).view(np.uint8).data)
    return found.hexdigest()


def _kind(name: str) -> str:
    return "<i8" if name in ("ts", "known") else "<f8"


def _unlike(new: Columns, held: Columns) -> NDArray[np.bool_]:
    """Which rows are not held just so; only those of a known time are compared whole."""
    fresh = np.ones(len(new["ts"]), dtype=np.bool_)
    again = _among(new["ts"], held["ts"])
    if again.any():
        same = _among(held["ts"], np.sort(new["ts"][again]))
        some, theirs = ({n: c[which] for n, c in part.items()} for part, which in ((new, again), (held, same)))
        fresh[again] = ~np.isin(_packed(some), _packed(theirs))
    return fresh


def _among(values: Column, ordered: Column) -> NDArray[np.bool_]:
    """Which values are among those in order; numpy's own test would sort, or hash, all of them each time."""
    if not len(ordered):
        return np.zeros(len(values), dtype=np.bool_)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[place] == values, dtype=np.bool_)


def _packed(columns: Columns) -> NDArray[np.void]:
    """Each row as bytes, so that rows can be compared whole; every NaN is the same."""
    rows = np.empty((len(columns["ts"]), 1 + len(VALUES)), dtype="<i8")
    rows[:, 0] = columns["ts"]
    for at, name in enumerate(VALUES, 1):
        values = np.asarray(columns[name], dtype="<f8")
        rows[:, at] = (np.where(np.isnan(values), np.nan, values) + 0.0).view("<i8")
    return rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel()


# --- as a file --------------------------------------------------------------------------------------------------------


def write(sheet: Sheet, path: Path) -> None:
    """Write the sheet as Parquet: zstd, a checksum on every page."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array(sheet.columns[name]) for name in FIELDS})
    table = table.replace_schema_metadata({KEY: json.dumps(_words(sheet)).encode()})
    pq.write_table(table, path, compression="zstd", write_page_checksum=True, row_group_size=GROUP)


def read(path: Path) -> Sheet:
    """The whole sheet of a file; a damaged one is an error that names the cure."""
    with readable(path):
        file = opened(path)
        table = file.read(columns=list(FIELDS))
        columns = {name: table.column(name).to_numpy() for name in FIELDS}
        return replace(_sheet(_said(file)), columns=columns)


def read_or_new(path: Path, new: Label, *, again: bool) -> Sheet:
    """The sheet of a file, or an empty one; a damaged file is set aside where all is asked for again."""
    try:
        return read(path) if path.exists() else Sheet(label=new)
    except BadData:
        if not again:
            raise
        set_aside(path)
        return Sheet(label=new)


def label(path: Path) -> Sheet:
    """The sheet without its rows; only the end of the file is read."""
    with readable(path):
        return _sheet(_said(opened(path)))


def opened(path: Path) -> Any:
    """The Parquet file, which checks every page that it reads."""
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a damaged file raises into an error that names the file and the cure."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise GptTraderError(f"{path} cannot be read: {error.strerror}", hint="mend its rights") from error
    except (pa.ArrowException, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        provider, symbol, timeframe = named(path)
        what = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        cure = f"gpt-trader data fetch {symbol} --provider {provider} --timeframe {timeframe} --again"
        problem = f"the stored file of {provider} {symbol} {timeframe} is damaged: {what} ({path})"
        raise BadData(problem, hint=f"download it anew: {cure}") from error


def _said(file: Any) -> dict[str, Any]:
    words: dict[str, Any] = json.loads((file.schema_arrow.metadata or {})[KEY])
    if words["version"] != VERSION:
        raise BadData(f"the store is of version {words['version']}", hint="a newer gpt-trader wrote it: use that one")
    return words


def _words(sheet: Sheet) -> dict[str, Any]:
    said = {name: getattr(sheet.label, name) for name in ("zone", "prices", "origin", "calendar", "note")}
    splits = [[a.symbol, a.ns, a.new, a.old] for a in sheet.actions if isinstance(a, Split)]
    dividends = [[a.symbol, a.ns, str(a.amount)] for a in sheet.actions if isinstance(a, Dividend)]
    held = sheet.columns["ts"]
    return {
        "version": VERSION,
        "label": said,
        "covered": sheet.covered,
        "splits": splits,
        "dividends": dividends,
        "changes": sheet.changes,
        "actions_known": sheet.actions_known,
        "superseded": sheet.count - int(valid(sheet.columns).sum()),
        "held": [int(held[0]), int(held[-1])] if len(held) else None,
    }


def _sheet(words: Mapping[str, Any]) -> Sheet:
    splits = [Split(*row) for row in words["splits"]]
    dividends = [Dividend(symbol, ns, Decimal(amount)) for symbol, ns, amount in words["dividends"]]
    return Sheet(
        label=Label(**words["label"]),
        covered=tuple((int(a), int(b)) for a, b in words["covered"]),
        changes=tuple(words["changes"]),
        actions_known=bool(words["actions_known"]),
        superseded=int(words["superseded"]),
        held=None if words["held"] is None else (int(words["held"][0]), int(words["held"][1])),
    ).with_actions((*splits, *dividends))
