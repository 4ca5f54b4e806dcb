"""The sections of a report that stand only where an earlier step had something to say."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.frames import bars_of, ns_of
from gpt_trader.core.market import moment_of, nanoseconds
from gpt_trader.slices.monitor.charts import Line, Mark, chart
from gpt_trader.slices.monitor.markup import Markup, table, tag
from gpt_trader.slices.monitor.words import MONEY, NUMBER, PERCENT, written

if TYPE_CHECKING:
    import pandas as pd

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.monitor.params import ReportParams

SHOWN = 500
"""So many trades are in the file; it says so where there are more."""
CHARTS = 12
LONG = 20
"""A list with more rows than this is scrolled, so that what stands below it is found."""


def price_sections(params: ReportParams) -> Iterator[Markup]:
    """For each symbol its closes from the decision to the end of the account, with the trades on them."""
    if params.bars is None:
        return
    every, drawn = bars_of(params.bars), 0
    start = moment_of(params.decided_at) if params.decided_at else None
    end = int(ns_of(params.equity["time"])[-1]) + 1
    for at in range(len(every)):
        if drawn == CHARTS:
            yield tag("p", f"{len(every) - at} more symbols are not drawn.", class_="note")
            return
        bars = every[at].between(start, end)
        if len(bars) > 1:
            yield from _price(params, bars)
            drawn += 1


def _price(params: ReportParams, bars: Bars) -> Iterator[Markup]:
    trades = params.trades[params.trades["symbol"] == bars.symbol]
    marks = [*_marks(trades), *_open_marks(params, bars)]
    line = Line("price", bars.ts, bars.close)
    yield tag("h2", f"{bars.symbol}: price and trades")
    yield chart([line], lambda v: f"{v:,.5g}", height=230, name=bars.symbol, marks=marks)


def _marks(trades: pd.DataFrame) -> Iterator[Mark]:
    for trade in trades.to_dict("records"):
        told = f"{trade['side']} {trade['quantity']:,.6g}"
        for style, moment in (("entry", "entry_time"), ("exit", "exit_time")):
            price = trade[f"{style}_price"]
            words = f"{style} {trade[moment]:%Y-%m-%d} at {price:,.5g}, {told}"
            yield Mark(style, nanoseconds(trade[moment].to_pydatetime()), price, words)


def _open_marks(params: ReportParams, bars: Bars) -> Iterator[Mark]:
    """Where what is still held was begun: at the price of that time, for the average may come from later buys."""
    for held in params.positions:
        if held["symbol"] == bars.symbol and "since" in held:
            since = nanoseconds(datetime.fromisoformat(held["since"]))
            price = float(bars.close[min(int(np.searchsorted(bars.ts, since)), len(bars) - 1)])
            cost = f"{held['quantity']:,.6g} still held at {held['average']:,.5g} on average"
            words = f"entry {held['since'][:10]}, {cost}"
            yield Mark("entry", since, price if math.isfinite(price) else held["average"], words)


def choice_section(params: ReportParams) -> Iterator[Markup]:
    """Which strategy was chosen for each symbol."""
    if not params.selection:
        return
    yield tag("h2", "Choice of strategies")
    rows = [
        [
            symbol,
            chosen.get("strategy", ""),
            _params(chosen.get("params") or {}),
            chosen.get("regime", ""),
            written(chosen.get("confidence"), PERCENT),
            "yes" if chosen.get("beats_baseline") else "no",
        ]
        for symbol, chosen in params.selection.items()
    ]
    yield table(
        ["Symbol", "Strategy", "Params", "Regime at decision", "Confidence", "Beat baseline"], rows, numbers=(4,)
    )
    yield tag("p", f"Method: {params.selection_method}." if params.selection_method else "", class_="note")


def trade_section(params: ReportParams) -> Iterator[Markup]:
    """The closed trades and what is still held."""
    trades = params.trades
    yield tag("h2", f"Closed trades ({len(trades)})")
    heads = ["Symbol", "Strategy", "Side", "Quantity", "Entry", "Price", "Exit", "Price", "Profit", "Gain", "Fees"]
    rows = [_trade(t) for t in trades.head(SHOWN).to_dict("records")]
    listed = table(heads, rows, numbers=(3, 5, 7, 8, 9, 10), tall=len(rows) > LONG)
    yield listed if rows else tag("p", "None.", class_="note")
    if len(trades) > SHOWN:
        yield tag("p", f"The first {SHOWN} of {len(trades)} are shown; the run keeps them all.", class_="note")
    if params.positions:
        yield tag("h2", "Still held at the end")
        held = [
            [
                p["symbol"],
                p["strategy"],
                str(p.get("since", ""))[:10],
                f"{p['quantity']:,.6g}",
                written(p["average"], MONEY),
            ]
            for p in params.positions
        ]
        yield table(["Symbol", "Strategy", "Since", "Quantity", "Average price"], held, numbers=(3, 4))


def _trade(t: Mapping[Any, Any]) -> list[Any]:
    profit = tag("span", written(t["profit"], MONEY), class_="up" if t["profit"] >= 0 else "down")
    return [
        t["symbol"],
        t["strategy"],
        t["side"],
        f"{t['quantity']:,.6g}",
        f"{t['entry_time']:%Y-%m-%d}",
        f"{t['entry_price']:,.5g}",
        f"{t['exit_time']:%Y-%m-%d}",
        f"{t['exit_price']:,.5g}",
        profit,
        written(t["gain"], PERCENT),
        written(t["fees"], MONEY),
    ]


def picture_section(params: ReportParams) -> Iterator[Markup]:
    """The chart's picture and the regime at the last bar."""
    if not params.patterns and not params.regime:
        return
    yield tag("h2", "At the last bar")
    rows = []
    for symbol in dict.fromkeys((*params.patterns, *params.regime)):
        seen, state = params.patterns.get(symbol, {}), params.regime.get(symbol, {})
        last = [c["name"].replace("_", " ") for c in seen.get("candles", [])[-2:]]
        rows.append(
            [
                symbol,
                state.get("label", ""),
                state.get("volatility", ""),
                written(state.get("confidence"), PERCENT),
                seen.get("trend", ""),
                _levels(seen.get("support", [])),
                _levels(seen.get("resistance", [])),
                ", ".join(last),
            ]
        )
    heads = ["Symbol", "Regime", "Volatility", "Confidence", "Highs and lows", "Support", "Resistance", "Last candles"]
    yield table(heads, rows, numbers=(3,))


def size_section(params: ReportParams) -> Iterator[Markup]:
    """How much was to be traded."""
    if not params.sizes:
        return
    yield tag("h2", "Position sizes at the decision")
    rows = [
        [
            symbol,
            size.get("rule", ""),
            written(size.get("price"), MONEY),
            "–" if size.get("units") is None else f"{size['units']:,.6g}",
            written(size.get("value"), MONEY),
            written(size.get("stop"), MONEY),
            written(size.get("at_risk"), MONEY),
        ]
        for symbol, size in params.sizes.items()
    ]
    yield table(["Symbol", "Rule", "Price", "Units", "Value", "Stop", "At risk"], rows, numbers=(2, 3, 4, 5, 6))


def refusal_section(params: ReportParams) -> Iterator[Markup]:
    """Orders that did not become trades."""
    if params.refusals:
        yield tag("h2", "Orders refused or not filled")
        rows = [[r["symbol"], r["code"], r["count"], r["reason"]] for r in params.refusals]
        yield table(["Symbol", "Code", "Count", "Last reason"], rows, numbers=(2,))


def data_section(params: ReportParams) -> Iterator[Markup]:
    """Where the data comes from, and what was kept out of it."""
    data = params.provenance.get("data", [])
    if not data:
        return
    yield tag("h2", "Data")
    rows = [
        [d["symbol"], d["timeframe"], d["bars"], d["origin"], d["source"], d["prices"], tag("code", d["hash"][:16])]
        for d in data
    ]
    yield table(["Symbol", "Bars of", "Bars", "Origin", "Source", "Prices", "SHA-256"], rows, numbers=(2,))
    notes = dict.fromkeys(f"{d['symbol']}: {d['note']}" for d in data if d.get("note"))
    lines = [f"{symbol}: {line}" for symbol, report in params.quarantine.items() for line in report.get("lines", [])]
    yield tag("ul", *(tag("li", text) for text in (*notes, *lines)), class_="note")


def origin_section(params: ReportParams) -> Iterator[Markup]:
    """All that one needs to get the same result again."""
    strategies = params.provenance.get("strategies", [])
    if strategies:
        yield tag("h2", "Strategies and their parameters")
        rows = [[s["name"], _params(s["params"]), tag("code", (s.get("source") or "")[:16])] for s in strategies]
        yield table(["Strategy", "Parameters", "Source, SHA-256"], rows)
    rows = []
    for name in ("policy", "config", "sizes", "limits", "seed", "versions"):
        if name in params.provenance:
            value = params.provenance[name]
            rows.append([name, tag("code", json.dumps(value, default=str, sort_keys=True))])
    if rows:
        yield tag("h2", "Provenance")
        yield table(["What", "Value"], rows)


def _levels(levels: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{written(x['price'], NUMBER)} ({x['touches']}×)" for x in levels) or "–"


def _params(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={v}" for k, v in given.items() if v is not None) or "–"
