"""From the desk's report to the named outputs of a step, which the journal can keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core import metrics
from gpt_trader.core.frames import times_of
from gpt_trader.core.market import time_of
from gpt_trader.core.orders import BUY
from gpt_trader.trading.names import name_of
from gpt_trader.trading.tables import finite

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.orders import Fill, RoundTrip
    from gpt_trader.trading.params import SessionParams
    from gpt_trader.trading.report import Report

    Floats = NDArray[np.float64]

DETAILS = (
    "costs", "per_symbol", "drawdown", "orders", "ended", "alerts", "ambiguous_bars", "other_order_of_events",
    "optimistic", "limits", "close_at_end", "currency",
)  # fmt: skip
ONES: Mapping[str, float] = MappingProxyType({})
"""Lots of one, as long as nobody says otherwise."""
HAIR = 1e-12
NUMBERS = ("quantity", "entry_price", "exit_price", "profit", "fees")


def outputs_of(
    asked: SessionParams, report: Report, baseline: Report | None, *, bars: Sequence[Bars], period: Mapping[str, Any]
) -> dict[str, Any]:
    """Every output of a session by its name; `period` says in words what kind of result it is."""
    told = report.to_dict()
    figures: dict[str, float | None] = told["metrics"] | _against(report, baseline)
    return {
        "final_equity": float(report.final_equity),
        "total_return": float(figures["total_return"] or 0.0),
        "sharpe": figures["sharpe"],
        "max_drawdown": float(figures["max_drawdown"] or 0.0),
        "trade_count": len(report.trades),
        "score": figures["sharpe"] or 0.0,
        "metrics": figures,
        "baseline_metrics": {} if baseline is None else _baseline_metrics(asked, baseline),
        "period": _period(period, told),
        "trades": trades_frame(report),
        "equity": equity_frame(report, baseline, bars, asked.actions, lots=_lots(asked)),
        "positions": positions_of(report),
        "refusals": refusals_of(report),
        "details": {name: told[name] for name in DETAILS},
        "provenance": told["provenance"] | {"sizes": asked.sizes},
    }


def equity_frame(
    report: Report,
    baseline: Report | None,
    bars: Sequence[Bars],
    actions: Sequence[Mapping[str, Any]] = (),
    *,
    lots: Mapping[str, float] = ONES,
) -> pd.DataFrame:
    """Equity, drawdown and exposure by time, with the baseline's equity beside them."""
    frame = report.equity_frame().reset_index()
    frame["exposure"], frame["net_exposure"] = exposures(report, bars, actions, lots=lots)
    if baseline is not None:
        frame["baseline"] = baseline.equity
    return frame


def exposures(
    report: Report,
    bars: Sequence[Bars],
    actions: Sequence[Mapping[str, Any]] = (),
    *,
    lots: Mapping[str, float] = ONES,
) -> tuple[Floats, Floats]:
    """At each time what is held as a part of the equity: long and short added, and short taken from long."""
    gross, net = np.zeros(len(report.times)), np.zeros(len(report.times))
    portfolio = report.portfolio
    units = {p.symbol: float(p.multiplier * portfolio.rate(p.currency)) for p in portfolio.positions.values()}
    fills = _by_owner(report.fills)
    shortest = min(b.span for b in bars)
    for b in bars:
        if b.symbol in units:
            closes = _closes(b, report.times, shortest)
            raw = b.provenance.prices == "raw"
            splits = [a for a in actions if raw and a["kind"] == "split" and a["symbol"] == b.symbol]
            own, lot = fills.get(b.symbol, {}).values(), lots.get(b.symbol, 1.0)
            held = sum((_held(some, splits, report.times, lot) for some in own), start=np.zeros(len(report.times)))
            value = held * closes * units[b.symbol]
            gross, net = gross + np.abs(value), net + value
    worth = np.where(report.equity > 0, report.equity, np.nan)
    return gross / worth, net / worth


def _lots(asked: SessionParams) -> dict[str, float]:
    return {symbol: float(size.get("lot", 1.0)) for symbol, size in asked.sizes.items()}


def _by_owner(fills: Sequence[Fill]) -> dict[str, dict[str, list[Fill]]]:
    """The fills by symbol and strategy: each strategy's position is split by itself."""
    found: dict[str, dict[str, list[Fill]]] = {}
    for fill in fills:
        found.setdefault(fill.symbol, {}).setdefault(fill.strategy, []).append(fill)
    return found


def _held(fills: Sequence[Fill], splits: Sequence[Mapping[str, Any]], times: NDArray[np.int64], lot: float) -> Floats:
    """The units of a position after each walk; a split changes them before the first bar that begins with it.

    What a split leaves of less than a lot is paid out in cash, and held no more.
    """
    changes = np.zeros(len(times) + 1)
    at = np.searchsorted(times, np.array([fill.ns for fill in fills], dtype=np.int64))
    np.add.at(changes, at, [float(fill.quantity if fill.side is BUY else -fill.quantity) for fill in fills])
    held: Floats = np.cumsum(changes[:-1])
    for split in sorted(splits, key=lambda row: int(row["ns"])):
        first = int(np.searchsorted(times, split["ns"]))
        if 0 < first < len(held):
            before = float(held[first - 1])
            after = before * split["new"] / split["old"]
            held[first:] += float(np.trunc(after / lot * (1.0 + HAIR))) * lot - before
    return held


def _closes(one: Bars, times: NDArray[np.int64], shortest: int) -> Floats:
    """The last close that was known at each time; times are told as those of the shortest bars."""
    known = one.ts if one.span == shortest else one.ends - shortest
    at = np.searchsorted(known, times, side="right") - 1
    closes = np.where(at >= 0, one.close[np.maximum(at, 0)], 0.0)
    return np.where(np.isfinite(closes), closes, 0.0)


def _against(report: Report, baseline: Report | None) -> dict[str, float | None]:
    """Alpha and beta against the baseline, where there is one."""
    if baseline is None or len(report.equity) < 3:
        return {}
    ours, theirs = metrics.returns_of(report.equity), metrics.returns_of(baseline.equity)
    known = np.isfinite(ours) & np.isfinite(theirs)
    year = {"periods": metrics.observed_periods(report.times), "risk_free": report.risk_free}
    found = {name: getattr(metrics, name)(ours[known], theirs[known], **year) for name in ("alpha", "beta")}
    return {name: finite(value) for name, value in found.items()}


def trades_frame(report: Report) -> pd.DataFrame:
    """Closed trades of a report, one a row."""
    return trips_frame(report.trades)


def trips_frame(trips: Sequence[RoundTrip]) -> pd.DataFrame:
    """Closed trades, one a row; the columns are there even when no trade is."""
    import pandas as pd

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


def refusals_of(*reports: Report) -> list[dict[str, Any]]:
    """Entries that the guard refused, or that the market did not fill, by code and symbol: how many, and why."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    refused = [(r.code, r.order, r.reason) for report in reports for r in report.refusals]
    unfilled = [(e.code, e.order, "it ended before it was filled whole") for report in reports for e in report.ended]
    for code, order, reason in refused + [u for u in unfilled if not u[1].terms.reduce_only]:
        row = found.setdefault(
            (code, order.symbol), {"code": code, "symbol": order.symbol, "count": 0, "reason": reason}
        )
        row["count"] += 1
    return list(found.values())


def _baseline_metrics(asked: SessionParams, baseline: Report) -> dict[str, Any]:
    return {"name": asked.baseline, "final_equity": float(baseline.final_equity), **baseline.to_dict()["metrics"]}


def _period(period: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    span = f"{told['from'][:10]} to {told['to'][:10]}"
    found = {"from": told["from"], "to": told["to"], "bars": told["bars"], **period}
    return found | {"words": f"{span}, {period['words']}"}


def _names(strategy: str) -> dict[str, str]:
    return {"strategy": name_of(strategy)}
