"""The result of a backtest as a trader reads it at a glance, made of its document alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gpt_trader.cli import render

_WIDE = 17
_REFUSALS = 4
_STOPS = 6


def show(told: Mapping[str, Any]) -> None:
    """Print the summary."""
    symbols = ", ".join(told["symbols"])
    given = ", ".join(f"{name}={value}" for name, value in told["params"].items() if value is not None)
    head = f"{render.paint(told['strategy'], 'bold')} on {render.paint(render.clean(symbols), 'bold')}"
    render.data(f"{head}  {told['timeframe']}, {_day(told, 'from')} to {_day(told, 'to')}, {told['bars']:,} bars")
    render.data(render.paint(render.clean(given), "dim") + "\n")
    for label, value in (*_result(told), *_trading(told), *_conditions(told)):
        render.data(f"  {render.paint(label, 'cyan')}{' ' * (_WIDE - len(label))}{value}")


def _result(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found = told["metrics"]
    total = found["total_return"]
    style = "bold green" if total > 0 else "bold red" if total < 0 else "bold"
    yield (
        "final equity",
        f"{render.paint(_money(told['final_equity'], told), style)}  from {_money(told['cash'], told)}",
    )
    yield (
        "return",
        f"{render.paint(_percent(total, sign=True), style)}  {_percent(found['annual_return'], sign=True)} a year",
    )
    held = _percent(told["buy_and_hold"]["return"], sign=True)
    yield "buy and hold", _joined(held, _figure("alpha", found.get("alpha")), _figure("beta", found.get("beta")))
    yield "Sharpe", _joined(_number(found["sharpe"]), *(_figure(n.title(), found[n]) for n in ("sortino", "calmar")))
    yield "max drawdown", _drawdown(told)
    yield "exposure", f"{_percent(found['exposure'])} of the bars"


def _trading(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found, costs = told["metrics"], told["costs"]
    count = f"{int(found['trades']):,}"
    if found["trades"]:
        won, factor = f"win rate {_percent(found['win_rate'])}", _figure("profit factor", found["profit_factor"])
        yield "trades", _joined(count, won, factor)
        yield (
            "best and worst",
            f"{_percent(found['best_trade'], sign=True)}, {_percent(found['worst_trade'], sign=True)}",
        )
    else:
        yield "trades", f"{count} closed"
    paid = (f"{name} {_money(costs[name], told)}" for name in ("slippage", "funding", "borrow") if float(costs[name]))
    yield "fees", _joined(_money(costs["fees"], told), *paid)
    if told["positions"]:
        held = (f"{p['quantity']} {p['symbol']} at {float(p['average']):,.2f}" for p in told["positions"])
        yield "open at the end", render.clean(", ".join(held))
    if told["refusals"] or told["ended"]:
        yield "refusals", _counts(told["refusals"]) or "none"
    if told["ended"]:
        yield "unfilled", _counts(told["ended"])
    if told["ambiguous_bars"]:
        yield "ambiguous bars", _ambiguous(told)


def _conditions(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if told["optimistic"]:
        yield "optimistic", render.paint("; ".join(told["optimistic"]), "bold yellow")
    else:
        yield "fills", "at the next open; the careful reading of every bar"
    yield "limits", told["limits"]
    yield from _stops(told)
    for data in told["provenance"]["data"]:
        made = render.paint("synthetic: ", "bold yellow") if data["origin"] == "synthetic" else ""
        source = render.clean(data["source"], 60)
        yield (
            "data",
            f"{render.clean(data['symbol'], 20)}: {made}{source}, {data['prices']}, sha256 {data['hash'][:12]}",
        )
    yield "seed", str(told["provenance"]["seed"])


def _stops(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was stopped and why: a strategy or the session, each by the first time that each limit did."""
    kinds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for alert in told["alerts"]:
        if alert["act"]:
            kinds.setdefault((alert["strategy"], alert["code"]), []).append(alert)
    for (_, code), (first, *more) in list(kinds.items())[:_STOPS]:
        again = f"; {len(more):,} times more" if more else ""
        yield "stopped", f"{_date(first['at'], told)} {code}: {render.clean(first['message'], 100)}{again}"
    if len(kinds) > _STOPS:
        yield "stopped", f"and by {len(kinds) - _STOPS} other limits"


def _drawdown(told: Mapping[str, Any]) -> str:
    worst = told["drawdown"]
    if worst is None:
        return "none"
    dates = f"{_date(worst['peak'], told)} to {_date(worst['trough'], told)}"
    return f"{_percent(worst['depth'])}  {dates}, longest {told['metrics']['max_drawdown_days']:,.0f} days"


def _ambiguous(told: Mapping[str, Any]) -> str:
    other = told["other_order_of_events"]
    count = f"{told['ambiguous_bars']:,} could have gone two ways"
    if other is None:
        return count
    return f"{count}: the {other['events']} way ends with {_money(other['final_equity'], told)}"


def _counts(codes: Mapping[str, int]) -> str:
    most = sorted(codes.items(), key=lambda item: -item[1])
    words = [f"{count:,} {code}" for code, count in most[:_REFUSALS]]
    return ", ".join(words) + (f", {len(most) - _REFUSALS} more kinds" if len(most) > _REFUSALS else "")


def _day(told: Mapping[str, Any], name: str) -> str:
    return _date(told[name], told)


def _date(text: str, told: Mapping[str, Any]) -> str:
    """The date where the data is at home."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(told["provenance"]["data"][0]["zone"])).date().isoformat()


def _money(amount: str, told: Mapping[str, Any]) -> str:
    return f"{float(amount):,.2f} {told['currency']}"


def _percent(part: float | None, *, sign: bool = False) -> str:
    if part is None:
        return "undefined"
    return f"{part * 100:+,.2f} %" if sign else f"{part * 100:,.2f} %"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:,.2f}"


def _figure(name: str, value: float | None) -> str:
    return "" if value is None else f"{name} {value:,.2f}"


def _joined(*words: str) -> str:
    return "  ".join(word for word in words if word)
