"""From params to the desk: which bars are traded, and what the result is compared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import NoBars
from gpt_trader.core.frames import bars_of
from gpt_trader.core.market import nanoseconds
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.requests import baseline_specs, config_of, specs_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.backtest.params import BacktestParams
    from gpt_trader.trading.report import Report


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
    specs = specs_of(params, catalog, [b.symbol for b in bars])

    def tell(done: int) -> None:
        check()
        progress(done, total, "bars")

    return run_backtest(specs, bars, config_of(params, bars, params.limits), progress=tell)


def compared(params: BacktestParams, catalog: StrategyCatalog) -> Report | None:
    """The report of the baseline over the same bars, with equal shares and the same costs."""
    if not params.baseline:
        return None
    bars = traded_bars(params)
    specs = baseline_specs(params, catalog, [b.symbol for b in bars])
    return run_backtest(specs, bars, config_of(params, bars, params.limits))


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


def period_of(params: BacktestParams) -> dict[str, Any]:
    """Whether the bars were seen when the strategies were chosen."""
    chosen = bool(params.decided_at) and not params.strategy
    words = (
        "out of sample: the strategies were chosen once, on earlier bars alone"
        if chosen
        else "in sample: nothing was held back"
    )
    return {"out_of_sample": chosen, "words": words}
