"""CSV files, read in batches: separator, header and times are recognised, and a row that cannot be read is reported."""

from __future__ import annotations

import csv
import io
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gpt_trader.adapters.feeds.aliases import SEPARATORS
from gpt_trader.adapters.feeds.files import FileSource, Table
from gpt_trader.core.errors import BadData

if TYPE_CHECKING:
    import pyarrow.csv as pv

NULLS = ["", "null", "NULL", "None", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "-"]
BLOCK = 1 << 21


class CsvSource(FileSource):
    """Bars from CSV files, gzip or not, of any size: memory holds the asked range and one block of the file."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt", ".tsv", ".csv.gz")

    def _open(self, path: Path, *, only: Sequence[str] | None = None) -> Table:
        import pyarrow as pa
        import pyarrow.csv as pv

        line = _first_line(path)
        separator = self.reading.separator or max(SEPARATORS, key=line.count)
        header = next(csv.reader([line], delimiter=separator))
        skipped: list[str] = []
        source: Any = pa.input_stream(str(path), compression="detect")
        reader = pv.open_csv(
            source,
            read_options=pv.ReadOptions(block_size=BLOCK),
            parse_options=pv.ParseOptions(delimiter=separator, invalid_row_handler=_noting(skipped)),
            # Texts first: one garbled number must cost its row, not the file.
            convert_options=pv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                include_columns=list(only) if only else None,
                null_values=NULLS,
                strings_can_be_null=True,
            ),
        )
        return Table(header, iter(reader), lambda: _broken_rows(path, separator, header) if skipped else [])


def _first_line(path: Path) -> str:
    import pyarrow as pa

    with pa.input_stream(str(path), compression="detect") as stream:
        head = stream.read(1 << 16)
    try:  # the last letter may be cut in two
        text = getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        problem = f"{path.name} cannot be read: it is no text in UTF-8"
        raise BadData(problem, hint="save it as CSV in UTF-8; or is it another kind of file?")
    return next(iter(text.splitlines()), "")


def _noting(skipped: list[str]) -> Callable[[pv.InvalidRow], Literal["skip", "error"]]:
    def note(row: pv.InvalidRow) -> Literal["skip", "error"]:
        skipped.append(row.text[:80])
        return "skip"

    return note


def _broken_rows(path: Path, separator: str, header: Sequence[str]) -> list[int]:
    """Count again, by hand: a reader of blocks does not know the number of a row that it skips."""
    import pyarrow as pa

    source: Any = pa.input_stream(str(path), compression="detect")
    with source as stream:
        lines = (line for line in io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") if line.strip())
        rows = enumerate(csv.reader(lines, delimiter=separator))
        return [at for at, row in rows if len(row) != len(header)]
