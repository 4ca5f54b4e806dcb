"""The ml_strategy slice: chooses a strategy for each symbol's present regime, and says how far to trust the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import StrategySlice, method
from gpt_trader.slices.ml_strategy.params import Prediction, PredictParams, Trained, TrainParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog

METHOD = (
    "walk-forward score within the present regime: every candidate trades the past on the backtest desk, and its "
    "Sharpe ratio over the bars whose regime, as known at the close before, was that of the decision is compared; "
    "no model is trained"
)
BY_MODEL = "a stored model ({kind}) of which strategy does best over the next {horizon} bars, trained up to {until}"


class MlStrategy(StrategySlice):
    """Chooses among strategies."""

    name: ClassVar[str] = "ml_strategy"

    def __init__(self, strategies: StrategyCatalog) -> None:
        self._strategies = strategies

    @method()
    def predict_best(self, params: PredictParams, ctx: StepContext) -> Prediction:
        """The strategy with the best past, or by a model the best chance, in the present regime; else the baseline."""
        from gpt_trader.core.bars import priced
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.ml_strategy.choice import decision_time

        every = [priced(bars) for bars in bars_of(params.bars, params.data_provenance)]
        decided = decision_time(every, params.train)
        choose = self._by_model if params.model else self._by_past
        found = choose(every, params, ctx, decided)
        return Prediction(
            decided_at=_moment(decided),
            beats_baseline=all(chosen["beats_baseline"] for chosen in found["selection"].values()),
            **found,
        )

    @method()
    def train(self, params: TrainParams, ctx: StepContext) -> Trained:
        """Learn from the past which strategy does best over the next bars, and judge that against the baseline."""
        from gpt_trader.core.bars import priced
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.ml_strategy.choice import decision_time
        from gpt_trader.slices.ml_strategy.stored import KIND
        from gpt_trader.slices.ml_strategy.training import trained

        every = [priced(bars) for bars in bars_of(params.bars, params.data_provenance)]
        until = decision_time(every, params.train)
        pasts = [bars.between(None, until) for bars in every]
        model = trained(pasts, params, self._strategies, until=until, check=ctx.check, progress=ctx.progress)
        artifact = ctx.artifacts.put(model.to_bytes(), kind=KIND)
        return Trained(
            model=artifact,
            model_path=str(ctx.artifacts.path(artifact)),
            training=model.training,
            model_beats_baseline=model.training["beats_baseline"],
            trained_until=_moment(until),
        )

    def _by_past(self, every: Sequence[Bars], params: PredictParams, ctx: StepContext, decided: int) -> dict[str, Any]:
        from gpt_trader.slices.ml_strategy.candidates import candidates_of
        from gpt_trader.slices.ml_strategy.choice import choose, labels_of, scored

        candidates = candidates_of(params.strategies, self._strategies, baseline=params.baseline)
        selection, scores = {}, []
        for done, bars in enumerate(every):
            ctx.progress(done, len(every), bars.symbol)
            past = bars.between(None, decided)
            found = scored(past, labels_of(params.regimes, past), candidates, params, check=ctx.check)
            selection[bars.symbol] = choose(found, params)
            scores += [{"symbol": bars.symbol, **row} for row in found.rows()]
        nothing: dict[str, Any] = {"drift": {}, "warnings": [], "model_provenance": {}}
        return {"selection": selection, "scores": scores, "selection_method": METHOD, **nothing}

    def _by_model(self, every: Sequence[Bars], params: PredictParams, ctx: StepContext, decided: int) -> dict[str, Any]:
        from gpt_trader.slices.ml_strategy.bymodel import Asked, ask, fitting
        from gpt_trader.slices.ml_strategy.choice import labels_of
        from gpt_trader.slices.ml_strategy.stored import model_of

        model = model_of(params.model, ctx.artifacts)
        asked = Asked(warnings=fitting(model, every, params, self._strategies, decided=decided))
        for bars in every:
            ctx.check()
            past = bars.between(None, decided)
            ask(model, past, labels_of(params.regimes, past), asked)
        kind, until = model.learner.kind, _moment(model.trained_until)
        return {
            "selection": asked.selection,
            "scores": asked.scores,
            "selection_method": BY_MODEL.format(kind=kind, horizon=model.horizon, until=until),
            "drift": asked.drift,
            "warnings": asked.warnings,
            "model_provenance": model.provenance,
        }


def _moment(ns: int) -> str:
    from gpt_trader.core.market import time_of

    return time_of(ns).isoformat()
