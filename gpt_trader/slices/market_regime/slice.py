"""The market_regime slice: for every bar a label that only bars up to it decide."""

from __future__ import annotations

from typing import ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.market_regime.params import RegimeParams, Regimes


class MarketRegime(Slice):
    """Names the state of a market."""

    name: ClassVar[str] = "market_regime"

    @method()
    def detect(self, params: RegimeParams, ctx: StepContext) -> Regimes:
        """Trend up, trend down, range or crisis, and calm, normal or volatile, at each bar's close."""
        import pandas as pd

        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.market_regime.states import present_of, states_of, transitions_of

        frames, present, transitions = [], {}, {}
        for bars in bars_of(params.bars):
            ctx.check()
            states = states_of(bars, params)
            frames.append(states)
            present[bars.symbol] = present_of(states)
            transitions[bars.symbol] = transitions_of(states)
        return Regimes(regimes=pd.concat(frames, ignore_index=True), regime=present, transitions=transitions)
