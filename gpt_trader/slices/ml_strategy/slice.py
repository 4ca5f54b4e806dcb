"""The ml_strategy slice: chooses a strategy for each symbol's present regime, and says how far to trust the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Frame, Outputs, Params, Slice, method

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog

METHOD = (
    "walk-forward score within the present regime: every candidate trades the past on the backtest desk, and its "
    "Sharpe ratio over the bars whose regime, as known at the close before, was that of the decision is compared; "
    "no model is trained"
)


class PredictParams(Params):
    """What may be chosen, on how much of the past, and by which yardstick."""

    bars: Frame = Field(description="The table of bars.")
    regimes: Frame = Field(description="A regime label for every bar, each known at that bar's close.")
    data_provenance: dict[str, dict[str, Any]] = Field({}, description="What is said of the bars.")
    strategies: list[str | dict[str, Any]] = Field([], description="Names, or {name, params}; none means all.")
    baseline: str = Field("buy_and_hold", description="The strategy that the chosen one must beat.")
    train: float = Field(0.5, gt=0, lt=1, description="The share of the time that the choice may look at.")
    folds: int = Field(4, ge=2, le=50, description="Into how many parts the past is cut for the walk-forward check.")
    fewest: int = Field(60, ge=20, description="With fewer bars in the present regime all bars are compared.")
    fee: float = Field(0.001, ge=0, lt=0.1, description="The part of a trade's value that it costs.")
    slippage: float = Field(0.0005, ge=0, lt=0.1, description="The part of the price lost at each fill.")


class Prediction(Outputs):
    """The choice for each symbol, each candidate's scores, and the moment from which on results are out of sample."""

    selection: dict[str, dict[str, Any]]
    scores: list[dict[str, Any]]
    decided_at: str
    selection_method: str
    beats_baseline: bool


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
