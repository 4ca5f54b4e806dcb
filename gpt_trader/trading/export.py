"""A report in other forms: a JSON document, tables as CSV and Parquet, and data frames for those who like them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import UsageError
from gpt_trader.core.market import time_of
from gpt_trader.core.metrics import underwater
from gpt_trader.trading.provenance import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from gpt_trader.trading.report import Report

TABLES = ("equity", "trades", "fills", "orders", "refusals")


def document(report: Report) -> dict[str, Any]:
    """The report as plain values that JSON knows; what is not defined is null."""
    worst = min(report.drawdowns, key=lambda d: d.depth, default=None)
    return {
        "symbols": list(report.symbols),
        "from": _time(report.times[0]) if len(report.times) else None,
        "to": _time(report.times[-1]) if len(report.times) else None,
        "bars": len(report.times),
        "currency": report.currency,
        "cash": str(report.cash),
        "final_equity": str(report.final_equity),
        "metrics": {name: _finite(value) for name, value in report.metrics.items()},
        "drawdown": None
        if worst is None
        else {"depth": worst.depth, "peak": _time(worst.peak_at), "trough": _time(worst.trough_at)},
        "costs": {name: str(value) for name, value in report.costs.items()},
        "positions": positions(report),
        "per_symbol": {name: _clean(part) for name, part in report.per_symbol.items()},
        "per_strategy": {name: _clean(part) for name, part in report.per_strategy.items()},
        "orders": len(report.orders),
        "refusals": _counted(r.code for r in report.refusals),
        "ended": _counted(e.code for e in report.ended),
        "alerts": [{**plain(a), "at": _time(a.ns)} for a in report.alerts],
        "ambiguous_bars": report.ambiguous_bars,
        "other_order_of_events": None if report.other is None else plain(report.other),
        "optimistic": list(report.optimistic),
        "limits": report.limits,
        "close_at_end": report.closing,
        "provenance": dict(report.provenance),
    }


def positions(report: Report) -> list[dict[str, Any]]:
    """What is still held at the end."""
    held = [p for p in report.portfolio.positions.values() if p.quantity]
    return [
        {"strategy": p.strategy, "symbol": p.symbol, "quantity": str(p.quantity), "average": f"{p.average:.12g}"}
        for p in held
    ]


def table(report: Report, name: str) -> tuple[list[str], list[list[Any]]]:
    """The columns and rows of one table; times are ISO 8601 in UTC and exact numbers are text."""
    if name == "equity":
        fall = underwater(report.equity).tolist()
        rows = zip(report.times.tolist(), report.equity.tolist(), fall, strict=True)
        return ["time", "equity", "drawdown"], [[_time(ns), value, below] for ns, value, below in rows]
    if name == "refusals":
        columns = ["time", "strategy", "symbol", "side", "quantity", "code", "reason"]
        return columns, [
            [
                _time(r.order.ns),
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


def save(report: Report, folder: str, *, kinds: Sequence[str]) -> list[str]:
    """Write report.json and one file for each table and form."""
    unknown = set(kinds) - {"json", "csv", "parquet"}
    if unknown:
        raise UsageError(f"a report is not written as {', '.join(sorted(unknown))}", hint="json, csv or parquet")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    if "json" in kinds:
        (place / "report.json").write_text(json.dumps(document(report), indent=2, allow_nan=False) + "\n", "utf-8")
        written.append("report.json")
    for kind in ("csv", "parquet"):
        if kind in kinds:
            written += [_write(report, name, place, kind) for name in TABLES]
    return written


def equity_frame(report: Report) -> pd.DataFrame:
    """Equity and drawdown by time."""
    import pandas as pd

    index = pd.DatetimeIndex(report.times.astype("datetime64[ns]"), tz="UTC", name="time")
    return pd.DataFrame({"equity": report.equity, "drawdown": underwater(report.equity)}, index=index)


def rows_frame(records: Sequence[Any]) -> pd.DataFrame:
    """Records, one a row; exact numbers become floats."""
    import pandas as pd

    columns, rows = _record_table(records, numbers=True)
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _write(report: Report, name: str, place: Path, kind: str) -> str:
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
        return time_of(value) if numbers else _time(value)
    if numbers and type(value).__name__ == "Decimal":
        return float(value)
    if name == "terms":
        return ", ".join(f"{k}={v}" for k, v in plain(value).items() if v not in (None, False))
    return plain(value)


def _time(ns: int) -> str:
    return time_of(int(ns)).isoformat()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _clean(part: dict[str, float]) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in part.items()}


def _counted(codes: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for code in codes:
        counts[code] = counts.get(code, 0) + 1
    return counts
