"""The sentences that a careful reader must not miss: what the result, its orders and its data cannot be trusted in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.frames import bars_of
from gpt_trader.core.market import DAY, time_of
from gpt_trader.slices.monitor.words import MONEY, number_of, result_of, written

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.monitor.params import ReportParams

SILENT = 10 * DAY
"""A symbol whose last bar is so much older than another's has stopped trading."""


def summary_of(params: ReportParams) -> list[str]:
    """What came out, and what to be careful about."""
    return [*result_of(params), *cautions_of(params)]


def cautions_of(params: ReportParams) -> list[str]:
    """Ambiguous bars, generous rules, nothing traded, refusals, alerts, and doubtful data."""
    details, lines = params.details, []
    if details.get("ambiguous_bars"):
        other = details.get("other_order_of_events") or {}
        ends = f"the {other.get('events', 'other')} way ends at {written(number_of(other.get('final_equity')), MONEY)}"
        lines.append(f"{details['ambiguous_bars']} bars could have gone two ways; {ends}.")
    lines += [f"Optimistic by choice: {rule}." for rule in details.get("optimistic", [])]
    if details and not details.get("orders", 1):
        lines.append("Nothing was traded: give more bars, or other params.")
    count = sum(row["count"] for row in params.refusals)
    if count:
        lines.append(f"{count} {'order was' if count == 1 else 'orders were'} refused or not filled; see below.")
    return [*lines, *_alerts(params), *_data(params)]


def _alerts(params: ReportParams) -> Iterator[str]:
    """Each kind of alert by its first one: a limit of a day may have acted on many days."""
    kinds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for alert in (*params.details.get("alerts", []), *params.alerts):
        kinds.setdefault((alert.get("strategy", ""), alert.get("code") or alert["message"]), []).append(alert)
    for first, *more in kinds.values():
        yield f"{first['severity']}: {first['message']}{f'; {len(more):,} times more' if more else ''}."


def _data(params: ReportParams) -> Iterator[str]:
    for symbol, report in params.quarantine.items():
        count = report.get("kept_out")
        if count:
            reasons = ", ".join(report.get("reasons", {})) or "see below"
            yield f"{symbol}: {count:,} {'row was' if count == 1 else 'rows were'} kept out of the data ({reasons})."
    if params.bars is not None:
        yield from _prices(bars_of(params.bars))
    synthetic = [d["symbol"] for d in params.provenance.get("data", []) if d.get("origin") == "synthetic"]
    if synthetic:
        yield f"The prices of {', '.join(synthetic)} are made up, not traded."


def _prices(every: Sequence[Bars]) -> Iterator[str]:
    """Prices that never move, and symbols that stopped trading before the others; each is looked at once."""
    last: dict[str, int] = {}
    for bars in every:
        last[bars.symbol] = int(bars.ts[-1])
        known = bars.close[np.isfinite(bars.close)]
        if len(known) > 1 and np.ptp(known) == 0.0:
            yield f"The price of {bars.symbol} never moves."
    newest = max(last.values(), default=0)
    for symbol, ns in last.items():
        if newest - ns > SILENT:
            yield f"{symbol} has no bars after {time_of(ns):%Y-%m-%d}: what was held of it keeps its last price."
