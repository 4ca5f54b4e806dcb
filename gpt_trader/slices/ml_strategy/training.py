"""From bars to a stored model: samples, the judgement, the fit on all of them, and where it all comes from."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import BadData, NoBars
from gpt_trader.core.extras import needed
from gpt_trader.core.metrics import observed_periods
from gpt_trader.slices.ml_strategy import stored
from gpt_trader.slices.ml_strategy.candidates import candidates_of
from gpt_trader.slices.ml_strategy.choice import labels_of
from gpt_trader.slices.ml_strategy.drifting import reference_of
from gpt_trader.slices.ml_strategy.features import FEATURES, REACH
from gpt_trader.slices.ml_strategy.judging import judged
from gpt_trader.slices.ml_strategy.learners import learned
from gpt_trader.slices.ml_strategy.samples import History, history_of, samples_of
from gpt_trader.trading.provenance import data_of, source_hash

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.ml_strategy.candidates import Candidate
    from gpt_trader.slices.ml_strategy.params import TrainParams

DATA = {"bars", "regimes", "data_provenance"}


def trained(
    pasts: Sequence[Bars],
    params: TrainParams,
    catalog: StrategyCatalog,
    *,
    until: int,
    check: Callable[[], None],
    progress: Callable[[float, float, str], None],
) -> stored.StoredModel:
    """The model of these bars, all of them from before a moment."""
    needed("sklearn", extra="ml", what="ml_strategy.train")
    candidates = candidates_of(params.strategies, catalog, baseline=params.baseline)
    usable = [past for past in pasts if len(past) > REACH + params.horizon]
    if not usable:
        raise NoBars(
            f"no symbol has more than {REACH + params.horizon} bars to learn from",
            hint="widen the range, or raise `train`",
        )
    timeframe = _same_timeframe(usable)
    histories = []
    for done, past in enumerate(usable):
        progress(done, len(usable) + 1, past.symbol)
        histories.append(history_of(past, labels_of(params.regimes, past), candidates, params, check=check))
    progress(len(usable), len(usable) + 1, "folds")
    samples = samples_of(histories, params)
    periods = observed_periods(max((h.bars.ts for h in histories), key=len))
    judgement = judged(samples, candidates, params, periods=periods, check=check)
    return stored.StoredModel(
        features=list(FEATURES),
        learner=learned(samples.rows, samples.best, params),
        candidates=[_named(c) for c in candidates],
        baseline=len(candidates) - 1,
        timeframe=timeframe,
        horizon=params.horizon,
        trained_until=until,
        drift=reference_of([h.rows[np.isfinite(h.rows).all(axis=1)] for h in histories], params.drift_bars),
        training=judgement | {"failed": _failures(histories, candidates)},
        provenance=_provenance(usable, params),
    )


def _same_timeframe(bars: Sequence[Bars]) -> str:
    found = sorted({str(b.timeframe) for b in bars})
    if len(found) > 1:
        raise BadData(f"one model cannot learn from bars of {' and '.join(found)}", hint="train one for each")
    return found[0]


def _named(candidate: Candidate) -> stored.Candidate:
    spec = candidate.spec
    return stored.Candidate(strategy=spec.name, params=dict(spec.params), source=source_hash(spec.make))


def _failures(histories: Sequence[History], candidates: Sequence[Candidate]) -> list[dict[str, str]]:
    return [
        {"symbol": history.bars.symbol, "strategy": candidate.label, "failed": why}
        for history in histories
        for candidate, why in zip(candidates, history.failed, strict=True)
        if why
    ]


def _provenance(bars: Sequence[Bars], params: TrainParams) -> dict[str, Any]:
    packages = ("gpt-trader", "numpy", "pandas", "scikit-learn")
    return {
        "data": [data_of(b) for b in bars],
        "params": params.model_dump(mode="json", exclude=DATA),
        "seed": params.seed,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }
