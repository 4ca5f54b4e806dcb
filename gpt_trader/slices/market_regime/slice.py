"""The market_regime slice: for every bar a label that only bars up to it decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.market_regime.params import RegimeParams, Regimes

if TYPE_CHECKING:
    import pandas as pd

    from gpt_trader.core.bars import Bars

WORDS = {
    "rules": "fixed rules over trailing windows",
    "hmm": "a hidden Markov model fitted on the past at every {refit} bars; filtered probabilities only",
}


class MarketRegime(Slice):
    """Names the state of a market."""

    name: ClassVar[str] = "market_regime"

    @method()
    def detect(self, params: RegimeParams, ctx: StepContext) -> Regimes:
        """Trend up, trend down, range or crisis, and calm, normal or volatile, at each bar's close."""
        import pandas as pd

        from gpt_trader.core.bars import priced
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.market_regime.states import present_of, transitions_of

        frames, present, transitions = [], {}, {}
        every = bars_of(params.bars)
        for done, bars in enumerate(map(priced, every)):
            ctx.check()
            ctx.progress(done, len(every), bars.symbol)
            states = self._states(bars, params, ctx)
            frames.append(states)
            present[bars.symbol] = present_of(states)
            transitions[bars.symbol] = transitions_of(states)
        return Regimes(
            regimes=pd.concat(frames, ignore_index=True),
            regime=present,
            transitions=transitions,
            regime_method=WORDS[params.method].format(refit=params.refit),
        )

    @staticmethod
    def _states(bars: Bars, params: RegimeParams, ctx: StepContext) -> pd.DataFrame:
        if params.method == "hmm":
            from gpt_trader.slices.market_regime.hidden import hidden_states_of

            return hidden_states_of(bars, params, check=ctx.check)
        from gpt_trader.slices.market_regime.states import states_of

        return states_of(bars, params)
