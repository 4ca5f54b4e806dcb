"""CSV files, read in batches: separator, header and times are recognised, and a row that cannot be read is reported."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gpt_trader.adapters.feeds.aliases import SEPARATORS
from gpt_trader.adapters.feeds.files import FileSource, Table

if TYPE_CHECKING:
    import pyarrow.csv as pv

NULLS = ["", "null", "NULL", "None", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "-"]
BLOCK = 1 << 23


class CsvSource(FileSource):
    """Bars from CSV files, gzip or not, of any size: memory holds the asked range and one block of the file."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt", ".tsv", ".csv.gz")

    def _open(self, path: Path, *, only: Sequence[str] | None = None) -> Table:
        import pyarrow as pa
        import pyarrow.csv as pv

        line = _first_line(path)
        separator = self.reading.separator or max(SEPARATORS, key=line.count)
        header = next(csv.reader([line], delimiter=separator))
        broken: list[int] = []
        source: Any = pa.input_stream(str(path), compression="detect")
        reader = pv.open_csv(
            source,
            read_options=pv.ReadOptions(block_size=BLOCK),
            parse_options=pv.ParseOptions(delimiter=separator, invalid_row_handler=_noting(broken)),
            # Texts first: one garbled number must cost its row, not the file.
            convert_options=pv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                include_columns=list(only) if only else None,
                null_values=NULLS,
                strings_can_be_null=True,
            ),
        )
        return Table(header, iter(reader), broken)


def _first_line(path: Path) -> str:
    import pyarrow as pa

    with pa.input_stream(str(path), compression="detect") as stream:
        text = stream.read(1 << 16).decode("utf-8-sig", errors="replace")
    return next(iter(text.splitlines()), "")


def _noting(broken: list[int]) -> Callable[[pv.InvalidRow], Literal["skip", "error"]]:
    def note(row: pv.InvalidRow) -> Literal["skip", "error"]:
        broken.append((row.number or 1) - 1)
        return "skip"

    return note
