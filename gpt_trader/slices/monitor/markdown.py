"""The report in short as Markdown, for a terminal, a ticket or a mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.slices.monitor.words import FIGURES, MONEY, PERCENT, written

if TYPE_CHECKING:
    from gpt_trader.slices.monitor.params import ReportParams

SHOWN = 50
SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|~"} | {"\n": " ", "\r": " "})


def markdown_of(params: ReportParams, summary: list[str]) -> str:
    """Summary, figures, choice, the first trades, and the hashes of the data."""
    parts = [f"# {escaped(params.title)}", "\n".join(f"- {escaped(line)}" for line in summary), _figures(params)]
    if params.selection:
        rows = [
            [s, c.get("strategy"), c.get("regime"), written(c.get("confidence"), PERCENT), c.get("beats_baseline")]
            for s, c in params.selection.items()
        ]
        parts.append(_table("Choice", ["Symbol", "Strategy", "Regime", "Confidence", "Beat baseline"], rows))
    if len(params.trades):
        parts.append(_trades(params))
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
