"""`gpt-trader check`: whether a strategy knows what it cannot know, and how much it must have seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.progress import Bar
from gpt_trader.cli.session import application
from gpt_trader.cli.wanted import (
    AdjustOption,
    DataOption,
    DataOptionsOption,
    FromOption,
    JsonOption,
    ManyCommand,
    ParamOption,
    SeedOption,
    StrategyOption,
    SymbolsOption,
    TimeframeOption,
    ToOption,
    market_of,
)

if TYPE_CHECKING:
    from gpt_trader.app.markets import MarketChoice
    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.bias import Difference, Lookahead
    from gpt_trader.trading.seats import StrategySpec
    from gpt_trader.trading.warmup import Unlike, Warmup

_HOLDS = {1: "long", 0: "flat", -1: "short"}
_REASONS = {
    "signal": "other signals when the later bars are cut off",
    "indicator": "other indicators when the later bars are cut off",
    "vectorised": "other targets of its form for sweeps when the later bars are cut off",
    "unrepeatable": "the same bars give other signals when it runs again",
    "too good": "it reads something else than the bars that it is given",
}


def lookahead(
    strategy: StrategyOption = "sma_cross",
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    timeframe: TimeframeOption = None,
    data: DataOption = "sample",
    data_option: DataOptionsOption = None,
    adjust: AdjustOption = "splits",
    param: ParamOption = None,
    most: Annotated[
        int, typer.Option(metavar="COUNT", min=1, help="So many signals are looked at, evenly spread.")
    ] = 200,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> int:
    """Look whether a strategy decides by data that it cannot know yet.

    $ gpt-trader check lookahead --strategy momentum --symbols GOOG

    The strategy runs again on the bars up to each of its signals: signals, the `indicators` that it shows, and the
    targets of its form for sweeps must stay the same. What it reads by itself, from a file or a global, cannot be cut
    off; there only entries that are right too often give it away. The exit code is 1 when something was found.
    """
    from gpt_trader.trading.bias import lookahead as look

    market = market_of(
        symbols, data=data, span=(start, end), timeframe=timeframe, adjust=adjust, options=data_option, seed=seed
    )
    spec, bars = _given(strategy, param, market)
    with Bar(most, "moments") as bar:
        found = look(lambda _: spec, bars, most=most, progress=bar)
    if as_json:
        first = [_plain(d) for d in found.differences]
        ok = not (first or found.fails)
        fields = {"signals": found.signals, "tried": found.tried, "fails": found.fails or None}
        render.document({**_head(spec, bars), "ok": ok, **fields, "differences": first})
        return int(not ok)
    return _tell_lookahead(spec, bars, found)


def warmup(
    strategy: StrategyOption = "sma_cross",
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    timeframe: TimeframeOption = None,
    data: DataOption = "sample",
    data_option: DataOptionsOption = None,
    adjust: AdjustOption = "splits",
    param: ParamOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> int:
    """Find out after how many bars it no longer matters where the data begins.

    $ gpt-trader check warmup --strategy momentum --symbols GOOG

    Five stretches of the bars are run after beginnings of several lengths, and what is held at each bar is compared
    with what is held when the data begins at its first bar. The exit code is 1 when they never agree.
    """
    from gpt_trader.trading.warmup import warmup as warm

    market = market_of(
        symbols, data=data, span=(start, end), timeframe=timeframe, adjust=adjust, options=data_option, seed=seed
    )
    spec, bars = _given(strategy, param, market)
    with Bar(1, "beginnings") as bar:
        found = warm(lambda _: spec, bars, progress=bar)
    if as_json:
        trials = [{**asdict(t), "first": _unlike(t.first)} for t in found.trials]
        fields = {"ok": found.needed is not None, "needed": found.needed, "longest": found.longest, "trials": trials}
        render.document({**_head(spec, bars), **fields})
        return int(found.needed is None)
    return _tell_warmup(spec, bars, found)


lookahead.command_class = warmup.command_class = ManyCommand  # type: ignore[attr-defined]


def _given(strategy: str, param: list[str] | None, market: MarketChoice) -> tuple[StrategySpec, list[Bars]]:
    from gpt_trader.app.backtesting import spec_of
    from gpt_trader.app.markets import load_markets

    with application() as app:
        spec = spec_of(strategy, param or (), app.strategies)
        return spec, [one.bars for one in load_markets(market, app.feeds)]


def _tell_lookahead(spec: StrategySpec, bars: Sequence[Bars], found: Lookahead) -> int:
    tried = f"{found.signals:,} signals, {found.tried:,} moments tried"
    if found.fails:
        render.error(f"{spec.name} {found.fails}")
    if not found.differences:
        render.data(f"{_title(spec, bars)}: {render.paint('no look-ahead', 'bold green')}; {tried}")
        if not found.signals:
            render.warn("there was no signal to look at", "give more bars, or other params")
        return int(bool(found.fails))
    first = found.differences[0]
    cases = len({d.known_ns for d in found.differences})
    bias = render.paint("bias", "bold red")
    render.data(f"{_title(spec, bars)}: {bias} in {cases:,} {'case' if cases == 1 else 'cases'}; {tried}")
    render.data(f"  {_REASONS[first.kind]}; the first place:")
    for label, text in _place(first, bars):
        render.data(f"  {render.paint(label, 'cyan')}{' ' * (22 - len(label))}{render.clean(text, 150)}")
    return 1


def _place(first: Difference, bars: Sequence[Bars]) -> list[tuple[str, str]]:
    bar = ("bar", f"{first.symbol} {_when(first.ns, first.symbol, bars)}")
    if first.kind == "too good":
        return [("first entry", bar[1]), ("found", f"{first.whole}, {first.cut}")]
    if first.kind == "unrepeatable":
        return [bar, ("first run", first.whole), ("second run", first.cut)]
    known = f"known at {_when(first.known_ns, first.symbol, bars)}"
    return [bar, ("with all bars", first.whole), (known, first.cut)]


def _tell_warmup(spec: StrategySpec, bars: Sequence[Bars], found: Warmup) -> int:
    first = next((t.first for t in reversed(found.trials) if t.first is not None), None)
    if found.needed is not None:
        words = render.paint(f"the same from {found.needed:,} bars on", "bold green")
        render.data(f"{_title(spec, bars)}: {words}; beginnings of up to {found.longest:,} bars were tried")
    else:
        words = render.paint(f"still differs after {found.longest:,} bars", "bold red")
        render.data(f"{_title(spec, bars)}: {words}")
    if first is not None:
        place = f"{first.symbol} {_when(first.ns, first.symbol, bars)}"
        held = f"{_HOLDS[first.holds]}, and {_HOLDS[first.would_hold]} with all bars before"
        render.data(f"  {place}: after {first.bars:,} bars it is {held}")
    rows = [[f"{t.bars:,}", f"{t.differing:,}"] for t in found.trials if t.differing or found.needed is None]
    if rows and render.screen.verbose:
        render.table(("BEGINNING", "BARS THAT DIFFER"), rows)
    return int(found.needed is None)


def _title(spec: StrategySpec, bars: Sequence[Bars]) -> str:
    return f"{render.paint(spec.name, 'bold')} on {render.clean(', '.join(b.symbol for b in bars))}"


def _head(spec: StrategySpec, bars: Sequence[Bars]) -> dict[str, Any]:
    from gpt_trader.trading.provenance import data_of, plain

    return {"strategy": spec.name, "params": plain(spec.checked_params()), "data": [data_of(b) for b in bars]}


def _plain(found: Difference) -> dict[str, Any]:
    return _dated(asdict(found), {"ns": "at", "known_ns": "known_at"})


def _unlike(found: Unlike | None) -> dict[str, Any] | None:
    return None if found is None else _dated(asdict(found), {"ns": "at"})


def _dated(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    from gpt_trader.core.market import time_of

    return {names.get(k, k): time_of(value).isoformat() if k in names else value for k, value in fields.items()}


def _when(ns: int, symbol: str, bars: Sequence[Bars]) -> str:
    """The moment where the data is at home; days are enough for bars of a day."""
    from zoneinfo import ZoneInfo

    from gpt_trader.core.market import DAY, time_of

    own = next(b for b in bars if b.symbol == symbol)
    moment = time_of(ns).astimezone(ZoneInfo(own.provenance.zone))
    return moment.date().isoformat() if own.timeframe.ns >= DAY else f"{moment:%Y-%m-%d %H:%M %Z}"
