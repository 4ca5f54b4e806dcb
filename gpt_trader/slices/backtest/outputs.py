"""From the desk's report to named outputs that the journal can keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.frames import times_of
from gpt_trader.core.market import time_of

if TYPE_CHECKING:
    import pandas as pd

    from gpt_trader.slices.backtest.params import BacktestParams
    from gpt_trader.trading.report import Report

DETAILS = (
    "costs", "per_symbol", "drawdown", "orders", "ended", "alerts", "ambiguous_bars", "other_order_of_events",
    "optimistic", "limits", "close_at_end", "currency",
)  # fmt: skip
NUMBERS = ("quantity", "entry_price", "exit_price", "profit", "fees")


def outputs_of(params: BacktestParams, report: Report, baseline: Report | None) -> dict[str, Any]:
    """Every output of a backtest by its name."""
    told = report.to_dict()
    figures: Mapping[str, float | None] = told["metrics"]
    return {
        "final_equity": float(report.final_equity),
        "total_return": float(figures["total_return"] or 0.0),
        "sharpe": figures["sharpe"],
        "max_drawdown": float(figures["max_drawdown"] or 0.0),
        "trade_count": len(report.trades),
        "score": figures["sharpe"] or 0.0,
        "metrics": dict(figures),
        "baseline_metrics": {} if baseline is None else _baseline_metrics(params, baseline),
        "period": _period(params, told),
        "trades": trades_frame(report),
        "equity": equity_frame(report, baseline),
        "positions": positions_of(report),
        "refusals": refusals_of(report),
        "details": {name: told[name] for name in DETAILS},
        "provenance": told["provenance"] | {"sizes": params.sizes},
    }


def equity_frame(report: Report, baseline: Report | None) -> pd.DataFrame:
    """Equity and drawdown by time, with the baseline's equity beside them."""
    frame = report.equity_frame().reset_index()
    if baseline is not None:
        frame["baseline"] = baseline.equity
    return frame


def trades_frame(report: Report) -> pd.DataFrame:
    """Closed trades, one a row; the columns are there even when no trade is."""
    import pandas as pd

    trips = report.trades
    columns: dict[str, Any] = {
        "strategy": [_names(t.strategy)["strategy"] for t in trips],
        "symbol": [t.symbol for t in trips],
        "side": ["long" if t.side == "buy" else "short" for t in trips],
        "entry_time": times_of(np.array([t.entry_ns for t in trips], dtype=np.int64)),
        "exit_time": times_of(np.array([t.exit_ns for t in trips], dtype=np.int64)),
        **{name: np.array([float(getattr(t, name)) for t in trips], dtype=np.float64) for name in NUMBERS},
        "gain": np.array([t.gain for t in trips], dtype=np.float64),
    }
    return pd.DataFrame(columns)


def positions_of(report: Report) -> list[dict[str, Any]]:
    """What is still held at the end, since when, and what a unit of it cost."""
    return [
        {
            **_names(p.strategy),
            "symbol": p.symbol,
            "quantity": float(p.quantity),
            "average": float(p.average),
            "since": time_of(p.opened_ns).isoformat(),
        }
        for p in report.portfolio.positions.values()
        if p.quantity
    ]


def refusals_of(report: Report) -> list[dict[str, Any]]:
    """Entries that the guard refused, or that the market did not fill, by code and symbol: how many, and why."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    refused = [(r.code, r.order, r.reason) for r in report.refusals]
    unfilled = [(e.code, e.order, "it ended before it was filled whole") for e in report.ended]
    for code, order, reason in refused + [u for u in unfilled if not u[1].terms.reduce_only]:
        row = found.setdefault(
            (code, order.symbol), {"code": code, "symbol": order.symbol, "count": 0, "reason": reason}
        )
        row["count"] += 1
    return list(found.values())


def _baseline_metrics(params: BacktestParams, baseline: Report) -> dict[str, Any]:
    return {"name": params.baseline, "final_equity": float(baseline.final_equity), **baseline.to_dict()["metrics"]}


def _period(params: BacktestParams, told: Mapping[str, Any]) -> dict[str, Any]:
    span = f"{told['from'][:10]} to {told['to'][:10]}"
    chosen = bool(params.decided_at) and not params.strategy
    words = (
        "out of sample: the strategies were chosen once, on earlier bars alone"
        if chosen
        else "in sample: nothing was held back"
    )
    return {
        "from": told["from"],
        "to": told["to"],
        "bars": told["bars"],
        "out_of_sample": chosen,
        "words": f"{span}, {words}",
    }


def _names(name: str) -> dict[str, str]:
    return {"strategy": name.rpartition(":")[0] or name}
