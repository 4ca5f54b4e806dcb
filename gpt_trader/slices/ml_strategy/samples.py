"""Samples to learn from: what was seen at a bar, and which candidate did best over the bars after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.core.errors import NoBars
from gpt_trader.slices.ml_strategy.candidates import Candidate, past_of
from gpt_trader.slices.ml_strategy.features import FEATURES, REACH, features_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.ml_strategy.params import TrainParams

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

RUIN = -0.999
"""An account that lost all has no logarithm; this one has."""


@dataclass(frozen=True, slots=True)
class History:
    """One symbol's past: its bars, what was seen at each, and each candidate's growth up to it, as a logarithm."""

    bars: Bars
    rows: Floats
    growth: Floats
    failed: Sequence[str]


@dataclass(frozen=True, slots=True)
class Samples:
    """Columns of samples: the symbol's number, when they start and end, what was seen, what came of each candidate."""

    symbol: Places
    starts: Places
    ends: Places
    rows: Floats
    outcomes: Floats
    ahead: Floats
    best: Places


def history_of(
    past: Bars,
    labels: NDArray[np.object_],
    candidates: Sequence[Candidate],
    params: TrainParams,
    *,
    check: Callable[[], None],
) -> History:
    """Let every candidate trade one symbol's past; one that fails is never the best."""
    growth, failed = np.zeros((len(candidates), len(past))), []
    for at, candidate in enumerate(candidates):
        check()
        found = past_of(candidate, past, params)
        failed.append(found.failed)
        if not found.failed:
            growth[at] = np.concatenate(([0.0], np.cumsum(np.log1p(np.maximum(found.returns, RUIN)))))
    return History(past, features_of(past, labels), growth, failed)


def samples_of(histories: Sequence[History], params: TrainParams) -> Samples:
    """The samples of all symbols; their times are counted in the bars of all of them together."""
    moments = np.unique(np.concatenate([h.bars.ts for h in histories]))
    parts = [_of_one(number, history, moments, params) for number, history in enumerate(histories)]
    found = Samples(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Samples)))
    if len(found.starts) == 0:
        why = next((h.failed[-1] for h in histories if h.failed[-1]), "")
        raise NoBars(
            "there is no sample to learn from" + (f", as the baseline failed: {why}" if why else ""),
            hint="name another baseline" if why else f"give more than {REACH + params.horizon} bars",
        )
    return found


def _of_one(number: int, history: History, moments: Places, params: TrainParams) -> Samples:
    seen = np.asarray(np.isfinite(history.rows).all(axis=1))
    last = len(history.bars) - 1
    at = np.arange(REACH - 1, max(last - params.horizon + 1, 0), params.every, dtype=np.int64)
    at = at[seen[at]] if len(at) else at
    baseline = len(history.growth) - 1
    alive = np.array([not failed for failed in history.failed])
    if not alive[baseline]:
        at = at[:0]
    ends = at + params.horizon, np.minimum(at + params.every, last)
    grown = [(history.growth[:, end] - history.growth[:, at]).T for end in ends]
    outcomes, ahead = (np.where(alive[None], rows, -np.inf) for rows in grown)
    order = np.array([baseline, *range(baseline)])  # of equals the baseline is the best
    return Samples(
        symbol=np.full(len(at), number, dtype=np.int64),
        starts=np.searchsorted(moments, history.bars.ts[at]),
        ends=np.searchsorted(moments, history.bars.ts[at + params.horizon]),
        rows=history.rows[at].reshape(len(at), len(FEATURES)),
        outcomes=outcomes,
        ahead=ahead,
        best=order[np.argmax(outcomes[:, order], axis=1)] if len(at) else at,
    )
