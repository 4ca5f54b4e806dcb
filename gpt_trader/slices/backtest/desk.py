"""From params to the desk, and the words that say what kind of result it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.slices.backtest.mix import mixed
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.requests import config_of, late, since, specs_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.backtest.params import BacktestParams
    from gpt_trader.trading.report import Report
    from gpt_trader.trading.seats import StrategySpec


def tested(
    params: BacktestParams,
    catalog: StrategyCatalog,
    bars: Sequence[Bars],
    start: int | None,
    *,
    progress: Callable[[float, float, str], None],
    check: Callable[[], None],
) -> Report:
    """The report of the strategies that were chosen, from the moment on at which they trade."""
    total = sum(len(b) for b in bars)
    specs = wanted(params, late(catalog, start), [b.symbol for b in bars])

    def tell(done: int) -> None:
        check()
        progress(done, total, "bars")

    return since(run_backtest(specs, bars, config_of(params, bars, params.limits), progress=tell), start)


def wanted(params: BacktestParams, catalog: StrategyCatalog, symbols: Sequence[str]) -> list[StrategySpec]:
    """The strategies: a mix where one is given, else the one that is named or selected."""
    if params.mix:
        return mixed(params.mix, catalog, symbols, cash=params.cash)
    return specs_of(params, catalog, symbols)


def period_of(params: BacktestParams) -> dict[str, Any]:
    """Whether the bars were seen when the strategies were chosen."""
    chosen = bool(params.decided_at) and not params.strategy and not params.mix
    words = (
        "out of sample: the strategies were chosen once, on earlier bars alone"
        if chosen
        else "in sample: nothing was held back"
    )
    return {"out_of_sample": chosen, "words": words}
