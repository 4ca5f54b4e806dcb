"""The result of a search as a trader reads it at a glance: the choice, its proof, what mattered, and a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.cli import render
from gpt_trader.cli.summary import outputs

if TYPE_CHECKING:
    from gpt_trader.workflow.results import RunResult

_WIDE = 17
_BAR = 30
_SHADES = " ░▒▓█"
_PLAIN = " .:*#"
_TOP = 5


def show(result: RunResult, took: float) -> None:
    """Print the summary; a run that did not end well is told as any other."""
    told = result.outputs
    if not result.ok or "best" not in told:
        outputs(result, took)
        return
    search, best = told["search"], told["best"]
    symbols = ", ".join(told["selection"])
    head = f"{render.paint(search['strategy'], 'bold')} on {render.paint(render.clean(symbols), 'bold')}"
    render.data(f"{head}  {told['selection_method']}, {render.seconds(took)}\n")
    for label, value in _facts(told, search, best):
        render.data(f"  {render.paint(label, 'cyan')}{' ' * (_WIDE - len(label))}{value}")
    _walks(told.get("walks") or [])
    _leaders(told)
    _importance(told["importance"])
    _heatmap(told["heatmap"])
    if told.get("report_path"):
        render.data(f"\nreport: {told['report_path']}")
    render.detail(f"gpt-trader runs show {result.id}")


def _facts(told: Mapping[str, Any], search: Mapping[str, Any], best: Mapping[str, Any]) -> list[tuple[str, str]]:
    tried, skill = told["tried"], told["deflated_sharpe"]
    params = " ".join(f"{name}={value}" for name, value in best["params"].items())
    rows = [("best", render.paint(params, "bold green")), ("where it looked", _figures(told["in_sample"]))]
    if told.get("walks"):
        rows.append(("walking forward", _figures(told["metrics"])))
        rows.append((told["baseline_metrics"].get("name", ""), _figures(told["baseline_metrics"])))
    if told["out_of_sample"]:
        held = told["out_of_sample"]
        rows.append(("held back", _figures(held)))
        rows.append((held["baseline"]["name"], _figures(held["baseline"])))
    words = "not defined" if skill is None else f"{skill:.1%} skill after {tried['trials']:,} tries"
    rows.append(("deflated Sharpe", words))
    if "luck" in told:
        luck = told["luck"]
        deep = luck["max_drawdown"]["p5"]
        rows.append(
            ("drawn again", f"{luck['chance_of_loss']:.1%} end with a loss, one in twenty falls by {-deep:.1%}")
        )
    ends = [f"{tried[name]:,} {name.replace('_', ' ')}" for name in ("done", "ended_early", "failed") if tried[name]]
    rows.append(
        ("trials", f"{', '.join(ends)}, {tried['allowed']:,} allowed  engine {search['engine']}, seed {search['seed']}")
    )
    if not best["desk_agrees"]:
        rows.append(("desk", render.paint("did not agree with the kernel on its best: the desk chose", "bold yellow")))
    return [(label, value) for label, value in rows if label]


def _figures(found: Mapping[str, Any]) -> str:
    return "  ".join(
        (
            f"Sharpe {_number(found.get('sharpe')):>6}",
            f"return {_percent(found.get('total_return')):>9}",
            f"drawdown {_percent(found.get('max_drawdown')):>8}",
            f"trades {int(found.get('trades') or 0):,}",
        )
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1%}"


def _walks(walks: Sequence[Mapping[str, Any]]) -> None:
    if not walks:
        return
    render.data()
    rows = [
        [
            w["test_from"][:10],
            w["test_to"][:10],
            " ".join(f"{k}={v}" for k, v in w["params"].items()),
            _number(w["in_sample"]["sharpe"]),
            _number(w["out_of_sample"]["sharpe"]),
            _percent(w["out_of_sample"]["total_return"]),
        ]
        for w in walks
    ]
    render.table(("TRADED FROM", "TO", "WITH", "SHARPE BEFORE", "SHARPE THEN", "RETURN THEN"), rows)


def _leaders(told: Mapping[str, Any]) -> None:
    """Print the best trials, or those that no other beats in all goals."""
    objectives, table = told["search"]["objectives"], told["trial_table"]
    names = list(told["best"]["params"])
    figures = list(dict.fromkeys((*objectives, "sharpe", "total_return", "max_drawdown", "trades")))
    if len(objectives) > 1:
        rows = [
            [*(str(r["params"][n]) for n in names), *(_cell(r["figures"][n]) for n in figures)] for r in told["front"]
        ]
        title = f"{len(rows)} sets that no other beats in all goals"
    else:
        allowed = table[table["allowed"]].sort_values(objectives[0], ascending=objectives[0] in _LOW, kind="stable")
        rows = [
            [*(str(r[n]) for n in names), *(_cell(r[n]) for n in figures)]
            for _, r in allowed.drop_duplicates(names).head(_TOP).iterrows()
        ]
        title = "the best sets"
    render.data(f"\n{render.paint(title, 'bold')}")
    render.table([n.upper() for n in (*names, *figures)], rows[:20])


_LOW = ("volatility", "fees", "fills")


def _cell(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:,.4g}"  # noqa: PLR0124 - NaN is not itself


def _importance(found: Mapping[str, float]) -> None:
    if not found:
        return
    render.data(f"\n{render.paint('what mattered', 'bold')}")
    width = max(map(len, found))
    full = "█" if _unicode() else "#"
    for name, share in found.items():
        render.data(f"  {name:<{width}}  {full * max(1, round(share * _BAR)):<{_BAR}}  {share:.0%}")


def _heatmap(found: Mapping[str, Any]) -> None:
    if not found:
        return
    known = [v for row in found["values"] for v in row if v is not None]
    low, high = min(known), max(known)
    shades = _SHADES if _unicode() else _PLAIN
    labels = [_span(y) for y in found["ys"]]
    width = max(map(len, labels))
    title = f"mean {found['figure']} by {found['x']} (across) and {found['y']} (up)"
    render.data(f"\n{render.paint(title, 'bold')}")
    for label, row in reversed(list(zip(labels, found["values"], strict=True))):
        render.data(f"  {label:>{width}} |" + "".join(_shade(v, low, high, shades) * 2 for v in row))
    xs = found["xs"]
    ends = f"{_span(xs[0])}{_span(xs[-1]):>{max(2 * len(xs) - len(_span(xs[0])), 1)}}"
    render.data(f"  {'':>{width}}  {ends}")
    scale = "  ".join(
        f"{shade * 2} {low + (high - low) * i / (len(shades) - 2):.2f}" for i, shade in enumerate(shades[1:])
    )
    render.data(f"  {'':>{width}}  {scale}")


def _shade(value: float | None, low: float, high: float, shades: str) -> str:
    if value is None:
        return shades[0]
    share = (value - low) / (high - low) if high > low else 1.0
    return shades[1 + min(int(share * (len(shades) - 1)), len(shades) - 2)]


def _span(ends: Sequence[Any]) -> str:
    low, high = (f"{end:.4g}" if isinstance(end, float) else str(end) for end in ends)
    return low if low == high else f"{low}-{high}"


def _unicode() -> bool:
    encoding = getattr(render.screen.out, "encoding", None) or "ascii"
    return str(encoding).lower().replace("-", "") == "utf8"
