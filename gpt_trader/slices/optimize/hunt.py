"""One search from its plan to its outputs: trials, the choice among them, and how the choice did elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import UsageError, ValidationError
from gpt_trader.core.market import time_of
from gpt_trader.slices.optimize import proof
from gpt_trader.slices.optimize.drive import Crew, Drive, Ears
from gpt_trader.slices.optimize.insight import METHOD, heatmap_of, importance_of
from gpt_trader.slices.optimize.log import TrialLog, place_of
from gpt_trader.slices.optimize.plan import threads_of
from gpt_trader.slices.optimize.source import Source
from gpt_trader.slices.optimize.space import set_at
from gpt_trader.trading.forward import cut, known, moments_of
from gpt_trader.trading.stretches import told_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.context import StepContext
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.optimize.params import SearchParams
    from gpt_trader.slices.optimize.plan import Plan
    from gpt_trader.slices.optimize.trials import Trials
    from gpt_trader.trading.forward import Stretch

Clusters = Callable[[str], AbstractContextManager[tuple[Executor, int]]]
"""Connects to a cluster by its address: an executor, and how many jobs it does at once."""


Told = Callable[["Plan", int, "Trials", int], None]
"""Hears of the trials of a part of the work, and how many there will be."""


@dataclass(frozen=True, slots=True)
class Found:
    """The trials of one search over some bars, and the choice among them."""

    trials: Trials
    ranking: list[int]
    choice: proof.Choice
    bars: list[Bars]


@contextmanager
def crew_of(params: SearchParams, plan: Plan, clusters: Clusters, ctx: StepContext) -> Iterator[Crew]:
    """Who does the jobs of a search."""
    if params.cluster:
        with clusters(params.cluster) as (executor, width):
            yield Crew(executor, width)
        return
    width = os.cpu_count() or 1
    if params.executor == "processes":
        if not Source.of(plan.make).portable:
            raise UsageError(f"another process cannot load {params.strategy}", hint="write it in a file of its own")
        yield Crew(ctx.executor, width)
    elif params.executor == "auto" and plan.engine == "desk" and width > 1:
        yield Crew(ctx.executor, width, auto=True)
    else:
        yield Crew()


def hunt(plan: Plan, bars: Sequence[Bars], crew: Crew, ctx: StepContext, *, part: int, told: Told) -> Found:
    """Search over these bars; what was found before a crash is not tried again."""
    threads = threads_of(plan.engine) if crew.executor is None else 1
    job = plan.job(bars, threads=threads)
    ears = Ears(
        lambda past: plan.judge.bounds(past, len(job.rungs)), lambda trials, total: told(plan, part, trials, total)
    )
    head = {"search": plan.words(), "part": part, "data": [b.content_hash for b in bars]}
    with TrialLog(place_of(ctx.artifacts, ctx.key, part), head) as log:
        trials = Drive(job, plan.sampler(), log, crew=crew, ears=ears, ctx=ctx).run()
    ranking = plan.judge.ranking(trials)
    if not ranking:
        raise ValidationError(_nothing(plan, trials), hint="widen the space, or loosen the constraints")
    return Found(trials, ranking, proof.choose(plan, trials, ranking, bars), list(bars))


def _nothing(plan: Plan, trials: Trials) -> str:
    errors = list(trials.errors.values())
    if len(errors) == len(trials):
        return f"every one of {len(trials)} trials failed, the first with: {errors[0]}"
    if not trials.figure("trades").any():
        return (
            f"{plan.params.strategy} closed no trade with any of {len(trials)} sets, so there is nothing to choose by"
        )
    return f"none of {len(trials)} sets keeps the constraints and has a defined {', '.join(plan.judge.objectives)}"


def divided(bars: Sequence[Bars], holdout: float) -> tuple[list[Bars], int | None]:
    """The bars that a search may see, and the first moment that it may not."""
    if holdout == 0.0:
        return cut(bars, None, None), None
    moments = moments_of(bars)
    at = min(int(len(moments) * (1.0 - holdout)), len(moments) - 1)
    start = int(moments[at])
    return cut(bars, None, start), start


def outputs_of(
    plan: Plan, found: Found, bars: Sequence[Bars], catalog: StrategyCatalog, decided: int | None
) -> dict[str, Any]:
    """Every output of a search by its name."""
    trials, choice = found.trials, found.choice
    report, skill = choice.report, proof.luck(plan, trials, choice.report)
    after = None if decided is None else proof.ahead(plan, choice.params, bars, decided, cash=plan.params.cash)
    base = None if decided is None else proof.baseline(plan, catalog, bars, decided)
    outside = outside_of(after, base, plan.params.baseline)
    importance = importance_of(plan, trials)
    return {
        "selection": {b.symbol: selection_of(plan, found, skill, outside) for b in bars},
        "selection_method": method_of(plan, trials),
        "decided_at": "" if decided is None else time_of(decided).isoformat(),
        "score": outside.get("sharpe") or 0.0,
        "beats_baseline": beats(outside, outside.get("baseline", {})),
        "best": {
            "number": choice.number,
            "params": choice.params,
            "figures": known(choice.figures),
            "desk_agrees": choice.agrees,
        },
        "front": [_row(trials, at) for at in plan.judge.front(trials)],
        "in_sample": known({n: report.metrics[n] for n in IN_SAMPLE}),
        "out_of_sample": outside,
        "deflated_sharpe": skill,
        "importance": importance,
        "heatmap": heatmap_of(plan, trials, importance),
        "tried": counts_of(plan, trials),
        "trial_table": trials.frame(plan.judge.breaks(trials)),
        "search": plan.words() | {"importance": METHOD, **report.provenance},
    }


IN_SAMPLE = (
    "total_return", "annual_return", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "trades", "win_rate",
    "profit_factor", "expectancy",
)  # fmt: skip


def outside_of(after: Stretch | None, base: Stretch | None, name: str) -> dict[str, Any]:
    """The figures on the bars that were held back, and the baseline's."""
    if after is None:
        return {}
    span = {"from": time_of(int(after.times[0])).isoformat(), "to": time_of(int(after.times[-1])).isoformat()}
    return {**told_of(after), **span, "bars": len(after.times), "baseline": {"name": name, **told_of(base)}}


def beats(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether one Sharpe ratio is above the other; one that is not defined is above none, and below any."""
    mine, other = ours.get("sharpe"), theirs.get("sharpe")
    return mine is not None and (other is None or mine > other)


def selection_of(plan: Plan, found: Found, skill: float | None, outside: dict[str, Any]) -> dict[str, Any]:
    """The choice as later steps take it."""
    return {
        "strategy": plan.params.strategy,
        "params": {**plan.params.fixed, **found.choice.params},
        "confidence": skill or 0.0,
        "beats_baseline": beats(outside, outside.get("baseline", {})),
        "why": _why(plan, found, skill, outside),
    }


def _why(plan: Plan, found: Found, skill: float | None, outside: dict[str, Any]) -> str:
    first, words = plan.judge.objectives[0], " ".join(f"{k}={v}" for k, v in found.choice.params.items())
    text = (
        f"{plan.params.strategy} {words} was the best of {len(found.trials):,} sets by {first}, "
        f"{found.choice.figures[first]:.4g} where the search looked"
    )
    if skill is not None:
        text += f"; with so many tries that is skill with a probability of {skill:.1%}"
    if outside.get("sharpe") is not None:
        theirs = outside["baseline"].get("sharpe")
        text += f"; on the bars held back its Sharpe ratio was {outside['sharpe']:.2f}"
        text += f", that of {plan.params.baseline} {theirs:.2f}" if theirs is not None else ""
    return text


def method_of(plan: Plan, trials: Trials) -> str:
    """How the choice was made, in words."""
    how = {"grid": "all sets of a grid", "random": "sets at random", "tpe": "a tree of Parzen estimators"}[
        plan.sampling
    ]
    return f"the best of {len(trials):,} trials ({how}, {plan.engine}) by {', '.join(plan.judge.objectives)}"


def counts_of(plan: Plan, trials: Trials) -> dict[str, int]:
    """How many trials there were, and how they ended."""
    states = trials.states()
    allowed = int((plan.judge.breaks(trials) == 0.0).sum())
    return {
        "trials": len(trials),
        "done": states.count("done"),
        "ended_early": states.count("ended early"),
        "failed": states.count("failed"),
        "allowed": allowed,
    }


def _row(trials: Trials, at: int) -> dict[str, Any]:
    figures = {name: column[at] for name, column in trials.figures.items()}
    return {"number": trials.numbers[at], "params": set_at(trials.sets, at), "figures": known(figures)}
