"""The backtest slice: runs the chosen strategies on the desk, and says over which bars and against what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import StrategySlice, method
from gpt_trader.slices.backtest.params import Backtested, BacktestParams, Forwarded, ForwardParams, Luck, LuckParams

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog


class Backtest(StrategySlice):
    """Tests strategies on recorded bars."""

    name: ClassVar[str] = "backtest"

    def __init__(self, strategies: StrategyCatalog) -> None:
        self._strategies = strategies

    @method()
    def execute(self, params: BacktestParams, ctx: StepContext) -> Backtested:
        """Trade the bars from the decision on; `score` is the Sharpe ratio, or 0 where there is none.

        A strategy has seen the bars before the decision, as when it walks forward.
        """
        from gpt_trader.slices.backtest.desk import period_of, tested
        from gpt_trader.trading.requests import compared, seen_bars
        from gpt_trader.trading.results import outputs_of

        bars, start = seen_bars(params)
        report = tested(params, self._strategies, bars, start, progress=ctx.progress, check=ctx.check)
        baseline = compared(params, self._strategies, bars, start)
        return Backtested(**outputs_of(params, report, baseline, bars=bars, period=period_of(params)))

    @method()
    def walk_forward(self, params: ForwardParams, ctx: StepContext) -> Forwarded:
        """Before each stretch choose the candidate with the best past and trade it there; `score` is the Sharpe ratio.

        A strategy has seen the bars before its stretch, and what it holds is sold at the end of it.
        """
        from gpt_trader.slices.backtest.forward import forwarded
        from gpt_trader.trading.requests import traded_bars

        def told(done: int, total: int) -> None:
            ctx.check()
            ctx.progress(done, total, "stretches")

        bars = traded_bars(params)
        return Forwarded(**forwarded(params, self._strategies, bars, told=told))

    @method()
    def monte_carlo(self, params: LuckParams, ctx: StepContext) -> Luck:
        """Draw the trades of a backtest again and again: how the account might as well have ended, and fallen."""
        from gpt_trader.slices.backtest.luck import drawn

        return Luck(**drawn(params, check=ctx.check))
