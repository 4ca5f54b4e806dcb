"""A finished session as tables: rows for CSV and Parquet, and data frames for those who like them."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Any

from gpt_trader.core.market import time_of
from gpt_trader.core.metrics import underwater
from gpt_trader.trading.provenance import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from gpt_trader.trading.facts import Facts

TABLES = ("equity", "trades", "fills", "orders", "refusals")


def table(report: Facts, name: str) -> tuple[list[str], list[list[Any]]]:
    """The columns and rows of one table; times are ISO 8601 in UTC and exact numbers are text."""
    if name == "equity":
        fall = underwater(report.equity).tolist()
        rows = zip(report.times.tolist(), report.equity.tolist(), fall, strict=True)
        return ["time", "equity", "drawdown"], [[moment(ns), value, below] for ns, value, below in rows]
    if name == "refusals":
        columns = ["time", "strategy", "symbol", "side", "quantity", "code", "reason"]
        return columns, [
            [
                moment(r.order.ns),
                r.order.strategy,
                r.order.symbol,
                str(r.order.side),
                str(r.order.quantity),
                r.code,
                r.reason,
            ]
            for r in report.refusals
        ]
    return _record_table(getattr(report, name))


def equity_frame(report: Facts) -> pd.DataFrame:
    """Equity and drawdown by time."""
    import pandas as pd

    index = pd.DatetimeIndex(report.times.astype("datetime64[ns]"), tz="UTC", name="time")
    return pd.DataFrame({"equity": report.equity, "drawdown": underwater(report.equity)}, index=index)


def rows_frame(records: Sequence[Any]) -> pd.DataFrame:
    """Records, one a row; exact numbers become floats."""
    import pandas as pd

    columns, rows = _record_table(records, numbers=True)
    return pd.DataFrame(rows, columns=pd.Index(columns))


def write(report: Facts, name: str, place: Path, kind: str) -> str:
    """Write one table in one form, and give back the file's name."""
    columns, rows = table(report, name)
    path = place / f"{name}.{kind}"
    if kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        data = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
        pq.write_table(pa.table(data), path, compression="zstd")
    return path.name


def _record_table(records: Sequence[Any], *, numbers: bool = False) -> tuple[list[str], list[list[Any]]]:
    if not records:
        return [], []
    names = list(records[0]._fields)
    columns = [
        name.removesuffix("_ns") + "_time" if name.endswith("_ns") else "time" if name == "ns" else name
        for name in names
    ]
    return columns, [[_cell(name, getattr(r, name), numbers=numbers) for name in names] for r in records]


def _cell(name: str, value: Any, *, numbers: bool) -> Any:
    if name == "ns" or name.endswith("_ns"):
        return time_of(value) if numbers else moment(value)
    if numbers and type(value).__name__ == "Decimal":
        return float(value)
    if name == "terms":
        return ", ".join(f"{k}={v}" for k, v in plain(value).items() if v not in (None, False))
    return plain(value)


def moment(ns: int) -> str:
    """A time as ISO 8601 in UTC."""
    return time_of(int(ns)).isoformat()


def finite(value: float) -> float | None:
    """The number, or None where it is not defined."""
    return value if math.isfinite(value) else None
