"""Parquet files, read in batches: only the columns of bars are decoded, and a cut-off file is named as such."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from gpt_trader.adapters.feeds.aliases import recognise
from gpt_trader.adapters.feeds.files import FileSource, Table

ROWS = 1 << 16


class ParquetSource(FileSource):
    """Bars from Parquet files of any size: memory holds the asked range and one batch of rows."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def _open(self, path: Path, *, only: Sequence[str] | None = None) -> Table:
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)
        header = file.schema_arrow.names
        if only is None:
            found = recognise(header, place=path.name, named=self.reading.columns)
            only = [theirs for names in found.values() for theirs in names]
        return Table(header, file.iter_batches(batch_size=ROWS, columns=list(only), use_threads=False))
