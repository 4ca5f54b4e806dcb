"""Many symbols' bars as one Arrow file: written symbol by symbol, read a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.bars import Bars, Provenance
from gpt_trader.core.context import Artifact
from gpt_trader.core.errors import JournalCorrupt
from gpt_trader.core.market import Timeframe
from gpt_trader.core.stored import BarTable, Series, StoredBars

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

GROUP = 4_096
"""So many rows of a symbol lie together, and are read together."""
KIND = "arrow"
TIME = "time"


@dataclass(frozen=True, slots=True)
class BarRows:
    """The rows of one symbol: those of so many groups from the first on."""

    path: Path
    first_group: int

    def read(self, names: Sequence[str], first: int, last: int) -> Mapping[str, NDArray[Any]]:
        """Columns of rows; the file is closed again, so that nothing of it stays in memory."""
        import pyarrow as pa

        if first >= last:
            return {name: np.empty(0, np.int64 if name == "ts" else np.float64) for name in names}
        try:
            with pa.memory_map(str(self.path)) as source, pa.ipc.open_file(source) as file:
                parts = list(self._parts(file, names, first, last))
        except (OSError, pa.ArrowException) as error:
            raise JournalCorrupt(f"the bars in {self.path} cannot be read: {error}") from error
        return {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(names)}

    def _parts(
        self, file: pa.ipc.RecordBatchFileReader, names: Sequence[str], first: int, last: int
    ) -> Iterator[list[NDArray[Any]]]:
        for group in range(first // GROUP, -(-last // GROUP)):
            batch = file.get_batch(self.first_group + group)
            rows = slice(max(first - group * GROUP, 0), last - group * GROUP)
            yield [_column(batch, name)[rows] for name in names]


def _column(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    values = batch.column(TIME if name == "ts" else name).to_numpy()
    return values.view(np.int64) if name == "ts" else values


def write(path: Path, every: Iterable[Bars], symbols: Sequence[str]) -> list[dict[str, Any]]:
    """Write bars as they come; what was written, one item for each symbol."""
    import pyarrow as pa

    names = pa.array(symbols, pa.string())
    fields = [("symbol", pa.dictionary(pa.int32(), pa.string())), (TIME, pa.timestamp("ns", "UTC"))]
    fields += [(name, pa.float64()) for name in ("open", "high", "low", "close", "volume")]
    schema = pa.schema(fields)
    series: list[dict[str, Any]] = []
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as out:
        for bars in every:
            series.append(_said(bars))
            place = symbols.index(bars.symbol)
            for start in range(0, len(bars), GROUP):
                out.write_batch(_batch(bars[start : start + GROUP].loaded(), place, names, schema))
    return series


def _batch(bars: Bars, place: int, names: pa.StringArray, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    codes = np.full(len(bars), place, dtype=np.int32)
    times = pa.array(bars.ts.view("datetime64[ns]"), schema.field(TIME).type)
    prices = [pa.array(getattr(bars, name)) for name in schema.names[2:]]
    return pa.record_batch([pa.DictionaryArray.from_arrays(codes, names), times, *prices], schema=schema)


def _said(bars: Bars) -> dict[str, Any]:
    return {
        "symbol": bars.symbol,
        "rows": len(bars),
        "timeframe": str(bars.timeframe),
        "provenance": asdict(bars.provenance),
        "content": bars.content_hash,
    }


def table_of(path: Path, artifact: Artifact, series: Iterable[Mapping[str, Any]]) -> BarTable:
    """The table that was written, of which nothing is read yet."""
    found, group = [], 0
    for said in series:
        like = Series(
            said["symbol"], said["rows"], Timeframe.parse(said["timeframe"]), Provenance(**said["provenance"])
        )
        found.append(StoredBars(like, BarRows(path, group), content_hash=said["content"]))
        group += -(-like.rows // GROUP)
    return BarTable(artifact, found)


def told(table: BarTable) -> dict[str, Any]:
    """What the journal keeps of a table, besides the file."""
    return {
        "artifact": table.artifact.hash,
        "size": table.artifact.size,
        "series": [_said(bars) for bars in table],
    }
