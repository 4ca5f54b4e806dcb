"""The report in short as Markdown, for a terminal, a ticket or a mail."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.core.drawdowns import monthly_table
from gpt_trader.core.frames import ns_of
from gpt_trader.slices.monitor.words import FIGURES, MONEY, MONTHS, PERCENT, number_of, written

if TYPE_CHECKING:
    from gpt_trader.slices.monitor.params import ReportParams

SHOWN = 50
SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|~"} | {"\n": " ", "\r": " "})


def markdown_of(params: ReportParams, summary: list[str]) -> str:
    """Summary, figures, months, sections, the first trades, costs, refusals, and the hashes of the data."""
    parts = [f"# {escaped(params.title)}", "\n".join(f"- {escaped(line)}" for line in summary), _figures(params)]
    if params.selection:
        rows = [
            [s, c.get("strategy"), c.get("regime"), written(c.get("confidence"), PERCENT), c.get("beats_baseline")]
            for s, c in params.selection.items()
        ]
        parts.append(_table("Choice", ["Symbol", "Strategy", "Regime", "Confidence", "Beat baseline"], rows))
    parts += [_months(params), *map(_section, params.sections)]
    if len(params.trades):
        parts.append(_trades(params))
    parts += [*_costs(params), *_refusals(params)]
    data = params.provenance.get("data", [])
    if data:
        rows = [[d["symbol"], d["bars"], d["origin"], d["source"], d["prices"], d["hash"]] for d in data]
        parts.append(_table("Data", ["Symbol", "Bars", "Origin", "Source", "Prices", "SHA-256"], rows))
    return "\n\n".join(parts) + "\n"


def escaped(text: object) -> str:
    """Text that Markdown shows as it is, HTML in it too."""
    return str(text).translate(SPECIAL)


def _figures(params: ReportParams) -> str:
    theirs = params.baseline_metrics
    rows = [
        [label, written(params.metrics.get(name), kind), written(theirs.get(name), kind)]
        for name, label, kind, _ in FIGURES
        if name in params.metrics
    ]
    return _table("Figures", ["Figure", "Result", theirs.get("name", "Baseline")], rows)


def _months(params: ReportParams) -> str:
    table = monthly_table(params.equity["equity"].to_numpy(), ns_of(params.equity["time"]))
    rows = [[row.year, *(written(v, PERCENT) for v in (*row.months, row.total))] for row in table]
    return _table("Returns by month", ["Year", *MONTHS, "Year"], rows)


def _section(section: Mapping[str, Any]) -> str:
    """A section of an earlier step; of lines over time the last values."""
    title, note = section.get("title", ""), section.get("note", "")
    if section["kind"] == "table":
        told = _table(title, section["heads"], section["rows"])
    elif section["kind"] == "heat":
        rows = [[y, *(_short(v) for v in row)] for y, row in zip(section["y"], section["values"], strict=True)]
        told = _table(title, [section.get("corner", ""), *section["x"]], rows)
    elif section["kind"] == "bars":
        told = _table(title, ["Name", "Value"], [[name, _short(v)] for name, v in section["bars"].items()])
    else:
        last = [[name, _short(values[-1]) if values else "–"] for name, values in section["lines"].items()]
        told = _table(title, ["Name", "At the end"], last)
    return f"{told}\n\n{escaped(note)}" if note else told


def _short(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3g}"


def _costs(params: ReportParams) -> Iterator[str]:
    costs = {name: number_of(value) for name, value in params.details.get("costs", {}).items()}
    if costs:
        yield _table("Costs", ["Cost", "Paid"], [[name, written(value, MONEY)] for name, value in costs.items()])


def _refusals(params: ReportParams) -> Iterator[str]:
    if params.refusals:
        rows = [[r["symbol"], r["code"], r["count"], r["reason"]] for r in params.refusals]
        yield _table("Orders refused or not filled", ["Symbol", "Code", "Count", "Last reason"], rows)


def _trades(params: ReportParams) -> str:
    rows = [
        [t["symbol"], t["side"], f"{t['quantity']:g}", f"{t['entry_time']:%Y-%m-%d}", f"{t['exit_time']:%Y-%m-%d}",
         written(t["profit"], MONEY), written(t["gain"], PERCENT)]
        for t in params.trades.head(SHOWN).to_dict("records")
    ]  # fmt: skip
    shown = f"Trades ({len(params.trades)})" + (f", the first {SHOWN}" if len(params.trades) > SHOWN else "")
    return _table(shown, ["Symbol", "Side", "Quantity", "Entry", "Exit", "Profit", "Gain"], rows)


def _table(title: str, heads: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    body = "\n".join(f"| {' | '.join(c if c == '---' else escaped(c) for c in line)} |" for line in lines)
    return f"## {escaped(title)}\n\n{body}"
