"""The report as one HTML file: no network, no library, readable in light and in dark, on paper and on a phone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.drawdowns import monthly_table
from gpt_trader.core.frames import ns_of
from gpt_trader.slices.monitor.activity import (
    alert_section,
    ambiguity_section,
    cost_section,
    exposure_section,
    steadiness_section,
)
from gpt_trader.slices.monitor.charts import Line, chart
from gpt_trader.slices.monitor.given import given_sections
from gpt_trader.slices.monitor.looks import SCRIPT, STYLE
from gpt_trader.slices.monitor.markup import Markup, joined, table, tag
from gpt_trader.slices.monitor.sections import (
    choice_section,
    data_section,
    origin_section,
    picture_section,
    price_sections,
    refusal_section,
    size_section,
    trade_section,
)
from gpt_trader.slices.monitor.words import COUNT, FIGURES, MONEY, MONTHS, NUMBER, PERCENT, written

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.slices.monitor.params import ReportParams

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def page_of(params: ReportParams, summary: list[str]) -> str:
    """The whole file."""
    head = joined(
        (
            Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            tag("title", params.title),
            tag("style", Markup(STYLE)),
        )
    )
    body = tag("body", tag("main", *_sections(params, summary)), tag("script", Markup(SCRIPT)))
    return f'<!doctype html><html lang="en"><head>{head}</head>{body}</html>\n'


def _sections(params: ReportParams, summary: list[str]) -> Iterator[Markup]:
    yield tag("h1", params.title)
    yield tag("p", summary[0], class_="lead")
    yield tag("ul", *(tag("li", line) for line in summary[1:]))
    yield _cards(params)
    yield from _curves(params)
    yield _months(params)
    yield from exposure_section(params)
    yield from steadiness_section(params)
    yield from given_sections(params.sections)
    yield from price_sections(params)
    yield from choice_section(params)
    yield from trade_section(params)
    yield _figures(params)
    yield from picture_section(params)
    yield from size_section(params)
    yield from cost_section(params)
    yield from ambiguity_section(params)
    yield from refusal_section(params)
    yield from alert_section(params)
    yield from data_section(params)
    yield from origin_section(params)


def _cards(params: ReportParams) -> Markup:
    theirs = params.baseline_metrics
    final = float(params.equity["equity"].iloc[-1])
    shown = (
        ("Final equity", written(final, MONEY), written(_their_final(params), MONEY)),
        *(
            (label, written(params.metrics.get(name), kind), written(theirs.get(name), kind))
            for name, label, kind in (
                ("total_return", "Return", PERCENT),
                ("sharpe", "Sharpe", NUMBER),
                ("max_drawdown", "Max. drawdown", PERCENT),
                ("trades", "Closed trades", COUNT),
            )
        ),
    )
    beside = f"{theirs.get('name', 'baseline')} " if theirs else ""
    cards = (
        tag(
            "div",
            tag("span", label, class_="label"),
            tag("b", ours),
            tag("span", beside + other, class_="other") if theirs else "",
            class_="card",
        )
        for label, ours, other in shown
    )
    return tag("div", *cards, class_="cards")


def _their_final(params: ReportParams) -> float | None:
    """What the baseline ended with: as it says itself, else by its curve."""
    named = params.baseline_metrics.get("final_equity")
    if named is None and "baseline" in params.equity:
        return float(params.equity["baseline"].iloc[-1])
    return None if named is None else float(named)


def _curves(params: ReportParams) -> Iterator[Markup]:
    frame = params.equity
    ts, equity = ns_of(frame["time"]), frame["equity"].to_numpy()
    lines = [Line("main", ts, equity)]
    legend = [tag("span", "this result", class_="key main")]
    if "baseline" in frame:
        lines.insert(0, Line("base", ts, frame["baseline"].to_numpy()))
        legend.append(tag("span", params.baseline_metrics.get("name", "baseline"), class_="key base"))
    yield tag("h2", "Equity")
    yield tag("p", *legend, tag("output", "", id="readout"), class_="legend")
    yield tag("div", chart(lines, lambda v: f"{v:,.0f}", height=320, name="Equity"), _embedded(frame, ts), id="equity")
    yield tag("h2", "Drawdown")
    below = frame["drawdown"].to_numpy()
    yield chart([Line("area", ts, below)], lambda v: f"{v:.0%}", height=170, name="Drawdown")


def _embedded(frame: pd.DataFrame, ts: NDArray[np.int64]) -> Markup:
    """The numbers that the crosshair reads out; at most a thousand, so that the file stays small."""
    rows = np.unique(np.linspace(0, len(ts) - 1, min(len(ts), 1_000)).astype(np.int64))
    told: dict[str, Any] = {"t": (ts[rows] // 1_000_000).tolist()}
    for name in ("equity", "baseline", "drawdown"):
        if name in frame:
            values = frame[name].to_numpy()[rows].tolist()
            told[name] = [None if math.isnan(v) else round(v, 4) for v in values]
    text = json.dumps(told, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return tag("script", Markup(text), type="application/json")


def _figures(params: ReportParams) -> Markup:
    theirs = params.baseline_metrics
    rows = [
        [label, written(params.metrics.get(name), kind), written(theirs.get(name), kind), convention]
        for name, label, kind, convention in FIGURES
        if name in params.metrics
    ]
    heads = ["Figure", "Result", str(theirs.get("name", "Baseline")), "Convention"]
    return joined((tag("h2", "Figures"), table(heads, rows, numbers=(1, 2))))


def _months(params: ReportParams) -> Markup:
    frame = params.equity
    rows = monthly_table(frame["equity"].to_numpy(), ns_of(frame["time"]))
    heads = tag("tr", tag("th", "Year"), *(tag("th", m, class_="n") for m in (*MONTHS, "Year")))
    body = (
        tag("tr", tag("td", row.year), *map(_heat, row.months), tag("td", tag("b", f"{row.total:.1%}"), class_="n"))
        for row in rows
    )
    inside = tag("table", tag("thead", heads), tag("tbody", *body), class_="months")
    return joined((tag("h2", "Returns by month"), tag("div", inside, class_="scroll")))


def _heat(value: float) -> Markup:
    if math.isnan(value):
        return tag("td", "", class_="n")
    strength = min(abs(value) / 0.1, 1.0) * 0.55
    colour = "var(--up-rgb)" if value >= 0 else "var(--down-rgb)"
    text = f"{value:.1%}"
    return tag("td", "0.0%" if text == "-0.0%" else text, class_="n", style=f"background:rgba({colour},{strength:.2f})")
