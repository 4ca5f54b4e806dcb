"""The choice: scores within the present regime, a walk-forward check of the way of choosing, and a confidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import BadData, NoBars
from gpt_trader.core.frames import ns_of
from gpt_trader.core.metrics import observed_periods, sharpe
from gpt_trader.core.significance import deflated_sharpe
from gpt_trader.slices.ml_strategy.candidates import Candidate, Past, past_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.slices.ml_strategy.params import PredictParams

    Floats = NDArray[np.float64]

LEAST = 40
"""With fewer bars than this before the decision nothing is compared: the baseline is taken."""


@dataclass(frozen=True, slots=True)
class Scored:
    """All candidates over one symbol's past; `inside` marks the returns that count, the baseline is the last one."""

    symbol: str
    label: str
    inside: NDArray[np.bool_]
    narrowed: bool
    periods: float
    candidates: Sequence[Candidate]
    pasts: Sequence[Past]

    def score(self, at: int, rows: NDArray[np.bool_] | None = None) -> float:
        """The Sharpe ratio of a candidate over the returns that count, or those of them that are asked for."""
        past = self.pasts[at]
        if past.failed:
            return -math.inf
        returns = past.returns[self.inside if rows is None else rows]
        value = sharpe(returns, periods=self.periods)
        return value if math.isfinite(value) else 0.0

    @property
    def best(self) -> int | None:
        """The place of the best candidate that is not the baseline; the first of equals."""
        alive = [i for i in range(len(self.pasts) - 1) if not self.pasts[i].failed]
        return max(alive, key=lambda i: (self.score(i), -i), default=None)

    def rows(self) -> list[dict[str, Any]]:
        """One row for each candidate: what was tried, how it did, and why it could not be judged."""
        every = np.ones(len(self.inside), dtype=np.bool_)
        return [
            {
                "strategy": c.spec.name,
                "params": dict(c.spec.params),
                "baseline": c.baseline,
                "sharpe_in_regime": None if p.failed else self.score(i),
                "sharpe": None if p.failed else self.score(i, every),
                "trades": p.trades,
                "failed": p.failed,
            }
            for i, (c, p) in enumerate(zip(self.candidates, self.pasts, strict=True))
        ]


def decision_time(bars: Sequence[Bars], share: float) -> int:
    """The moment of decision: the opening of the first bar after this share of all moments."""
    moments = np.unique(np.concatenate([b.ts for b in bars]))
    at = int(len(moments) * share)
    if at < 1 or len(moments) - at < 2:
        raise NoBars(f"{len(moments)} bars cannot be divided for choosing and testing", hint="widen the range")
    return int(moments[at])


def labels_of(regimes: pd.DataFrame, bars: Bars) -> NDArray[np.object_]:
    """The label of each bar, as known at its close."""
    mine = regimes[regimes["symbol"] == bars.symbol]
    ts = ns_of(mine["time"])
    at = np.searchsorted(ts, bars.ts)
    if len(bars) and (at[-1] >= len(ts) or not np.array_equal(ts[at], bars.ts)):
        raise BadData(f"there is no regime for every bar of {bars.symbol}", hint="detect regimes on the same bars")
    return mine["label"].to_numpy(dtype=object)[at]


def scored(
    bars: Bars,
    labels: NDArray[np.object_],
    candidates: Sequence[Candidate],
    params: PredictParams,
    *,
    check: Callable[[], None],
) -> Scored:
    """Let every candidate trade the past; what counts are the bars that began in the regime of the decision."""
    pasts = []
    for candidate in candidates:
        check()
        short = len(bars) < LEAST
        pasts.append(
            Past(np.zeros(0), 0, f"only {len(bars)} of the {LEAST} bars that are needed")
            if short
            else past_of(candidate, bars, params)
        )
    label = str(labels[-1]) if len(labels) else "unknown"
    inside = np.asarray(labels[:-1] == label, dtype=np.bool_)
    narrowed = bool(inside.sum() >= params.fewest)
    return Scored(
        symbol=bars.symbol,
        label=label,
        inside=inside if narrowed else np.ones(len(inside), dtype=np.bool_),
        narrowed=narrowed,
        periods=observed_periods(bars.ts) if len(bars) > 1 else math.nan,
        candidates=candidates,
        pasts=pasts,
    )


def choose(found: Scored, params: PredictParams) -> dict[str, Any]:
    """The best candidate if it beat the baseline both in the past and walking forward; else the baseline, and why."""
    base, best = len(found.pasts) - 1, found.best
    if best is None or found.pasts[base].failed:
        why = found.pasts[base].failed or "no candidate could be judged"
        return _chosen(found, base, beats=False, confidence=0.0, why=f"{why}: the baseline is taken")
    ahead = walked(found, params.folds)
    edge, forward = found.score(best) - found.score(base), ahead[0] - ahead[1]
    beats = edge > 0 and forward > 0
    where = f"in the regime '{found.label}'" if found.narrowed else "over all bars, as the regime is too rare"
    name = found.candidates[best].label
    why = (
        f"{name} had a Sharpe ratio of {found.score(best):.2f} {where}, {params.baseline} {found.score(base):.2f}; "
        f"choosing each time on the past alone gave {ahead[0]:.2f} against {ahead[1]:.2f}: "
        + ("it beat the baseline" if beats else f"it did not beat the baseline, so {params.baseline} is taken")
    )
    lead = confidence_of(found, best)
    return _chosen(found, best if beats else base, beats=beats, confidence=lead if beats else 1 - lead, why=why)


def walked(found: Scored, folds: int) -> tuple[float, float]:
    """The Sharpe ratio of choosing on the folds before and trading the next, and the baseline's over the same bars."""
    bounds = np.linspace(0, len(found.inside), folds + 1).astype(np.int64)
    place = np.arange(len(found.inside))
    base = len(found.pasts) - 1
    alive = [i for i in range(base) if not found.pasts[i].failed]
    mine, theirs = [], []
    for first, end in pairwise(bounds[1:].tolist()):
        before, after = found.inside & (place < first), found.inside & (place >= first) & (place < end)
        best = max(alive, key=lambda i: (found.score(i, before), -i))
        mine.append(found.pasts[best].returns[after])
        theirs.append(found.pasts[base].returns[after])
    values = [sharpe(np.concatenate(part), periods=found.periods) for part in (mine, theirs)]
    ours, others = (value if math.isfinite(value) else 0.0 for value in values)
    return ours, others


def confidence_of(found: Scored, best: int) -> float:
    """The probability that the best candidate's lead over the baseline is skill, the number of tries considered."""
    base = found.pasts[-1].returns
    leads = [(p.returns - base)[found.inside] for p in found.pasts[:-1] if not p.failed]
    ratios = np.array([float(x.mean() / x.std(ddof=1)) if len(x) > 1 and np.ptp(x) > 0 else 0.0 for x in leads])
    value = deflated_sharpe((found.pasts[best].returns - base)[found.inside], trial_sharpes=ratios)
    return value if math.isfinite(value) else 0.0


def _chosen(found: Scored, at: int, *, beats: bool, confidence: float, why: str) -> dict[str, Any]:
    spec = found.candidates[at].spec
    return {
        "strategy": spec.name,
        "params": dict(spec.params),
        "regime": found.label,
        "confidence": confidence,
        "beats_baseline": beats,
        "bars_compared": int(found.inside.sum()),
        "why": why,
    }
