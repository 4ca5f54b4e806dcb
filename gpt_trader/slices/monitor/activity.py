"""The sections on how a result came about: what was at work in the market, how steadily it paid, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.frames import ns_of
from gpt_trader.core.metrics import observed_periods, returns_of, rolling_sharpe
from gpt_trader.slices.monitor.charts import Line, chart
from gpt_trader.slices.monitor.markup import Markup, table, tag
from gpt_trader.slices.monitor.words import COUNT, MONEY, NUMBER, PERCENT, number_of, written

if TYPE_CHECKING:
    from gpt_trader.slices.monitor.params import ReportParams

LEAST, FEWEST = 20, 40
"""No window is shorter than the first; a curve with fewer returns than the second has no rolling figure."""


def exposure_section(params: ReportParams) -> Iterator[Markup]:
    """What was held as a part of the equity."""
    frame = params.equity
    if "exposure" not in frame:
        return
    ts, gross = ns_of(frame["time"]), frame["exposure"].to_numpy()
    net = frame["net_exposure"].to_numpy() if "net_exposure" in frame else gross
    lines, legend = [Line("fill", ts, gross)], []
    if not np.allclose(net, gross, atol=1e-9, equal_nan=True):
        lines.append(Line("base", ts, net))
        legend = [tag("span", "long and short together", class_="key main"), tag("span", "net", class_="key base")]
    mean = float(np.nanmean(gross)) if np.isfinite(gross).any() else float("nan")
    yield tag("h2", "Exposure")
    yield tag("p", *legend, tag("span", f"{written(mean, PERCENT)} of the equity on average"), class_="legend")
    yield chart(lines, lambda v: f"{v:.0%}", height=150, name="Exposure")


def steadiness_section(params: ReportParams) -> Iterator[Markup]:
    """The Sharpe ratio of the trailing half year, beside the baseline's."""
    frame = params.equity
    ts = ns_of(frame["time"])
    periods = observed_periods(ts)
    if len(ts) <= FEWEST or not np.isfinite(periods):
        return
    window = int(min(max(LEAST, round(periods / 2)), len(ts) // 2))
    lines = [Line("main", ts[1:], _rolling(params, "equity", window, periods))]
    legend = [tag("span", "this result", class_="key main")]
    if "baseline" in frame:
        lines.insert(0, Line("base", ts[1:], _rolling(params, "baseline", window, periods)))
        legend.append(tag("span", params.baseline_metrics.get("name", "baseline"), class_="key base"))
    if not any(np.isfinite(line.values).any() for line in lines):
        return
    yield tag("h2", "Rolling Sharpe ratio")
    yield tag("p", *legend, tag("span", f"of the last {window} bars, annualised"), class_="legend")
    yield chart(lines, lambda v: f"{v:g}", height=170, name="Rolling Sharpe ratio")


def _rolling(params: ReportParams, column: str, window: int, periods: float) -> Any:
    return rolling_sharpe(returns_of(params.equity[column].to_numpy()), window, periods=periods)


def cost_section(params: ReportParams) -> Iterator[Markup]:
    """What was paid, against the money at the start and the profit before costs; and what each symbol brought."""
    costs = {name: number_of(value) or 0.0 for name, value in params.details.get("costs", {}).items()}
    if costs:
        start, end = (float(params.equity["equity"].iloc[i]) for i in (0, -1))
        total = sum(costs.values())
        yield tag("h2", "Costs")
        rows = [_cost(name, amount, start, end - start + total) for name, amount in costs.items()]
        rows.append(_cost("together", total, start, end - start + total))
        heads = ["Cost", "Paid", "Of the money at the start", "Of the profit before costs"]
        yield table(heads, rows, numbers=(1, 2, 3))
    yield from _symbols(params.details.get("per_symbol", {}))


def _cost(name: str, amount: float, start: float, earned: float) -> list[str]:
    of_profit = amount / earned if earned > 0 else None
    return [name, written(amount, MONEY), written(amount / start, PERCENT), written(of_profit, PERCENT)]


def _symbols(parts: Mapping[str, Mapping[str, Any]]) -> Iterator[Markup]:
    if not parts:
        return
    kinds = {"trades": COUNT, "win_rate": PERCENT, "profit_factor": NUMBER, "fees": MONEY, "net": MONEY}
    rows = [
        [symbol, *(written(number_of(part.get(name)), kind) for name, kind in kinds.items())]
        for symbol, part in parts.items()
    ]
    yield tag("h2", "By symbol")
    heads = ["Symbol", "Closed trades", "Winning trades", "Profit factor", "Fees", "Realised, after costs"]
    yield table(heads, rows, numbers=(1, 2, 3, 4, 5))


def ambiguity_section(params: ReportParams) -> Iterator[Markup]:
    """The result under both orders of events, where bars could have gone two ways."""
    details = params.details
    if "ambiguous_bars" not in details:
        return
    yield tag("h2", "Ambiguous bars")
    count = details["ambiguous_bars"]
    if not count:
        yield tag("p", "None: no bar could have hit a stop and a target both.", class_="note")
        return
    other = details.get("other_order_of_events") or {}
    theirs = str(other.get("events", "favourable"))
    ours = "adverse" if theirs == "favourable" else "favourable"
    yield tag("p", f"In {count} bars both a stop and a target lay within reach; no bar says which came first.")
    last = float(params.equity["equity"].iloc[-1])
    rows = [
        [f"the {ours} one first (this result)", *_ending(last, params.metrics.get("total_return"), len(params.trades))],
        [f"the {theirs} one first", *_ending(*(other.get(n) for n in ("final_equity", "total_return", "trades")))],
    ]
    yield table(["Order of events", "Final equity", "Return", "Closed trades"], rows, numbers=(1, 2, 3))


def _ending(equity: Any, total: Any, trades: Any) -> list[str]:
    kinds = (equity, MONEY), (total, PERCENT), (trades, COUNT)
    return [written(number_of(value), kind) for value, kind in kinds]


def alert_section(params: ReportParams) -> Iterator[Markup]:
    """What the guard and the thresholds had to say, and the limits that were in force."""
    told = [*params.details.get("alerts", []), *params.alerts]
    if told:
        rows = [[a["severity"], str(a.get("at") or a.get("time") or "")[:19], a["message"]] for a in told]
        yield tag("h2", "Alerts")
        yield table(["Severity", "Time", "What"], rows)
