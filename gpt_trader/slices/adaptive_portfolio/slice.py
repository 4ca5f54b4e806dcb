"""The adaptive_portfolio slice: what to hold now, and how the same rule would have done over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import StrategySlice, method
from gpt_trader.slices.adaptive_portfolio.params import (
    Allocated,
    AllocateParams,
    PolicyParams,
    Rebalanced,
    RebalanceParams,
)

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.trading.limits import ReadLimits


class AdaptivePortfolio(StrategySlice):
    """Divides an account among symbols and strategies."""

    name: ClassVar[str] = "adaptive_portfolio"

    def __init__(self, strategies: StrategyCatalog, limits: ReadLimits) -> None:
        self._strategies, self._limits = strategies, limits

    @method()
    def allocate(self, params: AllocateParams, ctx: StepContext) -> Allocated:
        """Weights from what is known now, as whole lots, and the orders from what is held; it sends none of them."""
        from gpt_trader.slices.adaptive_portfolio.present import allocated

        return Allocated(**allocated(params, self._strategies, ctx))

    @method()
    def rebalance(self, params: RebalanceParams, ctx: StepContext) -> Rebalanced:
        """Trade the rule on the desk: weights are set anew after so many bars, each time on the past alone."""
        from gpt_trader.slices.adaptive_portfolio.sections import history_sections
        from gpt_trader.slices.adaptive_portfolio.session import Session
        from gpt_trader.trading.requests import compared
        from gpt_trader.trading.results import outputs_of

        limits = self._limits(params.limits) if isinstance(params.limits, str) else params.limits
        asked = params.model_copy(update={"sizes": {symbol: {"lot": lot} for symbol, lot in params.lots.items()}})
        session = Session(asked, self._strategies, ctx)
        report = session.run(limits)
        baseline = compared(asked, self._strategies, session.bars)
        told = session.rebalances()
        words = f"out of sample: weights were set anew {len(told)} times, each time on earlier bars alone"
        period = {"out_of_sample": True, "words": words}
        made = outputs_of(asked, report, baseline, bars=session.bars, period=period)
        made["provenance"] |= {"policy": params.model_dump(include=set(PolicyParams.model_fields) - {"regimes"})}
        return Rebalanced(
            **made,
            weight_history=session.history_frame(),
            rebalances=told,
            sections=history_sections(told),
        )
