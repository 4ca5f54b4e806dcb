"""The report as one JSON document, for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.drawdowns import drawdowns, monthly_table
from gpt_trader.core.frames import ns_of
from gpt_trader.core.market import time_of

if TYPE_CHECKING:
    import pandas as pd

    from gpt_trader.slices.monitor.params import ReportParams

VERSION = 1
POINTS = 5_000
TRADES = 5_000
DRAWDOWNS = 10
KEPT = (
    "title", "metrics", "baseline_metrics", "period", "details", "selection", "selection_method", "regime", "sizes",
    "positions", "refusals", "quarantine", "alerts", "sections", "provenance",
)  # fmt: skip


def document_of(params: ReportParams, summary: list[str]) -> bytes:
    """All that the page shows: figures, curves of at most 5,000 points, trades, months, drawdowns, provenance."""
    from pydantic_core import to_json

    given = {name: getattr(params, name) for name in KEPT}
    told = {"version": VERSION, "summary": summary, **given, **_tables(params)}
    return to_json(told, indent=1, inf_nan_mode="null") + b"\n"


def _tables(params: ReportParams) -> dict[str, Any]:
    ts, equity = ns_of(params.equity["time"]), params.equity["equity"].to_numpy()
    months = [{"year": row.year, "months": list(row.months), "total": row.total} for row in monthly_table(equity, ts)]
    worst = sorted(drawdowns(equity, ts), key=lambda d: d.depth)[:DRAWDOWNS]
    return {
        "months": months,
        "drawdowns": [
            {
                "depth": d.depth,
                "peak": _moment(d.peak_at),
                "trough": _moment(d.trough_at),
                "recovered": None if d.recovered_at is None else _moment(d.recovered_at),
            }
            for d in worst
        ],
        "equity": _columns(_spread(params.equity)),
        "equity_points": len(params.equity),
        "trades": _rows(params.trades.head(TRADES)),
        "trade_count": len(params.trades),
    }


def _spread(frame: pd.DataFrame) -> pd.DataFrame:
    rows = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), POINTS)).astype(np.int64))
    return frame.iloc[rows]


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {str(name): frame[name].tolist() for name in frame.columns if name != "time"}
    seconds = ns_of(frame["time"]).astype("datetime64[ns]")
    return {"time": [f"{text}+00:00" for text in np.datetime_as_string(seconds, unit="s").tolist()], **told}


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _moment(ns: int) -> str:
    return time_of(ns).isoformat()
