"""The optimize slice: searches for parameters, and says how much of what it found is luck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import StrategySlice, method
from gpt_trader.slices.optimize.params import Searched, SearchParams, Walked, WalkParams

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.optimize.hunt import Clusters, Told
    from gpt_trader.slices.optimize.plan import Plan
    from gpt_trader.slices.optimize.trials import Trials


class Optimize(StrategySlice):
    """Searches for the parameters of a strategy."""

    name: ClassVar[str] = "optimize"

    def __init__(self, strategies: StrategyCatalog, clusters: Clusters) -> None:
        self._strategies, self._clusters = strategies, clusters

    @method()
    def search(self, params: SearchParams, ctx: StepContext) -> Searched:
        """Try sets on the first part of the bars and prove the best one on the rest; `score` is its Sharpe there."""
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.optimize.hunt import crew_of, divided, hunt, outputs_of
        from gpt_trader.slices.optimize.plan import plan_of

        bars = bars_of(params.bars, params.data_provenance)
        seen, decided = divided(bars, params.holdout)
        plan = plan_of(params, self._strategies, seen)
        with crew_of(params, plan, self._clusters, ctx) as crew:
            found = hunt(plan, seen, crew, ctx, part=0, told=_teller(ctx, 1))
        outputs = outputs_of(plan, found, bars, self._strategies, decided)
        self._note(ctx, outputs)
        return Searched(**outputs)

    @method()
    def walk_forward(self, params: WalkParams, ctx: StepContext) -> Walked:
        """Search again before each stretch and trade it with the choice; the account through all of them is the result.

        Then it searches once more, on all bars but those held back: that choice is the one for what comes next.
        """
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.optimize import proof
        from gpt_trader.slices.optimize.hunt import beats, crew_of, divided, hunt, outputs_of
        from gpt_trader.slices.optimize.plan import plan_of
        from gpt_trader.slices.optimize.walks import rows_of, walk
        from gpt_trader.trading.forward import cut
        from gpt_trader.trading.stretches import account_of

        bars = bars_of(params.bars, params.data_provenance)
        seen, decided = divided(bars, params.holdout)
        plan = plan_of(params, self._strategies, seen)
        teller = _teller(ctx, params.folds + 1)
        with crew_of(params, plan, self._clusters, ctx) as crew:
            walks = walk(plan, params, seen, crew, ctx, told=teller)
            last = seen if params.window == "anchored" else cut(seen, walks[-1].fold.train[0], None)
            found = hunt(plan, last, crew, ctx, part=0, told=teller)
        stretches = [w.stretch for w in walks]
        base = proof.baseline(plan, self._strategies, seen, walks[0].fold.test[0])
        outputs = outputs_of(plan, found, bars, self._strategies, decided) | account_of(
            stretches, base, params.baseline
        )
        outputs["walks"] = rows_of(plan, walks)
        outputs["score"] = outputs["metrics"]["sharpe"] or 0.0
        outputs["beats_baseline"] = beats(outputs["metrics"], outputs["baseline_metrics"])
        self._note(ctx, outputs)
        return Walked(**outputs)

    def _note(self, ctx: StepContext, outputs: dict[str, Any]) -> None:
        names = ("best", "tried", "deflated_sharpe", "score")
        ctx.record("optimize.finished", {name: outputs[name] for name in names})


def _teller(ctx: StepContext, parts: int) -> Told:
    """Show how far the search is, and the best so far."""

    def told(plan: Plan, part: int, trials: Trials, total: int) -> None:
        best = plan.judge.ranking(trials)[:1]
        words = f"search {part or parts} of {parts}, " if parts > 1 else ""
        if best:
            name = plan.judge.objectives[0]
            chosen = " ".join(f"{k}={column[best[0]]}" for k, column in trials.sets.items())
            words += f"best {name} {trials.figures[name][best[0]]:.4g} with {chosen}, "
        ctx.progress(len(trials), total, f"{words}trial")

    return told
