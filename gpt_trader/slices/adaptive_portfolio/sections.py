"""What the report shows of weights: lines over time, the last rebalancings, the present targets and orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LAST = 12
LINES = 8
"""More lines than this nobody can tell apart: the largest are drawn, the others together."""


def history_sections(rebalances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Weights over time, by symbol and by strategy, and the last rebalancings."""
    if not rebalances:
        return []
    symbols = _lines([r["weights"] for r in rebalances])
    mixed = [_over_strategies(r) for r in rebalances]
    time = [r["time"] for r in rebalances]
    sections = [{"title": "Weights by symbol", "kind": "lines", "time": time, "lines": symbols, "unit": "percent"}]
    if len({name for mix in mixed for name in mix}) > 1:
        strategies = {"title": "Weights by strategy", "kind": "lines", "time": time, "unit": "percent"}
        sections.append({**strategies, "lines": _lines(mixed)})
    rows = [
        [
            r["time"][:10],
            r["tier"],
            f"{r['equity']:,.0f}",
            _percents(r["weights"]),
            f"{r['turnover']:.1%}",
            ", ".join(f"{s}: {label}" for s, label in r["regimes"].items() if label),
        ]
        for r in rebalances[-LAST:]
    ]
    heads = ["Decided", "Tier", "Account", "Weights", "Turnover", "Regimes"]
    kept = sum(bool(r["note"]) for r in rebalances)
    notes = [f"The last {len(rows)} of {len(rebalances)}."] if len(rebalances) > len(rows) else []
    notes += [f"No weights were found {kept} times; then those before were kept."] if kept else []
    note = " ".join(notes)
    table = {"title": "Rebalancings", "kind": "table", "heads": heads, "rows": rows, "numbers": [2, 4], "note": note}
    return [*sections, table]


def present_sections(
    targets: Sequence[Mapping[str, Any]], orders: Sequence[Mapping[str, Any]], reasons: Sequence[str]
) -> list[dict[str, Any]]:
    """What to hold now, and what to trade for it."""
    rows = [
        [t["symbol"], t["strategy"], f"{t['weight']:.1%}", t["regime"], f"{t['held']:,.6g}", f"{t['units']:,.6g}",
         f"{t['value']:,.0f}"]
        for t in targets
    ]  # fmt: skip
    heads = ["Symbol", "Strategy", "Weight", "Regime", "Held", "Units", "Value"]
    note = "; ".join(reasons)
    made = [{"title": "To hold now", "kind": "table", "heads": heads, "rows": rows, "numbers": [2, 4, 5, 6],
             "note": note}]  # fmt: skip
    trades = [[o["symbol"], o["strategy"], o["side"], f"{o['quantity']:,.6g}", f"{o['value']:,.0f}"] for o in orders]
    heads = ["Symbol", "Strategy", "Side", "Quantity", "Value"]
    return [*made, {"title": "To trade for it", "kind": "table", "heads": heads, "rows": trades, "numbers": [3, 4],
                    "note": "" if trades else "Nothing: what is held is near enough."}]  # fmt: skip


def _over_strategies(rebalance: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for symbol, shares in rebalance["strategies"].items():
        for name, part in shares.items():
            found[name] = found.get(name, 0.0) + part * rebalance["weights"].get(symbol, 0.0)
    return found


def _lines(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    means: dict[str, float] = {}
    for row in rows:
        for name, value in row.items():
            means[name] = means.get(name, 0.0) + value
    largest = sorted(means, key=lambda name: -means[name])
    drawn = largest if len(largest) <= LINES else largest[: LINES - 1]
    lines = {name: [row.get(name, 0.0) for row in rows] for name in drawn}
    if len(drawn) < len(largest):
        lines["others"] = [sum(v for name, v in row.items() if name not in drawn) for row in rows]
    return lines


def _percents(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {weight:.0%}" for name, weight in weights.items() if weight > 0) or "cash"
