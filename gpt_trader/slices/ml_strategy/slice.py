"""The ml_strategy slice: chooses a strategy for each symbol's present regime, and says how far to trust the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.ml_strategy.params import Prediction, PredictParams

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog

METHOD = (
    "walk-forward score within the present regime: every candidate trades the past on the backtest desk, and its "
    "Sharpe ratio over the bars whose regime, as known at the close before, was that of the decision is compared; "
    "no model is trained"
)


class MlStrategy(Slice):
    """Chooses among strategies."""

    name: ClassVar[str] = "ml_strategy"

    def __init__(self, strategies: StrategyCatalog) -> None:
        self._strategies = strategies

    @method()
    def predict_best(self, params: PredictParams, ctx: StepContext) -> Prediction:
        """The strategy with the best past in each symbol's present regime; without an edge, the baseline."""
        from gpt_trader.core.frames import bars_of
        from gpt_trader.core.market import time_of
        from gpt_trader.slices.ml_strategy.candidates import candidates_of
        from gpt_trader.slices.ml_strategy.choice import choose, decision_time, labels_of, scored

        every = bars_of(params.bars, params.data_provenance)
        candidates = candidates_of(params.strategies, self._strategies, baseline=params.baseline)
        decided = decision_time(every, params.train)
        selection, scores = {}, []
        for done, bars in enumerate(every):
            ctx.progress(done, len(every), bars.symbol)
            past = bars.between(None, decided)
            found = scored(past, labels_of(params.regimes, past), candidates, params, check=ctx.check)
            selection[bars.symbol] = choose(found, params)
            scores += [{"symbol": bars.symbol, **row} for row in found.rows()]
        return Prediction(
            selection=selection,
            scores=scores,
            decided_at=time_of(decided).isoformat(),
            selection_method=METHOD,
            beats_baseline=all(chosen["beats_baseline"] for chosen in selection.values()),
        )
