"""The sections on a search: what mattered, a map of two parameters, each stretch with its choice, and luck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.slices.monitor.words import COUNT, MONEY, NUMBER, PERCENT, written

if TYPE_CHECKING:
    from gpt_trader.slices.monitor.params import ReportParams

PERCENTILES = ("p5", "p25", "p50", "p75", "p95")


def search_sections(params: ReportParams) -> list[dict[str, Any]]:
    """Sections in plain values, as an earlier step would give them; none where nothing was searched."""
    made = (_importance, _heat, _walks, _luck)
    return [section for make in made for section in make(params)]


def _importance(params: ReportParams) -> Iterator[dict[str, Any]]:
    if params.importance:
        yield {
            "title": "What mattered in the search",
            "kind": "bars",
            "bars": params.importance,
            "unit": "percent",
            "note": " ".join(_tried(params)),
        }


def _tried(params: ReportParams) -> Iterator[str]:
    yield "How much of the objective's variance each parameter explains alone."
    if params.tried:
        yield f"{params.tried.get('done', 0):,} of {params.tried.get('trials', 0):,} trials were done."
    if params.deflated_sharpe is not None:
        skill = written(params.deflated_sharpe, PERCENT)
        yield f"Deflated Sharpe ratio {skill}: the probability that the best of so many tries is skill."


def _heat(params: ReportParams) -> Iterator[dict[str, Any]]:
    told = params.heatmap
    if told:
        yield {
            "title": f"Mean {_word(told['figure'])} by {told['x']} and {told['y']}",
            "kind": "heat",
            "corner": f"{told['y']} ↑ {told['x']} →",
            "x": [_span(ends) for ends in told["xs"]],
            "y": [_span(ends) for ends in reversed(told["ys"])],
            "values": told["values"][::-1],
            "mark": _chosen(params, told),
            "note": "The set that was chosen lies in the cell with a frame; a good set has good neighbours.",
        }


def _chosen(params: ReportParams, told: Mapping[str, Any]) -> list[int] | None:
    """Row and column of the set that was chosen, if it is on the map."""
    sets = [chosen.get("params") or {} for chosen in params.selection.values()]
    if not sets:
        return None
    row, column = (_place(sets[0].get(told[axis]), told[f"{axis}s"]) for axis in ("y", "x"))
    return None if row is None or column is None else [len(told["ys"]) - 1 - row, column]


def _place(value: Any, spans: Sequence[Sequence[Any]]) -> int | None:
    for at, (low, high) in enumerate(spans):
        if value in (low, high) or (isinstance(value, int | float) and low <= value <= high):
            return at
    return None


def _walks(params: ReportParams) -> Iterator[dict[str, Any]]:
    if params.walks:
        heads = ["Traded from", "to", "With", "Sharpe before", "Sharpe", "Return", "Drawdown", "Trades", "Skill"]
        yield {
            "title": "Stretches, each traded with what was best before it",
            "kind": "table",
            "heads": heads,
            "rows": [_walk(row) for row in params.walks],
            "numbers": list(range(3, len(heads))),
            "note": "Skill: the probability that the best of all that was tried before the stretch was skill.",
        }


def _walk(row: Mapping[str, Any]) -> list[str]:
    before, after = row.get("in_sample") or {}, row.get("out_of_sample") or {}
    params = ", ".join(f"{k}={v}" for k, v in (row.get("params") or {}).items())
    chosen = " ".join(text for text in (row.get("strategy", ""), params) if text)
    kinds = {"sharpe": NUMBER, "total_return": PERCENT, "max_drawdown": PERCENT, "trades": COUNT}
    return [
        row["test_from"][:10],
        row["test_to"][:10],
        chosen,
        written(before.get("sharpe", _best(row)), NUMBER),
        *(written(after.get(name), kind) for name, kind in kinds.items()),
        written(row.get("deflated_sharpe"), PERCENT),
    ]


def _best(row: Mapping[str, Any]) -> float | None:
    """Where candidates were compared, the score of the one that was taken."""
    return max((score for score in row.get("scores", []) if score is not None), default=None)


def _luck(params: ReportParams) -> Iterator[dict[str, Any]]:
    told = params.luck
    if told:
        kinds = (("final_equity", "Final equity", MONEY), ("max_drawdown", "Maximum drawdown", PERCENT))
        yield {
            "title": "What might as well have happened",
            "kind": "table",
            "heads": ["Figure", "In fact", "5 %", "25 %", "Median", "75 %", "95 %"],
            "rows": [
                [label, *(written(v, kind) for v in (told["actual"].get(name), *_percentiles(told[name])))]
                for name, label, kind in kinds
            ],
            "numbers": list(range(1, 7)),
            "note": f"The same {told['trades']:,} trades, drawn again {told['paths']:,} times: a loss in "
            f"{told['chance_of_loss']:.1%} of the accounts, ruin in {told['risk_of_ruin']:.1%}.",
        }


def _percentiles(spread: Mapping[str, Any]) -> list[Any]:
    return [spread.get(name) for name in PERCENTILES]


def _span(ends: Sequence[Any]) -> str:
    low, high = (f"{end:.4g}" if isinstance(end, float) else str(end) for end in ends)
    return low if low == high else f"{low}–{high}"


def _word(figure: str) -> str:
    return figure.replace("_", " ")
