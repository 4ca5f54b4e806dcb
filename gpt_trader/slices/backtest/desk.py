"""From params to the desk: the specs of the strategies, the costs, the instruments, and the bars that are traded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import NoBars, UsageError
from gpt_trader.core.frames import bars_of
from gpt_trader.core.market import nanoseconds
from gpt_trader.core.orders import exact
from gpt_trader.slices.backtest.sleeves import sizing_of
from gpt_trader.slices.backtest.stops import WithStop
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.playback import instrument_of
from gpt_trader.trading.seats import StrategySpec

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.core.market import Instrument
    from gpt_trader.slices.backtest.params import BacktestParams
    from gpt_trader.trading.report import Report

INVESTED = 0.95
"""Where no size is given: the rest pays for costs, and for an opening above the close that was decided on."""


def tested(
    params: BacktestParams,
    catalog: StrategyCatalog,
    *,
    progress: Callable[[float, float, str], None],
    check: Callable[[], None],
) -> Report:
    """The report of the strategies that were chosen."""
    bars = traded_bars(params)
    total = sum(len(b) for b in bars)
    specs = _specs(params, catalog, [b.symbol for b in bars])

    def tell(done: int) -> None:
        check()
        progress(done, total, "bars")

    return run_backtest(specs, bars, config_of(params, bars), progress=tell)


def compared(params: BacktestParams, catalog: StrategyCatalog) -> Report | None:
    """The report of the baseline over the same bars, with equal shares and the same costs."""
    if not params.baseline:
        return None
    bars = traded_bars(params)
    make = catalog[params.baseline]
    rule, cash = f"sleeve:{INVESTED / len(bars)!r}", exact(params.cash)
    names = [f"{params.baseline}:{b.symbol}" for b in bars]
    specs = [
        StrategySpec(name, make, {}, (b.symbol,), sizing_of(rule, cash, name))
        for name, b in zip(names, bars, strict=True)
    ]
    return run_backtest(specs, bars, config_of(params, bars))


def traded_bars(params: BacktestParams) -> list[Bars]:
    """The bars from the decision on; a symbol without any is an error that says what to change."""
    every = bars_of(params.bars, params.data_provenance)
    if not params.decided_at:
        return every
    start = nanoseconds(datetime.fromisoformat(params.decided_at))
    cut = [b.between(start, None) for b in every]
    short = next((b.symbol for b in cut if len(b) < 2), None)
    if short is not None:
        raise NoBars(f"{short} has no two bars from {params.decided_at} on", hint="choose on a smaller part (train)")
    return cut


def config_of(params: BacktestParams, bars: list[Bars]) -> BacktestConfig:
    """The desk's configuration."""
    costs = Costs(
        fee=Fee(percent=exact(params.fee)),
        slippage=Slippage("percent", exact(params.slippage)),
        spread=exact(params.spread),
    )
    return BacktestConfig(
        cash=exact(params.cash),
        costs=costs,
        limits=params.limits,
        close_at_end=params.close_at_end,
        instruments={b.symbol: _instrument(b, params.sizes.get(b.symbol, {})) for b in bars},
    )


def _instrument(bars: Bars, size: Mapping[str, Any]) -> Instrument:
    from dataclasses import replace

    return replace(instrument_of(bars), lot=exact(size.get("lot", 1.0)))


def _specs(params: BacktestParams, catalog: StrategyCatalog, symbols: list[str]) -> list[StrategySpec]:
    """A spec for each symbol, as each has its size; but one for all where a strategy wants to see them together."""
    share = INVESTED / len(symbols)
    if not params.strategy or len(symbols) == 1 or catalog[params.strategy].per_symbol:
        return [_spec(symbol, params, catalog, share=share) for symbol in symbols]
    sizes = [params.sizes.get(symbol, {}) for symbol in symbols]
    rules = {size.get("rule", f"sleeve:{share!r}") for size in sizes}
    if len(rules) > 1 or any("stop_atrs" in size for size in sizes):
        problem = f"{params.strategy} trades all symbols together, so they must be sized alike and without stops"
        raise UsageError(problem, hint="size by fraction")
    sizing = sizing_of(rules.pop(), exact(params.cash), params.strategy)
    return [StrategySpec(params.strategy, catalog[params.strategy], params.params, tuple(symbols), sizing)]


def _spec(symbol: str, params: BacktestParams, catalog: StrategyCatalog, *, share: float) -> StrategySpec:
    chosen: Mapping[str, Any] = params.selection.get(symbol, {})
    name = params.strategy or chosen.get("strategy")
    if not name:
        raise UsageError(f"no strategy is named for {symbol}", hint="give `strategy`, or select one in an earlier step")
    given = params.params if params.strategy else chosen.get("params", {})
    size = params.sizes.get(symbol, {})
    make: Any = catalog[name]
    if "stop_atrs" in size:
        make = WithStop(make, bars=size["atr_bars"], distance=size["stop_atrs"], first=size.get("atr"))
    label = f"{name}:{symbol}"
    sizing = sizing_of(size.get("rule", f"sleeve:{share!r}"), exact(params.cash), label)
    return StrategySpec(label, make, given, (symbol,), sizing)
