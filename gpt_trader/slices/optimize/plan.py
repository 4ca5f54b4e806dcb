"""The plan of a search: the params checked against the strategy, and every `auto` decided before the first trial."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError as Invalid

from gpt_trader.core.errors import ConfigError, GptTraderError, NoBars, UsageError, ValidationError, did_you_mean
from gpt_trader.core.faults import fault_of
from gpt_trader.slices.optimize.conditions import Condition, conditions_of
from gpt_trader.slices.optimize.fits import fitting_rows
from gpt_trader.slices.optimize.job import FIGURES, SWEPT, Job
from gpt_trader.slices.optimize.judge import Judge
from gpt_trader.slices.optimize.samplers import Fits, Learned, Sampler, Space, at_random, grid
from gpt_trader.slices.optimize.source import Source
from gpt_trader.slices.optimize.space import axes_of, count_of, size_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.optimize.params import SearchParams

SMALL = {"kernel": 100_000, "desk": 1_000}
"""A grid of so many sets is tried whole where nobody named a sampler."""
RUNGS = (0.25, 0.5, 0.75)
PROBE, DRAWN = 64, 64
"""So many bars, and so many sets to find one that fits, are enough to see whether the kernel takes it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A search that is ready to go: what is tried on what, how it is judged, and by which engine."""

    params: SearchParams
    space: Space
    judge: Judge
    engine: str
    sampling: str
    make: Any
    together: bool

    def job(self, bars: Sequence[Bars], *, engine: str | None = None, threads: int = 1) -> Job:
        """The job of trying sets on these bars."""
        p, source = self.params, Source.of(self.make)
        return Job(
            source=source if source.portable else self.make,
            name=p.strategy,
            bars=tuple(bars),
            engine=engine or self.engine,
            objective=self.judge.objectives[0],
            fixed=p.fixed,
            together=self.together,
            cash=p.cash,
            fee=p.fee,
            slippage=p.slippage,
            spread=p.spread,
            rungs=RUNGS if p.prune and engine is None else (),
            threads=threads,
        )

    def sampler(self) -> Sampler:
        """A sampler at its beginning."""
        p, batch = self.params, self.params.batch if self.params.prune else None
        if self.sampling == "grid":
            return grid(self.space, batch=batch)
        if self.sampling == "random":
            return at_random(self.space, p.trials, seed=p.seed, batch=batch)
        return Learned(self.space, trials=p.trials, batch=p.batch, seed=p.seed, teller=self.judge)

    def words(self) -> dict[str, Any]:
        """What one needs to know to search the same again."""
        p = self.params
        return {
            "strategy": p.strategy,
            "space": dict(p.space),
            "fixed": dict(p.fixed),
            "objectives": list(self.judge.objectives),
            "constraints": list(p.constraints),
            "sampler": self.sampling,
            "engine": self.engine,
            "seed": p.seed,
            "trials": p.trials,
            "batch": p.batch,
            "prune": p.prune,
            "costs": {"fee": p.fee, "slippage": p.slippage, "spread": p.spread},
            "cash": p.cash,
        }


def plan_of(params: SearchParams, catalog: StrategyCatalog, bars: Sequence[Bars]) -> Plan:
    """The plan for these params, or an error that names what is wrong."""
    make = catalog[params.strategy]
    model, axes = getattr(make, "Params", None), axes_of(params.space)
    names = list(model.model_fields) if model is not None else [a.name for a in axes]
    for name in (*params.space, *params.fixed):
        if name not in names:
            raise ValidationError(f"{params.strategy} has no parameter '{name}'", hint=did_you_mean(name, names))
    if both := sorted(set(params.space) & set(params.fixed)):
        raise ValidationError(f"'{both[0]}' is both searched and fixed", hint="name it in `space` or in `fixed`")
    for name in params.objectives:
        if name not in FIGURES:
            raise ValidationError(f"there is no figure '{name}'", hint=did_you_mean(name, FIGURES))
    defaults = _defaults(model) | dict(params.fixed)
    written = conditions_of(params.constraints, {*FIGURES, *defaults, *params.space})
    on_figures = tuple(c for c in written if set(c.names) & set(FIGURES))
    fits, why = _checks(model)
    fixed = {k: v for k, v in defaults.items() if k not in params.space and k in {n for c in written for n in c.names}}
    space = Space(axes, tuple(c for c in written if c not in on_figures), {**fixed, **params.fixed}, fits, why)
    together = len(bars) > 1 and not make.per_symbol
    engine = _engine(params, make, space, on_figures, bars=bars, together=together)
    sampling = params.sampler if params.sampler != "auto" else _sampling(space, engine)
    if params.prune and len(params.objectives) > 1:
        raise UsageError("trials can be ended early for one objective only", hint="leave prune or objectives out")
    judge = Judge(tuple(dict.fromkeys(params.objectives)), on_figures)
    return Plan(params, space, judge, engine, sampling, make, together)


def _defaults(model: type[BaseModel] | None) -> dict[str, Any]:
    fields = {} if model is None else model.model_fields
    return {name: field.default for name, field in fields.items() if not field.is_required()}


def _checks(model: type[BaseModel] | None) -> tuple[Fits, Callable[[Mapping[str, Any]], str]]:
    """Which sets a strategy takes, and why it does not take one."""
    if model is None:
        return (lambda sets, _: list(range(count_of(sets)))), (lambda _: "")

    def why(params: Mapping[str, Any]) -> str:
        try:
            model.model_validate(dict(params))
        except Invalid as wrong:
            return f"{dict(params)}: {fault_of(wrong.errors()[0])}"
        return ""

    return partial(fitting_rows, model), why


def _sampling(space: Space, engine: str) -> str:
    return "grid" if size_of(space.axes) <= SMALL[engine] else "tpe"


def _engine(
    params: SearchParams,
    make: Any,
    space: Space,
    conditions: Sequence[Condition],
    *,
    bars: Sequence[Bars],
    together: bool,
) -> str:
    """The kernel where it knows all that is asked of it; else the desk, or why the kernel that was asked for cannot."""
    from gpt_trader.trading.kernel import has_prices

    asked = {*params.objectives, *(n for c in conditions for n in c.names if n in FIGURES)}
    reasons = {
        f"{params.strategy} offers no targets": not hasattr(make, "targets"),
        f"it does not know {', '.join(sorted(asked - set(SWEPT)))}": bool(asked - set(SWEPT)),
        "it ends no trial early": params.prune,
        "the strategy wants to see all symbols together": together,
        "there are bars without a price": not all(has_prices(b) for b in bars),
    }
    why = next((reason for reason, there in reasons.items() if there), "")
    if params.engine == "desk" or (params.engine == "auto" and (why or find_spec("llvmlite") is None)):
        return "desk"
    if why:
        raise ConfigError(f"the kernel cannot search this: {why}", hint="engine: desk")
    try:
        _probe(params, make, space, bars)
    except GptTraderError:
        if params.engine == "kernel":
            raise
        return "desk"
    return "kernel"


def _probe(params: SearchParams, make: Any, space: Space, bars: Sequence[Bars]) -> None:
    """Let the kernel try one set on a few bars."""
    from gpt_trader.slices.optimize.engines import evaluate

    sets = space.checked(_corner(space))
    short = bars[0][:PROBE]
    if len(short) < 3:
        raise NoBars(f"{bars[0].symbol} has too few bars for a search", hint="widen the range")
    job = Job(source=make, name=params.strategy, bars=(short,), engine="kernel", objective="sharpe", fixed=params.fixed)
    evaluate(job, {name: column[:1] for name, column in sets.items()})


def _corner(space: Space) -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    return {axis.name: axis.draw(rng, DRAWN) for axis in space.axes}


def threads_of(engine: str) -> int:
    """How many threads a job may use here."""
    return (os.cpu_count() or 1) if engine == "kernel" else 1
