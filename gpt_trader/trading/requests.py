"""The strategies, costs and instruments that what a step asks of the desk comes to."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gpt_trader.core.bars import priced
from gpt_trader.core.errors import NoBars, UsageError, ValidationError
from gpt_trader.core.frames import traded_of
from gpt_trader.core.market import Dividend, Split, moment_of
from gpt_trader.core.orders import exact
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.late_start import LateStart
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.playback import instrument_of
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sleeves import sizing_of
from gpt_trader.trading.stops import WithStop

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.core.market import Instrument
    from gpt_trader.trading.limits import Choice
    from gpt_trader.trading.params import SessionParams, TradeParams
    from gpt_trader.trading.report import Report

INVESTED = 0.95
"""Where no size is given: the rest pays for costs, and for an opening above the close that was decided on."""


def traded_bars(asked: SessionParams) -> list[Bars]:
    """The bars from the decision on; a symbol without any is an error that says what to change."""
    every, start = seen_bars(asked)
    return every if start is None else [b.between(start, None) for b in every]


def seen_bars(asked: SessionParams) -> tuple[list[Bars], int | None]:
    """All bars, for strategies that have seen what was before, and the moment from which on they trade."""
    every = [_alive(b) for b in traded_of(asked.bars, asked.data_provenance)]
    if not asked.decided_at:
        return every, None
    start = moment_of(asked.decided_at)
    short = next((b.symbol for b in every if len(b.between(start, None)) < 2), None)
    if short is not None:
        raise NoBars(f"{short} has no two bars from {asked.decided_at} on", hint="choose on a smaller part (train)")
    return every, start


def config_of(asked: SessionParams, bars: Sequence[Bars], limits: Choice) -> BacktestConfig:
    """The desk's configuration."""
    costs = Costs(
        fee=Fee(percent=exact(asked.fee)),
        slippage=Slippage("percent", exact(asked.slippage)),
        spread=exact(asked.spread),
    )
    return BacktestConfig(
        cash=exact(asked.cash),
        costs=costs,
        limits=limits,
        close_at_end=asked.close_at_end,
        instruments={b.symbol: _instrument(b, asked.sizes.get(b.symbol, {})) for b in bars},
        actions=actions_of(asked.actions, {b.symbol for b in bars}),
    )


def actions_of(told: Sequence[Mapping[str, Any]], symbols: Container[str]) -> tuple[Split | Dividend, ...]:
    """The splits and dividends of these symbols that were told by the step that fetched the bars."""
    try:
        return tuple(
            Split(row["symbol"], int(row["ns"]), int(row["new"]), int(row["old"]))
            if row["kind"] == "split"
            else Dividend(row["symbol"], int(row["ns"]), Decimal(row["amount"]))
            for row in told
            if row["symbol"] in symbols
        )
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise ValidationError(
            "these are no splits and dividends", hint="pass the actions of data.get_historical"
        ) from None


def specs_of(asked: TradeParams, catalog: StrategyCatalog, symbols: Sequence[str]) -> list[StrategySpec]:
    """A spec for each symbol, as each has its size; but one for all where a strategy wants to see them together."""
    share = INVESTED / len(symbols)
    if not asked.strategy or len(symbols) == 1 or catalog[asked.strategy].per_symbol:
        return [_spec(symbol, asked, catalog, share=share) for symbol in symbols]
    sizes = [asked.sizes.get(symbol, {}) for symbol in symbols]
    rules = {size.get("rule", f"sleeve:{share!r}") for size in sizes}
    if len(rules) > 1 or any("stop_atrs" in size for size in sizes):
        problem = f"{asked.strategy} trades all symbols together, so they must be sized alike and without stops"
        raise UsageError(problem, hint="size by fraction")
    sizing = sizing_of(rules.pop(), exact(asked.cash), asked.strategy)
    return [StrategySpec(asked.strategy, catalog[asked.strategy], asked.params, tuple(symbols), sizing)]


def compared(
    asked: SessionParams, catalog: StrategyCatalog, bars: Sequence[Bars], start: int | None = None
) -> Report | None:
    """The baseline over the same bars, in equal sleeves, at the same costs and without limits, if one is named."""
    if not asked.baseline:
        return None
    make = late(catalog, start)[asked.baseline]
    rule, cash = f"sleeve:{INVESTED / len(bars)!r}", exact(asked.cash)
    names = {b.symbol: f"{asked.baseline}:{b.symbol}" for b in bars}
    specs = [StrategySpec(name, make, {}, (s,), sizing_of(rule, cash, name)) for s, name in names.items()]
    return since(run_backtest(specs, bars, config_of(asked, bars, "none")), start)


def late(catalog: StrategyCatalog, start: int | None) -> StrategyCatalog:
    """The same strategies, but that they only watch before this moment."""
    return catalog if start is None else cast("StrategyCatalog", _Late(catalog, start))


class _Late:
    def __init__(self, catalog: StrategyCatalog, start: int) -> None:
        self._catalog, self._start = catalog, start

    def __getitem__(self, name: str) -> Any:
        return LateStart(self._catalog[name], self._start)


def since(report: Report, start: int | None) -> Report:
    """The part of a report from the moment on at which trading began."""
    if start is None:
        return report
    at = int(np.searchsorted(report.times, start))
    benchmark = None if report.benchmark is None else report.benchmark[at:]
    return replace(report, times=report.times[at:], equity=report.equity[at:], benchmark=benchmark)


def _alive(bars: Bars) -> Bars:
    """A bar without a price fills nothing and harms nothing; a symbol that has nothing else is a fault of the data."""
    return bars if (bars.close > 0).any() else priced(bars)


def _instrument(bars: Bars, size: Mapping[str, Any]) -> Instrument:
    return replace(instrument_of(bars), lot=exact(size.get("lot", 1.0)))


def _spec(symbol: str, asked: TradeParams, catalog: StrategyCatalog, *, share: float) -> StrategySpec:
    chosen: Mapping[str, Any] = asked.selection.get(symbol, {})
    name = asked.strategy or chosen.get("strategy")
    if not name:
        raise UsageError(f"no strategy is named for {symbol}", hint="give `strategy`, or select one in an earlier step")
    given = asked.params if asked.strategy else chosen.get("params", {})
    size = asked.sizes.get(symbol, {})
    make: Any = catalog[name]
    if "stop_atrs" in size:
        known = None if isinstance(make, LateStart) else size.get("atr")  # who watched has measured it
        make = WithStop(make, bars=size["atr_bars"], distance=size["stop_atrs"], first=known)
    label = f"{name}:{symbol}"
    sizing = sizing_of(size.get("rule", f"sleeve:{share!r}"), exact(asked.cash), label)
    return StrategySpec(label, make, given, (symbol,), sizing)
